/*
 * Register allocation, the middle: bundles, and the pieces that they are cut
 * into, get registers. In the order of a queue, long ones first, since short
 * ones fit into what is left. A piece
 *   1. takes the register it likes best, if who is there can as well be in
 *      another; else a free one;
 *   2. else throws out lighter pieces, which return to the queue;
 *   3. else is cut (spill.c), and its parts return to the queue.
 * Weight is uses by loop depth per length. A piece within one instruction that
 * needs it in a register can not be cut and outweighs all others, so this
 * ends: every cut makes shorter pieces, and between two cuts only lighter
 * pieces are thrown out by heavier ones. Stretches without a use have their
 * turn when all others are placed.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "ir/ra.h"

/* ---- Pieces ---- */

/* The index in r[lo, hi) of the first range that ends behind pos. */
static u32 range_behind(const struct range *r, u32 lo, u32 hi, u32 pos)
{
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (r[mid].to <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

u32 ra_use_from(const struct ra *ra, u32 lo, u32 hi, u32 pos)
{
	const struct use *u = ra->buse;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (u[mid].pos < pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_minimal(const struct ra *ra, const struct piece *p)
{
	if (ra->buse[p->u0].hard == ra->buse[p->u1].hard)
		return false;
	return ra_boundary_up(ra, p->from + 1) >= p->to;
}

static u64 piece_uses(const struct ra *ra, const struct piece *p)
{
	return ra->buse[p->u1].weight - ra->buse[p->u0].weight;
}

/* A stretch without uses saves the way to memory and back. */
static u64 gap_worth(const struct ra *ra, const struct piece *p)
{
	return 3 * (ra_freq(ra, p->from / 2) + ra_freq(ra, (p->to - 1) / 2));
}

/* A stretch of p: touching ranges are one. */
struct stretch {
	u32 k; /* its first range; that of the next one while searching */
	u32 from, to;
};

static bool next_stretch(
	const struct ra *ra, const struct piece *p, u32 *k, struct stretch *s)
{
	if (*k >= p->r1)
		return false;
	const struct range *r = &ra->brange[*k];
	s->k = *k;
	s->from = r->from < p->from ? p->from : r->from;
	s->to = r->run_to > p->to ? p->to : r->run_to;
	*k = r->run_next;
	return true;
}

/* The first point of [from, to) at which a call clobbers, or to. */
static u32 call_in(const struct ra *ra, u32 from, u32 to)
{
	const u32 *call = ra->call.v;
	u32 n = ra->call.n;

	if (!n)
		return to;
	while (n > 1) {
		u32 half = n / 2;

		call = 2 * call[half - 1] + 1 < from ? call + half : call;
		n -= half;
	}
	u32 at = 2 * *call + 1;
	return at < from || at >= to ? to : at;
}

u32 ra_first_call(const struct ra *ra, const struct piece *p)
{
	u32 from = p->from, k = p->r0;

	for (;;) {
		u32 at = call_in(ra, from, p->to);

		if (at == p->to)
			return at;
		k = range_behind(ra->brange, k, p->r1, at);
		if (ra->brange[k].from <= at)
			return at;
		from = ra->brange[k].from;
	}
}

/* Fits from, to and len to the ranges r0..r1, and weighs it. */
static void finish_piece(struct ra *ra, struct piece *p)
{
	const struct range *first = &ra->brange[p->r0];
	const struct range *last = &ra->brange[p->r1 - 1];

	if (p->from < first->from)
		p->from = first->from;
	if (p->to > last->to)
		p->to = last->to;
	p->len = last->len + (p->to - last->from) - first->len -
		 (p->from - first->from);
	p->call = ra_first_call(ra, p);
	p->minimal = is_minimal(ra, p);
	if (p->minimal)
		p->weight = 1e30f * (float)p->len;
	else if (p->u0 == p->u1)
		p->weight = (float)gap_worth(ra, p) / (float)p->len / 16;
	else
		p->weight = (float)piece_uses(ra, p) / (float)p->len;
}

static u32 add_piece(struct ra *ra, const struct piece *p)
{
	struct bundle *b = &ra->bundle.v[p->bundle];
	struct piece *n = vec_push(ra->a, &ra->piece);

	*n = *p;
	n->next = b->piece;
	n->state = PIECE_QUEUED;
	n->seen = false;
	b->piece = ra->piece.n - 1;
	b->npiece++;
	finish_piece(ra, n);
	return b->piece;
}

bool ra_drop_uses(struct ra *ra, u32 piece)
{
	struct piece *p = &ra->piece.v[piece];
	u32 u0 = ra_use_from(ra, p->u0, p->u1, p->from);
	u32 u1 = ra_use_from(ra, u0, p->u1, p->to);

	if (u0 == p->u0 && u1 == p->u1)
		return false;
	p->u0 = u0;
	p->u1 = u1;
	finish_piece(ra, p);
	return true;
}

u32 ra_cut(struct ra *ra, u32 piece, u32 pos)
{
	struct piece *p = &ra->piece.v[piece], right = *p;

	assert(p->from < pos && pos < p->to);
	right.from = pos;
	right.r0 = range_behind(ra->brange, p->r0, p->r1, pos);
	right.u0 = ra_use_from(ra, p->u0, p->u1, pos);
	p->to = pos;
	p->u1 = right.u0;
	p->r1 = right.r0 + (ra->brange[right.r0].from < pos);
	finish_piece(ra, p);
	return add_piece(ra, &right);
}

/* ---- The queue: a heap ---- */

/* Longest first, by powers of two, and those in the order of the code, so that
 * neighbours in the queue look at the same memory. Gaps come last. */
static u64 queue_key(const struct piece *p)
{
	u32 size = p->u0 == p->u1 ? 0 : 32 - (u32)__builtin_clz(p->len);

	return (u64)size << 32 | (UINT32_MAX - p->from);
}

static bool before(const struct queued *a, const struct queued *b)
{
	return a->key != b->key ? a->key > b->key : a->piece < b->piece;
}

void ra_queue(struct ra *ra, u32 piece)
{
	struct queued q = {queue_key(&ra->piece.v[piece]), piece};
	u32 i = ra->heap.n;

	ra->piece.v[piece].state = PIECE_QUEUED;
	vec_push(ra->a, &ra->heap);
	while (i && before(&q, &ra->heap.v[(i - 1) / 2])) {
		ra->heap.v[i] = ra->heap.v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	ra->heap.v[i] = q;
}

static u32 dequeue(struct ra *ra)
{
	struct queued *h = ra->heap.v, last = h[--ra->heap.n];
	u32 top = h[0].piece, i = 0;

	for (;;) {
		u32 c = 2 * i + 1;

		if (c >= ra->heap.n)
			break;
		if (c + 1 < ra->heap.n && before(&h[c + 1], &h[c]))
			c++;
		if (before(&last, &h[c]))
			break;
		h[i] = h[c];
		i = c;
	}
	h[i] = last;
	return top;
}

/* ---- Who is in the way ---- */

/* The first point of s that is reserved in preg for another value, or its
 * end. */
static u32 fix_in(const struct ra *ra, const struct piece *p,
	const struct stretch *s, u8 preg)
{
	const struct fix *f = ra->fix[preg].v;
	u32 n = ra->fix[preg].n;

	if (!n || f[n - 1].to <= s->from)
		return s->to;
	const struct fix *end = f + n;
	while (n > 1) {
		u32 half = n / 2;

		f = f[half - 1].to <= s->from ? f + half : f;
		n -= half;
	}
	for (; f < end && f->from < s->to; f++) {
		u32 at = f->from > s->from ? f->from : s->from;

		if (ra->v[f->owner].bundle != p->bundle)
			return at;
		u32 k = range_behind(ra->brange, s->k, p->r1, at);
		if (ra->brange[k].vreg != f->owner)
			return at;
	}
	return s->to;
}

/* The first point of s where preg is taken by what cannot go away. */
static u32 hard_conflict(const struct ra *ra, const struct piece *p,
	const struct stretch *s, u8 preg)
{
	u32 at = fix_in(ra, p, s, preg);

	if ((ra->t->caller_saved >> preg & 1) && p->call < at &&
		p->call >= s->from)
		return p->call;
	return at;
}

u32 ra_conflict(const struct ra *ra, const struct piece *p, u8 preg)
{
	struct regmap *map = &ra->map[preg];
	struct stretch s;
	u32 k = p->r0;

	while (next_stretch(ra, p, &k, &s)) {
		const struct reg_ent *e =
			regmap_at(map, regmap_find(map, s.from));

		if (e && e->from <= s.from)
			return s.from;
		u32 at = hard_conflict(ra, p, &s, preg);
		if (e && e->from < at)
			at = e->from;
		if (at < s.to)
			return at;
	}
	return p->to;
}

/* ---- Placing ---- */

void ra_place(struct ra *ra, u32 piece, u8 preg)
{
	struct piece *p = &ra->piece.v[piece];
	struct stretch s;
	u32 k = p->r0;

	while (next_stretch(ra, p, &k, &s))
		regmap_add(ra->a, &ra->map[preg],
			&(struct reg_ent){s.from, s.to, piece});
	p->state = PIECE_REG;
	p->preg = preg;
	ra->used |= 1ull << preg;
	ra->bundle.v[p->bundle].preg = preg;
}

static void unplace(struct ra *ra, u32 piece)
{
	struct piece *p = &ra->piece.v[piece];
	struct stretch s;
	u32 k = p->r0;

	while (next_stretch(ra, p, &k, &s))
		regmap_del(&ra->map[p->preg], s.from);
}

/* ---- Choosing ---- */

enum { LOOK = 16 }; /* uses at either end of a piece that may state wishes */

struct wishes {
	float of[RA_NREGS];
	u64 set; /* registers that some are for */
};

static void add_wish(struct wishes *w, u8 preg, float wish)
{
	w->of[preg] += wish;
	w->set |= 1ull << preg;
}

static void add_wishes(const struct ra *ra, u32 u0, u32 u1, struct wishes *w)
{
	for (u32 k = u0; k < u1; k++) {
		const struct use *u = &ra->buse[k];

		if (u->preg != PREG_NONE)
			add_wish(w, u->preg, (float)(u[1].weight - u->weight));
	}
}

static void scan_hints(
	const struct ra *ra, const struct piece *p, struct wishes *w)
{
	const struct bundle *b = &ra->bundle.v[p->bundle];
	u8 like = ra->m->vreg.v[ra->brange[p->r0].vreg].hint;

	if (p->u1 - p->u0 <= 2 * LOOK) {
		add_wishes(ra, p->u0, p->u1, w);
	} else {
		add_wishes(ra, p->u0, p->u0 + LOOK, w);
		add_wishes(ra, p->u1 - LOOK, p->u1, w);
	}
	if (like != PREG_NONE)
		add_wish(w, like, 3);
	if (b->preg != PREG_NONE && b->npiece > 1)
		add_wish(w, b->preg, 3 * (float)ra_freq(ra, p->from / 2));
}

/* What a register costs by itself: one more to save for the caller. */
static float reg_cost(const struct ra *ra, u8 preg)
{
	u64 bit = 1ull << preg;

	if (!(ra->t->callee_saved & bit))
		return 0;
	return ra->used & bit ? 0.5f : 6;
}

static bool is_better(const struct cand *a, const struct cand *b)
{
	return a->score != b->score ? a->score > b->score : a->rank < b->rank;
}

/* Puts c in the i-th place, now free, or before it. */
static void raise(struct choice *ch, u32 i, struct cand c)
{
	for (; i && is_better(&c, &ch->c[i - 1]); i--)
		ch->c[i] = ch->c[i - 1];
	ch->c[i] = c;
}

/* The choice of a piece without wishes. */
static void choose_plain(struct ra *ra, u64 mask)
{
	struct choice *ch = &ra->plain;

	ch->n = 0;
	for (u32 k = 0; k < ra->nalloc; k++) {
		u8 preg = ra->t->alloc_order[k];

		if (mask >> preg & 1)
			raise(ch, ch->n++,
				(struct cand){.preg = preg,
					.rank = (u8)k,
					.score = -reg_cost(ra, preg)});
	}
	ra->plain_mask = mask;
	ra->plain_used = ra->used;
}

static void choose(
	struct ra *ra, const struct piece *p, u64 mask, struct choice *ch)
{
	struct wishes w = {0};

	scan_hints(ra, p, &w);
	if (ra->plain_mask != mask || ra->plain_used != ra->used)
		choose_plain(ra, mask);
	*ch = ra->plain;
	for (w.set &= mask; w.set; w.set &= w.set - 1) {
		u8 preg = (u8)__builtin_ctzll(w.set);
		u32 i = 0;

		while (i < ch->n && ch->c[i].preg != preg)
			i++;
		if (i == ch->n)
			continue; /* never given to a piece */
		struct cand c = ch->c[i];
		c.wish = w.of[preg];
		c.score += c.wish;
		raise(ch, i, c);
	}
}

/* Places p if one is free; else *far is how long p could be in one. */
static bool try_free(
	struct ra *ra, u32 piece, const struct choice *ch, u32 *far)
{
	const struct piece *p = &ra->piece.v[piece];

	*far = p->from;
	for (u32 k = 0; k < ch->n; k++) {
		if (p->call <= *far &&
			(ra->t->caller_saved >> ch->c[k].preg & 1))
			continue;
		u32 at = ra_conflict(ra, p, ch->c[k].preg);

		if (at == p->to) {
			ra_place(ra, piece, ch->c[k].preg);
			return true;
		}
		if (at > *far)
			*far = at;
	}
	return false;
}

enum { MAX_EVICT = 64 };

struct victims {
	u32 v[MAX_EVICT];
	u32 n;
	float weight; /* the heaviest one's */
};

static bool add_victim(
	struct ra *ra, struct victims *vs, u32 piece, float limit)
{
	struct piece *p = &ra->piece.v[piece];

	if (p->seen)
		return true;
	if (p->weight >= limit || vs->n == MAX_EVICT)
		return false;
	p->seen = true;
	vs->v[vs->n++] = piece;
	if (p->weight > vs->weight)
		vs->weight = p->weight;
	return true;
}

/* Who would have to leave preg for p; false if one of them is as heavy. */
static bool scan_victims(struct ra *ra, const struct piece *p, u8 preg,
	float limit, struct victims *vs)
{
	struct regmap *map = &ra->map[preg];
	bool ok = true;

	struct stretch s;
	u32 next = p->r0;

	vs->n = 0;
	vs->weight = -1;
	while (ok && next_stretch(ra, p, &next, &s)) {
		struct reg_cur c = regmap_find(map, s.from);
		const struct reg_ent *e;

		while (ok && (e = regmap_at(map, c)) && e->from < s.to) {
			ok = add_victim(ra, vs, e->piece, limit);
			c = regmap_next(map, c);
		}
		ok = ok && hard_conflict(ra, p, &s, preg) == s.to;
	}
	for (u32 k = 0; k < vs->n; k++)
		ra->piece.v[vs->v[k]].seen = false;
	return ok;
}

/* What q loses by leaving preg for a free register, *to; -1: none is free at
 * less than the limit. */
static float leave_cost(
	struct ra *ra, const struct piece *q, u8 preg, float limit, u8 *to)
{
	struct choice ch;
	float here = 0;
	u32 k = 0;

	choose(ra, q, ra->mask, &ch);
	for (; k < ch.n; k++)
		if (ch.c[k].preg == preg)
			here = ch.c[k].score;
	for (k = 0; k < ch.n && here - ch.c[k].score < limit; k++) {
		if (ra_conflict(ra, q, ch.c[k].preg) != q->to)
			continue;
		*to = ch.c[k].preg;
		return here > ch.c[k].score ? here - ch.c[k].score : 0;
	}
	return -1;
}

enum { MAX_MOVED = 3 };

/* The register that p likes best is taken, but by pieces that do not care:
 * they go elsewhere, at once. */
static bool try_recolor(struct ra *ra, u32 piece, const struct choice *ch)
{
	const struct piece *p = &ra->piece.v[piece];
	const struct cand *like = &ch->c[0];
	struct victims vs;
	u8 to[MAX_MOVED];
	float loss = 0;

	if (like->wish <= 0 ||
		!scan_victims(ra, p, like->preg, INFINITY, &vs) ||
		vs.n > MAX_MOVED)
		return false;
	for (u32 k = 0; k < vs.n; k++) {
		float l = leave_cost(ra, &ra->piece.v[vs.v[k]], like->preg,
			like->wish - loss, &to[k]);

		if (l < 0)
			return false;
		loss += l;
	}
	for (u32 k = 0; k < vs.n; k++) {
		unplace(ra, vs.v[k]);
		ra_place(ra, vs.v[k], to[k]);
	}
	ra_place(ra, piece, like->preg);
	return true;
}

static bool try_evict(struct ra *ra, u32 piece, const struct choice *ch)
{
	const struct piece *p = &ra->piece.v[piece];
	struct victims vs, best = {.weight = p->weight};
	u8 preg = PREG_NONE;

	for (u32 k = 0; k < ch->n; k++) {
		if (p->call < p->to &&
			(ra->t->caller_saved >> ch->c[k].preg & 1))
			continue;
		if (!scan_victims(ra, p, ch->c[k].preg, best.weight, &vs))
			continue;
		best = vs;
		preg = ch->c[k].preg;
	}
	if (preg == PREG_NONE)
		return false;
	for (u32 k = 0; k < best.n; k++) {
		unplace(ra, best.v[k]);
		ra_queue(ra, best.v[k]);
	}
	ra_place(ra, piece, preg);
	return true;
}

/* With few registers (stress) an instruction may need more than those. */
static void place_minimal(struct ra *ra, u32 piece)
{
	struct choice ch;
	u32 far;

	choose(ra, &ra->piece.v[piece], ra->t->allocatable, &ch);
	bool ok = try_free(ra, piece, &ch, &far) || try_evict(ra, piece, &ch);
	assert(ok);
	(void)ok;
}

static void allocate(struct ra *ra, u32 piece)
{
	struct choice ch;
	u32 far;

	choose(ra, &ra->piece.v[piece], ra->mask, &ch);
	if (try_recolor(ra, piece, &ch) || try_free(ra, piece, &ch, &far) ||
		try_evict(ra, piece, &ch))
		return;
	if (ra->piece.v[piece].minimal)
		place_minimal(ra, piece);
	else if (ra->piece.v[piece].u0 == ra->piece.v[piece].u1)
		ra_gap(ra, piece);
	else
		ra_split(ra, piece, far);
}

/* ---- All of it ---- */

static void queue_bundles(struct ra *ra)
{
	vec_push(ra->a, &ra->piece)->state = PIECE_GONE;
	for (u32 k = 0; k < ra->bundle.n; k++) {
		const struct bundle *b = &ra->bundle.v[k];
		struct piece p = {
			.bundle = k,
			.to = UINT32_MAX,
			.r0 = b->range,
			.r1 = b->range + b->nrange,
			.u0 = b->use,
			.u1 = b->use + b->nuse,
		};

		ra_queue(ra, add_piece(ra, &p));
	}
}

/* Lists of pieces become stretches of ra->order, by position. */
static void order_pieces(struct ra *ra)
{
	u32 n = 0;

	ra->order = arena_array(ra->a, u32, ra->piece.n);
	for (u32 k = 0; k < ra->bundle.n; k++) {
		struct bundle *b = &ra->bundle.v[k];
		u32 p = b->piece;

		b->piece = b->near = n;
		for (; p != RA_NONE; p = ra->piece.v[p].next)
			ra->order[n++] = p;
		ra_sort_pieces(ra, ra->order + b->piece, b->npiece);
	}
}

static void run(struct mfn *m, const struct target *t, u64 mask)
{
	struct arena *tmp = arena_scratch(m->a);
	struct arena_mark mark = arena_mark(tmp);
	struct ra ra = {.a = tmp, .m = m, .t = t, .mask = mask};

	ra.map = arena_array(tmp, struct regmap, RA_NREGS);
	ra.nalloc = (u32)__builtin_popcountll(t->allocatable);
	assert(ra.nalloc <= countof(ra.plain.c));
	ra_live(&ra);
	ra_bundles(&ra);
	queue_bundles(&ra);
	while (ra.heap.n)
		allocate(&ra, dequeue(&ra));
	order_pieces(&ra);
	ra_slots(&ra);
	ra_moves(&ra);
	ra_rewrite(&ra);
	arena_release(tmp, mark);
}

#ifndef NDEBUG
/* Aborts when the form or the allocation is wrong: then we are. */
static void check(const struct mfn *before, const struct mfn *after,
	const struct target *t)
{
	char buf[200];

	if (!mir_verify(before, after, t, buf, sizeof(buf)))
		return;
	mir_print(stderr, before, t);
	if (after)
		mir_print(stderr, after, t);
	fprintf(stderr, "%s\n", buf);
	abort();
}

void mir_regalloc(struct mfn *m, const struct target *t, u64 mask)
{
	/* in its arena: running out of memory frees nothing else */
	struct mfn *before = mir_clone(m->a, m);

	check(before, NULL, t);
	run(m, t, mask);
	check(before, m, t);
}
#else
void mir_regalloc(struct mfn *m, const struct target *t, u64 mask)
{
	run(m, t, mask);
}
#endif
