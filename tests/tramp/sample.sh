# The traced server prints what it should, its programs loaded or linked.
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/samples/live-trace
bpf "$src/trace.bpf.c" trace.bpf.o
for file in server main; do
	$CC -O2 -gbtf "$include" -c "$src/$file.c"
done
compile --btf server.o trace.bpf.o
compile --btf server.o --attach filter --attach fixed -o linked.kiln.o \
	trace.bpf.o
set -- main.o server.o "$KILN_LIBS/kiln-module.o" "$KILN_LIBS/libkiln.a" -lpthread
$CC -rdynamic -o live "$@"
$CC -rdynamic -o linked linked.kiln.o "$@"
$CC -o bare linked.kiln.o main.o server.o "$KILN_LIBS/libkiln.a" -lpthread \
	2>errors && fail "--attach links without kiln-module.o"
has errors 'kiln_module_o'
$run ./live trace.kiln.o >out 2>histogram || { cat out; fail "run"; }
has histogram ' ns \.\. +[0-9]+: +[0-9]+ \*'
$run ./linked >>out || { cat out; fail "run, linked"; }
cmp -s out "$src/expected.txt" || {
	diff out "$src/expected.txt"
	fail "other results"
}
