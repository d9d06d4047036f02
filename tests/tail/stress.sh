# The stress of stress.c for the target, a few seconds. Not with a fork under
# qemu-user 7.2, which ignores MADV_WIPEONFORK: children then take the scopes of
# their parent's threads for their own (runtime/scope_host.c).
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/tests/tail
bpf "$src/stress.bpf.c" stress.bpf.o
compile -o stress.kiln.o stress.bpf.o
$CC -O1 -rdynamic "$include" -o stress "$src/stress.c" "$KILN_LIBS/libkiln.a"
$run ./stress stress.kiln.o 3 || fail "threads"
[ -n "$run" ] || ./stress stress.kiln.o 2 fork || fail "fork"
