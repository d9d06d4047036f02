/* Queue, stack, bloom filter: a program on one end, the host on the other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, __u64);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, __u64);
} seen SEC(".maps");

SEC("raw")
__u64 put(__u64 *ctx)
{
	__u64 v = *ctx;

	if (bpf_map_peek_elem(&seen, &v) == 0)
		return 1;
	bpf_map_push_elem(&seen, &v, BPF_ANY);
	if (bpf_map_push_elem(&queue, &v, BPF_ANY))
		return 2;
	return bpf_map_push_elem(&stack, &v, BPF_EXIST);
}

SEC("raw")
__u64 take(__u64 *ctx)
{
	__u64 a = 7, b = 7, c = 7;

	if (bpf_map_pop_elem(&queue, &a))
		return a;
	bpf_map_peek_elem(&stack, &b);
	bpf_map_pop_elem(&stack, &c);
	return b == c ? a << 32 | c : 99;
}
