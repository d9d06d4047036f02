/*
 * Selection, before its walk: which values are held by whose register, whose
 * upper halves are zero, and who uses what.
 */
#include "ir/select.h"

/* ---- upper halves -------------------------------------------------------- */

static bool arg_zero(const struct sel *s, ref r)
{
	return s->val[r.v].zero_up;
}

/* Bits 32..63 of the register of ins i are zero, if those of phis are what
 * val says. */
static bool zero_up(const struct sel *s, const struct ins *i)
{
	u32 n;
	const ref *arg = ir_args(s->f, i, &n);
	i64 c;

	switch (i->op) {
	case OP_CONST: return i->type == TY_I32 || fits_u32(i->imm);
	case OP_CALL:
	case OP_CALLX:
	case OP_CMPXCHG:
	case OP_SYM:
	case OP_FP:
	case OP_PARAM: return false;
	case OP_TRUNC: return arg_zero(s, arg[0]);
	case OP_PHI:
		for (u32 k = 0; k < n; k++)
			if (!arg_zero(s, arg[k]))
				return false;
		return true;
	case OP_ZEXT:
	case OP_ZX8:
	case OP_ZX16: return true;
	case OP_LOADACQ:
	case OP_LOAD:
		return i->type == TY_I32 || (i->size < 8 && !(i->mem & MEM_SX));
	case OP_AND:
		return i->type == TY_I32 || arg_zero(s, arg[0]) ||
		       arg_zero(s, arg[1]);
	case OP_OR:
	case OP_XOR:
		return i->type == TY_I32 ||
		       (arg_zero(s, arg[0]) && arg_zero(s, arg[1]));
	case OP_SHR:
		return i->type == TY_I32 || arg_zero(s, arg[0]) ||
		       (ir_is_const(s->f, arg[1], &c) && (c & 63) >= 32);
	case OP_SEL:
		return i->type == TY_I32 ||
		       (arg_zero(s, arg[2]) && arg_zero(s, arg[3]));
	default: return i->type == TY_I32;
	}
}

/* Greatest solution: phis start as true and fall; each round is linear and
 * rounds are as many as phis fall one after the other, so they are cut and
 * the least solution of phis taken then. */
static void solve_zero_up(struct sel *s, const u32 *rpo, u32 n)
{
	enum { ROUNDS = 4 };
	bool changed = true;

	for (u32 i = 1; i < s->f->nins; i++)
		s->val[i].zero_up =
			s->f->ins[i].op == OP_PHI || zero_up(s, &s->f->ins[i]);
	for (u32 round = 0; changed; round++) {
		changed = false;
		for (u32 k = 0; k < n; k++)
			ir_each_ins (s->f, rpo[k], i) {
				const struct ins *ins = &s->f->ins[i];
				bool z = zero_up(s, ins);

				if (ins->op == OP_PHI && round >= ROUNDS)
					z = false;
				changed |= z != s->val[i].zero_up;
				s->val[i].zero_up = z;
			}
	}
}

/* ---- registers, uses ----------------------------------------------------- */

static u32 find_root(const struct sel *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	bool alias = ins->op == OP_TRUNC ||
		     (ins->op == OP_ZEXT && arg_zero(s, ins->arg[0]));

	return alias ? s->val[ins->arg[0].v].root : i;
}

static void count_uses(struct sel *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	u32 n;
	const ref *arg = ir_args(s->f, ins, &n);

	for (u32 k = 0; k < n; k++) {
		struct sel_val *v = &s->val[s->val[arg[k].v].root];

		v->uses++;
		v->addrs += op_is_mem((enum op)ins->op) && k == 0;
		if (ins->op == OP_PHI)
			v->needed = true;
	}
}

void sel_prepare(struct sel *s, const u32 *rpo, u32 n)
{
	solve_zero_up(s, rpo, n);
	for (u32 i = 1; i < s->f->nins; i++)
		s->val[i].root = i;
	for (u32 k = 0; k < n; k++)
		ir_each_ins (s->f, rpo[k], i)
			s->val[i].root = find_root(s, i);
	for (u32 k = 0; k < n; k++)
		ir_each_ins (s->f, rpo[k], i) {
			if (s->val[i].root == i)
				count_uses(s, i);
		}
}
