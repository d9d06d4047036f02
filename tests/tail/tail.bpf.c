/* programs.bpf.h as BPF. */
#include <linux/bpf.h>

#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jmp SEC(".maps");

unsigned leaf(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, int(void *));
} also SEC(".maps") = {.values = {[1] = (void *)&leaf}};

struct trace {
	__u32 n;
	__u8 id[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace);
} trace SEC(".maps");

static __always_inline __u32 log_id(__u8 id)
{
	__u32 zero = 0;
	struct trace *t = bpf_map_lookup_elem(&trace, &zero);

	if (!t)
		return 0;
	t->id[t->n & 127] = id;
	return ++t->n;
}

#define LOG(id)		 log_id(id)
#define TAIL(ctx, index) bpf_tail_call(ctx, &jmp, index)
#define TAIL_EITHER(ctx, first, index)                             \
	do {                                                       \
		void *m_ = (first) ? (void *)&jmp : (void *)&also; \
		__asm__ volatile("" : "+r"(m_));                   \
		bpf_tail_call(ctx, m_, index);                     \
	} while (0)
#define PROG(name) SEC("xdp") unsigned name(struct xdp_md *ctx)
#define SUB(name)  static __noinline unsigned name(struct xdp_md *ctx)
#include "programs.bpf.h"

/* Of another type. */
SEC("tc") int other(struct __sk_buff *skb)
{
	return 7;
}

char LICENSE[] SEC("license") = "GPL";
