/* A seed for fuzz_load: a knob, both storages of maps, per-CPU, calls, data. */
#include <linux/bpf.h>

#include <kiln/bpf.h>

const volatile int knob = 5;
int counter;
static const char text[] = "text in .rodata";
const char *const where = text;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, __u64[4]);
} large SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 key = knob & 1;
	__u64 *v = bpf_map_lookup_elem(&small, &key);

	if (v)
		(*v)++;
	v = bpf_map_lookup_elem(&percpu, &key);
	if (v)
		(*v)++;
	v = bpf_map_lookup_elem(&large, &key);
	counter += v ? (int)*v : where[key & 7];
	return counter;
}

char _license[] SEC("license") = "GPL";
