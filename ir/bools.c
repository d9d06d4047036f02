/*
 * Truth values: a phi that only says which way a branch went becomes the
 * condition as a value.
 *
 *       A: br.eq a, b, J, E          A: v = cmp.eq a, b
 *       E: jmp J                        jmp J
 *       J: phi [A 1], [E 0]          J: v
 *
 * Also with an empty block on both ways, and with 2^k in place of 1. All phis
 * of J must allow it, and there may be two of them at most: more copies are
 * better off behind the branch. Conditional moves of other values are left to
 * the branch as well, which mostly is predicted well.
 */
#include "ir/ir.h"

enum { MAX_PHIS = 2 };

struct bools {
	struct fn *f;
	u32 a;	       /* block that branches */
	u32 join;      /* where both ways meet */
	u32 kept, cut; /* successor indices of a */
	u32 yes, no;   /* predecessor indices of join */
};

/* b is empty, comes from a alone and goes to the join. */
static bool is_arm(const struct fn *f, u32 b, u32 a, u32 join)
{
	const struct blk *blk = &f->blk[b];

	return blk->first == blk->last && f->ins[blk->last].op == OP_JMP &&
	       blk->npred == 1 && blk->pred[0] == a && blk->succ[0] == join;
}

static bool find(struct bools *s, u32 join)
{
	const struct fn *f = s->f;
	const struct blk *j = &f->blk[join];

	if (j->npred != 2 || f->ins[j->first].op != OP_PHI)
		return false;
	u32 p = j->pred[0], q = j->pred[1];
	s->a = is_arm(f, p, q, join) ? q
	       : f->blk[p].npred     ? f->blk[p].pred[0]
				     : 0;
	if (is_arm(f, q, p, join))
		s->a = p;
	const struct blk *a = &f->blk[s->a];
	if (a->nsucc != 2 || a->succ[0] == a->succ[1] || s->a == join)
		return false;
	for (u32 k = 0; k < 2; k++) {
		u32 from = a->succ[k] == join ? s->a : a->succ[k];

		if (from != s->a && !is_arm(f, from, s->a, join))
			return false;
		u32 at = j->pred[0] == from ? 0 : 1;
		if (j->pred[at] != from)
			return false;
		*(k ? &s->no : &s->yes) = at;
	}
	s->join = join;
	/* the direct edge stays, if there is one */
	s->kept = a->succ[1] == join;
	s->cut = !s->kept;
	return true;
}

/* x if the condition holds, else y: as a shifted truth value? */
static bool is_truth(const struct fn *f, ref x, ref y, u32 *shift, bool *negate)
{
	i64 c, d;

	if (!ir_is_const(f, x, &c) || !ir_is_const(f, y, &d))
		return false;
	*negate = c == 0;
	if (*negate)
		c = d;
	else if (d)
		return false;
	if (c <= 0 || (c & (c - 1)))
		return false;
	*shift = (u32)__builtin_ctzll((u64)c);
	return true;
}

static bool phis_allow(const struct bools *s)
{
	const struct fn *f = s->f;
	u32 n = 0, shift;
	bool negate;

	ir_each_phi (f, s->join, i) {
		const ref *arg = f->args.v + f->ins[i].arg[0].v;

		if (ref_eq(arg[0], arg[1]))
			continue;
		if (!is_truth(f, arg[s->yes], arg[s->no], &shift, &negate) ||
			++n > MAX_PHIS)
			return false;
	}
	return true;
}

static ref truth(struct fn *f, u32 at, enum ty t, u32 shift, bool negate)
{
	struct ins br = f->ins[at];
	ref none = {0};
	ref v = ir_add_before(f, at, OP_CMP, TY_I32, br.arg[0], br.arg[1]);

	f->ins[v.v].cc = br.cc ^ negate;
	if (t == TY_I64)
		v = ir_add_before(f, at, OP_ZEXT, t, v, none);
	if (shift)
		v = ir_add_before(f, at, OP_SHL, t, v, ir_const(f, t, shift));
	return v;
}

static void convert(struct bools *s)
{
	struct fn *f = s->f;
	u32 at = f->blk[s->a].last;
	u32 kept = s->kept ? s->no : s->yes;

	ir_each_phi (f, s->join, i) {
		u32 first = f->ins[i].arg[0].v, shift;
		ref yes = f->args.v[first + s->yes];
		ref no = f->args.v[first + s->no];
		bool negate;

		if (ref_eq(yes, no) || !is_truth(f, yes, no, &shift, &negate))
			continue;
		f->args.v[first + kept] =
			truth(f, at, (enum ty)f->ins[i].type, shift, negate);
	}
	cfg_cut(f, s->a, s->cut);
}

void pass_bools(struct fn *f)
{
	struct bools s = {.f = f};
	bool any = false;

	ir_each_blk (f, b) {
		if (!find(&s, b) || f->blk[s.a].cut || !phis_allow(&s))
			continue;
		convert(&s);
		any = true;
	}
	if (any)
		cfg_prune(f);
}
