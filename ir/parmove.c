/*
 * Parallel moves: a set of moves that all read before any writes, as a row of
 * instructions.
 *
 * Each place is written by at most one move. A move can go when nobody reads
 * its destination any more; what remains are cycles. One of registers alone
 * turns by way of a free register or by SWAPs; one through memory by way of a
 * scratch slot. From slot to slot (two values, never one) it goes by way of a
 * free register; if there is none, one is borrowed and its value waits in
 * another scratch slot. Values that are made anew read nothing and go last.
 */
#include <assert.h>

#include "ir/ra.h"

/* By place: registers, then slots. Zero between two sets. */
struct parmove_tab {
	u32 *writer;  /* 1 + index in mv of the move that writes it */
	u32 *readers; /* moves to come that read it */
	u32 nslots;
	vec(struct move) mv;
	vec(u32) ready;
};

static u32 place_of(u32 loc)
{
	return loc_is_reg(loc) ? loc : RA_NREGS + (loc & ~MREG_SLOT);
}

static void grow_tab(struct ra *ra)
{
	struct parmove_tab *t = ra->tab;

	if (t && t->nslots >= ra->m->nslots)
		return;
	if (!t) {
		t = ra->tab = arena_new(ra->a, struct parmove_tab);
		ra->scratch_slot[0] = ra->scratch_slot[1] = RA_NONE;
	}
	t->nslots = ra->m->nslots + 2;
	t->writer = arena_array(ra->a, u32, RA_NREGS + t->nslots);
	t->readers = arena_array(ra->a, u32, RA_NREGS + t->nslots);
}

/* ---- Single instructions ------------------------------------------------- */

static void out_copy(
	struct ra *ra, u32 dst, u32 src, u8 size, const struct move_place *pl)
{
	ra_out(ra, MOP_COPY, pl)->size = size;
	ra_out_opd(ra, OPD_DEF, dst);
	ra_out_opd(ra, OPD_USE, src);
}

static void out_swap(struct ra *ra, u32 a, u32 b, const struct move_place *pl)
{
	ra_out(ra, MOP_SWAP, pl)->size = 8;
	ra_out_opd(ra, OPD_USE, a);
	ra_out_opd(ra, OPD_USE, b);
	ra->written |= 1ull << a | 1ull << b;
}

static u32 scratch_slot(struct ra *ra, u32 which)
{
	if (ra->scratch_slot[which] == RA_NONE)
		ra->scratch_slot[which] = ra->m->nslots++;
	return MREG_SLOT | ra->scratch_slot[which];
}

static bool is_taken(const struct ra *ra, u8 preg, u32 pos)
{
	struct regmap *map = &ra->map[preg];
	const struct reg_ent *e = regmap_at(map, regmap_find(map, pos));
	const struct fix *f = ra->fix[preg].v;
	u32 lo = 0, n = ra->fix[preg].n, hi = n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (f[mid].to <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (e && e->from <= pos) || (lo < n && f[lo].from <= pos);
}

/* A register that holds nothing here and costs nothing, or PREG_NONE. */
static u8 free_reg(const struct ra *ra, const struct move_place *pl)
{
	for (u32 k = 0; k < ra->nalloc; k++) {
		u8 r = ra->t->alloc_order[k];
		u64 bit = 1ull << r;
		bool costs = (ra->t->callee_saved & bit) &&
			     !((ra->used | ra->written) & bit);

		if ((ra->mask & bit) && !costs && !is_taken(ra, r, pl->p0) &&
			!is_taken(ra, r, pl->p1))
			return r;
	}
	return PREG_NONE;
}

/* A register for one step; *saved says where its value waits, if it has one. */
static u32 borrow_reg(struct ra *ra, const struct move_place *pl, u32 *saved)
{
	u32 r = free_reg(ra, pl);

	*saved = LOC_NONE;
	if (r != PREG_NONE)
		return r;
	r = ra->t->alloc_order[0];
	*saved = scratch_slot(ra, 1);
	out_copy(ra, *saved, r, 8, pl);
	return r;
}

static void return_reg(
	struct ra *ra, u32 r, u32 saved, const struct move_place *pl)
{
	ra->written |= 1ull << r;
	if (saved != LOC_NONE)
		out_copy(ra, r, saved, 8, pl);
}

static void do_copy(
	struct ra *ra, u32 dst, u32 src, u8 size, const struct move_place *pl)
{
	u32 saved;

	if (loc_is_reg(dst))
		ra->written |= 1ull << dst;
	if (loc_is_reg(dst) || loc_is_reg(src)) {
		out_copy(ra, dst, src, size, pl);
		return;
	}
	u32 r = borrow_reg(ra, pl, &saved);
	out_copy(ra, r, src, size, pl);
	out_copy(ra, dst, r, size, pl);
	return_reg(ra, r, saved, pl);
}

static void do_remat(
	struct ra *ra, u32 dst, u32 vreg, const struct move_place *pl)
{
	u32 saved;

	if (loc_is_reg(dst)) {
		ra_remat(ra, vreg, dst, pl);
		return;
	}
	u32 r = borrow_reg(ra, pl, &saved);
	ra_remat(ra, vreg, r, pl);
	out_copy(ra, dst, r, ra->m->vreg.v[vreg].size, pl);
	return_reg(ra, r, saved, pl);
}

/* ---- Cycles -------------------------------------------------------------- */

static u8 move_size(const struct ra *ra, const struct move *mv)
{
	return ra->m->vreg.v[mv->vreg].size;
}

static bool only_regs(const struct parmove_tab *t, u32 first)
{
	u32 at = t->mv.v[first].dst;

	do {
		if (!loc_is_reg(at))
			return false;
		at = t->mv.v[t->writer[place_of(at)] - 1].src;
	} while (at != t->mv.v[first].dst);
	return true;
}

/* a <- b <- c <- a: after swap(a, b) a is right and b has what c wants. */
static void turn_by_swaps(struct ra *ra, u32 first, const struct move_place *pl)
{
	struct parmove_tab *t = ra->tab;
	u32 at = t->mv.v[first].dst;

	for (;;) {
		u32 *w = &t->writer[place_of(at)];
		u32 src = t->mv.v[*w - 1].src;

		*w = 0;
		t->readers[place_of(src)] = 0;
		if (!t->writer[place_of(src)])
			return;
		out_swap(ra, at, src, pl);
		at = src;
	}
}

static void turn_by_scratch(
	struct ra *ra, u32 first, u32 scratch, const struct move_place *pl)
{
	struct parmove_tab *t = ra->tab;
	u32 start = t->mv.v[first].dst, at = start;

	do_copy(ra, scratch, start, 8, pl);
	do {
		u32 *w = &t->writer[place_of(at)];
		const struct move *mv = &t->mv.v[*w - 1];
		u32 src = mv->src;

		*w = 0;
		t->readers[place_of(src)] = 0;
		do_copy(ra, at, src == start ? scratch : src, move_size(ra, mv),
			pl);
		at = src;
	} while (at != start);
}

static void turn(struct ra *ra, u32 first, const struct move_place *pl)
{
	if (!only_regs(ra->tab, first)) {
		turn_by_scratch(ra, first, scratch_slot(ra, 0), pl);
		return;
	}
	u8 r = free_reg(ra, pl);
	if (r == PREG_NONE)
		turn_by_swaps(ra, first, pl);
	else
		turn_by_scratch(ra, first, r, pl);
}

/* ---- All of a set -------------------------------------------------------- */

static void scan_moves(struct ra *ra, u32 list)
{
	struct parmove_tab *t = ra->tab;

	t->mv.n = t->ready.n = 0;
	for (; list; list = ra->move.v[list].next) {
		const struct move *mv = &ra->move.v[list];

		if (mv->dst == mv->src || (mv->store && ra->v[mv->vreg].stored))
			continue;
		assert(mv->dst < LOC_REMAT && mv->src != LOC_NONE);
		u32 *w = &t->writer[place_of(mv->dst)];
		if (*w) { /* a value goes where it also is wanted fixed */
			assert(t->mv.v[*w - 1].src == mv->src);
			continue;
		}
		*vec_push(ra->a, &t->mv) = *mv;
		*w = t->mv.n;
		if (mv->src != LOC_REMAT)
			t->readers[place_of(mv->src)]++;
	}
}

static void do_ready(struct ra *ra, const struct move_place *pl)
{
	struct parmove_tab *t = ra->tab;

	for (u32 k = 0; k < t->mv.n; k++)
		if (t->mv.v[k].src != LOC_REMAT &&
			!t->readers[place_of(t->mv.v[k].dst)])
			*vec_push(ra->a, &t->ready) = k;
	while (t->ready.n) {
		const struct move *mv = &t->mv.v[t->ready.v[--t->ready.n]];
		u32 src = place_of(mv->src);

		do_copy(ra, mv->dst, mv->src, move_size(ra, mv), pl);
		t->writer[place_of(mv->dst)] = 0;
		if (--t->readers[src] || !t->writer[src])
			continue;
		if (t->mv.v[t->writer[src] - 1].src != LOC_REMAT)
			*vec_push(ra->a, &t->ready) = t->writer[src] - 1;
	}
}

void parmove(struct ra *ra, u32 list, const struct move_place *pl)
{
	if (!list)
		return;
	grow_tab(ra);
	struct parmove_tab *t = ra->tab;
	scan_moves(ra, list);
	do_ready(ra, pl);
	for (u32 k = 0; k < t->mv.n; k++)
		if (t->mv.v[k].src != LOC_REMAT &&
			t->writer[place_of(t->mv.v[k].dst)] == k + 1)
			turn(ra, k, pl);
	for (u32 k = 0; k < t->mv.n; k++) {
		const struct move *mv = &t->mv.v[k];

		if (mv->src != LOC_REMAT)
			continue;
		t->writer[place_of(mv->dst)] = 0;
		do_remat(ra, mv->dst, mv->vreg, pl);
	}
}
