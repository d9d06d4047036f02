/*
 * Rules for conditions, the same for CMP, SEL and BR. Canonical form: the
 * constant on the right; EQ and NE rather than an order where both do; TST
 * for a masked comparison with 0; 32 bits where the upper halves cannot
 * matter; the condition itself instead of a comparison of its value.
 */
#include "ir/fold.h"

enum { MAX_STEPS = 8 };

struct cond {
	enum cc cc;
	enum ty t;
	ref a, b;
	bool constant; /* b is */
	u64 c;	       /* its value */
};

static void load(struct folder *F, struct cond *c, const struct ins *x)
{
	i64 v;

	c->cc = (enum cc)x->cc;
	c->a = x->arg[0];
	c->b = x->arg[1];
	c->t = (enum ty)ir_ins(F->f, c->a)->type;
	c->constant = ir_is_const(F->f, c->b, &v);
	c->c = c->constant ? (u64)v : 0;
}

static bool become(struct folder *F, struct ins *x, enum cc cc, ref a, ref b)
{
	(void)F;
	x->cc = (u8)cc;
	x->arg[0] = a;
	x->arg[1] = b;
	return true;
}

static bool become_imm(
	struct folder *F, struct ins *x, enum cc cc, ref a, u64 c)
{
	enum ty t = (enum ty)ir_ins(F->f, a)->type;

	return become(F, x, cc, a, fold_const(F, t, c));
}

/* ---- decided? ------------------------------------------------------------ */

struct range {
	u64 umin, umax;
	i64 smin, smax;
};

static struct range range_of(const struct folder *F, ref r, enum ty t)
{
	struct known k = F->known[r.v];
	u32 bits = ty_bits(t);
	u64 sign = 1ull << (bits - 1);
	struct range g;

	k.zero &= ty_mask(t);
	k.one &= ty_mask(t);
	g.umin = k.one;
	g.umax = ~k.zero & ty_mask(t);
	/* the sign bit is 1 for the least, 0 for the greatest, if free */
	g.smin = sign_extend(k.one | (sign & ~k.zero), bits);
	g.smax = sign_extend(
		(~k.zero & ~sign & ty_mask(t)) | (k.one & sign), bits);
	return g;
}

static int equal(const struct folder *F, const struct cond *c)
{
	struct known a = F->known[c->a.v], b = F->known[c->b.v];
	u64 m = ty_mask(c->t);

	if (((a.zero & b.one) | (a.one & b.zero)) & m)
		return 0;
	if (((a.zero | a.one) & (b.zero | b.one) & m) == m)
		return 1;
	return -1;
}

static int less(bool sure, bool never)
{
	return sure ? 1 : never ? 0 : -1;
}

static int not(int known)
{
	return known < 0 ? known : !known;
}

/* For the even condition of a pair. */
static int decide_even(const struct folder *F, const struct cond *c)
{
	struct range a = range_of(F, c->a, c->t), b = range_of(F, c->b, c->t);
	u64 m = ty_mask(c->t);

	switch (c->cc & ~1u) {
	case CC_EQ: return equal(F, c);
	case CC_ULT: return less(a.umax < b.umin, a.umin >= b.umax);
	case CC_UGT: return less(a.umin > b.umax, a.umax <= b.umin);
	case CC_SLT: return less(a.smax < b.smin, a.smin >= b.smax);
	case CC_SGT: return less(a.smin > b.smax, a.smax <= b.smin);
	default: /* TST */
		return less((F->known[c->a.v].one & F->known[c->b.v].one & m),
			!(~F->known[c->a.v].zero & ~F->known[c->b.v].zero & m));
	}
}

static int decide_same(enum cc cc)
{
	switch (cc & ~1u) {
	case CC_EQ: return !(cc & 1);
	case CC_TST: return -1;
	default: return cc & 1; /* an order is false, its negation true */
	}
}

static int decide(const struct folder *F, const struct cond *c)
{
	if (ref_eq(c->a, c->b))
		return decide_same(c->cc);
	int even = decide_even(F, c);
	return c->cc & 1 ? not(even) : even;
}

/* ---- one step towards the canonical form --------------------------------- */

/* A bound that is one larger, unless it gets too long for an immediate. */
static bool step_bound(
	struct folder *F, struct ins *x, enum cc cc, const struct cond *c)
{
	i64 old = sign_extend(c->c, ty_bits(c->t));

	if (fits_i32(old) && !fits_i32(old + 1) && c->t == TY_I64)
		return false;
	return become_imm(F, x, cc, c->a, c->c + 1);
}

static bool step_order(struct folder *F, struct ins *x, const struct cond *c)
{
	u64 max = ty_mask(c->t);
	bool smax = c->c == max >> 1;

	switch (c->cc) {
	case CC_UGT:
		if (c->c == 0)
			return become(F, x, CC_NE, c->a, c->b);
		return c->c < max && step_bound(F, x, CC_UGE, c);
	case CC_ULE:
		if (c->c == 0)
			return become(F, x, CC_EQ, c->a, c->b);
		return c->c < max && step_bound(F, x, CC_ULT, c);
	case CC_SGT: return !smax && step_bound(F, x, CC_SGE, c);
	case CC_SLE: return !smax && step_bound(F, x, CC_SLT, c);
	case CC_ULT:
		if (c->c == 1)
			return become_imm(F, x, CC_EQ, c->a, 0);
		return c->c == max && become(F, x, CC_NE, c->a, c->b);
	case CC_UGE:
		if (c->c == 1)
			return become_imm(F, x, CC_NE, c->a, 0);
		return c->c == max && become(F, x, CC_EQ, c->a, c->b);
	default: return false;
	}
}

/* A comparison of the value of another one with 0. */
static bool step_cmp(struct folder *F, struct ins *x, const struct cond *c)
{
	const struct ins *i = ir_ins(F->f, c->a);

	if (i->op == OP_ZEXT)
		i = ir_ins(F->f, i->arg[0]);
	if (i->op != OP_CMP)
		return false;
	enum cc cc = (enum cc)i->cc;
	if (c->cc == CC_NE)
		return become(F, x, cc, i->arg[0], i->arg[1]);
	return become(F, x, cc_not(cc), i->arg[0], i->arg[1]);
}

/* EQ or NE with 0 */
static bool step_zero(struct folder *F, struct ins *x, const struct cond *c)
{
	struct ins i = *ir_ins(F->f, c->a);
	enum cc tst = c->cc == CC_EQ ? CC_NTST : CC_TST;
	u64 mask = ty_mask(c->t), n;
	i64 v;

	switch (i.op) {
	case OP_AND: return become(F, x, tst, i.arg[0], i.arg[1]);
	case OP_ZX8: return become_imm(F, x, tst, i.arg[0], 0xff);
	case OP_ZX16: return become_imm(F, x, tst, i.arg[0], 0xffff);
	case OP_NEG:
	case OP_BSWAP:
	case OP_ZEXT:
	case OP_SEXT: return become_imm(F, x, c->cc, i.arg[0], 0);
	case OP_SUB:
	case OP_XOR: return become(F, x, c->cc, i.arg[0], i.arg[1]);
	case OP_SHL:
	case OP_SHR:
		if (!ir_is_const(F->f, i.arg[1], &v))
			return false;
		n = (u64)v & (ty_bits(c->t) - 1);
		mask = i.op == OP_SHL ? mask >> n : mask & mask << n;
		return become_imm(F, x, tst, i.arg[0], mask);
	default: return false;
	}
}

/* EQ or NE with a constant: undo what can be undone. A value that others need
 * is compared as it is: the one before a loop's step need not outlive it. */
static bool step_equal(struct folder *F, struct ins *x, const struct cond *c)
{
	struct ins i = *ir_ins(F->f, c->a);
	i64 v;

	/* a bit compared with 1 */
	if (c->c == 1 && !(~F->known[c->a.v].zero & ty_mask(c->t) & ~1ull))
		return become_imm(F, x, cc_not(c->cc), c->a, 0);
	if (c->c == 0)
		return step_cmp(F, x, c) || step_zero(F, x, c);
	if (i.op == OP_BSWAP)
		return become_imm(F, x, c->cc, i.arg[0],
			__builtin_bswap64(c->c) >> (64 - ty_bits(c->t)));
	if ((i.op != OP_ADD && i.op != OP_XOR && i.op != OP_SUB) ||
		!fold_one_use(F, c->a) ||
		!ir_is_const(F->f, i.arg[i.op == OP_SUB ? 0 : 1], &v))
		return false;
	if (i.op == OP_ADD)
		return become_imm(F, x, c->cc, i.arg[0], c->c - (u64)v);
	if (i.op == OP_XOR)
		return become_imm(F, x, c->cc, i.arg[0], c->c ^ (u64)v);
	return become_imm(F, x, c->cc, i.arg[1], (u64)v - c->c);
}

static bool step_test(struct folder *F, struct ins *x, const struct cond *c)
{
	u64 may = ~F->known[c->a.v].zero & ty_mask(c->t);
	u64 sign = 1ull << (ty_bits(c->t) - 1);
	enum cc ne = c->cc == CC_TST ? CC_NE : CC_EQ;
	struct ins i = *ir_ins(F->f, c->a);
	i64 v;

	if ((may & ~c->c) == 0)
		return become_imm(F, x, ne, c->a, 0);
	if (c->c == sign)
		return become_imm(
			F, x, c->cc == CC_TST ? CC_SLT : CC_SGE, c->a, 0);
	/* bits that are 0 anyway need no test; take a mask off the value */
	if (i.op == OP_AND && ir_is_const(F->f, i.arg[1], &v))
		return become_imm(F, x, c->cc, i.arg[0], c->c & (u64)v);
	if (i.op == OP_ZX8)
		return become_imm(F, x, c->cc, i.arg[0], c->c & 0xff);
	if (i.op == OP_ZX16)
		return become_imm(F, x, c->cc, i.arg[0], c->c & 0xffff);
	if ((i.op == OP_SHR || i.op == OP_SHL) &&
		ir_is_const(F->f, i.arg[1], &v)) {
		u32 n = (u32)v & (ty_bits(c->t) - 1);
		u64 m = i.op == OP_SHR ? c->c << n & ty_mask(c->t) : c->c >> n;

		return become_imm(F, x, c->cc, i.arg[0], m);
	}
	return false;
}

/* The unsigned condition that means the same for non-negative numbers. */
static enum cc as_unsigned(enum cc cc)
{
	return cc >= CC_SLT && cc <= CC_SLE ? (enum cc)(cc - CC_SLT + CC_ULT)
					    : cc;
}

static bool is_signed_order(enum cc cc)
{
	return cc >= CC_SLT && cc <= CC_SLE;
}

/* A 64-bit value that is its low half, sign-extended. */
static bool is_sign_extended(const struct ins *i)
{
	return i->op == OP_SEXT ||
	       (i->op == OP_LOAD && i->mem & MEM_SX && i->size <= 4);
}

static ref low_half(struct folder *F, ref r)
{
	const struct ins *i = ir_ins(F->f, r);

	return i->op == OP_SEXT ? i->arg[0] : fold_trunc(F, r);
}

/* 64 bits to 32 where both operands are extensions of the same kind. */
static bool step_width(struct folder *F, struct ins *x, const struct cond *c)
{
	u64 high = ~(u64)UINT32_MAX;
	const struct ins *a = ir_ins(F->f, c->a), *b = ir_ins(F->f, c->b);

	if (c->t != TY_I64)
		return false;
	if (!(high & ~F->known[c->a.v].zero) &&
		!(high & ~F->known[c->b.v].zero)) {
		ref v = fold_trunc(F, c->a);
		ref w = fold_trunc(F, c->b);
		return become(F, x, as_unsigned(c->cc), v, w);
	}
	/* a test of low bits */
	if (c->cc >= CC_TST && c->constant && !(c->c & high)) {
		ref v = fold_trunc(F, c->a);
		return become_imm(F, x, c->cc, v, c->c);
	}
	bool both = is_sign_extended(b);
	if (!is_sign_extended(a) || c->cc >= CC_TST ||
		!(both || (c->constant && fits_i32((i64)c->c))))
		return false;
	/* sign extension keeps both orders */
	ref v = low_half(F, c->a);
	if (!both)
		return become_imm(F, x, c->cc, v, c->c);
	return become(F, x, c->cc, v, low_half(F, c->b));
}

static bool step_constant(struct folder *F, struct ins *x, const struct cond *c)
{
	if (step_order(F, x, c))
		return true;
	if (c->cc <= CC_NE)
		return step_equal(F, x, c);
	return c->cc >= CC_TST && step_test(F, x, c);
}

static bool step(struct folder *F, struct ins *x)
{
	struct cond c;
	i64 v;

	load(F, &c, x);
	if (!c.constant && ir_is_const(F->f, c.a, &v))
		return become(F, x, cc_swap(c.cc), c.b, c.a);
	if (c.cc >= CC_TST && ref_eq(c.a, c.b))
		return become_imm(F, x, c.cc == CC_TST ? CC_NE : CC_EQ, c.a, 0);
	if (is_signed_order(c.cc) && range_of(F, c.a, c.t).smin >= 0 &&
		range_of(F, c.b, c.t).smin >= 0 && !(c.constant && c.c == 0))
		return become(F, x, as_unsigned(c.cc), c.a, c.b);
	if (c.constant && step_constant(F, x, &c))
		return true;
	return step_width(F, x, &c);
}

int fold_cond(struct folder *F, struct ins *x)
{
	for (u32 n = 0; n < MAX_STEPS; n++) {
		struct cond c;

		load(F, &c, x);
		int known = decide(F, &c);
		if (known >= 0)
			return known;
		if (!step(F, x))
			break;
	}
	return -1;
}
