/*
 * Values: arithmetic, logic, shifts, widths.
 *
 * Operations have three operands, and the second one can come shifted or, in
 * additions, extended (match.c). Shifts with masks around them are bit fields.
 */
#include "backend-arm64/a64.h"

/* ---- two operands -------------------------------------------------------- */

static void unary(struct sel *s, enum a64_mop op, u8 size, ref a)
{
	u32 va = sel_use(s, a);

	a64_op(s, op, size);
	sel_d(s, sel_def(s, s->ins));
	sel_u(s, va);
}

static void op_rr(struct sel *s, enum a64_mop op, u8 size, ref a, ref b)
{
	unary(s, op, size, a);
	sel_u(s, sel_use(s, b));
}

static void op_ri(struct sel *s, enum a64_mop op, u8 size, ref a, u64 imm)
{
	unary(s, op, size, a);
	sel_last(s)->imm = (i64)imm;
}

/* a, ref 0 being the zero register, and the second operand o */
static void op_second(struct sel *s, enum a64_mop op, u8 size, ref a,
	const struct a64_opnd *o)
{
	a64_op(s, op, size);
	sel_last(s)->aux = o->aux | (a.v ? 0 : A64_2_ZR);
	sel_last(s)->scale = o->by;
	sel_d(s, sel_def(s, s->ins));
	if (a.v)
		sel_u(s, sel_use(s, a));
	sel_u(s, sel_use(s, o->r));
}

static void swap_refs(ref *a, ref *b)
{
	ref t = *a;

	*a = *b;
	*b = t;
}

static u64 cut(i64 v, u8 size)
{
	return size == 4 ? (u32)v : (u64)v;
}

/* ---- addition ------------------------------------------------------------ */

/* x + c */
static bool add_const(struct sel *s, u8 size, ref x, u64 c)
{
	u64 less = cut((i64)(0 - c), size);

	if (a64_is_add_imm(c))
		op_ri(s, A64_M_ADD_RI, size, x, c);
	else if (a64_is_add_imm(less))
		op_ri(s, A64_M_SUB_RI, size, x, less);
	else
		return false;
	return true;
}

/* x * v is x + (x << *by) */
static bool is_shift_and_add(u64 v, u8 *by)
{
	u64 less = v - 1;

	*by = less ? (u8)__builtin_ctzll(less) : 0;
	return less && !(less & (less - 1));
}

/* a + or - the product r, if that is for nobody else; one that needs no
 * multiplication stays by itself. */
static bool multiply_add(struct sel *s, enum a64_mop op, u8 size, ref a, ref r)
{
	const struct ins *m = sel_root(s, r);
	i64 v;
	u8 by;

	if (!sel_is_private(s, r, OP_MUL) || ty_size(m->type) != size ||
		s->val[s->val[r.v].root].needed ||
		(sel_is_const(s, m->arg[1], size, &v) &&
			is_shift_and_add(cut(v, size), &by)))
		return false;
	op_rr(s, op, size, m->arg[0], m->arg[1]);
	sel_u(s, sel_use(s, a));
	return true;
}

static void lower_add(struct sel *s, const struct ins *i, u8 size)
{
	ref x = i->arg[0], y = i->arg[1];
	struct a64_opnd o;
	i64 c;

	if (sel_is_const(s, x, size, &c))
		swap_refs(&x, &y);
	if (sel_is_const(s, y, size, &c) && add_const(s, size, x, cut(c, size)))
		return;
	if (multiply_add(s, A64_M_MADD, size, x, y) ||
		multiply_add(s, A64_M_MADD, size, y, x))
		return;
	o = a64_opnd_add(s, y, size);
	if (ref_eq(o.r, y)) {
		swap_refs(&x, &y);
		o = a64_opnd_add(s, y, size);
	}
	op_second(s, A64_M_ADD_RR, size, x, &o);
}

static void lower_sub(struct sel *s, const struct ins *i, u8 size)
{
	ref x = i->arg[0], y = i->arg[1];
	struct a64_opnd o;
	i64 c;

	if (sel_is_const(s, y, size, &c) &&
		add_const(s, size, x, cut((i64)(0 - (u64)c), size)))
		return;
	if (multiply_add(s, A64_M_MSUB, size, x, y))
		return;
	if (sel_is_const(s, x, size, &c) && c == 0) {
		o = a64_opnd_logic(s, y, size);
		if (o.aux == A64_ROR)
			o = (struct a64_opnd){.r = y};
		x.v = 0;
	} else {
		o = a64_opnd_add(s, y, size);
	}
	op_second(s, A64_M_SUB_RR, size, x, &o);
}

/* ---- logic --------------------------------------------------------------- */

struct logic {
	enum a64_mop rr, inverted, ri;
};

static const struct logic *logic_ops(u8 op)
{
	static const struct logic and = {
		A64_M_AND_RR, A64_M_BIC_RR, A64_M_AND_RI};
	static const struct logic or
		= {A64_M_ORR_RR, A64_M_ORN_RR, A64_M_ORR_RI};
	static const struct logic xor
		= {A64_M_EOR_RR, A64_M_EON_RR, A64_M_EOR_RI};

	return op == OP_AND ? &and : op == OP_OR ? & or : &xor;
}

/* The field of `width` bits at `at` of a, zero- or sign-extended. */
static void extract(
	struct sel *s, enum a64_mop op, u8 size, ref a, u32 at, u32 width)
{
	u32 last = at + width - 1;

	op_ri(s, op, size, a, at);
	sel_last(s)->disp = (i32)(last < size * 8u ? last : size * 8u - 1);
}

/* a's low `width` bits, from where a shift has them. */
static void low_bits(struct sel *s, u8 size, ref a, u32 width)
{
	u8 from = ty_size(sel_root(s, a)->type);
	ref x;
	i64 c;

	if (a64_is_const_op(s, a, OP_SHR, from, &x, &c))
		extract(s, A64_M_UBFM, from, x, (u32)c & (from * 8 - 1u),
			width);
	else
		extract(s, A64_M_UBFM, size, a, 0, width);
}

static bool is_low_mask(u64 v)
{
	return v && !(v & (v + 1));
}

/* x and, or, xor v */
static bool logic_const(struct sel *s, u8 op, u8 size, ref a, u64 v)
{
	u32 field;
	u8 n = op == OP_AND && v <= UINT32_MAX ? 4 : size;

	if (op == OP_AND && is_low_mask(v) && v != UINT64_MAX) {
		low_bits(s, n, a, (u32)__builtin_popcountll(v));
		return true;
	}
	if (!a64_logic_field(v, n, &field))
		return false;
	op_ri(s, logic_ops(op)->ri, n, a, v);
	return true;
}

static bool is_not(const struct sel *s, ref r, u8 size, ref *x)
{
	i64 c;

	return a64_is_const_op(s, r, OP_XOR, size, x, &c) && c == -1;
}

static void lower_logic(struct sel *s, const struct ins *i, u8 size)
{
	const struct logic *ops = logic_ops(i->op);
	ref a = i->arg[0], b = i->arg[1], x;
	struct a64_opnd o;
	i64 v;

	if (sel_is_const(s, a, size, &v))
		swap_refs(&a, &b);
	if (sel_is_const(s, b, size, &v)) {
		if (i->op == OP_XOR && v == -1) {
			o = a64_opnd_logic(s, a, size);
			op_second(s, A64_M_ORN_RR, size, (ref){0}, &o);
			return;
		}
		if (logic_const(s, i->op, size, a, cut(v, size)))
			return;
	}
	if (is_not(s, a, size, &x))
		swap_refs(&a, &b);
	if (is_not(s, b, size, &x)) {
		o = a64_opnd_logic(s, x, size);
		op_second(s, ops->inverted, size, a, &o);
		return;
	}
	o = a64_opnd_logic(s, b, size);
	if (ref_eq(o.r, b)) {
		swap_refs(&a, &b);
		o = a64_opnd_logic(s, b, size);
	}
	op_second(s, ops->rr, size, a, &o);
}

/* ---- multiplication, division -------------------------------------------- */

static void lower_mul(struct sel *s, const struct ins *i, u8 size)
{
	ref a = i->arg[0], b = i->arg[1];
	i64 v;
	u8 by;

	if (sel_is_const(s, a, size, &v))
		swap_refs(&a, &b);
	if (sel_is_const(s, b, size, &v) &&
		is_shift_and_add(cut(v, size), &by)) {
		struct a64_opnd o = {.r = a, .by = by};

		op_second(s, A64_M_ADD_RR, size, a, &o);
		return;
	}
	op_rr(s, A64_M_MUL, size, a, b);
}

/* Division is total as RFC 9669 wants it: x / 0 is 0, INT_MIN / -1 is INT_MIN.
 * So x - q * y is x where y is 0, and 0 for INT_MIN and -1. */
static void lower_div(struct sel *s, const struct ins *i, u8 size)
{
	bool is_signed = i->op == OP_SDIV || i->op == OP_SMOD;
	enum a64_mop div = is_signed ? A64_M_SDIV : A64_M_UDIV;
	u32 a, b, q;

	if (i->op == OP_UDIV || i->op == OP_SDIV) {
		op_rr(s, div, size, i->arg[0], i->arg[1]);
		return;
	}
	a = sel_use(s, i->arg[0]);
	b = sel_use(s, i->arg[1]);
	q = sel_temp(s);
	a64_op(s, div, size);
	sel_d(s, q);
	sel_u(s, a);
	sel_u(s, b);
	a64_op(s, A64_M_MSUB, size);
	sel_d(s, sel_def(s, s->ins));
	sel_u(s, q);
	sel_u(s, b);
	sel_u(s, a);
}

/* ---- shifts -------------------------------------------------------------- */

/* The bits that a has at most, if it is only computed to have so few: *x. */
static u32 narrow_width(const struct sel *s, ref a, u8 size, ref *x)
{
	const struct ins *i = sel_root(s, a);
	i64 c;

	if (a64_is_const_op(s, a, OP_AND, size, x, &c) &&
		is_low_mask(cut(c, size)))
		return (u32)__builtin_popcountll(cut(c, size));
	if (s->val[s->val[a.v].root].needed)
		return 0;
	*x = i->arg[0];
	return sel_is_private(s, a, OP_ZX8)    ? 8
	       : sel_is_private(s, a, OP_ZX16) ? 16
	       : sel_is_private(s, a, OP_ZEXT) ? 32
					       : 0;
}

/* lsl, and ubfiz of what was masked before */
static void shift_left(struct sel *s, u8 size, ref a, u32 by)
{
	u32 bits = size * 8, width;
	ref x;

	width = narrow_width(s, a, size, &x);
	if (!width || !by || width + by > bits) {
		width = bits - by;
		x = a;
	}
	op_ri(s, A64_M_UBFM, size, x, -by & (bits - 1));
	sel_last(s)->disp = (i32)width - 1;
}

/* lsr, asr, and the field between a shift to the left and one back */
static void shift_right(struct sel *s, enum a64_mop op, u8 size, ref a, u32 by)
{
	u32 bits = size * 8;
	ref x;
	i64 c;

	if (a64_is_const_op(s, a, OP_SHL, size, &x, &c) &&
		((u32)c & (bits - 1)) <= by) {
		u32 left = (u32)c & (bits - 1);

		extract(s, op, size, x, by - left, bits - by);
		return;
	}
	extract(s, op, size, a, by, bits - by);
}

static void shift_const(struct sel *s, const struct ins *i, u8 size, u32 by)
{
	ref a = i->arg[0];

	switch (i->op) {
	case OP_SHL: shift_left(s, size, a, by); break;
	case OP_SHR: shift_right(s, A64_M_UBFM, size, a, by); break;
	case OP_SAR: shift_right(s, A64_M_SBFM, size, a, by); break;
	default:
		op_rr(s, A64_M_EXTR, size, a, a);
		sel_last(s)->imm = -by & (size * 8 - 1u);
	}
}

static void lower_shift(struct sel *s, const struct ins *i, u8 size)
{
	i64 v;

	if (sel_is_const(s, i->arg[1], size, &v)) {
		shift_const(s, i, size, (u32)v & (size * 8 - 1u));
		return;
	}
	ref c = sel_shift_count(s, i->arg[1], size);

	if (i->op != OP_ROTL) {
		op_rr(s,
			i->op == OP_SHL	  ? A64_M_LSLV
			: i->op == OP_SHR ? A64_M_LSRV
					  : A64_M_ASRV,
			size, i->arg[0], c);
		return;
	}
	u32 a = sel_use(s, i->arg[0]), vc = sel_use(s, c), t = sel_temp(s);

	a64_op(s, A64_M_SUB_RR, 4)->aux = A64_2_ZR;
	sel_d(s, t);
	sel_u(s, vc);
	a64_op(s, A64_M_RORV, size);
	sel_d(s, sel_def(s, s->ins));
	sel_u(s, a);
	sel_u(s, t);
}

/* ---- widths and bytes ---------------------------------------------------- */

/* SEXT, SX8, SX16: from memory in one go. */
static void sign_extend(struct sel *s, ref a, u8 from, u8 to)
{
	if (sel_can_fold(s, a, from)) {
		struct a64_addr m = a64_fold(s, a);

		a64_op(s, A64_M_LDRS, from)->cc = to;
		sel_d(s, sel_def(s, s->ins));
		a64_m(s, &m);
		return;
	}
	extract(s, A64_M_SBFM, to, sel_low(s, a, from), 0, from * 8u);
}

static void lower_zext(struct sel *s, ref a)
{
	struct a64_opnd o = {.r = a};

	op_second(s, A64_M_ORR_RR, 4, (ref){0}, &o);
}

/* rev16 swaps the upper half, too: of a longer value, all, and down with it. */
static void lower_bswap16(struct sel *s, ref a)
{
	if (sel_is_short(s, a)) {
		unary(s, A64_M_REV16, 4, a);
		return;
	}
	u32 va = sel_use(s, sel_low(s, a, 2)), t = sel_temp(s);

	a64_op(s, A64_M_REV32, 4);
	sel_d(s, t);
	sel_u(s, va);
	a64_op(s, A64_M_UBFM, 4)->imm = 16;
	sel_last(s)->disp = 31;
	sel_d(s, sel_def(s, s->ins));
	sel_u(s, t);
}

/* ---- the table ----------------------------------------------------------- */

void a64_lower_arith(struct sel *s, const struct ins *i)
{
	u8 size = ty_size(i->type);
	ref a = i->arg[0];

	switch (i->op) {
	case OP_ADD: lower_add(s, i, size); break;
	case OP_SUB: lower_sub(s, i, size); break;
	case OP_MUL: lower_mul(s, i, size); break;
	case OP_MULHU: op_rr(s, A64_M_UMULH, 8, a, i->arg[1]); break;
	case OP_UDIV:
	case OP_UMOD:
	case OP_SDIV:
	case OP_SMOD: lower_div(s, i, size); break;
	case OP_AND:
	case OP_OR:
	case OP_XOR: lower_logic(s, i, size); break;
	case OP_SHL:
	case OP_SHR:
	case OP_SAR:
	case OP_ROTL: lower_shift(s, i, size); break;
	case OP_NEG: {
		struct a64_opnd o = {.r = a};

		op_second(s, A64_M_SUB_RR, size, (ref){0}, &o);
		break;
	}
	case OP_ZEXT: lower_zext(s, a); break;
	case OP_ZX8: low_bits(s, 4, sel_low(s, a, 1), 8); break;
	case OP_ZX16: low_bits(s, 4, sel_low(s, a, 2), 16); break;
	case OP_SEXT: sign_extend(s, a, 4, 8); break;
	case OP_SX8: sign_extend(s, a, 1, size); break;
	case OP_SX16: sign_extend(s, a, 2, size); break;
	case OP_BSWAP16: lower_bswap16(s, a); break;
	case OP_BSWAP:
		unary(s, size == 4 ? A64_M_REV32 : A64_M_REV64, size, a);
		break;
	default: unreachable();
	}
}
