/*
 * Programs with several contexts, two kinds of input in one file:
 *	-DOWN=n   contexts are the application's structs: n tells versions of
 *		  one header apart
 *	(none)    programs with types
 */
#include <linux/bpf.h>

#include <kiln/bpf.h>

#define PROG_ARRAY(name)                               \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 4);                \
		__uint(key_size, 4);                   \
		__uint(value_size, 4);                 \
	} name SEC(".maps")

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

#ifdef OWN
struct conn {
#if OWN == 1
	__u32 from, to;
#elif OWN == 2 /* spelled another way, and the same */
	unsigned from;
	unsigned int to;
#else	       /* a member has moved */
	__u32 to, from;
#endif
	struct conn *next;
	unsigned char bytes[6];
	unsigned flag : 3;
};

struct packet {
	__u32 from, to;
};

PROG_ARRAY(JOIN(conns, OWN));

SEC("first") int JOIN(conn, OWN)(struct conn *c)
{
	bpf_tail_call(c, &JOIN(conns, OWN), c->from & 3);
	return (int)c->to + OWN;
}

SEC("second") int JOIN(packet, OWN)(struct packet *p)
{
	return (int)p->to;
}

SEC("third") int JOIN(plain, OWN)(void *p)
{
	return p != 0;
}
#else
PROG_ARRAY(xdps);

SEC("xdp") int p_xdp(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &xdps, ctx->rx_queue_index & 3);
	return XDP_PASS;
}

SEC("xdp") int p_too(struct xdp_md *ctx)
{
	return XDP_DROP;
}

int p_too(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} begun SEC(".maps") = {.values = {[1] = (void *)&p_too}};

SEC("xdp") int begins(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &begun, ctx->rx_queue_index & 3);
	return XDP_PASS;
}

SEC("xdp/devmap") int devmap(struct xdp_md *ctx)
{
	return (int)ctx->egress_ifindex;
}

SEC("xdp.frags") int frags(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("tc") int p_tc(struct __sk_buff *skb)
{
	return (int)skb->len;
}

SEC("cgroup/connect4") int connect4(struct bpf_sock_addr *ctx)
{
	return ctx->user_ip4 != 0;
}

SEC("cgroup/connect6") int connect6(struct bpf_sock_addr *ctx)
{
	return ctx->user_ip6[0] != 0;
}
#endif
