/*
 * Memory accesses and atomics.
 *
 * x86-64 is TSO: a plain load is an acquire, a plain store a release, and a
 * locked instruction or xchg with memory is a full fence (Intel SDM volume 3,
 * 9.2.2). So LOADACQ and STOREREL are moves that nothing folds, and what has
 * no locked instruction (fetching and, or, xor) is a cmpxchg loop inside one
 * machine operation.
 */
#include "backend-x86/x86.h"

static void may_fault(struct sel *s, const struct ins *i)
{
	if (i->mem & MEM_FAULT)
		sel_last(s)->flags |= MINS_FAULT;
}

/* ---- loads --------------------------------------------------------------------- */

static void lower_load(struct sel *s, const struct ins *i)
{
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	u8 to = ty_size(i->type);
	bool sx = i->mem & MEM_SX && i->size < to;

	x86_op(s, sx ? X86_MOVSX_RM : X86_MOVZX_RM, i->size)->cc = to;
	may_fault(s, i);
	sel_d(s, sel_def(s, s->ins));
	x86_m(s, &a);
}

/* ---- stores -------------------------------------------------------------------- */

/* r is the load of what store i overwrites, for no other purpose. */
static bool is_same_place(const struct sel *s, ref r, const struct ins *i)
{
	const struct ins *l = sel_root(s, r);

	return sel_can_fold(s, r, i->size) && l->imm == i->imm &&
	       l->region == i->region &&
	       s->val[l->arg[0].v].root == s->val[i->arg[0].v].root;
}

struct rmw_ops {
	enum x86_mop mr, mi;
};

/* Operations whose low bits depend on low bits only. */
static const struct rmw_ops *rmw_ops(u8 op)
{
	static const struct rmw_ops ops[OP_COUNT] = {
		[OP_ADD] = {X86_ADD_MR, X86_ADD_MI},
		[OP_SUB] = {X86_SUB_MR, X86_SUB_MI},
		[OP_AND] = {X86_AND_MR, X86_AND_MI},
		[OP_OR] = {X86_OR_MR, X86_OR_MI},
		[OP_XOR] = {X86_XOR_MR, X86_XOR_MI},
	};

	return ops[op].mr ? &ops[op] : NULL;
}

static void rmw_store(struct sel *s, const struct ins *i,
	const struct rmw_ops *o, ref load, ref y)
{
	struct x86_addr a = x86_fold(s, load);
	i64 v;

	y = sel_low(s, y, i->size);
	if (sel_is_const(s, y, i->size == 8 ? 8 : 4, &v) && fits_i32(v)) {
		x86_op(s, o->mi, i->size)->imm = v;
		x86_m(s, &a);
		return;
	}
	u32 vy = sel_use(s, y);

	x86_op(s, o->mr, i->size);
	sel_u(s, vy);
	x86_m(s, &a);
}

/* *p = op *p */
static bool unary_store(
	struct sel *s, const struct ins *i, const struct ins *op)
{
	i64 v;
	enum x86_mop mop = X86_NEG_M;

	if (op->op == OP_XOR) {
		if (!sel_is_const(s, op->arg[1], ty_size(op->type), &v) ||
			v != -1)
			return false;
		mop = X86_NOT_M;
	} else if (op->op != OP_NEG) {
		return false;
	}
	if (!is_same_place(s, op->arg[0], i))
		return false;
	struct x86_addr a = x86_fold(s, op->arg[0]);

	x86_op(s, mop, i->size);
	x86_m(s, &a);
	return true;
}

/* load, operate, store: one instruction that reads and writes memory. */
static bool read_modify_write(struct sel *s, const struct ins *i, ref v)
{
	u32 root = s->val[v.v].root;
	const struct ins *op = &s->f->ins[root];
	const struct rmw_ops *o = rmw_ops(op->op);

	if (i->mem & MEM_FAULT || op->blk != s->blk || s->val[root].uses != 1 ||
		s->val[root].needed)
		return false;
	/* the root of a zero-extension: 32 bits are not what 64 are stored of */
	if (ty_size(op->type) < i->size)
		return false;
	if (unary_store(s, i, op))
		return true;
	if (!o)
		return false;
	if (is_same_place(s, op->arg[0], i)) {
		rmw_store(s, i, o, op->arg[0], op->arg[1]);
		return true;
	}
	if (!(op_info[op->op].flags & OPF_COMM) ||
		!is_same_place(s, op->arg[1], i))
		return false;
	rmw_store(s, i, o, op->arg[1], op->arg[0]);
	return true;
}

static bool swapped_store(struct sel *s, const struct ins *i, ref v)
{
	const struct ins *b = sel_root(s, v);

	if (!(s->cg->features & X86_F_MOVBE) ||
		!sel_is_private(s, v, OP_BSWAP) ||
		ty_size(b->type) != i->size || s->val[s->val[v.v].root].needed)
		return false;
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	u32 vb = sel_use(s, b->arg[0]);

	x86_op(s, X86_MOVBE_MR, i->size);
	may_fault(s, i);
	sel_u(s, vb);
	x86_m(s, &a);
	return true;
}

static void plain_store(struct sel *s, const struct ins *i, ref v)
{
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	i64 c;

	if (sel_is_const(s, v, i->size == 8 ? 8 : 4, &c) && fits_i32(c)) {
		x86_op(s, X86_MOV_MI, i->size)->imm = c;
	} else {
		u32 vv = sel_use(s, v);

		x86_op(s, X86_MOV_MR, i->size);
		sel_u(s, vv);
	}
	may_fault(s, i);
	x86_m(s, &a);
}

static void lower_store(struct sel *s, const struct ins *i)
{
	ref v = sel_low(s, i->arg[1], i->size);

	if (!read_modify_write(s, i, v) && !swapped_store(s, i, v))
		plain_store(s, i, v);
}

/* ---- atomics ---------------------------------------------------------------------- */

static void exchange(struct sel *s, const struct ins *i, enum x86_mop op)
{
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	u32 v = sel_fresh(s, i->arg[1]);

	x86_op(s, op, i->size);
	may_fault(s, i);
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, v);
	x86_m(s, &a);
}

/* Without a result. STORE has no type, nor has ATOMIC: a temporary takes what
 * an exchange brings. */
static void locked(struct sel *s, const struct ins *i)
{
	static const struct rmw_ops ops[] = {
		[RMW_ADD] = {X86_LADD_MR, X86_LADD_MI},
		[RMW_OR] = {X86_LOR_MR, X86_LOR_MI},
		[RMW_AND] = {X86_LAND_MR, X86_LAND_MI},
		[RMW_XOR] = {X86_LXOR_MR, X86_LXOR_MI},
	};
	struct x86_addr a;
	i64 c;

	if (i->cc == RMW_XCHG) {
		exchange(s, i, X86_XCHG);
		return;
	}
	a = x86_match(s, i->arg[0], i->imm);
	if (sel_is_const(s, i->arg[1], i->size, &c) && fits_i32(c)) {
		x86_op(s, ops[i->cc].mi, i->size)->imm = c;
	} else {
		u32 v = sel_use(s, i->arg[1]);

		x86_op(s, ops[i->cc].mr, i->size);
		sel_u(s, v);
	}
	may_fault(s, i);
	x86_m(s, &a);
}

/* The loop writes RAX and the temporary while it still reads the others. */
static void fetch_loop(struct sel *s, const struct ins *i)
{
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	u32 v = sel_use(s, i->arg[1]);

	x86_op(s,
		i->cc == RMW_OR	   ? X86_FOR
		: i->cc == RMW_AND ? X86_FAND
				   : X86_FXOR,
		i->size);
	may_fault(s, i);
	sel_early(s, sel_def(s, s->ins), X86_RAX);
	sel_early(s, sel_temp(s), PREG_NONE);
	sel_u_late(s, v);
	x86_m_late(s, &a);
}

static void lower_fetch(struct sel *s, const struct ins *i)
{
	if (i->cc == RMW_XCHG)
		exchange(s, i, X86_XCHG);
	else if (!s->val[s->ins].needed)
		locked(s, i);
	else if (i->cc == RMW_ADD)
		exchange(s, i, X86_XADD);
	else
		fetch_loop(s, i);
}

/* On success a 4-byte cmpxchg leaves RAX as it was, upper half included. */
static void lower_cmpxchg(struct sel *s, const struct ins *i)
{
	struct x86_addr a = x86_match(s, i->arg[0], i->imm);
	u32 old = sel_fresh(s, i->arg[1]), new = sel_use(s, i->arg[2]);
	u32 def = sel_def(s, s->ins);
	bool widen = i->size == 4 && i->type == TY_I64;
	u32 out = widen ? sel_temp(s) : def;

	x86_op(s, X86_CMPXCHG, i->size);
	may_fault(s, i);
	sel_d_fixed(s, out, X86_RAX);
	sel_t_fixed(s, old, X86_RAX);
	sel_u(s, new);
	x86_m(s, &a);
	if (!widen)
		return;
	x86_op(s, X86_MOVZX_RR, 4)->cc = 4;
	sel_d(s, def);
	sel_u(s, out);
}

void x86_lower_memory(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_LOADACQ:
	case OP_LOAD: lower_load(s, i); break;
	case OP_STORE: lower_store(s, i); break;
	case OP_STOREREL:
		plain_store(s, i, sel_low(s, i->arg[1], i->size));
		break;
	case OP_ATOMIC: locked(s, i); break;
	case OP_FETCH: lower_fetch(s, i); break;
	case OP_CMPXCHG: lower_cmpxchg(s, i); break;
	default: unreachable();
	}
}
