/*
 * Contexts: what a program gets as its argument. The UAPI structure comes
 * first and keeps its layout; behind it stand, as 64-bit members, the pointers
 * that the UAPI has only 32 bits for. Their 32-bit originals are never read
 * by compiled programs and must hold 0: an access that kiln failed to redirect
 * then finds an empty packet.
 */
#ifndef KILN_CONTEXT_H
#define KILN_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "kiln/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a program that returned XDP_REDIRECT or TC_ACT_REDIRECT wants the
 * packet to go: what its last redirect helper was called with. It means nothing
 * beside any other verdict. */
enum kiln_redirect_kind {
	KILN_REDIRECT_NONE = 0,
	KILN_REDIRECT_IFINDEX = 1, /* bpf_redirect: ifindex */
	KILN_REDIRECT_MAP = 2,	   /* bpf_redirect_map: map, key */
	KILN_REDIRECT_NEIGH = 3,   /* bpf_redirect_neigh: ifindex, neigh */
	KILN_REDIRECT_PEER = 4,	   /* bpf_redirect_peer: ifindex */
};

struct kiln_redirect {
	uint32_t kind; /* enum kiln_redirect_kind */
	uint32_t ifindex;
	uint64_t flags;
	struct kiln_map *map;
	uint32_t key;
	uint32_t neigh_size; /* 0: the route decides */
	uint8_t neigh[24];   /* struct bpf_redir_neigh of linux/bpf.h */
};

KILN_SIZE(kiln_redirect, 56);
KILN_AT(kiln_redirect, flags, 8);
KILN_AT(kiln_redirect, map, 16);
KILN_AT(kiln_redirect, key, 24);
KILN_AT(kiln_redirect, neigh, 32);

/* Programs of type xdp. */
struct kiln_xdp_md {
	/* UAPI struct xdp_md */
	uint32_t uapi_data, uapi_data_end, uapi_data_meta; /* 0 */
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	/* The packet: data_meta <= data <= data_end. Without metadata
	 * data_meta is data. */
	void *data;
	void *data_end;
	void *data_meta;
	/* The buffer around it, for helpers that move its ends; NULL: they
	 * cannot. data_hard_start <= data_meta, data_end <= data_hard_end. */
	void *data_hard_start;
	void *data_hard_end;
	struct kiln_redirect redirect;
};

#define KILN_XDP_MD_UAPI_SIZE 24

/* Lets md describe the packet [data, data_end) without metadata, in a buffer
 * [start, end). The UAPI's scalars stay as they are. */
static inline void kiln_xdp_md_init(struct kiln_xdp_md *md, void *start,
	void *data, void *data_end, void *end)
{
	md->uapi_data = 0;
	md->uapi_data_end = 0;
	md->uapi_data_meta = 0;
	md->data = data;
	md->data_end = data_end;
	md->data_meta = data;
	md->data_hard_start = start;
	md->data_hard_end = end;
	md->redirect.kind = KILN_REDIRECT_NONE;
}

KILN_SIZE(kiln_xdp_md, 120);
KILN_AT(kiln_xdp_md, redirect, 64);
KILN_AT(kiln_xdp_md, uapi_data, 0);
KILN_AT(kiln_xdp_md, uapi_data_end, 4);
KILN_AT(kiln_xdp_md, uapi_data_meta, 8);
KILN_AT(kiln_xdp_md, ingress_ifindex, 12);
KILN_AT(kiln_xdp_md, rx_queue_index, 16);
KILN_AT(kiln_xdp_md, egress_ifindex, 20);
KILN_AT(kiln_xdp_md, data, 24);
KILN_AT(kiln_xdp_md, data_end, 32);
KILN_AT(kiln_xdp_md, data_meta, 40);
KILN_AT(kiln_xdp_md, data_hard_start, 48);
KILN_AT(kiln_xdp_md, data_hard_end, 56);

/* Programs of the types socket_filter, sched_cls, sched_act, cgroup_skb, lwt_*,
 * sk_skb and flow_dissector: a socket buffer, all of it in one piece and
 * shorter than 2 GiB. */
struct kiln_sk_buff {
	/* UAPI struct __sk_buff */
	uint32_t len; /* data_end - data */
	uint32_t pkt_type;
	uint32_t mark;
	uint32_t queue_mapping;
	uint32_t protocol; /* network byte order */
	uint32_t vlan_present;
	uint32_t vlan_tci;
	uint32_t vlan_proto; /* network byte order */
	uint32_t priority;
	uint32_t ingress_ifindex;
	uint32_t ifindex;
	uint32_t tc_index;
	uint32_t cb[5];
	uint32_t hash;
	uint32_t tc_classid;
	uint32_t uapi_data, uapi_data_end; /* 0 */
	uint32_t napi_id;
	uint32_t family;
	uint32_t remote_ip4; /* addresses: network byte order */
	uint32_t local_ip4;
	uint32_t remote_ip6[4];
	uint32_t local_ip6[4];
	uint32_t remote_port;	 /* network byte order */
	uint32_t local_port;	 /* host byte order */
	uint32_t uapi_data_meta; /* 0 */
	uint64_t uapi_flow_keys; /* 0 */
	uint64_t tstamp;
	uint32_t wire_len;
	uint32_t gso_segs;
	uint64_t uapi_sk; /* 0 */
	uint32_t gso_size;
	uint8_t tstamp_type;
	uint8_t uapi_padding[3];
	uint64_t hwtstamp;
	/* The packet, as in struct kiln_xdp_md. */
	void *data;
	void *data_end;
	void *data_meta;
	void *data_hard_start;
	void *data_hard_end;
	/* Where LD_ABS finds SKF_LL_OFF and SKF_NET_OFF; NULL: nowhere. Both
	 * are in [data_hard_start, data_end]; data may be behind them. */
	void *mac_header;
	void *network_header;
	void *sk;	 /* struct bpf_sock of linux/bpf.h, or NULL */
	void *flow_keys; /* struct bpf_flow_keys, for flow_dissector */
	struct kiln_redirect redirect;
};

#define KILN_SK_BUFF_UAPI_SIZE 192

/* Lets skb describe the packet [data, data_end), which begins with an Ethernet
 * header, in a buffer [start, end). Of the UAPI's scalars len is set, the
 * others stay as they are. */
static inline void kiln_sk_buff_init(struct kiln_sk_buff *skb, void *start,
	void *data, void *data_end, void *end)
{
	size_t len = (size_t)((char *)data_end - (char *)data);

	skb->len = (uint32_t)len;
	skb->uapi_data = 0;
	skb->uapi_data_end = 0;
	skb->uapi_data_meta = 0;
	skb->uapi_flow_keys = 0;
	skb->uapi_sk = 0;
	skb->data = data;
	skb->data_end = data_end;
	skb->data_meta = data;
	skb->data_hard_start = start;
	skb->data_hard_end = end;
	skb->mac_header = data;
	skb->network_header = len < 14 ? NULL : (char *)data + 14;
	skb->sk = NULL;
	skb->flow_keys = NULL;
	skb->redirect.kind = KILN_REDIRECT_NONE;
}

KILN_SIZE(kiln_sk_buff, 320);
KILN_AT(kiln_sk_buff, redirect, 264);
KILN_AT(kiln_sk_buff, len, 0);
KILN_AT(kiln_sk_buff, cb, 48);
KILN_AT(kiln_sk_buff, hash, 68);
KILN_AT(kiln_sk_buff, uapi_data, 76);
KILN_AT(kiln_sk_buff, napi_id, 84);
KILN_AT(kiln_sk_buff, family, 88);
KILN_AT(kiln_sk_buff, remote_ip6, 100);
KILN_AT(kiln_sk_buff, local_port, 136);
KILN_AT(kiln_sk_buff, uapi_data_meta, 140);
KILN_AT(kiln_sk_buff, uapi_flow_keys, 144);
KILN_AT(kiln_sk_buff, tstamp, 152);
KILN_AT(kiln_sk_buff, wire_len, 160);
KILN_AT(kiln_sk_buff, uapi_sk, 168);
KILN_AT(kiln_sk_buff, gso_size, 176);
KILN_AT(kiln_sk_buff, tstamp_type, 180);
KILN_AT(kiln_sk_buff, hwtstamp, 184);
KILN_AT(kiln_sk_buff, data, 192);
KILN_AT(kiln_sk_buff, data_end, 200);
KILN_AT(kiln_sk_buff, data_meta, 208);
KILN_AT(kiln_sk_buff, data_hard_start, 216);
KILN_AT(kiln_sk_buff, data_hard_end, 224);
KILN_AT(kiln_sk_buff, mac_header, 232);
KILN_AT(kiln_sk_buff, network_header, 240);
KILN_AT(kiln_sk_buff, sk, 248);
KILN_AT(kiln_sk_buff, flow_keys, 256);

#ifdef __cplusplus
}
#endif
#endif
