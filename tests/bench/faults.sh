# What loads that may fault cost. Those that do not fault cost nothing: the code
# is what it would be without.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need objdump
bpf "$KILN_TOP/tests/bench/faults.bpf.c" faults.bpf.o
compile -o faults.o faults.bpf.o 2>/dev/null
[ "$("$KILN" inspect -j faults.o | tr '{' '\n' | grep -c '"clears"')" = 1 ] ||
	fail "number of loads that may fault"
for program in marked plain; do
	objdump -d --no-show-raw-insn -j .text.$program faults.o |
		grep '^ ' | sed 's/<.*//' >$program.text
done
cmp marked.text plain.text || {
	diff marked.text plain.text
	fail "the code differs"
}
$CC -O2 "$include" -Wl,-u,marked,-u,plain -o app \
	"$KILN_TOP/tests/bench/faults.c" faults.o "$KILN_LIBS/libkiln.a"
./app
