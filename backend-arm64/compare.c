/*
 * Conditions: CMP, SEL and BR. Each is a flag-setting instruction and a
 * reader (cset, csel, b.cond) behind it; what register allocation puts between
 * the two are moves, which leave the flags alone. Branches on zero and on
 * single bits need no flags: cbz, tbz.
 */
#include "backend-arm64/a64.h"

struct cond {
	enum cc cc;
	ref a, b;
	u8 size;
};

static enum a64_cc hw_cc(enum cc cc)
{
	static const u8 map[CC_COUNT] = {
		[CC_EQ] = A64_CC_EQ,
		[CC_NE] = A64_CC_NE,
		[CC_ULT] = A64_CC_LO,
		[CC_UGE] = A64_CC_HS,
		[CC_UGT] = A64_CC_HI,
		[CC_ULE] = A64_CC_LS,
		[CC_SLT] = A64_CC_LT,
		[CC_SGE] = A64_CC_GE,
		[CC_SGT] = A64_CC_GT,
		[CC_SLE] = A64_CC_LE,
		[CC_TST] = A64_CC_NE,
		[CC_NTST] = A64_CC_EQ,
	};
	return (enum a64_cc)map[cc];
}

static u64 cut(i64 v, u8 size)
{
	return size == 4 ? (u32)v : (u64)v;
}

static struct mins *set_flags(struct sel *s, enum a64_mop op, u8 size)
{
	struct mins *i = a64_op(s, op, size);

	i->flags |= MINS_FLAGS;
	return i;
}

static void flags_ri(struct sel *s, enum a64_mop op, u8 size, ref a, u64 imm)
{
	u32 va = sel_use(s, a);

	set_flags(s, op, size)->imm = (i64)imm;
	sel_u(s, va);
}

static void flags_rr(struct sel *s, enum a64_mop op, u8 size, ref a,
	const struct a64_opnd *o)
{
	struct mins *i = set_flags(s, op, size);

	i->aux = o->aux;
	i->scale = o->by;
	sel_u(s, sel_use(s, a));
	sel_u(s, sel_use(s, o->r));
}

/* ---- test ---------------------------------------------------------------- */

/* A constant goes second. */
static void order_test(const struct sel *s, struct cond *c)
{
	ref t = c->a;
	i64 v;

	if (!sel_is_const(s, c->a, c->size, &v))
		return;
	c->a = c->b;
	c->b = t;
}

static void make_test(struct sel *s, struct cond c)
{
	struct a64_opnd o;
	u32 field;
	i64 v;

	order_test(s, &c);
	if (sel_is_const(s, c.b, c.size, &v) &&
		a64_logic_field(cut(v, c.size), c.size, &field)) {
		flags_ri(s, A64_M_TST_RI, c.size, c.a, cut(v, c.size));
		return;
	}
	o = a64_opnd_logic(s, c.b, c.size);
	flags_rr(s, A64_M_TST_RR, c.size, c.a, &o);
}

/* ---- cmp ----------------------------------------------------------------- */

/* x < v is x <= v - 1, and so on, if that can be encoded. */
static bool step_const(struct cond *c, u64 *v)
{
	u64 max = c->size == 4 ? UINT32_MAX : UINT64_MAX, mid = max / 2;
	bool down = c->cc == CC_ULT || c->cc == CC_UGE || c->cc == CC_SLT ||
		    c->cc == CC_SGE;
	bool sign = c->cc >= CC_SLT;
	u64 edge = down ? (sign ? mid + 1 : 0) : (sign ? mid : max);
	u64 next = (down ? *v - 1 : *v + 1) & max;

	if (c->cc <= CC_NE || *v == edge ||
		(!a64_is_add_imm(next) && !a64_is_add_imm((0 - next) & max)))
		return false;
	switch (c->cc) {
	case CC_ULT: c->cc = CC_ULE; break;
	case CC_UGE: c->cc = CC_UGT; break;
	case CC_UGT: c->cc = CC_UGE; break;
	case CC_ULE: c->cc = CC_ULT; break;
	case CC_SLT: c->cc = CC_SLE; break;
	case CC_SGE: c->cc = CC_SGT; break;
	case CC_SGT: c->cc = CC_SGE; break;
	case CC_SLE: c->cc = CC_SLT; break;
	default: return false;
	}
	*v = next;
	return true;
}

/* Compare with constant v; false if it needs a register. */
static bool cmp_const(struct sel *s, struct cond *c, u64 v)
{
	u64 less = cut((i64)(0 - v), c->size);

	if (!a64_is_add_imm(v) && !a64_is_add_imm(less)) {
		if (!step_const(c, &v))
			return false;
		less = cut((i64)(0 - v), c->size);
	}
	if (a64_is_add_imm(v))
		flags_ri(s, A64_M_CMP_RI, c->size, c->a, v);
	else
		flags_ri(s, A64_M_CMN_RI, c->size, c->a, less);
	return true;
}

static void order_cmp(const struct sel *s, struct cond *c)
{
	ref t = c->a;
	i64 v;

	if (!sel_is_const(s, c->a, c->size, &v) ||
		sel_is_const(s, c->b, c->size, &v))
		return;
	c->a = c->b;
	c->b = t;
	c->cc = cc_swap(c->cc);
}

/* (x & y) == 0 is a test, if nobody else wants x & y. */
static void see_test(const struct sel *s, struct cond *c)
{
	const struct ins *i = sel_root(s, c->a);
	i64 v;

	if (c->cc > CC_NE || !sel_is_const(s, c->b, c->size, &v) || v ||
		!sel_is_private(s, c->a, OP_AND) ||
		s->val[s->val[c->a.v].root].needed ||
		ty_size(i->type) != c->size)
		return;
	c->a = i->arg[0];
	c->b = i->arg[1];
	c->cc = c->cc == CC_EQ ? CC_NTST : CC_TST;
}

static struct cond cond_of(const struct sel *s, const struct ins *i)
{
	struct cond c = {.cc = (enum cc)i->cc, .a = i->arg[0], .b = i->arg[1]};

	c.size = ty_size(s->f->ins[c.a.v].type);
	if (c.cc < CC_TST) {
		order_cmp(s, &c);
		see_test(s, &c);
	}
	return c;
}

/* Sets the flags; returns what to ask them. */
static enum a64_cc compare(struct sel *s, struct cond c)
{
	struct a64_opnd o;
	i64 v;

	if (c.cc >= CC_TST) {
		make_test(s, c);
		return hw_cc(c.cc);
	}
	if (sel_is_const(s, c.b, c.size, &v) &&
		cmp_const(s, &c, cut(v, c.size)))
		return hw_cc(c.cc);
	o = a64_opnd_add(s, c.b, c.size);
	if (ref_eq(o.r, c.b)) {
		struct a64_opnd swapped = a64_opnd_add(s, c.a, c.size);

		if (!ref_eq(swapped.r, c.a)) {
			flags_rr(s, A64_M_CMP_RR, c.size, c.b, &swapped);
			return hw_cc(cc_swap(c.cc));
		}
	}
	flags_rr(s, A64_M_CMP_RR, c.size, c.a, &o);
	return hw_cc(c.cc);
}

/* ---- readers ------------------------------------------------------------- */

static struct mins *read_flags(
	struct sel *s, enum a64_mop op, u8 size, enum a64_cc cc)
{
	struct mins *i = a64_op(s, op, size);

	i->flags |= MINS_FLAGS;
	i->cc = (u8)cc;
	return i;
}

/* cset: csinc of zero and zero, where the condition is not */
void a64_lower_cmp(struct sel *s, const struct ins *i)
{
	enum a64_cc cc = compare(s, cond_of(s, i)) ^ 1;

	read_flags(s, A64_M_CSINC, 4, cc)->aux = A64_Z_FIRST | A64_Z_SECOND;
	sel_d(s, sel_def(s, s->ins));
}

/* What a csel can do to its second operand. */
struct choice {
	enum a64_mop op;
	ref r; /* 0: the zero register */
};

static struct choice choice_of(const struct sel *s, ref r, u8 size)
{
	const struct ins *i = sel_root(s, r);
	struct choice c = {A64_M_CSEL, r};
	ref x;
	i64 v;

	if (sel_is_const(s, r, size, &v)) {
		if (v >= -1 && v <= 1)
			c.r.v = 0;
		if (v == 1 || v == -1)
			c.op = v == 1 ? A64_M_CSINC : A64_M_CSINV;
	} else if (a64_is_const_op(s, r, OP_ADD, size, &x, &v) && v == 1) {
		c = (struct choice){A64_M_CSINC, x};
	} else if (a64_is_const_op(s, r, OP_XOR, size, &x, &v) && v == -1) {
		c = (struct choice){A64_M_CSINV, x};
	} else if (sel_is_private(s, r, OP_NEG) && ty_size(i->type) == size &&
		   !s->val[s->val[r.v].root].needed) {
		c = (struct choice){A64_M_CSNEG, i->arg[0]};
	}
	return c;
}

void a64_lower_sel(struct sel *s, const struct ins *i)
{
	u8 size = ty_size(i->type);
	ref first = i->arg[2];
	struct choice yes = choice_of(s, first, size);
	struct choice no = choice_of(s, i->arg[3], size);
	bool invert = no.op == A64_M_CSEL && yes.op != A64_M_CSEL;
	i64 v;

	if (invert) {
		first = i->arg[3];
		no = yes;
	}
	if (sel_is_const(s, first, size, &v) && v == 0)
		first.v = 0;
	enum a64_cc cc = compare(s, cond_of(s, i)) ^ (invert ? 1 : 0);

	read_flags(s, no.op, size, cc)->aux =
		(first.v ? 0 : A64_Z_FIRST) | (no.r.v ? 0 : A64_Z_SECOND);
	sel_d(s, sel_def(s, s->ins));
	if (first.v)
		sel_u(s, sel_use(s, first));
	if (no.r.v)
		sel_u(s, sel_use(s, no.r));
}

static void branch_on(
	struct sel *s, enum a64_mop op, u8 size, ref r, bool nonzero, u32 bit)
{
	u32 v = sel_use(s, r);
	struct mins *i = a64_op(s, op, size);

	i->cc = nonzero;
	i->imm = bit;
	sel_u(s, v);
}

/* A test of one bit: its number, or -1. */
static int single_bit(const struct sel *s, const struct cond *c)
{
	i64 v;

	if (!sel_is_const(s, c->b, c->size, &v))
		return -1;
	u64 mask = cut(v, c->size);

	return mask && !(mask & (mask - 1)) ? __builtin_ctzll(mask) : -1;
}

/* cbz, tbz and their inverses; false if the condition needs flags. */
static bool branch_without_flags(struct sel *s, struct cond c)
{
	i64 v;
	int bit;

	if (c.cc >= CC_TST) {
		order_test(s, &c);
		bit = single_bit(s, &c);
		if (bit < 0)
			return false;
		branch_on(s, A64_M_TBZ, c.size, c.a, c.cc == CC_TST, (u32)bit);
		return true;
	}
	if (!sel_is_const(s, c.b, c.size, &v))
		return false;
	if ((v == 1 && (c.cc == CC_ULT || c.cc == CC_UGE)) ||
		(v == 0 && (c.cc == CC_UGT || c.cc == CC_ULE)))
		c = (struct cond){
			c.cc == CC_ULT || c.cc == CC_ULE ? CC_EQ : CC_NE, c.a,
			c.b, c.size};
	else if (v == -1 && (c.cc == CC_SGT || c.cc == CC_SLE))
		c.cc = c.cc == CC_SGT ? CC_SGE : CC_SLT;
	else if (v != 0)
		return false;
	if (c.cc <= CC_NE)
		branch_on(s, A64_M_CBZ, c.size, c.a, c.cc == CC_NE, 0);
	else if (c.cc == CC_SLT || c.cc == CC_SGE)
		branch_on(s, A64_M_TBZ, c.size, c.a, c.cc == CC_SLT,
			c.size * 8u - 1);
	else
		return false;
	return true;
}

void a64_lower_br(struct sel *s, const struct ins *i)
{
	struct cond c = cond_of(s, i);

	if (!branch_without_flags(s, c))
		read_flags(s, A64_M_BCC, 0, compare(s, c));
	sel_last(s)->flags |= MINS_TERM;
}
