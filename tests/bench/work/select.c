/* Minimum, maximum, clamp, absolute difference: conditional values. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u32 *p = (const void *)in->bytes;
	u32 lo = ~0u, hi = 0, sum = (u32)seed;
	for (u32 i = 0; i < 128; i++) {
		u32 v = p[i] ^ (u32)seed;
		lo = v < lo ? v : lo;
		hi = v > hi ? v : hi;
		sum += v > sum ? v - sum : sum - v;
		sum = sum > 0x7fffffff ? 0x7fffffff : sum;
	}
	return sum + lo + hi;
}
