/* Values with a lock: pairs of numbers that are always equal. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u64 a;
	struct bpf_spin_lock lock;
	__u32 odd;
	__u64 b;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct pair);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct pair);
} hash SEC(".maps");

static __always_inline __u64 step(struct pair *p)
{
	__u64 was;

	if (!p)
		return 1000;
	was = p->a;
	p->a++;
	p->odd = p->a & 1;
	p->b++;
	return was;
}

SEC("raw")
__u64 step_array(__u32 *ctx)
{
	__u32 key = *ctx;

	return step(bpf_map_lookup_elem(&array, &key));
}

SEC("raw")
__u64 step_hash(__u32 *ctx)
{
	__u32 key = *ctx;

	return step(bpf_map_lookup_elem(&hash, &key));
}

/* Another value, under the lock if flags say so. */
SEC("raw")
__u64 set_hash(__u32 *ctx)
{
	__u32 key = ctx[0];
	struct pair p = {.a = ctx[1], .b = ctx[1], .odd = ctx[1] & 1};

	return bpf_map_update_elem(&hash, &key, &p, ctx[2]);
}
