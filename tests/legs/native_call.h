/*
 * Calls native code and checks what the C calling convention promises: the
 * registers that a function must preserve, and the stack pointer.
 */
#ifndef TESTS_LEGS_NATIVE_CALL_H
#define TESTS_LEGS_NATIVE_CALL_H

#include "kiln/base.h"

/* NULL, or which promise was broken. */
const char *native_call(
	uint64_t (*fn)(uint64_t, uint64_t), u64 r1, u64 r2, u64 *r0);

#endif
