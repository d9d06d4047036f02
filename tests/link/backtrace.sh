# Unwinding through a program: the C library's, which .eh_frame serves, and
# gdb's, with the lines of the BPF source.
. "$KILN_TOP/tests/link/common.sh"
need_plain
two
for pie in -no-pie -pie; do
	$CC -g -O1 $pie -rdynamic "$include" -DKEEP=2 -DOWN_HELPER \
		-o app "$here/app.c" two.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./app >out || { cat out; fail "$pie: run"; }
	# hidden functions have no names here, but frames: the helper, stamp
	# and p2.body and p2, main
	sed -n 4,5p out >frames
	has frames '\(p2\+0x'
	has frames '\(main\+0x|\(\+0x'
done

if [ -n "$run" ]; then
	echo "gdb is not tried: it is for this host"
	exit 0
fi
need gdb
# -iex: a debuginfod would be asked over the net
gdb -nx -batch -iex 'set debuginfod enabled off' \
	-ex 'break kiln_helper_ktime_get_ns' -ex run -ex bt ./app \
	>bt 2>&1 </dev/null || { cat bt; fail gdb; }
if grep -Eq 'ptrace: |Could not trace|not permitted' bt; then
	skip "gdb may not trace here"
fi
has bt '^#0 .*kiln_helper_ktime_get_ns'
has bt '^#1 .* in stamp \(\) at .*two\.bpf\.c:[0-9]+'
has bt '^#2 .* in p2 \(\) at .*two\.bpf\.c:[0-9]+'
has bt '^#3 .* in p2 \(\)'
has bt '^#[456] .*main \('
lacks bt 'corrupt|previous frame'

# and a program's name and lines are places to stop at
gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'break stamp' -ex run \
	-ex 'info line' -ex finish ./app >bt 2>&1 </dev/null
has bt 'Breakpoint 1, .*stamp \(\) at .*two\.bpf\.c:'
has bt 'Line [0-9]+ of ".*two\.bpf\.c" starts at'
has bt '^p2 \(\) at .*two\.bpf\.c:[0-9]+'
