/* XDP and tc: headers taken apart with bounds checks, counted in maps. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <kiln/bpf.h>

#define SWAP16(v) __builtin_bswap16(v)

struct key {
	__u32 address[4];
	__u16 port;
	__u8 proto, family;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} verdicts SEC(".maps");

__u64 seen, options;

static __attribute__((noinline)) int count(__u32 proto)
{
	__u64 *n = bpf_map_lookup_elem(&protocols, &proto);

	if (n)
		*n += 1;
	return n ? 1 : 0;
}

/* The transport header and its protocol; NULL: none that is whole. */
static __always_inline void *transport(
	void *data, void *end, struct key *k, void *proto_at)
{
	struct ethhdr *eth = data;
	__u16 proto;

	if (data + sizeof(*eth) > end)
		return 0;
	proto = eth->h_proto;
	data += sizeof(*eth);
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (proto != SWAP16(ETH_P_8021Q) &&
			proto != SWAP16(ETH_P_8021AD))
			break;
		if (data + 4 > end)
			return 0;
		proto = *(__u16 *)(data + 2);
		data += 4;
	}
	if (proto == SWAP16(ETH_P_IP)) {
		struct iphdr *ip = data;

		if (data + sizeof(*ip) > end || ip->ihl < 5)
			return 0;
		if (ip->ihl > 5)
			options++;
		k->address[0] = ip->saddr ^ ip->daddr;
		k->proto = ip->protocol;
		k->family = 4;
		return data + ip->ihl * 4;
	}
	if (proto == SWAP16(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data;

		if (data + sizeof(*ip) > end)
			return 0;
		__builtin_memcpy(k->address, &ip->saddr, 16);
		k->proto = ip->nexthdr;
		k->family = 6;
		return data + sizeof(*ip);
	}
	return 0;
}

static __always_inline int classify(void *data, void *end)
{
	struct key k = {};
	void *l4 = transport(data, end, &k, 0);
	__u64 one = 1, *n;
	__u32 verdict = 0, *v;

	seen++;
	if (!l4)
		return -1;
	count(k.proto);
	if (k.proto == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if (l4 + sizeof(*tcp) > end)
			return -1;
		k.port = tcp->dest;
		verdict = 1 + tcp->syn * 2 + tcp->ack;
	} else if (k.proto == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if (l4 + sizeof(*udp) > end)
			return -1;
		k.port = udp->dest;
		verdict = 5;
	}
	n = bpf_map_lookup_elem(&flows, &k);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&flows, &k, &one, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&verdicts, &verdict);
	return v ? *v & 3 : 2;
}

SEC("xdp") int parse_xdp(struct xdp_md *md)
{
	int r = classify((void *)(long)md->data, (void *)(long)md->data_end);

	return r < 0 ? XDP_PASS : r;
}

SEC("xdp") int rewrite_xdp(struct xdp_md *md)
{
	unsigned char *data = (void *)(long)md->data;
	unsigned char *end = (void *)(long)md->data_end;

	if (data + 14 > end)
		return XDP_ABORTED;
	for (int i = 0; i < 6; i++) {
		unsigned char t = data[i];

		data[i] = data[i + 6];
		data[i + 6] = t;
	}
	return XDP_TX;
}

SEC("tc") int parse_tc(struct __sk_buff *skb)
{
	int r = classify((void *)(long)skb->data, (void *)(long)skb->data_end);

	skb->mark = skb->protocol + skb->len;
	skb->cb[1] = skb->pkt_type;
	skb->priority = skb->ifindex;
	return r < 0 ? -1 : r;
}

SEC("socket") int parse_socket(struct __sk_buff *skb)
{
	__u64 n = skb->len;

	seen += n;
	return n > 40 ? n - 14 : 0;
}

struct bpf_raw_tracepoint_args;
SEC("raw_tracepoint/sys_enter") int raw(__u64 *args)
{
	__u32 k = args[1] & 7, *v = bpf_map_lookup_elem(&verdicts, &k);

	if (v)
		*v += 3;
	return 0;
}

char _license[] SEC("license") = "GPL";
