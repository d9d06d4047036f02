/*
 * Random IR functions: a few variables, turned into SSA as the frontend does;
 * statements of the kinds that passes look for (byte loads joined by shifts,
 * stores of pieces, accesses to the own frame, calls that see part of it);
 * branches mostly forwards, some backwards.
 */
#include "tests/ir/eval.h"
#include "tests/ir/gen.h"

enum { NV64 = 4, NV32 = 2, NVARS = NV64 + NV32 };

struct gen {
	struct fn *f;
	struct ssa *s;
	u64 rng;
	u32 b;
	ref cond[2]; /* of an earlier branch, floating or parameters */
	u8 cc;
};

static u64 rnd(struct gen *g, u64 n)
{
	return (eval_random(&g->rng) >> 20) % n;
}

static ref undef(void *ctx, u32 var, u32 blk)
{
	struct gen *g = ctx;

	(void)blk;
	return ir_const(g->f, var < NV64 ? TY_I64 : TY_I32, 0);
}

static i64 constant(struct gen *g)
{
	static const i64 corner[] = {0, 1, -1, 2, 3, 4, 5, 7, 8, 10, 16, 24, 31,
		32, 40, 48, 56, 63, 64, 100, 127, 128, 255, 256, 1000, 0xff00,
		0xffff, 0x10000, 0xff0000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x123456789abcdef0, INT64_MAX, INT64_MIN, -128,
		-32768, -7};

	if (rnd(g, 8) == 0)
		return (i64)(eval_random(&g->rng) >> rnd(g, 64));
	return corner[rnd(g, countof(corner))];
}

static ref value(struct gen *g, enum ty t)
{
	if (rnd(g, 3) == 0)
		return ir_const(g->f, t, constant(g));
	u32 var = t == TY_I64 ? (u32)rnd(g, NV64) : NV64 + (u32)rnd(g, NV32);
	return ssa_read(g->s, g->b, var);
}

static void set(struct gen *g, ref v)
{
	enum ty t = (enum ty)ir_ins(g->f, v)->type;
	u32 var = t == TY_I64 ? (u32)rnd(g, NV64) : NV64 + (u32)rnd(g, NV32);

	ssa_write(g->s, g->b, var, v);
}

static enum ty any_type(struct gen *g)
{
	return rnd(g, 3) ? TY_I64 : TY_I32;
}

/* ---- statements ---------------------------------------------------------- */

static void stmt_arith(struct gen *g)
{
	static const u8 ops[] = {OP_ADD, OP_ADD, OP_SUB, OP_MUL, OP_AND, OP_OR,
		OP_XOR, OP_SHL, OP_SHL, OP_SHR, OP_SHR, OP_SAR, OP_SAR, OP_ROTL,
		OP_UDIV, OP_UMOD, OP_SDIV, OP_SMOD, OP_MULHU};
	enum ty t = any_type(g);
	ref a = value(g, t), b = value(g, t);

	set(g, ir_add(g->f, g->b, (enum op)ops[rnd(g, countof(ops))], t, a, b));
}

static void stmt_unary(struct gen *g)
{
	static const u8 ops[] = {OP_ZEXT, OP_SEXT, OP_TRUNC, OP_SX8, OP_SX16,
		OP_ZX8, OP_ZX16, OP_BSWAP16, OP_BSWAP, OP_NEG};
	enum op op = (enum op)ops[rnd(g, countof(ops))];
	enum ty t = any_type(g), from = t;

	if (op == OP_ZEXT || op == OP_SEXT || op == OP_BSWAP16)
		from = TY_I32;
	if (op == OP_TRUNC)
		from = TY_I64;
	set(g, ir_add(g->f, g->b, op, t, value(g, from), (ref){0}));
}

/* v op (w, narrowed by shifts): what compilers emit for 32-bit numbers */
static void stmt_shift_pair(struct gen *g)
{
	static const u8 right[] = {OP_SHR, OP_SAR};
	enum ty t = any_type(g);
	u32 bits = t == TY_I64 ? 64 : 32;
	u32 n = (u32)rnd(g, 2) ? bits / 2 : (u32)rnd(g, bits);
	u32 m = rnd(g, 3) ? n : (u32)rnd(g, bits);
	ref v = value(g, t);

	v = ir_add(g->f, g->b, OP_SHL, t, v, ir_const(g->f, t, n));
	v = ir_add(g->f, g->b, (enum op)right[rnd(g, 2)], t, v,
		ir_const(g->f, t, m));
	set(g, v);
}

static void stmt_rotate(struct gen *g)
{
	enum ty t = any_type(g);
	u32 bits = t == TY_I64 ? 64 : 32;
	u32 n = 1 + (u32)rnd(g, bits - 1);
	ref v = value(g, t);
	ref l = ir_add(g->f, g->b, OP_SHL, t, v, ir_const(g->f, t, n));
	u32 m = rnd(g, 4) ? bits - n : (u32)rnd(g, bits);
	ref r = ir_add(g->f, g->b, OP_SHR, t, v, ir_const(g->f, t, m));

	set(g, ir_add(g->f, g->b, rnd(g, 2) ? OP_OR : OP_ADD, t, l, r));
}

static void stmt_cmp(struct gen *g)
{
	enum ty t = any_type(g);
	ref a = value(g, t), b = value(g, t);
	ref r = ir_cmp(g->f, g->b, (enum cc)rnd(g, CC_COUNT), a, b);

	if (rnd(g, 2)) {
		enum ty st = any_type(g);
		ref x = value(g, st), y = value(g, st);
		ref s = ir_add(g->f, g->b, OP_SEL, st, a, b);

		g->f->ins[s.v].cc = (u8)rnd(g, CC_COUNT);
		g->f->ins[s.v].arg[2] = x;
		g->f->ins[s.v].arg[3] = y;
		r = s;
	}
	set(g, r);
}

/* ---- memory -------------------------------------------------------------- */

static ref place(struct gen *g, struct access *m)
{
	static const u8 shared[] = {REGION_MAP, REGION_UNKNOWN, REGION_CTX,
		REGION_PACKET, REGION_GLOBAL};

	m->mem = 0;
	m->size = (u8)(1u << rnd(g, 4));
	if (rnd(g, 2)) {
		m->region = REGION_STACK;
		m->off = -(i64)(m->size + rnd(g, 32));
		if (rnd(g, 4))
			m->off &= -(i64)m->size;
		return ir_fp(g->f, 0);
	}
	/* parameters 2 and 3 may be equal or overlap: one region */
	u32 p = (u32)rnd(g, 2);
	m->region = p ? REGION_MAP : shared[rnd(g, 5)];
	if (p == 0)
		m->region = REGION_PACKET;
	m->off = (i64)rnd(g, 24);
	return ir_param(g->f, 2 + p);
}

static void stmt_load(struct gen *g)
{
	struct access m;
	ref addr = place(g, &m);
	enum ty t = m.size < 8 && rnd(g, 3) == 0 ? TY_I32 : TY_I64;

	if (rnd(g, 4) == 0 && m.size < 8)
		m.mem |= MEM_SX;
	if (rnd(g, 8) == 0 && m.region != REGION_STACK)
		m.mem |= MEM_FAULT;
	set(g, ir_load(g->f, g->b, t, addr, &m));
}

static void stmt_store(struct gen *g)
{
	struct access m;
	ref addr = place(g, &m);
	enum ty t = m.size < 8 && rnd(g, 3) == 0 ? TY_I32 : TY_I64;

	ir_store(g->f, g->b, addr, value(g, t), &m);
}

/* n bytes or halves, joined with shifts; sometimes spoiled a little */
static void stmt_join(struct gen *g)
{
	struct access m = {.size = (u8)(rnd(g, 3) ? 1 : 2)};
	u32 n = 2 + (u32)rnd(g, 7);
	bool swap = rnd(g, 2);
	enum ty t = any_type(g);
	ref acc = {0};
	struct access probe;
	ref base = place(g, &probe);

	m.region = probe.region;
	if (n * m.size > (t == TY_I64 ? 8u : 4u))
		n = (t == TY_I64 ? 8u : 4u) / m.size;
	for (u32 k = 0; k < n; k++) {
		u32 at = swap ? n - 1 - k : k;

		m.off = (probe.region == REGION_STACK ? -16 : 3) +
			(i64)(k * m.size);
		if (rnd(g, 16) == 0)
			at = k;
		if (rnd(g, 8) == 0) /* perhaps onto a byte to come */
			ir_store(g->f, g->b, base, value(g, TY_I64),
				&(struct access){1, m.region, 0,
					m.off + (i64)rnd(g, 4) - 1});
		ref v = ir_load(g->f, g->b, t, base, &m);
		v = ir_add(g->f, g->b, OP_SHL, t, v,
			ir_const(g->f, t, 8 * at * m.size));
		acc = acc.v ? ir_add(g->f, g->b, rnd(g, 4) ? OP_OR : OP_ADD, t,
				      rnd(g, 2) ? acc : v, v)
			    : v;
		if (acc.v != v.v && rnd(g, 2) == 0)
			acc = ir_add(g->f, g->b, OP_OR, t, acc, v);
	}
	set(g, acc);
}

/* A value in pieces to neighbouring bytes. */
static void stmt_split(struct gen *g)
{
	struct access m = {.size = (u8)(1u << rnd(g, 3))}, probe;
	u32 n = 2 + (u32)rnd(g, 7);
	bool swap = rnd(g, 2);
	ref base = place(g, &probe), v = value(g, TY_I64);

	m.region = probe.region;
	if (n * m.size > 8)
		n = 8u / m.size;
	for (u32 k = 0; k < n; k++) {
		u32 at = swap ? n - 1 - k : k;
		ref piece = ir_add(g->f, g->b, OP_SHR, TY_I64, v,
			ir_const(g->f, TY_I64, 8 * at * m.size));

		m.off = (probe.region == REGION_STACK ? -24 : 3) +
			(i64)(k * m.size);
		if (rnd(g, 24) == 0)
			stmt_load(g);
		ir_store(g->f, g->b, base, piece, &m);
	}
}

static void stmt_atomic(struct gen *g)
{
	struct access m;
	ref arg[3] = {place(g, &m)};
	enum ty t;
	static const u8 ops[] = {OP_ATOMIC, OP_FETCH, OP_CMPXCHG};
	enum op op = (enum op)ops[rnd(g, 3)];

	if (m.size < 4)
		m.size = 4;
	if (m.region == REGION_STACK)
		m.off = -(i64)(m.size * (1 + rnd(g, 4)));
	t = m.size == 4 ? TY_I32 : TY_I64;
	arg[1] = value(g, t);
	arg[2] = value(g, t);
	ref r = ir_mem(g->f, g->b, op, op == OP_ATOMIC ? TY_NONE : t, arg, &m);
	if (op != OP_CMPXCHG)
		g->f->ins[r.v].cc = (u8)rnd(g, RMW_COUNT);
	if (op != OP_ATOMIC)
		set(g, r);
}

static void stmt_call(struct gen *g)
{
	struct call c = {.kind = CALL_HELPER, .sym = (u32)rnd(g, 3)};
	ref arg[5];
	u32 lo;

	c.nargs = (u8)rnd(g, 3);
	c.effects = (u8)(rnd(g, 2) ? 0 : rnd(g, 16));
	for (u32 k = 0; k < 5; k++)
		c.arg[k].size_arg = -1;
	for (u32 k = 0; k < c.nargs; k++) {
		arg[k] = value(g, TY_I64);
		if (rnd(g, 2))
			continue;
		lo = 1 + (u32)rnd(g, 32);
		arg[k] = ir_fp(g->f, -(i64)lo);
		c.arg[k].access = (u8)(1 + rnd(g, 3));
		c.arg[k].hi = 1 + (i32)rnd(g, lo);
		if (rnd(g, 24) == 0)
			c.arg[k].access = ARG_ESCAPE;
	}
	ref r = ir_call(g->f, g->b, &c, TY_I64, arg, c.nargs);
	set(g, r);
}

static void statement(struct gen *g)
{
	switch (rnd(g, 24)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5: stmt_arith(g); break;
	case 6:
	case 7: stmt_unary(g); break;
	case 8: stmt_shift_pair(g); break;
	case 9: stmt_rotate(g); break;
	case 10:
	case 11: stmt_cmp(g); break;
	case 12:
	case 13:
	case 14: stmt_load(g); break;
	case 15:
	case 16:
	case 17: stmt_store(g); break;
	case 18:
	case 19: stmt_join(g); break;
	case 20:
	case 21: stmt_split(g); break;
	case 22:
		if (rnd(g, 3) == 0)
			stmt_atomic(g);
		break;
	default:
		if (rnd(g, 3) == 0)
			stmt_call(g);
	}
}

/* ---- control flow -------------------------------------------------------- */

static void terminator(struct gen *g, u32 blocks)
{
	u32 left = blocks - 1 - g->b;
	enum ty t = any_type(g);
	u32 yes, no;

	if (!left) {
		ir_ret(g->f, g->b, value(g, TY_I64));
		return;
	}
	no = g->b + 1;
	yes = g->b + 1 + (u32)rnd(g, left < 4 ? left : 4);
	if (g->b > 1 && rnd(g, 6) == 0)
		yes = 1 + (u32)rnd(g, g->b - 1);
	if (rnd(g, 4) == 0) {
		ir_jmp(g->f, g->b, no);
		return;
	}
	ref a = value(g, t), b = value(g, t);
	enum cc cc = (enum cc)rnd(g, CC_COUNT);
	if (g->cond[0].v && rnd(g, 3) == 0) { /* the same again, or negated */
		a = g->cond[0];
		b = g->cond[1];
		cc = (enum cc)(g->cc ^ rnd(g, 2));
	} else if (rnd(g, 3) == 0) { /* one that is available everywhere */
		a = g->cond[0] = ir_param(g->f, (u32)rnd(g, 2));
		b = g->cond[1] = ir_const(g->f, TY_I64, constant(g));
		g->cc = (u8)cc;
	}
	ir_br(g->f, g->b, cc, a, b, yes, no);
}

struct fn *gen_fn(struct arena *a, const struct gen_opts *o)
{
	static const u8 types[NVARS] = {
		TY_I64, TY_I64, TY_I64, TY_I64, TY_I32, TY_I32};
	struct gen g = {.f = ir_fn_new(a, "gen", 4), .rng = o->seed * 77 + 1};

	g.f->frame = 512;
	for (u32 k = 0; k < o->blocks; k++)
		ir_blk_new(g.f);
	g.s = ssa_begin(g.f, NVARS, types, undef, &g);
	ssa_seal(g.s, 0);
	ssa_write(g.s, 0, 0, ir_param(g.f, 0));
	ssa_write(g.s, 0, 1, ir_param(g.f, 1));
	for (g.b = 0; g.b < o->blocks; g.b++) {
		u32 n = (u32)rnd(&g, 2 * o->per_block + 1);

		if (rnd(&g, 4) == 0)
			n = 0;
		while (n--)
			statement(&g);
		terminator(&g, o->blocks);
	}
	for (u32 b = 1; b < o->blocks; b++)
		ssa_seal(g.s, b);
	ssa_end(g.s);
	cfg_prune(g.f);
	return g.f;
}
