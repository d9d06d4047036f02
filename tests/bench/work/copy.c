/* Structures copied and compared: runs of loads and stores. */
#include "../bench.h"

struct key {
	u32 src[4], dst[4];
	u16 sport, dport;
	u8 proto, pad[3];
};

WORK(struct input *in, u64 seed)
{
	struct key *k = (void *)in->bytes;
	u64 same = seed;
	for (u32 i = 0; i < 24; i++) {
		struct key a = k[i & 31], b = k[(seed + i) & 31];
		a.proto = 6;
		a.sport = (u16)seed;
		same += (a.src[0] == b.src[0]) & (a.dst[3] == b.dst[3]) &
			(a.proto == b.proto);
		k[(i + 1) & 31] = a;
	}
	return same;
}
