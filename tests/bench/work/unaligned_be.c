/* Big-endian fields at odd places: clang splits each load into bytes. */
#include "../bench.h"

struct record {
	u8 kind;
	u32 a;
	u16 b;
	u64 c;
	u8 tail;
} __attribute__((packed));

WORK(struct input *in, u64 seed)
{
	const struct record *r = (const void *)in->bytes;
	for (u32 i = 0; i < 64; i++)
		seed = (seed ^ be32(r[i].a)) + be16(r[i].b) * 3 + be64(r[i].c);
	return seed;
}
