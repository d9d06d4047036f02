/*
 * IR functions on real memory: the reference that native code is compared
 * with. Written for clarity, independent of passes and back ends.
 */
#ifndef KILN_TESTS_CODE_INTERP_H
#define KILN_TESTS_CODE_INTERP_H

#include "ir/ir.h"

/* Where symbols are; functions among them take five u64 and return one. */
struct world {
	u64 addr[8];
};

/* False if it ran more than a million instructions or into TRAP. */
bool interp_run(const struct fn *f, const struct world *w, const u64 *param,
	u64 *result);

#endif
