/* Population counts and bit fields by shifts and masks. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u64 *p = (const void *)in->bytes;
	u64 sum = seed;
	for (u32 i = 0; i < 64; i++) {
		u64 v = p[i];
		sum += (v >> 12 & 0x3ff) * (v >> 40 & 0x1f);
		v -= v >> 1 & 0x5555555555555555;
		v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
		v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
		sum += v * 0x0101010101010101 >> 56;
	}
	return sum;
}
