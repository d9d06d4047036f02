# Helpers from a BPF object to the application: packets that change, redirects,
# rings, locks, text, memory that is not there, hooks that the application
# supplies and one that it does not.
. "$KILN_TOP/tests/link/common.sh"
need clang
need_plain
cat >helpers.bpf.c <<'EOF'
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");
struct value {
	struct bpf_spin_lock lock;
	__u32 n;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");
char text[32];
__u64 seen[8];

/* the context is the second parameter */
static __noinline int away(int ifindex, struct xdp_md *md)
{
	return bpf_redirect(ifindex + md->rx_queue_index, 0);
}

SEC("xdp") int shrink(struct xdp_md *md)
{
	unsigned char *p;

	if (bpf_xdp_adjust_head(md, 4))
		return XDP_ABORTED;
	p = (void *)(long)md->data; /* another one now */
	if (p + 1 > (unsigned char *)(long)md->data_end)
		return XDP_DROP;
	*p = '!';
	bpf_perf_event_output(md, &events, BPF_F_CURRENT_CPU | 3ull << 32, "xdp", 3);
	return away(40, md);
}

SEC("tc") int change(struct __sk_buff *skb)
{
	unsigned char b[4];
	__u32 *n = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!n)
		return 9;
	n[0] = skb->len;
	if (bpf_skb_change_tail(skb, 64, 0) || bpf_skb_load_bytes(skb, 2, b, 4))
		return 8;
	b[0] ^= 0xff;
	bpf_skb_store_bytes(skb, 2, b, 4, 0);
	bpf_l3_csum_replace(skb, 10, 0x0100, 0x0200, 2);
	n[1] = skb->len;
	bpf_ringbuf_submit(n, 0);
	bpf_perf_event_output(skb, &events, BPF_F_CURRENT_CPU, "tc", 2);
	return bpf_redirect(7, BPF_F_INGRESS);
}

struct args {
	const void *good, *bad;
};
SEC("raw_tracepoint/x") int look(struct args *a)
{
	__u32 k = 0;
	__u64 v[2] = {1, 2};
	struct value *e = bpf_map_lookup_elem(&values, &k);
	static const char format[] = "%d %llx";

	if (!e)
		return 1;
	bpf_spin_lock(&e->lock);
	e->n++;
	bpf_spin_unlock(&e->lock);
	seen[0] = bpf_probe_read_kernel(&v[0], 8, a->good);
	seen[1] = v[0];
	seen[2] = bpf_probe_read_kernel(&v[1], 8, a->bad);
	seen[3] = v[1];
	seen[4] = bpf_get_current_cgroup_id();
	seen[5] = bpf_fib_lookup(a, v, sizeof(v), 0);
	v[0] = -1;
	v[1] = 0xabc;
	seen[6] = bpf_snprintf(text, sizeof(text), format, v, sizeof(v));
	return e->n;
}
char _license[] SEC("license") = "GPL";
EOF
cat >main.c <<'EOF'
#include <kiln/context.h>
#include <kiln/runtime.h>
#include <stdio.h>
#include <string.h>

#define CHECK(what)                                                       \
	do {                                                              \
		if (!(what)) {                                            \
			printf("main.c:%d: %s\n", __LINE__, #what);       \
			return 1;                                         \
		}                                                         \
	} while (0)

uint64_t shrink(void *), change(void *), look(void *);
extern char text[32];
extern uint64_t seen[8];

/* The application's. */
uint64_t kiln_helper_get_current_cgroup_id(void)
{
	return 4711;
}

static char got[4][32];
static size_t size[4];
static int n;

static int record(void *ctx, void *data, size_t bytes)
{
	(void)ctx;
	memcpy(got[n], data, bytes);
	size[n++] = bytes;
	return 0;
}

static void sample(void *ctx, int cpu, void *data, uint32_t bytes)
{
	(void)cpu;
	record(ctx, data, bytes);
}

int main(void)
{
	char b[128] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct kiln_xdp_md md = {.rx_queue_index = 2};
	struct kiln_sk_buff skb = {.protocol = 8};
	uint64_t good = 77;
	struct {
		const void *good, *bad;
	} args = {&good, (void *)8};
	struct kiln_object *o = kiln_object_self();
	struct kiln_map *events = kiln_object_find_map(o, "events");
	struct kiln_perf_buffer *pb =
		kiln_perf_buffer_new(events, sample, NULL, NULL);

	CHECK(pb && kiln_perf_buffer_poll(pb, 0) == 0);
	kiln_xdp_md_init(&md, b, b, b + 36, b + sizeof(b));
	CHECK(shrink(&md) == 4 && md.data == b + 4 && b[4] == '!');
	CHECK(md.redirect.kind == KILN_REDIRECT_IFINDEX);
	CHECK(md.redirect.ifindex == 42);

	kiln_sk_buff_init(&skb, b, b + 4, b + 36, b + sizeof(b));
	CHECK(change(&skb) == 7 && skb.len == 64);
	CHECK(skb.redirect.ifindex == 7 && skb.redirect.flags == 1);
	CHECK(!memcmp(b + 4, "!5\xc9" "789ABCD", 10) && b[36] == 0);
	CHECK(kiln_perf_buffer_poll(pb, -1) == 2 && n == 2);
	CHECK(size[0] == 6 && !memcmp(got[0], "xdp!56", 6));
	CHECK(size[1] == 2 && !memcmp(got[1], "tc", 2));
	kiln_perf_buffer_free(pb);
	n = 0;
	CHECK(kiln_ring_consume(kiln_object_find_map(o, "ring"), record, NULL) ==
		1);
	CHECK(((uint32_t *)got[0])[0] == 32 && ((uint32_t *)got[0])[1] == 64);

	CHECK(look(&args) == 1 && look(&args) == 2);
	CHECK(seen[0] == 0 && seen[1] == 77);
	CHECK((int)seen[2] == -14 && seen[3] == 0);
	CHECK(seen[4] == 4711 && seen[5] == 4);
	CHECK(seen[6] == 7 && !strcmp(text, "-1 abc"));
	puts("helpers work");
	return 0;
}
EOF
bpf helpers.bpf.c helpers.bpf.o
compile -o helpers.kiln.o helpers.bpf.o
$CC -O1 -g "$include" main.c helpers.kiln.o "$KILN_LIBS/libkiln.a" -o main
$run ./main || fail "main"
"$KILN" inspect helpers.kiln.o >out
has out ' xdp_redirect +native +shrink$'
has out ' redirect +native +change$'
has out ' get_current_cgroup_id +hook +0 +look$'
has out ' fib_lookup +hook +NOT_FWDED +look$'
