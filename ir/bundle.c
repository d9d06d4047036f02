/*
 * Coalescing: virtual registers that want to be in one register become one
 * bundle if they never live at the same time. Tied pairs first (they need a
 * move otherwise, always), then phis and copies, those in deep loops first.
 *
 * A bundle's ranges are a linked list by position. Merging walks along both
 * lists from where the last merge into the longer one ended, since neighbours
 * in the code tend to be merged one after the other. The steps of all walks
 * are limited: when the budget is spent, distant merges are left out, which
 * costs moves in functions that nobody writes.
 */
#include <assert.h>

#include "ir/ra.h"

struct node {
	u32 range; /* in ra->range */
	u32 prev, next;
};

struct chain {
	u32 head, tail;
	u32 near; /* where the last merge ended */
	u32 n;
};

struct merger {
	struct ra *ra;
	u32 *parent;	     /* union-find over virtual registers */
	struct chain *chain; /* by root */
	struct node *node;   /* one per range */
	vec(u32) at;	     /* where each node of the shorter chain goes */
	u64 budget;
	u64 limit, steps; /* of the walk under way */
};

enum { NIL = RA_NONE };

static u32 root_of(struct merger *g, u32 v)
{
	while (g->parent[v] != v) {
		g->parent[v] = g->parent[g->parent[v]];
		v = g->parent[v];
	}
	return v;
}

static const struct range *node_range(const struct merger *g, u32 n)
{
	return &g->ra->range.v[g->node[n].range];
}

/* The last node of c that starts before pos, searched from n; or NIL. Stops
 * anywhere when the steps reach their limit. */
static u32 walk_to(struct merger *g, const struct chain *c, u32 n, u32 pos)
{
	while (n != NIL && node_range(g, n)->from >= pos &&
		g->steps++ < g->limit)
		n = g->node[n].prev;
	while (g->steps++ < g->limit) {
		u32 next = n == NIL ? c->head : g->node[n].next;

		if (next == NIL || node_range(g, next)->from >= pos)
			break;
		n = next;
	}
	return n;
}

static u32 start_of(const struct merger *g, const struct chain *c, u32 pos)
{
	if (node_range(g, c->tail)->from < pos)
		return c->tail;
	if (node_range(g, c->head)->from >= pos)
		return NIL;
	return c->near;
}

/* Finds where the nodes of s go in l; false if they overlap or it is far. */
static bool find_places(
	struct merger *g, const struct chain *l, const struct chain *s)
{
	u32 at = start_of(g, l, node_range(g, s->head)->from);

	g->steps = 0;
	g->at.n = 0;
	for (u32 n = s->head; n != NIL; n = g->node[n].next) {
		const struct range *r = node_range(g, n);

		at = walk_to(g, l, at, r->to);
		if (g->steps >= g->limit)
			return false;
		if (at != NIL && node_range(g, at)->to > r->from)
			return false;
		*vec_push(g->ra->a, &g->at) = at;
	}
	return true;
}

static void link_after(struct merger *g, struct chain *c, u32 at, u32 n)
{
	u32 next = at == NIL ? c->head : g->node[at].next;

	g->node[n].prev = at;
	g->node[n].next = next;
	if (at == NIL)
		c->head = n;
	else
		g->node[at].next = n;
	if (next == NIL)
		c->tail = n;
	else
		g->node[next].prev = n;
}

/* Nodes of s that go behind the same node of l follow each other. */
static void splice(struct merger *g, struct chain *l, const struct chain *s)
{
	u32 last_at = NIL, last = NIL, k = 0;

	for (u32 n = s->head, next; n != NIL; n = next, k++) {
		u32 at = g->at.v[k];

		next = g->node[n].next;
		link_after(g, l, last != NIL && at == last_at ? last : at, n);
		last = n;
		last_at = at;
	}
	l->near = last;
	l->n += s->n;
}

static void merge(struct merger *g, u32 v, u32 w)
{
	u32 a = root_of(g, v), b = root_of(g, w);

	if (a == b || !g->chain[a].n || !g->chain[b].n)
		return;
	if (g->chain[a].n < g->chain[b].n) {
		u32 t = a;

		a = b;
		b = t;
	}
	g->limit = 64 + g->budget;
	bool fits = find_places(g, &g->chain[a], &g->chain[b]);
	g->budget -= g->steps < g->budget ? g->steps : g->budget;
	if (!fits)
		return;
	splice(g, &g->chain[a], &g->chain[b]);
	g->parent[b] = a;
}

static void begin(struct merger *g)
{
	const struct ra *ra = g->ra;
	u32 nv = ra->m->vreg.n;

	g->parent = arena_raw(ra->a, u32, nv);
	g->chain = arena_array(ra->a, struct chain, nv);
	g->node = arena_raw(ra->a, struct node, ra->range.n);
	g->budget = 32ull * ra->range.n;
	for (u32 v = 0; v < nv; v++) {
		const struct vinfo *vi = &ra->v[v];
		u32 end = vi->range + vi->nrange;

		g->parent[v] = v;
		if (!vi->nrange)
			continue;
		for (u32 k = vi->range; k < end; k++)
			g->node[k] =
				(struct node){k, k == vi->range ? NIL : k - 1,
					k + 1 == end ? NIL : k + 1};
		g->chain[v] = (struct chain){
			vi->range, end - 1, vi->range, vi->nrange};
	}
}

/* ---- What is to be merged ------------------------------------------------ */

/* These never fail: the use ends here (live.c saw to it), and in SSA nothing
 * that was tied to it before can live beside the def without the use doing so
 * too. So they know no budget. */
static void merge_ties(struct merger *g)
{
	struct ra *ra = g->ra;
	const struct mfn *m = ra->m;
	u64 budget = g->budget;

	g->budget = UINT64_MAX / 2;
	for (u32 k = 0; k < m->ins.n; k++) {
		const struct mopd *o = mir_opd(m, &m->ins.v[k]);

		for (u32 j = 0; j < m->ins.v[k].nopd; j++) {
			if (!ra_is_tied(ra, &o[j]))
				continue;
			merge(g, o[j].reg, o[o[j].tied - 1].reg);
			assert(root_of(g, o[j].reg) ==
				root_of(g, o[o[j].tied - 1].reg));
		}
	}
	g->budget = budget;
}

/* A wish: phi or copy. By loop depth. */
struct wish {
	u32 a, b;
	u32 next;
};

enum { DEPTHS = 8 };

struct wishes {
	vec(struct wish) w;
	u32 head[DEPTHS], tail[DEPTHS];
};

static void add_wish(
	struct merger *g, struct wishes *s, u32 depth, u32 a, u32 b)
{
	u32 d = depth < DEPTHS ? depth : DEPTHS - 1, n = s->w.n;

	*vec_push(g->ra->a, &s->w) = (struct wish){a, b, NIL};
	if (s->head[d] == NIL)
		s->head[d] = n;
	else
		s->w.v[s->tail[d]].next = n;
	s->tail[d] = n;
}

static void scan_wishes(struct merger *g, struct wishes *s)
{
	const struct mfn *m = g->ra->m;

	for (u32 b = 0; b < m->nblk; b++) {
		const struct mblk *blk = &m->blk[b];

		for (u32 k = 0; k < blk->phi.n; k++)
			for (u32 j = 0; j < blk->npred; j++)
				add_wish(g, s, m->blk[blk->pred[j]].depth,
					blk->phi.v[k].def,
					blk->phi.v[k].src[j]);
		for (u32 k = 0; k < blk->n; k++) {
			const struct mins *i = &m->ins.v[blk->first + k];
			const struct mopd *o = mir_opd(m, i);

			if (i->op == MOP_COPY)
				add_wish(g, s, blk->depth, o[0].reg, o[1].reg);
		}
	}
}

static void merge_wishes(struct merger *g)
{
	struct wishes s = {0};

	for (u32 d = 0; d < DEPTHS; d++)
		s.head[d] = NIL;
	scan_wishes(g, &s);
	for (u32 d = DEPTHS; d-- > 0;)
		for (u32 k = s.head[d]; k != NIL; k = s.w.v[k].next)
			merge(g, s.w.v[k].a, s.w.v[k].b);
}

/* ---- Bundles as arrays --------------------------------------------------- */

struct fill {
	u32 nrange, nuse;
	u32 *cursor; /* by virtual register: uses taken */
};

/* The uses of v before point `to` that are not taken yet. */
static void take_uses(struct ra *ra, struct fill *f, u32 v, u32 to)
{
	const struct vinfo *vi = &ra->v[v];

	while (f->cursor[v] < vi->nuse) {
		const struct use *u = &ra->use[vi->use + f->cursor[v]];

		if (u->pos >= to)
			return;
		ra->buse[f->nuse++] = *u;
		f->cursor[v]++;
	}
}

/* Turns each use's weight into the sum of those before it. */
static void sum_uses(struct use *u, u32 n)
{
	u64 sum = 0;
	u32 hard = 0;

	for (u32 k = 0; k < n; k++) {
		u64 w = u[k].weight;

		u[k].weight = sum;
		u[k].hard = hard;
		sum += w;
		hard += u[k].kind == USE_REG;
	}
	u[n] = (struct use){.weight = sum, .hard = hard};
}

static void find_runs(struct range *r, u32 from, u32 to)
{
	for (u32 k = to; k-- > from;) {
		bool last = k + 1 == to || r[k].to != r[k + 1].from;

		r[k].run_to = last ? r[k].to : r[k + 1].run_to;
		r[k].run_next = last ? k + 1 : r[k + 1].run_next;
	}
}

static void finish(struct merger *g, struct fill *f, u32 root)
{
	struct ra *ra = g->ra;
	struct bundle *b = vec_push(ra->a, &ra->bundle);
	u32 len = 0;

	b->range = f->nrange;
	b->use = f->nuse;
	b->slot = RA_NONE;
	b->preg = PREG_NONE;
	b->piece = RA_NONE;
	for (u32 n = g->chain[root].head; n != NIL; n = g->node[n].next) {
		struct range r = *node_range(g, n);

		ra->v[r.vreg].bundle = ra->bundle.n - 1;
		r.len = len;
		len += r.to - r.from;
		ra->brange[f->nrange++] = r;
		take_uses(ra, f, r.vreg, r.to);
	}
	b->nrange = f->nrange - b->range;
	find_runs(ra->brange, b->range, f->nrange);
	ra->brange[f->nrange++] = (struct range){.len = len};
	b->nuse = f->nuse - b->use;
	sum_uses(&ra->buse[b->use], b->nuse);
	f->nuse++;
}

static void finish_all(struct merger *g)
{
	struct ra *ra = g->ra;
	u32 nv = ra->m->vreg.n, nuse = 0;
	struct fill f = {0};

	for (u32 v = 0; v < nv; v++)
		nuse += ra->v[v].nuse;
	ra->brange = arena_raw(ra->a, struct range, ra->range.n + nv);
	ra->buse = arena_raw(ra->a, struct use, nuse + nv);
	f.cursor = arena_array(ra->a, u32, nv);
	for (u32 v = 0; v < nv; v++)
		if (g->chain[v].n && g->parent[v] == v)
			finish(g, &f, v);
}

void ra_bundles(struct ra *ra)
{
	struct merger g = {.ra = ra};

	begin(&g);
	merge_ties(&g);
	merge_wishes(&g);
	finish_all(&g);
}
