/* The jumps: short ones of two bytes, long ones of five and six. */
#include "backend-x86/x86.h"

enum { SHORT = 2, LONG_JCC = 6, LONG_JMP = 5 };

static bool jcc_reaches(u32 cc, i64 off)
{
	(void)cc;
	return fits_i8(off - SHORT);
}

static bool jmp_reaches(i64 off)
{
	return fits_i8(off - SHORT);
}

static u8 *put_jcc(u8 *p, u32 cc, bool is_long, i64 off)
{
	if (is_long)
		return x86_jcc_rel32(p, (enum x86_cc)cc, (i32)(off - LONG_JCC));
	return x86_jcc_rel8(p, (enum x86_cc)cc, (i8)(off - SHORT));
}

static u8 *put_jmp(u8 *p, bool is_long, i64 off)
{
	if (is_long)
		return x86_jmp_rel32(p, (i32)(off - LONG_JMP));
	return x86_jmp_rel8(p, (i8)(off - SHORT));
}

const struct jump_target x86_jumps = {
	.hole = LONG_JCC + LONG_JMP,
	.max = INT32_MAX,
	.jcc_size = {SHORT, LONG_JCC},
	.jmp_size = {SHORT, LONG_JMP},
	.jcc_reaches = jcc_reaches,
	.jmp_reaches = jmp_reaches,
	.put_jcc = put_jcc,
	.put_jmp = put_jmp,
};
