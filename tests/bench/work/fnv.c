/* FNV-1a, byte by byte. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	u64 h = 0xcbf29ce484222325 ^ seed;
	for (u32 i = 0; i < 256; i++)
		h = (h ^ in->bytes[i]) * 0x100000001b3;
	return h;
}
