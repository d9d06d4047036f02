/* kiln_scope_enter and _leave of the core: all registers but r10, r11 and
 * the flags survive, so that compiled code calls them with its arguments in
 * place. Seven pushes and the return address keep the stack 16-byte aligned. */

// clang-format off
#define SHIM(name, function)						\
	__asm__(							\
	".text\n"							\
	".balign 16\n"							\
	".globl " name "\n"						\
	".type " name ", @function\n"					\
	name ":\n"							\
	"	.cfi_startproc\n"					\
	"	endbr64\n"						\
	"	push %rax\n"						\
	"	push %rcx\n"						\
	"	push %rdx\n"						\
	"	push %rsi\n"						\
	"	push %rdi\n"						\
	"	push %r8\n"						\
	"	push %r9\n"						\
	"	.cfi_adjust_cfa_offset 56\n"				\
	"	call " function "\n"					\
	"	pop %r9\n"						\
	"	pop %r8\n"						\
	"	pop %rdi\n"						\
	"	pop %rsi\n"						\
	"	pop %rdx\n"						\
	"	pop %rcx\n"						\
	"	pop %rax\n"						\
	"	.cfi_adjust_cfa_offset -56\n"				\
	"	ret\n"							\
	"	.cfi_endproc\n"						\
	".size " name ", . - " name "\n")

SHIM("kiln_scope_enter", "rt_scope_core_enter");
SHIM("kiln_scope_leave", "rt_scope_core_leave");
// clang-format on
