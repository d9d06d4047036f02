/*
 * The moves that an allocation needs, as sets of parallel moves:
 *   - at a boundary: values that change place there, fixed operands, tied uses
 *     that live on, stores behind definitions;
 *   - on an edge: phis, and values that are elsewhere at its two ends. At the
 *     end of the predecessor if it has no other successor, at the start of the
 *     successor if it has no other predecessor, else in a block of their own.
 *
 * A value may go to its slot from several places; where that costs more than
 * one store behind the definition, the slot is written there: it belongs to the
 * value for its whole life, and SSA values do not change.
 */
#include "ir/ra.h"

/* ---- Places ---- */

static u32 piece_loc(const struct ra *ra, const struct piece *p, u32 vreg)
{
	if (p->state == PIECE_REG)
		return p->preg;
	if (ra->v[vreg].remat)
		return LOC_REMAT;
	return MREG_SLOT | ra->bundle.v[p->bundle].slot;
}

static bool has_pos(const struct piece *p, u32 pos)
{
	return p->from <= pos && pos < p->to;
}

/* The piece that holds pos, or the last one before it. Most searches are for
 * places next to each other. */
static const struct piece *piece_at(
	const struct ra *ra, struct bundle *b, u32 pos)
{
	const struct piece *near = &ra->piece.v[ra->order[b->near]];

	if (b->npiece == 1 || has_pos(near, pos))
		return near;
	u32 lo = b->piece, hi = lo + b->npiece;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (ra->piece.v[ra->order[mid]].from <= pos)
			lo = mid;
		else
			hi = mid;
	}
	b->near = lo;
	return &ra->piece.v[ra->order[lo]];
}

u32 ra_loc(const struct ra *ra, u32 vreg, u32 pos)
{
	if (ra->v[vreg].bundle == RA_NONE)
		return LOC_NONE;
	struct bundle *b = &ra->bundle.v[ra->v[vreg].bundle];

	return piece_loc(ra, piece_at(ra, b, pos), vreg);
}

/* Where vreg is when the boundary before num is reached. */
static u32 loc_before(const struct ra *ra, u32 vreg, u32 num)
{
	const struct vinfo *vi = &ra->v[vreg];

	if (vi->def + 1 == num && vi->def_preg != PREG_NONE)
		return vi->def_preg;
	return ra_loc(ra, vreg, 2 * num - 1);
}

static bool live_in(const struct ra *ra, u32 vreg, u32 pos)
{
	const struct vinfo *vi = &ra->v[vreg];
	u32 lo = vi->range, hi = lo + vi->nrange;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (ra->range.v[mid].to <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < vi->range + vi->nrange && ra->range.v[lo].from <= pos;
}

static struct move *add_move(
	struct ra *ra, u32 *list, u32 vreg, u32 dst, u32 src)
{
	struct move *mv = vec_push(ra->a, &ra->move);

	*mv = (struct move){.dst = dst, .src = src, .vreg = vreg};
	mv->next = *list;
	*list = ra->move.n - 1;
	return mv;
}

/* A live value changes its place. */
static void add_transition(
	struct ra *ra, u32 *list, u32 num, u32 vreg, u32 dst, u32 src)
{
	if (dst == src || dst == LOC_REMAT)
		return;
	struct move *mv = add_move(ra, list, vreg, dst, src);
	mv->store = loc_is_slot(dst);
	if (mv->store)
		ra->v[vreg].store_cost += ra_freq(ra, num);
}

/* ---- Instructions ---- */

static void move_fixed_use(struct ra *ra, u32 num, const struct mopd *o)
{
	u32 src = loc_before(ra, o->reg, num);

	if (src != o->fixed)
		add_move(ra, &ra->at_boundary[num], o->reg, o->fixed, src);
}

static void move_fixed_def(struct ra *ra, u32 num, const struct mopd *o)
{
	if (!live_in(ra, o->reg, 2 * num + 2))
		return;
	u32 dst = ra_loc(ra, o->reg, 2 * num + 2);
	if (dst != o->fixed)
		add_move(ra, &ra->at_boundary[num + 1], o->reg, dst, o->fixed);
}

static void move_tied(struct ra *ra, u32 num, u32 def, u32 use)
{
	u32 dst = ra_loc(ra, def, 2 * num), src = loc_before(ra, use, num);

	if (dst != src)
		add_move(ra, &ra->at_boundary[num], use, dst, src);
}

static void move_operands(struct ra *ra, u32 num)
{
	const struct mins *i = ra_ins(ra, num);
	const struct mopd *o = mir_opd(ra->m, i);

	for (u32 k = 0; k < i->nopd; k++) {
		if (o[k].fixed != PREG_NONE && !opd_is_def(&o[k]))
			move_fixed_use(ra, num, &o[k]);
		else if (o[k].fixed != PREG_NONE)
			move_fixed_def(ra, num, &o[k]);
		else if (o[k].tied && !ra_is_tied(ra, &o[k]))
			move_tied(ra, num, o[k].reg, o[o[k].tied - 1].reg);
	}
}

/* ---- Values that change place ---- */

/* Between neighbouring pieces of a bundle, within a block. */
static void move_cuts(struct ra *ra, const struct bundle *b)
{
	for (u32 k = 1; k < b->npiece; k++) {
		const u32 *o = &ra->order[b->piece + k];
		const struct piece *p = &ra->piece.v[o[-1]];
		const struct piece *q = &ra->piece.v[o[0]];
		u32 num = q->from / 2;

		if (p->to != q->from || p->r1 - 1 != q->r0 ||
			ra_is_label(ra, num))
			continue;
		u32 v = ra->brange[q->r0].vreg;
		add_transition(ra, &ra->at_boundary[num], num, v,
			piece_loc(ra, q, v), piece_loc(ra, p, v));
	}
}

bool ra_bare_end(const struct ra *ra, u32 b)
{
	for (u32 num = ra_first_term(ra, b); num < ra_end(ra, b); num++)
		if (ra_ins(ra, num)->nopd)
			return false;
	return true;
}

/* The list of moves on the k-th edge into b, and a number there. */
static u32 *edge_list(struct ra *ra, u32 b, u32 k, u32 *num)
{
	const struct mblk *to = &ra->m->blk[b];
	u32 p = to->pred[k];
	const struct mblk *from = &ra->m->blk[p];

	*num = ra_label(ra, p);
	if (from->nsucc == 1 && ra_bare_end(ra, p))
		return &ra->at_end[p];
	*num = ra_label(ra, b);
	if (to->npred == 1)
		return &ra->at_boundary[*num];
	u32 e = ra->edge0[p];
	while (ra->edge_pred[e] != k || from->succ[e - ra->edge0[p]] != b)
		e++;
	if (ra->m->blk[p].depth < to->depth)
		*num = ra_label(ra, p);
	return &ra->at_edge[e];
}

/* p holds v at the start of b. */
static void move_live_in(
	struct ra *ra, struct bundle *own, const struct piece *p, u32 v, u32 b)
{
	const struct mblk *blk = &ra->m->blk[b];
	u32 label = ra_label(ra, b), num;
	u32 dst = piece_loc(ra, p, v);

	if (dst == LOC_REMAT || ra->v[v].def == label)
		return;
	for (u32 k = 0; k < blk->npred; k++) {
		u32 end = 2 * ra_end(ra, blk->pred[k]) - 1, src;

		if (has_pos(p, end))
			continue;
		src = piece_loc(ra, piece_at(ra, own, end), v);
		if (src == dst)
			continue;
		u32 *list = edge_list(ra, b, k, &num);
		add_transition(ra, list, num, v, dst, src);
	}
}

/* Points at and before the start of a block. */
struct start {
	u32 label;
	u32 lo, hi; /* the first and the last end of a predecessor */
};

static struct start *scan_starts(struct ra *ra)
{
	const struct mfn *m = ra->m;
	struct start *s = arena_raw(ra->a, struct start, m->nblk);

	for (u32 b = 0; b < m->nblk; b++) {
		s[b] = (struct start){2 * ra_label(ra, b), UINT32_MAX, 0};
		for (u32 k = 0; k < m->blk[b].npred; k++) {
			u32 end = 2 * ra_end(ra, m->blk[b].pred[k]) - 1;

			s[b].lo = end < s[b].lo ? end : s[b].lo;
			s[b].hi = end > s[b].hi ? end : s[b].hi;
		}
	}
	return s;
}

/* Where pieces of a bundle meet on edges. */
static void move_edges(struct ra *ra, const struct start *at, struct bundle *b)
{
	for (u32 k = 0; k < b->nrange; k++) {
		const struct range r = ra->brange[b->range + k];
		u32 blk = ra->blk_of[r.from / 2];
		const struct piece *p = NULL;

		if (r.from > at[blk].label)
			blk++;
		for (; blk < ra->m->nblk && at[blk].label < r.to; blk++) {
			if (!p || p->to <= at[blk].label)
				p = piece_at(ra, b, at[blk].label);
			if (p->from > at[blk].lo || p->to <= at[blk].hi)
				move_live_in(ra, b, p, r.vreg, blk);
		}
	}
}

static void move_phis(struct ra *ra, u32 b)
{
	const struct mblk *blk = &ra->m->blk[b];
	u32 num;

	for (u32 k = 0; k < blk->phi.n; k++) {
		const struct mphi *phi = &blk->phi.v[k];
		u32 dst = ra_loc(ra, phi->def, 2 * ra_label(ra, b));

		if (dst == LOC_NONE)
			continue;
		for (u32 j = 0; j < blk->npred; j++) {
			u32 end = 2 * ra_end(ra, blk->pred[j]) - 1;
			u32 src = ra_loc(ra, phi->src[j], end);

			if (src != dst)
				add_move(ra, edge_list(ra, b, j, &num),
					phi->src[j], dst, src);
		}
	}
}

/* ---- Stores behind definitions ---- */

static void store_at_def(struct ra *ra, u32 v)
{
	struct vinfo *vi = &ra->v[v];

	if (!vi->store_cost)
		return;
	u32 at = vi->def + 1, src = loc_before(ra, v, at);
	if (loc_is_slot(src)) {
		vi->stored = true;
		return;
	}
	if (vi->def_preg != PREG_NONE && loc_is_slot(ra_loc(ra, v, 2 * at))) {
		vi->stored = true; /* by the move behind its fixed def */
		return;
	}
	if (vi->store_cost <= ra_freq(ra, vi->def))
		return;
	vi->stored = true;
	add_move(ra, &ra->at_boundary[at], v,
		MREG_SLOT | ra->bundle.v[vi->bundle].slot, src);
}

void ra_moves(struct ra *ra)
{
	const struct mfn *m = ra->m;
	const struct start *starts = scan_starts(ra);

	ra->at_boundary = arena_array(ra->a, u32, ra->nnum + 1);
	ra->at_end = arena_array(ra->a, u32, m->nblk);
	ra->at_edge = arena_array(ra->a, u32, ra->edge0[m->nblk]);
	vec_push(ra->a, &ra->move); /* 0 ends a list */
	for (u32 num = 0; num < ra->nnum; num++)
		if (!ra_is_label(ra, num))
			move_operands(ra, num);
	for (u32 k = 0; k < ra->bundle.n; k++) {
		struct bundle *b = &ra->bundle.v[k];

		if (b->npiece < 2)
			continue;
		move_cuts(ra, b);
		move_edges(ra, starts, b);
	}
	for (u32 b = 0; b < m->nblk; b++)
		move_phis(ra, b);
	for (u32 v = 1; v < m->vreg.n; v++)
		store_at_def(ra, v);
}
