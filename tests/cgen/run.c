/* See run.h. */
#include <stdio.h>

#include "run.h"

const struct run_map run_maps[] = {{"arr", 16, RUN_VALUE, false},
	{"hash", 32, RUN_VALUE, false}, {"pcpu", 16, RUN_VALUE, true},
	{"out", 4, 8, false}, {0}};

u32 run_packet(u32 i, u8 *bytes)
{
	static const u8 size[RUN_PACKETS] = {14, 37, 64, 120};
	u64 x = i + 1;

	for (u32 k = 0; k < size[i]; k++) {
		x = x * 0x5851f42d4c957f2dull + 0x14057b7ef767814full;
		bytes[k] = x >> 62 ? (u8)(x >> 40) : (u8)(x >> 40 & 3);
	}
	return size[i];
}

static u64 fold(u64 h, const u8 *bytes, u32 n)
{
	for (u32 k = 0; k < n; k++)
		h = (h ^ bytes[k]) * 0x100000001b3ull;
	return h;
}

void run_say(const char *prog, u32 i, u32 verdict, const u8 *bytes, u32 size)
{
	printf("%s %u: %08x %u %016llx\n", prog, i, verdict, size,
		(unsigned long long)fold(0, bytes, size));
}

void run_add(struct run_sum *s, u32 key, const u8 *value, u32 size)
{
	s->h = fold(s->h ^ key, value, size);
}

void run_say_map(const char *prog, const char *map, const struct run_sum *s)
{
	printf("%s %s: %016llx\n", prog, map, (unsigned long long)s->h);
}
