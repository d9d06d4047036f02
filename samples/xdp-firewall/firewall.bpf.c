/*
 * A stateful XDP firewall: VLAN, IPv4 with checksum, IPv6, TCP, UDP and ICMP;
 * a block list, open ports, a packet limit per flow, counters per CPU.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <kiln/bpf.h>

#include "firewall.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);   /* IPv4 source, network order */
	__type(value, __u64); /* packets dropped */
	__uint(max_entries, MAX_BLOCKED);
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct port);
	__uint(max_entries, PORTS);
} open_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow);
	__type(value, struct count);
	__uint(max_entries, MAX_FLOWS);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct count);
	__uint(max_entries, REASONS);
} stats SEC(".maps");

/* Knob: packets that one flow may send; 0: no limit. */
const volatile __u64 flow_limit = 3;

/* Globals that the host reads. */
__u64 bytes_seen;
__u32 last_drop; /* enum reason */

enum { ICMP_HEADER = 8 };

struct vlan {
	__be16 tci, proto;
};

/* The packet and how far it is read. */
struct cursor {
	void *pos, *end;
};

static __always_inline void *take(struct cursor *c, __u64 n)
{
	void *p = c->pos;

	if (p + n > c->end)
		return 0;
	c->pos = p + n;
	return p;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* Ports of the transport header; 0 or a reason to drop. A function of its
 * own in the object, too. */
static __noinline int parse_ports(struct flow *f, void *pos, void *end)
{
	struct cursor c = {pos, end};

	if (f->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = take(&c, sizeof(*tcp));

		if (!tcp)
			return DROP_SHORT;
		f->sport = tcp->source;
		f->dport = tcp->dest;
		return 0;
	}
	if (f->proto == IPPROTO_UDP) {
		struct udphdr *udp = take(&c, sizeof(*udp));

		if (!udp)
			return DROP_SHORT;
		f->sport = udp->source;
		f->dport = udp->dest;
		return 0;
	}
	return take(&c, ICMP_HEADER) ? 0 : DROP_SHORT;
}

static __always_inline int parse_ipv4(struct flow *f, struct cursor *c)
{
	struct iphdr *ip = take(c, sizeof(*ip));

	if (!ip || ip->ihl < 5)
		return DROP_SHORT;
	if (ip->ihl == 5 &&
		fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0)))
		return DROP_CHECKSUM;
	if (!take(c, (__u64)(ip->ihl - 5) * 4))
		return DROP_SHORT;
	f->src[0] = ip->saddr;
	f->dst[0] = ip->daddr;
	f->proto = ip->protocol;
	return 0;
}

static __always_inline int parse_ipv6(struct flow *f, struct cursor *c)
{
	struct ipv6hdr *ip = take(c, sizeof(*ip));

	if (!ip)
		return DROP_SHORT;
	__builtin_memcpy(f->src, &ip->saddr, sizeof(f->src));
	__builtin_memcpy(f->dst, &ip->daddr, sizeof(f->dst));
	f->proto = ip->nexthdr;
	return 0;
}

static __always_inline int check_blocked(__u32 src)
{
	__u64 *dropped = bpf_map_lookup_elem(&blocked, &src);

	if (!dropped)
		return 0;
	__sync_fetch_and_add(dropped, 1);
	return DROP_BLOCKED;
}

static __always_inline int check_port(const struct flow *f)
{
	__u32 port = bpf_ntohs(f->dport);
	struct port *p = bpf_map_lookup_elem(&open_ports, &port);

	if (!p)
		return DROP_PORT;
	if (f->proto == IPPROTO_TCP)
		return p->tcp ? 0 : DROP_PORT;
	if (f->proto == IPPROTO_UDP)
		return p->udp ? 0 : DROP_PORT;
	return 0;
}

static __always_inline int check_flow(const struct flow *f, __u64 size)
{
	struct count *n = bpf_map_lookup_elem(&flows, f);
	struct count first = {1, size};

	if (!n) {
		bpf_map_update_elem(&flows, f, &first, BPF_ANY);
		return 0;
	}
	__sync_fetch_and_add(&n->packets, 1);
	__sync_fetch_and_add(&n->bytes, size);
	return flow_limit && n->packets > flow_limit ? DROP_RATE : 0;
}

static __always_inline int judge(struct xdp_md *ctx)
{
	struct cursor c = {
		(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	__u64 size = c.end - c.pos;
	struct ethhdr *eth = take(&c, sizeof(*eth));
	struct flow f = {};
	__u16 proto;
	int drop;

	if (!eth)
		return DROP_SHORT;
	proto = eth->h_proto;
	for (int i = 0; i < 2; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) &&
			proto != bpf_htons(ETH_P_8021AD))
			break;
		struct vlan *v = take(&c, sizeof(*v));

		if (!v)
			return DROP_SHORT;
		proto = v->proto;
	}
	if (proto == bpf_htons(ETH_P_IP))
		drop = parse_ipv4(&f, &c);
	else if (proto == bpf_htons(ETH_P_IPV6))
		drop = parse_ipv6(&f, &c);
	else
		return PASS_OTHER;
	if (!drop)
		drop = parse_ports(&f, c.pos, c.end);
	if (!drop && proto == bpf_htons(ETH_P_IP))
		drop = check_blocked(f.src[0]);
	if (!drop)
		drop = check_port(&f);
	if (!drop)
		drop = check_flow(&f, size);
	return drop ? drop : PASS_ALLOWED;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	__u64 size = (__u64)ctx->data_end - (__u64)ctx->data;
	__u32 why = judge(ctx);
	struct count *n = bpf_map_lookup_elem(&stats, &why);

	if (n) {
		n->packets++;
		n->bytes += size;
	}
	__sync_fetch_and_add(&bytes_seen, size);
	if (why < DROP_SHORT)
		return XDP_PASS;
	last_drop = why;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
