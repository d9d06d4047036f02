/*
 * Block layout: the numbers of the blocks become their order in memory.
 *
 * The compiler that made the BPF code has laid out its blocks with what it
 * knew of their weights, so its order is the rule: blocks keep it, unless one
 * that ends in a jump can have its target right behind it without taking the
 * target away from a block that falls into it. A branch is turned so that its
 * second target is the next block. Dead blocks vanish; nothing else changes.
 */
#include <string.h>

#include "ir/ir.h"

struct layout {
	struct fn *f;
	u32 *order;  /* new number -> block */
	u32 *number; /* block -> new number, BLK_NONE: not placed */
	u32 n;
	u32 first; /* all blocks below are placed */
};

static bool is_free(const struct layout *l, u32 b)
{
	return b < l->f->nblk && !l->f->blk[b].dead && l->number[b] == BLK_NONE;
}

static void place(struct layout *l, u32 b)
{
	l->number[b] = l->n;
	l->order[l->n++] = b;
}

/* The next live block in the old order. */
static u32 following(const struct layout *l, u32 b)
{
	for (b++; b < l->f->nblk && l->f->blk[b].dead; b++)
		;
	return b;
}

static bool has_succ(const struct fn *f, u32 b, u32 s)
{
	const struct blk *blk = &f->blk[b];

	for (u32 k = 0; k < blk->nsucc; k++)
		if (blk->succ[k] == s)
			return true;
	return false;
}

/* An unplaced block stands in front of b and goes on into it. */
static bool is_awaited(const struct layout *l, u32 b)
{
	u32 p = b - 1;

	while (p && l->f->blk[p].dead)
		p--;
	return l->number[p] == BLK_NONE && has_succ(l->f, p, b);
}

/* What should follow b, or BLK_NONE. */
static u32 best_next(const struct layout *l, u32 b)
{
	const struct blk *blk = &l->f->blk[b];
	u32 next = following(l, b);

	if (is_free(l, next) && has_succ(l->f, b, next))
		return next;
	/* the other way of a branch: "no" first */
	for (u32 k = blk->nsucc; k-- > 0;) {
		u32 s = blk->succ[k];

		if (s && is_free(l, s) && !is_awaited(l, s))
			return s;
	}
	return BLK_NONE;
}

static u32 lowest_free(struct layout *l)
{
	while (l->first < l->f->nblk && !is_free(l, l->first))
		l->first++;
	return l->first < l->f->nblk ? l->first : BLK_NONE;
}

/* The second target falls through where it can. */
static void turn_branches(struct layout *l)
{
	struct fn *f = l->f;

	ir_each_blk (f, b) {
		struct blk *blk = &f->blk[b];
		u32 next = l->number[b] + 1;

		if (blk->nsucc != 2 || blk->succ[0] == blk->succ[1] ||
			l->number[blk->succ[0]] != next)
			continue;
		u32 yes = blk->succ[0];
		blk->succ[0] = blk->succ[1];
		blk->succ[1] = yes;
		f->ins[blk->last].cc =
			(u8)cc_not((enum cc)f->ins[blk->last].cc);
	}
}

static void renumber(struct layout *l)
{
	struct fn *f = l->f;
	struct blk *blk = arena_array(f->a, struct blk, l->n);

	for (u32 k = 0; k < l->n; k++) {
		struct blk *b = &blk[k];

		*b = f->blk[l->order[k]];
		for (u32 j = 0; j < b->nsucc; j++)
			b->succ[j] = l->number[b->succ[j]];
		for (u32 j = 0; j < b->npred; j++)
			b->pred[j] = l->number[b->pred[j]];
		for (u32 i = b->first; i; i = f->ins[i].next)
			f->ins[i].blk = k;
	}
	f->blk = blk;
	f->nblk = f->blkcap = l->n;
}

void pass_layout(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct layout l = {.f = f};

	l.order = arena_array(tmp, u32, f->nblk);
	l.number = arena_array(tmp, u32, f->nblk);
	memset(l.number, 0xff, f->nblk * sizeof(u32));
	for (u32 b = 0; b != BLK_NONE;) {
		place(&l, b);
		b = best_next(&l, b);
		if (b == BLK_NONE)
			b = lowest_free(&l);
	}
	turn_branches(&l);
	renumber(&l);
	arena_release(tmp, m);
}
