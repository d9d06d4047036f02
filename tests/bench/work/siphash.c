/* SipHash rounds: 64-bit rotates, four values that stay live. */
#include "../bench.h"

static inline u64 rol(u64 v, u32 n)
{
	return v << n | v >> (64 - n);
}

WORK(struct input *in, u64 seed)
{
	const u64 *m = (const void *)in->bytes;
	u64 v0 = 0x736f6d6570736575 ^ seed, v1 = 0x646f72616e646f6d;
	u64 v2 = 0x6c7967656e657261 ^ seed, v3 = 0x7465646279746573;
	for (u32 i = 0; i < 32; i++) {
		v3 ^= m[i];
		v0 += v1;
		v1 = rol(v1, 13);
		v1 ^= v0;
		v0 = rol(v0, 32);
		v2 += v3;
		v3 = rol(v3, 16);
		v3 ^= v2;
		v0 += v3;
		v3 = rol(v3, 21);
		v3 ^= v0;
		v2 += v1;
		v1 = rol(v1, 17);
		v1 ^= v2;
		v2 = rol(v2, 32);
		v0 ^= m[i];
	}
	return v0 ^ v1 ^ v2 ^ v3;
}
