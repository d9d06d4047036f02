/*
 * Liveness: where each virtual register is used and over which points it
 * lives; loops as stretches of code; the registers that instructions reserve.
 *
 * Per virtual register, not per block: from each use the search goes up the
 * predecessors until the definition, marks the blocks it sees, and ends with
 * the list of blocks where the value is live. Time and memory are those of the
 * ranges that come out; a value that lives in neighbouring blocks is one range.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ra.h"

/* ---- Numbers and loops ---- */

u32 ra_first_term(const struct ra *ra, u32 b)
{
	u32 num = ra_end(ra, b) - 1;

	while (num - 1 > ra_label(ra, b) &&
		(ra_ins(ra, num - 1)->flags & MINS_TERM))
		num--;
	return num;
}

static bool is_cuttable(const struct ra *ra, u32 num)
{
	u32 label = ra_label(ra, ra->blk_of[num]);

	return num < label + 2 || !(ra_ins(ra, num)->flags & MINS_TERM) ||
	       !(ra_ins(ra, num - 1)->flags & MINS_TERM);
}

u32 ra_boundary_down(const struct ra *ra, u32 pos)
{
	u32 num = pos / 2;

	while (!is_cuttable(ra, num))
		num--;
	return 2 * num;
}

u32 ra_boundary_up(const struct ra *ra, u32 pos)
{
	u32 num = (pos + 1) / 2;

	while (num < ra->nnum && !is_cuttable(ra, num))
		num++;
	return 2 * num;
}

static void number(struct ra *ra)
{
	const struct mfn *m = ra->m;

	ra->nnum = m->ins.n + m->nblk;
	ra->blk_of = arena_array(ra->a, u32, ra->nnum + 1);
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 n = ra_label(ra, b); n < ra_end(ra, b); n++)
			ra->blk_of[n] = b;
}

static void scan_edges(struct ra *ra)
{
	const struct mfn *m = ra->m;

	ra->edge0 = arena_array(ra->a, u32, m->nblk + 1);
	for (u32 b = 0; b < m->nblk; b++)
		ra->edge0[b + 1] = ra->edge0[b] + m->blk[b].nsucc;
	u32 n = ra->edge0[m->nblk];
	ra->edge_pred = arena_array(ra->a, u32, n);
	memset(ra->edge_pred, 0xff, n * sizeof(u32));
	for (u32 s = 0; s < m->nblk; s++) {
		for (u32 k = 0; k < m->blk[s].npred; k++) {
			const struct mblk *p = &m->blk[m->blk[s].pred[k]];
			u32 *e = ra->edge_pred + ra->edge0[p - m->blk], j = 0;

			while (p->succ[j] != s || e[j] != RA_NONE)
				j++;
			e[j] = k;
		}
	}
}

/* The last block that jumps back to each block, or 0. */
static u32 *scan_back_edges(const struct ra *ra)
{
	const struct mfn *m = ra->m;
	u32 *last = arena_array(ra->a, u32, m->nblk);

	for (u32 b = 0; b < m->nblk; b++)
		for (u32 j = 0; j < m->blk[b].nsucc; j++)
			if (m->blk[b].succ[j] <= b)
				last[m->blk[b].succ[j]] = b;
	return last;
}

/* Loops here are stretches of blocks [target, source] of a backward edge, cut
 * so that they nest. They tell where a move is cheap, nothing else. */
static void scan_loops(struct ra *ra)
{
	const struct mfn *m = ra->m;
	u32 *last = scan_back_edges(ra), cur = 0;

	ra->loop_of = arena_array(ra->a, u32, m->nblk);
	vec_push(ra->a, &ra->loop)->to = 2 * ra->nnum;
	for (u32 b = 0; b < m->nblk; b++) {
		u32 from = 2 * ra_label(ra, b);

		while (cur && ra->loop.v[cur].to <= from)
			cur = ra->loop.v[cur].parent;
		if (last[b] || (m->blk[b].npred && b == 0)) {
			u32 to = 2 * ra_end(ra, last[b]);
			struct loop *l = vec_push(ra->a, &ra->loop);

			if (to > ra->loop.v[cur].to)
				to = ra->loop.v[cur].to;
			*l = (struct loop){from, to, cur};
			cur = ra->loop.n - 1;
		}
		ra->loop_of[b] = cur;
	}
}

/* ---- Uses ---- */

/* Fills ra->use, grouped by virtual register. */
struct use_scan {
	struct ra *ra;
	u32 num;
	u64 freq;
};

static void add_use(
	struct use_scan *s, u32 v, u32 pos, u8 kind, u8 preg, u32 cost)
{
	struct vinfo *vi = &s->ra->v[v];
	struct use *u = &s->ra->use[vi->use + vi->nuse++];

	if (vi->remat)
		cost = (cost + 1) / 2;
	u->pos = pos;
	u->kind = kind;
	u->preg = preg;
	u->weight = cost * s->freq;
}

/* A tied pair is in one place, so a slot must suit both. */
static bool slot_ok(const struct mins *i, const struct mopd *o, u32 k)
{
	if (!(o[k].flags & OPDF_SLOT))
		return false;
	if (o[k].tied)
		return o[o[k].tied - 1].flags & OPDF_SLOT;
	for (u32 j = 0; j < i->nopd; j++)
		if (o[j].tied == k + 1)
			return o[j].flags & OPDF_SLOT;
	return true;
}

static u8 use_kind(
	const struct ra *ra, const struct mins *i, const struct mopd *o, u32 k)
{
	if (ra->v[o[k].reg].remat) {
		if (opd_is_def(&o[k]))
			return USE_MOVE;
		return i->op == MOP_COPY ? USE_MOVE : USE_REG;
	}
	if (i->op == MOP_COPY && k == 1)
		return USE_SLOT;
	return slot_ok(i, o, k) ? USE_SLOT : USE_REG;
}

static void add_def(
	struct use_scan *s, const struct mins *i, const struct mopd *o, u32 k)
{
	struct vinfo *vi = &s->ra->v[o[k].reg];
	u32 pos = 2 * s->num + (o[k].role == OPD_DEF);

	vi->def = s->num;
	vi->def_pos = o[k].fixed == PREG_NONE ? pos : 2 * s->num + 2;
	vi->def_preg = o[k].fixed;
	if (o[k].fixed != PREG_NONE)
		add_use(s, o[k].reg, 2 * s->num + 1, USE_MOVE, o[k].fixed, 3);
	else
		add_use(s, o[k].reg, pos, use_kind(s->ra, i, o, k), PREG_NONE,
			s->ra->v[o[k].reg].remat ? 0 : 4);
}

/* In the order of points, so that each register's uses are sorted. */
static void scan_ins_uses(struct use_scan *s, const struct mins *i)
{
	const struct mopd *o = mir_opd(s->ra->m, i);
	u32 pos = 2 * s->num;

	for (u32 k = 0; k < i->nopd; k++)
		if (!opd_is_def(&o[k]) && o[k].fixed != PREG_NONE)
			add_use(s, o[k].reg, pos - 1, USE_MOVE, o[k].fixed, 3);
	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].role == OPD_USE && o[k].fixed == PREG_NONE)
			add_use(s, o[k].reg, pos, use_kind(s->ra, i, o, k),
				PREG_NONE, o[k].flags & OPDF_SLOT ? 3 : 4);
	for (u32 k = 0; k < i->nopd; k++) {
		if (opd_is_def(&o[k]))
			add_def(s, i, o, k);
		else if (o[k].role == OPD_LATE && o[k].fixed == PREG_NONE)
			add_use(s, o[k].reg, pos + 1, use_kind(s->ra, i, o, k),
				PREG_NONE, 4);
	}
}

static void scan_blk_uses(struct use_scan *s, u32 b)
{
	const struct ra *ra = s->ra;
	const struct mblk *blk = &ra->m->blk[b];

	s->num = ra_label(ra, b);
	s->freq = ra_freq(ra, s->num);
	for (u32 k = 0; k < blk->phi.n; k++) {
		ra->v[blk->phi.v[k].def].def = s->num;
		ra->v[blk->phi.v[k].def].def_pos = 2 * s->num;
		add_use(s, blk->phi.v[k].def, 2 * s->num, USE_MOVE, PREG_NONE,
			2);
	}
	for (u32 k = 0; k < blk->n; k++) {
		s->num++;
		scan_ins_uses(s, &ra->m->ins.v[blk->first + k]);
	}
	for (u32 j = 0; j < blk->nsucc; j++) {
		const struct mblk *to = &ra->m->blk[blk->succ[j]];
		u32 p = ra->edge_pred[ra->edge0[b] + j];

		for (u32 k = 0; k < to->phi.n; k++)
			add_use(s, to->phi.v[k].src[p], 2 * s->num + 1,
				USE_MOVE, PREG_NONE, 2);
	}
}

/* Each operand is one use, and so is each register of a phi. */
static void count_uses(struct ra *ra)
{
	const struct mfn *m = ra->m;

	for (u32 k = 0; k < m->ins.n; k++) {
		const struct mopd *o = mir_opd(m, &m->ins.v[k]);

		for (u32 j = 0; j < m->ins.v[k].nopd; j++)
			ra->v[o[j].reg].nuse++;
	}
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 k = 0; k < m->blk[b].phi.n; k++) {
			const struct mphi *phi = &m->blk[b].phi.v[k];

			ra->v[phi->def].nuse++;
			for (u32 j = 0; j < m->blk[b].npred; j++)
				ra->v[phi->src[j]].nuse++;
		}
}

static void scan_uses(struct ra *ra)
{
	struct use_scan s = {.ra = ra};
	u32 total = 0;

	count_uses(ra);
	for (u32 v = 0; v < ra->m->vreg.n; v++) {
		ra->v[v].use = total;
		total += ra->v[v].nuse;
		ra->v[v].nuse = 0;
	}
	ra->use = arena_raw(ra->a, struct use, total);
	for (u32 b = 0; b < ra->m->nblk; b++)
		scan_blk_uses(&s, b);
}

/* ---- Ranges ---- */

/* The search for one virtual register; marks hold its number. */
struct live_scan {
	struct ra *ra;
	u32 *pred0, *pred; /* of block b: pred[pred0[b]..pred0[b + 1]) */
	u32 *in, *out;	   /* by block: live at its start, end */
	u32 *last;	   /* by block: end of the last use in it */
	u32 *blk;	   /* where it is live in; also the work list. Then
			    * those of them that begin a run */
	u32 nblk;
};

static inline void mark_in(struct live_scan *s, u32 v, u32 b)
{
	if (s->in[b] == v)
		return;
	s->in[b] = v;
	s->blk[s->nblk++] = b;
}

static void search_up(struct live_scan *s, u32 v, u32 def_blk)
{
	for (u32 k = 0; k < s->nblk; k++) {
		u32 b = s->blk[k];

		for (u32 j = s->pred0[b]; j < s->pred0[b + 1]; j++) {
			u32 p = s->pred[j];

			s->out[p] = v;
			if (p != def_blk)
				mark_in(s, v, p);
		}
	}
}

static void add_range(struct ra *ra, u32 v, u32 from, u32 to)
{
	struct vinfo *vi = &ra->v[v];

	if (from >= to)
		return;
	if (vi->nrange && ra->range.v[ra->range.n - 1].to == from) {
		ra->range.v[ra->range.n - 1].to = to;
		return;
	}
	if (!vi->nrange)
		vi->range = ra->range.n;
	vi->nrange++;
	*vec_push(ra->a, &ra->range) =
		(struct range){.from = from, .to = to, .vreg = v};
}

static u32 live_end(const struct live_scan *s, u32 v, u32 b)
{
	return s->out[b] == v ? 2 * ra_end(s->ra, b) : s->last[b];
}

static void add_def_range(struct live_scan *s, u32 v, u32 b)
{
	struct ra *ra = s->ra;
	u32 to = live_end(s, v, b);

	if (to < 2 * ra->v[v].def + 2)
		to = 2 * ra->v[v].def + 2; /* an early one lasts as long */
	add_range(ra, v, ra->v[v].def_pos, to);
}

/* A run: blocks one behind the other that v lives through, but for the last.
 * The definition's block is not live in and so in none: it is alone. Adds what
 * begins in b and returns its last block. */
static u32 add_run(struct live_scan *s, u32 v, u32 b, u32 def_blk)
{
	u32 first = b;

	if (b == def_blk) {
		add_def_range(s, v, b);
		return b;
	}
	while (s->out[b] == v && s->in[b + 1] == v)
		b++;
	add_range(s->ra, v, 2 * ra_label(s->ra, first), live_end(s, v, b));
	return b;
}

static bool begins_run(const struct live_scan *s, u32 v, u32 b)
{
	return s->in[b] == v && !(b && s->in[b - 1] == v && s->out[b - 1] == v);
}

static void keep_runs(struct live_scan *s, u32 v)
{
	u32 n = 0;

	for (u32 k = 0; k < s->nblk; k++)
		if (begins_run(s, v, s->blk[k]))
			s->blk[n++] = s->blk[k];
	s->nblk = n;
}

static int cmp_u32(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* Runs in order, by sorting: there are few blocks, far apart. */
static void add_few_runs(struct live_scan *s, u32 v, u32 def_blk)
{
	keep_runs(s, v);
	s->blk[s->nblk++] = def_blk;
	qsort(s->blk, s->nblk, sizeof(u32), cmp_u32);
	for (u32 k = 0; k < s->nblk; k++)
		add_run(s, v, s->blk[k], def_blk);
}

/* Runs in order: from the marks, if they are dense. */
static void add_runs(struct live_scan *s, u32 v, u32 def_blk)
{
	u32 lo = def_blk, hi = def_blk;

	for (u32 k = 0; k < s->nblk; k++) {
		lo = s->blk[k] < lo ? s->blk[k] : lo;
		hi = s->blk[k] > hi ? s->blk[k] : hi;
	}
	if ((hi - lo) / 16 > s->nblk) {
		add_few_runs(s, v, def_blk);
		return;
	}
	for (u32 b = lo; b <= hi; b++)
		if (s->in[b] == v || b == def_blk)
			b = add_run(s, v, b, def_blk);
}

static void find_ranges(struct live_scan *s, u32 v)
{
	struct ra *ra = s->ra;
	const struct vinfo *vi = &ra->v[v];
	u32 def_blk = ra->blk_of[vi->def];

	s->nblk = 0;
	for (u32 j = 0; j < vi->nuse; j++) {
		const struct use *u = &ra->use[vi->use + j];
		u32 b = ra->blk_of[u->pos / 2];

		s->last[b] = u->pos + 1;
		if (b != def_blk)
			mark_in(s, v, b);
	}
	search_up(s, v, def_blk);
	add_runs(s, v, def_blk);
}

/* Nobody reads it, and its def need not write it anywhere. */
static bool is_dead(const struct ra *ra, u32 v)
{
	const struct vinfo *vi = &ra->v[v];

	return !vi->nuse ||
	       (vi->nuse == 1 && ra->use[vi->use].kind == USE_MOVE);
}

static void scan_preds(struct live_scan *s)
{
	const struct mfn *m = s->ra->m;
	u32 n = 0;

	s->pred0 = arena_raw(s->ra->a, u32, m->nblk + 1);
	for (u32 b = 0; b < m->nblk; b++) {
		s->pred0[b] = n;
		n += m->blk[b].npred;
	}
	s->pred0[m->nblk] = n;
	s->pred = arena_raw(s->ra->a, u32, n);
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 k = 0; k < m->blk[b].npred; k++)
			s->pred[s->pred0[b] + k] = m->blk[b].pred[k];
}

static void scan_ranges(struct ra *ra)
{
	u32 nblk = ra->m->nblk;
	struct live_scan s = {.ra = ra};

	scan_preds(&s);
	s.in = arena_array(ra->a, u32, nblk + 1);
	s.out = arena_array(ra->a, u32, nblk);
	s.last = arena_array(ra->a, u32, nblk);
	s.blk = arena_raw(ra->a, u32, nblk);
	for (u32 v = 1; v < ra->m->vreg.n; v++)
		if (!is_dead(ra, v))
			find_ranges(&s, v);
}

static bool live_at(const struct ra *ra, u32 v, u32 pos)
{
	const struct vinfo *vi = &ra->v[v];
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

/* Index of the first use at or behind pos. */
static u32 first_use(const struct ra *ra, const struct vinfo *vi, u32 pos)
{
	u32 lo = 0, hi = vi->nuse;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (ra->use[vi->use + mid].pos < pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A tied use that lives on cannot lend its register: the def takes its own
 * one before the instruction, and a move brings the value there. */
static void split_tie(struct ra *ra, u32 num, u32 def, u32 use)
{
	struct vinfo *d = &ra->v[def];
	const struct vinfo *s = &ra->v[use];

	if (!live_at(ra, use, 2 * num + 1))
		return;
	for (u32 k = 0; k < d->nrange; k++)
		if (ra->range.v[d->range + k].from == 2 * num + 1)
			ra->range.v[d->range + k].from = 2 * num;
	u32 def_use = d->use + first_use(ra, d, 2 * num + 1);
	ra->use[def_use].pos = d->def_pos = 2 * num;
	ra->use[def_use].kind = USE_REG;
	u32 k = first_use(ra, s, 2 * num);
	bool only = k + 1 == s->nuse || ra->use[s->use + k + 1].pos > 2 * num;
	if (only)
		ra->use[s->use + k].kind = USE_MOVE;
}

static void split_ties(struct ra *ra, const struct mins *i, u32 num)
{
	const struct mopd *o = mir_opd(ra->m, i);

	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].tied && o[k].fixed == PREG_NONE)
			split_tie(ra, num, o[k].reg, o[o[k].tied - 1].reg);
}

/* ---- Reservations ---- */

/* Both sides of a tied pair are in the register that one is fixed to. */
static void fix_ties(struct mopd *o, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		if (!o[k].tied)
			continue;
		struct mopd *use = &o[o[k].tied - 1];

		if (o[k].fixed == PREG_NONE)
			o[k].fixed = use->fixed;
		else
			use->fixed = o[k].fixed;
	}
}

static void reserve(struct ra *ra, u8 preg, u32 from, u32 to, u32 v)
{
	u32 n = ra->fix[preg].n;
	struct fix *last = n ? &ra->fix[preg].v[n - 1] : NULL;

	if (last && last->owner == v && last->to > from) {
		if (last->to < to) /* the same value twice */
			last->to = to;
		return;
	}
	assert(!last || last->to <= from);
	*vec_push(ra->a, &ra->fix[preg]) = (struct fix){from, to, v};
}

static void scan_fixed(struct ra *ra, const struct mins *i, u32 num)
{
	const struct mopd *o = mir_opd(ra->m, i);
	u32 early = 2 * num, late = early + 1;

	for (u32 k = 0; k < i->nopd; k++) {
		if (o[k].fixed == PREG_NONE || o[k].role == OPD_DEF)
			continue;
		reserve(ra, o[k].fixed, early,
			o[k].role == OPD_USE ? late : late + 1, o[k].reg);
	}
	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].fixed != PREG_NONE && o[k].role == OPD_DEF)
			reserve(ra, o[k].fixed, late, late + 1, o[k].reg);
	if (i->flags & MINS_CALL)
		*vec_push(ra->a, &ra->call) = num;
}

static void scan_vregs(struct ra *ra)
{
	struct mfn *m = ra->m;

	ra->v = arena_array(ra->a, struct vinfo, m->vreg.n);
	for (u32 v = 0; v < m->vreg.n; v++) {
		ra->v[v].bundle = RA_NONE;
		ra->v[v].def_preg = PREG_NONE;
	}
	for (u32 k = 0; k < m->ins.n; k++) {
		const struct mopd *o = mir_opd(m, &m->ins.v[k]);

		if (!(m->ins.v[k].flags & MINS_REMAT) || o->fixed != PREG_NONE)
			continue;
		m->vreg.v[o->reg].remat = k + 1;
		ra->v[o->reg].remat = true;
	}
}

void ra_live(struct ra *ra)
{
	number(ra);
	scan_edges(ra);
	scan_loops(ra);
	scan_vregs(ra);
	for (u32 k = 0; k < ra->m->ins.n; k++)
		fix_ties(
			mir_opd(ra->m, &ra->m->ins.v[k]), ra->m->ins.v[k].nopd);
	scan_uses(ra);
	scan_ranges(ra);
	for (u32 b = 0; b < ra->m->nblk; b++) {
		const struct mblk *blk = &ra->m->blk[b];
		u32 num = ra_label(ra, b) + 1;

		for (u32 k = 0; k < blk->n; k++, num++) {
			const struct mins *i = &ra->m->ins.v[blk->first + k];

			split_ties(ra, i, num);
			scan_fixed(ra, i, num);
		}
	}
}
