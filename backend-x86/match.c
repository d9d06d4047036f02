/*
 * What an instruction may swallow: constants, addresses, loads. Nothing here
 * makes code.
 *
 * Folding a load moves it down to its user. That is allowed inside the block
 * if nothing in between may write what it reads (struct sel.epoch counts,
 * per region, the writers up to here), if it has this one user, and if it
 * cannot fault: a faulting load is an instruction of its own (DESIGN.md
 * "Memory contract"). The private regions of different names do not overlap.
 */
#include "backend-x86/x86.h"

/* ---- constants ---------------------------------------------------------------- */

bool sel_is_const(const struct sel *s, ref r, u8 size, i64 *v)
{
	const struct ins *i = sel_root(s, r);

	if (i->op != OP_CONST)
		return false;
	*v = size == 8 ? (i->type == TY_I32 ? (i64)(u32)i->imm : i->imm)
		       : (i32)i->imm;
	return true;
}

bool x86_is_imm(const struct sel *s, ref r, u8 size, i32 *v)
{
	i64 c;

	if (!sel_is_const(s, r, size, &c) || !fits_i32(c))
		return false;
	*v = (i32)c;
	return true;
}

/* ---- lives of values ----------------------------------------------------------- */

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

/* ---- loads --------------------------------------------------------------------- */

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

struct x86_addr x86_fold(struct sel *s, ref r)
{
	u32 root = s->val[r.v].root;
	const struct ins *i = &s->f->ins[root];

	s->val[root].folded = true;
	return x86_match(s, i->arg[0], i->imm);
}

/* ---- addresses ------------------------------------------------------------------- */

bool sel_sym_is_far(const struct cg *cg, u32 sym)
{
	return sym < cg->nsyms && cg->syms[sym].bind >= BIND_UNDEF;
}

static bool add_disp(struct x86_addr *a, i64 c, u8 scale)
{
	i64 d;

	if (mul_overflows(c, (i64)scale, &d) || add_overflows(a->disp, d, &d) ||
		!fits_i32(d))
		return false;
	a->disp = d;
	return true;
}

/* r = *x + c, and x may stand for r: r is only computed for addresses. */
static bool is_offset(const struct sel *s, ref r, ref *x, i64 *c)
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

/* r = x << 1..3, computed only for this. */
static bool is_scaled(const struct sel *s, ref r, ref *x, u8 *scale)
{
	const struct ins *i = sel_root(s, r);
	i64 c;

	if (i->type != TY_I64 || !sel_is_private(s, r, OP_SHL) ||
		s->val[s->val[r.v].root].needed ||
		!sel_is_const(s, i->arg[1], 8, &c) || (c & 63) > 3)
		return false;
	*x = i->arg[0];
	*scale = (u8)(1u << (c & 63));
	return true;
}

static void match_index(struct sel *s, struct x86_addr *a, ref r)
{
	ref x;
	i64 c;

	a->index = r;
	a->scale = 1;
	is_scaled(s, r, &a->index, &a->scale);
	while (is_offset(s, a->index, &x, &c) && add_disp(a, c, a->scale))
		a->index = x;
}

/* base = x + y, both of which stay in registers anyway or die here. */
static bool match_sum(struct sel *s, struct x86_addr *a)
{
	const struct ins *i = sel_root(s, a->base);
	const struct sel_val *v = &s->val[s->val[a->base.v].root];
	ref x;
	u8 scale;

	if (a->index.v || i->op != OP_ADD || i->type != TY_I64 ||
		i->blk != s->blk || v->needed ||
		(v->uses != 1 && (v->uses != v->addrs || v->uses > 2)))
		return false;
	bool swap = is_scaled(s, i->arg[0], &x, &scale) &&
		    !is_scaled(s, i->arg[1], &x, &scale);

	a->base = i->arg[swap];
	match_index(s, a, i->arg[!swap]);
	return true;
}

/* The base is known outright: nothing is left of it but parts and disp. */
static void match_floating(struct sel *s, struct x86_addr *a)
{
	const struct ins *i = sel_root(s, a->base);
	struct x86_addr b = *a;
	enum { FAR = 1 << 30 }; /* leaves room for what emission adds */

	if (!add_disp(&b, i->imm, 1) ||
		(i->op != OP_CONST && (b.disp <= -FAR || b.disp >= FAR)))
		return;
	if (i->op == OP_SYM) {
		if (a->index.v || sel_sym_is_far(s->cg, i->aux))
			return;
		b.parts = X86_M_SYM;
		b.sym = i->aux;
	} else if (i->op == OP_FP) {
		b.parts = X86_M_FRAME;
	} else if (i->op != OP_CONST) {
		return;
	}
	b.base.v = 0;
	*a = b;
}

struct x86_addr x86_match(struct sel *s, ref addr, i64 off)
{
	struct x86_addr a = {.base = addr};
	ref x;
	i64 c;

	if (!add_disp(&a, off, 1))
		return a; /* legal.c made offsets fit */
	do {
		while (is_offset(s, a.base, &x, &c) && add_disp(&a, c, 1))
			a.base = x;
	} while (match_sum(s, &a));
	match_floating(s, &a);
	return a;
}

/* ---- low bits ---------------------------------------------------------------------- */

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
