/*
 * Aliasing as far as region, base and offset tell it.
 */
#include "ir/alias.h"
#include "ir/frame.h"

struct place place_of(const struct fn *f, const struct ins *i)
{
	struct place p = {
		.base = i->arg[0].v,
		.off = i->imm,
		.size = i->size,
		.region = i->region,
	};
	i64 off;

	if (frame_address(f, i->arg[0], &off)) {
		p.own = true;
		p.base = 0;
		p.off = (i64)((u64)off + (u64)i->imm);
	}
	return p;
}

static bool overlap(const struct place *a, const struct place *b)
{
	u64 d = (u64)b->off - (u64)a->off; /* b starts d behind a */

	return d < a->size || 0 - d < b->size;
}

bool place_alias(const struct place *a, const struct place *b, bool frame_lost)
{
	if (a->region == REGION_RODATA || b->region == REGION_RODATA)
		return false;
	if (a->own == b->own && a->base == b->base)
		return overlap(a, b);
	if (a->own || b->own) {
		u8 other = a->own ? b->region : a->region;

		return frame_lost &&
		       (other == REGION_STACK || other == REGION_UNKNOWN);
	}
	/* an application's object may be in a map or global */
	if (a->region == REGION_BTF || b->region == REGION_BTF)
		return region_is_shared((enum region)a->region) &&
		       region_is_shared((enum region)b->region);
	return a->region == b->region || a->region == REGION_UNKNOWN ||
	       b->region == REGION_UNKNOWN;
}

bool place_is_shared(const struct place *p, bool frame_lost)
{
	if (p->region == REGION_STACK)
		return !p->own || frame_lost;
	return region_is_shared((enum region)p->region);
}

bool call_is_pure(const struct fn *f, const struct ins *i)
{
	return f->calls.v[i->aux].effects & CALLF_PURE;
}

static u32 call_writes(const struct call *c)
{
	u32 r = PLACE_BARRIER | 1u << REGION_STACK;

	if (c->effects & CALLF_CTX)
		r |= 1u << REGION_CTX | 1u << REGION_PACKET;
	if (c->effects & CALLF_PACKET)
		r |= 1u << REGION_PACKET;
	for (u32 k = 0; k < c->nargs; k++)
		if (c->arg[k].access & (ARG_WRITE | ARG_ESCAPE))
			r |= 1u << REGION_PACKET | 1u << REGION_CTX;
	return r;
}

u32 place_writes(const struct fn *f, const struct ins *i)
{
	if (i->op == OP_LOAD)
		return 0;
	if (i->op == OP_STORE)
		return i->region == REGION_UNKNOWN ? PLACE_ALL
						   : 1u << i->region;
	if (op_is_mem((enum op)i->op))
		return PLACE_BARRIER | PLACE_ALL;
	if (i->op == OP_CALL || i->op == OP_CALLX)
		return i->op == OP_CALL && call_is_pure(f, i)
			       ? 0
			       : call_writes(&f->calls.v[i->aux]);
	return 0;
}
