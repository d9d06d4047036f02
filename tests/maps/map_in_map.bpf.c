/* Maps in maps: initialised by the object, filled by the host. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u64);
	__type(value, __u64);
} a SEC(".maps"), b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 5);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = {.values = {[1] = &a, [3] = &b, [4] = &a}};

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} c SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, struct counts);
} by_key SEC(".maps") = {.values = {&c}};

struct ask {
	__u32 outer, key32;
	__u64 key;
};

/* 1000: no such map; 1001: no such element */
SEC("raw")
__u64 from_array(struct ask *ask)
{
	__u32 i = ask->outer;
	__u64 key = ask->key;
	void *inner = bpf_map_lookup_elem(&by_index, &i);
	__u64 *v;

	if (!inner)
		return 1000;
	v = bpf_map_lookup_elem(inner, &key);
	return v ? ++*v : 1001;
}

SEC("raw")
__u64 from_hash(struct ask *ask)
{
	__u32 i = ask->outer, key = ask->key32;
	void *inner = bpf_map_lookup_elem(&by_key, &i);
	__u64 *v, one = 100;

	if (!inner)
		return 1000;
	v = bpf_map_lookup_elem(inner, &key);
	if (!v)
		return 1001;
	if (!*v)
		bpf_map_update_elem(inner, &key, &one, BPF_ANY);
	return ++*v;
}
