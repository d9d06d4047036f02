/*
 * Contexts by program type: which fields an access may touch, as the kernel's
 * is_valid_access functions have it (tests/frontend/t_ctx_kernel.c asks it),
 * and where kiln's struct (kiln/context.h) keeps the pointers.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"
#include "kiln/context.h"

/* Who may, by struct: a bit in ctx_type.as. */
enum {
	NOBODY = 0,
	XDP = 1,

	FILTER = 1, /* socket_filter */
	TC = 2,
	CGROUP = 4,
	LWT = 8,
	SK_SKB = 16,
	FLOW = 32, /* flow_dissector */
	L3 = CGROUP | LWT | SK_SKB,
	SOCKET = CGROUP | SK_SKB,
	CB = FILTER | TC | CGROUP | LWT,
	MARK = TC | CGROUP | LWT,
	ANY = FILTER | TC | L3,
};

// clang-format off
#define NUMBER		{.kind = RTY_SCALAR}

/* A field of the UAPI struct, and a pointer whose 64-bit form is elsewhere. */
#define FIELD(uapi, f, readers, writers, flags) \
	{#f, offsetof(struct uapi, f), sizeof(((struct uapi *)0)->f), 0, NUMBER, \
		readers, writers, flags}
#define POINTER(uapi, f, native, kind_, id_, readers) \
	{#f, offsetof(struct uapi, f), sizeof(((struct uapi *)0)->f), \
		offsetof(struct native, f), {.kind = RTY_##kind_, .id = id_}, \
		readers, NOBODY, 0}

static const struct ctx_field xdp_fields[] = {
	POINTER(xdp_md, data,      kiln_xdp_md, PACKET, RTY_PACKET_DATA, XDP),
	POINTER(xdp_md, data_end,  kiln_xdp_md, PACKET, RTY_PACKET_END,  XDP),
	POINTER(xdp_md, data_meta, kiln_xdp_md, PACKET, RTY_PACKET_META, XDP),
	FIELD(xdp_md, ingress_ifindex, XDP, NOBODY, 0),
	FIELD(xdp_md, rx_queue_index,  XDP, NOBODY, 0),
	FIELD(xdp_md, egress_ifindex,  XDP, NOBODY, 0),
};

#define SKB(f, ...)	    FIELD(__sk_buff, f, __VA_ARGS__)
#define SKB_POINTER(f, ...) POINTER(__sk_buff, f, kiln_sk_buff, __VA_ARGS__)

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
	SKB(remote_ip6[0],   SOCKET, NOBODY,      0),
	SKB(remote_ip6[1],   SOCKET, NOBODY,      0),
	SKB(remote_ip6[2],   SOCKET, NOBODY,      0),
	SKB(remote_ip6[3],   SOCKET, NOBODY,      0),
	SKB(local_ip6[0],    SOCKET, NOBODY,      0),
	SKB(local_ip6[1],    SOCKET, NOBODY,      0),
	SKB(local_ip6[2],    SOCKET, NOBODY,      0),
	SKB(local_ip6[3],    SOCKET, NOBODY,      0),
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

static const struct ctx_struct xdp_md = {
	"xdp_md", sizeof(struct xdp_md), countof(xdp_fields), xdp_fields,
};
static const struct ctx_struct sk_buff = {
	"__sk_buff", sizeof(struct __sk_buff), countof(skb_fields), skb_fields,
};

static const struct ctx_type types[] = {
	{BPF_PROG_TYPE_XDP,            XDP,    false, &xdp_md},
	{BPF_PROG_TYPE_SOCKET_FILTER,  FILTER, true,  &sk_buff},
	{BPF_PROG_TYPE_SCHED_CLS,      TC,     true,  &sk_buff},
	{BPF_PROG_TYPE_SCHED_ACT,      TC,     true,  &sk_buff},
	{BPF_PROG_TYPE_CGROUP_SKB,     CGROUP, true,  &sk_buff},
	{BPF_PROG_TYPE_LWT_IN,         LWT,    true,  &sk_buff},
	{BPF_PROG_TYPE_LWT_OUT,        LWT,    true,  &sk_buff},
	{BPF_PROG_TYPE_LWT_XMIT,       LWT,    true,  &sk_buff},
	{BPF_PROG_TYPE_LWT_SEG6LOCAL,  LWT,    true,  &sk_buff},
	{BPF_PROG_TYPE_SK_SKB,         SK_SKB, true,  &sk_buff},
	{BPF_PROG_TYPE_FLOW_DISSECTOR, FLOW,   true,  &sk_buff},
};

/* Their context is memory: the application's own struct, or an array of
 * 64-bit arguments. */
static const u32 plain[] = {
	BPF_PROG_TYPE_UNSPEC,
	BPF_PROG_TYPE_SYSCALL,
	BPF_PROG_TYPE_RAW_TRACEPOINT,
	BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
};
// clang-format on

_Static_assert(sizeof(struct xdp_md) == KILN_XDP_MD_UAPI_SIZE, "xdp_md");
_Static_assert(sizeof(struct __sk_buff) == KILN_SK_BUFF_UAPI_SIZE, "__sk_buff");

const struct ctx_type *ctx_find(u32 prog_type)
{
	for (u32 k = 0; k < countof(types); k++)
		if (types[k].prog_type == prog_type)
			return &types[k];
	return NULL;
}

enum ctx_class ctx_class(u32 prog_type)
{
	for (u32 k = 0; k < countof(plain); k++)
		if (plain[k] == prog_type)
			return CTX_PLAIN;
	return ctx_find(prog_type) ? CTX_KNOWN : CTX_UNSUPPORTED;
}

const char *ctx_prog_name(u32 prog_type)
{
	const char *s = libbpf_bpf_prog_type_str((enum bpf_prog_type)prog_type);

	return s ? s : "unknown";
}

/* ---- one access ---------------------------------------------------------- */

static const struct ctx_field *find_field(
	const struct ctx_struct *c, i64 off, u32 size)
{
	for (u32 k = 0; k < c->nfields; k++) {
		const struct ctx_field *f = &c->field[k];

		if (off >= f->off && off + size <= f->off + f->size)
			return f;
	}
	return NULL;
}

static bool has_size(const struct ctx_field *f, u32 size, u8 flags)
{
	if (f->flags & CTX_PARTS)
		return true;
	return size == f->size ||
	       (!(flags & CTX_STORE) && (f->flags & CTX_NARROW));
}

const struct ctx_field *ctx_access(const struct ctx_type *t, i64 off, u32 size,
	u8 flags, char *why, size_t n)
{
	const struct ctx_struct *c = t->of;
	const struct ctx_field *f;

	if (off < 0 || off + size > c->size) {
		snprintf(why, n,
			"access of %u bytes at offset %lld of struct %s, "
			"which has %u",
			size, (long long)off, c->name, c->size);
		return NULL;
	}
	f = find_field(c, off, size);
	if (!f || off % size) {
		snprintf(why, n,
			"access of %u bytes at offset %lld of struct %s, "
			"wanted one whole field",
			size, (long long)off, c->name);
		return NULL;
	}
	if (!(f->readers & t->as)) {
		snprintf(why, n,
			"access to %s.%s, which programs of type %s "
			"do not have",
			c->name, f->name, ctx_prog_name(t->prog_type));
		return NULL;
	}
	if ((flags & CTX_STORE) && !(f->writers & t->as)) {
		snprintf(why, n, "store to %s.%s, which is read-only%s%s",
			c->name, f->name,
			f->writers ? " to programs of type " : "",
			f->writers ? ctx_prog_name(t->prog_type) : "");
		return NULL;
	}
	if (!has_size(f, size, flags)) {
		snprintf(why, n, "access of %u bytes to %s.%s, wanted %u", size,
			c->name, f->name, f->size);
		return NULL;
	}
	if (f->member && (flags & CTX_SX)) {
		snprintf(why, n, "sign-extending load of the pointer %s.%s",
			c->name, f->name);
		return NULL;
	}
	return f;
}
