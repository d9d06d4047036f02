# matrix.c: programs of each kind on functions of all kinds of signatures.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need clang
src=$KILN_TOP/tests/tramp
n=${1:-80}
awk -v n="$n" -v out=c -f "$src/matrix.awk" >targets.c
awk -v n="$n" -v out=bpf -f "$src/matrix.awk" >programs.bpf.c
include="$include -I$src"
# shellcheck disable=SC2086 # two of them
$CC -O2 $include -gbtf -c targets.c
# shellcheck disable=SC2086
$CC -O2 $include -c "$src/matrix.c"
# shellcheck disable=SC2086
clang -target bpf -O2 -g $include "-I/usr/include/$(uname -m)-linux-gnu" \
	-c programs.bpf.c
compile --btf targets.o programs.bpf.o
$CC -rdynamic -o matrix matrix.o targets.o "$KILN_LIBS/kiln-module.o" \
	"$KILN_LIBS/libkiln.a" -lpthread
$run ./matrix programs.kiln.o >out || { head -20 out; fail "other values"; }
cat out
