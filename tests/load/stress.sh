# stress.c for a target that is emulated, without forks: qemu-user 7.2 ignores
# MADV_WIPEONFORK (runtime/scope_host.c).
. "$KILN_TOP/tests/link/common.sh"
need_plain
bpf "$KILN_TOP/tests/load/loaded.bpf.c" loaded.bpf.o
compile -o loaded.kiln.o loaded.bpf.o 2>err || { cat err; fail "compile"; }
$CC -O1 "$include" "-I$KILN_TOP" -rdynamic -o stress \
	"$KILN_TOP/tests/load/stress.c" "$KILN_LIBS/libkiln.a" -lpthread
$run ./stress loaded.kiln.o "${SECONDS_TO_RUN:-3}" nofork || fail "threads"
