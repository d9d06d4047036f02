/*
 * Memory accesses and atomics.
 *
 * Plain accesses have no order. LOADACQ and STOREREL are ldar and stlr.
 * Atomics are loops of exclusive accesses (emit.c), or single instructions
 * where the CPU has LSE; those that fetch are full barriers, as the IR wants
 * them. All of these take an address without an offset.
 */
#include "backend-arm64/a64.h"

static void may_fault(struct sel *s, const struct ins *i)
{
	if (i->mem & MEM_FAULT)
		sel_last(s)->flags |= MINS_FAULT;
}

/* ---- loads --------------------------------------------------------------- */

static void lower_load(struct sel *s, const struct ins *i)
{
	struct a64_addr a = a64_match(s, i->arg[0], i->imm, i->size);
	u8 to = ty_size(i->type);
	bool sx = i->mem & MEM_SX && i->size < to;

	a64_op(s, sx ? A64_M_LDRS : A64_M_LDR, i->size)->cc = to;
	may_fault(s, i);
	sel_d(s, sel_def(s, s->ins));
	a64_m(s, &a);
}

/* ---- stores -------------------------------------------------------------- */

static bool is_zero(const struct sel *s, ref r, u8 size)
{
	i64 v;

	if (!sel_is_const(s, r, size == 8 ? 8 : 4, &v))
		return false;
	return size >= 4 ? v == 0 : !(v & ((1 << size * 8) - 1));
}

static void lower_store(struct sel *s, const struct ins *i)
{
	struct a64_addr a = a64_match(s, i->arg[0], i->imm, i->size);
	ref v = sel_low(s, i->arg[1], i->size);
	bool zero = is_zero(s, v, i->size);
	u32 vv = zero ? 0 : sel_use(s, v);

	a64_op(s, A64_M_STR, i->size)->aux = zero ? A64_MEM_ZR : 0;
	may_fault(s, i);
	if (!zero)
		sel_u(s, vv);
	a64_m(s, &a);
}

/* ---- ordered ------------------------------------------------------------- */

/* The address in a register. */
static u32 address(struct sel *s, const struct ins *i)
{
	u32 base = sel_use(s, i->arg[0]), sum;

	if (!i->imm)
		return base;
	sum = sel_temp(s);
	a64_make_sum(s, base, i->imm, sum);
	return sum;
}

static void lower_loadacq(struct sel *s, const struct ins *i)
{
	u32 base = address(s, i);

	a64_op(s, A64_M_LDAR, i->size);
	may_fault(s, i);
	sel_d(s, sel_def(s, s->ins));
	sel_u(s, base);
}

static void lower_storerel(struct sel *s, const struct ins *i)
{
	u32 base = address(s, i);
	u32 v = sel_use(s, sel_low(s, i->arg[1], i->size));

	a64_op(s, A64_M_STLR, i->size);
	may_fault(s, i);
	sel_u(s, v);
	sel_u(s, base);
}

/* ---- atomics ------------------------------------------------------------- */

static bool has_lse(const struct sel *s)
{
	return s->cg->features & A64_F_LSE;
}

/* Where the old value goes: ATOMIC has no result. */
static u32 old_value(struct sel *s, const struct ins *i)
{
	return i->op == OP_ATOMIC ? sel_temp(s) : sel_def(s, s->ins);
}

static void rmw_loop(struct sel *s, const struct ins *i)
{
	static const u16 op[RMW_COUNT] = {
		[RMW_ADD] = A64_M_XADD,
		[RMW_OR] = A64_M_XOR,
		[RMW_AND] = A64_M_XAND,
		[RMW_XOR] = A64_M_XEOR,
		[RMW_XCHG] = A64_M_XSWP,
	};
	u32 base = address(s, i), v = sel_use(s, i->arg[1]);

	sel_op(s, op[i->cc], i->size)->imm = i->op == OP_FETCH;
	may_fault(s, i);
	sel_early(s, old_value(s, i), PREG_NONE);
	sel_u_late(s, v);
	sel_u_late(s, base);
}

/* There is no and, but ldclr: and with the inverse. */
static u32 inverse(struct sel *s, u32 v, u8 size)
{
	u32 t = sel_temp(s);

	a64_op(s, A64_M_ORN_RR, size)->aux = A64_2_ZR;
	sel_d(s, t);
	sel_u(s, v);
	return t;
}

static void rmw_lse(struct sel *s, const struct ins *i)
{
	static const u16 op[RMW_COUNT] = {
		[RMW_ADD] = A64_M_LDADD,
		[RMW_OR] = A64_M_LDSET,
		[RMW_AND] = A64_M_LDCLR,
		[RMW_XOR] = A64_M_LDEOR,
		[RMW_XCHG] = A64_M_SWP,
	};
	u32 base = address(s, i), v = sel_use(s, i->arg[1]);

	if (i->cc == RMW_AND)
		v = inverse(s, v, i->size);
	sel_op(s, op[i->cc], i->size)->imm = i->op == OP_FETCH;
	may_fault(s, i);
	sel_d(s, old_value(s, i));
	sel_u(s, v);
	sel_u(s, base);
}

static void lower_rmw(struct sel *s, const struct ins *i)
{
	if (has_lse(s))
		rmw_lse(s, i);
	else
		rmw_loop(s, i);
}

static void lower_cmpxchg(struct sel *s, const struct ins *i)
{
	u32 base = address(s, i);
	u32 new = sel_use(s, i->arg[2]);

	if (has_lse(s)) {
		u32 old = sel_fresh(s, i->arg[1]);

		a64_op(s, A64_M_CAS, i->size);
		may_fault(s, i);
		sel_d(s, sel_def(s, s->ins));
		sel_t(s, old);
	} else {
		u32 old = sel_use(s, i->arg[1]);

		a64_op(s, A64_M_XCAS, i->size)->imm = true;
		may_fault(s, i);
		sel_early(s, sel_def(s, s->ins), PREG_NONE);
		sel_u_late(s, old);
	}
	sel_operand(s, new, has_lse(s) ? OPD_USE : OPD_LATE);
	sel_operand(s, base, has_lse(s) ? OPD_USE : OPD_LATE);
}

void a64_lower_memory(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_LOAD: lower_load(s, i); break;
	case OP_STORE: lower_store(s, i); break;
	case OP_LOADACQ: lower_loadacq(s, i); break;
	case OP_STOREREL: lower_storerel(s, i); break;
	case OP_ATOMIC:
	case OP_FETCH: lower_rmw(s, i); break;
	case OP_CMPXCHG: lower_cmpxchg(s, i); break;
	default: unreachable();
	}
}
