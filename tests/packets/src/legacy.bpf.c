/* Maps as struct bpf_map_def in a section "maps", no BTF: what libbpf 1.x
 * refuses and old loaders took. */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

struct map_def {
	unsigned int type, key_size, value_size, max_entries, flags;
	unsigned int inner, numa;
};

static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(
	void *map, const void *key, const void *value, __u64 flags) = (void *)2;

struct map_def SEC("maps") lengths = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 512,
};
struct map_def SEC("maps") bytes = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 4,
};

SEC("xdp") int legacy_lengths(struct xdp_md *md)
{
	__u32 n = md->data_end - md->data, k = 1;
	__u64 one = 1, *v = lookup(&lengths, &n);

	if (v)
		*v += one;
	else
		update(&lengths, &n, &one, BPF_ANY);
	v = lookup(&bytes, &k);
	if (v)
		*v += n;
	return n & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
