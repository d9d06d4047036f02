/* A sorting network on values of the stack. */
#include "../bench.h"

#define SWAP(i, j)                                  \
	do {                                        \
		u32 lo = v[i] < v[j] ? v[i] : v[j]; \
		u32 hi = v[i] < v[j] ? v[j] : v[i]; \
		v[i] = lo;                          \
		v[j] = hi;                          \
	} while (0)

WORK(struct input *in, u64 seed)
{
	const u32 *p = (const void *)in->bytes;
	for (u32 k = 0; k < 16; k++) {
		u32 v[6];
		for (u32 i = 0; i < 6; i++)
			v[i] = p[k * 6 + i] ^ (u32)seed;
		SWAP(0, 5);
		SWAP(1, 3);
		SWAP(2, 4);
		SWAP(1, 2);
		SWAP(3, 4);
		SWAP(0, 3);
		SWAP(2, 5);
		SWAP(0, 1);
		SWAP(2, 3);
		SWAP(4, 5);
		SWAP(1, 2);
		SWAP(3, 4);
		seed = seed * 33 + v[0] + v[2] * 3 + v[5];
	}
	return seed;
}
