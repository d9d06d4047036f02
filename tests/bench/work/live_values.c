/* Fourteen values live around a loop: more than BPF has registers. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u64 *p = (const void *)in->bytes;
	u64 a = seed, b = a + 1, c = a ^ 2, d = a + 3, e = a ^ 4, f = a + 5,
	    g = a ^ 6;
	u64 h = a + 7, i = a ^ 8, j = a + 9, k = a ^ 10, l = a + 11;
	for (u32 n = 0; n < 32; n++) {
		u64 v = p[n];
		a += b ^ v;
		b += c + v;
		c ^= d;
		d += e - v;
		e ^= f;
		f += g;
		g ^= h + v;
		h += i;
		i ^= j;
		j += k ^ v;
		k ^= l;
		l += a;
	}
	return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l;
}
