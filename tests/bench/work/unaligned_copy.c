/* Stores of wide values to odd places: clang stores bytes. */
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
	struct record *r = (void *)in->bytes;
	for (u32 i = 0; i < 64; i++) {
		r[i].a = be32((u32)seed);
		r[i].b = (u16)i;
		r[i].c += seed;
		seed += r[i].c >> 7;
	}
	return seed;
}
