/* See README.md. Stages find the packet as the first program got it: what they
 * need of it they parse again. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <kiln/bpf.h>

#include "pipeline.h"

enum { DNS = 53 };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__uint(key_size, 4);
	__uint(value_size, 4);
} stages SEC(".maps");

/* Packets that each stage saw. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STAGE_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static __always_inline void count(__u32 stage)
{
	__u64 *n = bpf_map_lookup_elem(&seen, &stage);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct iphdr *ipv4(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	return (void *)(ip + 1) <= end && ip->ihl == 5 ? ip : 0;
}

SEC("xdp") int parse(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		bpf_tail_call(ctx, &stages, STAGE_IPV4);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		bpf_tail_call(ctx, &stages, STAGE_IPV6);
	else if (eth->h_proto == bpf_htons(ETH_P_ARP))
		bpf_tail_call(ctx, &stages, STAGE_ARP);
	return XDP_PASS;
}

SEC("xdp") int arp(struct xdp_md *ctx)
{
	count(STAGE_ARP);
	return XDP_TX;
}

SEC("xdp") int ipv6(struct xdp_md *ctx)
{
	count(STAGE_IPV6);
	return XDP_DROP;
}

SEC("xdp") int stage_ipv4(struct xdp_md *ctx)
{
	struct iphdr *ip = ipv4(ctx);

	count(STAGE_IPV4);
	if (!ip)
		return XDP_DROP;
	if (ip->protocol == IPPROTO_TCP)
		bpf_tail_call(ctx, &stages, STAGE_TCP);
	else if (ip->protocol == IPPROTO_UDP)
		bpf_tail_call(ctx, &stages, STAGE_UDP);
	else if (ip->protocol == IPPROTO_ICMP)
		bpf_tail_call(ctx, &stages, STAGE_ICMP);
	return XDP_PASS;
}

SEC("xdp") int tcp(struct xdp_md *ctx)
{
	count(STAGE_TCP);
	return XDP_REDIRECT;
}

SEC("xdp") int udp(struct xdp_md *ctx)
{
	count(STAGE_UDP);
	return XDP_TX;
}

/* The other version: DNS only. */
SEC("xdp") int udp_dns(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ipv4(ctx);
	struct udphdr *u = (void *)(ip + 1);

	count(STAGE_UDP);
	if (!ip || (void *)(u + 1) > end)
		return XDP_DROP;
	return u->dest == bpf_htons(DNS) ? XDP_TX : XDP_DROP;
}

SEC("xdp") int icmp(struct xdp_md *ctx)
{
	count(STAGE_ICMP);
	return XDP_TX;
}

SEC("xdp") int icmp_quiet(struct xdp_md *ctx)
{
	count(STAGE_ICMP);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
