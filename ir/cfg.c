/*
 * The control-flow graph: pruning, orders, dominators, loops. Everything is
 * iterative: a hostile function has 100,000 blocks in one chain.
 *
 * Dominators: T. Lengauer, R. E. Tarjan, "A fast algorithm for finding
 * dominators in a flowgraph", TOPLAS 1979, the simple variant with path
 * compression; loops: natural loops by walking backwards from the latches,
 * inner ones first, each collapsed into its header by union-find.
 */
#include <assert.h>
#include <string.h>

#include "ir/ir.h"

/* ---- depth-first orders -------------------------------------------------- */

struct dfs {
	u32 *vertex; /* pre-order number -> block */
	u32 *parent; /* pre-order number -> that of the parent */
	u32 *num;    /* block -> pre-order number, BLK_NONE: not reached */
	u32 *post;   /* reached blocks in post-order */
	u32 n;
};

static u32 *fill_none(struct arena *a, u32 n)
{
	u32 *p = arena_raw(a, u32, n);

	memset(p, 0xff, n * sizeof(*p));
	return p;
}

/* Visits the last successor first, so that reverse post-order goes on with
 * the first. Cut edges do not count. */
static void dfs_run(const struct fn *f, struct arena *a, struct dfs *d)
{
	u32 *stack = arena_raw(a, u32, f->nblk);
	u8 *left = arena_raw(a, u8, f->nblk);
	u32 sp = 0, npost = 0;

	d->vertex = arena_raw(a, u32, f->nblk);
	d->parent = arena_raw(a, u32, f->nblk);
	d->post = arena_raw(a, u32, f->nblk);
	d->num = fill_none(a, f->nblk);
	d->n = 0;
	d->num[0] = d->n;
	d->vertex[d->n++] = 0;
	left[0] = (u8)f->blk[0].nsucc;
	stack[sp++] = 0;
	while (sp) {
		u32 b = stack[sp - 1];
		const struct blk *blk = &f->blk[b];

		if (!left[b]) {
			d->post[npost++] = b;
			sp--;
			continue;
		}
		u32 k = --left[b];
		u32 s = blk->succ[k];
		if ((blk->cut >> k & 1) || d->num[s] != BLK_NONE)
			continue;
		d->parent[d->n] = d->num[b];
		d->num[s] = d->n;
		d->vertex[d->n++] = s;
		left[s] = (u8)f->blk[s].nsucc;
		stack[sp++] = s;
	}
}

u32 *cfg_rpo(const struct fn *f, struct arena *a, u32 *nlive)
{
	struct dfs d;
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = {0};

	if (a != tmp)
		m = arena_mark(tmp);
	dfs_run(f, tmp, &d);
	u32 *rpo = arena_raw(a, u32, d.n);
	for (u32 k = 0; k < d.n; k++)
		rpo[k] = d.post[d.n - 1 - k];
	*nlive = d.n;
	if (a != tmp)
		arena_release(tmp, m);
	return rpo;
}

/* ---- pruning ------------------------------------------------------------- */

void cfg_cut(struct fn *f, u32 b, u32 succ_index)
{
	assert(succ_index < f->blk[b].nsucc);
	f->blk[b].cut |= (u8)(1u << succ_index);
}

struct prune {
	struct fn *f;
	const u32 *num; /* BLK_NONE: unreachable */
	u8 *seen;	/* per block: how often met in the current pred list */
	u8 *keep;	/* per position of the current pred list */
};

/* Which of p's edges to t this occurrence of p in t's list stands for. */
static u32 edge_index(struct prune *s, u32 p, u32 t)
{
	const struct blk *b = &s->f->blk[p];

	if (b->nsucc == 2 && b->succ[0] == b->succ[1])
		return s->seen[p]++;
	return b->succ[0] == t ? 0 : 1;
}

static bool mark_kept(struct prune *s, u32 t)
{
	const struct blk *b = &s->f->blk[t];
	bool all = true;

	for (u32 k = 0; k < b->npred; k++) {
		u32 p = b->pred[k];
		u32 e = edge_index(s, p, t);

		s->keep[k] =
			s->num[p] != BLK_NONE && !(s->f->blk[p].cut >> e & 1);
		all = all && s->keep[k];
	}
	for (u32 k = 0; k < b->npred; k++)
		s->seen[b->pred[k]] = 0;
	return all;
}

static void drop_preds(struct prune *s, u32 t)
{
	struct fn *f = s->f;
	struct blk *b = &f->blk[t];
	u32 n = 0;

	if (mark_kept(s, t))
		return;
	ir_each_phi (f, t, i) {
		ref *arg = f->args.v + f->ins[i].arg[0].v;
		u32 m = 0;

		for (u32 k = 0; k < b->npred; k++)
			if (s->keep[k])
				arg[m++] = arg[k];
		f->ins[i].arg[1].v = m;
	}
	for (u32 k = 0; k < b->npred; k++)
		if (s->keep[k])
			b->pred[n++] = b->pred[k];
	b->npred = n;
}

static void drop_block(struct fn *f, u32 b)
{
	ir_each_ins (f, b, i)
		ir_remove(f, i);
	f->blk[b].nsucc = f->blk[b].npred = 0;
	f->blk[b].cut = 0;
	f->blk[b].dead = true;
}

static void drop_cut_succ(struct fn *f, u32 b)
{
	struct blk *blk = &f->blk[b];
	struct ins *t = &f->ins[blk->last];

	assert(t->op == OP_BR && blk->cut != 3);
	blk->succ[0] = blk->succ[blk->cut & 1];
	blk->nsucc = 1;
	blk->cut = 0;
	t->op = OP_JMP;
	t->cc = 0;
	t->arg[0].v = t->arg[1].v = 0;
}

static bool is_pruned(const struct fn *f, const struct dfs *d)
{
	ir_each_blk (f, b)
		if (d->num[b] == BLK_NONE || f->blk[b].cut)
			return false;
	return true;
}

void cfg_prune(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct prune s = {.f = f};
	struct dfs d;
	u32 max = 0;

	dfs_run(f, tmp, &d);
	if (is_pruned(f, &d)) {
		arena_release(tmp, m);
		return;
	}
	ir_each_blk (f, b)
		max = f->blk[b].npred > max ? f->blk[b].npred : max;
	s.num = d.num;
	s.seen = arena_array(tmp, u8, f->nblk);
	s.keep = arena_array(tmp, u8, max);
	ir_each_blk (f, b)
		if (d.num[b] != BLK_NONE)
			drop_preds(&s, b);
	ir_each_blk (f, b) {
		if (d.num[b] == BLK_NONE)
			drop_block(f, b);
		else if (f->blk[b].cut)
			drop_cut_succ(f, b);
	}
	arena_release(tmp, m);
}

/* ---- dominators ---------------------------------------------------------- */

/* All by pre-order number. */
struct lt {
	u32 *semi, *dom, *label, *anc;
	u32 *bucket, *next; /* lists of vertices by semidominator */
	u32 *path;
};

/* The vertex with the least semi on the way from v to its tree's root. */
static u32 lt_eval(struct lt *l, u32 v)
{
	u32 n = 0;

	if (l->anc[v] == BLK_NONE)
		return v;
	for (u32 x = v; l->anc[l->anc[x]] != BLK_NONE; x = l->anc[x])
		l->path[n++] = x;
	while (n--) {
		u32 x = l->path[n], up = l->anc[x];

		if (l->semi[l->label[up]] < l->semi[l->label[x]])
			l->label[x] = l->label[up];
		l->anc[x] = l->anc[up];
	}
	return l->label[v];
}

static void lt_vertex(
	const struct fn *f, const struct dfs *d, struct lt *l, u32 w)
{
	const struct blk *b = &f->blk[d->vertex[w]];
	u32 p = d->parent[w];

	for (u32 k = 0; k < b->npred; k++) {
		u32 v = d->num[b->pred[k]];

		if (v == BLK_NONE)
			continue;
		u32 u = lt_eval(l, v);
		if (l->semi[u] < l->semi[w])
			l->semi[w] = l->semi[u];
	}
	l->next[w] = l->bucket[l->semi[w]];
	l->bucket[l->semi[w]] = w;
	l->anc[w] = p;
	for (u32 v = l->bucket[p]; v != BLK_NONE; v = l->next[v]) {
		u32 u = lt_eval(l, v);

		l->dom[v] = l->semi[u] < l->semi[v] ? u : p;
	}
	l->bucket[p] = BLK_NONE;
}

/* dom by pre-order number, as numbers; dom[0] is 0. */
static u32 *lt_run(const struct fn *f, struct arena *a, const struct dfs *d)
{
	struct lt l = {
		.semi = arena_array(a, u32, d->n),
		.dom = arena_array(a, u32, d->n),
		.label = arena_array(a, u32, d->n),
		.next = arena_array(a, u32, d->n),
		.path = arena_array(a, u32, d->n),
		.anc = fill_none(a, d->n),
		.bucket = fill_none(a, d->n),
	};

	for (u32 v = 0; v < d->n; v++)
		l.semi[v] = l.label[v] = v;
	for (u32 w = d->n; --w > 0;)
		lt_vertex(f, d, &l, w);
	for (u32 w = 1; w < d->n; w++)
		if (l.dom[w] != l.semi[w])
			l.dom[w] = l.dom[l.dom[w]];
	return l.dom;
}

/* Intervals of the tree's pre-order; parents come first in rpo. */
static void number_tree(struct dom_tree *t, struct arena *a, u32 nblk)
{
	u32 *size = arena_array(a, u32, nblk);
	u32 *cursor = arena_array(a, u32, nblk);

	for (u32 k = t->nlive; k-- > 0;) {
		u32 b = t->rpo[k];

		size[b]++;
		if (k)
			size[t->idom[b]] += size[b];
	}
	for (u32 k = 0; k < t->nlive; k++) {
		u32 b = t->rpo[k];

		if (k) {
			t->first[b] = cursor[t->idom[b]];
			cursor[t->idom[b]] += size[b];
		}
		cursor[b] = t->first[b] + 1;
		t->last[b] = t->first[b] + size[b] - 1;
	}
}

void cfg_dom_tree(const struct fn *f, struct arena *a, struct dom_tree *t)
{
	struct dfs d;

	dfs_run(f, a, &d);
	u32 *dom = lt_run(f, a, &d);

	t->nlive = d.n;
	t->rpo = arena_array(a, u32, d.n);
	t->order = fill_none(a, f->nblk);
	t->idom = fill_none(a, f->nblk);
	t->first = arena_array(a, u32, f->nblk);
	t->last = arena_array(a, u32, f->nblk);
	for (u32 k = 0; k < d.n; k++) {
		u32 b = d.post[d.n - 1 - k];

		t->rpo[k] = b;
		t->order[b] = k;
		if (k)
			t->idom[b] = d.vertex[dom[d.num[b]]];
	}
	number_tree(t, a, f->nblk);
}

/* ---- loops --------------------------------------------------------------- */

struct loops {
	struct fn *f;
	const u32 *rpo;
	u32 nlive;
	u32 *head;   /* union-find: the outermost loop found so far */
	u32 *parent; /* header -> header of the loop around it */
	u32 *work, nwork;
};

static u32 loop_find(struct loops *l, u32 b)
{
	while (l->head[b] != b) {
		l->head[b] = l->head[l->head[b]];
		b = l->head[b];
	}
	return b;
}

static void loop_push(struct loops *l, u32 b, u32 h)
{
	if (l->f->blk[b].order == BLK_NONE)
		return;
	b = loop_find(l, b);
	if (b == h)
		return;
	/* Joined at once: each block is pushed at most once per level. */
	if (l->f->blk[b].loop == b)
		l->parent[b] = h;
	else
		l->f->blk[b].loop = h;
	l->head[b] = h;
	l->work[l->nwork++] = b;
}

static void loop_of(struct loops *l, u32 h)
{
	struct fn *f = l->f;
	bool is_header = false;

	l->nwork = 0;
	for (u32 k = 0; k < f->blk[h].npred; k++) {
		u32 p = f->blk[h].pred[k];

		if (f->blk[p].order == BLK_NONE || !cfg_dominates(f, h, p))
			continue;
		is_header = true;
		loop_push(l, p, h);
	}
	if (!is_header)
		return;
	f->blk[h].loop = h;
	while (l->nwork) {
		u32 b = l->work[--l->nwork];

		for (u32 k = 0; k < f->blk[b].npred; k++)
			loop_push(l, f->blk[b].pred[k], h);
	}
}

static void find_loops(struct loops *l)
{
	struct fn *f = l->f;

	for (u32 k = l->nlive; k-- > 0;)
		loop_of(l, l->rpo[k]);
	for (u32 k = 0; k < l->nlive; k++) {
		u32 b = l->rpo[k], h = f->blk[b].loop;

		if (h == b) {
			f->blk[b].outer = l->parent[b];
			f->blk[b].depth =
				l->parent[b] == BLK_NONE
					? 1
					: f->blk[l->parent[b]].depth + 1;
		} else {
			f->blk[b].depth = h == BLK_NONE ? 0 : f->blk[h].depth;
		}
	}
}

void cfg_analyse(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct dom_tree t;

	cfg_dom_tree(f, tmp, &t);
	for (u32 b = 0; b < f->nblk; b++) {
		struct blk *blk = &f->blk[b];

		blk->idom = t.idom[b];
		blk->order = t.order[b];
		blk->dom_first = t.first[b];
		blk->dom_last = t.last[b];
		blk->loop = blk->outer = BLK_NONE;
		blk->depth = 0;
	}
	struct loops l = {
		.f = f,
		.rpo = t.rpo,
		.nlive = t.nlive,
		.head = arena_array(tmp, u32, f->nblk),
		.parent = fill_none(tmp, f->nblk),
		.work = arena_array(tmp, u32, f->nblk),
	};
	for (u32 b = 0; b < f->nblk; b++)
		l.head[b] = b;
	find_loops(&l);
	arena_release(tmp, m);
}

bool cfg_dominates(const struct fn *f, u32 a, u32 b)
{
	return f->blk[a].dom_first <= f->blk[b].dom_first &&
	       f->blk[b].dom_first <= f->blk[a].dom_last;
}

bool cfg_is_back_edge(const struct fn *f, u32 from, u32 to)
{
	return f->blk[to].order <= f->blk[from].order;
}

/* ---- edges --------------------------------------------------------------- */

u32 cfg_split_edge(struct fn *f, u32 b, u32 succ_index)
{
	u32 to = f->blk[b].succ[succ_index];
	u32 mid = ir_blk_new(f);
	u32 skip = succ_index == 1 && f->blk[b].succ[0] == to;
	u32 k = 0;

	while (f->blk[to].pred[k] != b || skip--)
		k++;
	ir_add(f, mid, OP_JMP, TY_NONE, (ref){0}, (ref){0});
	f->blk[mid].nsucc = 1;
	f->blk[mid].succ = arena_array(f->a, u32, 1);
	f->blk[mid].succ[0] = to;
	f->blk[mid].npred = 1;
	f->blk[mid].pred = arena_array(f->a, u32, 1);
	f->blk[mid].pred[0] = b;
	f->blk[to].pred[k] = mid;
	f->blk[b].succ[succ_index] = mid;
	return mid;
}
