/*
 * The short way of enter and leave (steps in scope_host.c), and the
 * instructions that C has no name for. Clobbers x9, x16, x17 and flags only.
 *
 * The count is loaded, changed and stored by three instructions: a signal
 * handler in between restores the value it found.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime/host.h"

// clang-format off
#define LOAD_SELF							\
	"	mrs x16, tpidr_el0\n"					\
	"	adrp x17, :gottprel:rt_scope_self\n"			\
	"	ldr x17, [x17, :gottprel_lo12:rt_scope_self]\n"		\
	"	ldr x16, [x16, x17]\n"

__asm__(
	".text\n"
	".balign 16\n"
	".globl kiln_scope_enter\n"
	".type kiln_scope_enter, %function\n"
"kiln_scope_enter:\n"
	"	.cfi_startproc\n"
	"	hint 34\n" /* bti c */
	LOAD_SELF
	"	cbz x16, 4f\n"
	"	ldr w17, [x16]\n"
	"	tst w17, 0xffff\n"		/* NEST */
	"	add w17, w17, 1\n"
	"	b.ne 1f\n"
	"	adrp x9, rt_scope_phase\n"
	"	ldr w17, [x9, :lo12:rt_scope_phase]\n"
"1:	str w17, [x16]\n"			/* E1 */
	"	adrp x9, rt_scope_flags\n"
	"	ldr w9, [x9, :lo12:rt_scope_flags]\n"
	"	cbnz w9, 5f\n"
"3:	ldr x9, [x16, 8]\n"			/* E2 */
	"	cbz x9, 4f\n"
	"	ldr x9, [x9]\n"
	"	cmp x9, x16\n"
	"	b.ne 4f\n"
	"	ret\n"
"5:	dmb ish\n"
	"	b 3b\n"
"4:	stp x29, x30, [sp, -144]!\n"
	"	.cfi_adjust_cfa_offset 144\n"
	"	.cfi_rel_offset x29, 0\n"
	"	.cfi_rel_offset x30, 8\n"
	"	mov x29, sp\n"
	"	stp x0, x1, [sp, 16]\n"
	"	stp x2, x3, [sp, 32]\n"
	"	stp x4, x5, [sp, 48]\n"
	"	stp x6, x7, [sp, 64]\n"
	"	stp x8, x10, [sp, 80]\n"
	"	stp x11, x12, [sp, 96]\n"
	"	stp x13, x14, [sp, 112]\n"
	"	stp x15, x18, [sp, 128]\n"
	"	bl rt_scope_slow\n"
	"	ldp x0, x1, [sp, 16]\n"
	"	ldp x2, x3, [sp, 32]\n"
	"	ldp x4, x5, [sp, 48]\n"
	"	ldp x6, x7, [sp, 64]\n"
	"	ldp x8, x10, [sp, 80]\n"
	"	ldp x11, x12, [sp, 96]\n"
	"	ldp x13, x14, [sp, 112]\n"
	"	ldp x15, x18, [sp, 128]\n"
	"	ldp x29, x30, [sp], 144\n"
	"	.cfi_restore x30\n"
	"	.cfi_restore x29\n"
	"	.cfi_adjust_cfa_offset -144\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size kiln_scope_enter, . - kiln_scope_enter\n"

	".balign 16\n"
	".globl kiln_scope_leave\n"
	".type kiln_scope_leave, %function\n"
"kiln_scope_leave:\n"
	"	.cfi_startproc\n"
	"	hint 34\n"
	LOAD_SELF
	"	ldr w17, [x16]\n"
	"	sub w17, w17, 1\n"
	"	stlr w17, [x16]\n"		/* L1 */
	"	ret\n"
	"	.cfi_endproc\n"
	".size kiln_scope_leave, . - kiln_scope_leave\n");
// clang-format on

static long syscall6(long nr, const long a[6])
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

long rt_syscall(long nr, long a, long b, long c, long d)
{
	return syscall6(nr, (const long[6]){a, b, c, d});
}

long rt_mmap(u64 hint, size_t size)
{
	return syscall6(SYS_mmap,
		(const long[6]){(long)hint, (long)size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1});
}

RT_API void kiln_port_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}
