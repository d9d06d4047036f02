/* Loads, stores and atomics. */
#include "frontend/lower.h"

/* ---- accesses ------------------------------------------------------------ */

static struct access access_of(const struct lower *l)
{
	const struct fe_use *u = &l->fe->use[l->slot];

	return (struct access){.size = u->size,
		.region = u->region,
		.mem = u->path ? MEM_FAULT : 0,
		.off = u->off};
}

/* Offsets of the frame go into it, where passes look for them. */
ref lower_address(struct lower *l, u32 reg, struct access *a)
{
	ref v = lower_get(l, reg);
	const struct ins *i = ir_ins(l->f, v);
	i64 off;

	if (i->op != OP_FP)
		return v;
	off = i->imm + a->off;
	if (off > 0 || off < -STACK_BYTES)
		return v;
	a->off = 0;
	return ir_fp(l->f, off);
}

static void lower_load(struct lower *l, const struct insn *i, u8 flags)
{
	struct access a = access_of(l);
	ref p = lower_address(l, i->src, &a);

	a.mem |= flags;
	lower_set(l, i->dst, ir_load(l->f, l->blk, TY_I64, p, &a));
}

/* What a store of v leaves in a field that the kernel keeps in 16 bits. */
static ref narrow_field(struct lower *l, ref p, ref v, const struct access *a)
{
	struct ins choice = {.op = OP_SEL,
		.type = TY_I64,
		.cc = CC_ULT,
		.insn = l->f->insn,
		.arg = {v, lower_imm(l, 0xffff), v}};

	if (!(l->fe->use[l->slot].ctx & CTX_NOT_FFFF))
		return lower_op(l, OP_ZX16, TY_I64, v, (ref){0});
	choice.arg[3] = ir_load(l->f, l->blk, TY_I64, p, a);
	return ir_add_like(l->f, l->blk, &choice);
}

static void lower_store(struct lower *l, const struct insn *i, ref v)
{
	struct access a = access_of(l);
	ref p = lower_address(l, i->dst, &a);

	if (l->fe->use[l->slot].ctx & CTX_U16)
		v = narrow_field(l, p, v, &a);
	ir_store(l->f, l->blk, p, v, &a);
}

/* An operand of an atomic: it works in the width of the access. */
static ref atomic_operand(struct lower *l, u32 reg, u8 size)
{
	ref v = lower_get(l, reg);

	return size == 4 ? lower_trunc(l, v) : v;
}

static void set_result(struct lower *l, u32 reg, ref v, u8 size)
{
	if (size == 4)
		lower_set32(l, reg, v);
	else
		lower_set(l, reg, v);
}

static void lower_rmw(struct lower *l, const struct insn *i, enum op op, u8 arg)
{
	static const u8 rmw[] = {
		[ISA_A_ADD] = RMW_ADD,
		[ISA_A_OR] = RMW_OR,
		[ISA_A_AND] = RMW_AND,
		[ISA_A_XOR] = RMW_XOR,
		[ISA_A_XCHG] = RMW_XCHG,
	};
	struct access a = access_of(l);
	enum ty t = a.size == 4 ? TY_I32 : TY_I64;
	ref arg2[2];

	arg2[0] = lower_address(l, i->dst, &a);
	arg2[1] = atomic_operand(l, i->src, a.size);
	ref r = ir_mem(
		l->f, l->blk, op, op == OP_ATOMIC ? TY_NONE : t, arg2, &a);
	ir_ins(l->f, r)->cc = rmw[arg];
	if (op == OP_FETCH)
		set_result(l, i->src, r, a.size);
}

static void lower_cmpxchg(struct lower *l, const struct insn *i)
{
	struct access a = access_of(l);
	ref arg[3];

	arg[0] = lower_address(l, i->dst, &a);
	arg[1] = atomic_operand(l, 0, a.size);
	arg[2] = atomic_operand(l, i->src, a.size);
	ref r = ir_mem(l->f, l->blk, OP_CMPXCHG, a.size == 4 ? TY_I32 : TY_I64,
		arg, &a);
	set_result(l, 0, r, a.size);
}

static void lower_acquire(struct lower *l, const struct insn *i)
{
	struct access a = access_of(l);
	ref p = lower_address(l, i->src, &a);

	lower_set(l, i->dst, ir_mem(l->f, l->blk, OP_LOADACQ, TY_I64, &p, &a));
}

static void lower_release(struct lower *l, const struct insn *i)
{
	struct access a = access_of(l);
	ref arg[2];

	arg[0] = lower_address(l, i->dst, &a);
	arg[1] = lower_get(l, i->src);
	ir_mem(l->f, l->blk, OP_STOREREL, TY_NONE, arg, &a);
}

void lower_mem(struct lower *l, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);

	switch (r->kind) {
	case ISA_LDX: lower_load(l, i, 0); return;
	case ISA_LDSX: lower_load(l, i, MEM_SX); return;
	case ISA_ST: lower_store(l, i, lower_imm(l, i->imm)); return;
	case ISA_STX: lower_store(l, i, lower_get(l, i->src)); return;
	case ISA_ATOMIC: lower_rmw(l, i, OP_ATOMIC, r->arg); return;
	case ISA_FETCH: lower_rmw(l, i, OP_FETCH, r->arg); return;
	case ISA_CMPXCHG: lower_cmpxchg(l, i); return;
	case ISA_LDACQ: lower_acquire(l, i); return;
	case ISA_STREL: lower_release(l, i); return;
	default: unreachable();
	}
}
