/* The reference interpreter: one instruction after the other. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/code/interp.h"

struct state {
	const struct fn *f;
	const struct world *w;
	const u64 *param;
	u64 *val;
	u8 frame[1024]; /* r10 in the middle */
};

static u64 sign(u64 v, u32 bits)
{
	return (u64)((i64)(v << (64 - bits)) >> (64 - bits));
}

static u32 bits_of(const struct ins *i)
{
	return i->type == TY_I64 ? 64 : 32;
}

static u64 cut(u64 v, u32 bits)
{
	return bits == 64 ? v : v & ((1ull << bits) - 1);
}

/* ---- arithmetic --------------------------------------------------------------- */

static u64 divide(enum op op, u64 a, u64 b, u32 bits)
{
	i64 x = (i64)sign(a, bits), y = (i64)sign(b, bits);

	if (op == OP_UDIV)
		return b ? a / b : 0;
	if (op == OP_UMOD)
		return b ? a % b : a;
	if (y == 0)
		return op == OP_SDIV ? 0 : a;
	if (y == -1)
		return op == OP_SDIV ? 0 - a : 0;
	return (u64)(op == OP_SDIV ? x / y : x % y);
}

static u64 reverse(u64 v, u32 bytes)
{
	u64 r = 0;

	for (u32 k = 0; k < bytes; k++, v >>= 8)
		r = r << 8 | (v & 0xff);
	return r;
}

/* a and b are cut to their types. */
static u64 arith(enum op op, u32 bits, u64 a, u64 b)
{
	u32 n = (u32)(b & (bits - 1));

	switch (op) {
	case OP_ADD: return a + b;
	case OP_SUB: return a - b;
	case OP_MUL: return a * b;
	case OP_MULHU: return (u64)((unsigned __int128)a * b >> bits);
	case OP_UDIV:
	case OP_UMOD:
	case OP_SDIV:
	case OP_SMOD: return divide(op, a, b, bits);
	case OP_AND: return a & b;
	case OP_OR: return a | b;
	case OP_XOR: return a ^ b;
	case OP_SHL: return a << n;
	case OP_SHR: return a >> n;
	case OP_SAR: return (u64)((i64)sign(a, bits) >> n);
	case OP_ROTL: return n ? a << n | a >> (bits - n) : a;
	case OP_NEG: return 0 - a;
	case OP_ZEXT:
	case OP_TRUNC: return a;
	case OP_SEXT: return sign(a, 32);
	case OP_SX8: return sign(a, 8);
	case OP_SX16: return sign(a, 16);
	case OP_ZX8: return a & 0xff;
	case OP_ZX16: return a & 0xffff;
	case OP_BSWAP16: return reverse(a, 2);
	case OP_BSWAP: return reverse(a, bits / 8);
	default: abort();
	}
}

static bool holds(enum cc cc, u64 a, u64 b, u32 bits)
{
	i64 x = (i64)sign(a, bits), y = (i64)sign(b, bits);

	switch (cc) {
	case CC_EQ: return a == b;
	case CC_NE: return a != b;
	case CC_ULT: return a < b;
	case CC_UGE: return a >= b;
	case CC_UGT: return a > b;
	case CC_ULE: return a <= b;
	case CC_SLT: return x < y;
	case CC_SGE: return x >= y;
	case CC_SGT: return x > y;
	case CC_SLE: return x <= y;
	case CC_TST: return a & b;
	case CC_NTST: return !(a & b);
	default: abort();
	}
}

/* ---- memory ------------------------------------------------------------------- */

static u64 load(u64 addr, u32 size)
{
	u64 v = 0;

	memcpy(&v, (const void *)addr, size);
	return v;
}

static void store(u64 addr, u32 size, u64 v)
{
	memcpy((void *)addr, &v, size);
}

static u64 rmw(enum rmw op, u64 old, u64 v)
{
	switch (op) {
	case RMW_ADD: return old + v;
	case RMW_OR: return old | v;
	case RMW_AND: return old & v;
	case RMW_XOR: return old ^ v;
	case RMW_XCHG: return v;
	default: abort();
	}
}

static u64 memory(const struct ins *i, const u64 *a)
{
	u64 addr = a[0] + (u64)i->imm, old;

	if (i->op == OP_STORE || i->op == OP_STOREREL) {
		store(addr, i->size, a[1]);
		return 0;
	}
	old = load(addr, i->size);
	if (i->mem & MEM_SX)
		old = sign(old, i->size * 8);
	if (i->op == OP_ATOMIC || i->op == OP_FETCH)
		store(addr, i->size, rmw((enum rmw)i->cc, old, a[1]));
	else if (i->op == OP_CMPXCHG && old == cut(a[1], i->size * 8))
		store(addr, i->size, a[2]);
	return old;
}

/* ---- instructions ---------------------------------------------------------------- */

static u64 call(const struct state *s, const struct ins *i, const u64 *a, u32 n)
{
	bool ptr = i->op == OP_CALLX;
	u64 arg[5] = {0};
	u64 to = ptr ? a[0] : s->w->addr[s->f->calls.v[i->aux].sym];

	for (u32 k = ptr; k < n; k++)
		arg[k - ptr] = a[k];
	return ((u64(*)(u64, u64, u64, u64, u64))to)(
		arg[0], arg[1], arg[2], arg[3], arg[4]);
}

static u64 floating(struct state *s, const struct ins *i)
{
	switch (i->op) {
	case OP_CONST: return (u64)i->imm;
	case OP_SYM: return s->w->addr[i->aux] + (u64)i->imm;
	case OP_FP: return (u64)(s->frame + 512) + (u64)i->imm;
	case OP_PARAM: return s->param[i->imm];
	default: return 0;
	}
}

static u64 value(struct state *s, const struct ins *i)
{
	u32 n, bits = bits_of(i);
	const ref *arg = ir_args(s->f, i, &n);
	u64 a[8] = {0};

	for (u32 k = 0; k < n && k < countof(a); k++)
		a[k] = s->val[arg[k].v];
	u32 abits = n ? bits_of(&s->f->ins[arg[0].v]) : 0;

	if (op_is_mem((enum op)i->op))
		return memory(i, a);
	switch (i->op) {
	case OP_CMP: return holds((enum cc)i->cc, a[0], a[1], abits);
	case OP_SEL:
		return holds((enum cc)i->cc, a[0], a[1], abits) ? a[2] : a[3];
	case OP_CALL:
	case OP_CALLX: return call(s, i, a, n);
	default: return arith((enum op)i->op, bits, a[0], a[1]);
	}
}

static void phis(struct state *s, u32 b, u32 from)
{
	u32 k = 0, m = 0;
	u64 tmp[64];

	while (s->f->blk[b].pred[k] != from)
		k++;
	ir_each_phi (s->f, b, i) {
		u32 n;

		assert(m < countof(tmp));
		tmp[m++] = s->val[ir_args(s->f, &s->f->ins[i], &n)[k].v];
	}
	m = 0;
	ir_each_phi (s->f, b, i)
		s->val[i] = cut(tmp[m++], bits_of(&s->f->ins[i]));
}

static bool run(struct state *s, u64 *result)
{
	u32 b = 0, steps = 0;

	for (;;) {
		const struct ins *i = NULL;

		ir_each_ins (s->f, b, k) {
			i = &s->f->ins[k];
			if (i->op == OP_PHI || op_info[i->op].flags & OPF_TERM)
				continue;
			s->val[k] = cut(value(s, i), bits_of(i));
			if (steps++ > 1000000)
				return false;
		}
		u32 to, from = b;

		if (i->op == OP_TRAP || steps++ > 1000000)
			return false;
		if (i->op == OP_RET) {
			*result = s->val[i->arg[0].v];
			return true;
		}
		to = i->op == OP_BR &&
		     !holds((enum cc)i->cc, s->val[i->arg[0].v],
			     s->val[i->arg[1].v],
			     bits_of(&s->f->ins[i->arg[0].v]));
		b = s->f->blk[b].succ[to];
		if (s->f->ins[s->f->blk[b].first].op == OP_PHI)
			phis(s, b, from);
	}
}

bool interp_run(const struct fn *f, const struct world *w, const u64 *param,
	u64 *result)
{
	struct state *s = calloc(1, sizeof(*s));
	bool ok;

	s->f = f;
	s->w = w;
	s->param = param;
	s->val = calloc(f->nins, sizeof(u64));
	for (u32 k = 1; k < f->nins; k++)
		if (op_info[f->ins[k].op].flags & OPF_FLOAT)
			s->val[k] = cut(
				floating(s, &f->ins[k]), bits_of(&f->ins[k]));
	ok = run(s, result);
	free(s->val);
	free(s);
	return ok;
}
