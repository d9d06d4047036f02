/* IR functions as native code in memory, through the whole back end. */
#ifndef KILN_TESTS_CODE_NATIVE_H
#define KILN_TESTS_CODE_NATIVE_H

#include "ir/module.h"
#include "ir/target.h"
#include "tests/code/interp.h"

struct native_opts {
	const struct target *target; /* NULL: this host's */
	u64 mask;		     /* registers, 0: all */
	u64 features;		     /* target's */
	bool strict_align;
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

/* ---- native_x86.c, native_arm64.c: the host ------------------------------ */

extern const struct target *const native_target;
/* Sets of registers that are few, and awkward in some other way. */
extern const u64 native_few, native_awkward;
/* Features of native_target that this CPU has. */
u64 native_features(void);

/* Uses all arguments, and all registers that a callee may change. */
u64 native_callee(u64 a, u64 b, u64 c, u64 d, u64 e);

enum { NATIVE_STUB = 16 };
/* Code that jumps to where got says; both are near. */
void native_put_stub(u8 *stub, const u8 *got);

/* What a relocation may want, addend included where it counts. */
struct native_place {
	u8 *at;
	u64 addr, stub, got;
};
void native_apply(const struct unit_rel *r, const struct native_place *p);

#endif
