# An object of the other target is read as well: rows by its relocations.
. "$KILN_TOP/tests/cli/common.sh"
need aarch64-linux-gnu-as
cat >arm.s <<'END'
	.section .text.drop,"ax"
	.globl drop
	.protected drop
	.type drop, %function
drop:	mov w0, #1
	ret
	.size drop, . - drop
	.section .rodata
name:	.asciz "drop"
sec:	.asciz "xdp"
	.section kiln_progs,"a"
	.long name - ., sec - ., drop - ., drop - ., 6, 37, 4, 16, 8, sec - .
	.section __ex_table,"a"
	.long drop - ., drop + 4 - .
	.short 1, 7
	.section .note.kiln,"a",%note
	.long 5, 48, 1
	.asciz "kiln"
	.balign 4
	.long 1, 0
	.quad 0
	.zero 32
END
aarch64-linux-gnu-as -o arm.o arm.s
"$KILN" inspect arm.o >out
has out '^target: aarch64$'
has out '^  drop +xdp +xdp +16 +8 +global ret32$'
has out '^  drop +zero +(x?7) +drop\+0x4$'
"$KILN" disasm arm.o >out
has out '^drop:  # \.text\.drop, 8 bytes$'
has out ' 0  (mov|movz) w0, #(0x)?1'
has out ' 4  ret'
