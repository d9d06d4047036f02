/* Random IR functions for tests and benchmarks. */
#ifndef KILN_TESTS_IR_GEN_H
#define KILN_TESTS_IR_GEN_H

#include "ir/ir.h"

struct gen_opts {
	u64 seed;
	u32 blocks;
	u32 per_block; /* about so many statements */
};

/* The same function each time for the same options. */
struct fn *gen_fn(struct arena *a, const struct gen_opts *o);

#endif
