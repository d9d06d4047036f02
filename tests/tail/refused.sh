# What cannot be a tail call, or what a prog_array cannot hold: one line each.
. "$KILN_TOP/tests/cli/common.sh"
need clang
cat >head.h <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
#define PROG_ARRAY(name)                                \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);  \
		__uint(max_entries, 4);                 \
		__uint(key_size, 4);                    \
		__uint(value_size, 4);                  \
	} name SEC(".maps")
PROG_ARRAY(jmp);
END
# says TEXT: of the program on standard input, without lines, places and digests
says()
{
	{ cat head.h && cat; } >t.c
	bpf t.c t.o
	if "$KILN" compile -o out.o t.o 2>err; then
		fail "compiled, wanted: $1"
	fi
	sed '/warning/d; s/ insn [0-9]*\( ([^)]*)\)\{0,1\}://
		s/, [0-9a-f]\{16\})/)/g' err >plain
	echo "kiln: error: $1" >wanted
	cmp -s plain wanted || { diff plain wanted; fail "message"; }
	[ ! -e out.o ] || fail "wrote an object"
}

# leaves_out TEXT: the same of a call that can only fail: the program goes on
leaves_out()
{
	{ cat head.h && cat; } >t.c
	bpf t.c t.o
	"$KILN" compile -o out.o t.o 2>err || fail "refused, wanted: $1"
	sed 's/ insn [0-9]*\( ([^)]*)\)\{0,1\}://' err >plain
	echo "kiln: warning: $1; the call is left out and fails" >wanted
	cmp -s plain wanted || { diff plain wanted; fail "message"; }
	"$KILN" run out.o >out
	has out '^Return value: 7,'
	rm out.o
}

says 't.o: section .text: program called: its address is taken, and it makes tail calls: a function that is called back cannot' <<'END'
static long (*loop)(__u32, void *, void *, __u64) = (void *)181;
static int called(__u32 i, void **ctx)
{
	bpf_tail_call(*ctx, &jmp, i);
	return 0;
}
SEC("xdp") int p(struct xdp_md *ctx)
{
	loop(3, called, &ctx, 0);
	return 0;
}
END

says 't.o: section .text: program sub: tail call in a subprogram below 288 bytes of frames, wanted at most 256' <<'END'
static __noinline int sub(struct xdp_md *ctx, volatile char *p)
{
	bpf_tail_call(ctx, &jmp, *p);
	return *p;
}
SEC("xdp") int p(struct xdp_md *ctx)
{
	volatile char frame[272];

	frame[0] = 1;
	return sub(ctx, frame);
}
END

says 't.o: section tc: program q: prog_array jmp: tail calls of programs whose context is sched_cls, and before xdp' <<'END'
SEC("xdp") int p(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 1);
	return 0;
}
SEC("tc") int q(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &jmp, 2);
	return 0;
}
END

says 't.o: map to: value 1: the context of program q is sched_cls, wanted xdp' <<'END'
int q(struct __sk_buff *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} to SEC(".maps") = {.values = {[1] = (void *)&q}};
SEC("tc") int q(struct __sk_buff *ctx)
{
	return 0;
}
SEC("xdp") int p(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to, 1);
	return 0;
}
END

leaves_out 't.o: section xdp: program p: argument 2 of tail_call is map other, wanted a prog_array' <<'END'
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} other SEC(".maps");
SEC("xdp") int p(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &other, 1);
	return 7;
}
END

leaves_out 't.o: section xdp: program p: argument 1 of tail_call is stack -4, wanted the context' <<'END'
SEC("xdp") int p(struct xdp_md *ctx)
{
	volatile int other = 0;

	bpf_tail_call((void *)&other, &jmp, 1);
	return other + 7;
}
END

says 't.o: section 2/9: program q: map old has 4 entries' <<'END'
struct bpf_elf_map {
	__u32 type, key, value, entries, flags, id, pinning, inner_id, index;
} old SEC("maps") = {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 2};
SEC("2/9") int q(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &old, 1);
	return 0;
}
END

says 't.o: section two: program q: prog_array jmp: tail calls of programs whose context is struct b (8 bytes), and before struct a (8 bytes)' <<'END'
struct a { __u64 x; };
struct b { __u64 x; };
SEC("one") int p(struct a *ctx)
{
	bpf_tail_call(ctx, &jmp, 1);
	return 0;
}
SEC("two") int q(struct b *ctx)
{
	bpf_tail_call(ctx, &jmp, 2);
	return 0;
}
END

says 't.o: map to: value 2: the context of program q is struct b (8 bytes), wanted struct a (4 bytes)' <<'END'
struct a { int x; };
struct b { int x, y; };
int p(struct a *), q(struct b *);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} to SEC(".maps") = {.values = {[1] = (void *)&p, [2] = (void *)&q}};
SEC("one") int p(struct a *ctx)
{
	return ctx->x;
}
SEC("one") int q(struct b *ctx)
{
	return ctx->y;
}
SEC("other") int r(struct a *ctx)
{
	bpf_tail_call(ctx, &to, 1);
	return 0;
}
END

says 't.o: map to: value 1: the context of program q is xdp/xdp_devmap, wanted xdp' <<'END'
int q(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} to SEC(".maps") = {.values = {[1] = (void *)&q}};
SEC("xdp/devmap") int q(struct xdp_md *ctx)
{
	return 0;
}
SEC("xdp") int p(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to, 1);
	return 0;
}
END

# Either of two maps: both have the program's context.
cat >>head.h <<'END'
PROG_ARRAY(also);
#define EITHER(x)                                     \
	({                                            \
		void *m = (x) ? (void *)&jmp : (void *)&also; \
		__asm__ volatile("" : "+r"(m));       \
		m;                                    \
	})
END

says 't.o: section tc: program q: prog_array also: tail calls of programs whose context is sched_cls, and before xdp' <<'END'
SEC("xdp") int p(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, EITHER(ctx->rx_queue_index), 1);
	return 0;
}
SEC("tc") int q(struct __sk_buff *ctx)
{
	bpf_tail_call(ctx, &also, 2);
	return 0;
}
END

says 't.o: section xdp: program p: argument 2 of tail_call is unknown, wanted a prog_array' <<'END'
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} other SEC(".maps");
SEC("xdp") int p(struct xdp_md *ctx)
{
	void *m = ctx->rx_queue_index ? (void *)&jmp : (void *)&other;

	__asm__ volatile("" : "+r"(m));
	bpf_tail_call(ctx, m, 1);
	return 0;
}
END
