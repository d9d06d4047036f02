/*
 * May_goto: a branch that is taken once the loop budget of the run is spent. The
 * budget counts down; spent it stays at or below 0, so that each of them leaves.
 *
 * Where nobody but the program has may_gotos the budget is a variable of it.
 * Otherwise it is the runtime's word for this run, which calls cannot lose:
 *
 *	program                          subprogram, callback
 *	  w = kiln_loop_budget()           w = kiln_loop_budget()
 *	  outer = *w; *w = LOOP_BUDGET     ...
 *	  ...                              may_goto: left = *w; *w = left - 1
 *	  *w = outer; return
 *
 * A run inside another one, which a helper or a signal started, gives the outer
 * one its budget back.
 */
#include "frontend/lower.h"
#include "kiln/format.h"

/* What the may_gotos of one run fall through together: the kernel's
 * BPF_MAX_LOOPS. (Since Linux 6.15 it counts 250 ms instead, and it gives each
 * call of a subprogram a budget of its own.) */
enum { LOOP_BUDGET = 8 * 1024 * 1024 };

static const struct access word = {.size = 8, .region = REGION_GLOBAL};

static ref ask_budget(struct lower *l)
{
	const struct call c = {
		.kind = CALL_EXTERN,
		.effects = CALLF_PURE, /* the same for the whole run */
		.sym = module_undef(l->m, SYM_RUNTIME, KILN_LOOP_BUDGET),
	};

	return ir_call(l->f, l->blk, &c, TY_I64, NULL, 0);
}

void lower_begin_budget(struct lower *l)
{
	const struct fe_func *fe = l->fe;

	if (!fe->run_budget) {
		if (fe->may_goto)
			ssa_write(l->ssa, l->blk, VAR_BUDGET,
				lower_imm(l, LOOP_BUDGET));
		return;
	}
	if (!fe->may_goto && !l->func->is_prog)
		return;
	l->budget = ask_budget(l);
	if (!l->func->is_prog)
		return;
	l->outer = ir_load(l->f, l->blk, TY_I64, l->budget, &word);
	ir_store(l->f, l->blk, l->budget, lower_imm(l, LOOP_BUDGET), &word);
}

void lower_end_budget(struct lower *l, u32 blk)
{
	if (l->outer.v)
		ir_store(l->f, blk, l->budget, l->outer, &word);
}

ref lower_lend_budget(struct lower *l)
{
	ref left;

	if (!l->outer.v)
		return (ref){0};
	left = ir_load(l->f, l->blk, TY_I64, l->budget, &word);
	ir_store(l->f, l->blk, l->budget, l->outer, &word);
	return left;
}

void lower_take_budget(struct lower *l, ref left)
{
	if (left.v)
		ir_store(l->f, l->blk, l->budget, left, &word);
}

/* To `spent` if nothing is left, else to `go`. */
void lower_may_goto(struct lower *l, u32 spent, u32 go)
{
	ref left = l->budget.v ? ir_load(l->f, l->blk, TY_I64, l->budget, &word)
			       : ssa_read(l->ssa, l->blk, VAR_BUDGET);
	ref less = lower_op(l, OP_SUB, TY_I64, left, lower_imm(l, 1));

	if (l->budget.v)
		ir_store(l->f, l->blk, l->budget, less, &word);
	else
		ssa_write(l->ssa, l->blk, VAR_BUDGET, less);
	ir_br(l->f, l->blk, CC_SLE, left, lower_imm(l, 0), spent, go);
}
