/* See README.md. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "server.h"
#include "trace.h"

/* When a thread's call of handle() began. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLIENTS);
	__type(key, __u32);
	__type(value, struct histogram);
} latency SEC(".maps");

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 n = 0;

	for (int shift = 32; shift; shift /= 2)
		if (v >> shift) {
			v >>= shift;
			n += shift;
		}
	return n;
}

SEC("fentry/handle") int BPF_PROG(begin)
{
	__u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&start, &thread, &now, BPF_ANY);
	return 0;
}

SEC("fexit/handle")
int BPF_PROG(end, struct store *s, const struct request *req, struct reply *rep,
	int status)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *began = bpf_map_lookup_elem(&start, &thread);
	__u32 client = req->client;
	struct histogram *h = bpf_map_lookup_elem(&latency, &client);

	if (!began || !h)
		return 0;
	__u32 slot = log2_of(bpf_ktime_get_ns() - *began);
	bpf_map_delete_elem(&start, &thread);
	if (slot < SLOTS)
		__sync_fetch_and_add(&h->count[slot], 1);
	if (status == ST_REFUSED)
		__sync_fetch_and_add(&h->refused, 1);
	return 0;
}

/* The upper half of the keys may not be written. */
SEC("fmod_ret/handle")
int BPF_PROG(filter, struct store *s, const struct request *req)
{
	return req->op == OP_PUT && req->key >= KEYS / 2 ? ST_REFUSED : 0;
}

SEC("freplace/checksum")
unsigned fixed(const unsigned char *data, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n && i < DATA; i++)
		sum = sum * 31 + data[i];
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
