/*
 * Who touches the function's own BPF frame, and where: what promotion, value
 * numbering and the zeroing of the frame need to know. frame.c.
 */
#ifndef KILN_IR_FRAME_H
#define KILN_IR_FRAME_H

#include "ir/ir.h"

enum { FRAME_MAX = 512 };

/* One bit per byte of the frame: bit k is byte r10 - 512 + k. */
struct frame_set {
	u64 w[FRAME_MAX / 64];
};

struct frame_use {
	/* Nothing is known: an address of the frame was stored, given to an
	 * unknown callee, or computed with. */
	bool lost;
	/* Bytes behind a call argument, or touched by an atomic or by an access
	 * that may fault: they stay in memory. */
	struct frame_set pinned;
	struct frame_set touched; /* by anything */
	/* By instruction: 1 where an address of the frame gets lost. From there
	 * on, anybody may read and write any byte. */
	u8 *loses;
	u8 *derived; /* by instruction: 1 for what is computed from r10 */
};

void frame_scan(const struct fn *f, struct arena *a, struct frame_use *u);

/* ---- frame_index.c ------------------------------------------------------- */

/* Of an instruction that adds a bounded number to an address of the frame and
 * serves for accesses only: what they touch, [lo, hi) below r10. */
struct frame_index {
	bool known;
	i16 lo, hi;
};
/* By instruction; out begins as zeroes. */
void frame_indexes(
	const struct fn *f, struct arena *a, struct frame_index *out);

/* ---- frame.c ------------------------------------------------------------- */

/* v is r10 + *off for a known off. */
bool frame_address(const struct fn *f, ref v, i64 *off);
/* [off, off + size) below r10 lies in the frame. */
bool frame_inside(i64 off, i64 size);

static inline u32 frame_bit(i64 off)
{
	return (u32)(off + FRAME_MAX);
}

static inline bool frame_has(const struct frame_set *s, u32 bit)
{
	return s->w[bit / 64] >> bit % 64 & 1;
}

static inline void frame_put(struct frame_set *s, u32 bit)
{
	s->w[bit / 64] |= 1ull << bit % 64;
}

/* The bytes of the frame behind argument k of a call: 0 nothing, 1 the range
 * [*lo, *hi) below r10, -1 anything. */
int frame_call_arg(
	const struct fn *f, const struct ins *call, u32 k, i64 *lo, i64 *hi);

#endif
