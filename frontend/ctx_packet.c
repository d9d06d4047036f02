/*
 * Contexts of programs on packets: UAPI structs whose pointers have 32 bits,
 * and where kiln's (kiln/context.h) have them in full.
 */
#include <linux/bpf.h>

#include "frontend/ctx.h"
#include "kiln/context.h"

enum {
	L3 = CGROUP | LWT | SK_SKB,
	SOCKET = CGROUP | SK_SKB,
	CB = FILTER | TC | CGROUP | LWT,
	MARK = TC | CGROUP | LWT,
	ANY = FILTER | TC | L3,
};

// clang-format off
static const struct ctx_field xdp_fields[] = {
	CTX_MOVED(xdp_md, data,      kiln_xdp_md, PACKET, RTY_PACKET_DATA, ALL),
	CTX_MOVED(xdp_md, data_end,  kiln_xdp_md, PACKET, RTY_PACKET_END,  ALL),
	CTX_MOVED(xdp_md, data_meta, kiln_xdp_md, PACKET, RTY_PACKET_META, ALL),
	CTX_NUMBER(xdp_md, ingress_ifindex, ALL, NOBODY, 0),
	CTX_NUMBER(xdp_md, rx_queue_index,  ALL, NOBODY, 0),
	CTX_NUMBER(xdp_md, egress_ifindex,  ALL, NOBODY, 0),
};

#define SKB(f, ...)	    CTX_NUMBER(__sk_buff, f, __VA_ARGS__)
#define SKB_POINTER(f, ...) CTX_MOVED(__sk_buff, f, kiln_sk_buff, __VA_ARGS__)

/* The kernel keeps some in 16 bits: what is stored there loses the rest. */
static const struct ctx_field skb_fields[] = {
	SKB(len,             ANY,    NOBODY,      CTX_NARROW),
	SKB(pkt_type,        ANY,    NOBODY,      CTX_NARROW),
	SKB(mark,            CB,     MARK,        CTX_NARROW),
	SKB(queue_mapping,   ANY,    TC,          CTX_NARROW | CTX_U16 | CTX_NOT_FFFF),
	SKB(protocol,        ANY,    NOBODY,      CTX_NARROW),
	SKB(vlan_present,    ANY,    NOBODY,      CTX_NARROW),
	SKB(vlan_tci,        ANY,    NOBODY,      CTX_NARROW),
	SKB(vlan_proto,      ANY,    NOBODY,      CTX_NARROW),
	SKB(priority,        ANY,    TC | L3,     CTX_NARROW),
	SKB(ingress_ifindex, ANY,    NOBODY,      CTX_NARROW),
	SKB(ifindex,         ANY,    NOBODY,      CTX_NARROW),
	SKB(tc_index,        ANY,    TC | SK_SKB, CTX_NARROW | CTX_U16),
	SKB(cb,              ANY,    CB,          CTX_PARTS),
	SKB(hash,            ANY,    NOBODY,      CTX_NARROW),
	SKB(tc_classid,      TC,     TC,          CTX_NARROW | CTX_U16),
	SKB_POINTER(data,     PACKET, RTY_PACKET_DATA, TC | L3 | FLOW),
	SKB_POINTER(data_end, PACKET, RTY_PACKET_END,  TC | L3 | FLOW),
	SKB(napi_id,         ANY,    NOBODY,      CTX_NARROW),
	SKB(family,          SOCKET, NOBODY,      CTX_NARROW),
	SKB(remote_ip4,      SOCKET, NOBODY,      0),
	SKB(local_ip4,       SOCKET, NOBODY,      0),
	SKB(remote_ip6,      SOCKET, NOBODY,      CTX_WORDS),
	SKB(local_ip6,       SOCKET, NOBODY,      CTX_WORDS),
	SKB(remote_port,     SOCKET, NOBODY,      CTX_NARROW),
	SKB(local_port,      SOCKET, NOBODY,      CTX_NARROW),
	SKB_POINTER(data_meta, PACKET, RTY_PACKET_META, TC),
	SKB_POINTER(flow_keys, UNKNOWN, 0,                FLOW),
	SKB(tstamp,          TC | CGROUP, TC | CGROUP, 0),
	SKB(wire_len,        TC,     NOBODY,      CTX_NARROW),
	SKB(gso_segs,        ANY,    NOBODY,      CTX_NARROW),
	SKB_POINTER(sk,        UNKNOWN, 0,                ANY),
	SKB(gso_size,        ANY,    NOBODY,      CTX_NARROW),
	SKB(tstamp_type,     TC,     NOBODY,      0),
	SKB(hwtstamp,        TC | CGROUP, NOBODY, 0),
};

const struct ctx_struct ctx_xdp_md = {
	"xdp_md", sizeof(struct xdp_md), countof(xdp_fields), xdp_fields,
};
const struct ctx_struct ctx_sk_buff = {
	"__sk_buff", sizeof(struct __sk_buff), countof(skb_fields), skb_fields,
};
// clang-format on

_Static_assert(sizeof(struct xdp_md) == KILN_XDP_MD_UAPI_SIZE, "xdp_md");
_Static_assert(sizeof(struct __sk_buff) == KILN_SK_BUFF_UAPI_SIZE, "__sk_buff");
