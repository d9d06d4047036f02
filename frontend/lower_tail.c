/*
 * Tail calls. With an index that only the run knows:
 *
 *	        index <u bound ?
 *	       /                \
 *	   p = slot[index]     (next): r0 = -ENOENT
 *	   call tail (ctx, p)  /
 *	       \_ no program _/
 *
 * A slot of the prog_array's storage is the address of a program's body, or 0.
 * An index that is known and below max_entries needs no comparison: loaders
 * make no prog_array smaller. Instead there is a site: a jump that the runtime of
 * a loaded object makes when it opens the gate of the slot, a byte; the storage
 * serves while the gate is closed, in linked objects always.
 *
 *	        gate[index] ?
 *	       /             \
 *	   call tail          p = slot[index]
 *	   @map[index](ctx)   call tail (ctx, p)
 *
 * Of a frozen map a known index is a jump, or nothing. Where it is one of
 * several maps the first form reads bound and storage from whichever it is.
 */
#include <errno.h>
#include <string.h>

#include "frontend/lower.h"
#include "kiln/format.h"

/* Of the struct kiln_map. d: the map, NULL: that of register 2. */
static ref load_field(struct lower *l, const struct mapdef *d, enum ty t,
	u8 size, u32 off, enum region region)
{
	const struct access a = {
		.size = size, .region = (u8)region, .off = off};
	ref map = d ? ir_sym(l->f, d->sym, 0) : lower_get(l, 2);

	return ir_load(l->f, l->blk, t, map, &a);
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

	if (d && d->has_storage)
		return ir_sym(l->f, d->values_sym, 0);
	/* written once, at the map's first use */
	base = load_field(
		l, d, TY_I64, 8, offsetof(struct kiln_map, values), REGION_MAP);
	branch(l, CC_NE, base, lower_imm(l, 0), next);
	return base;
}

static bool is_known(const struct mapdef *d, const struct fe_call *c)
{
	return d && c->has_key && c->key < d->max_entries;
}

static ref slot_address(struct lower *l, const struct mapdef *d,
	const struct fe_call *c, u32 next, struct access *a)
{
	ref index, bound, base;

	if (is_known(d, c)) {
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

/* ---- the call ------------------------------------------------------------ */

/* With target 0 to sym, or to entry key of the prog_array sym. */
static void put_tail(
	struct lower *l, const struct fe_call *c, ref target, u32 sym, u32 next)
{
	struct call call = {.kind = CALL_TAIL,
		.sym = sym,
		.key = c->key,
		.nargs = target.v ? 2 : 1,
		.effects = c->effects};
	ref arg[2] = {lower_get(l, 1), target}, budget;

	for (u32 k = 0; k < countof(call.arg); k++)
		call.arg[k].size_arg = -1;
	budget = lower_lend_budget(l);
	ir_call(l->f, l->blk, &call, TY_I64, arg, call.nargs);
	lower_take_budget(l, budget);
	ir_jmp(l->f, l->blk, next);
}

static void through_slot(struct lower *l, const struct mapdef *d,
	const struct fe_call *c, u32 next)
{
	struct access a = {.size = 8, .region = REGION_MAP};
	ref p = slot_address(l, d, c, next, &a);

	put_tail(l, c, ir_load(l->f, l->blk, TY_I64, p, &a), SYM_NONE, next);
}

static void through_site(
	struct lower *l, struct mapdef *d, const struct fe_call *c, u32 next)
{
	const struct access a = {
		.size = 1, .region = REGION_MAP, .off = c->key};
	u32 fast = ir_blk_new(l->f), slow = ir_blk_new(l->f);
	ref gate;

	if (!d->gates_sym)
		d->gates_sym = module_sym(l->m, SYM_VALUES,
			(enum sym_bind)l->m->sym.v[d->values_sym].bind,
			arena_printf(l->m->a, "%s" KILN_GATES_SUFFIX, d->name),
			l->m->sym.v[d->sym].index);
	gate = ir_load(l->f, l->blk, TY_I32, ir_sym(l->f, d->gates_sym, 0), &a);
	ir_br(l->f, l->blk, CC_EQ, gate, ir_const(l->f, TY_I32, 0), slow, fast);
	ssa_seal(l->ssa, fast);
	ssa_seal(l->ssa, slow);
	l->blk = fast;
	put_tail(l, c, (ref){0}, d->sym, next);
	l->blk = slow;
	through_slot(l, d, c, next);
}

static void to_program(struct lower *l, const struct mapdef *d,
	const struct fe_call *c, u32 next)
{
	for (u32 k = 0; k < d->init.n; k++) {
		const struct sym *s = &l->m->sym.v[d->init.v[k].sym];

		if (d->init.v[k].slot != c->key)
			continue;
		put_tail(l, c, (ref){0}, l->m->func.v[s->index].body_sym, next);
		return;
	}
	ir_jmp(l->f, l->blk, next);
}

void lower_tail_call(struct lower *l, const struct fe_call *c)
{
	struct mapdef *d =
		c->type[1].kind == RTY_MAP ? &l->m->map.v[c->type[1].id] : NULL;
	bool known = is_known(d, c);
	u32 next = ir_blk_new(l->f);

	if (known && d->frozen)
		to_program(l, d, c, next);
	else if (known && d->has_storage && l->direct)
		through_site(l, d, c, next);
	else
		through_slot(l, d, c, next);
	ssa_seal(l->ssa, next);
	l->blk = next;
	lower_set(l, 0, lower_imm(l, -ENOENT));
	lower_lose_registers(l);
}
