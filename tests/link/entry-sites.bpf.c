/* Programs and a subprogram that programs can attach to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

__attribute__((noinline)) int triple(int a)
{
	asm volatile("" : "+r"(a));
	return a * 3;
}

SEC("raw") int plain(int *c)
{
	return triple(*c) + 1;
}

SEC("raw") int scoped(int *c)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	return n ? ++*n + *c : 0;
}

char _license[] SEC("license") = "GPL";
