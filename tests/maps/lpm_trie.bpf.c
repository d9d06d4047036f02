/* Routes: the longest prefix decides. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct route {
	__u32 bits;
	__u8 data[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route);
	__type(value, __u32);
} routes SEC(".maps");

SEC("raw")
__u64 route(__u8 *address)
{
	struct route key = {.bits = 32};
	__u32 *hop;

	__builtin_memcpy(key.data, address, 4);
	hop = bpf_map_lookup_elem(&routes, &key);
	return hop ? *hop : 0;
}

SEC("raw")
__u64 block(__u8 *address)
{
	struct route key = {.bits = 32};
	__u32 nowhere = 0;

	__builtin_memcpy(key.data, address, 4);
	return bpf_map_update_elem(&routes, &key, &nowhere, BPF_NOEXIST);
}

SEC("raw")
__u64 unblock(__u8 *address)
{
	struct route key = {.bits = 32};

	__builtin_memcpy(key.data, address, 4);
	return bpf_map_delete_elem(&routes, &key);
}
