/* Lookups in a hash map that mostly hit. */
#include "../bench.h"

MAP(HASH, flows, u32, u64, TABLE);

WORK(struct input *in, u64 seed)
{
	for (u32 i = 0; i < 32; i++) {
		u32 key = (in->bytes[i] + (u32)seed) % TABLE;
		u64 *v = LOOKUP(flows, &key);
		if (v)
			seed += *v;
		else
			seed += 3;
	}
	return seed;
}
