/*
 * What a program that attaches to a function asks about its arguments, without
 * a call: the words stand behind its context (kiln/format.h, struct
 * kiln_tramp_frame), and how many there are is known.
 *
 *	bpf_get_func_arg_cnt(ctx)	the number of argument words
 *	bpf_get_func_arg(ctx, n, &v)	v = ctx[n]
 *	bpf_get_func_ret(ctx, &v)	v = the word behind them; not fentry
 *	bpf_get_attach_cookie(ctx)	ctx[-1]
 */
#include <errno.h>
#include <linux/bpf.h>

#include "frontend/lower.h"

enum { WORD = 8 };

bool lower_can_ask(const struct fe_call *c)
{
	return c->to.to == TO_HELPER && c->args;
}

/* Word n behind the context; n may be -1. */
static ref load_word(struct lower *l, const struct fe_call *c, i32 n)
{
	struct access a = {.size = WORD,
		.region = types_region(l->m, c->type[0]),
		.off = WORD * n};

	return ir_load(l->f, l->blk, TY_I64, lower_address(l, 1, &a), &a);
}

/* Word n, which is below the number of words. */
static ref load_nth(struct lower *l, const struct fe_call *c, ref n)
{
	const struct access a = {
		.size = WORD, .region = types_region(l->m, c->type[0])};
	ref wide = lower_op(l, OP_ZEXT, TY_I64, n, (ref){0});
	ref off = lower_op(l, OP_SHL, TY_I64, wide, lower_imm(l, 3));
	ref p = lower_op(l, OP_ADD, TY_I64, lower_get(l, 1), off);

	return ir_load(l->f, l->blk, TY_I64, p, &a);
}

/* *(u64 *)argument k = v */
static void store_out(struct lower *l, const struct fe_call *c, u32 k, ref v)
{
	struct access a = {
		.size = WORD, .region = types_region(l->m, c->type[k])};
	ref p = lower_address(l, k + 1, &a);

	ir_store(l->f, l->blk, p, v, &a);
}

static void answer(struct lower *l, i64 v)
{
	lower_set(l, 0, lower_imm(l, v));
	lower_lose_registers(l);
}

/* The kernel takes n as 32 bits. */
static void get_arg(struct lower *l, const struct fe_call *c)
{
	u32 inside = ir_blk_new(l->f), outside = ir_blk_new(l->f);
	u32 join = ir_blk_new(l->f);
	ref n = lower_trunc(l, lower_get(l, 2));

	ir_br(l->f, l->blk, CC_ULT, n,
		ir_const(l->f, TY_I32, (i64)c->args->nargs), inside, outside);
	ssa_seal(l->ssa, inside);
	ssa_seal(l->ssa, outside);
	l->blk = outside;
	answer(l, -EINVAL);
	ir_jmp(l->f, outside, join);
	l->blk = inside;
	store_out(l, c, 2, load_nth(l, c, n));
	answer(l, 0);
	ir_jmp(l->f, inside, join);
	ssa_seal(l->ssa, join);
	l->blk = join;
}

static void get_ret(struct lower *l, const struct fe_call *c)
{
	ref v;

	if (!c->args_result) {
		answer(l, -EOPNOTSUPP);
		return;
	}
	v = c->args->ret.nwords ? load_word(l, c, (i32)c->args->nargs)
				: lower_imm(l, 0);
	store_out(l, c, 1, v);
	answer(l, 0);
}

void lower_ask(struct lower *l, const struct fe_call *c)
{
	switch (c->to.helper->id) {
	case BPF_FUNC_get_func_arg: get_arg(l, c); return;
	case BPF_FUNC_get_func_ret: get_ret(l, c); return;
	case BPF_FUNC_get_func_arg_cnt: answer(l, c->args->nargs); return;
	case BPF_FUNC_get_attach_cookie: {
		ref v = load_word(l, c, -1);

		lower_set(l, 0, v);
		lower_lose_registers(l);
		return;
	}
	default: unreachable();
	}
}
