/*
 * LD_ABS and LD_IND where the compiler has not done them in place: big-endian
 * loads from a packet. Offsets are 32-bit numbers with a sign (linux/filter.h):
 * from 0 on they count from data, from SKF_NET_OFF from the network header,
 * from SKF_LL_OFF from the link header. Ancillary data (SKF_AD_OFF) is for
 * classic BPF only, whose loader turns it into other instructions; here it is
 * a place far behind the network header, as in the kernel.
 */
#include "kiln/context.h"
#include "runtime/rt.h"

enum { NET_OFF = -0x100000, LL_OFF = -0x200000 };

/* Where an offset points, or NULL. */
static const u8 *find_place(const struct kiln_sk_buff *skb, i64 off)
{
	const u8 *base = skb->data;

	if (off < 0) {
		bool net = off >= NET_OFF;

		base = net	       ? skb->network_header
		       : off >= LL_OFF ? skb->mac_header
				       : NULL;
		off -= net ? NET_OFF : LL_OFF;
	}
	if (!base || off > (const u8 *)skb->data_end - base)
		return NULL;
	return base + off;
}

RT_API u64 kiln_skb_load(const struct kiln_sk_buff *skb, u64 off, u64 size)
{
	const u8 *p = find_place(skb, (i32)(u32)off);
	u64 v = 0;

	if (!p || (u64)((const u8 *)skb->data_end - p) < size)
		return UINT64_MAX;
	for (u64 k = 0; k < size; k++)
		v = v << 8 | p[k];
	return v;
}
