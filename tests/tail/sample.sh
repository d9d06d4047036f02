# The packet pipeline prints what it should.
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/samples/packet-pipeline
bpf "$src/pipeline.bpf.c" pipeline.bpf.o
compile pipeline.bpf.o
$CC -O2 -rdynamic "$include" -o pipeline "$src/main.c" "$KILN_LIBS/libkiln.a"
$run ./pipeline pipeline.kiln.o >out || { cat out; fail "run"; }
cmp -s out "$src/expected.txt" || {
	diff out "$src/expected.txt"
	fail "other verdicts"
}
