/* Maps of what packets are sent to: programs look up, the host fills. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TARGETS(name, kind, size)                  \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, 4);            \
		__uint(key_size, 4);               \
		__uint(value_size, size);          \
	} name SEC(".maps")

TARGETS(devices, DEVMAP, 8);
TARGETS(hashed, DEVMAP_HASH, 4);
TARGETS(queues, XSKMAP, 4);
TARGETS(cpus, CPUMAP, 4);

SEC("raw")
__u64 device(__u32 *ctx)
{
	__u32 key = *ctx;
	struct bpf_devmap_val *v = bpf_map_lookup_elem(&devices, &key);

	return v ? v->ifindex : 1000;
}

SEC("raw")
__u64 device_of(__u32 *ctx)
{
	__u32 key = *ctx, *v = bpf_map_lookup_elem(&hashed, &key);

	return v ? *v : 1000;
}

SEC("raw")
__u64 queue(__u32 *ctx)
{
	__u32 key = *ctx;
	struct bpf_xdp_sock *v = bpf_map_lookup_elem(&queues, &key);

	return v ? v->queue_id : 1000;
}

SEC("xdp")
int to_queue(struct xdp_md *ctx)
{
	return bpf_redirect_map(&queues, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, ctx->rx_queue_index, XDP_DROP);
}
