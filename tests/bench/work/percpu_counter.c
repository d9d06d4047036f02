/* Counters per CPU, the commonest statistics. */
#include "../bench.h"

MAP(PERCPU_ARRAY, percpu, u32, u64, 16);

WORK(struct input *in, u64 seed)
{
	for (u32 i = 0; i < 64; i++) {
		u32 key = in->bytes[i] & 15;
		u64 *v = LOOKUP(percpu, &key);
		if (v)
			*v += seed;
	}
	return seed + 1;
}
