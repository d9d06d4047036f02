/* Around a stub on x86-64: harness.c says what for. */
	.macro	store to
	mov	%rbp, \to+8(%rip)
	mov	%rax, \to+16(%rip)
	mov	%r10, \to+24(%rip)
	mov	%rbx, \to+32(%rip)
	mov	%r12, \to+40(%rip)
	mov	%r13, \to+48(%rip)
	mov	%r14, \to+56(%rip)
	mov	%r15, \to+64(%rip)
	.endm

	.macro	clobber
	mov	$0xdead0001, %ecx
	lea	1(%rcx), %rdx
	lea	2(%rcx), %rsi
	lea	3(%rcx), %rdi
	lea	4(%rcx), %r8
	lea	5(%rcx), %r9
	lea	6(%rcx), %r10
	lea	7(%rcx), %r11
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pcmpeqd	%xmm\n, %xmm\n
	.endr
	.endm

	.text
	.globl	entry, body, stub_enter, stub_exit
entry:
	endbr64
	pop	back(%rip)
	mov	$0x7a117a11, %eax
	movabs	$0x5747105747105747, %r10
	store	regs_entry
	mov	%rsp, regs_entry(%rip)
	call	*stub_text(%rip)
	store	regs_back
	mov	%rsp, regs_back(%rip)
	push	back(%rip)
	ret

body:
	store	regs_body
	lea	8(%rsp), %r11		# before the call
	mov	%r11, regs_body(%rip)
	jmp	*body_text(%rip)

stub_enter:
	endbr64
	lea	8(%rsp), %r11
	mov	%r11, sp_enter(%rip)
	sub	$8, %rsp
	call	harness_enter
	add	$8, %rsp
	clobber
	ret

stub_exit:
	endbr64
	sub	$8, %rsp
	call	harness_exit
	add	$8, %rsp
	clobber
	mov	$0xdead0000, %eax
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
	.section .note.GNU-stack, "", @progbits
