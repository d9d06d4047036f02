# Programs by the thousand: fast, and a clear message where ELF ends.
. "$KILN_TOP/tests/cli/common.sh"
need clang awk

# many N: an object of N programs
many()
{
	awk -v n="$1" 'BEGIN {
		print ".section xdp,\"ax\",@progbits"
		for (i = 0; i < n; i++)
			printf ".globl f%d\n.type f%d,@function\nf%d:\n" \
				"r0 = %d\nexit\n.size f%d, .-f%d\n",
				i, i, i, i, i, i
	}' >many.s
	clang -target bpf -c many.s -o many.bpf.o
}

many 4000
"$KILN" compile many.bpf.o
"$KILN" inspect many.kiln.o >out
has out '^  f3999 +xdp +xdp +8 '
many 17000
refused 1 compile -o out.o many.bpf.o <<END
kiln: error: 68015 sections are needed, an object has at most 65279: compile fewer programs at once
END
[ ! -e out.o ] || fail "an object was written"
