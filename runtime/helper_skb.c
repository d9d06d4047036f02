/*
 * Helpers on socket buffers that leave the packet where it is: bytes in and out
 * and the numbers that describe it. Packets are in one piece (kiln/context.h).
 * Offsets and lengths come from the program and are 32-bit numbers.
 */
#include "kiln/context.h"
#include "runtime/rt.h"

enum {
	RECOMPUTE_CSUM = 1,
	INVALIDATE_HASH = 2,
	START_MAC = 0, /* enum bpf_hdr_start_off */
	START_NET = 1,
	PACKET_OTHERHOST = 3,
};

static u64 length(const struct kiln_sk_buff *skb)
{
	return (u64)((u8 *)skb->data_end - (u8 *)skb->data);
}

/* What could not be loaded reads as zeros. */
static u64 no_bytes(u64 dst, u64 len)
{
	if (len <= INT32_MAX)
		__builtin_memset(PTR(void, dst), 0, (size_t)len);
	return FAILED(EFAULT);
}

HELPER_FN(skb_load_bytes)
{
	const struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u64 off = (u32)a2, len = (u32)a4;

	if (off > INT32_MAX || !range_inside(off, len, length(skb)))
		return no_bytes(a3, len);
	__builtin_memcpy(PTR(void, a3), (u8 *)skb->data + off, len);
	return 0;
}

HELPER_FN(skb_load_bytes_relative)
{
	const struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u64 off = (u32)a2, len = (u32)a4;
	const u8 *start = NULL, *end = skb->data_end;

	if ((u32)a5 == START_MAC)
		start = skb->mac_header;
	else if ((u32)a5 == START_NET)
		start = skb->network_header;
	if (!start || off > 0xffff ||
		!range_inside(off, len, (u64)(end - start)))
		return no_bytes(a3, len);
	__builtin_memcpy(PTR(void, a3), start + off, len);
	return 0;
}

/* No sum of the packet is kept beside it, which RECOMPUTE_CSUM would mend. */
HELPER_FN(skb_store_bytes)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u64 off = (u32)a2, len = (u32)a4;

	if (a5 & ~(u64)(RECOMPUTE_CSUM | INVALIDATE_HASH))
		return FAILED(EINVAL);
	if (off > INT32_MAX || !range_inside(off, len, length(skb)))
		return FAILED(EFAULT);
	__builtin_memcpy((u8 *)skb->data + off, PTR(void, a3), len);
	if (a5 & INVALIDATE_HASH)
		skb->hash = 0;
	return 0;
}

/* All of the packet is in reach already. */
HELPER_FN(skb_pull_data)
{
	return (u32)a2 <= length(PTR(struct kiln_sk_buff, a1)) ? 0
							       : FAILED(ENOMEM);
}

HELPER_FN(skb_change_type)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);

	if (skb->pkt_type > PACKET_OTHERHOST || (u32)a2 > PACKET_OTHERHOST)
		return FAILED(EINVAL);
	skb->pkt_type = (u32)a2;
	return 0;
}

/* ---- the flow's hash: the application's, or what the program sets ------------ */

HELPER_FN(get_hash_recalc)
{
	return PTR(struct kiln_sk_buff, a1)->hash;
}

HELPER_FN(set_hash)
{
	PTR(struct kiln_sk_buff, a1)->hash = (u32)a2;
	return 0;
}

HELPER_FN(set_hash_invalid)
{
	PTR(struct kiln_sk_buff, a1)->hash = 0;
	return 0;
}

/* bpf_skb_set_tstamp(skb, time, type): of IP packets; no type needs time 0. */
HELPER_FN(skb_set_tstamp)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	enum { UNSPEC, MONO };

	if (skb->protocol != 0x0008 && skb->protocol != 0xdd86)
		return FAILED(EOPNOTSUPP);
	if ((u32)a3 > MONO || ((u32)a3 == MONO) != (a2 != 0))
		return FAILED(EINVAL);
	skb->tstamp = a2;
	skb->tstamp_type = (u8)a3;
	return 0;
}

/* ---- congestion marks (RFC 3168) --------------------------------------------------- */

enum { ECN = 3, IP4_SIZE = 20, IP6_SIZE = 40 };

/* The header's sum, after its first word grew by `more` (RFC 1624). */
static void sum_grew(u8 *sum, u32 more)
{
	u32 s = (~((u32)sum[0] << 8 | sum[1]) & 0xffff) + more;

	s = ~((s & 0xffff) + (s >> 16));
	sum[0] = (u8)(s >> 8);
	sum[1] = (u8)s;
}

/* 1: the packet says now that it met congestion; 0: it does not take part. */
HELPER_FN(skb_ecn_set_ce)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u8 *ip = skb->network_header, *end = skb->data_end;
	u64 size = ip ? (u64)(end - ip) : 0;
	u32 was;

	if (skb->protocol == 0x0008 && size >= IP4_SIZE) {
		was = ip[1] & ECN;
		if (!was)
			return 0;
		sum_grew(ip + 10, ECN - was);
		ip[1] |= ECN;
		return 1;
	}
	if (skb->protocol == 0xdd86 && size >= IP6_SIZE) {
		if (!(ip[1] >> 4 & ECN))
			return 0;
		ip[1] |= ECN << 4;
		return 1;
	}
	return 0;
}
