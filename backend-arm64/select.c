/*
 * Instruction selection: IR -> MIR. ir/select.c walks the function and knows
 * which value lives in which register; here is what it asks of arm64, and
 * match.c, compare.c, arith.c and memory.c know the instructions.
 *
 * No flags are asked for but by the instruction right behind their setter:
 * arithmetic leaves them alone.
 */
#include "backend-arm64/a64.h"

/* ---- machine instructions ------------------------------------------------ */

void a64_m(struct sel *s, const struct a64_addr *a)
{
	u32 base = a->base.v ? sel_use(s, a->base) : 0;
	u32 index = a->index.v ? sel_use(s, a->index) : 0;
	struct mins *i = sel_last(s);

	i->aux |= a->parts;
	i->disp = (i32)a->disp;
	if (a->parts & A64_MEM_SYM)
		i->sym = a->sym;
	if (a->parts & A64_MEM_FRAME)
		s->m->uses_frame = true;
	if (base) {
		i->aux |= A64_MEM_BASE;
		sel_operand(s, base, OPD_USE);
	}
	if (index) {
		i->aux |= A64_MEM_INDEX;
		i->scale = a->extend;
		sel_operand(s, index, OPD_USE);
	}
}

/* ---- floating values ----------------------------------------------------- */

static void make_rematable(struct sel *s, enum a64_mop op, u32 vreg)
{
	a64_op(s, op, 8)->flags |= MINS_REMAT;
	sel_d(s, vreg);
}

void a64_make_const(struct sel *s, i64 v, u32 vreg)
{
	make_rematable(s, A64_M_MOV_RI, vreg);
	sel_last(s)->imm = v;
}

void a64_make_sum(struct sel *s, u32 base, i64 off, u32 vreg)
{
	u64 less = 0 - (u64)off;

	if (a64_is_add_imm((u64)off) || a64_is_add_imm(less)) {
		bool add = a64_is_add_imm((u64)off);

		a64_op(s, add ? A64_M_ADD_RI : A64_M_SUB_RI, 8)->imm =
			(i64)(add ? (u64)off : less);
		sel_d(s, vreg);
		sel_u(s, base);
		return;
	}
	u32 big = sel_temp(s);

	a64_make_const(s, off, big);
	a64_op(s, A64_M_ADD_RR, 8);
	sel_d(s, vreg);
	sel_u(s, base);
	sel_u(s, big);
}

/* Appends the making of a floating value. */
static void make_float(struct sel *s, const struct ins *i, u32 vreg)
{
	enum { NEAR = 1 << 30 }; /* well within the reach of adrp */
	bool far = i->op == OP_SYM && sel_sym_is_far(s->cg, i->aux);
	bool split = far ? i->imm : i->imm <= -NEAR || i->imm >= NEAR;

	if (i->op == OP_CONST) {
		a64_make_const(
			s, i->type == TY_I32 ? (i64)(u32)i->imm : i->imm, vreg);
		return;
	}
	u32 base = split ? sel_temp(s) : vreg;

	make_rematable(s,
		far		 ? A64_M_GOT
		: i->op == OP_FP ? A64_M_LEA
				 : A64_M_ADR,
		base);
	struct mins *m = sel_last(s);

	if (i->op == OP_SYM)
		m->sym = i->aux;
	else
		s->m->uses_frame = true;
	if (split)
		a64_make_sum(s, base, i->imm, vreg);
	else
		m->disp = (i32)i->imm;
}

/* ---- one instruction ----------------------------------------------------- */

static void lower(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_CMP: a64_lower_cmp(s, i); break;
	case OP_SEL: a64_lower_sel(s, i); break;
	case OP_BR: a64_lower_br(s, i); break;
	default:
		if (op_is_mem((enum op)i->op))
			a64_lower_memory(s, i);
		else
			a64_lower_arith(s, i);
	}
}

/* ---- the function -------------------------------------------------------- */

static const struct sel_target sel_a64 = {
	.arg_regs = a64_arg_regs,
	.result = A64_X0,
	.entry = A64_M_ENTRY,
	.call = A64_M_CALL,
	.call_ptr = A64_M_CALL_R,
	.tail = A64_M_TAIL,
	.tail_jump = A64_M_TAIL_JUMP,
	.tail_target = A64_X9,
	.counter = A64_X10,
	.ret = A64_M_RET,
	.jmp = A64_M_JMP,
	.trap = A64_M_UDF,
	.lower = lower,
	.make_float = make_float,
};

struct mfn *a64_select(struct fn *f, const struct cg *cg, struct arena *a)
{
	return sel_run(f, cg, &sel_a64, a);
}
