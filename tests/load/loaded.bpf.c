/* What the host programs of this folder load. */
#include <linux/bpf.h>

#include <kiln/bpf.h>

const volatile int knob = 5;
const volatile __u64 wide;
__u64 runs;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps"), spare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 200000); /* storage of its own */
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

extern __u64 app_inside(__u64 arg) __attribute__((section(".ksyms")));
extern __u64 app_optional(__u64 arg) __attribute__((section(".ksyms")))
__attribute__((weak));

/* counts[key] += knob; what it was */
SEC("raw") __u64 count(__u32 *key)
{
	__u64 *v = bpf_map_lookup_elem(&counts, key);
	__u64 was;

	runs++;
	if (!v)
		return bpf_map_lookup_elem(&spare, key) ? -2 : -1;
	was = *v;
	*v += knob + wide;
	return was;
}

SEC("raw") __u64 add_percpu(__u32 *key)
{
	__u64 *v = bpf_map_lookup_elem(&percpu, key);

	return v ? *v += 1 : -1;
}

SEC("raw") __u64 remember(__u32 *key)
{
	__u64 one = 1;

	return bpf_map_update_elem(&seen, key, &one, BPF_NOEXIST);
}

static __noinline __u64 inner(__u64 arg)
{
	return app_inside(arg) + 1;
}

SEC("raw") __u64 call_app(__u64 *arg)
{
	return inner(*arg) + runs;
}

SEC("raw") __u64 call_optional(__u64 *arg)
{
	return app_optional ? app_optional(*arg) : 77;
}

struct node {
	__u64 value;
	struct node *next;
};

struct place {
	struct node *node;
};

/* Three loads that may fault; 7 if all do. */
SEC("raw") __u64 follow(struct place *at)
{
	struct node *n = at->node;
	__u64 sum = n->value * 5;

	return sum + n->next->value + 7;
}

char _license[] SEC("license") = "GPL";
