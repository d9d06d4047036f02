/*
 * Division and remainder by a constant without a division.
 *
 * Unsigned, with N bits: T. Granlund, P. L. Montgomery, "Division by Invariant
 * Integers using Multiplication", PLDI 1994. For m = ceil(2^(N+s) / d) with
 * error e = m * d - 2^(N+s):
 *     x * m / 2^(N+s) = x / d + x * e / (d * 2^(N+s)),
 * and the floor is that of x / d if x * e < 2^(N+s). The least s is taken for
 * which that holds for the largest possible x and m is below 2^N; then
 *     x / d = mulhu(x, m) >> s.
 * If there is none, with l = ceil(log2 d), m' = floor(2^N (2^l - d) / d) + 1:
 *     t = mulhu(x, m');  x / d = (t + ((x - t) >> 1)) >> (l - 1)
 *
 * Signed: powers of two by a biased shift, otherwise 32 bits by a
 * signed 64-bit product, 64 bits by the quotient of the magnitudes with the
 * sign put back; |x| is at most 2^63, for which the first form always exists.
 */
#include "ir/fold.h"

static bool is_power(u64 c)
{
	return !(c & (c - 1));
}

/* mulhu(x, m) >> s */
static ref high_product(struct folder *F, enum ty t, ref x, u64 m, u32 s)
{
	ref p;

	if (t == TY_I64) {
		p = fold_bin_imm(F, OP_MULHU, t, x, (i64)m);
		return fold_bin_imm(F, OP_SHR, t, p, s);
	}
	p = fold_bin_imm(F, OP_MUL, TY_I64, fold_zext(F, x), (i64)m);
	return fold_trunc(F, fold_bin_imm(F, OP_SHR, TY_I64, p, 32 + s));
}

/* m = ceil(2^(N+s) / d) if its error is small enough for all x up to max. */
static bool short_factor(u32 width, u64 max, u64 d, u32 s, u64 *m)
{
	unsigned __int128 pow, q;

	if (width + s > 127)
		return false;
	pow = (unsigned __int128)1 << (width + s);
	q = (pow + d - 1) / d;
	u64 err = (u64)(q * d - pow);
	if (q >> width || (unsigned __int128)err * max >= pow)
		return false;
	*m = (u64)q;
	return true;
}

/* x / d for x up to max, all unsigned. */
static ref divide(struct folder *F, enum ty t, ref x, u64 max, u64 d)
{
	u32 width = ty_bits(t);
	u64 may = ~F->known[x.v].zero & ty_mask(t), m;

	max = may < max ? may : max;
	if (is_power(d))
		return fold_bin_imm(F, OP_SHR, t, x, __builtin_ctzll(d));
	if (d > max)
		return fold_const(F, t, 0);
	u32 l = 64 - (u32)__builtin_clzll(d - 1);
	for (u32 s = 0; s <= l; s++)
		if (short_factor(width, max, d, s, &m))
			return high_product(F, t, x, m, s);
	/* an even divisor: shift first, then fewer bits count */
	u32 z = (u32)__builtin_ctzll(d);
	if (z) {
		x = fold_bin_imm(F, OP_SHR, t, x, z);
		return divide(F, t, x, max >> z, d >> z);
	}
	unsigned __int128 pow = (unsigned __int128)1 << width;
	unsigned __int128 two_l = (unsigned __int128)1 << l;
	m = (u64)(pow * (two_l - d) / d + 1);
	ref q = high_product(F, t, x, m, 0);
	ref half = fold_bin(F, OP_SUB, t, x, q);
	half = fold_bin_imm(F, OP_SHR, t, half, 1);
	return fold_bin_imm(
		F, OP_SHR, t, fold_bin(F, OP_ADD, t, q, half), (i64)l - 1);
}

static ref remainder_of(struct folder *F, enum ty t, ref x, ref q, u64 d)
{
	ref p = fold_bin_imm(F, OP_MUL, t, q, (i64)d);

	return fold_bin(F, OP_SUB, t, x, p);
}

/* x s>> (N-1): 0 or -1 */
static ref sign_mask(struct folder *F, enum ty t, ref x)
{
	return fold_bin_imm(F, OP_SAR, t, x, ty_bits(t) - 1);
}

/* By 2^k, rounding to zero: add 2^k - 1 to negative numbers first. */
static ref divide_power(struct folder *F, enum ty t, ref x, u32 k)
{
	if (k == 0)
		return x;
	ref bias = fold_bin_imm(
		F, OP_SHR, t, sign_mask(F, t, x), (i64)ty_bits(t) - k);
	return fold_bin_imm(F, OP_SAR, t, fold_bin(F, OP_ADD, t, x, bias), k);
}

/* The magnitude's quotient; |INT_MIN| is 2^(N-1) as an unsigned number. */
static ref divide_magnitude(struct folder *F, enum ty t, ref x, u64 d)
{
	ref sign = sign_mask(F, t, x);
	ref abs = fold_bin(F, OP_XOR, t, x, sign);

	abs = fold_bin(F, OP_SUB, t, abs, sign);
	ref q = divide(F, t, abs, 1ull << (ty_bits(t) - 1), d);
	q = fold_bin(F, OP_XOR, t, q, sign);
	return fold_bin(F, OP_SUB, t, q, sign);
}

/* 32 bits, d no power of two: with m = ceil(2^(32+s) / d) and an error of at
 * most 2^(s+1), floor(x * m / 2^(32+s)) is the quotient rounded down (H. S.
 * Warren, Hacker's Delight, 10-4); negative ones are one too low. */
static ref divide_i32(struct folder *F, ref x, u64 d)
{
	u64 pow, m;
	u32 s = 0;

	for (;; s++) {
		pow = 1ull << (32 + s);
		m = (pow + d - 1) / d;
		if (m * d - pow <= 2ull << s)
			break;
	}
	ref p = fold_un(F, OP_SEXT, TY_I64, x);
	p = fold_bin_imm(F, OP_MUL, TY_I64, p, (i64)m);
	p = fold_trunc(F, fold_bin_imm(F, OP_SAR, TY_I64, p, 32 + s));
	return fold_bin(F, OP_SUB, TY_I32, p, sign_mask(F, TY_I32, x));
}

static ref divide_signed(struct folder *F, enum ty t, ref x, i64 c)
{
	bool neg = c < 0;
	u64 d = (neg ? 0 - (u64)c : (u64)c) & ty_mask(t);
	ref q = is_power(d)   ? divide_power(F, t, x, __builtin_ctzll(d))
		: t == TY_I32 ? divide_i32(F, x, d)
			      : divide_magnitude(F, t, x, d);

	return neg ? fold_un(F, OP_NEG, t, q) : q;
}

static bool is_negative(u64 c, enum ty t)
{
	return sign_extend(c, ty_bits(t)) < 0;
}

ref fold_div(struct folder *F, const struct ins *x, u64 c)
{
	enum ty t = (enum ty)x->type;
	ref a = x->arg[0];
	bool is_mod = x->op == OP_UMOD || x->op == OP_SMOD;
	bool is_signed = x->op == OP_SDIV || x->op == OP_SMOD;
	u64 sign = 1ull << (ty_bits(t) - 1);

	/* no negative number in sight */
	if (is_signed && !(sign & ~F->known[a.v].zero) && !is_negative(c, t))
		is_signed = false;
	if (!is_signed && is_mod && is_power(c))
		return fold_bin_imm(F, OP_AND, t, a, (i64)(c - 1));
	ref q = is_signed ? divide_signed(F, t, a, sign_extend(c, ty_bits(t)))
			  : divide(F, t, a, ty_mask(t), c);
	return is_mod ? remainder_of(F, t, a, q, c) : q;
}
