/* AAPCS64 6.1.1: x19 to x28 and x29 belong to the caller. */
#include "native_call.h"

enum { SAVED = 11 };

/*
 * saved[] comes in with values for x19 to x29 and goes out with what the
 * function left in them; the return value is its x0.
 */
u64 native_call_asm(
	uint64_t (*fn)(uint64_t, uint64_t), u64 r1, u64 r2, u64 saved[SAVED]);

__asm__(".text\n"
	".globl native_call_asm\n"
	".hidden native_call_asm\n"
	".type native_call_asm, %function\n"
	"native_call_asm:\n"
	"	hint #34\n" /* bti c */
	"	stp x29, x30, [sp, #-112]!\n"
	"	stp x19, x20, [sp, #16]\n"
	"	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n"
	"	stp x25, x26, [sp, #64]\n"
	"	stp x27, x28, [sp, #80]\n"
	"	str x3, [sp, #96]\n"
	"	mov x9, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	ldp x19, x20, [x3, #0]\n"
	"	ldp x21, x22, [x3, #16]\n"
	"	ldp x23, x24, [x3, #32]\n"
	"	ldp x25, x26, [x3, #48]\n"
	"	ldp x27, x28, [x3, #64]\n"
	"	ldr x29, [x3, #80]\n"
	"	blr x9\n"
	"	ldr x3, [sp, #96]\n"
	"	stp x19, x20, [x3, #0]\n"
	"	stp x21, x22, [x3, #16]\n"
	"	stp x23, x24, [x3, #32]\n"
	"	stp x25, x26, [x3, #48]\n"
	"	stp x27, x28, [x3, #64]\n"
	"	str x29, [x3, #80]\n"
	"	ldp x19, x20, [sp, #16]\n"
	"	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n"
	"	ldp x27, x28, [sp, #80]\n"
	"	ldp x29, x30, [sp], #112\n"
	"	ret\n"
	".size native_call_asm, . - native_call_asm\n");

const char *native_call(
	uint64_t (*fn)(uint64_t, uint64_t), u64 r1, u64 r2, u64 *r0)
{
	static const char *const broken[SAVED] = {"destroys x19",
		"destroys x20", "destroys x21", "destroys x22", "destroys x23",
		"destroys x24", "destroys x25", "destroys x26", "destroys x27",
		"destroys x28", "destroys x29"};
	u64 saved[SAVED];

	for (u64 k = 0; k < SAVED; k++)
		saved[k] = 0x5a5a000000000000 + k;
	*r0 = native_call_asm(fn, r1, r2, saved);
	for (u64 k = 0; k < SAVED; k++)
		if (saved[k] != 0x5a5a000000000000 + k)
			return broken[k];
	return NULL;
}
