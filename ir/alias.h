/* Places in memory, and whether two of them may be one. alias.c. */
#ifndef KILN_IR_ALIAS_H
#define KILN_IR_ALIAS_H

#include "ir/ir.h"

struct place {
	u32 base; /* ref of the address; 0 with own */
	i64 off;
	u8 size, region;
	bool own; /* in the own frame, off from its end */
};

/* Of a memory operation. */
struct place place_of(const struct fn *f, const struct ins *i);
static inline bool place_same(const struct place *a, const struct place *b)
{
	return a->off == b->off && a->base == b->base && a->own == b->own &&
	       a->size == b->size && a->region == b->region;
}
/* frame_lost: somebody else may know the address of the own frame. */
bool place_alias(const struct place *a, const struct place *b, bool frame_lost);
/* The strict rules of the memory contract hold for it. */
bool place_is_shared(const struct place *p, bool frame_lost);

/* What an operation may write: one bit per region; PLACE_BARRIER: no access of
 * shared memory moves across it. Own frame: place_alias or frame_call_arg. */
enum {
	PLACE_BARRIER = 1 << REGION_COUNT,
	PLACE_ALL = PLACE_BARRIER - 1,
};
u32 place_writes(const struct fn *f, const struct ins *i);
bool call_is_pure(const struct fn *f, const struct ins *i);

#endif
