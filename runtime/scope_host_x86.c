/*
 * The short way of enter and leave (steps in scope_host.c), and the
 * instructions that C has no name for. Clobbers r10, r11 and flags only.
 *
 * incl and decl work on the thread's own memory: one instruction each, so a
 * signal handler sees it done or not done. x86 stores release.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime/host.h"

// clang-format off
__asm__(
	".text\n"
	".balign 16\n"
	".globl kiln_scope_enter\n"
	".type kiln_scope_enter, @function\n"
"kiln_scope_enter:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	movq rt_scope_self@gottpoff(%rip), %r11\n"
	"	movq %fs:(%r11), %r11\n"
	"	testq %r11, %r11\n"
	"	jz 4f\n"
	"	testw $-1, (%r11)\n"		/* NEST: the low 16 bits */
	"	jnz 1f\n"
	"	movl rt_scope_phase(%rip), %r10d\n"
	"	movl %r10d, (%r11)\n"		/* E1, outermost */
	"	jmp 2f\n"
"1:	incl (%r11)\n"				/* E1, nested */
"2:	cmpb $0, rt_scope_flags(%rip)\n"
	"	jne 5f\n"
"3:	movq 8(%r11), %r10\n"			/* E2 */
	"	testq %r10, %r10\n"
	"	jz 4f\n"
	"	cmpq %r11, (%r10)\n"
	"	jne 4f\n"
	"	ret\n"
"5:	lock orl $0, (%rsp)\n"
	"	jmp 3b\n"
"4:	push %rax\n"
	"	push %rcx\n"
	"	push %rdx\n"
	"	push %rsi\n"
	"	push %rdi\n"
	"	push %r8\n"
	"	push %r9\n"
	"	.cfi_adjust_cfa_offset 56\n"
	"	call rt_scope_slow\n"
	"	pop %r9\n"
	"	pop %r8\n"
	"	pop %rdi\n"
	"	pop %rsi\n"
	"	pop %rdx\n"
	"	pop %rcx\n"
	"	pop %rax\n"
	"	.cfi_adjust_cfa_offset -56\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size kiln_scope_enter, . - kiln_scope_enter\n"

	".balign 16\n"
	".globl kiln_scope_leave\n"
	".type kiln_scope_leave, @function\n"
"kiln_scope_leave:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	movq rt_scope_self@gottpoff(%rip), %r11\n"
	"	movq %fs:(%r11), %r11\n"
	"	decl (%r11)\n"			/* L1 */
	"	ret\n"
	"	.cfi_endproc\n"
	".size kiln_scope_leave, . - kiln_scope_leave\n");
// clang-format on

static long syscall6(long nr, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			 "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
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
	__asm__ volatile("pause" ::: "memory");
}
