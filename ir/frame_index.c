/*
 * How far an address of the frame plus a bounded number reaches: an array on
 * the stack with a masked index. Everybody else takes such an address for lost;
 * but where all it serves for is accessing memory, only the bytes that it can
 * reach are read through it, and the rest of the frame need not be zeroed.
 *
 *	v = fp - 64 + (x & 31)           [0, 31] behind fp - 64
 *	load4 [v + 8]                    reads fp - 56 ... fp - 22
 *
 * One sweep over the instructions, uses before definitions, finds how far
 * accesses go from each value; what a phi takes in may be used before, and
 * counts as used in any way.
 */
#include <string.h>

#include "ir/frame.h"

enum { FAR = 2 * FRAME_MAX, MAX_DEPTH = 4 };

enum { UNUSED, ACCESS, ANY };

/* Bytes [lo, hi) from a value are accessed. */
struct reach {
	u8 how;
	i32 lo, hi;
};

/* ---- uses ---------------------------------------------------------------- */

static void widen(struct reach *r, i64 lo, i64 hi)
{
	if (lo < -FAR || hi > FAR)
		r->how = ANY;
	if (r->how == ANY)
		return;
	if (r->how == UNUSED || lo < r->lo)
		r->lo = (i32)lo;
	if (r->how == UNUSED || hi > r->hi)
		r->hi = (i32)hi;
	r->how = ACCESS;
}

static void pass_on(struct reach *from, const struct reach *sum, i64 c)
{
	if (sum->how == ANY || c < -FAR || c > FAR)
		from->how = ANY;
	else if (sum->how == ACCESS)
		widen(from, sum->lo + c, sum->hi + c);
}

static void use(const struct fn *f, u32 i, struct reach *r)
{
	const struct ins *x = &f->ins[i];
	u32 n, k = 0;
	const ref *arg = ir_args(f, x, &n);
	i64 c;

	if (x->op == OP_CMP || x->op == OP_BR)
		return;
	if (op_is_mem((enum op)x->op)) {
		if (x->imm < -FAR || x->imm > FAR)
			r[arg[0].v].how = ANY;
		else
			widen(&r[arg[0].v], x->imm, x->imm + x->size);
		k = 1;
	} else if (x->op == OP_ADD && ir_is_const(f, arg[1], &c)) {
		pass_on(&r[arg[0].v], &r[i], c);
		k = 2;
	}
	for (; k < n; k++)
		r[arg[k].v].how = ANY;
}

static void find_uses(
	const struct fn *f, const u32 *rpo, u32 n, struct reach *r)
{
	for (u32 b = 0; b < n; b++)
		ir_each_phi (f, rpo[b], i)
			use(f, i, r);
	for (u32 b = n; b-- > 0;)
		for (u32 i = f->blk[rpo[b]].last; i; i = f->ins[i].prev)
			use(f, i, r);
}

/* ---- numbers ------------------------------------------------------------- */

static u64 product(u64 a, u64 b)
{
	u64 p;

	return __builtin_mul_overflow(a, b, &p) ? UINT64_MAX : p;
}

static u64 least(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* The largest value that v can have, as far as operations alone tell it. */
static u64 most(const struct fn *f, ref v, u32 depth)
{
	const struct ins *i = ir_ins(f, v);
	u64 all = i->type == TY_I32 ? UINT32_MAX : UINT64_MAX, a;
	i64 c;

	if (ir_is_const(f, v, &c))
		return (u64)c;
	if (i->op == OP_LOAD && !(i->mem & MEM_SX) && i->size < 8)
		return (1ull << 8 * i->size) - 1;
	if (depth == MAX_DEPTH || op_info[i->op].nargs == OP_VARARGS ||
		!op_info[i->op].nargs)
		return all;
	a = most(f, i->arg[0], depth + 1);
	switch (i->op) {
	case OP_ZX8: return least(a, 0xff);
	case OP_ZX16: return least(a, 0xffff);
	case OP_ZEXT:
	case OP_TRUNC: return least(a, UINT32_MAX);
	case OP_CMP: return 1;
	default: break;
	}
	if (op_info[i->op].nargs != 2 || !ir_is_const(f, i->arg[1], &c))
		return all;
	switch (i->op) {
	case OP_AND: return least(a, (u64)c);
	case OP_SHR: return a >> (c & (i->type == TY_I32 ? 31 : 63));
	case OP_SHL:
		return least(all,
			product(a,
				1ull << (c & (i->type == TY_I32 ? 31 : 63))));
	case OP_MUL: return least(all, product(a, (u64)c));
	case OP_UMOD: return c ? least(a, (u64)c - 1) : a;
	default: return all;
	}
}

/* ---- addresses ----------------------------------------------------------- */

/* Instruction i adds a bounded number to an address of the frame. */
static bool is_index(const struct fn *f, u32 i, i64 *off, u64 *max)
{
	const struct ins *x = &f->ins[i];
	u32 k;

	if (x->op != OP_ADD || x->type != TY_I64)
		return false;
	k = frame_address(f, x->arg[0], off) ? 0 : 1;
	if (k == 1 && !frame_address(f, x->arg[1], off))
		return false;
	*max = most(f, x->arg[1 - k], 0);
	return *max <= FRAME_MAX && *off >= -FRAME_MAX && *off <= 0;
}

void frame_indexes(const struct fn *f, struct arena *a, struct frame_index *out)
{
	struct reach *r = arena_array(a, struct reach, f->nins);
	u32 n;
	const u32 *rpo = cfg_rpo(f, a, &n);

	find_uses(f, rpo, n, r);
	for (u32 i = 1; i < f->nins; i++) {
		i64 off, lo, hi;
		u64 max;

		if (r[i].how == ANY || !is_index(f, i, &off, &max))
			continue;
		lo = off + r[i].lo;
		hi = off + r[i].hi + (i64)max;
		if (r[i].how == UNUSED)
			lo = hi = 0;
		if (frame_inside(lo, hi - lo))
			out[i] = (struct frame_index){true, (i16)lo, (i16)hi};
	}
}
