/*
 * What x86-64 cannot do directly, in terms of what it can: IR -> IR.
 *
 *   MULHU of I32       the upper half of a 64-bit product
 *   x / c, x % c       multiplication and shifts (c constant, not signed)
 *   offsets            beyond 32 bits: added to the address first
 *   i = i + c          of a loop, if only the loop itself wants it: done last,
 *                      so that i is dead and its register can be taken
 *
 * Everything else select.c does itself: division is one total machine
 * operation (emit.c "Division"), constants of any size find a register,
 * fetching and, or, xor are one looping machine operation (memory.c), and the
 * memory model is strong enough for acquire and release to be moves.
 */
#include "backend-x86/x86.h"

/* ---- all --------------------------------------------------------------------------------- */

void x86_legalise(struct fn *f, const struct cg *cg)
{
	(void)cg;
	legal_all(f);
}
