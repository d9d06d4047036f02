# Loads that fault read 0, in programs that are linked and loaded, whatever
# the address and the handlers around them.
. "$KILN_TOP/tests/link/common.sh"
need_plain
bpf "$here/faults.bpf.c" faults.bpf.o
compile -o faults.o faults.bpf.o
if [ -z "$target" ] && [ "$(uname -m)" = x86_64 ]; then
	# an address in rbp that is not canonical is SIGBUS
	objdump -d --no-show-raw-insn faults.o >out
	has out 'mov +(0x[0-9a-f]+)?\(%rbp\),'
fi
undefined=
for program in read_a read_b read_c read_d read_e read_f read_far read_below \
	read_next around many through shares shares_too loops loops_too \
	probe probe_str; do
	undefined="$undefined -Wl,-u,$program"
done
# shellcheck disable=SC2086
$CC -O1 -g -pthread "$include" $undefined -o app "$here/faults.c" faults.o \
	"$KILN_LIBS/libkiln.a" -ldl
$run ./app faults.o || fail "faults"
status=0
(ulimit -c 0; $run ./app die) 2>/dev/null || status=$?
[ $status = 139 ] || fail "default action: status $status"
[ -z "$target" ] || exit 0

# mutant FILE EXPRESSION: with that change of the runtime the test fails
mutant()
{
	sed -e "$2" "$KILN_TOP/runtime/$1" >mutant.c
	! cmp -s mutant.c "$KILN_TOP/runtime/$1" || fail "mutant: $1 is the same"
	# shellcheck disable=SC2086
	$CC -std=gnu11 -O1 -pthread "-I$KILN_TOP" "$include" $undefined \
		-o mutant "$here/faults.c" mutant.c faults.o \
		"$KILN_LIBS/libkiln.a" -ldl
	found=0
	timeout 20 ./mutant faults.o >mutant.out 2>&1 || found=$?
	case $found in
	0) fail "mutant: $1: $2: not found" ;;
	124) fail "mutant: $1: $2: does not end" ;;
	esac
}
mutant fault.c 's/KILN_EX_ZERO ? r->data : -1/KILN_EX_ZERO ? -1 : -1/'
mutant fault.c 's/f->pc = target_of(&r->fixup);/f->pc = target_of(\&r->fixup) - 1;/'
mutant helper_probe.c 's/__builtin_memset/(void)/'
mutant fault_host.c 's/^	block_for(&a);//'
mutant fault_host.c 's/ | SA_NODEFER//'
# a frame is not left, and callbacks belong to nobody
mutant fault_host.c 's/^	\*sp += r->size;//'
mutant fault_host.c 's/!p && r && r->prog/0/'
