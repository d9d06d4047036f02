/*
 * Helpers on socket buffers that make room in the packet or take bytes out of
 * it: at its ends, behind the link header, behind the network header.
 *
 *	data_hard_start     data                         data_end   data_hard_end
 *	     | free          | link | network | ...         |  free       |
 *
 * Room inside is made by moving what is before it towards data_hard_start; it
 * reads as zeros. -ENOMEM where the buffer has no place left (the kernel gets a
 * larger one). Metadata before the packet is lost, because the packet grows over
 * it. Checksums, lengths and types in the packet are the program's.
 */
#include "kiln/bytes.h"
#include "kiln/context.h"
#include "runtime/rt.h"

enum {
	ETH_HEADER = 14,
	VLAN_HEADER = 4,
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	ETHER_IP4 = 0x0008, /* numbers as they stand in the packet */
	ETHER_IP6 = 0xdd86,
	ETHER_VLAN = 0x0081,
	ETHER_QINQ = 0xa888,
};

static u64 length(const struct kiln_sk_buff *skb)
{
	return (u64)((u8 *)skb->data_end - (u8 *)skb->data);
}

/* From data to the network header; -1: there is none in the packet. */
static i64 link_size(const struct kiln_sk_buff *skb)
{
	u8 *net = skb->network_header;

	if (!net || net < (u8 *)skb->data || net > (u8 *)skb->data_end)
		return -1;
	return net - (u8 *)skb->data;
}

static void data_moved(struct kiln_sk_buff *skb, u8 *data, u8 *end)
{
	skb->data = data;
	skb->data_meta = data;
	skb->data_end = end;
	skb->len = (u32)(end - data);
}

static void *shifted(void *p, i64 by)
{
	return p ? (u8 *)p + by : NULL;
}

/* n bytes more (or less) behind the first `off`, which move, and with them
 * the headers that begin there. */
static int resize_at(struct kiln_sk_buff *skb, u64 off, i64 n)
{
	u8 *old = skb->data, *data;

	if (off > length(skb) || (n < 0 && (u64)-n > length(skb) - off))
		return -RT_ENOMEM;
	if (n > 0 &&
		(!skb->data_hard_start || old - (u8 *)skb->data_hard_start < n))
		return -RT_ENOMEM;
	data = old - n;
	__builtin_memmove(data, old, off);
	if (n > 0)
		__builtin_memset(data + off, 0, (size_t)n);
	data_moved(skb, data, skb->data_end);
	skb->mac_header = shifted(skb->mac_header, -n);
	skb->network_header = shifted(skb->network_header, -n);
	return 0;
}

static u64 result(int err)
{
	return (u64)(i64)err;
}

/* ---- the ends ---------------------------------------------------------------- */

HELPER_FN(skb_change_tail)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u64 len = (u32)a2, old = length(skb);
	i64 least = link_size(skb);
	u8 *end = skb->data_end;

	if (a3 || len < (u64)(least < 0 ? 0 : least) || len > INT32_MAX)
		return FAILED(EINVAL);
	if (len > old) {
		if (!skb->data_hard_end ||
			(u64)((u8 *)skb->data_hard_end - end) < len - old)
			return FAILED(ENOMEM);
		__builtin_memset(end, 0, len - old);
	}
	data_moved(skb, skb->data, (u8 *)skb->data + len);
	return 0;
}

/* The room before the packet becomes its link header. */
HELPER_FN(skb_change_head)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u64 room = (u32)a2;
	void *net = skb->network_header;
	int err;

	if (a3 || room > INT32_MAX || room + length(skb) > INT32_MAX)
		return FAILED(EINVAL);
	err = resize_at(skb, 0, (i64)room);
	if (err)
		return result(err);
	skb->network_header = net;
	skb->mac_header = skb->data;
	return 0;
}

/* ---- between IPv4 and IPv6 ------------------------------------------------------ */

HELPER_FN(skb_change_proto)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u16 to = (u16)a2, from = (u16)skb->protocol;
	bool up = from == ETHER_IP4 && to == ETHER_IP6;
	bool down = from == ETHER_IP6 && to == ETHER_IP4;
	i64 at = link_size(skb);
	int err;

	if (a3)
		return FAILED(EINVAL);
	if ((!up && !down) || at < 0)
		return FAILED(ENOTSUPP);
	err = resize_at(skb, (u64)at,
		up ? IP6_HEADER - IP4_HEADER : IP4_HEADER - IP6_HEADER);
	if (err)
		return result(err);
	skb->protocol = to;
	skb->hash = 0;
	return 0;
}

/* ---- room for headers of tunnels -------------------------------------------------- */

enum { ROOM_NET, ROOM_MAC }; /* enum bpf_adj_room_mode */

enum room_flags { /* BPF_F_ADJ_ROOM_* */
	FIXED_GSO = 1 << 0,
	ENCAP_IP4 = 1 << 1,
	ENCAP_IP6 = 1 << 2,
	ENCAP_GRE = 1 << 3,
	ENCAP_UDP = 1 << 4,
	NO_CSUM_RESET = 1 << 5,
	ENCAP_ETH = 1 << 6,
	DECAP_IP4 = 1 << 7,
	DECAP_IP6 = 1 << 8,
	ENCAP_L3 = ENCAP_IP4 | ENCAP_IP6,
	DECAP_L3 = DECAP_IP4 | DECAP_IP6,
};

#define ENCAP_L2     ((u64)0xff << 56) /* bytes of an inner link header */
#define ROOM_FLAGS   (ENCAP_L2 | 0x1ff)
#define ROOM_MAX     0xfff
#define SHRINK_FLAGS (u64)(FIXED_GSO | DECAP_L3 | NO_CSUM_RESET)

static u64 network_size(u32 protocol)
{
	return protocol == ETHER_IP4   ? IP4_HEADER
	       : protocol == ETHER_IP6 ? IP6_HEADER
				       : 0;
}

static int check_encap(u64 flags, u64 room)
{
	u64 inner = flags >> 56;

	if (!(flags & ENCAP_L3))
		return 0;
	if ((flags & ENCAP_L3) == ENCAP_L3 ||
		(flags & (ENCAP_GRE | ENCAP_UDP)) == (ENCAP_GRE | ENCAP_UDP) ||
		(flags & ENCAP_ETH && inner < ETH_HEADER) || inner > room)
		return -RT_EINVAL;
	return 0;
}

static int grow(struct kiln_sk_buff *skb, u64 at, u64 room, u64 flags)
{
	int err = check_encap(flags, room);

	if (!err)
		err = resize_at(skb, at, (i64)room);
	if (err)
		return err;
	/* the outer header's */
	if (flags & ENCAP_L3)
		skb->protocol = flags & ENCAP_IP6 ? ETHER_IP6 : ETHER_IP4;
	return 0;
}

static int shrink(struct kiln_sk_buff *skb, u64 at, u64 room, u64 flags)
{
	int err = flags & ~SHRINK_FLAGS ? -RT_EINVAL
					: resize_at(skb, at, -(i64)room);

	if (!err && flags & DECAP_L3)
		skb->protocol = flags & DECAP_IP6 ? ETHER_IP6 : ETHER_IP4;
	return err;
}

HELPER_FN(skb_adjust_room)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	i64 by = (i32)a2, at = link_size(skb), behind;
	u64 room = (u64)(by < 0 ? -by : by), base = network_size(skb->protocol);
	u64 least = base, decap = a4 & DECAP_L3;

	if (a4 & ~ROOM_FLAGS)
		return FAILED(EINVAL);
	if (room > ROOM_MAX)
		return FAILED(EFAULT);
	if (!base || at < 0 || (u32)a3 > ROOM_MAC)
		return FAILED(ENOTSUPP);
	if (decap && (by >= 0 || decap == DECAP_L3))
		return FAILED(EINVAL);
	if (decap)
		least = decap == DECAP_IP4 ? IP4_HEADER : IP6_HEADER;
	behind = (i64)length(skb) - at;
	if (by < 0 && behind + by < (i64)least)
		return FAILED(ENOTSUPP);
	at += (u32)a3 == ROOM_NET ? (i64)base : 0;
	return result(by < 0 ? shrink(skb, (u64)at, room, a4)
			     : grow(skb, (u64)at, room, a4));
}

/* ---- VLAN tags ------------------------------------------------------------------ */

/* The outermost tag is beside the packet (vlan_proto, vlan_tci); more of them
 * are in it, behind the two Ethernet addresses. */
enum { ADDRESSES = 12 };

static bool is_vlan(u32 protocol)
{
	return protocol == ETHER_VLAN || protocol == ETHER_QINQ;
}

static u16 load_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

HELPER_FN(skb_vlan_push)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u32 protocol = is_vlan((u16)a2) ? (u16)a2 : ETHER_VLAN;
	u8 *p;
	int err;

	if (skb->vlan_present) {
		if (length(skb) < ETH_HEADER)
			return FAILED(ENOMEM);
		err = resize_at(skb, ADDRESSES, VLAN_HEADER);
		if (err)
			return result(err);
		p = (u8 *)skb->data + ADDRESSES;
		p[0] = (u8)skb->vlan_proto; /* network byte order */
		p[1] = (u8)(skb->vlan_proto >> 8);
		p[2] = (u8)(skb->vlan_tci >> 8);
		p[3] = (u8)skb->vlan_tci;
		skb->protocol = skb->vlan_proto;
	}
	skb->vlan_present = 1;
	skb->vlan_proto = protocol;
	skb->vlan_tci = (u16)a3;
	return 0;
}

/* Takes the tag in the packet out of it. */
static int take_tag(struct kiln_sk_buff *skb, u16 *tci)
{
	if (length(skb) < ETH_HEADER + VLAN_HEADER)
		return -RT_ENOMEM;
	*tci = load_be16((u8 *)skb->data + ETH_HEADER);
	resize_at(skb, ADDRESSES, -VLAN_HEADER);
	skb->protocol = get_le16((u8 *)skb->data + ADDRESSES);
	return 0;
}

HELPER_FN(skb_vlan_pop)
{
	struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	u32 protocol;
	u16 tci;
	int err;

	if (skb->vlan_present) {
		skb->vlan_present = 0;
		skb->vlan_tci = 0;
	} else {
		if (!is_vlan(skb->protocol))
			return 0;
		err = take_tag(skb, &tci);
		if (err)
			return result(err);
	}
	/* the next one, if there is one, comes beside the packet */
	protocol = skb->protocol;
	if (!is_vlan(protocol))
		return 0;
	err = take_tag(skb, &tci);
	if (err)
		return result(err);
	skb->vlan_present = 1;
	skb->vlan_proto = protocol;
	skb->vlan_tci = tci;
	return 0;
}
