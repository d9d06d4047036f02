# run.sh NAME: loaded.bpf.c through kiln at -O0 and -O2, with storage of maps in
# the object or allocated, and NAME.c, which loads it; other.kiln.o is for the
# other target.
. "$KILN_TOP/tests/link/common.sh"
need_plain
source=$KILN_TOP/tests/load
bpf "$source/loaded.bpf.c" loaded.bpf.o
$CC -g -O1 "$include" "-I$KILN_TOP" -rdynamic -o app "$source/$1.c" \
	"$KILN_LIBS/libkiln.a" -lpthread
case ${target:-$(uname -m)} in
aarch64) other=x86_64 ;;
*) other=aarch64 ;;
esac
"$KILN" compile --target=$other -o other.kiln.o loaded.bpf.o 2>err ||
	{ cat err; fail "compile for $other"; }
for options in -O0 -O2 '-O2 --map-storage=dynamic'; do
	# shellcheck disable=SC2086 # several options
	compile $options -o loaded.kiln.o loaded.bpf.o 2>err ||
		{ cat err; fail "compile $options"; }
	$run ./app loaded.kiln.o other.kiln.o || fail "$options"
done
