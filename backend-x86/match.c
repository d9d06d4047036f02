/*
 * What an instruction may swallow of x86-64's own: immediates of 32 bits,
 * addresses. The rest is ir/match.c.
 */
#include "backend-x86/x86.h"

/* ---- constants ---------------------------------------------------------------- */

bool x86_is_imm(const struct sel *s, ref r, u8 size, i32 *v)
{
	i64 c;

	if (!sel_is_const(s, r, size, &c) || !fits_i32(c))
		return false;
	*v = (i32)c;
	return true;
}

/* ---- loads --------------------------------------------------------------------- */

struct x86_addr x86_fold(struct sel *s, ref r)
{
	u32 root = s->val[r.v].root;
	const struct ins *i = &s->f->ins[root];

	s->val[root].folded = true;
	return x86_match(s, i->arg[0], i->imm);
}

/* ---- addresses ------------------------------------------------------------------- */

static bool add_disp(struct x86_addr *a, i64 c, u8 scale)
{
	i64 d;

	if (mul_overflows(c, (i64)scale, &d) || add_overflows(a->disp, d, &d) ||
		!fits_i32(d))
		return false;
	a->disp = d;
	return true;
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
	while (sel_is_offset(s, a->index, &x, &c) && add_disp(a, c, a->scale))
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
		while (sel_is_offset(s, a.base, &x, &c) && add_disp(&a, c, 1))
			a.base = x;
	} while (match_sum(s, &a));
	match_floating(s, &a);
	return a;
}
