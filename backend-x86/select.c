/*
 * Instruction selection: IR -> MIR. ir/select.c walks the function and knows
 * which value lives in which register; here is what it asks of x86-64, and
 * match.c, compare.c, arith.c and memory.c know the instructions.
 */
#include "backend-x86/x86.h"

/* ---- machine instructions --------------------------------------------------- */

static void mem_operand(struct sel *s, const struct x86_addr *a, u8 role)
{
	u32 base = a->base.v ? sel_use(s, a->base) : 0;
	u32 index = a->index.v ? sel_use(s, a->index) : 0;
	struct mins *i = sel_last(s);

	i->aux = a->parts;
	i->disp = (i32)a->disp;
	if (a->parts & X86_M_SYM)
		i->sym = a->sym;
	if (a->parts & X86_M_FRAME)
		s->m->uses_frame = true;
	if (base) {
		i->aux |= X86_M_BASE;
		sel_operand(s, base, role);
	}
	if (index) {
		i->aux |= X86_M_INDEX;
		i->scale = a->scale;
		sel_operand(s, index, role);
	}
}

void x86_m(struct sel *s, const struct x86_addr *a)
{
	mem_operand(s, a, OPD_USE);
}

void x86_m_late(struct sel *s, const struct x86_addr *a)
{
	mem_operand(s, a, OPD_LATE);
}

/* ---- floating values ------------------------------------------------------------ */

static void make_rematable(struct sel *s, enum x86_mop op, u32 vreg)
{
	x86_op(s, op, 8)->flags |= MINS_REMAT;
	sel_d(s, vreg);
}

static void make_const(struct sel *s, i64 v, u32 vreg)
{
	make_rematable(s, X86_MOV_RI, vreg);
	sel_last(s)->imm = v;
}

/* vreg = base + off, whatever off is, without touching the flags. */
static void make_sum(struct sel *s, u32 base, i64 off, u32 vreg)
{
	u32 big = fits_i32(off) ? 0 : sel_temp(s);

	if (big)
		make_const(s, off, big);
	struct mins *i = x86_op(s, X86_LEA, 8);

	i->aux = big ? X86_M_BASE | X86_M_INDEX : X86_M_BASE;
	i->scale = 1;
	i->disp = big ? 0 : (i32)off;
	sel_d(s, vreg);
	sel_u(s, base);
	if (big)
		sel_u(s, big);
}

/* Appends the making of a floating value. */
static void make_float(struct sel *s, const struct ins *i, u32 vreg)
{
	enum { NEAR = 1 << 30 }; /* leaves room for what emission adds */
	bool far = i->op == OP_SYM && sel_sym_is_far(s->cg, i->aux);
	bool split = far ? i->imm : i->imm <= -NEAR || i->imm >= NEAR;

	if (i->op == OP_CONST) {
		make_const(
			s, i->type == TY_I32 ? (i64)(u32)i->imm : i->imm, vreg);
		return;
	}
	u32 base = split ? sel_temp(s) : vreg;

	make_rematable(s, far ? X86_GOT : X86_LEA, base);
	struct mins *m = sel_last(s);

	if (i->op == OP_SYM) {
		m->sym = i->aux;
		m->aux = far ? 0 : X86_M_SYM;
	} else {
		m->aux = X86_M_FRAME;
		s->m->uses_frame = true;
	}
	if (split)
		make_sum(s, base, i->imm, vreg);
	else
		m->disp = (i32)i->imm;
}

/* ---- what the flags are asked for -------------------------------------------------- */

static void make_test(struct sel *s)
{
	const struct ins *i = &s->f->ins[s->want];
	u32 g = sel_group_begin(s);

	x86_op(s, X86_TEST_RR, ty_size(i->type));
	sel_u(s, sel_use(s, (ref){s->want}));
	sel_u(s, sel_use(s, (ref){s->want}));
	sel_last(s)->flags |= MINS_FLAGS;
	sel_group_end(s, g);
	sel_group_prepend(s, g);
	s->want = 0;
}

/* The group g, just made, comes before a terminator that wants the flags of
 * s->want. If g computes it in the end, they are there. */
static void settle_flags(struct sel *s, u32 g, u32 i)
{
	const struct sel_group *grp = &s->group.v[g];
	struct mins *last = sel_last(s);
	bool clobbers = false;

	if (i == s->want && grp->n && x86_mop(last->op)->flags == X86_MOP_S &&
		last->size == ty_size(s->f->ins[i].type)) {
		last->flags |= MINS_FLAGS;
		s->want = 0;
		return;
	}
	for (u32 k = 0; k < grp->n; k++)
		clobbers |= x86_clobbers_flags(s->m->ins.v[grp->first + k].op);
	if (clobbers || i == s->want)
		make_test(s);
}

/* ---- one instruction ----------------------------------------------------------------- */

static void lower(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_CMP: x86_lower_cmp(s, i); break;
	case OP_SEL: x86_lower_sel(s, i); break;
	case OP_BR: x86_lower_br(s, i); break;
	default:
		if (op_is_mem((enum op)i->op))
			x86_lower_memory(s, i);
		else
			x86_lower_arith(s, i);
	}
}

/* ---- the function ------------------------------------------------------------------------------ */

static const struct sel_target sel_x86 = {
	.arg_regs = x86_arg_regs,
	.result = X86_RAX,
	.entry = X86_ENTRY,
	.call = X86_CALL,
	.call_ptr = X86_CALL_R,
	.tail = X86_TAIL,
	.tail_jump = X86_TAIL_JUMP,
	.tail_target = X86_RDX,
	.counter = X86_RAX,
	.ret = X86_RET,
	.jmp = X86_JMP,
	.trap = X86_UD2,
	.lower = lower,
	.make_float = make_float,
	.make_test = make_test,
	.settle_flags = settle_flags,
};

struct mfn *x86_select(struct fn *f, const struct cg *cg, struct arena *a)
{
	return sel_run(f, cg, &sel_x86, a);
}
