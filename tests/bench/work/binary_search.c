/* Eight steps of bisection in a table of words, many times. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u32 *t = (const void *)in->bytes;
	u64 sum = 0;
	for (u32 k = 0; k < 32; k++) {
		u32 want = (u32)seed * 2654435761u + k, lo = 0;
		for (u32 n = 128; n; n >>= 1)
			if (t[(lo + n) & 255] <= want)
				lo += n;
		sum += lo;
		seed += lo;
	}
	return sum;
}
