/* Headers with bounds checks: Ethernet, IPv4 with options, TCP. */
#include "../bench.h"

struct eth {
	u8 dst[6], src[6];
	u16 proto;
};
struct ip4 {
	u8 ihl : 4, version : 4, tos;
	u16 len, id, frag;
	u8 ttl, proto;
	u16 csum;
	u32 src, dst;
};
struct tcp {
	u16 sport, dport;
	u32 seq, ack;
	u16 flags, window, csum, urg;
};

static inline u64 parse(const u8 *p, const u8 *end, u64 sum)
{
	const struct eth *e = (const void *)p;
	if (p + sizeof(*e) > end)
		return sum + 1;
	const struct ip4 *ip = (const void *)(e + 1);
	if ((const u8 *)(ip + 1) > end || ip->ihl < 5)
		return sum + 2;
	const struct tcp *t = (const void *)((const u8 *)ip + ip->ihl * 4);
	if ((const u8 *)(t + 1) > end)
		return sum + 3;
	if (e->proto == be16(0x86dd))
		sum += 7;
	if (ip->proto == 17)
		sum ^= ip->dst;
	return sum * 31 + (be16(t->sport) ^ be16(t->dport)) + (ip->src >> 3) +
	       be16(ip->len);
}

WORK(struct input *in, u64 seed)
{
	return parse(in->bytes + (seed & 1023), in->bytes + INPUT_BYTES, seed);
}
