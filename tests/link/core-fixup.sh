# kiln_core_fixup(): without libkiln, a handler of firmware's own hands in the
# registers and returns to what it gets.
. "$KILN_TOP/tests/link/common.sh"
need_plain
bpf "$here/faults.bpf.c" faults.bpf.o
for opt in -O0 -O2; do
	compile $opt -o faults.o faults.bpf.o
	$CC -O1 -g "$include" -Wl,--gc-sections,-z,start-stop-gc -o app \
		"$here/core_fixup.c" faults.o "$KILN_LIBS/libkiln-core.a" ||
		fail "$opt: link"
	$run ./app || fail "$opt"
	status=0
	$run ./app foreign || status=$?
	[ $status = 3 ] || fail "$opt: status $status of a foreign fault"
done
