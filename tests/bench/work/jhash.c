/* Bob Jenkins's lookup3 over 12-byte blocks: 32-bit rotates. */
#include "../bench.h"

static inline u32 rol(u32 v, u32 n)
{
	return v << n | v >> (32 - n);
}

WORK(struct input *in, u64 seed)
{
	const u32 *k = (const void *)in->bytes;
	u32 a = 0xdeadbeef + (u32)seed, b = a, c = a;
	for (u32 i = 0; i < 48; i += 3) {
		a += k[i];
		b += k[i + 1];
		c += k[i + 2];
		a -= c;
		a ^= rol(c, 4);
		c += b;
		b -= a;
		b ^= rol(a, 6);
		a += c;
		c -= b;
		c ^= rol(b, 8);
		b += a;
		a -= c;
		a ^= rol(c, 16);
		c += b;
		b -= a;
		b ^= rol(a, 19);
		a += c;
		c -= b;
		c ^= rol(b, 4);
		b += a;
	}
	return (u64)a << 32 | (b ^ c);
}
