/*
 * What cannot stay in a register: where a piece is cut, which parts go to
 * memory, and spill slots.
 *
 * A piece that no register holds from end to end is cut
 *   - at the border of the outermost loop that has the conflict in it, so that
 *     the loop competes by its own uses and moves stay outside;
 *   - else where the register that lasts longest is lost.
 * Between the last use before the cut and the first one behind it lies a gap;
 * its borders move out of loops as far as they can. Gaps are tried last: one
 * that finds no register goes from one to the next if that is cheaper than
 * memory, else to memory.
 */
#include <assert.h>
#include <stdlib.h>

#include "ir/ra.h"

/* ---- Cuts ---------------------------------------------------------------- */

/* The innermost loop with pos inside, not at its border. */
static u32 loop_around(const struct ra *ra, u32 pos)
{
	u32 l = pos / 2 < ra->nnum ? ra->loop_of[ra->blk_of[pos / 2]] : 0;

	while (l && !(ra->loop.v[l].from < pos && pos < ra->loop.v[l].to))
		l = ra->loop.v[l].parent;
	return l;
}

/* The border inside p of the outermost loop around pos that p leaves; or 0. */
static u32 loop_border(const struct ra *ra, const struct piece *p, u32 pos)
{
	u32 at = 0;

	for (u32 l = ra->loop_of[ra->blk_of[pos / 2]]; l;
		l = ra->loop.v[l].parent) {
		if (ra->loop.v[l].from > p->from)
			at = ra->loop.v[l].from;
		else if (ra->loop.v[l].to < p->to)
			at = ra->loop.v[l].to;
	}
	return at;
}

/* Where to cut p, all registers being lost at `conflict`: strictly inside. */
static u32 pick_cut(const struct ra *ra, const struct piece *p, u32 conflict)
{
	u32 at = loop_border(ra, p, conflict);

	if (at)
		return at;
	at = ra_boundary_down(ra, conflict);
	if (at > p->from)
		return at;
	/* No register at all: the first use on its own. */
	at = ra_boundary_up(ra, ra->buse[p->u0].pos + 1);
	if (at <= p->from)
		at = ra_boundary_up(ra, p->from + 1);
	if (at < p->to)
		return at;
	return ra_boundary_down(ra, ra->buse[p->u0].pos);
}

/* Behind the last use of p before `cut`, but out of loops. */
static u32 gap_start(const struct ra *ra, const struct piece *p, u32 cut)
{
	u32 u = ra_use_from(ra, p->u0, p->u1, cut);

	if (u == p->u0)
		return p->from;
	u32 at = ra_boundary_up(ra, ra->buse[u - 1].pos + 1);
	for (u32 l = loop_around(ra, at); l; l = ra->loop.v[l].parent) {
		if (ra->loop.v[l].to > cut)
			break;
		at = ra->loop.v[l].to;
	}
	return at < cut ? at : cut;
}

/* Before the first use of p behind `cut`, but out of loops. */
static u32 gap_end(const struct ra *ra, const struct piece *p, u32 cut)
{
	u32 u = ra_use_from(ra, p->u0, p->u1, cut);

	if (u == p->u1)
		return p->to;
	u32 at = ra_boundary_down(ra, ra->buse[u].pos);
	for (u32 l = loop_around(ra, at); l; l = ra->loop.v[l].parent) {
		if (ra->loop.v[l].from < cut)
			break;
		at = ra->loop.v[l].from;
	}
	return at > cut ? at : cut;
}

static void to_memory(struct ra *ra, u32 piece)
{
	assert(ra->buse[ra->piece.v[piece].u0].hard ==
		ra->buse[ra->piece.v[piece].u1].hard);
	ra->piece.v[piece].state = PIECE_MEM;
}

/* Parts whose uses are all content with memory, and that lie within one
 * instruction, gain nothing from a register. */
static void requeue(struct ra *ra, u32 piece)
{
	const struct piece *p = &ra->piece.v[piece];
	bool hard = ra->buse[p->u0].hard != ra->buse[p->u1].hard;

	if (!hard && p->u0 != p->u1 && p->to - p->from <= 2)
		to_memory(ra, piece);
	else
		ra_queue(ra, piece);
}

void ra_split(struct ra *ra, u32 piece, u32 conflict)
{
	const struct piece *p = &ra->piece.v[piece];
	u32 from = p->from, to = p->to;

	if (ra_drop_uses(ra, piece)) {
		ra_queue(ra, piece);
		return;
	}
	if (ra_boundary_up(ra, from + 1) >= to) {
		to_memory(ra, piece);
		return;
	}
	u32 cut = pick_cut(ra, p, conflict);
	assert(from < cut && cut < to);
	u32 start = gap_start(ra, p, cut), end = gap_end(ra, p, cut), gap;

	gap = start > from ? ra_cut(ra, piece, start) : piece;
	if (gap != piece)
		requeue(ra, piece);
	if (end < to && end > ra->piece.v[gap].from)
		requeue(ra, ra_cut(ra, gap, end));
	requeue(ra, gap);
}

/* ---- Gaps ---------------------------------------------------------------- */

enum { MAX_HOPS = 8 };

struct hops {
	u32 cut[MAX_HOPS];
	u8 preg[MAX_HOPS + 1];
	u32 n; /* cuts */
	u64 cost;
};

static u32 longest(const struct ra *ra, const struct piece *p, u8 *preg)
{
	u32 far = p->from;

	for (u32 k = 0; k < ra->nalloc; k++) {
		u8 r = ra->t->alloc_order[k];

		if (!(ra->mask >> r & 1))
			continue;
		u32 at = ra_conflict(ra, p, r);
		if (at > far) {
			far = at;
			*preg = r;
		}
	}
	return far;
}

/* A way for p from register to register that costs no more than limit. */
static bool find_hops(
	const struct ra *ra, const struct piece *p, u64 limit, struct hops *h)
{
	struct piece rest = *p;

	h->n = 0;
	h->cost = 0;
	for (;;) {
		u32 far = longest(ra, &rest, &h->preg[h->n]);

		if (far == rest.to)
			return true;
		u32 at = ra_boundary_down(ra, far);
		if (at <= rest.from || h->n == MAX_HOPS)
			return false;
		h->cut[h->n++] = at;
		h->cost += 3 * ra_freq(ra, at / 2);
		if (h->cost > limit)
			return false;
		rest.from = at;
		rest.call = ra_first_call(ra, &rest);
		while (ra->brange[rest.r0].run_to <= at)
			rest.r0 = ra->brange[rest.r0].run_next;
		if (rest.from < ra->brange[rest.r0].from)
			rest.from = ra->brange[rest.r0].from;
	}
}

static u64 spill_cost(const struct ra *ra, const struct piece *p)
{
	u64 in = ra_freq(ra, p->from / 2), out = ra_freq(ra, (p->to - 1) / 2);

	if (ra->v[ra->brange[p->r0].vreg].remat)
		return 2 * out;
	return 4 * (in + out);
}

void ra_gap(struct ra *ra, u32 piece)
{
	const struct piece *p = &ra->piece.v[piece];
	struct hops h;

	if (!find_hops(ra, p, spill_cost(ra, p), &h)) {
		to_memory(ra, piece);
		return;
	}
	for (u32 k = h.n; k-- > 0;)
		ra_place(ra, ra_cut(ra, piece, h.cut[k]), h.preg[k + 1]);
	ra_place(ra, piece, h.preg[0]);
}

/* ---- Slots --------------------------------------------------------------- */

static void sift(const struct ra *ra, u32 *p, u32 i, u32 n)
{
	u32 top = p[i], from = ra->piece.v[top].from;

	for (u32 c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n &&
			ra->piece.v[p[c + 1]].from > ra->piece.v[p[c]].from)
			c++;
		if (ra->piece.v[p[c]].from <= from)
			break;
		p[i] = p[c];
	}
	p[i] = top;
}

/* By position: heap sort, since a bundle may have very many. */
void ra_sort_pieces(const struct ra *ra, u32 *p, u32 n)
{
	for (u32 k = n / 2; k-- > 0;)
		sift(ra, p, k, n);
	while (n-- > 1) {
		u32 last = p[n];

		p[n] = p[0];
		p[0] = last;
		sift(ra, p, 0, n);
	}
}

struct hull {
	u32 from, to;
	u32 bundle;
};

static int cmp_hull(const void *a, const void *b)
{
	const struct hull *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->bundle < y->bundle ? -1 : 1;
}

static bool needs_slot(const struct ra *ra, const struct bundle *b)
{
	for (u32 k = 0; k < b->npiece; k++) {
		const struct piece *p = &ra->piece.v[ra->order[b->piece + k]];

		if (p->state != PIECE_MEM)
			continue;
		for (u32 r = p->r0; r < p->r1; r++)
			if (!ra->v[ra->brange[r].vreg].remat)
				return true;
	}
	return false;
}

/* Slots in use, the one that ends first on top. */
struct slot_end {
	u32 to, slot;
};

struct slots {
	vec(struct slot_end) heap;
};

static void slot_push(struct ra *ra, struct slots *s, u32 to, u32 slot)
{
	u32 i = s->heap.n;

	vec_push(ra->a, &s->heap);
	while (i && s->heap.v[(i - 1) / 2].to > to) {
		s->heap.v[i] = s->heap.v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap.v[i] = (struct slot_end){to, slot};
}

static void slot_pop(struct slots *s)
{
	struct slot_end *h = s->heap.v, last = h[--s->heap.n];
	u32 i = 0;

	for (u32 c; (c = 2 * i + 1) < s->heap.n; i = c) {
		if (c + 1 < s->heap.n && h[c + 1].to < h[c].to)
			c++;
		if (h[c].to >= last.to)
			break;
		h[i] = h[c];
	}
	h[i] = last;
}

/* One slot for a bundle from end to end, by the order of their starts: as few
 * slots as can be. */
void ra_slots(struct ra *ra)
{
	vec(struct hull) hull = {0};
	struct slots s = {0};

	for (u32 k = 0; k < ra->bundle.n; k++) {
		const struct bundle *b = &ra->bundle.v[k];

		if (needs_slot(ra, b))
			*vec_push(ra->a, &hull) = (struct hull){
				ra->brange[b->range].from,
				ra->brange[b->range + b->nrange - 1].to, k};
	}
	if (hull.n)
		qsort(hull.v, hull.n, sizeof(*hull.v), cmp_hull);
	for (u32 k = 0; k < hull.n; k++) {
		u32 slot = ra->m->nslots;

		if (s.heap.n && s.heap.v[0].to <= hull.v[k].from) {
			slot = s.heap.v[0].slot;
			slot_pop(&s);
		} else {
			ra->m->nslots++;
		}
		slot_push(ra, &s, hull.v[k].to, slot);
		ra->bundle.v[hull.v[k].bundle].slot = slot;
	}
}
