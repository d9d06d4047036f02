# Programs whose context is another one do not come into a prog_array: linked
# and loaded, with libkiln and with libkiln-core. Within one object: refused.sh.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need clang
src=$KILN_TOP/tests/tail
keep=
for p in p_xdp p_too begins devmap frags p_tc connect4 connect6; do
	keep="$keep -Wl,-u,$p"
done
bpf "$src/contexts.bpf.c" typed.bpf.o
objects=typed.kiln.o
compile -o typed.kiln.o typed.bpf.o
for k in 1 2 3; do
	(echo "#define OWN $k" && cat "$src/contexts.bpf.c") >own.c
	bpf own.c own$k.bpf.o
	compile -o own$k.kiln.o own$k.bpf.o 2>/dev/null
	objects="$objects own$k.kiln.o"
	keep="$keep -Wl,-u,conn$k -Wl,-u,packet$k -Wl,-u,plain$k"
done
$CC -O1 $keep "$include" -o app "$src/contexts.c" $objects \
	"$KILN_LIBS/libkiln.a"
$run ./app || fail "linked"
$run ./app $objects || fail "loaded"
$CC -DCORE -O1 $keep "$include" -o core "$src/contexts.c" $objects \
	"$KILN_LIBS/libkiln-core.a"
$run ./core || fail "core"
