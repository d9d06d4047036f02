/* Division and remainder by variables and by constants. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u32 *p = (const void *)in->bytes;
	u64 sum = seed;
	for (u32 i = 0; i < 64; i++) {
		sum += p[i] / 10 + p[i] % 1000;
		sum += (sum & 0xffffff) / (p[i] | 1);
		sum ^= sum % 7;
	}
	return sum;
}
