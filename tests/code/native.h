/* IR functions as native code in memory, through the whole back end. */
#ifndef KILN_TESTS_CODE_NATIVE_H
#define KILN_TESTS_CODE_NATIVE_H

#include "ir/module.h"
#include "ir/target.h"
#include "tests/code/interp.h"

struct native_opts {
	u64 mask;		/* registers, 0: all */
	u64 features;		/* target's */
	FILE *dump;		/* IR after legalisation and MIR, or NULL */
	const struct sym *syms; /* NULL: those of the world */
};

struct native {
	struct unit_fn unit;
	u8 *map; /* the code, relocated */
	u64 (*run)(u64, u64, u64, u64, u64);
};

enum { WORLD_SYMS = 4, WORLD_DATA = 256 };

/* The symbols of tests, by number:
 *   0 bytes of this object   1 function of this object
 *   2 bytes elsewhere        3 function elsewhere
 * They are the same for all native code of the process. */
const struct world *native_world(void);
/* By name: data, near, fardata, far. */
const struct sym *native_sym(const char *name, size_t len);

/* f -> bytes, without running anything. */
void native_compile(struct fn *f, const struct native_opts *o, struct arena *a,
	struct unit_fn *out);
void native_load(struct native *n);

#endif
