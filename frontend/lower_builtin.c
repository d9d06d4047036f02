/* Functions of the compiler's library (builtin.c) as operations. */
#include "frontend/lower.h"

/* Where argument k points to. */
static struct access access_of(
	const struct lower *l, const struct fe_call *c, u32 k)
{
	return (struct access){.size = c->proto.builtin.size,
		.region = types_region(l->m, c->type[k])};
}

static ref value(struct lower *l, const struct fe_call *c, u32 k)
{
	ref v = lower_get(l, k + 1);

	return c->proto.builtin.size == 4 ? lower_trunc(l, v) : v;
}

static ref constant(struct lower *l, const struct fe_call *c, i64 v)
{
	ref r = lower_imm(l, v);

	return c->proto.builtin.size == 4 ? lower_trunc(l, r) : r;
}

static enum ty type_of(const struct fe_call *c)
{
	return c->proto.builtin.size == 4 ? TY_I32 : TY_I64;
}

static ref widen(struct lower *l, const struct fe_call *c, ref v)
{
	if (c->proto.builtin.size == 8)
		return v;
	return lower_op(
		l, c->proto.ret.sign ? OP_SEXT : OP_ZEXT, TY_I64, v, (ref){0});
}

static ref fetch(struct lower *l, const struct fe_call *c, enum rmw rmw, ref v)
{
	struct access a = access_of(l, c, 0);
	ref arg[2] = {lower_address(l, 1, &a), v};
	ref r = ir_mem(l->f, l->blk, OP_FETCH, type_of(c), arg, &a);

	ir_ins(l->f, r)->cc = rmw;
	return r;
}

/* The old value, or the new one. */
static ref fetch_op(struct lower *l, const struct fe_call *c, bool is_new)
{
	static const struct {
		u8 rmw, op;
	} ops[] = {
		[BUILTIN_ADD] = {RMW_ADD, OP_ADD},
		[BUILTIN_SUB] = {RMW_ADD, OP_ADD}, /* of the negative */
		[BUILTIN_OR] = {RMW_OR, OP_OR},
		[BUILTIN_AND] = {RMW_AND, OP_AND},
		[BUILTIN_XOR] = {RMW_XOR, OP_XOR},
	};
	u8 op = c->proto.builtin.op;
	ref v = value(l, c, 1);

	if (op == BUILTIN_SUB)
		v = lower_op(l, OP_SUB, type_of(c), constant(l, c, 0), v);
	ref old = fetch(l, c, ops[op].rmw, v);
	return is_new ? lower_op(l, ops[op].op, type_of(c), old, v) : old;
}

static ref swap(struct lower *l, const struct fe_call *c, ref expected)
{
	struct access a = access_of(l, c, 0);
	ref arg[3] = {lower_address(l, 1, &a), expected, value(l, c, 2)};

	return ir_mem(l->f, l->blk, OP_CMPXCHG, type_of(c), arg, &a);
}

static ref is_equal(struct lower *l, ref a, ref b)
{
	struct ins cmp = {.op = OP_CMP,
		.type = TY_I32,
		.cc = CC_EQ,
		.insn = l->f->insn,
		.arg = {a, b}};
	ref r = ir_add_like(l->f, l->blk, &cmp);

	return lower_op(l, OP_ZEXT, TY_I64, r, (ref){0});
}

/* What was expected is behind a pointer and becomes what was found. C leaves
 * it alone if they are equal; then this writes what is there. */
static ref swap_by_pointer(struct lower *l, const struct fe_call *c)
{
	struct access a = access_of(l, c, 1);
	ref p = lower_address(l, 2, &a);
	ref expected = ir_load(l->f, l->blk, type_of(c), p, &a);
	ref found = swap(l, c, expected);

	ir_store(l->f, l->blk, p, found, &a);
	return is_equal(l, found, expected);
}

static ref load(struct lower *l, const struct fe_call *c)
{
	struct access a = access_of(l, c, 0);
	ref p = lower_address(l, 1, &a);

	return ir_mem(l->f, l->blk, OP_LOADACQ, type_of(c), &p, &a);
}

static ref store(struct lower *l, const struct fe_call *c)
{
	struct access a = access_of(l, c, 0);
	ref arg[2] = {lower_address(l, 1, &a), value(l, c, 1)};

	ir_mem(l->f, l->blk, OP_STOREREL, TY_NONE, arg, &a);
	return lower_imm(l, 0);
}

static ref number(struct lower *l, const struct fe_call *c, enum op op)
{
	ref b = c->nargs > 1 ? value(l, c, 1) : (ref){0};

	return lower_op(l, op, type_of(c), value(l, c, 0), b);
}

ref lower_builtin(struct lower *l, const struct fe_call *c)
{
	switch (c->proto.builtin.kind) {
	case BUILTIN_OLD: return widen(l, c, fetch_op(l, c, false));
	case BUILTIN_NEW: return widen(l, c, fetch_op(l, c, true));
	case BUILTIN_XCHG:
		return widen(l, c, fetch(l, c, RMW_XCHG, value(l, c, 1)));
	case BUILTIN_CAS: return widen(l, c, swap(l, c, value(l, c, 1)));
	case BUILTIN_CAS_BOOL: {
		ref expected = value(l, c, 1);

		return is_equal(l, swap(l, c, expected), expected);
	}
	case BUILTIN_CAS_PTR: return swap_by_pointer(l, c);
	case BUILTIN_LOAD: return widen(l, c, load(l, c));
	case BUILTIN_STORE: return store(l, c);
	case BUILTIN_DIV: return widen(l, c, number(l, c, OP_SDIV));
	case BUILTIN_MOD: return widen(l, c, number(l, c, OP_SMOD));
	case BUILTIN_UDIV: return widen(l, c, number(l, c, OP_UDIV));
	case BUILTIN_UMOD: return widen(l, c, number(l, c, OP_UMOD));
	case BUILTIN_BSWAP: return widen(l, c, number(l, c, OP_BSWAP));
	default: unreachable();
	}
}
