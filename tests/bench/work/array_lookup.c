/* Lookups in an array map with a varying key. */
#include "../bench.h"

MAP(ARRAY, counters, u32, u64, TABLE);

WORK(struct input *in, u64 seed)
{
	for (u32 i = 0; i < 64; i++) {
		u32 key = (in->bytes[i] + (u32)seed) % TABLE;
		u64 *v = LOOKUP(counters, &key);
		if (v)
			seed += ++*v;
	}
	return seed;
}
