# Opening, loading, running and closing leaves nothing allocated.
. "$KILN_TOP/tests/link/common.sh"
need_plain
need valgrind
cat >host.c <<'END'
#include "tests/load/host.h"
uint64_t app_inside(uint64_t arg);
uint64_t app_inside(uint64_t arg)
{
	return arg;
}
int main(int argc, char **argv)
{
	for (int i = 0; i < 3 * argc; i++) {
		struct kiln_object *o = opened(argv[1], NULL);
		CHECK(!kiln_map_set_max_entries(map(o, "counts"), 5000));
		CHECK(!kiln_object_load(o));
		CHECK(run(o, "count", 4999) == 0 && run(o, "remember", 1) == 0);
		kiln_object_close(o);
		kiln_object_close(opened(argv[1], NULL));
	}
	return 0;
}
END
bpf "$KILN_TOP/tests/load/loaded.bpf.c" loaded.bpf.o
compile -o loaded.kiln.o loaded.bpf.o 2>/dev/null
$CC -g -O1 "$include" "-I$KILN_TOP" -rdynamic -o app host.c \
	"$KILN_LIBS/libkiln.a" -lpthread
valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all \
	--errors-for-leak-kinds=all \
	--track-fds=yes ./app loaded.kiln.o >out 2>&1 ||
	{ cat out; fail valgrind; }
if grep -q 'kiln-text' out; then
	cat out
	fail "a file is left open"
fi
