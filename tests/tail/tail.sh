# Programs that tail-call, linked and loaded, at every level, against a model
# of what they should do.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need clang
src=$KILN_TOP/tests/tail
bpf "$src/tail.bpf.c" tail.bpf.o
keep=
for p in leaf direct dynamic once twice agreeing beyond either other; do
	keep="$keep -Wl,-u,$p"
done
# app OPTION...: the programs linked with these options, and app
app()
{
	compile "$@" -o tail.kiln.o tail.bpf.o
	$CC -O1 -rdynamic $keep "$include" "-I$src" -o app "$src/app.c" \
		"$src/model.c" "$src/check.c" tail.kiln.o "$KILN_LIBS/libkiln.a"
}
for level in 0 1 2; do
	app -O$level
	$run ./app "" tail.kiln.o || fail "linked, -O$level"
	$run ./app tail.kiln.o tail.kiln.o || fail "loaded, -O$level"
done
app --tail-calls=slot
$run ./app tail.kiln.o tail.kiln.o || fail "loaded, without sites"
app --env=hosted --map-storage=dynamic
$run ./app "" tail.kiln.o || fail "linked, dynamic storage"
