/*
 * Tail calls:
 *
 *	        index <u bound ?
 *	       /                \
 *	   p = slot[index]     (next): r0 = -ENOENT
 *	   call tail (ctx, p)  /
 *	       \_ no program _/
 *
 * A slot of the prog_array's storage is the address of a program's body, or 0.
 * A known index below max_entries needs no comparison: loaders do not resize
 * prog_arrays.
 */
#include <errno.h>
#include <string.h>

#include "frontend/lower.h"
#include "kiln/format.h"

static ref load_field(struct lower *l, const struct mapdef *d, enum ty t,
	u8 size, u32 off, enum region region)
{
	const struct access a = {
		.size = size, .region = (u8)region, .off = off};

	return ir_load(l->f, l->blk, t, ir_sym(l->f, d->sym, 0), &a);
}

/* A block that goes on if a cc b, else to next. */
static void branch(struct lower *l, enum cc cc, ref a, ref b, u32 next)
{
	u32 yes = ir_blk_new(l->f);

	ir_br(l->f, l->blk, cc, a, b, yes, next);
	ssa_seal(l->ssa, yes);
	l->blk = yes;
}

/* The storage; without one yet the map is empty. */
static ref storage(struct lower *l, const struct mapdef *d, u32 next)
{
	ref base;

	if (d->has_storage)
		return ir_sym(l->f, d->values_sym, 0);
	/* written once, at the map's first use */
	base = load_field(
		l, d, TY_I64, 8, offsetof(struct kiln_map, values), REGION_MAP);
	branch(l, CC_NE, base, lower_imm(l, 0), next);
	return base;
}

static ref slot_address(struct lower *l, const struct mapdef *d,
	const struct fe_call *c, u32 next, struct access *a)
{
	ref index, bound, base;

	if (c->has_key && c->key < d->max_entries) {
		a->off = 8 * (i64)c->key;
		return storage(l, d, next);
	}
	index = lower_trunc(l, lower_get(l, 3));
	bound = load_field(l, d, TY_I32, 4,
		offsetof(struct kiln_map, max_entries), REGION_RODATA);
	branch(l, CC_ULT, index, bound, next);
	base = storage(l, d, next);
	index = lower_op(l, OP_ZEXT, TY_I64, index, (ref){0});
	index = lower_op(l, OP_SHL, TY_I64, index, lower_imm(l, 3));
	return lower_op(l, OP_ADD, TY_I64, base, index);
}

void lower_tail_call(struct lower *l, const struct fe_call *c)
{
	const struct mapdef *d = &l->m->map.v[c->type[1].id];
	struct call call = {.kind = CALL_TAIL,
		.sym = SYM_NONE,
		.nargs = 2,
		.effects = c->effects};
	struct access a = {.size = 8, .region = REGION_MAP};
	u32 next = ir_blk_new(l->f);
	ref arg[2], p, budget;

	for (u32 k = 0; k < countof(call.arg); k++)
		call.arg[k].size_arg = -1;
	arg[0] = lower_get(l, 1);
	p = slot_address(l, d, c, next, &a);
	arg[1] = ir_load(l->f, l->blk, TY_I64, p, &a);
	budget = lower_lend_budget(l);
	ir_call(l->f, l->blk, &call, TY_I64, arg, 2);
	lower_take_budget(l, budget);
	ir_jmp(l->f, l->blk, next);
	ssa_seal(l->ssa, next);
	l->blk = next;
	lower_set(l, 0, lower_imm(l, -ENOENT));
	lower_lose_registers(l);
}
