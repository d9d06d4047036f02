/*
 * What an instruction may swallow of arm64's own: shifted and extended second
 * operands, addresses. The rest is ir/match.c.
 */
#include "backend-arm64/a64.h"

/* ---- constants ----------------------------------------------------------- */

static bool is_unneeded(const struct sel *s, ref r, enum op op)
{
	return sel_is_private(s, r, op) && !s->val[s->val[r.v].root].needed;
}

bool a64_is_const_op(
	const struct sel *s, ref r, enum op op, u8 size, ref *x, i64 *c)
{
	const struct ins *i = sel_root(s, r);

	if (!is_unneeded(s, r, op) || ty_size(i->type) != size ||
		!sel_is_const(s, i->arg[1], size, c))
		return false;
	*x = i->arg[0];
	return true;
}

/* ---- second operands ----------------------------------------------------- */

static bool shifted(
	const struct sel *s, ref r, u8 size, bool logic, struct a64_opnd *o)
{
	static const struct {
		u8 op, shift;
	} map[] = {{OP_SHL, A64_LSL}, {OP_SHR, A64_LSR}, {OP_SAR, A64_ASR},
		{OP_ROTL, A64_ROR}};
	u8 bits = size * 8;
	i64 c;

	for (u32 k = 0; k < countof(map) - !logic; k++) {
		if (!a64_is_const_op(s, r, (enum op)map[k].op, size, &o->r, &c))
			continue;
		o->aux = A64_2_SHIFT + map[k].shift;
		o->by = (u8)(c & (bits - 1));
		if (map[k].op == OP_ROTL)
			o->by = -o->by & (bits - 1);
		return true;
	}
	return false;
}

/* r = an extension, used here only. */
static bool extended(const struct sel *s, ref r, u8 size, struct a64_opnd *o)
{
	static const struct {
		u8 op, extend;
	} map[] = {{OP_ZEXT, A64_UXTW}, {OP_SEXT, A64_SXTW}, {OP_ZX8, A64_UXTB},
		{OP_ZX16, A64_UXTH}, {OP_SX8, A64_SXTB}, {OP_SX16, A64_SXTH}};
	const struct ins *i = sel_root(s, r);

	for (u32 k = 0; k < countof(map); k++) {
		if (!is_unneeded(s, r, (enum op)map[k].op) ||
			ty_size(i->type) != size)
			continue;
		o->r = i->arg[0];
		o->aux = A64_2_EXTEND + map[k].extend;
		o->by = 0;
		return true;
	}
	return false;
}

struct a64_opnd a64_opnd_add(const struct sel *s, ref r, u8 size)
{
	struct a64_opnd o = {.r = r}, in;

	if (shifted(s, r, size, false, &o)) {
		/* an extension may be shifted by up to 4 */
		if (o.aux == A64_2_SHIFT + A64_LSL && o.by <= 4 &&
			extended(s, o.r, size, &in)) {
			in.by = o.by;
			return in;
		}
		return o;
	}
	extended(s, r, size, &o);
	return o;
}

struct a64_opnd a64_opnd_logic(const struct sel *s, ref r, u8 size)
{
	struct a64_opnd o = {.r = r};

	shifted(s, r, size, true, &o);
	return o;
}

/* ---- loads --------------------------------------------------------------- */

struct a64_addr a64_fold(struct sel *s, ref r)
{
	u32 root = s->val[r.v].root;
	const struct ins *i = &s->f->ins[root];

	s->val[root].folded = true;
	return a64_match(s, i->arg[0], i->imm, i->size);
}

/* ---- addresses ----------------------------------------------------------- */

static bool is_disp(i64 disp, u8 size)
{
	return a64_is_scaled(disp, size) || a64_is_unscaled(disp);
}

static void match_offsets(struct sel *s, struct a64_addr *a, u8 size)
{
	ref x;
	i64 c, d;

	while (sel_is_offset(s, a->base, &x, &c) &&
		!add_overflows(a->disp, c, &d) && fits_i32(d) &&
		(is_disp(d, size) || !is_disp(a->disp, size) ||
			sel_root(s, x)->op == OP_FP)) {
		a->base = x;
		a->disp = d;
	}
}

static void match_index(const struct sel *s, struct a64_addr *a, ref r, u8 size)
{
	struct a64_opnd o;
	ref x;
	i64 c;

	a->index = r;
	a->extend = A64_UXTX;
	if (a64_is_const_op(s, r, OP_SHL, 8, &x, &c) &&
		(c & 63) == __builtin_ctz(size)) {
		a->index = x;
		a->parts |= A64_MEM_SCALED;
	}
	if (!extended(s, a->index, 8, &o) || (o.aux & 3) != A64_UXTW)
		return;
	a->index = o.r;
	a->extend = o.aux & 7;
}

/* r is a shift that an index register can have. */
static bool is_scaled(const struct sel *s, ref r, u8 size)
{
	ref x;
	i64 c;

	return a64_is_const_op(s, r, OP_SHL, 8, &x, &c) &&
	       (c & 63) == __builtin_ctz(size);
}

/* base = x + y, both of which stay in registers anyway or die here. */
static void match_sum(struct sel *s, struct a64_addr *a, u8 size)
{
	const struct ins *i = sel_root(s, a->base);
	const struct sel_val *v = &s->val[s->val[a->base.v].root];
	i64 c;

	if (a->disp || i->op != OP_ADD || i->type != TY_I64 ||
		i->blk != s->blk || v->needed ||
		(v->uses != 1 && (v->uses != v->addrs || v->uses > 2)) ||
		sel_is_const(s, i->arg[1], 8, &c))
		return;
	bool swap =
		is_scaled(s, i->arg[0], size) && !is_scaled(s, i->arg[1], size);

	a->base = i->arg[swap];
	match_index(s, a, i->arg[!swap], size);
}

/* The base is known outright: nothing is left of it but parts and disp. */
static void match_floating(struct sel *s, struct a64_addr *a, u8 size)
{
	const struct ins *i = sel_root(s, a->base);
	const struct sel_val *v = &s->val[s->val[a->base.v].root];
	enum { FAR = 1 << 30 };
	i64 d;

	if (add_overflows(a->disp, i->imm, &d) || d <= -FAR || d >= FAR)
		return;
	if (i->op == OP_FP) {
		a->parts = A64_MEM_FRAME;
	} else if (i->op == OP_SYM) {
		/* elsewhere the page would be computed again and again */
		if (v->uses != 1 || s->f->blk[s->blk].depth ||
			sel_sym_is_far(s->cg, i->aux) || d & (size - 1) ||
			a64_sym_align(s->cg, i->aux) < size)
			return;
		a->parts = A64_MEM_SYM;
		a->sym = i->aux;
	} else {
		return;
	}
	a->base.v = 0;
	a->disp = d;
}

struct a64_addr a64_match(struct sel *s, ref addr, i64 off, u8 size)
{
	struct a64_addr a = {.base = addr, .disp = off};

	match_offsets(s, &a, size);
	match_floating(s, &a, size);
	if (a.base.v)
		match_sum(s, &a, size);
	return a;
}
