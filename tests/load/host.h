/* What the host programs of this folder share. */
#ifndef KILN_TESTS_LOAD_HOST_H
#define KILN_TESTS_LOAD_HOST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/runtime.h>

#define CHECK(x)                                                       \
	do {                                                           \
		if (!(x)) {                                            \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #x); \
			exit(1);                                       \
		}                                                      \
	} while (0)

static inline struct kiln_object *opened(
	const char *file, const struct kiln_open_opts *opts)
{
	struct kiln_object *o = kiln_object_open_file(file, opts);

	CHECK(o);
	return o;
}

static inline struct kiln_object *loaded(
	const char *file, const struct kiln_open_opts *opts)
{
	struct kiln_object *o = opened(file, opts);

	CHECK(!kiln_object_load(o));
	return o;
}

static inline uint64_t run(
	struct kiln_object *o, const char *prog, uint64_t arg)
{
	struct kiln_program *p = kiln_object_find_program(o, prog);

	CHECK(p);
	return kiln_program_run(p, &arg);
}

static inline struct kiln_map *map(struct kiln_object *o, const char *name)
{
	struct kiln_map *m = kiln_object_find_map(o, name);

	CHECK(m);
	return m;
}

static inline uint64_t value(struct kiln_map *m, uint32_t key)
{
	uint64_t v;

	CHECK(!kiln_map_lookup(m, &key, &v));
	return v;
}

#endif
