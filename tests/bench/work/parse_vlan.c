/* Tags in a loop, then a choice of three protocols. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	for (u32 k = 0; k < 2; k++) {
		const u8 *p = in->bytes + k * 64 + (seed & 7), *end = p + 60;
		u16 proto = *(const u16 *)(p + 12);

		p += 14;
		for (u32 i = 0; i < 3; i++) {
			if ((proto & 0x3) != 1)
				break;
			if (p + 4 > end)
				return seed;
			proto = *(const u16 *)(p + 2);
			p += 4;
		}
		if (p + 20 > end)
			return seed + 5;
		if (proto & 0x40)
			seed += *(const u32 *)(p + 12);
		else if (proto & 0x80)
			seed += *(const u64 *)(p + 8);
		else
			seed = seed * 3 + p[9];
	}
	return seed;
}
