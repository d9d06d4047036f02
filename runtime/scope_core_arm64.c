/* kiln_scope_enter and _leave of the core: all registers but x9, x16, x17,
 * x30 and the flags survive, so that compiled code calls them with its
 * arguments, and the tail-call counter in x10, in place. */

// clang-format off
#define SHIM(name, function)						\
	__asm__(							\
	".text\n"							\
	".balign 16\n"							\
	".globl " name "\n"						\
	".type " name ", %function\n"					\
	name ":\n"							\
	"	.cfi_startproc\n"					\
	"	hint 34\n" /* bti c */					\
	"	stp x29, x30, [sp, -144]!\n"				\
	"	.cfi_adjust_cfa_offset 144\n"				\
	"	.cfi_rel_offset x29, 0\n"				\
	"	.cfi_rel_offset x30, 8\n"				\
	"	mov x29, sp\n"						\
	"	stp x0, x1, [sp, 16]\n"					\
	"	stp x2, x3, [sp, 32]\n"					\
	"	stp x4, x5, [sp, 48]\n"					\
	"	stp x6, x7, [sp, 64]\n"					\
	"	stp x8, x10, [sp, 80]\n"				\
	"	stp x11, x12, [sp, 96]\n"				\
	"	stp x13, x14, [sp, 112]\n"				\
	"	stp x15, x18, [sp, 128]\n"				\
	"	bl " function "\n"					\
	"	ldp x0, x1, [sp, 16]\n"					\
	"	ldp x2, x3, [sp, 32]\n"					\
	"	ldp x4, x5, [sp, 48]\n"					\
	"	ldp x6, x7, [sp, 64]\n"					\
	"	ldp x8, x10, [sp, 80]\n"				\
	"	ldp x11, x12, [sp, 96]\n"				\
	"	ldp x13, x14, [sp, 112]\n"				\
	"	ldp x15, x18, [sp, 128]\n"				\
	"	ldp x29, x30, [sp], 144\n"				\
	"	.cfi_restore x30\n"					\
	"	.cfi_restore x29\n"					\
	"	.cfi_adjust_cfa_offset -144\n"				\
	"	ret\n"							\
	"	.cfi_endproc\n"						\
	".size " name ", . - " name "\n")

SHIM("kiln_scope_enter", "rt_scope_core_enter");
SHIM("kiln_scope_leave", "rt_scope_core_leave");
// clang-format on
