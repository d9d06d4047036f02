/*
 * Narrowing: 64-bit operations of which only the low 32 bits matter become
 * 32-bit ones. Code for BPF without 32-bit instructions computes in 64 bits
 * and cuts off at the end; in 32 bits its rotates show, and code is shorter.
 *
 * Which values need their upper half is a property of their users; it is
 * computed optimistically, so that a loop of values that only feed each other
 * and 32-bit users is narrowed as a whole. Then each value that can do without
 * changes its type in place; operands get a TRUNC, other users a ZEXT.
 * Starts and ends with valid SSA; touches no memory operation but the type of
 * the stored value. Linear.
 */
#include <assert.h>

#include "ir/ir.h"

struct narrow {
	struct fn *f;
	struct arena *a;
	u8 *wide;   /* by ref: the upper half is needed */
	u8 *narrow; /* by ref: has been or will be made I32 */
	u32 nold;
	vec(u32) work;
};

/* ---- who needs the upper half -------------------------------------------- */

static bool is_low_const(const struct fn *f, ref r, u64 max)
{
	i64 c;

	return ir_is_const(f, r, &c) && (u64)c <= max;
}

static bool shifts_out_upper(const struct fn *f, ref count)
{
	i64 c;

	return ir_is_const(f, count, &c) && (c & 63) >= 32;
}

/* Operations whose low half depends on the low halves of arguments alone. */
static bool is_modular(const struct fn *f, const struct ins *i)
{
	switch (i->op) {
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
	case OP_NEG:
	case OP_PHI: return true;
	case OP_ZX8:
	case OP_ZX16:
	case OP_SX8:
	case OP_SX16: return true;
	case OP_SHL: return is_low_const(f, i->arg[1], 31);
	default: return false;
	}
}

/* Does i need the upper half of argument k, given that its own one is (not)
 * needed? */
static bool needs(const struct narrow *n, u32 v, u32 k)
{
	const struct fn *f = n->f;
	const struct ins *i = &f->ins[v];

	switch (i->op) {
	case OP_TRUNC:
	case OP_ZX8:
	case OP_ZX16:
	case OP_SX8:
	case OP_SX16: return false;
	case OP_STORE: return k == 0 || i->size == 8;
	case OP_SHL:
		if (k == 0 && shifts_out_upper(f, i->arg[1]))
			return false;
		return !is_modular(f, i) || n->wide[v];
	case OP_AND:
		if (k == 0 && is_low_const(f, i->arg[1], UINT32_MAX))
			return false;
		return n->wide[v];
	default: return !is_modular(f, i) || n->wide[v];
	}
}

static void need(struct narrow *n, u32 v)
{
	if (n->wide[v] || n->f->ins[v].type != TY_I64)
		return;
	n->wide[v] = 1;
	*vec_push(n->a, &n->work) = v;
}

static void need_args(struct narrow *n, u32 v)
{
	u32 nargs;
	const ref *arg = ir_args(n->f, &n->f->ins[v], &nargs);

	for (u32 k = 0; k < nargs; k++)
		if (needs(n, v, k))
			need(n, arg[k].v);
}

static void analyse(struct narrow *n)
{
	struct fn *f = n->f;

	for (u32 i = 1; i < f->nins; i++)
		need_args(n, i);
	while (n->work.n)
		need_args(n, n->work.v[--n->work.n]);
	for (u32 i = 1; i < f->nins; i++)
		n->narrow[i] = f->ins[i].type == TY_I64 && !n->wide[i] &&
			       is_modular(f, &f->ins[i]);
}

/* A load of 4 bytes whose sign nobody needs is one that others can share. */
static void drop_sign(const struct narrow *n, u32 v)
{
	struct ins *i = &n->f->ins[v];

	if (i->op == OP_LOAD && i->size == 4 && i->type == TY_I64 &&
		!n->wide[v])
		i->mem &= (u8)~MEM_SX;
}

/* ---- rewriting ----------------------------------------------------------- */

static bool is_narrow(const struct narrow *n, ref r)
{
	return r.v < n->nold && n->narrow[r.v];
}

/* The low half of r, for use in front of `at`. */
static ref low(struct narrow *n, ref r, u32 at)
{
	const struct ins *i = ir_ins(n->f, r);

	if (is_narrow(n, r))
		return r;
	if (i->op == OP_CONST)
		return ir_const(n->f, TY_I32, i->imm);
	if (i->op == OP_ZEXT || i->op == OP_SEXT)
		return i->arg[0];
	return ir_add_before(n->f, at, OP_TRUNC, TY_I32, r, (ref){0});
}

static void rewrite_phi(struct narrow *n, u32 v)
{
	struct fn *f = n->f;
	u32 first = f->ins[v].arg[0].v, count = f->ins[v].arg[1].v;
	const struct blk *b = &f->blk[f->ins[v].blk];

	f->ins[v].type = TY_I32;
	for (u32 k = 0; k < count; k++) {
		u32 end = f->blk[b->pred[k]].last;

		f->args.v[first + k] = low(n, f->args.v[first + k], end);
	}
}

static void rewrite(struct narrow *n, u32 v)
{
	struct fn *f = n->f;
	u32 nargs = op_info[f->ins[v].op].nargs;

	if (f->ins[v].op == OP_PHI) {
		rewrite_phi(n, v);
		return;
	}
	f->ins[v].type = TY_I32;
	for (u32 k = 0; k < nargs; k++) {
		ref r = low(n, f->ins[v].arg[k], v);

		f->ins[v].arg[k] = r;
	}
}

/* A user that stays as wide as it is. Arguments of calls and phis are needed
 * whole, so only plain arguments can be narrow. */
static void adapt(struct narrow *n, u32 v)
{
	struct fn *f = n->f;
	u32 nargs = op_info[f->ins[v].op].nargs;

	for (u32 k = 0; nargs != OP_VARARGS && k < nargs; k++) {
		ref r = f->ins[v].arg[k];

		if (!is_narrow(n, r) || f->ins[v].op == OP_STORE)
			continue;
		if (f->ins[v].op == OP_TRUNC) {
			ref zero = ir_const(f, TY_I32, 0);

			f->ins[v].op = OP_OR; /* a copy */
			f->ins[v].arg[1] = zero;
			return;
		}
		r = ir_add_before(f, v, OP_ZEXT, TY_I64, r, (ref){0});
		f->ins[v].arg[k] = r;
	}
}

void pass_narrow(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct narrow n = {.f = f, .a = tmp, .nold = f->nins};

	n.wide = arena_array(tmp, u8, f->nins);
	n.narrow = arena_array(tmp, u8, f->nins);
	analyse(&n);
	ir_each_blk (f, b)
		ir_each_ins (f, b, i) {
			if (i >= n.nold)
				continue;
			drop_sign(&n, i);
			if (n.narrow[i])
				rewrite(&n, i);
			else
				adapt(&n, i);
		}
	arena_release(tmp, m);
}
