/*
 * What arm64 cannot do directly, in terms of what it can: IR -> IR.
 *
 *   MULHU of I32       the upper half of a 64-bit product
 *   x / c, x % c       multiplication and shifts (c constant, not signed)
 *   offsets            beyond 32 bits: added to the address first
 *   unaligned accesses with --strict-align: bytes, unless known to be aligned
 *
 * Everything else select.c does itself: the hardware's division is total.
 */
#include "backend-arm64/a64.h"

/* ---- alignment ----------------------------------------------------------- */

/* What a pointer to the start of something is a multiple of, as a power of 2:
 * map values, contexts and data sections start at 8 or more; packets and what
 * is unknown anywhere. */
static u8 region_align(u8 region)
{
	switch ((enum region)region) {
	case REGION_STACK:
	case REGION_CTX:
	case REGION_MAP:
	case REGION_BTF: return 3;
	default: return 0;
	}
}

u32 a64_sym_align(const struct cg *cg, u32 sym)
{
	if (sym >= cg->nsyms)
		return 1;
	const struct sym *s = &cg->syms[sym];
	bool is_map = s->kind == SYM_MAP || s->kind == SYM_VALUES;

	return is_map ? 8 : s->align ? s->align : 1;
}

static u8 min_align(u8 a, u8 b)
{
	return a < b ? a : b;
}

static u8 zeros(i64 v)
{
	return v ? (u8)__builtin_ctzll((u64)v) : 63;
}

/* Low bits of r that are certainly zero; depth bounds the search. */
static u8 align_of(
	const struct cg *cg, const struct fn *f, ref r, u8 region, u32 depth)
{
	const struct ins *i = ir_ins(f, r);
	i64 c;

	switch (i->op) {
	case OP_CONST: return zeros(i->imm);
	case OP_FP: return min_align(4, zeros(i->imm));
	case OP_SYM:
		return min_align(
			zeros(a64_sym_align(cg, i->aux)), zeros(i->imm));
	case OP_ADD:
	case OP_SUB:
		if (!depth)
			return 0;
		return min_align(align_of(cg, f, i->arg[0], region, depth - 1),
			ir_is_const(f, i->arg[1], &c)
				? zeros(c)
				: align_of(cg, f, i->arg[1], 0, depth - 1));
	case OP_SHL: return ir_is_const(f, i->arg[1], &c) ? (u8)(c & 63) : 0;
	case OP_PARAM:
	case OP_LOAD:
	case OP_CALL:
	case OP_CALLX: return region_align(region);
	default: return 0;
	}
}

static bool is_aligned(
	const struct cg *cg, const struct fn *f, const struct ins *i)
{
	enum { DEPTH = 8 };
	u8 need = (u8)__builtin_ctz(i->size);

	return zeros(i->imm) >= need &&
	       align_of(cg, f, i->arg[0], i->region, DEPTH) >= need;
}

static const ref none;

static ref byte_access(struct fn *f, u32 i, enum op op, enum ty t, ref v, u8 k)
{
	struct ins like = f->ins[i];
	ref r = ir_add_like_before(f, i, &like);
	struct ins *b = ir_ins(f, r);

	b->op = (u8)op;
	b->type = (u8)t;
	b->size = 1;
	b->mem = f->ins[i].mem & MEM_FAULT;
	b->imm = f->ins[i].imm + k;
	b->arg[0] = f->ins[i].arg[0];
	b->arg[1] = v;
	return r;
}

static void split_load(struct fn *f, u32 i)
{
	struct ins ins = f->ins[i];
	struct place p = {f, i, (enum ty)ins.type};
	bool sx = ins.mem & MEM_SX && ins.size < ty_size(ins.type);
	u32 up = 8u * ty_size(ins.type) - 8u * ins.size;
	ref sum = byte_access(f, i, OP_LOAD, p.t, none, 0), last = none;

	for (u8 k = 1; k < ins.size; k++) {
		if (k > 1)
			sum = ir_make(&p, OP_OR, sum, last);
		last = byte_access(f, i, OP_LOAD, p.t, none, k);
		last = ir_make_c(&p, OP_SHL, last, 8u * k);
	}
	if (sx) {
		sum = ir_make(&p, OP_OR, sum, last);
		sum = ir_make_c(&p, OP_SHL, sum, up);
		last = ir_const(f, p.t, up);
	}
	f->ins[i].op = sx ? OP_SAR : OP_OR;
	f->ins[i].arg[0] = sum;
	f->ins[i].arg[1] = last;
	f->ins[i].imm = 0;
}

static void split_store(struct fn *f, u32 i)
{
	struct ins ins = f->ins[i];
	struct place p = {f, i, (enum ty)ir_ins(f, ins.arg[1])->type};

	for (u8 k = 1; k < ins.size; k++) {
		ref v = ir_make_c(&p, OP_SHR, ins.arg[1], 8u * k);

		byte_access(f, i, OP_STORE, TY_NONE, v, k);
	}
	f->ins[i].size = 1;
}

static void legalise_align(const struct cg *cg, struct fn *f, u32 i)
{
	const struct ins *ins = &f->ins[i];

	if (ins->size == 1 || is_aligned(cg, f, ins))
		return;
	if (ins->op == OP_LOAD)
		split_load(f, i);
	else if (ins->op == OP_STORE)
		split_store(f, i);
}

/* ---- all ----------------------------------------------------------------- */

void a64_legalise(struct fn *f, const struct cg *cg)
{
	legal_all(f);
	if (!cg->strict_align)
		return;
	ir_each_blk (f, b)
		ir_each_ins (f, b, i)
			if (op_is_mem((enum op)f->ins[i].op))
				legalise_align(cg, f, i);
}
