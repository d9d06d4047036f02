/* 8 x 8 matrix product: nested loops, multiply and add. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u32 *a = (const void *)in->bytes, *b = a + 64;
	u32 *c = (u32 *)(void *)in->bytes + 128;
	u64 sum = seed;
	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 8; j++) {
			u32 s = 0;
			for (u32 k = 0; k < 8; k++)
				s += a[i * 8 + k] * b[k * 8 + j];
			c[i * 8 + j] = s;
			sum += s;
		}
	return sum;
}
