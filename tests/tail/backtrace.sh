# Unwinding through a program that was tail-called, from a subprogram whose
# frame is gone: its caller's frames are all there.
. "$KILN_TOP/tests/link/common.sh"
need_plain
cat >t.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
int target(struct xdp_md *);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(void *));
} jmp SEC(".maps") = {.values = {[0] = (void *)&target}};
int gone;
static __noinline int sub(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return gone;
}
SEC("xdp") int target(struct xdp_md *ctx)
{
	return bpf_ktime_get_ns() + gone;
}
SEC("xdp") int prog(struct xdp_md *ctx)
{
	return sub(ctx) + gone;
}
END
cat >app.c <<'END'
#include <execinfo.h>
#include <kiln/context.h>
#include <stdint.h>
#include <stdio.h>
uint64_t prog(void *ctx);
uint64_t kiln_helper_ktime_get_ns(
	uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	void *pc[32];
	(void)a, (void)b, (void)c, (void)d, (void)e;
	backtrace_symbols_fd(pc, backtrace(pc, 32), 1);
	return 40;
}
int main(void)
{
	struct kiln_xdp_md md = {0};
	return prog(&md) != 40;
}
END
bpf t.bpf.c t.bpf.o
for kind in slot static; do
	compile --tail-calls=$kind -o t.kiln.o t.bpf.o
	$CC -g -O1 -rdynamic -funwind-tables "$include" -o app app.c t.kiln.o \
		"$KILN_LIBS/libkiln.a"
	$run ./app >out || { cat out; fail "$kind: run"; }
	# the helper, target.body, prog.body, prog, main
	sed -n 4p out >frame
	has frame '\(prog\+0x'
	sed -n 5p out >frame
	has frame '\(main\+0x'
done
