# The stress of stress.c for the target, a few seconds.
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/tests/tail
bpf "$src/stress.bpf.c" stress.bpf.o
compile -o stress.kiln.o stress.bpf.o
$CC -O1 -rdynamic "$include" -o stress "$src/stress.c" "$KILN_LIBS/libkiln.a"
$run ./stress stress.kiln.o "${SECONDS_EACH:-2}" || fail "threads"
$run ./stress stress.kiln.o "${SECONDS_EACH:-2}" fork || fail "fork"
