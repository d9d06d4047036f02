# const volatile variables: what the source gives them, or --set, some or all
# of them. gcc has them in .data, clang in .rodata, which is no longer
# relocated when all are set.
. "$KILN_TOP/tests/link/common.sh"
need clang
cat >knobs.c <<'END'
#define SEC(name) __attribute__((section(name), used))
const volatile int knob = 5;
const volatile unsigned char other = 6;
int plain = 3;
SEC("xdp") int prog(void *ctx)
{
	return knob * 100 + other * 10 + plain;
}
END
clang -target bpf -O2 -g -c knobs.c -o clang.bpf.o
command -v bpf-gcc >/dev/null && bpf-gcc -O1 -gbtf -c knobs.c -o gcc.bpf.o

# gives VALUE OPTION...
gives()
{
	value=$1
	shift
	for cc in clang gcc; do
		[ -f $cc.bpf.o ] || continue
		"$KILN" run "$@" $cc.bpf.o --prog prog >out 2>&1 || {
			cat out
			fail "$cc: run $*"
		}
		has out "^Return value: $value,"
	done
}

gives 563
gives 763 --set knob=7
gives 123 --set knob=1 --set other=2
gives 1613 --set knob=0x10 --set other=true
if "$KILN" compile --set plain=1 -o o.o clang.bpf.o 2>err; then
	fail "--set of an ordinary variable"
fi
has err 'clang.bpf.o: --set plain: is not const volatile$'
