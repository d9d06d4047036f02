/* Records from the host: their sum, until one says stop. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, 31); /* BPF_MAP_TYPE_USER_RINGBUF */
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct sum {
	__u64 total, bytes, nested;
};

static long add(struct bpf_dynptr *d, struct sum *s)
{
	__u64 v = 0, *p;

	if (bpf_dynptr_read(&v, sizeof(v), d, 0, 0))
		return 1;
	s->total += v;
	p = bpf_dynptr_data(d, 8, 8);
	if (p)
		s->bytes += *p;
	return v == 99;
}

static long again(struct bpf_dynptr *d, struct sum *s)
{
	s->nested = bpf_user_ringbuf_drain(&ring, add, s, 0);
	return 0;
}

SEC("raw")
__u64 drain(__u64 *out)
{
	struct sum s = {0};
	long n = bpf_user_ringbuf_drain(&ring, add, &s, out[0]);

	out[1] = s.total;
	out[2] = s.bytes;
	return n;
}

SEC("raw")
__u64 nested(__u64 *out)
{
	struct sum s = {0};
	long n = bpf_user_ringbuf_drain(&ring, again, &s, 0);

	*out = s.nested;
	return n;
}

/* An object of the application's, and how much of its packet. */
SEC("raw")
__u64 output(__u64 *in)
{
	__u32 n = 7;

	if (in[2])
		return bpf_xdp_output((void *)in[0], &events,
			BPF_F_CURRENT_CPU | in[1] << 32, &n, 4);
	return bpf_skb_output(
		(void *)in[0], &events, BPF_F_CURRENT_CPU | in[1] << 32, &n, 4);
}

char _license[] SEC("license") = "GPL";
