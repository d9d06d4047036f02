/*
 * Copies that end at a fault. Each load of src has a row in a table like
 * __ex_table, of the runtime's own: it is always searched. Words where both
 * sides are aligned, so that what a program stores in one piece is read in one.
 */
#include "runtime/fault.h"

const i32 fault_regs = 31;

// clang-format off
__asm__(
	".text\n"
	".balign 16\n"
	".globl fault_copy\n"
	".hidden fault_copy\n"
	".type fault_copy, %function\n"
"fault_copy:\n"
	"	.cfi_startproc\n"
	"	hint #34\n"		/* bti c */
	"	orr x3, x0, x1\n"
	"	tst x3, #7\n"
	"	b.ne 2f\n"
"1:	cmp x2, #8\n"
	"	b.lo 2f\n"
"fault_copy_word:\n"
	"	ldr x3, [x1]\n"
	"	str x3, [x0]\n"
	"	add x1, x1, #8\n"
	"	add x0, x0, #8\n"
	"	sub x2, x2, #8\n"
	"	b 1b\n"
"2:	cbz x2, 3f\n"
"fault_copy_byte:\n"
	"	ldrb w3, [x1]\n"
	"	strb w3, [x0]\n"
	"	add x1, x1, #1\n"
	"	add x0, x0, #1\n"
	"	sub x2, x2, #1\n"
	"	b 2b\n"
"3:	mov w0, #1\n"
	"	ret\n"
"fault_copy_ends:\n"
	"	mov w0, #0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size fault_copy, . - fault_copy\n"

	".balign 16\n"
	".globl fault_copy_str\n"
	".hidden fault_copy_str\n"
	".type fault_copy_str, %function\n"
"fault_copy_str:\n"
	"	.cfi_startproc\n"
	"	hint #34\n"		/* bti c */
	"	mov x3, #0\n"
"1:	cmp x3, x2\n"
	"	b.hs 2f\n"
"fault_str_byte:\n"
	"	ldrb w4, [x1, x3]\n"
	"	strb w4, [x0, x3]\n"
	"	add x3, x3, #1\n"
	"	cbnz w4, 1b\n"
"2:	mov x0, x3\n"
	"	ret\n"
"fault_str_ends:\n"
	"	mov x0, #0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size fault_copy_str, . - fault_copy_str\n"

	".section .rodata.fault_probe_rows, \"a\"\n"
	".balign 4\n"
	".globl fault_probe_rows\n"
	".hidden fault_probe_rows\n"
"fault_probe_rows:\n"
	"	.long fault_copy_word - ., fault_copy_ends - .\n"
	"	.short 3, 0\n"
	"	.long fault_copy_byte - ., fault_copy_ends - .\n"
	"	.short 3, 0\n"
	"	.long fault_str_byte - ., fault_str_ends - .\n"
	"	.short 3, 0\n"
	".globl fault_probe_rows_end\n"
	".hidden fault_probe_rows_end\n"
"fault_probe_rows_end:\n"
	".text\n");
// clang-format on

KILN_STATIC_ASSERT(KILN_EX_FIXUP == 3, "type of fault_probe_rows");
