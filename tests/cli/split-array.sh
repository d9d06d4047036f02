# clang takes small static arrays apart; the parts keep the type of the whole in
# BTF, and only their DATASEC says how large they are.
. "$KILN_TOP/tests/cli/common.sh"
need clang
cat >split.c <<'END'
static unsigned table[4];
__attribute__((section("xdp"), used)) int prog(void *ctx)
{
	table[1]++;
	if (table[1] > 5)
		table[3] += 2;
	return table[3] + table[1];
}
END
clang -target bpf -O2 -g -c split.c -o split.bpf.o
"$KILN" run split.bpf.o >out 2>err || fail "$(cat err)"
has out "^Return value: 1,"
