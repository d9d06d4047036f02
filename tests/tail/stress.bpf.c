/* A pipeline of two slots for stress.c: what it returns says which programs
 * ran. */
#include <linux/bpf.h>

#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jmp SEC(".maps");

SEC("xdp") int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return 1;
}

SEC("xdp") int middle(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 1);
	return 2;
}

/* Long enough to be caught inside. */
static __always_inline int leaf(int n)
{
	volatile int left = 100;

	while (left--)
		;
	return 10 + n;
}

#define LEAF(n)                                    \
	SEC("xdp") int leaf##n(struct xdp_md *ctx) \
	{                                          \
		return leaf(n);                    \
	}
LEAF(0)
LEAF(1)
LEAF(2)

char LICENSE[] SEC("license") = "GPL";
