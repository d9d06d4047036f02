/* Two programs that share nothing: each has its own map, one its own helper
 * and a run scope, and each calls its own subprogram; in all four a load may
 * fault. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} times SEC(".maps");

struct task_struct {
	long first;
	int p1, p2;
} __attribute__((preserve_access_index));

static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *)158;

int runs;
const volatile int step = 3;

static __noinline __u64 count(__u32 key)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *v = bpf_map_lookup_elem(&counts, &key);

	return v ? *v += step + (task ? task->first : 0) : 0;
}

static __noinline __u64 stamp(__u32 key)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *v = bpf_map_lookup_elem(&times, &key);

	return v ? *v += bpf_ktime_get_ns() + (task ? task->first : 0) : 0;
}

SEC("xdp")
int p1(struct xdp_md *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	runs += task ? task->p1 : 1;
	return count(1) + ctx->data_end - ctx->data;
}

SEC("xdp")
int p2(struct xdp_md *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return stamp(2) + ctx->ingress_ifindex + (task ? task->p2 : 0);
}

char LICENSE[] SEC("license") = "GPL";
