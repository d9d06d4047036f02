# What the linker makes of names: static programs stay though nobody names
# them, two globals of one name are an error that --prefix mends, --export
# hides the rest, and an object of another ABI does not link.
. "$KILN_TOP/tests/link/common.sh"
need nm "${tools}objcopy"
need_plain
cat >quiet.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("xdp") static int quiet(struct xdp_md *ctx)
{
	return ctx->rx_queue_index;
}
END
bpf quiet.bpf.c quiet.bpf.o
compile quiet.bpf.o
two
$CC -O1 "$include" -DKEEP=1 -c "$here/app.c" -o app.o
for ld in bfd lld; do
	$CC -fuse-ld=$ld -Wl,--gc-sections,-z,start-stop-gc -o app app.o \
		two.kiln.o quiet.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./app >out || { cat out; fail "$ld: run"; }
	has out '^p1 quiet counts $'
done

# -u keeps a program that nobody names
for ld in bfd lld; do
	$CC -fuse-ld=$ld -Wl,--gc-sections,-z,start-stop-gc,-u,p2 -o app app.o \
		two.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./app >out || { cat out; fail "$ld -u: run"; }
	has out '^p1 p2 counts times $'
done

cp two.kiln.o twin.o
if $CC -o app app.o two.kiln.o twin.o "$KILN_LIBS/libkiln.a" 2>err; then
	fail "two programs of one name link"
fi
has err 'multiple definition of .p1|duplicate symbol: p1'
compile --prefix b_ -o twin.o two.bpf.o
$CC -o app app.o two.kiln.o twin.o "$KILN_LIBS/libkiln.a"
nm twin.o >symbols
has symbols ' T b_p1$'
lacks symbols ' [A-Z] (p1|counts|runs|p2\.body)$'
has symbols ' U kiln_helper_ktime_get_ns$'

compile --export p2 -o some.o two.bpf.o
readelf -sW some.o >symbols
has symbols 'GLOBAL PROTECTED .* p2$'
has symbols 'GLOBAL HIDDEN .* p1$'

"${tools}objcopy" --redefine-sym kiln_abi_1=kiln_abi_77 two.kiln.o abi.o
if $CC -o app app.o abi.o "$KILN_LIBS/libkiln.a" 2>err; then
	fail "an object of another ABI links"
fi
has err kiln_abi_77
