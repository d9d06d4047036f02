/*
 * Typed control flow -> IR. BPF registers are I64 variables, 32-bit
 * operations are I32 values between a TRUNC and a ZEXT. IR block 0 only
 * jumps: a BPF function may loop to its first instruction.
 */
#include <assert.h>
#include <string.h>

#include "frontend/lower.h"
#include "ir/target.h"
#include "kiln/compile.h"

/* ---- values -------------------------------------------------------------- */

ref lower_imm(struct lower *l, i64 v)
{
	return ir_const(l->f, TY_I64, v);
}

ref lower_get(struct lower *l, u32 reg)
{
	return reg == 10 ? ir_fp(l->f, 0) : ssa_read(l->ssa, l->blk, reg);
}

void lower_set(struct lower *l, u32 reg, ref v)
{
	ssa_write(l->ssa, l->blk, reg, v);
}

ref lower_op(struct lower *l, enum op op, enum ty t, ref a, ref b)
{
	return ir_add(l->f, l->blk, op, t, a, b);
}

ref lower_trunc(struct lower *l, ref v)
{
	const struct ins *i = ir_ins(l->f, v);

	if (i->op == OP_ZEXT || i->op == OP_SEXT)
		return i->arg[0];
	if (i->op == OP_CONST)
		return ir_const(l->f, TY_I32, i->imm);
	return lower_op(l, OP_TRUNC, TY_I32, v, (ref){0});
}

static ref zext(struct lower *l, ref v)
{
	i64 c;

	if (ir_is_const(l->f, v, &c))
		return lower_imm(l, c);
	return lower_op(l, OP_ZEXT, TY_I64, v, (ref){0});
}

void lower_set32(struct lower *l, u32 reg, ref v)
{
	lower_set(l, reg, zext(l, v));
}

static ref unary(struct lower *l, enum op op, enum ty t, ref v)
{
	return lower_op(l, op, t, v, (ref){0});
}

/* The second operand, in the width of the operation. */
static ref operand(struct lower *l, const struct insn *i)
{
	if (!isa_is_reg(i))
		return isa_is_32(i) ? ir_const(l->f, TY_I32, i->imm)
				    : lower_imm(l, i->imm);
	ref v = lower_get(l, i->src);
	return isa_is_32(i) ? lower_trunc(l, v) : v;
}

/* ---- arithmetic ---------------------------------------------------------- */

static void lower_alu(struct lower *l, const struct insn *i, u8 arg)
{
	static const u8 op[] = {
		[ISA_A_ADD] = OP_ADD,
		[ISA_A_SUB] = OP_SUB,
		[ISA_A_MUL] = OP_MUL,
		[ISA_A_DIV] = OP_UDIV,
		[ISA_A_SDIV] = OP_SDIV,
		[ISA_A_MOD] = OP_UMOD,
		[ISA_A_SMOD] = OP_SMOD,
		[ISA_A_OR] = OP_OR,
		[ISA_A_AND] = OP_AND,
		[ISA_A_XOR] = OP_XOR,
		[ISA_A_LSH] = OP_SHL,
		[ISA_A_RSH] = OP_SHR,
		[ISA_A_ARSH] = OP_SAR,
	};
	ref a = lower_get(l, i->dst), b = operand(l, i);
	const struct ins *fp = ir_ins(l->f, a);
	i64 imm;

	if (isa_is_32(i)) {
		a = lower_trunc(l, a);
		lower_set32(l, i->dst, lower_op(l, op[arg], TY_I32, a, b));
		return;
	}
	/* Frame addresses are constants of their own. */
	if (fp->op == OP_FP && ir_is_const(l->f, b, &imm) &&
		(arg == ISA_A_ADD || arg == ISA_A_SUB)) {
		i64 off = fp->imm + (arg == ISA_A_ADD ? imm : -imm);

		if (off <= 0 && off >= -STACK_BYTES) {
			lower_set(l, i->dst, ir_fp(l->f, off));
			return;
		}
	}
	lower_set(l, i->dst, lower_op(l, op[arg], TY_I64, a, b));
}

static void lower_mov(struct lower *l, const struct insn *i)
{
	if (l->fe->use[l->slot].whole)
		lower_set(l, i->dst, lower_get(l, i->src));
	else if (isa_is_32(i))
		lower_set32(l, i->dst, operand(l, i));
	else
		lower_set(l, i->dst, operand(l, i));
}

static void lower_movsx(struct lower *l, const struct insn *i, u8 bits)
{
	ref v = operand(l, i);
	enum op op = bits == 8 ? OP_SX8 : OP_SX16;

	if (isa_is_32(i))
		lower_set32(l, i->dst, unary(l, op, TY_I32, v));
	else if (bits == 32)
		lower_set(l, i->dst,
			unary(l, OP_SEXT, TY_I64, lower_trunc(l, v)));
	else
		lower_set(l, i->dst, unary(l, op, TY_I64, v));
}

static void lower_neg(struct lower *l, const struct insn *i)
{
	ref v = lower_get(l, i->dst);

	if (isa_is_32(i))
		lower_set32(
			l, i->dst, unary(l, OP_NEG, TY_I32, lower_trunc(l, v)));
	else
		lower_set(l, i->dst, unary(l, OP_NEG, TY_I64, v));
}

/* Both targets are little-endian: le truncates, be and bswap swap. */
static void lower_swap(
	struct lower *l, const struct insn *i, bool swap, u8 bits)
{
	ref v = lower_get(l, i->dst);

	if (bits == 64) {
		if (swap)
			lower_set(l, i->dst, unary(l, OP_BSWAP, TY_I64, v));
		return;
	}
	v = lower_trunc(l, v);
	if (swap)
		v = unary(l, bits == 16 ? OP_BSWAP16 : OP_BSWAP, TY_I32, v);
	else if (bits == 16)
		v = unary(l, OP_ZX16, TY_I32, v);
	lower_set32(l, i->dst, v);
}

static void lower_lddw(struct lower *l, const struct insn *i)
{
	if (i->sym == SYM_NONE)
		lower_set(l, i->dst, lower_imm(l, isa_imm64(i)));
	else
		lower_set(l, i->dst, ir_sym(l->f, i->sym, i->addend));
}

/* ---- ends of blocks ------------------------------------------------------ */

/* BPF block b is IR block b + 1. */
static u32 ir_blk_of(const struct lower *l, u32 b)
{
	(void)l;
	return b + 1;
}

static void lower_branch(
	struct lower *l, const struct insn *i, const struct fe_blk *b, u8 cond)
{
	static const u8 cc[] = {
		[ISA_A_EQ] = CC_EQ,
		[ISA_A_NE] = CC_NE,
		[ISA_A_UGT] = CC_UGT,
		[ISA_A_UGE] = CC_UGE,
		[ISA_A_ULT] = CC_ULT,
		[ISA_A_ULE] = CC_ULE,
		[ISA_A_SGT] = CC_SGT,
		[ISA_A_SGE] = CC_SGE,
		[ISA_A_SLT] = CC_SLT,
		[ISA_A_SLE] = CC_SLE,
		[ISA_A_TST] = CC_TST,
	};
	ref a = lower_get(l, i->dst), k = operand(l, i);

	if (isa_is_32(i))
		a = lower_trunc(l, a);
	ir_br(l->f, l->blk, cc[cond], a, k, ir_blk_of(l, b->succ[0]),
		ir_blk_of(l, b->succ[1]));
}

void lower_return(struct lower *l, u32 blk, ref v)
{
	lower_end_budget(l, blk);
	ir_ret(l->f, blk, v);
}

static struct fe_reg reg_of(const struct model_value *v)
{
	return (struct fe_reg){(u8)v->size, v->is_signed};
}

/* The program's result as C converts it to that of the function. */
static ref lower_result(struct lower *l)
{
	const struct func_hook *h = &l->func->hook;
	ref v = lower_get(l, 0);

	if (fe_returns_void(l->func))
		return lower_imm(l, 0);
	if (h->own && h->own->ret.cls == MODEL_INT)
		v = lower_extend(l, v, reg_of(&h->own->ret));
	return h->model ? lower_extend(l, v, reg_of(&h->model->ret)) : v;
}

static void lower_exit(struct lower *l)
{
	ref v = fe_returns_for(l->func) ? lower_result(l) : lower_get(l, 0);

	/* uint64_t to C: the upper half is 0, whatever r0 had */
	if (l->func->is_prog && l->func->returns_i32)
		v = zext(l, lower_trunc(l, v));
	lower_return(l, l->blk, v);
}

/* Both ways of an inlined lookup already know the answer. */
static void lower_null_check(struct lower *l, const struct fe_blk *b, u8 cond)
{
	u32 missing = ir_blk_of(l, b->succ[cond == ISA_A_EQ ? 0 : 1]);
	u32 found = ir_blk_of(l, b->succ[cond == ISA_A_EQ ? 1 : 0]);

	ir_jmp(l->f, l->found, found);
	ir_jmp(l->f, l->missing, missing);
	l->found = l->missing = 0;
}

/* The edge or edges of block b; i is its last instruction. */
static void lower_end(
	struct lower *l, const struct insn *i, const struct fe_blk *b)
{
	const struct isa_row *r = isa_row(i);

	if (l->found)
		lower_null_check(l, b, r->arg);
	else if (r->kind == ISA_EXIT)
		lower_exit(l);
	else if (b->nsucc == 2 && r->kind == ISA_JCC)
		lower_branch(l, i, b, r->arg);
	else if (b->nsucc == 2)
		lower_may_goto(
			l, ir_blk_of(l, b->succ[0]), ir_blk_of(l, b->succ[1]));
	else
		ir_jmp(l->f, l->blk, ir_blk_of(l, b->succ[0]));
}

/* ---- instructions -------------------------------------------------------- */

static void lower_insn(struct lower *l, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);

	switch (r->kind) {
	case ISA_ALU: lower_alu(l, i, r->arg); return;
	case ISA_NEG: lower_neg(l, i); return;
	case ISA_MOV: lower_mov(l, i); return;
	case ISA_MOVSX: lower_movsx(l, i, r->arg); return;
	case ISA_LE: lower_swap(l, i, false, r->arg); return;
	case ISA_BE: lower_swap(l, i, true, r->arg); return;
	case ISA_LDDW: lower_lddw(l, i); return;
	case ISA_CALL:
	case ISA_CALLFN:
	case ISA_KFUNC:
	case ISA_CALLX: lower_call(l, i); return;
	case ISA_JA:
	case ISA_JCC:
	case ISA_MAYGOTO:
	case ISA_EXIT: return; /* lower_end */
	case ISA_LDABS:
	case ISA_LDIND: lower_packet(l, i); return;
	case ISA_CAST: return; /* types refused it */
	default: lower_mem(l, i); return;
	}
}

static void lower_block(struct lower *l, u32 b)
{
	const struct fe_blk *k = &l->fe->blk[b];
	const struct insn *i = NULL;

	l->blk = ir_blk_of(l, b);
	for (u32 s = k->first; s < k->end; s++) {
		const struct insn *at = fe_insn(l->m, l->func, s);

		if (at->second)
			continue;
		i = at;
		l->slot = s;
		l->f->insn = l->func->first + s;
		lower_insn(l, i);
	}
	lower_end(l, i, k);
}

/* ---- function ------------------------------------------------------------ */

/* C leaves anything above a parameter's own width. */
static ref lower_param(struct lower *l, u32 n)
{
	const struct func *f = l->func;
	ref v = ir_param(l->f, n);

	if (!f->is_prog || !fe_replaces(f) || !f->hook.own)
		return v;
	return lower_extend(l, v, reg_of(&f->hook.own->param[n]));
}

static void lower_entry(struct lower *l)
{
	l->blk = 0;
	l->f->insn = INSN_NONE;
	for (u32 n = 0; n < l->f->nparams; n++)
		lower_set(l, n + 1, lower_param(l, n));
	lower_begin_budget(l);
	lower_cpu(l);
	ir_jmp(l->f, 0, ir_blk_of(l, 0));
	ssa_seal(l->ssa, 0);
}

/* Types have refused what no path has written; on the remaining paths, and
 * in bare instructions, an unwritten register is 0. */
static ref unwritten(void *ctx, u32 var, u32 blk)
{
	struct lower *l = ctx;

	(void)var;
	(void)blk;
	return lower_imm(l, 0);
}

/* Seals the blocks whose predecessors are now all filled. */
static void seal_ready(struct lower *l, u32 *open, u32 b)
{
	const struct fe_blk *k = &l->fe->blk[b];

	for (u32 e = 0; e < k->nsucc; e++)
		if (!--open[k->succ[e]])
			ssa_seal(l->ssa, ir_blk_of(l, k->succ[e]));
}

static void lower_blocks(struct lower *l)
{
	const struct fe_func *fe = l->fe;
	u32 *open = arena_array(arena_scratch(l->f->a), u32, fe->nblk);

	for (u32 b = 0; b < fe->nblk; b++)
		open[b] = fe->blk[b].npred;
	if (!open[0])
		ssa_seal(l->ssa, ir_blk_of(l, 0));
	for (u32 n = 0; n < fe->nrpo; n++) {
		lower_block(l, fe->rpo[n]);
		seal_ready(l, open, fe->rpo[n]);
	}
}

struct fn *fe_lower(
	struct module *m, u32 func, struct arena *a, const struct cg *cg)
{
	u8 types[NVARS];
	struct arena *tmp = arena_scratch(a);
	struct arena_mark mark = arena_mark(tmp);
	struct lower l = {.m = m, .func = &m->func.v[func]};

	if (l.func->is_thunk)
		return fe_lower_thunk(m, func, a);
	l.strict_align = cg && cg->strict_align;
	l.direct = cg && cg->tail_calls == KILN_TAIL_CALLS_DIRECT;
	l.fe = l.func->fe;
	assert(l.fe->use && "fe_types did not see it");
	l.f = ir_fn_new(a, l.func->name, l.func->nparams);
	l.f->sym = l.func->sym;
	l.f->module = m;
	l.f->counter = l.func->counter;
	/* measured: one to two IR instructions per BPF one, to the end */
	ir_reserve(l.f, l.func->n * 2 + 64, l.fe->nblk + 1);
	for (u32 b = 0; b <= l.fe->nblk; b++)
		ir_blk_new(l.f);
	memset(types, TY_I64, sizeof(types));
	l.ssa = ssa_begin_in(tmp, l.f, NVARS, types, unwritten, &l);
	lower_entry(&l);
	lower_blocks(&l);
	ssa_end(l.ssa);
	arena_release(tmp, mark);
	cfg_prune(l.f);
	ir_check(l.f, "lower");
	return l.f;
}
