/* A small byte-code machine: a switch in a loop. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	u64 a = seed, b = 1, c = 2;
	for (u32 i = 0; i < 192; i++) {
		switch (in->bytes[i] % 12) {
		case 0: a += b; break;
		case 1: b -= c; break;
		case 2: c ^= a; break;
		case 3: a <<= 1; break;
		case 4: b = ~b; break;
		case 5: c += 7; break;
		case 6: a &= 0xffffffffff; break;
		case 7: b |= i; break;
		case 8: c = a; break;
		case 9: a = b * 3; break;
		case 10: b = c >> 2; break;
		default: c -= i; break;
		}
	}
	return a + b + c;
}
