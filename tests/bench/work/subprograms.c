/* A chain of calls: functions that are not inlined. */
#include "../bench.h"

static noinline u64 third(u64 a, u64 b)
{
	hide(a);
	return a * 5 + b;
}
static noinline u64 second(u64 a, u64 b)
{
	return third(a ^ b, b + 1) + 3;
}
static noinline u64 first(u64 a, u64 b)
{
	return second(a + b, b) ^ third(a, 2);
}

WORK(struct input *in, u64 seed)
{
	for (u32 i = 0; i < 32; i++)
		seed = first(seed, in->bytes[i]);
	return seed;
}
