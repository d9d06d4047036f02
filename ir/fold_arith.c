/*
 * Rules for values: what an operation can be replaced with, given operands
 * that are simplified already. Constants of commutative operations stand on
 * the right; masks of 8 and 16 bits are ZX8 and ZX16; 64-bit values made of
 * 32-bit ones are ZEXT or SEXT of a 32-bit operation where that is as cheap.
 */
#include <assert.h>

#include "ir/fold.h"

static const ref NONE = {0};

/* ---- evaluation of constants --------------------------------------------- */

static u64 eval_signed(enum op op, u32 bits, u64 a, u64 b)
{
	i64 x = sign_extend(a, bits), y = sign_extend(b, bits);

	if (y == 0)
		return op == OP_SDIV ? 0 : a;
	if (y == -1) /* INT_MIN / -1 must not trap */
		return op == OP_SDIV ? 0 - a : 0;
	return (u64)(op == OP_SDIV ? x / y : x % y);
}

static u64 eval_shift(enum op op, u32 bits, u64 a, u32 n)
{
	switch (op) {
	case OP_SHL: return a << n;
	case OP_SHR: return a >> n;
	case OP_SAR: return (u64)(sign_extend(a, bits) >> n);
	default: return n ? a << n | a >> (bits - n) : a; /* ROTL */
	}
}

/* Operands and result are zero-extended. `from`: type of the arguments. */
u64 fold_eval(enum op op, enum ty from, enum ty t, u64 a, u64 b)
{
	u32 bits = ty_bits(from);
	u64 r;

	switch (op) {
	case OP_ADD: r = a + b; break;
	case OP_SUB: r = a - b; break;
	case OP_MUL: r = a * b; break;
	case OP_MULHU: r = (u64)((unsigned __int128)a * b >> bits); break;
	case OP_UDIV: r = b ? a / b : 0; break;
	case OP_UMOD: r = b ? a % b : a; break;
	case OP_SDIV:
	case OP_SMOD: r = eval_signed(op, bits, a, b); break;
	case OP_AND: r = a & b; break;
	case OP_OR: r = a | b; break;
	case OP_XOR: r = a ^ b; break;
	case OP_SHL:
	case OP_SHR:
	case OP_SAR:
	case OP_ROTL: r = eval_shift(op, bits, a, b & (bits - 1)); break;
	case OP_NEG: r = 0 - a; break;
	case OP_ZEXT:
	case OP_TRUNC: r = a; break;
	case OP_SEXT: r = (u64)(i32)a; break;
	case OP_SX8: r = (u64)(i8)a; break;
	case OP_SX16: r = (u64)(i16)a; break;
	case OP_ZX8: r = (u8)a; break;
	case OP_ZX16: r = (u16)a; break;
	case OP_BSWAP16: r = __builtin_bswap16((u16)a); break;
	case OP_BSWAP:
		r = from == TY_I32 ? __builtin_bswap32((u32)a)
				   : __builtin_bswap64(a);
		break;
	default: assert(false); r = 0;
	}
	return r & ty_mask(t);
}

/* ---- little helpers ------------------------------------------------------ */

static bool is_const(const struct folder *F, ref r, u64 *v)
{
	i64 c;

	if (!ir_is_const(F->f, r, &c))
		return false;
	*v = (u64)c;
	return true;
}

/* r is `x op constant`. */
static bool is_op_const(
	const struct folder *F, ref r, enum op op, ref *x, u64 *c)
{
	const struct ins *i = fold_is(F, r, op);

	if (!i || !is_const(F, i->arg[1], c))
		return false;
	*x = i->arg[0];
	return true;
}

static bool bits_are_zero(const struct folder *F, ref r, u64 mask)
{
	return (mask & ~F->known[r.v].zero) == 0;
}

/* ---- low bits ------------------------------------------------------------ */

/* One step down: a value with the same low bits, or NONE. */
static ref low_step(const struct folder *F, ref r, u32 bits)
{
	const struct ins *i = ir_ins(F->f, r);
	u64 low = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
	u64 c;

	switch (i->op) {
	case OP_ZX8:
	case OP_SX8: return bits <= 8 ? i->arg[0] : NONE;
	case OP_ZX16:
	case OP_SX16: return bits <= 16 ? i->arg[0] : NONE;
	case OP_ZEXT:
	case OP_SEXT:
	case OP_TRUNC: return bits <= 32 ? i->arg[0] : NONE;
	case OP_AND:
		if (is_const(F, i->arg[1], &c) && (c & low) == low)
			return i->arg[0];
		return NONE;
	default: return NONE;
	}
}

ref fold_low_bits(struct folder *F, ref r, u32 bits)
{
	ref next;

	for (u32 n = 0; n < 4 && (next = low_step(F, r, bits)).v; n++)
		r = next;
	return r;
}

/* The same, ending with a value of type t. */
static ref low_bits_as(struct folder *F, ref r, u32 bits, enum ty t)
{
	ref best = r;

	for (u32 n = 0; n < 4 && (r = low_step(F, r, bits)).v; n++)
		if (ir_ins(F->f, r)->type == t)
			best = r;
	return best;
}

/* ---- a 64-bit value as 32 bits ------------------------------------------- */

/* Whether TRUNC of r costs nothing because a 32-bit value is behind it, or
 * can be moved up to such values. gain counts extensions that vanish. */
static bool can_narrow(const struct folder *F, ref r, u32 depth, u32 *gain)
{
	const struct ins *i = ir_ins(F->f, r);
	u64 c;

	if (i->op == OP_CONST)
		return true;
	if (i->op == OP_ZEXT || i->op == OP_SEXT) {
		++*gain;
		return true;
	}
	if (!depth || !fold_one_use(F, r))
		return true; /* an ordinary TRUNC of it */
	switch (i->op) {
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
		return can_narrow(F, i->arg[0], depth - 1, gain) &&
		       can_narrow(F, i->arg[1], depth - 1, gain);
	case OP_NEG:
	case OP_ZX8:
	case OP_ZX16:
	case OP_SX8:
	case OP_SX16: return can_narrow(F, i->arg[0], depth - 1, gain);
	case OP_SHL:
		if (is_const(F, i->arg[1], &c) && c < 32)
			return can_narrow(F, i->arg[0], depth - 1, gain);
		return true;
	case OP_SHR:
		*gain += is_const(F, i->arg[1], &c) &&
			 fold_is(F, i->arg[0], OP_ZEXT);
		return true;
	default: return true;
	}
}

static ref narrow(struct folder *F, ref r, u32 depth)
{
	struct ins i = *ir_ins(F->f, r); /* building moves the array */
	enum op op = (enum op)i.op;
	u64 c;

	if (op == OP_CONST)
		return fold_const(F, TY_I32, (u64)i.imm);
	if (op == OP_ZEXT || op == OP_SEXT)
		return i.arg[0];
	if (!depth || !fold_one_use(F, r))
		return fold_trunc(F, r);
	switch (op) {
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_AND:
	case OP_OR:
	case OP_XOR: {
		ref a = narrow(F, i.arg[0], depth - 1);
		ref b = narrow(F, i.arg[1], depth - 1);
		return fold_bin(F, op, TY_I32, a, b);
	}
	case OP_NEG:
	case OP_ZX8:
	case OP_ZX16:
	case OP_SX8:
	case OP_SX16:
		return fold_un(F, op, TY_I32, narrow(F, i.arg[0], depth - 1));
	case OP_SHL:
		if (is_const(F, i.arg[1], &c) && c < 32)
			return fold_bin_imm(F, op, TY_I32,
				narrow(F, i.arg[0], depth - 1), (i64)c);
		fallthrough;
	default: return fold_trunc(F, r);
	}
}

/* ---- widths -------------------------------------------------------------- */

/* TRUNC(v >> c) in 32 bits, if the bits from above are 0; without a mask that
 * keeps what TRUNC keeps. */
static ref trunc_shifted(struct folder *F, const struct ins *shr, u64 c)
{
	const struct ins *v = ir_ins(F->f, shr->arg[0]);
	u64 mask;

	if (c >= 32)
		return NONE;
	if (!(~F->known[shr->arg[0].v].zero >> 32))
		return fold_bin_imm(
			F, OP_SHR, TY_I32, fold_trunc(F, shr->arg[0]), (i64)c);
	if (v->op != OP_AND || !is_const(F, v->arg[1], &mask) ||
		(u32)(mask >> c) != UINT32_MAX)
		return NONE;
	return fold_trunc(
		F, fold_bin_imm(F, OP_SHR, TY_I64, v->arg[0], (i64)c));
}

static ref rule_trunc(struct folder *F, const struct ins *x)
{
	enum { DEPTH = 3 };
	struct ins a = *ir_ins(F->f, x->arg[0]);
	u32 gain = 0;
	u64 c;

	if (a.op == OP_ZEXT || a.op == OP_SEXT)
		return a.arg[0];
	/* TRUNC(ZEXT(v) >> c) = v >> c, likewise SEXT with s>> */
	if ((a.op == OP_SHR || a.op == OP_SAR) && is_const(F, a.arg[1], &c)) {
		const struct ins *v = ir_ins(F->f, a.arg[0]);

		if (v->op == OP_ZEXT && a.op == OP_SHR)
			return c < 32 ? fold_bin_imm(F, OP_SHR, TY_I32,
						v->arg[0], (i64)c)
				      : fold_const(F, TY_I32, 0);
		if (v->op == OP_SEXT && a.op == OP_SAR)
			return fold_bin_imm(F, OP_SAR, TY_I32, v->arg[0],
				c < 32 ? (i64)c : 31);
		ref low = a.op == OP_SHR ? trunc_shifted(F, &a, c) : NONE;
		if (!ref_eq(low, NONE))
			return low;
	}
	if (a.op == OP_AND || a.op == OP_SEXT) {
		ref low = low_bits_as(F, x->arg[0], 32, TY_I64);

		if (!ref_eq(low, x->arg[0]))
			return fold_trunc(F, low);
	}
	if (F->depth || !can_narrow(F, x->arg[0], DEPTH, &gain) || !gain)
		return NONE;
	return narrow(F, x->arg[0], DEPTH);
}

static ref rule_zext(struct folder *F, const struct ins *x)
{
	struct ins a = *ir_ins(F->f, x->arg[0]);

	if (a.op != OP_TRUNC)
		return NONE;
	if (bits_are_zero(F, a.arg[0], ~(u64)UINT32_MAX))
		return a.arg[0];
	return NONE;
}

static ref rule_sext(struct folder *F, const struct ins *x)
{
	const struct ins *a = ir_ins(F->f, x->arg[0]);
	ref v = a->arg[0];

	if (bits_are_zero(F, x->arg[0], 1u << 31))
		return fold_zext(F, x->arg[0]);
	/* SEXT(TRUNC(v)) of a v that is sign-extended already */
	if (a->op == OP_TRUNC) {
		const struct ins *w = ir_ins(F->f, v);

		if (w->op == OP_SX8 || w->op == OP_SX16)
			return v;
		if (w->op == OP_LOAD && (w->mem & MEM_SX) && w->size <= 4)
			return v;
	}
	return NONE;
}

/* SX8, SX16: bits is 8 or 16 */
static ref rule_sx(struct folder *F, const struct ins *x, u32 bits)
{
	enum ty t = (enum ty)x->type;
	ref low = low_bits_as(F, x->arg[0], bits, t);
	const struct ins *a = ir_ins(F->f, x->arg[0]);

	if (a->op == OP_SX8 || (a->op == OP_SX16 && bits == 16))
		return x->arg[0];
	if (bits_are_zero(F, x->arg[0], ty_mask(t) & ~0ull << (bits - 1)))
		return x->arg[0];
	if (!ref_eq(low, x->arg[0]))
		return fold_un(F, (enum op)x->op, t, low);
	return NONE;
}

static ref rule_zx(struct folder *F, const struct ins *x, u32 bits)
{
	enum ty t = (enum ty)x->type;
	ref low = low_bits_as(F, x->arg[0], bits, t);
	const struct ins *a = ir_ins(F->f, x->arg[0]);

	if (bits_are_zero(F, x->arg[0], ty_mask(t) & ~0ull << bits))
		return x->arg[0];
	if (!ref_eq(low, x->arg[0]))
		return fold_un(F, (enum op)x->op, t, low);
	/* 64 bits of a 32-bit value: the 32-bit operation is shorter */
	if (a->op == OP_ZEXT || a->op == OP_SEXT) {
		ref v = fold_un(F, (enum op)x->op, TY_I32, a->arg[0]);
		return fold_zext(F, v);
	}
	return NONE;
}

static ref rule_bswap(struct folder *F, const struct ins *x)
{
	const struct ins *a = fold_is(F, x->arg[0], OP_BSWAP);

	return a ? a->arg[0] : NONE;
}

static ref rule_bswap16(struct folder *F, const struct ins *x)
{
	ref low = low_bits_as(F, x->arg[0], 16, TY_I32);
	const struct ins *a = fold_is(F, low, OP_BSWAP16);

	if (a)
		return fold_un(F, OP_ZX16, TY_I32, a->arg[0]);
	if (!ref_eq(low, x->arg[0]))
		return fold_un(F, OP_BSWAP16, TY_I32, low);
	return NONE;
}

/* ---- rotates ------------------------------------------------------------- */

/* n and m count modulo bits: does m turn back what n turns? */
static bool counts_complement(struct folder *F, ref n, ref m, u32 bits)
{
	u64 c, d;

	if (is_const(F, n, &c) && is_const(F, m, &d))
		return ((c + d) & (bits - 1)) == 0;
	n = fold_low_bits(F, n, bits == 64 ? 6 : 5);
	m = fold_low_bits(F, m, bits == 64 ? 6 : 5);
	const struct ins *i = ir_ins(F->f, m);
	if (i->op == OP_NEG)
		return ref_eq(fold_low_bits(F, i->arg[0], 6), n);
	if (i->op == OP_SUB && is_const(F, i->arg[0], &c))
		return (c & (bits - 1)) == 0 &&
		       ref_eq(fold_low_bits(F, i->arg[1], 6), n);
	return false;
}

/* (v << n) | (v >> (bits - n)), also as a sum. A count of 0 modulo bits makes
 * it v | v, which is right for OR alone; a constant 0 was folded before. */
static ref rule_rotate(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	const struct ins *l = ir_ins(F->f, x->arg[0]);
	const struct ins *r = ir_ins(F->f, x->arg[1]);
	u64 c;

	if (l->op == OP_SHR) {
		const struct ins *swap = l;
		l = r;
		r = swap;
	}
	if (l->op != OP_SHL || r->op != OP_SHR || !ref_eq(l->arg[0], r->arg[0]))
		return NONE;
	if (x->op != OP_OR && !is_const(F, l->arg[1], &c))
		return NONE;
	ref v = l->arg[0], left = l->arg[1], right = r->arg[1];
	if (counts_complement(F, left, right, ty_bits(t)) ||
		counts_complement(F, right, left, ty_bits(t)))
		return fold_bin(F, OP_ROTL, t, v, left);
	return NONE;
}

/* ---- sums ---------------------------------------------------------------- */

static ref add_to_address(struct folder *F, ref a, u64 c)
{
	struct ins i = *ir_ins(F->f, a);
	i64 sum;

	if (add_overflows(i.imm, (i64)c, &sum) || !fits_i32(sum))
		return NONE;
	if (i.op == OP_FP && sum > 0)
		return NONE;
	ref r = i.op == OP_SYM ? ir_sym(F->f, i.aux, sum) : ir_fp(F->f, sum);
	fold_room(F);
	return r;
}

static ref rule_add_const(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], v;
	u64 c2;
	const struct ins *i = ir_ins(F->f, a);

	if (c == 0)
		return a;
	if (i->op == OP_SYM || i->op == OP_FP)
		return add_to_address(F, a, c);
	if (is_op_const(F, a, OP_ADD, &v, &c2))
		return fold_bin_imm(F, OP_ADD, t, v, (i64)(c + c2));
	if (i->op == OP_SUB && is_const(F, i->arg[0], &c2)) {
		ref k = fold_const(F, t, c + c2);
		return fold_bin(F, OP_SUB, t, k, ir_ins(F->f, a)->arg[1]);
	}
	return NONE;
}

static ref rule_add(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], b = x->arg[1], v;
	u64 c;

	if (is_const(F, b, &c))
		return rule_add_const(F, x, c);
	if (fold_is(F, b, OP_NEG))
		return fold_bin(F, OP_SUB, t, a, ir_ins(F->f, b)->arg[0]);
	if (fold_is(F, a, OP_NEG))
		return fold_bin(F, OP_SUB, t, b, ir_ins(F->f, a)->arg[0]);
	/* (v - b) + b, a + (v - a) */
	if (fold_is(F, a, OP_SUB) && ref_eq(ir_ins(F->f, a)->arg[1], b))
		return ir_ins(F->f, a)->arg[0];
	if (fold_is(F, b, OP_SUB) && ref_eq(ir_ins(F->f, b)->arg[1], a))
		return ir_ins(F->f, b)->arg[0];
	/* (v + c) + b = (v + b) + c: constants move outwards, to addresses */
	if (is_op_const(F, a, OP_ADD, &v, &c) && fold_one_use(F, a))
		return fold_bin_imm(
			F, OP_ADD, t, fold_bin(F, OP_ADD, t, v, b), (i64)c);
	if (is_op_const(F, b, OP_ADD, &v, &c) && fold_one_use(F, b))
		return fold_bin_imm(
			F, OP_ADD, t, fold_bin(F, OP_ADD, t, a, v), (i64)c);
	return rule_rotate(F, x);
}

static ref rule_sub(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], b = x->arg[1], v;
	u64 c;

	if (ref_eq(a, b))
		return fold_const(F, t, 0);
	if (is_const(F, b, &c))
		return fold_bin_imm(F, OP_ADD, t, a, (i64)(0 - c));
	if (is_const(F, a, &c) && c == 0)
		return fold_un(F, OP_NEG, t, b);
	if (fold_is(F, b, OP_NEG))
		return fold_bin(F, OP_ADD, t, a, ir_ins(F->f, b)->arg[0]);
	const struct ins *sum = fold_is(F, a, OP_ADD);
	if (sum && ref_eq(sum->arg[0], b))
		return sum->arg[1];
	if (sum && ref_eq(sum->arg[1], b))
		return sum->arg[0];
	if (is_op_const(F, a, OP_ADD, &v, &c) && fold_one_use(F, a))
		return fold_bin_imm(
			F, OP_ADD, t, fold_bin(F, OP_SUB, t, v, b), (i64)c);
	if (is_op_const(F, b, OP_ADD, &v, &c) && fold_one_use(F, b))
		return fold_bin_imm(F, OP_ADD, t, fold_bin(F, OP_SUB, t, a, v),
			(i64)(0 - c));
	return NONE;
}

static ref rule_neg(struct folder *F, const struct ins *x)
{
	const struct ins *a = ir_ins(F->f, x->arg[0]);

	if (a->op == OP_NEG)
		return a->arg[0];
	if (a->op == OP_SUB && fold_one_use(F, x->arg[0]))
		return fold_bin(
			F, OP_SUB, (enum ty)x->type, a->arg[1], a->arg[0]);
	return NONE;
}

/* ---- products ------------------------------------------------------------ */

static bool is_power(u64 c)
{
	return c && !(c & (c - 1));
}

static u32 log2_of(u64 c)
{
	return (u32)__builtin_ctzll(c);
}

static ref rule_mul(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], v;
	u64 c, c2;

	if (!is_const(F, x->arg[1], &c))
		return NONE;
	if (c == 0)
		return x->arg[1];
	if (c == ty_mask(t))
		return fold_un(F, OP_NEG, t, a);
	if (is_power(c))
		return fold_bin_imm(F, OP_SHL, t, a, log2_of(c));
	if (is_op_const(F, a, OP_MUL, &v, &c2))
		return fold_bin_imm(F, OP_MUL, t, v, (i64)(c * c2));
	if (is_op_const(F, a, OP_SHL, &v, &c2))
		return fold_bin_imm(
			F, OP_MUL, t, v, (i64)(c << (c2 & (ty_bits(t) - 1))));
	return NONE;
}

static ref rule_mulhu(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	u64 c;

	if (!is_const(F, x->arg[1], &c))
		return NONE;
	if (c <= 1)
		return fold_const(F, t, 0);
	if (is_power(c))
		return fold_bin_imm(
			F, OP_SHR, t, x->arg[0], (i64)ty_bits(t) - log2_of(c));
	return NONE;
}

static ref rule_division(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	bool is_div = x->op == OP_UDIV || x->op == OP_SDIV;
	u64 high = ~(u64)UINT32_MAX, c;

	if (is_const(F, x->arg[0], &c) && c == 0)
		return x->arg[0];
	if (t == TY_I64 && bits_are_zero(F, x->arg[0], high) &&
		bits_are_zero(F, x->arg[1], high)) {
		/* both below 2^32, so the sign does not matter either */
		ref a = fold_trunc(F, x->arg[0]), b = fold_trunc(F, x->arg[1]);
		return fold_zext(F,
			fold_bin(F, is_div ? OP_UDIV : OP_UMOD, TY_I32, a, b));
	}
	if (!is_const(F, x->arg[1], &c))
		return NONE;
	if (c == 0)
		return is_div ? fold_const(F, t, 0) : x->arg[0];
	return fold_div(F, x, c);
}

/* ---- bits ---------------------------------------------------------------- */

static ref mask_as_extension(struct folder *F, enum ty t, ref a, u64 c)
{
	if (c == 0xff)
		return fold_un(F, OP_ZX8, t, a);
	if (c == 0xffff)
		return fold_un(F, OP_ZX16, t, a);
	if (t == TY_I64 && c == UINT32_MAX)
		return fold_zext(F, fold_trunc(F, a));
	return NONE;
}

static ref rule_and_const(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], v;
	u64 c2, may = ~F->known[a.v].zero & ty_mask(t);
	struct ins i = *ir_ins(F->f, a);

	if ((may & ~c) == 0)
		return a;
	if ((may & c) == 0)
		return fold_const(F, t, 0);
	if ((c & ~F->known[a.v].one) == 0)
		return fold_const(F, t, c);
	ref r = mask_as_extension(F, t, a, c);
	if (r.v)
		return r;
	if (is_op_const(F, a, OP_AND, &v, &c2))
		return fold_bin_imm(F, OP_AND, t, v, (i64)(c & c2));
	if (i.op == OP_ZX8 || i.op == OP_ZX16)
		return fold_bin_imm(F, OP_AND, t, i.arg[0],
			(i64)(c & (i.op == OP_ZX8 ? 0xff : 0xffff)));
	if (is_op_const(F, a, OP_OR, &v, &c2) && (c & c2) == 0)
		return fold_bin_imm(F, OP_AND, t, v, (i64)c);
	/* a 32-bit operation does it, whatever the upper half is */
	if (t == TY_I64 && (i.op == OP_ZEXT || c <= UINT32_MAX)) {
		v = fold_trunc(F, a);
		return fold_zext(F, fold_bin_imm(F, OP_AND, TY_I32, v, (i64)c));
	}
	return NONE;
}

static ref rule_or_const(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	ref v;
	u64 c2;

	if ((c & ~F->known[x->arg[0].v].one) == 0)
		return x->arg[0];
	if (c == ty_mask(t))
		return x->arg[1];
	if (is_op_const(F, x->arg[0], OP_OR, &v, &c2))
		return fold_bin_imm(F, OP_OR, t, v, (i64)(c | c2));
	return NONE;
}

static ref rule_xor_const(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	struct ins i = *ir_ins(F->f, x->arg[0]);
	ref v;
	u64 c2;

	if (c == 0)
		return x->arg[0];
	if (is_op_const(F, x->arg[0], OP_XOR, &v, &c2))
		return fold_bin_imm(F, OP_XOR, t, v, (i64)(c ^ c2));
	if (c == 1 && i.op == OP_CMP)
		return fold_cmp(F, cc_not((enum cc)i.cc), i.arg[0], i.arg[1]);
	return NONE;
}

/* ZEXT(a) op ZEXT(b) = ZEXT(a op b), and with a constant of 32 bits */
static ref rule_bits_of_zext(struct folder *F, const struct ins *x)
{
	struct ins a = *ir_ins(F->f, x->arg[0]);
	struct ins b = *ir_ins(F->f, x->arg[1]);
	ref v;

	if (a.op != OP_ZEXT)
		return NONE;
	if (b.op == OP_ZEXT)
		v = b.arg[0];
	else if (b.op == OP_CONST && fits_u32(b.imm))
		v = fold_const(F, TY_I32, (u64)b.imm);
	else
		return NONE;
	return fold_zext(F, fold_bin(F, (enum op)x->op, TY_I32, a.arg[0], v));
}

static ref rule_logic(struct folder *F, const struct ins *x)
{
	ref a = x->arg[0], b = x->arg[1], r;
	enum ty t = (enum ty)x->type;
	u64 c;

	if (ref_eq(a, b))
		return x->op == OP_XOR ? fold_const(F, t, 0) : a;
	if (is_const(F, b, &c)) {
		r = x->op == OP_AND  ? rule_and_const(F, x, c)
		    : x->op == OP_OR ? rule_or_const(F, x, c)
				     : rule_xor_const(F, x, c);
		if (r.v)
			return r;
	}
	if (x->op != OP_AND) {
		r = rule_rotate(F, x);
		if (r.v)
			return r;
	}
	return t == TY_I64 ? rule_bits_of_zext(F, x) : NONE;
}

/* ---- shifts -------------------------------------------------------------- */

/* (v << n) >> m for constants: extensions where the width is a machine's. */
static ref rule_shl_shr(
	struct folder *F, const struct ins *x, ref v, u32 n, u32 m)
{
	enum ty t = (enum ty)x->type;
	u32 left = ty_bits(t) - n;
	bool sar = x->op == OP_SAR;
	ref e = NONE;

	if (m >= n && left == 32 && t == TY_I64) {
		e = fold_trunc(F, v);
		e = fold_bin_imm(F, sar ? OP_SAR : OP_SHR, TY_I32, e, m - n);
		return fold_un(F, sar ? OP_SEXT : OP_ZEXT, t, e);
	}
	if (m >= n && (left == 8 || left == 16)) {
		if (sar)
			e = fold_un(F, left == 8 ? OP_SX8 : OP_SX16, t, v);
		else
			e = fold_un(F, left == 8 ? OP_ZX8 : OP_ZX16, t, v);
		return fold_bin_imm(F, sar ? OP_SAR : OP_SHR, t, e, m - n);
	}
	if (m == n && !sar)
		return fold_bin_imm(F, OP_AND, t, v, (i64)(ty_mask(t) >> n));
	return NONE;
}

static ref rule_shift_shift(struct folder *F, const struct ins *x, u32 m)
{
	enum ty t = (enum ty)x->type;
	struct ins a = *ir_ins(F->f, x->arg[0]);
	u32 bits = ty_bits(t);
	u64 c;

	if (a.op != OP_SHL && a.op != OP_SHR && a.op != OP_SAR)
		return NONE;
	if (!is_const(F, a.arg[1], &c))
		return NONE;
	u32 n = (u32)c & (bits - 1);
	if (a.op == x->op) {
		if (n + m < bits)
			return fold_bin_imm(
				F, (enum op)a.op, t, a.arg[0], n + m);
		if (a.op == OP_SAR)
			return fold_bin_imm(F, OP_SAR, t, a.arg[0], bits - 1);
		return fold_const(F, t, 0);
	}
	if (a.op == OP_SHL)
		return rule_shl_shr(F, x, a.arg[0], n, m);
	/* (v >> n) << n */
	if (x->op == OP_SHL && n == m)
		return fold_bin_imm(
			F, OP_AND, t, a.arg[0], (i64)(ty_mask(t) << n));
	return NONE;
}

static ref rule_shift_const(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	u32 bits = ty_bits(t), n = (u32)c & (bits - 1);
	ref a = x->arg[0];
	struct ins i = *ir_ins(F->f, a);
	u64 mask;
	ref r, v;

	if (n == 0)
		return a;
	if (n != c)
		return fold_bin_imm(F, (enum op)x->op, t, a, n);
	r = rule_shift_shift(F, x, n);
	if (r.v)
		return r;
	if (x->op == OP_SHR && bits_are_zero(F, a, ty_mask(t) << n))
		return fold_const(F, t, 0);
	/* a mask of nothing but what is shifted out */
	if (x->op == OP_SHR && is_op_const(F, a, OP_AND, &v, &mask) &&
		mask >> n == ty_mask(t) >> n)
		return fold_bin_imm(F, OP_SHR, t, v, n);
	if (x->op == OP_SHR && i.op == OP_BSWAP && n + 8 == bits)
		return fold_un(F, OP_ZX8, t, i.arg[0]);
	if (x->op == OP_SHR && i.op == OP_ZEXT)
		return fold_zext(
			F, fold_bin_imm(F, OP_SHR, TY_I32, i.arg[0], (i64)n));
	if (x->op == OP_SAR && i.op == OP_SEXT)
		return fold_un(F, OP_SEXT, TY_I64,
			fold_bin_imm(F, OP_SAR, TY_I32, i.arg[0],
				n < 32 ? (i64)n : 31));
	/* SHL drops the upper bits anyway */
	if (x->op == OP_SHL) {
		ref low = low_bits_as(F, a, bits - n, t);

		if (!ref_eq(low, a))
			return fold_bin_imm(F, OP_SHL, t, low, (i64)n);
	}
	return NONE;
}

static ref rule_shift(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0], b = x->arg[1];
	u64 c;

	if (is_const(F, a, &c) &&
		(c == 0 || (x->op == OP_SAR && c == ty_mask(t))))
		return a;
	if (x->op == OP_SAR && bits_are_zero(F, a, 1ull << (ty_bits(t) - 1)))
		return fold_bin(F, OP_SHR, t, a, b);
	if (is_const(F, b, &c))
		return rule_shift_const(F, x, c);
	ref low = low_bits_as(F, b, t == TY_I64 ? 6 : 5, t);
	if (!ref_eq(low, b))
		return fold_bin(F, (enum op)x->op, t, a, low);
	return NONE;
}

static ref rule_rotl(struct folder *F, const struct ins *x)
{
	enum ty t = (enum ty)x->type;
	u32 bits = ty_bits(t);
	ref v;
	u64 c, c2;

	if (is_const(F, x->arg[1], &c)) {
		u32 n = (u32)c & (bits - 1);

		if (n == 0)
			return x->arg[0];
		if (n != c)
			return fold_bin_imm(F, OP_ROTL, t, x->arg[0], n);
		if (is_op_const(F, x->arg[0], OP_ROTL, &v, &c2))
			return fold_bin_imm(F, OP_ROTL, t, v, (i64)(c + c2));
		return NONE;
	}
	ref low = low_bits_as(F, x->arg[1], bits == 64 ? 6 : 5, t);
	if (!ref_eq(low, x->arg[1]))
		return fold_bin(F, OP_ROTL, t, x->arg[0], low);
	return NONE;
}

/* ---- conditions as values ------------------------------------------------ */

/* CMP brought into canonical form stays a new CMP only if it changed. */
static ref rule_cmp(struct folder *F, const struct ins *x)
{
	struct ins y = *x;
	int known = fold_cond(F, &y);
	u64 c;

	if (known >= 0)
		return fold_const(F, TY_I32, (u64)known);
	/* a bit as a value: CMP(v != 0) of a v that is 0 or 1 */
	if (y.cc == CC_NE && is_const(F, y.arg[1], &c) && c == 0 &&
		bits_are_zero(F, y.arg[0], ~1ull))
		return ir_ins(F->f, y.arg[0])->type == TY_I64
			       ? fold_trunc(F, y.arg[0])
			       : y.arg[0];
	if (y.cc == x->cc && ref_eq(y.arg[0], x->arg[0]) &&
		ref_eq(y.arg[1], x->arg[1]))
		return NONE;
	return fold_cmp(F, (enum cc)y.cc, y.arg[0], y.arg[1]);
}

static ref bool_as(struct folder *F, enum ty t, enum cc cc, ref a, ref b)
{
	ref v = fold_cmp(F, cc, a, b);

	return t == TY_I64 ? fold_zext(F, v) : v;
}

static ref rule_sel(struct folder *F, const struct ins *x)
{
	struct ins y = *x;
	enum ty t = (enum ty)x->type;
	u64 a, b;

	if (ref_eq(x->arg[2], x->arg[3]))
		return x->arg[2];
	int known = fold_cond(F, &y);
	if (known >= 0)
		return known ? x->arg[2] : x->arg[3];
	enum cc cc = (enum cc)y.cc;
	bool same = ref_eq(y.arg[0], y.arg[2]) && ref_eq(y.arg[1], y.arg[3]);
	if (same && (cc == CC_EQ || cc == CC_NE))
		return cc == CC_EQ ? y.arg[3] : y.arg[2];
	same = ref_eq(y.arg[0], y.arg[3]) && ref_eq(y.arg[1], y.arg[2]);
	if (same && (cc == CC_EQ || cc == CC_NE))
		return cc == CC_EQ ? y.arg[3] : y.arg[2];
	if (is_const(F, y.arg[2], &a) && is_const(F, y.arg[3], &b)) {
		if (a == 1 && b == 0)
			return bool_as(F, t, cc, y.arg[0], y.arg[1]);
		if (a == 0 && b == 1)
			return bool_as(F, t, cc_not(cc), y.arg[0], y.arg[1]);
	}
	if (y.cc == x->cc && ref_eq(y.arg[0], x->arg[0]) &&
		ref_eq(y.arg[1], x->arg[1]))
		return NONE;
	return fold_sel(F, t, &y, y.arg[2], y.arg[3]);
}

/* ---- all ----------------------------------------------------------------- */

static ref constant_result(struct folder *F, const struct ins *x)
{
	u32 n = op_info[x->op].nargs;
	u64 a, b = 0;

	if (x->op == OP_CMP || x->op == OP_SEL || n == 0)
		return NONE;
	if (!is_const(F, x->arg[0], &a) ||
		(n > 1 && !is_const(F, x->arg[1], &b)))
		return NONE;
	enum ty from = (enum ty)ir_ins(F->f, x->arg[0])->type;
	return fold_const(F, (enum ty)x->type,
		fold_eval((enum op)x->op, from, (enum ty)x->type, a, b));
}

static ref constant_right(struct folder *F, const struct ins *x)
{
	u64 c;

	if (!(op_info[x->op].flags & OPF_COMM) || !is_const(F, x->arg[0], &c) ||
		is_const(F, x->arg[1], &c))
		return NONE;
	return fold_bin(
		F, (enum op)x->op, (enum ty)x->type, x->arg[1], x->arg[0]);
}

ref fold_arith(struct folder *F, const struct ins *x)
{
	ref r = constant_result(F, x);

	if (!r.v)
		r = constant_right(F, x);
	if (r.v)
		return r;
	switch (x->op) {
	case OP_ADD: return rule_add(F, x);
	case OP_SUB: return rule_sub(F, x);
	case OP_MUL: return rule_mul(F, x);
	case OP_MULHU: return rule_mulhu(F, x);
	case OP_UDIV:
	case OP_UMOD:
	case OP_SDIV:
	case OP_SMOD: return rule_division(F, x);
	case OP_AND:
	case OP_OR:
	case OP_XOR: return rule_logic(F, x);
	case OP_SHL:
	case OP_SHR:
	case OP_SAR: return rule_shift(F, x);
	case OP_ROTL: return rule_rotl(F, x);
	case OP_NEG: return rule_neg(F, x);
	case OP_ZEXT: return rule_zext(F, x);
	case OP_SEXT: return rule_sext(F, x);
	case OP_TRUNC: return rule_trunc(F, x);
	case OP_SX8: return rule_sx(F, x, 8);
	case OP_SX16: return rule_sx(F, x, 16);
	case OP_ZX8: return rule_zx(F, x, 8);
	case OP_ZX16: return rule_zx(F, x, 16);
	case OP_BSWAP: return rule_bswap(F, x);
	case OP_BSWAP16: return rule_bswap16(F, x);
	case OP_CMP: return rule_cmp(F, x);
	case OP_SEL: return rule_sel(F, x);
	default: return NONE;
	}
}
