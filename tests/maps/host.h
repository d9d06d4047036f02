/* What the host programs of this folder share. */
#ifndef KILN_TESTS_MAPS_HOST_H
#define KILN_TESTS_MAPS_HOST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/runtime.h>

#define CHECK(x)                                                       \
	do {                                                           \
		if (!(x)) {                                            \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #x); \
			exit(1);                                       \
		}                                                      \
	} while (0)

static struct kiln_object *obj;

/* The object that is linked in, or the file that is named. */
static inline void host_init(int argc, char **argv)
{
	if (argc < 2) {
		obj = kiln_object_self();
	} else {
		obj = kiln_object_open_file(argv[1], NULL);
		CHECK(obj && !kiln_object_load(obj));
	}
	CHECK(obj);
}

static inline uint64_t run(const char *prog, void *ctx)
{
	struct kiln_program *p = kiln_object_find_program(obj, prog);

	CHECK(p);
	return kiln_program_run(p, ctx);
}

static inline struct kiln_map *map(const char *name)
{
	struct kiln_map *m = kiln_object_find_map(obj, name);

	CHECK(m);
	return m;
}

#endif
