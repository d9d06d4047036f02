/*
 * Conditions: CMP, SEL and BR. Each is a flag-setting instruction and a
 * reader (setcc, cmov, jcc) behind it; what register allocation puts between
 * the two are moves, which leave the flags alone.
 *
 * The compared operands may be memory, or narrower than their type: a value
 * zero-extended from n bytes and a constant below 2^8n compare as n bytes,
 * and, neither being negative there, without sign.
 */
#include "backend-x86/x86.h"

struct cond {
	enum cc cc;
	ref a, b;
	u8 size;
};

static enum x86_cc hw_cc(enum cc cc)
{
	static const u8 map[CC_COUNT] = {
		[CC_EQ] = X86_CC_E,
		[CC_NE] = X86_CC_NE,
		[CC_ULT] = X86_CC_B,
		[CC_UGE] = X86_CC_AE,
		[CC_UGT] = X86_CC_A,
		[CC_ULE] = X86_CC_BE,
		[CC_SLT] = X86_CC_L,
		[CC_SGE] = X86_CC_GE,
		[CC_SGT] = X86_CC_G,
		[CC_SLE] = X86_CC_LE,
		[CC_TST] = X86_CC_NE,
		[CC_NTST] = X86_CC_E,
	};
	return (enum x86_cc)map[cc];
}

static enum cc without_sign(enum cc cc)
{
	return cc >= CC_SLT && cc <= CC_SLE ? cc - CC_SLT + CC_ULT : cc;
}

/* Both sides are below 2^32: the low halves say it all, and without sign. */
static void narrow(const struct sel *s, struct cond *c, bool b_is_low)
{
	if (c->size != 8 || !s->val[c->a.v].zero_up || !b_is_low)
		return;
	c->size = 4;
	c->cc = without_sign(c->cc);
}

static struct mins *set_flags(struct sel *s, enum x86_mop op, u8 size)
{
	struct mins *i = x86_op(s, op, size);

	i->flags |= MINS_FLAGS;
	return i;
}

/* ---- test --------------------------------------------------------------------- */

/* test [m], imm: bits above a zero-extended load do not matter. */
static bool test_mem_imm(struct sel *s, const struct cond *c, i64 v)
{
	const struct ins *l = sel_root(s, c->a);
	u8 n = l->size;

	if (l->op != OP_LOAD || n > c->size || n == 2 ||
		!sel_can_fold(s, c->a, n) || (n < c->size && l->mem & MEM_SX) ||
		(n == 8 && !fits_i32(v)))
		return false;
	struct x86_addr a = x86_fold(s, c->a);

	set_flags(s, X86_TEST_MI, n)->imm = (i32)v;
	x86_m(s, &a);
	return true;
}

/* test or bt with constant v; false if it needs a register. */
static bool test_const(
	struct sel *s, const struct cond *c, i64 v, enum x86_cc *cc)
{
	if (test_mem_imm(s, c, v))
		return true;
	if (fits_i32(v) || fits_u32(v)) {
		u32 r = sel_use(s, c->a);

		set_flags(s, X86_TEST_RI, fits_i32(v) ? c->size : 4)->imm =
			(i32)v;
		sel_u(s, r);
		return true;
	}
	if (v & (i64)((u64)v - 1))
		return false;
	u32 r = sel_use(s, c->a);

	set_flags(s, X86_BT_RI, 8)->imm = __builtin_ctzll((u64)v);
	sel_u(s, r);
	*cc = c->cc == CC_TST ? X86_CC_B : X86_CC_AE;
	return true;
}

static enum x86_cc make_test(struct sel *s, struct cond c)
{
	enum x86_cc cc = hw_cc(c.cc);
	i64 v;

	if (s->val[c.a.v].zero_up || s->val[c.b.v].zero_up)
		c.size = 4;
	if (sel_is_const(s, c.a, c.size, &v) || sel_can_fold(s, c.b, c.size)) {
		ref t = c.a;

		c.a = c.b;
		c.b = t;
	}
	if (sel_is_const(s, c.b, c.size, &v) && test_const(s, &c, v, &cc))
		return cc;
	u32 b = sel_use(s, c.b);

	if (sel_can_fold(s, c.a, c.size)) {
		struct x86_addr m = x86_fold(s, c.a);

		set_flags(s, X86_TEST_MR, c.size);
		sel_u(s, b);
		x86_m(s, &m);
		return cc;
	}
	u32 a = sel_use(s, c.a);

	set_flags(s, X86_TEST_RR, c.size);
	sel_u_slot(s, a);
	sel_u(s, b);
	return cc;
}

/* ---- cmp ---------------------------------------------------------------------- */

/* v of `size` bytes compares with a value extended from n bytes as n bytes
 * do. A 16-bit immediate would cost a slow prefix: only short ones. */
static bool narrows(i64 v, u8 size, u8 n, bool sx)
{
	if (n == size)
		return fits_i32(v);
	i64 half = 1ll << (n * 8 - 1);

	if (n == 2 && !fits_i8(sx ? v : (i16)v))
		return false;
	if (sx)
		return v >= -half && v < half;
	return size == 4 ? (u32)v < 2 * (u64)half : (u64)v < 2 * (u64)half;
}

/* cmp [m], imm */
static bool cmp_mem_imm(struct sel *s, struct cond *c, i64 v)
{
	const struct ins *l = sel_root(s, c->a);
	bool sx = l->mem & MEM_SX;
	u8 n = l->size;

	if (l->op != OP_LOAD || n > c->size || !sel_can_fold(s, c->a, n) ||
		!narrows(v, c->size, n, sx) ||
		(sx && ty_size(l->type) != c->size))
		return false;
	if (n < c->size && !sx)
		c->cc = without_sign(c->cc);
	struct x86_addr a = x86_fold(s, c->a);

	set_flags(s, X86_CMP_MI, n)->imm = (i32)v;
	x86_m(s, &a);
	return true;
}

/* cmp of the low byte or word of a register with a constant */
static bool cmp_low_imm(struct sel *s, struct cond *c, i64 v)
{
	u8 n = sel_is_private(s, c->a, OP_ZX8)	  ? 1
	       : sel_is_private(s, c->a, OP_ZX16) ? 2
						  : 0;

	if (!n || s->val[s->val[c->a.v].root].needed ||
		!narrows(v, c->size, n, false))
		return false;
	u32 r = sel_use(s, sel_root(s, c->a)->arg[0]);

	c->cc = without_sign(c->cc);
	if (v) {
		set_flags(s, X86_CMP_RI, n)->imm = (i32)v;
		sel_u(s, r);
		return true;
	}
	set_flags(s, X86_TEST_RR, n);
	sel_u(s, r);
	sel_u(s, r);
	return true;
}

/* x < v is x <= v - 1, if that immediate is shorter. v is not 0. */
static void shorten(struct cond *c, i64 *v)
{
	if (fits_i8(*v) || *v == INT64_MIN ||
		!(fits_i8(*v - 1) || (!fits_i32(*v) && fits_i32(*v - 1))))
		return;
	switch (c->cc) {
	case CC_ULT: c->cc = CC_ULE; break;
	case CC_UGE: c->cc = CC_UGT; break;
	case CC_SLT: c->cc = CC_SLE; break;
	case CC_SGE: c->cc = CC_SGT; break;
	default: return;
	}
	(*v)--;
}

/* The flags of the comparison with 0 are those that the computation of r
 * leaves: only if it is just before, which select.c sees to. Of a value below
 * 2^32 each size tells whether it is 0. */
static bool leaves_flags(const struct sel *s, ref r, enum cc cc, u8 size)
{
	const struct ins *i = sel_root(s, r);
	bool any_size = cc <= CC_NE && s->val[s->val[r.v].root].zero_up;

	if (i->blk != s->blk || s->f->ins[s->ins].op != OP_BR ||
		(ty_size(i->type) != size && !any_size))
		return false;
	switch (i->op) {
	case OP_AND:
	case OP_OR:
	case OP_XOR: return true;
	case OP_ADD:
	case OP_SUB: return cc <= CC_NE || cc == CC_SLT || cc == CC_SGE;
	default: return false;
	}
}

static enum x86_cc cmp_zero(struct sel *s, struct cond *c)
{
	enum x86_cc cc = hw_cc(c->cc);

	if (c->cc == CC_SLT)
		cc = X86_CC_S;
	else if (c->cc == CC_SGE)
		cc = X86_CC_NS;
	if (leaves_flags(s, c->a, c->cc, c->size)) {
		s->want = s->val[c->a.v].root;
		s->val[s->want].needed = true;
		return cc;
	}
	u32 a = sel_use(s, c->a);

	set_flags(s, X86_TEST_RR,
		s->val[c->a.v].zero_up && c->cc <= CC_NE ? 4 : c->size);
	sel_u(s, a);
	sel_u(s, a);
	return cc;
}

/* Equality of swapped bytes with v: swap v instead. */
static void unswap(const struct sel *s, struct cond *c, i64 *v)
{
	const struct ins *i = sel_root(s, c->a);
	i64 swapped;
	u8 size = c->size;

	if (c->cc > CC_NE || s->val[s->val[c->a.v].root].needed)
		return;
	if (sel_is_private(s, c->a, OP_BSWAP16) && *v >= 0 && *v <= 0xffff &&
		sel_is_short(s, i->arg[0])) {
		swapped = __builtin_bswap16((u16)*v);
		size = 4;
	} else if (sel_is_private(s, c->a, OP_BSWAP) &&
		   ty_size(i->type) == size) {
		swapped = size == 4 ? (i32)__builtin_bswap32((u32)*v)
				    : (i64)__builtin_bswap64((u64)*v);
	} else {
		return;
	}
	if (!fits_i32(swapped))
		return;
	c->a = i->arg[0];
	c->size = size;
	*v = swapped;
}

/* Compare with constant v; false if it needs a register. */
static bool cmp_const(struct sel *s, struct cond *c, i64 v, enum x86_cc *cc)
{
	unswap(s, c, &v);
	if (cmp_mem_imm(s, c, v) || cmp_low_imm(s, c, v)) {
		*cc = hw_cc(c->cc);
		return true;
	}
	if (v == 0) {
		*cc = cmp_zero(s, c);
		return true;
	}
	narrow(s, c, fits_u32(v));
	if (c->size == 4)
		v = (i32)v;
	shorten(c, &v);
	if (!fits_i32(v))
		return false;
	u32 a = sel_use(s, c->a);

	set_flags(s, X86_CMP_RI, c->size)->imm = v;
	sel_u_slot(s, a);
	*cc = hw_cc(c->cc);
	return true;
}

static enum x86_cc cmp_values(struct sel *s, struct cond *c)
{
	narrow(s, c, s->val[c->b.v].zero_up);
	bool left = !sel_can_fold(s, c->b, c->size) &&
		    sel_can_fold(s, c->a, c->size);

	if (left || sel_can_fold(s, c->b, c->size)) {
		struct x86_addr m = x86_fold(s, left ? c->a : c->b);
		u32 r = sel_use(s, left ? c->b : c->a);

		set_flags(s, left ? X86_CMP_MR : X86_CMP_RM, c->size);
		sel_u(s, r);
		x86_m(s, &m);
		return hw_cc(c->cc);
	}
	u32 a = sel_use(s, c->a), b = sel_use(s, c->b);

	set_flags(s, X86_CMP_RR, c->size);
	sel_u(s, a);
	sel_u_slot(s, b);
	return hw_cc(c->cc);
}

/* Sets the flags; returns what to ask them. */
static enum x86_cc compare(struct sel *s, const struct ins *i)
{
	struct cond c = {.cc = (enum cc)i->cc, .a = i->arg[0], .b = i->arg[1]};
	enum x86_cc cc;
	i64 v;

	c.size = ty_size(s->f->ins[c.a.v].type);
	if (c.cc >= CC_TST)
		return make_test(s, c);
	if (sel_is_const(s, c.a, c.size, &v) &&
		!sel_is_const(s, c.b, c.size, &v)) {
		c.a = i->arg[1];
		c.b = i->arg[0];
		c.cc = cc_swap(c.cc);
	}
	if (!sel_is_const(s, c.b, c.size, &v))
		return cmp_values(s, &c);
	if (v == 0 && c.cc <= CC_NE && sel_is_private(s, c.a, OP_AND) &&
		ty_size(sel_root(s, c.a)->type) == c.size) {
		const struct ins *and = sel_root(s, c.a);

		c.a = and->arg[0];
		c.b = and->arg[1];
		c.cc = c.cc == CC_EQ ? CC_NTST : CC_TST;
		return make_test(s, c);
	}
	return cmp_const(s, &c, v, &cc) ? cc : cmp_values(s, &c);
}

/* ---- readers ------------------------------------------------------------------- */

static void read_flags(struct sel *s, enum x86_mop op, u8 size, enum x86_cc cc)
{
	struct mins *i = x86_op(s, op, size);

	i->flags |= MINS_FLAGS;
	i->cc = (u8)cc;
}

void x86_lower_cmp(struct sel *s, const struct ins *i)
{
	enum x86_cc cc = compare(s, i);

	read_flags(s, X86_SETCC, 4, cc);
	sel_d(s, sel_def(s, s->ins));
}

/* One value is there already and is overwritten by the other if the condition
 * says so. */
void x86_lower_sel(struct sel *s, const struct ins *i)
{
	u8 size = ty_size(i->type);
	ref keep = i->arg[3], take = i->arg[2];
	bool fold = sel_can_fold(s, take, size), inverse;
	struct x86_addr m;
	u32 from = 0;
	i64 v;

	inverse =
		!fold && (sel_can_fold(s, keep, size) ||
				 (!sel_is_const(s, keep, 8, &v) &&
					 (sel_is_const(s, take, 8, &v) ||
						 (!sel_dies(s, keep) &&
							 sel_dies(s, take)))));
	if (inverse) {
		keep = i->arg[2];
		take = i->arg[3];
		fold = sel_can_fold(s, take, size);
	}
	u32 into = sel_fresh(s, keep);

	if (fold)
		m = x86_fold(s, take);
	else
		from = sel_use(s, take);
	enum x86_cc cc = compare(s, i) ^ (inverse ? 1 : 0);

	read_flags(s, fold ? X86_CMOV_RM : X86_CMOV_RR, size, cc);
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, into);
	if (fold)
		x86_m(s, &m);
	else
		sel_u_slot(s, from);
}

void x86_lower_br(struct sel *s, const struct ins *i)
{
	enum x86_cc cc = compare(s, i);

	read_flags(s, X86_JCC, 0, cc);
	sel_last(s)->flags |= MINS_TERM;
}
