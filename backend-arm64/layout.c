/*
 * The jumps: a branch that does not reach (32 KiB for tbz, 1 MiB for b.cond
 * and cbz) is its inverse over a b, which reaches 128 MiB.
 */
#include "backend-arm64/a64.h"

static enum a64_gpr reg_of(u32 cc)
{
	return (enum a64_gpr)(cc >> 1 & 31);
}

static bool jcc_reaches(u32 cc, i64 off)
{
	return a64_reaches(off, (cc & A64_BR_KIND) == A64_BR_BIT
					? A64_REACH_TBZ
					: A64_REACH_COND);
}

static bool jmp_reaches(i64 off)
{
	(void)off; /* struct jump_target.max sees to it */
	return true;
}

static u32 branch(u32 cc, i64 off)
{
	switch (cc & A64_BR_KIND) {
	case A64_BR_ZERO: return a64_cbz(cc >> 8 & 15, cc & 1, reg_of(cc), off);
	case A64_BR_BIT: return a64_tbz(cc >> 8 & 63, cc & 1, reg_of(cc), off);
	default: return a64_bcc((enum a64_cc)cc, off);
	}
}

static u8 *put_jmp(u8 *p, bool is_long, i64 off)
{
	(void)is_long;
	put_le32(p, a64_b(off));
	return p + 4;
}

static u8 *put_jcc(u8 *p, u32 cc, bool is_long, i64 off)
{
	if (!is_long) {
		put_le32(p, branch(cc, off));
		return p + 4;
	}
	put_le32(p, branch(cc ^ 1, 8));
	return put_jmp(p + 4, true, off - 4);
}

const struct jump_target a64_jumps = {
	.hole = 12,
	.max = 1u << 27,
	.jcc_size = {4, 8},
	.jmp_size = {4, 4},
	.jcc_reaches = jcc_reaches,
	.jmp_reaches = jmp_reaches,
	.put_jcc = put_jcc,
	.put_jmp = put_jmp,
};
