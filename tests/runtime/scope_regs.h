/* Calls a function with a different number in each register that it must
 * keep; returns how many did not come back. In scope_regs_<target>.c. */
#ifndef KILN_TESTS_RUNTIME_SCOPE_REGS_H
#define KILN_TESTS_RUNTIME_SCOPE_REGS_H

int scope_regs_lost(void (*fn)(void));

#endif
