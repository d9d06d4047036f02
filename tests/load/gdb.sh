# gdb in a loaded program: places to stop at, frames, source lines.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need gdb
bpf "$KILN_TOP/tests/load/loaded.bpf.c" loaded.bpf.o
compile -o loaded.kiln.o loaded.bpf.o 2>/dev/null
cat >host.c <<'END'
#include "tests/load/host.h"
uint64_t app_inside(uint64_t arg);
__attribute__((noipa)) uint64_t app_inside(uint64_t arg)
{
	return arg;
}
int main(int argc, char **argv)
{
	struct kiln_object *o = loaded(argv[argc - 1], NULL);
	app_inside(0);
	CHECK(run(o, "count", 1) == 0 && run(o, "call_app", 1) == 3);
	kiln_object_close(o);
	return 0;
}
END
$CC -g -O1 "$include" "-I$KILN_TOP" -rdynamic -o app host.c \
	"$KILN_LIBS/libkiln.a" -lpthread
# hbreak: not even a debugger can write the text, and gdb says nothing of it
# -iex: a debuginfod would be asked over the net
gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'break app_inside' \
	-ex 'run loaded.kiln.o' -ex 'hbreak count' -ex continue -ex 'info line' \
	-ex bt -ex continue -ex bt ./app >bt 2>&1 </dev/null ||
	{ cat bt; fail gdb; }
if grep -Eq 'ptrace: |Could not trace|not permitted' bt; then
	skip "gdb may not trace here"
fi
has bt 'Breakpoint 2, .*count \(\) at .*loaded\.bpf\.c:'
has bt 'Line [0-9]+ of ".*loaded\.bpf\.c" starts at'
has bt '^#1 .* kiln_program_run '
has bt '^#1 .* inner \(\) at .*loaded\.bpf\.c:'
has bt '^#2 .* call_app \(\) at .*loaded\.bpf\.c:'
has bt '^#[3-6] .*main '
lacks bt 'corrupt|previous frame'
