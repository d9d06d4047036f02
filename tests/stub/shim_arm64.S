/* Around a stub on arm64: harness.c says what for. */
	.macro	address r, sym
	adrp	\r, \sym
	add	\r, \r, :lo12:\sym
	.endm

	.macro	store to
	address	x16, \to
	mov	x17, sp
	stp	x17, x29, [x16]
	stp	x8, x10, [x16, 16]
	stp	x19, x20, [x16, 32]
	stp	x21, x22, [x16, 48]
	stp	x23, x24, [x16, 64]
	stp	x25, x26, [x16, 80]
	stp	x27, x28, [x16, 96]
	.endm

	.macro	clobber
	movz	x1, 0xdead
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	add	x\n, x1, \n
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
	movi	d\n, 0xffffffffffffffff
	.endr
	.irp	n, 24, 25, 26, 27, 28, 29, 30, 31
	movi	d\n, 0xffffffffffffffff
	.endr
	.endm

	.text
	.globl	entry, body, stub_enter, stub_exit
entry:
	address	x16, back
	str	x30, [x16]
	movz	x10, 0x5747
	store	regs_entry
	address	x16, stub_text
	ldr	x16, [x16]
	blr	x16
	store	regs_back
	address	x16, back
	ldr	x30, [x16]
	ret

body:
	store	regs_body
	address	x16, body_text
	ldr	x16, [x16]
	br	x16

stub_enter:
	hint	34			// bti c
	address	x16, sp_enter
	mov	x17, sp
	str	x17, [x16]
	stp	x29, x30, [sp, -16]!
	bl	harness_enter
	ldp	x29, x30, [sp], 16
	clobber
	ret

stub_exit:
	hint	34
	stp	x29, x30, [sp, -16]!
	bl	harness_exit
	ldp	x29, x30, [sp], 16
	clobber
	movz	x0, 0xdead
	ret

	.bss
	.globl	regs_entry, regs_body, regs_back, sp_enter, stub_text, body_text
	.balign	8
back:		.zero	8
regs_entry:	.zero	128
regs_body:	.zero	128
regs_back:	.zero	128
sp_enter:	.zero	8
stub_text:	.zero	8
body_text:	.zero	8
	.section .note.GNU-stack, "", %progbits
