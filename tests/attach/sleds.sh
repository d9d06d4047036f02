# Functions that a whole program's sleds make hookable, by KILN_HOOK(): with gcc and
# clang. And what cannot be hooked says how it is to be built.
. "$KILN_TOP/tests/link/common.sh"
need_plain
source=$KILN_TOP/tests/attach
case $target in
aarch64) sled=1 other=2 ;;
*) sled=7 other=3 ;;
esac
cat >sleds.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
unsigned long seen;
SEC("?fentry/own") int own(unsigned long long *ctx)
{
	seen += (int)ctx[0];
	return 0;
}
END
bpf sleds.bpf.c sleds.bpf.o
echo 'int own(int x) { return x; }' >types.c
# kiln looks, too
$CC -gbtf -c types.c
! compile --btf types.o -o sleds.kiln.o sleds.bpf.o 2>err || fail "no sled"
has err "nor compiled with -fpatchable-function-entry=$sled"
$CC -gbtf -fpatchable-function-entry=$sled -c types.c
compile --btf types.o -o sleds.kiln.o sleds.bpf.o 2>err || { cat err; fail compile; }
# build COMPILER OPTION...
build()
{
	cc=$1
	shift
	# shellcheck disable=SC2086 # with its options
	$cc -O2 "$include" "$@" -o sleds "$source/sleds.c" \
		"$KILN_LIBS/kiln-module.o" "$KILN_LIBS/libkiln.a" -lpthread
}
others=
if [ -z "$run" ] && command -v clang >/dev/null; then
	others=clang
fi
for cc in "$CC" $others; do
	build "$cc" -fpatchable-function-entry=$sled
	$run ./sleds sleds.kiln.o own || fail "$cc: with sleds"
	build "$cc"
	$run ./sleds sleds.kiln.o own KILN_HOOKABLE || fail "$cc: without"
done
[ $sled = 1 ] && exit 0
build "$CC" -fpatchable-function-entry=$other
$run ./sleds sleds.kiln.o own "sled of another kind" ||
	fail "a short sled"
