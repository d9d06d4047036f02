/*
 * An interpreter for IR functions, for tests: what a function does to the
 * world must be the same before and after a pass.
 */
#ifndef KILN_TESTS_IR_EVAL_H
#define KILN_TESTS_IR_EVAL_H

#include "ir/ir.h"

/* What the world can see. Two runs with the same parameters and seed must
 * agree in all of it, unless one ran out of steps. */
struct eval_result {
	u64 value;  /* of RET; the low half only if the function returns_i32 */
	u64 memory; /* hash of all bytes outside the own frame */
	u64 trace;  /* hash of calls and barriers with what they could see */
	bool trapped;
	bool endless; /* out of steps */
};

void eval_run(const struct fn *f, const u64 *params, u64 seed, u32 steps,
	struct eval_result *out);
bool eval_same(const struct eval_result *a, const struct eval_result *b);

/* Parameters for trial number n: corner values, and pointers to buffers that
 * lie far apart. */
void eval_params(u64 *params, u32 n, u64 seed);

u64 eval_random(u64 *state);

#endif
