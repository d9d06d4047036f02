/*
 * What a generated file of the stub matrix consists of: functions with their
 * stubs, and how each is called.
 */
#ifndef KILN_TESTS_STUB_HARNESS_H
#define KILN_TESTS_STUB_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_class { VOID, INT, FLOAT, STRUCT };

struct scalar {
	uint8_t off, size;
};

struct value {
	uint8_t cls, is_signed, is_bool, nscalar;
	uint16_t size, nwords;
	const struct scalar *scalar; /* of a STRUCT, all of it */
};

struct func {
	const char *text; /* its prototype */
	uint32_t nparam;
	const struct value *param;
	struct value ret;
	const uint8_t *stub;
	uint32_t size, call, jump, lits;
	void (*callee)(void);
	/* Calls it with the values at arg[]; what it returns goes to ret. */
	void (*caller)(void *const *arg, void *ret);
};

extern const struct func funcs[];
extern const uint32_t nfuncs;

/* The assembly part. */
void entry(void); /* as the function: goes through its stub */

/* Parameter k of the callee has these bytes. */
void record(uint32_t k, const void *p, size_t size);
/* What the callee returns. */
extern uint8_t result[64];

#endif
