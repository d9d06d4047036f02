/* Lowering: what lower.c, lower_mem.c and lower_call.c share. */
#ifndef KILN_FRONTEND_LOWER_H
#define KILN_FRONTEND_LOWER_H

#include "frontend/types.h"

/* SSA variables: r0..r9 and a loop budget of its own. r10 is a constant. */
enum { VAR_BUDGET = 10, NVARS = 11 };

struct lower {
	struct module *m;
	const struct func *func;
	const struct fe_func *fe;
	struct fn *f;
	struct ssa *ssa;
	u32 blk; /* IR block that is being filled */
	u32 slot;
	/* An inlined lookup whose null check ends the block: the IR blocks where
	 * an element was found and where not; 0, 0: none. */
	u32 found, missing;
	ref cpu;    /* the CPU slot, if it was asked for at the entry */
	ref budget; /* address of the run's loop budget, if it is used here */
	ref outer;  /* program: what was in there before */
	bool strict_align;
	bool direct; /* tail calls of known index are sites */
};

/* ---- lower.c ------------------------------------------------------------- */
ref lower_get(struct lower *l, u32 reg);
void lower_set(struct lower *l, u32 reg, ref v);
void lower_set32(struct lower *l, u32 reg, ref v); /* I32, zero-extended */
ref lower_imm(struct lower *l, i64 v);
ref lower_trunc(struct lower *l, ref v); /* I64 -> I32 */
ref lower_op(struct lower *l, enum op op, enum ty t, ref a, ref b);
void lower_return(struct lower *l, u32 blk, ref v);

/* ---- lower_mem.c --------------------------------------------------------- */
void lower_mem(struct lower *l, const struct insn *i);
/* The address in a register, as the base of access a. */
ref lower_address(struct lower *l, u32 reg, struct access *a);

/* ---- lower_lookup.c ------------------------------------------------------ */
/* The call is a lookup that needs no helper. */
bool lower_can_inline(const struct lower *l, const struct fe_call *c);
void lower_lookup(struct lower *l, const struct fe_call *c);
/* At the function's entry: asks for the CPU slot if that pays. */
void lower_cpu(struct lower *l);

/* ---- lower_budget.c ------------------------------------------------------ */
void lower_begin_budget(struct lower *l); /* at the function's entry */
void lower_end_budget(struct lower *l, u32 blk);
void lower_may_goto(struct lower *l, u32 spent, u32 go);
/* Around a tail call: the run around this one has its budget back. */
ref lower_lend_budget(struct lower *l);
void lower_take_budget(struct lower *l, ref left);

/* ---- lower_packet.c ------------------------------------------------------ */
void lower_packet(struct lower *l, const struct insn *i);

/* ---- lower_builtin.c ----------------------------------------------------- */
ref lower_builtin(struct lower *l, const struct fe_call *c);

/* ---- lower_args.c -------------------------------------------------------- */
/* The call asks about the arguments of the function that is attached to. */
bool lower_can_ask(const struct fe_call *c);
void lower_ask(struct lower *l, const struct fe_call *c);

/* ---- lower_tail.c -------------------------------------------------------- */
void lower_tail_call(struct lower *l, const struct fe_call *c);

/* ---- lower_call.c -------------------------------------------------------- */
void lower_lose_registers(struct lower *l); /* r1..r5, by a call */
/* A value as a C function wants it in a register of its own width, or as one
 * leaves it: extended to 64 bits. */
ref lower_extend(struct lower *l, ref v, struct fe_reg r);
void lower_call(struct lower *l, const struct insn *i);

#endif
