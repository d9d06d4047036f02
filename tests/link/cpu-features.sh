# Code for a CPU feature says so, and is not loaded where the CPU lacks it.
. "$KILN_TOP/tests/link/common.sh"
need qemu-aarch64
cat >add.bpf.c <<'END'
#include <kiln/bpf.h>

SEC("prog") unsigned long long add(unsigned long long *ctx)
{
	return __sync_fetch_and_add(ctx, 5);
}
END
cat >load.c <<'END'
#include <inttypes.h>
#include <stdio.h>

#include "kiln/runtime.h"

static void say(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx;
	if (level == KILN_LOG_ERROR)
		puts(line);
}

int main(int argc, char **argv)
{
	uint64_t word = 37;

	kiln_set_log(say, NULL);
	struct kiln_object *obj = kiln_object_open_file(argv[argc - 1], NULL);

	if (!obj || kiln_object_load(obj))
		return 1;
	uint64_t was = kiln_program_entry(
		kiln_object_find_program(obj, "add"))(&word);
	printf("%" PRIu64 " %" PRIu64 "\n", was, word);
	return 0;
}
END
bpf add.bpf.c add.bpf.o
"$KILN" compile --target aarch64 -o base.o add.bpf.o
"$KILN" compile --target aarch64 --cpu=baseline+lse -o lse.o add.bpf.o
aarch64-linux-gnu-objdump -d base.o >base.text
aarch64-linux-gnu-objdump -d lse.o >lse.text
has base.text 'stlxr|stxr'
lacks base.text 'ldadd'
has lse.text 'ldaddal'
"$KILN" inspect lse.o >note
has note 'lse'
$CC "$include" -static -o load load.c "$KILN_LIBS/libkiln.a"
for cpu in cortex-a53 max,pauth-impdef=on; do
	qemu-aarch64 -cpu $cpu ./load base.o >out || fail "$cpu: baseline"
	has out '^37 42$'
done
qemu-aarch64 -cpu max,pauth-impdef=on ./load lse.o >out || fail "max: lse"
has out '^37 42$'
if qemu-aarch64 -cpu cortex-a53 ./load lse.o >out; then
	fail "cortex-a53 has no LSE"
fi
has out 'lse.o: .*needs CPU features'
