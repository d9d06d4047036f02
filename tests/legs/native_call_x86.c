/* x86-64 psABI 3.2.1: rbx, rbp, r12 to r15 belong to the caller.. */
#include "native_call.h"

enum { SAVED = 6 };

/*
 * saved[] comes in with values for the registers and goes out with what the
 * function left in them; the return value is its rax.
 */
u64 native_call_asm(
	uint64_t (*fn)(uint64_t, uint64_t), u64 r1, u64 r2, u64 saved[SAVED]);

__asm__(".text\n"
	".globl native_call_asm\n"
	".hidden native_call_asm\n"
	".type native_call_asm, @function\n"
	"native_call_asm:\n"
	"	endbr64\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	push %rcx\n" /* saved; seven pushes: the stack is aligned */
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov 0(%rcx), %rbx\n"
	"	mov 8(%rcx), %rbp\n"
	"	mov 16(%rcx), %r12\n"
	"	mov 24(%rcx), %r13\n"
	"	mov 32(%rcx), %r14\n"
	"	mov 40(%rcx), %r15\n"
	"	call *%rax\n"
	"	pop %rcx\n"
	"	mov %rbx, 0(%rcx)\n"
	"	mov %rbp, 8(%rcx)\n"
	"	mov %r12, 16(%rcx)\n"
	"	mov %r13, 24(%rcx)\n"
	"	mov %r14, 32(%rcx)\n"
	"	mov %r15, 40(%rcx)\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".size native_call_asm, . - native_call_asm\n");

const char *native_call(
	uint64_t (*fn)(uint64_t, uint64_t), u64 r1, u64 r2, u64 *r0)
{
	static const char *const broken[SAVED] = {"destroys rbx",
		"destroys rbp", "destroys r12", "destroys r13", "destroys r14",
		"destroys r15"};
	u64 saved[SAVED];

	for (u64 k = 0; k < SAVED; k++)
		saved[k] = 0x5a5a000000000000 + k;
	*r0 = native_call_asm(fn, r1, r2, saved);
	for (u64 k = 0; k < SAVED; k++)
		if (saved[k] != 0x5a5a000000000000 + k)
			return broken[k];
	return NULL;
}
