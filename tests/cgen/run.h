/* What all ways to run generated programs share: packets in, lines out. */
#ifndef TESTS_CGEN_RUN_H
#define TESTS_CGEN_RUN_H

#include "kiln/base.h"

enum { RUN_PACKETS = 4, RUN_ROOM = 256, RUN_VALUE = 32 };

/* The i-th packet; its size. */
u32 run_packet(u32 i, u8 *bytes);

/* One line: program, packet, verdict, the packet afterwards. */
void run_say(const char *prog, u32 i, u32 verdict, const u8 *bytes, u32 size);

/* A line of what a map holds: entries are added, then it is said. */
struct run_sum {
	u64 h;
};
void run_add(struct run_sum *s, u32 key, const u8 *value, u32 size);
void run_say_map(const char *prog, const char *map, const struct run_sum *s);

/* Maps of prelude.h; name NULL ends. */
struct run_map {
	const char *name;
	u32 entries, size;
	bool percpu;
};
extern const struct run_map run_maps[];

#endif
