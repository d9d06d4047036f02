/*
 * Jumps: fewer blocks for the same control flow.
 *
 *   1. A branch with one target for both outcomes is a jump, unless a phi
 *      there tells them apart.
 *   2. A block that only jumps on is left out by its predecessors. If its
 *      target has phis, only when they end in jumps themselves: otherwise the
 *      block is where the copies for the phi will go, and a branch must not
 *      reach a phi by two edges in unknown order.
 *   3. A block and its only successor, whose only predecessor it is, become
 *      one; phis of one argument become copies, which fold removes.
 *
 * Phi arguments stay with their edges: lists of predecessors are expanded in
 * place. Linear.
 */
#include <string.h>

#include "ir/ir.h"

struct jumps {
	struct fn *f;
	struct arena *a;
	u8 *empty; /* by block: goes in step 2 */
	u32 *into; /* by block: merged into that one, or itself */
};

/* ---- 1: same targets ----------------------------------------------------- */

/* Where the first and the second edge from b stand in t's predecessors. */
static bool phis_agree(const struct fn *f, u32 b, u32 t)
{
	const struct blk *blk = &f->blk[t];
	u32 k[2], n = 0;

	if (f->ins[blk->first].op != OP_PHI)
		return true;
	for (u32 j = 0; j < blk->npred && n < 2; j++)
		if (blk->pred[j] == b)
			k[n++] = j;
	ir_each_phi (f, t, i) {
		const ref *arg = f->args.v + f->ins[i].arg[0].v;

		if (!ref_eq(arg[k[0]], arg[k[1]]))
			return false;
	}
	return true;
}

static void same_targets(struct fn *f)
{
	bool cut = false;

	ir_each_blk (f, b) {
		const struct blk *blk = &f->blk[b];

		if (blk->nsucc != 2 || blk->succ[0] != blk->succ[1] ||
			!phis_agree(f, b, blk->succ[0]))
			continue;
		cfg_cut(f, b, 1);
		cut = true;
	}
	if (cut)
		cfg_prune(f);
}

/* ---- 2: empty blocks ----------------------------------------------------- */

static bool is_empty(const struct fn *f, u32 b)
{
	const struct blk *blk = &f->blk[b];

	return b != 0 && blk->first == blk->last &&
	       f->ins[blk->last].op == OP_JMP && blk->succ[0] != b;
}

static bool preds_jump(const struct fn *f, u32 b)
{
	const struct blk *blk = &f->blk[b];

	for (u32 k = 0; k < blk->npred; k++)
		if (f->blk[blk->pred[k]].nsucc != 1 ||
			is_empty(f, blk->pred[k]))
			return false;
	return true;
}

static void find_empty(struct jumps *j)
{
	struct fn *f = j->f;

	ir_each_blk (f, b) {
		u32 t = f->blk[b].succ ? f->blk[b].succ[0] : 0;

		if (!is_empty(f, b))
			continue;
		j->empty[b] = f->ins[f->blk[t].first].op != OP_PHI ||
			      preds_jump(f, b);
	}
	/* a ring of empty blocks: its first one met stays */
	u32 *seen = arena_array(j->a, u32, f->nblk);
	ir_each_blk (f, b) {
		u32 s = b;

		while (j->empty[s] && !seen[s]) {
			seen[s] = b + 1;
			s = f->blk[s].succ[0];
		}
		if (j->empty[s] && seen[s] == b + 1)
			j->empty[s] = 0;
	}
}

/* Where the edge to b really goes. Empty blocks' own edges cache it. */
static u32 target(struct jumps *j, u32 b)
{
	while (j->empty[b]) {
		u32 next = j->f->blk[b].succ[0];

		if (j->empty[next])
			j->f->blk[b].succ[0] = j->f->blk[next].succ[0];
		b = next;
	}
	return b;
}

struct expansion {
	vec(u32) pred;
	vec(u32) from; /* index of the old predecessor each stands for */
	vec(u32) work;
};

static void expand(struct jumps *j, u32 t, struct expansion *x)
{
	struct fn *f = j->f;
	const struct blk *blk = &f->blk[t];

	x->pred.n = x->from.n = 0;
	for (u32 k = 0; k < blk->npred; k++) {
		x->work.n = 0;
		*vec_push(j->a, &x->work) = blk->pred[k];
		while (x->work.n) {
			u32 p = x->work.v[--x->work.n];
			const struct blk *e = &f->blk[p];

			if (!j->empty[p]) {
				*vec_push(j->a, &x->pred) = p;
				*vec_push(j->a, &x->from) = k;
				continue;
			}
			for (u32 n = e->npred; n-- > 0;)
				*vec_push(j->a, &x->work) = e->pred[n];
		}
	}
}

static void set_preds(struct jumps *j, u32 t, const struct expansion *x)
{
	struct fn *f = j->f;
	u32 n = x->pred.n, cap = 1;

	while (cap < n)
		cap *= 2; /* as build.c expects it */
	f->blk[t].npred = n;
	f->blk[t].pred = arena_array(f->a, u32, cap);
	memcpy(f->blk[t].pred, x->pred.v, n * sizeof(u32));
	ir_each_phi (f, t, i) {
		u32 old = f->ins[i].arg[0].v, first = f->args.n;

		for (u32 k = 0; k < n; k++) {
			ref r = f->args.v[old + x->from.v[k]];

			*vec_push(f->a, &f->args) = r;
		}
		f->ins[i].arg[0].v = first;
		f->ins[i].arg[1].v = n;
	}
}

static void drop_empty(struct jumps *j)
{
	struct fn *f = j->f;
	struct expansion x = {0};

	find_empty(j);
	ir_each_blk (f, b) {
		const struct blk *blk = &f->blk[b];
		bool any = false;

		for (u32 k = 0; k < blk->npred; k++)
			any |= j->empty[blk->pred[k]];
		if (!any || j->empty[b])
			continue;
		expand(j, b, &x);
		set_preds(j, b, &x);
	}
	ir_each_blk (f, b)
		for (u32 k = 0; !j->empty[b] && k < f->blk[b].nsucc; k++)
			f->blk[b].succ[k] = target(j, f->blk[b].succ[k]);
	ir_each_blk (f, b) {
		if (!j->empty[b])
			continue;
		ir_remove(f, f->blk[b].last);
		f->blk[b].nsucc = f->blk[b].npred = 0;
		f->blk[b].dead = true;
	}
}

/* ---- 3: straight lines --------------------------------------------------- */

static void phi_to_copy(struct fn *f, u32 i)
{
	ref v = f->args.v[f->ins[i].arg[0].v];
	ref zero = ir_const(f, (enum ty)f->ins[i].type, 0);

	f->ins[i].op = OP_OR;
	f->ins[i].arg[0] = v;
	f->ins[i].arg[1] = zero;
}

/* Appends s to b. */
static void merge(struct jumps *j, u32 b, u32 s)
{
	struct fn *f = j->f;
	struct blk *to = &f->blk[b], *from = &f->blk[s];

	ir_remove(f, to->last);
	ir_each_ins (f, s, i) {
		if (f->ins[i].op == OP_PHI)
			phi_to_copy(f, i);
		f->ins[i].blk = b;
	}
	if (to->last) {
		f->ins[to->last].next = from->first;
		f->ins[from->first].prev = to->last;
	} else {
		to->first = from->first;
	}
	to->last = from->last;
	to->nsucc = from->nsucc;
	to->succ = from->succ;
	from->first = from->last = 0;
	from->nsucc = from->npred = 0;
	from->dead = true;
	j->into[s] = b;
}

static u32 merged_into(struct jumps *j, u32 b)
{
	while (j->into[b] != b) {
		j->into[b] = j->into[j->into[b]];
		b = j->into[b];
	}
	return b;
}

static bool is_straight(const struct fn *f, u32 b)
{
	const struct blk *blk = &f->blk[b];

	return blk->nsucc == 1 && blk->succ[0] != b &&
	       f->blk[blk->succ[0]].npred == 1;
}

static void merge_lines(struct jumps *j)
{
	struct fn *f = j->f;

	j->into = arena_array(j->a, u32, f->nblk);
	for (u32 b = 0; b < f->nblk; b++)
		j->into[b] = b;
	ir_each_blk (f, b) {
		/* start at the head of a line, so that nothing moves twice */
		const struct blk *blk = &f->blk[b];

		if (blk->npred == 1 && is_straight(f, blk->pred[0]))
			continue;
		while (is_straight(f, b))
			merge(j, b, f->blk[b].succ[0]);
	}
	ir_each_blk (f, b)
		for (u32 k = 0; k < f->blk[b].npred; k++)
			f->blk[b].pred[k] = merged_into(j, f->blk[b].pred[k]);
}

void pass_jumps(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct jumps j = {.f = f, .a = tmp};

	same_targets(f);
	j.empty = arena_array(tmp, u8, f->nblk);
	drop_empty(&j);
	same_targets(f);
	merge_lines(&j);
	arena_release(tmp, m);
}
