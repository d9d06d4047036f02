/* A random number generator: one long chain of shifts. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	u64 x = seed | 1;
	for (u32 i = 0; i < 128; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	in->bytes[x & 255]++;
	return x;
}
