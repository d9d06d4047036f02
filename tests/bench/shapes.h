/*
 * BPF programs of any size, each with the shape of one thing that makes a
 * compiler slow, as ELF objects. The same shape and size give the same bytes.
 */
#ifndef TESTS_BENCH_SHAPES_H
#define TESTS_BENCH_SHAPES_H

#include <stddef.h>
#include <stdint.h>

struct shape_code;

struct shape {
	const char *name;
	const char *what;
	void (*make)(struct shape_code *c, uint32_t slots);
};

extern const struct shape shapes[]; /* name NULL ends */

/* An XDP object of about that many slots; freed by the caller. *made: how many
 * they became. */
uint8_t *shape_object(
	const struct shape *s, uint32_t slots, uint32_t *made, size_t *size);

#endif
