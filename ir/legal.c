/*
 * What no target does directly, or not fast, in terms of what all can.
 */
#include "ir/codegen.h"

ref ir_make(const struct place *p, enum op op, ref a, ref b)
{
	return ir_add_before(p->f, p->at, op, p->t, a, b);
}

ref ir_make_c(const struct place *p, enum op op, ref a, u64 c)
{
	ref k = ir_const(p->f, p->t, p->t == TY_I32 ? (i64)(u32)c : (i64)c);

	return ir_make(p, op, a, k);
}

/* Instruction i becomes op a, b. */
static void become(struct fn *f, u32 i, enum op op, ref a, ref b)
{
	struct ins *ins = &f->ins[i];

	ins->op = (u8)op;
	ins->arg[0] = a;
	ins->arg[1] = b;
}

static const ref none;

/* ---- high products ------------------------------------------------------- */

static void legal_mulhu(struct fn *f, u32 i)
{
	struct place p = {f, i, TY_I64};
	struct ins ins = f->ins[i];

	if (ins.type == TY_I64)
		return;
	ref a = ir_make(&p, OP_ZEXT, ins.arg[0], none);
	ref b = ir_make(&p, OP_ZEXT, ins.arg[1], none);
	ref hi = ir_make_c(&p, OP_SHR, ir_make(&p, OP_MUL, a, b), 32);

	become(f, i, OP_TRUNC, hi, none);
}

/* ---- division by constants ----------------------------------------------- */

/*
 * x / d for 2^(l-1) < d < 2^l, N bits (Granlund and Montgomery, "Division by
 * Invariant Integers using Multiplication", PLDI 1994, figure 4.1): with
 * m = floor(2^(N+l) / d) + 1 - 2^N, the quotient is
 *     t = MULHU(m, x);  q = (((x - t) >> 1) + t) >> (l - 1).
 * An even d is halved first: x then lacks bits, and 2^N + m fits N bits.
 */
struct magic {
	u64 m;	   /* multiplier, without its bit N if `wide` */
	u8 pre;	   /* shift right before */
	u8 post;   /* and after */
	bool wide; /* the multiplier has N + 1 bits: the sequence above */
};

static u8 log2_ceil(u64 d)
{
	return d <= 1 ? 0 : (u8)(64 - __builtin_clzll(d - 1));
}

/* prec: bits that x has at most. */
static struct magic magic_for(u64 d, u8 bits, u8 prec)
{
	u8 l = log2_ceil(d), sh = l;
	unsigned __int128 one = 1;
	/* floor(2^(bits+l) / d), and the largest that works for prec bits;
	 * 2^(bits+l) has up to 129 bits: divide 2^(bits+l) - 2^bits * d. */
	unsigned __int128 low = ((one << bits) * ((one << l) - d)) / d;
	unsigned __int128 high = ((one << bits) * ((one << l) - d) +
					 (one << (bits + l - prec))) /
				 d;

	/* Both stand for 2^bits + value; halve while they differ. */
	low += one << bits;
	high += one << bits;
	while (sh && low >> 1 < high >> 1) {
		low >>= 1;
		high >>= 1;
		sh--;
	}
	struct magic g = {.m = (u64)high, .post = sh};

	g.wide = high >> bits;
	if (bits == 32)
		g.m = (u32)g.m;
	return g;
}

static struct magic magic_even(u64 d, u8 bits)
{
	struct magic g = magic_for(d, bits, bits);
	u8 zeros = (u8)__builtin_ctzll(d);

	if (!g.wide || !zeros)
		return g;
	g = magic_for(d >> zeros, bits, (u8)(bits - zeros));
	g.pre = zeros;
	return g;
}

/* The quotient of I64 x. */
static ref divide64(const struct place *p, ref x, u64 d)
{
	struct magic g = magic_even(d, 64);
	ref y = g.pre ? ir_make_c(p, OP_SHR, x, g.pre) : x;
	ref t = ir_make_c(p, OP_MULHU, y, g.m);

	if (!g.wide)
		return g.post ? ir_make_c(p, OP_SHR, t, g.post) : t;
	ref half = ir_make_c(p, OP_SHR, ir_make(p, OP_SUB, y, t), 1);

	return ir_make_c(p, OP_SHR, ir_make(p, OP_ADD, half, t), g.post - 1u);
}

/* The quotient of I32 x, as I64: the product has room for both halves. */
static ref divide32(const struct place *p, ref x, u32 d)
{
	struct magic g = magic_even(d, 32);
	ref y = g.pre ? ir_make_c(p, OP_SHR, x, g.pre) : x;
	ref t = ir_make_c(p, OP_MUL, y, g.m);

	if (!g.wide)
		return ir_make_c(p, OP_SHR, t, 32u + g.post);
	t = ir_make_c(p, OP_SHR, t, 32);
	ref half = ir_make_c(p, OP_SHR, ir_make(p, OP_SUB, y, t), 1);

	return ir_make_c(p, OP_SHR, ir_make(p, OP_ADD, half, t), g.post - 1u);
}

static ref quotient(struct fn *f, u32 i, ref x, u64 d, enum ty t)
{
	struct place wide = {f, i, TY_I64}, narrow = {f, i, TY_I32};

	if (t == TY_I64)
		return divide64(&wide, x, d);
	ref q = divide32(&wide, ir_make(&wide, OP_ZEXT, x, none), (u32)d);

	return ir_make(&narrow, OP_TRUNC, q, none);
}

static void legal_udiv(struct fn *f, u32 i)
{
	struct ins ins = f->ins[i];
	i64 c;

	if (!ir_is_const(f, ins.arg[1], &c))
		return;
	u64 d = ins.type == TY_I32 ? (u32)c : (u64)c;
	enum ty t = (enum ty)ins.type;
	struct place p = {f, i, t};
	bool is_div = ins.op == OP_UDIV;
	ref x = ins.arg[0];

	if (d == 0) { /* x / 0 is 0, x % 0 is x */
		become(f, i, is_div ? OP_AND : OP_OR, x, ir_const(f, t, 0));
		return;
	}
	if (!(d & (d - 1))) {
		become(f, i, is_div ? OP_SHR : OP_AND, x,
			ir_const(f, t,
				is_div ? __builtin_ctzll(d) : (i64)(d - 1)));
		return;
	}
	ref q = quotient(f, i, x, d, t);

	if (!is_div) {
		ref back = ir_make_c(&p, OP_MUL, q, d);

		become(f, i, OP_SUB, x, back);
		return;
	}
	become(f, i, (enum op)f->ins[q.v].op, f->ins[q.v].arg[0],
		f->ins[q.v].arg[1]);
	ir_remove(f, q.v);
}

/* ---- offsets ------------------------------------------------------------- */

static void legal_offset(struct fn *f, u32 i)
{
	struct place p = {f, i, TY_I64};
	struct ins ins = f->ins[i];

	if (fits_i32(ins.imm))
		return;
	ref a = ir_make_c(&p, OP_ADD, ins.arg[0], (u64)ins.imm);

	f->ins[i].arg[0] = a;
	f->ins[i].imm = 0;
}

/* ---- all ----------------------------------------------------------------- */

void legal_all(struct fn *f)
{
	ir_each_blk (f, b)
		ir_each_ins (f, b, i) {
			const struct ins *ins = &f->ins[i];

			if (ins->op == OP_MULHU)
				legal_mulhu(f, i);
			else if (ins->op == OP_UDIV || ins->op == OP_UMOD)
				legal_udiv(f, i);
			else if (op_is_mem((enum op)ins->op))
				legal_offset(f, i);
		}
}
