/* Pointers to the application's objects, in values of maps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct object;
struct value {
	__u64 n;
	struct object __attribute__((btf_type_tag("kptr"))) * one;
	struct object __attribute__((btf_type_tag("kptr"))) * two;
};

#define KIND(name, map_type)                 \
	struct {                             \
		__uint(type, map_type);      \
		__uint(max_entries, 2);      \
		__type(key, __u32);          \
		__type(value, struct value); \
	} name SEC(".maps")

KIND(array, BPF_MAP_TYPE_ARRAY);
KIND(hash, BPF_MAP_TYPE_HASH);
KIND(lru, BPF_MAP_TYPE_LRU_HASH);

struct ask {
	__u32 kind, key, second;
	struct object *object;
};

static struct value *find(struct ask *a)
{
	if (a->kind == 0)
		return bpf_map_lookup_elem(&array, &a->key);
	if (a->kind == 1)
		return bpf_map_lookup_elem(&hash, &a->key);
	return bpf_map_lookup_elem(&lru, &a->key);
}

/* The object that was there. */
SEC("raw")
__u64 exchange(struct ask *a)
{
	struct value *v = find(a);

	if (!v)
		return -1;
	return (__u64)bpf_kptr_xchg(a->second ? &v->two : &v->one, a->object);
}

char _license[] SEC("license") = "GPL";
