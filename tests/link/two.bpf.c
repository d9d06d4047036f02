/* Two programs that share nothing: each has its own map, one its own helper
 * and a run scope, and each calls its own subprogram. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} times SEC(".maps");

int runs;
const volatile int step = 3;

static __noinline __u64 count(__u32 key)
{
	__u64 *v = bpf_map_lookup_elem(&counts, &key);

	return v ? *v += step : 0;
}

static __noinline __u64 stamp(__u32 key)
{
	__u64 *v = bpf_map_lookup_elem(&times, &key);

	return v ? *v += bpf_ktime_get_ns() : 0;
}

SEC("xdp")
int p1(struct xdp_md *ctx)
{
	runs++;
	return count(1) + ctx->data_end - ctx->data;
}

SEC("xdp")
int p2(struct xdp_md *ctx)
{
	return stamp(2) + ctx->ingress_ifindex;
}

char LICENSE[] SEC("license") = "GPL";
