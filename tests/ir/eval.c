/*
 * Interprets IR, for tests. Memory is a hash of bytes keyed by address: every
 * access is legal, a byte never written has a value made from its address,
 * except in the own frame, where it is 0. Calls are strangers: what they may
 * see goes into the trace, what they may write is overwritten with bytes made
 * from the trace.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/ir/eval.h"

#define FRAME_END 0x7ffe00000000u
enum { FRAME_SIZE = 512 };

struct cell {
	u64 addr;
	u8 value, used;
};

struct eval {
	const struct fn *f;
	const u64 *params;
	u64 *val;
	struct cell *mem;
	u32 cap, n;
	u64 seed;
	u64 outside; /* order-independent hash of bytes outside the frame */
	u64 trace;
	bool escaped;
};

/* ---- numbers ------------------------------------------------------------- */

static u64 mix(u64 h)
{
	h ^= h >> 31;
	h *= 0x7fb5d329728ea185u;
	h ^= h >> 27;
	h *= 0x81dadef4bc2dd44du;
	return h ^ h >> 33;
}

u64 eval_random(u64 *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return mix(*state);
}

void eval_params(u64 *params, u32 n, u64 seed)
{
	static const u64 corner[] = {0, 1, 2, 7, 8, 31, 32, 63, 64, 0x7f, 0x80,
		0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffffff, 0xffffffff80000000, 0xfffffffffffffffe};
	u64 s = mix(seed);

	for (u32 k = 0; k < n; k++) {
		u64 r = eval_random(&s);

		if (r % 3 == 0)
			params[k] = 0x100000000000u * (k + 1) + (r >> 32) % 8;
		else if (r % 3 == 1)
			params[k] = corner[(r >> 8) % countof(corner)];
		else
			params[k] = eval_random(&s) >> (r >> 8) % 64;
	}
}

/* ---- memory -------------------------------------------------------------- */

static bool in_frame(u64 addr)
{
	return addr < FRAME_END && addr >= FRAME_END - FRAME_SIZE;
}

static u8 fresh(const struct eval *e, u64 addr)
{
	return in_frame(addr) ? 0 : (u8)mix(addr ^ e->seed);
}

static struct cell *find(struct eval *e, u64 addr)
{
	u32 h = (u32)mix(addr) & (e->cap - 1);

	while (e->mem[h].used && e->mem[h].addr != addr)
		h = (h + 1) & (e->cap - 1);
	return &e->mem[h];
}

static void grow(struct eval *e)
{
	struct cell *old = e->mem;
	u32 oldcap = e->cap;

	e->cap = oldcap ? oldcap * 2 : 256;
	e->mem = calloc(e->cap, sizeof(*e->mem));
	if (!e->mem)
		abort();
	for (u32 k = 0; k < oldcap; k++)
		if (old[k].used)
			*find(e, old[k].addr) = old[k];
	free(old);
}

static u8 load_byte(struct eval *e, u64 addr)
{
	const struct cell *c = find(e, addr);

	return c->used ? c->value : fresh(e, addr);
}

static u64 byte_hash(u64 addr, u8 v)
{
	return mix(mix(addr) + v);
}

static void store_byte(struct eval *e, u64 addr, u8 v)
{
	if (2 * e->n >= e->cap)
		grow(e);
	struct cell *c = find(e, addr);
	if (!c->used) {
		*c = (struct cell){addr, fresh(e, addr), 1};
		e->n++;
	}
	if (!in_frame(addr))
		e->outside += byte_hash(addr, v) - byte_hash(addr, c->value);
	c->value = v;
}

static u64 load(struct eval *e, u64 addr, u32 size)
{
	u64 v = 0;

	for (u32 k = 0; k < size; k++)
		v |= (u64)load_byte(e, addr + k) << 8 * k;
	return v;
}

static void store(struct eval *e, u64 addr, u32 size, u64 v)
{
	for (u32 k = 0; k < size; k++)
		store_byte(e, addr + k, (u8)(v >> 8 * k));
}

/* ---- arithmetic ---------------------------------------------------------- */

static i64 sext(u64 v, u32 bits)
{
	return (i64)(v << (64 - bits)) >> (64 - bits);
}

static bool compare(enum cc cc, u64 a, u64 b, u32 bits)
{
	i64 x = sext(a, bits), y = sext(b, bits);

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
	case CC_TST: return (a & b) != 0;
	case CC_NTST: return (a & b) == 0;
	default: abort();
	}
}

static u64 signed_div(u64 a, u64 b, u32 bits, bool mod)
{
	i64 x = sext(a, bits), y = sext(b, bits);

	if (y == 0)
		return mod ? a : 0;
	if (y == -1)
		return mod ? 0 : 0 - a;
	return (u64)(mod ? x % y : x / y);
}

static u64 swap_bytes(u64 v, u32 n)
{
	u64 r = 0;

	for (u32 k = 0; k < n; k++)
		r |= (v >> 8 * k & 0xff) << 8 * (n - 1 - k);
	return r;
}

/* Operands are zero-extended; so is the result, by the caller. */
static u64 arith(enum op op, u32 bits, u64 a, u64 b)
{
	u32 n = (u32)b & (bits - 1);

	switch (op) {
	case OP_ADD: return a + b;
	case OP_SUB: return a - b;
	case OP_MUL: return a * b;
	case OP_MULHU: return (u64)((unsigned __int128)a * b >> bits);
	case OP_UDIV: return b ? a / b : 0;
	case OP_UMOD: return b ? a % b : a;
	case OP_SDIV: return signed_div(a, b, bits, false);
	case OP_SMOD: return signed_div(a, b, bits, true);
	case OP_AND: return a & b;
	case OP_OR: return a | b;
	case OP_XOR: return a ^ b;
	case OP_SHL: return a << n;
	case OP_SHR: return a >> n;
	case OP_SAR: return (u64)(sext(a, bits) >> n);
	case OP_ROTL: return n ? a << n | a >> (bits - n) : a;
	case OP_NEG: return 0 - a;
	case OP_ZEXT:
	case OP_TRUNC: return a;
	case OP_SEXT: return (u64)sext(a, 32);
	case OP_SX8: return (u64)sext(a, 8);
	case OP_SX16: return (u64)sext(a, 16);
	case OP_ZX8: return (u8)a;
	case OP_ZX16: return (u16)a;
	case OP_BSWAP16: return swap_bytes(a, 2);
	case OP_BSWAP: return swap_bytes(a, bits / 8);
	default: abort();
	}
}

/* ---- calls --------------------------------------------------------------- */

static void see(struct eval *e, u64 v)
{
	e->trace = mix(e->trace ^ v) + 0x9e3779b97f4a7c15u;
}

static void see_range(struct eval *e, u64 from, u64 to)
{
	for (u64 a = from; a != to; a++)
		see(e, load_byte(e, a));
}

static void smash_range(struct eval *e, u64 from, u64 to)
{
	for (u64 a = from; a != to; a++)
		store_byte(e, a, (u8)mix(e->trace ^ a));
}

/* A callee that knows the frame reads all of it and writes here and there. */
static void frame_in_danger(struct eval *e)
{
	see_range(e, FRAME_END - FRAME_SIZE, FRAME_END);
	for (u64 k = 0; k < 8; k++) {
		u64 at = FRAME_END - 1 - mix(e->trace + k) % FRAME_SIZE;

		smash_range(e, at, at + 1);
	}
}

/* Some of the bytes that the function touched change under a call. */
static void smash_outside(struct eval *e)
{
	for (u32 k = 0; k < e->cap; k++) {
		const struct cell *c = &e->mem[k];

		if (c->used && !in_frame(c->addr) &&
			mix(c->addr ^ e->trace) % 4 == 0)
			smash_range(e, c->addr, c->addr + 1);
	}
}

static void call_arg(
	struct eval *e, const struct arg_mem *m, const u64 *arg, u64 p)
{
	u64 lo = p + (u64)(i64)m->lo, hi = p + (u64)(i64)m->hi;

	if (m->size_arg >= 0)
		hi = p + arg[m->size_arg] % FRAME_SIZE;
	if (m->access == ARG_ESCAPE) {
		if (in_frame(p) || p == FRAME_END) {
			e->escaped = true;
			frame_in_danger(e);
		}
		return;
	}
	if (m->access & ARG_READ)
		see_range(e, lo, hi);
	if (m->access & ARG_WRITE)
		smash_range(e, lo, hi);
}

static u64 call(struct eval *e, const struct ins *i)
{
	const struct call *c = &e->f->calls.v[i->aux];
	u64 arg[6];
	u32 n;
	const ref *r = ir_args(e->f, i, &n);

	for (u32 k = 0; k < n; k++)
		arg[k] = e->val[r[k].v];
	if (c->effects & CALLF_PURE) {
		u64 h = c->sym;

		for (u32 k = 0; k < n; k++)
			h = mix(h ^ arg[k]);
		return h;
	}
	see(e, c->sym);
	for (u32 k = 0; k < n; k++)
		see(e, arg[k]);
	if (c->effects & ~CALLF_CTX)
		see(e, e->outside);
	for (u32 k = 0; k < c->nargs; k++)
		call_arg(e, &c->arg[k], arg + (n - c->nargs),
			arg[n - c->nargs + k]);
	if (e->escaped && (c->effects & (CALLF_READS | CALLF_WRITES)))
		frame_in_danger(e);
	if (c->effects & (CALLF_WRITES | CALLF_CTX | CALLF_PACKET))
		smash_outside(e);
	return mix(e->trace);
}

/* ---- memory operations --------------------------------------------------- */

static u64 rmw(enum rmw op, u64 old, u64 v)
{
	switch (op) {
	case RMW_ADD: return old + v;
	case RMW_OR: return old | v;
	case RMW_AND: return old & v;
	case RMW_XOR: return old ^ v;
	default: return v;
	}
}

static u64 memory(struct eval *e, const struct ins *i, const u64 *arg)
{
	u64 addr = arg[0] + (u64)i->imm;
	u64 old;

	switch (i->op) {
	case OP_LOAD:
	case OP_LOADACQ:
		old = load(e, addr, i->size);
		return i->mem & MEM_SX ? (u64)sext(old, 8u * i->size) : old;
	case OP_STOREREL: see(e, e->outside); fallthrough;
	case OP_STORE:
		if (in_frame(arg[1]) || arg[1] == FRAME_END)
			e->escaped = true;
		store(e, addr, i->size, arg[1]);
		return 0;
	case OP_FETCH: see(e, e->outside); fallthrough;
	case OP_ATOMIC:
		old = load(e, addr, i->size);
		store(e, addr, i->size, rmw((enum rmw)i->cc, old, arg[1]));
		return old;
	default:
		see(e, e->outside);
		old = load(e, addr, i->size);
		u64 want = i->size == 4 ? (u32)arg[1] : arg[1];
		if (old == want)
			store(e, addr, i->size, arg[2]);
		return old;
	}
}

/* ---- the machine --------------------------------------------------------- */

static u64 value_of(struct eval *e, const struct ins *i)
{
	u32 bits = e->f->ins[i->arg[0].v].type == TY_I32 ? 32 : 64;
	u64 a[4] = {0};

	switch (i->op) {
	case OP_CALL:
	case OP_CALLX: return call(e, i);
	default:;
	}
	for (u32 k = 0; k < op_info[i->op].nargs; k++)
		a[k] = e->val[i->arg[k].v];
	if (op_is_mem((enum op)i->op))
		return memory(e, i, a);
	if (i->op == OP_CMP)
		return compare((enum cc)i->cc, a[0], a[1], bits);
	if (i->op == OP_SEL)
		return compare((enum cc)i->cc, a[0], a[1], bits) ? a[2] : a[3];
	return arith((enum op)i->op, bits, a[0], a[1]);
}

static void set(struct eval *e, u32 i, u64 v)
{
	e->val[i] = e->f->ins[i].type == TY_I32 ? (u32)v : v;
}

static void floats(struct eval *e)
{
	for (u32 k = 1; k < e->f->nins; k++) {
		const struct ins *i = &e->f->ins[k];

		switch (i->op) {
		case OP_CONST: set(e, k, (u64)i->imm); break;
		case OP_SYM:
			set(e, k,
				0x500000000000u + 0x10000000u * (u64)i->aux +
					(u64)i->imm);
			break;
		case OP_FP: set(e, k, FRAME_END + (u64)i->imm); break;
		case OP_PARAM: set(e, k, e->params[i->imm]); break;
		default:;
		}
	}
}

/* All phis of b at once, coming from `from`, its edge number `nth`. */
static void phis(struct eval *e, u32 b, u32 from, u32 nth)
{
	const struct fn *f = e->f;
	const struct blk *blk = &f->blk[b];
	u32 k = 0, n = 0;

	while (blk->pred[k] != from || nth--)
		k++;
	ir_each_phi (f, b, i)
		n++;
	u64 *tmp = calloc(n + 1, sizeof(*tmp));
	if (!tmp)
		abort();
	n = 0;
	ir_each_phi (f, b, i)
		tmp[n++] = e->val[f->args.v[f->ins[i].arg[0].v + k].v];
	n = 0;
	ir_each_phi (f, b, i)
		set(e, i, tmp[n++]);
	free(tmp);
}

/* The next block, or BLK_NONE after the end. */
static u32 terminate(
	struct eval *e, u32 b, const struct ins *i, struct eval_result *out)
{
	const struct blk *blk = &e->f->blk[b];
	u32 bits = e->f->ins[i->arg[0].v].type == TY_I32 ? 32 : 64;
	u32 k = 0;

	switch (i->op) {
	case OP_RET: out->value = e->val[i->arg[0].v]; return BLK_NONE;
	case OP_TRAP: out->trapped = true; return BLK_NONE;
	case OP_BR:
		k = !compare((enum cc)i->cc, e->val[i->arg[0].v],
			e->val[i->arg[1].v], bits);
	}
	u32 to = blk->succ[k];
	phis(e, to, b, k == 1 && blk->succ[0] == to);
	return to;
}

static void run(struct eval *e, u32 steps, struct eval_result *out)
{
	const struct fn *f = e->f;
	u32 b = 0;

	while (b != BLK_NONE) {
		u32 i = f->blk[b].first;

		for (; !(op_info[f->ins[i].op].flags & OPF_TERM);
			i = f->ins[i].next) {
			if (f->ins[i].op == OP_PHI)
				continue;
			set(e, i, value_of(e, &f->ins[i]));
		}
		if (!steps--) {
			out->endless = true;
			return;
		}
		b = terminate(e, b, &f->ins[i], out);
	}
}

void eval_run(const struct fn *f, const u64 *params, u64 seed, u32 steps,
	struct eval_result *out)
{
	struct eval e = {.f = f, .params = params, .seed = seed};

	memset(out, 0, sizeof(*out));
	grow(&e);
	e.val = calloc(f->nins, sizeof(*e.val));
	if (!e.val)
		abort();
	floats(&e);
	run(&e, steps, out);
	out->memory = e.outside;
	out->trace = e.trace;
	free(e.val);
	free(e.mem);
}

bool eval_same(const struct eval_result *a, const struct eval_result *b)
{
	if (a->endless || b->endless)
		return true; /* steps are blocks: passes change their number */
	return a->value == b->value && a->memory == b->memory &&
	       a->trace == b->trace && a->trapped == b->trapped;
}
