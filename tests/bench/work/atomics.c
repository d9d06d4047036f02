/* Atomic counters in a map value. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	u64 *p = (void *)in->bytes;
	for (u32 i = 0; i < 32; i++) {
		__sync_fetch_and_add(&p[i & 7], seed & 0xff);
		seed++;
	}
	return seed;
}
