/*
 * What an instruction may swallow: constants, parts of addresses, loads.
 * Nothing here makes code.
 *
 * Folding a load moves it down to its user. That is allowed inside the block
 * if nothing in between may write what it reads (struct sel.epoch counts,
 * per region, the writers up to here), if it has this one user, and if it
 * cannot fault: a faulting load is an instruction of its own (ir.h,
 * "memory contract"). The private regions of different names do not overlap.
 */
#include "ir/module.h"
#include "ir/select.h"

/* ---- constants ----------------------------------------------------------- */

bool sel_is_const(const struct sel *s, ref r, u8 size, i64 *v)
{
	const struct ins *i = sel_root(s, r);

	if (i->op != OP_CONST)
		return false;
	*v = size == 8 ? (i->type == TY_I32 ? (i64)(u32)i->imm : i->imm)
		       : (i32)i->imm;
	return true;
}

/* ---- lives of values ----------------------------------------------------- */

bool sel_dies(const struct sel *s, ref r)
{
	u32 root = s->val[r.v].root;
	const struct ins *i = &s->f->ins[root];
	const struct blk *here = &s->f->blk[s->blk];

	if (s->val[root].needed)
		return false;
	if (i->blk == BLK_NONE)
		return here->depth == 0;
	return i->blk == s->blk || here->loop == s->f->blk[i->blk].loop ||
	       here->depth < s->f->blk[i->blk].depth;
}

bool sel_is_private(const struct sel *s, ref r, enum op op)
{
	const struct ins *i = sel_root(s, r);

	return i->op == op && i->blk == s->blk &&
	       s->val[s->val[r.v].root].uses == 1;
}

/* ---- loads --------------------------------------------------------------- */

u32 sel_writes(const struct ins *i)
{
	u32 all = (1u << REGION_COUNT) - 1 - (1u << REGION_RODATA);

	if (!(op_info[i->op].flags & OPF_WRITE))
		return 0;
	if (i->op == OP_STORE && i->region != REGION_UNKNOWN)
		return 1u << i->region | 1u << REGION_UNKNOWN;
	return all;
}

bool sel_can_fold(const struct sel *s, ref r, u8 size)
{
	const struct ins *i = sel_root(s, r);
	const struct sel_val *v = &s->val[s->val[r.v].root];

	return i->op == OP_LOAD && i->blk == s->blk && i->size == size &&
	       v->uses == 1 && !v->needed && !(i->mem & MEM_FAULT) &&
	       v->epoch == s->epoch[i->region];
}

/* ---- addresses ----------------------------------------------------------- */

bool sel_sym_is_far(const struct cg *cg, u32 sym)
{
	return sym < cg->nsyms && cg->syms[sym].bind >= BIND_UNDEF;
}

/* r = *x + c, and x may stand for r: r is only computed for addresses. */
bool sel_is_offset(const struct sel *s, ref r, ref *x, i64 *c)
{
	const struct ins *i = sel_root(s, r);
	const struct sel_val *v = &s->val[s->val[r.v].root];

	if (i->type != TY_I64 || (i->op != OP_ADD && i->op != OP_SUB) ||
		(v->uses != v->addrs && v->uses != 1) || v->needed)
		return false;
	if (sel_is_const(s, i->arg[1], 8, c)) {
		*x = i->arg[0];
		if (i->op == OP_SUB)
			*c = (i64)(0 - (u64)*c);
		return true;
	}
	*x = i->arg[1];
	return i->op == OP_ADD && sel_is_const(s, i->arg[0], 8, c);
}

/* ---- low bits ------------------------------------------------------------ */

/* What i computes from its first argument only changes bits from `size`
 * bytes up. */
static bool keeps_low(const struct sel *s, const struct ins *i, u8 size)
{
	i64 c;

	switch (i->op) {
	case OP_ZEXT:
	case OP_SEXT: return size <= 4;
	case OP_ZX16:
	case OP_SX16: return size <= 2;
	case OP_ZX8:
	case OP_SX8: return size == 1;
	case OP_AND:
		return size < 8 && sel_is_const(s, i->arg[1], 8, &c) &&
		       (~c & ((1ll << size * 8) - 1)) == 0;
	default: return false;
	}
}

bool sel_is_short(const struct sel *s, ref r)
{
	const struct ins *i = sel_root(s, r);

	return i->op == OP_ZX16 || i->op == OP_ZX8 ||
	       (i->op == OP_LOAD && i->size <= 2 && !(i->mem & MEM_SX));
}

ref sel_low(const struct sel *s, ref r, u8 size)
{
	for (;;) {
		u32 root = s->val[r.v].root;
		const struct ins *i = &s->f->ins[root];

		if (s->val[root].uses > 1 || s->val[root].needed ||
			!keeps_low(s, i, size))
			return r;
		r = i->arg[0];
	}
}

/* The CPU masks the count itself. */
ref sel_shift_count(const struct sel *s, ref count, u8 size)
{
	const struct ins *i = sel_root(s, count);
	i64 v, need = size * 8 - 1;

	if (!sel_is_private(s, count, OP_AND) ||
		!sel_is_const(s, i->arg[1], 8, &v) || (v & need) != need)
		return sel_low(s, count, 1);
	return sel_low(s, i->arg[0], 1);
}
