/* Calls: helpers, subprograms, functions of the application, pointers. */
#include <errno.h>

#include "frontend/lower.h"

static void args_of(struct lower *l, u32 n, ref *args)
{
	for (u32 k = 0; k < n; k++)
		args[k] = lower_get(l, k + 1);
}

ref lower_extend(struct lower *l, ref v, struct fe_reg r)
{
	if (r.size == 8)
		return v;
	v = lower_trunc(l, v);
	if (r.size < 4) {
		static const u8 op[2][2] = {
			{OP_ZX8, OP_ZX16}, {OP_SX8, OP_SX16}};

		v = lower_op(l, op[r.sign][r.size / 2], TY_I32, v, (ref){0});
	}
	return lower_op(l, r.sign ? OP_SEXT : OP_ZEXT, TY_I64, v, (ref){0});
}

/* What r1..r5 hold behind a call is lost; types refuse to read it. */
void lower_lose_registers(struct lower *l)
{
	for (u32 r = 1; r <= 5; r++)
		lower_set(l, r, lower_imm(l, 0));
}

static struct call call_of(
	const struct fe_call *c, enum call_kind kind, u32 sym)
{
	struct call out = {.kind = (u8)kind,
		.sym = sym,
		.nargs = c->nargs,
		.effects = c->effects};

	for (u32 k = 0; k < c->nargs; k++)
		out.arg[k] = c->arg[k];
	return out;
}

/* A call that is not made: NULL where it would return a pointer. */
static ref failure(struct lower *l, const struct fe_call *c)
{
	return lower_imm(
		l, c->to.helper->ret == HRET_NUM ? (u64) - (i64)EINVAL : 0);
}

static ref call_helper(struct lower *l, const struct fe_call *c)
{
	struct call call = call_of(c, CALL_HELPER, c->sym);
	ref args[5];

	args_of(l, c->nargs, args);
	for (u32 k = 0; k < c->nargs; k++)
		if (c->to.helper->arg[k] == HARG_REDIR)
			args[k] = lower_op(l, OP_ADD, TY_I64,
				ir_param(l->f, c->redir - 1u),
				lower_imm(l, c->redir_at));
	if (c->callback) /* the version for these contexts */
		args[c->callback_arg] =
			ir_sym(l->f, l->m->func.v[c->callback - 1].sym, 0);
	return ir_call(l->f, l->blk, &call, TY_I64, args, c->nargs);
}

static ref call_func(struct lower *l, const struct fe_call *c)
{
	const struct func *f = &l->m->func.v[c->to.func];
	struct call call =
		call_of(c, CALL_FN, f->body_sym ? f->body_sym : f->sym);
	ref args[5];

	args_of(l, c->nargs, args);
	return ir_call(l->f, l->blk, &call, TY_I64, args, c->nargs);
}

static ref call_extern(
	struct lower *l, const struct insn *i, const struct fe_call *c)
{
	struct call call = call_of(c, CALL_EXTERN, i->sym);
	ref args[5], r;

	if (c->proto.builtin.kind)
		return lower_builtin(l, c);
	args_of(l, c->nargs, args);
	for (u32 k = 0; k < c->nargs; k++)
		args[k] = lower_extend(l, args[k], c->proto.arg[k]);
	r = ir_call(l->f, l->blk, &call, TY_I64, args, c->nargs);
	return c->proto.returns ? lower_extend(l, r, c->proto.ret)
				: lower_imm(l, 0);
}

static ref call_pointer(
	struct lower *l, const struct insn *i, const struct fe_call *c)
{
	struct call call = call_of(c, CALL_PTR, SYM_NONE);
	ref args[6];

	args[0] = lower_get(l, i->dst);
	args_of(l, c->nargs, args + 1);
	return ir_call(l->f, l->blk, &call, TY_I64, args, c->nargs + 1u);
}

void lower_call(struct lower *l, const struct insn *i)
{
	const struct fe_use *u = &l->fe->use[l->slot];
	const struct fe_call *c = &l->fe->calls.v[u->call - 1];
	ref r;

	if (makes_tail_call(c)) {
		lower_tail_call(l, c);
		return;
	}
	if (!c->left_out && lower_can_inline(l, c)) {
		lower_lookup(l, c);
		return;
	}
	if (!c->left_out && lower_can_ask(c)) {
		lower_ask(l, c);
		return;
	}
	switch (c->to.to) {
	case TO_HELPER:
		r = c->left_out ? failure(l, c) : call_helper(l, c);
		break;
	case TO_FUNC: r = call_func(l, c); break;
	case TO_EXTERN: r = call_extern(l, i, c); break;
	case TO_POINTER: r = call_pointer(l, i, c); break;
	default: unreachable();
	}
	lower_set(l, 0, r);
	lower_lose_registers(l);
}
