/*
 * The allocated function: instructions with physical registers, the moves
 * between them, and blocks for the moves on critical edges.
 *
 * Such a block stands
 *   - behind its predecessor, if it jumps back or falls through: the branch
 *     turns around;
 *   - before its successor, if the block there does not fall into it;
 *   - else at the end of the function.
 */
#include <string.h>

#include "ir/ra.h"

/* ---- Single instructions ------------------------------------------------- */

struct mins *ra_out(struct ra *ra, u16 op, const struct move_place *pl)
{
	struct mins *i = vec_push(ra->m->a, &ra->out);

	i->op = op;
	i->opd = ra->m->opd.n;
	i->insn = pl->insn;
	i->sym = SYM_NONE;
	return i;
}

void ra_out_opd(struct ra *ra, u8 role, u32 reg)
{
	struct mopd *o = vec_push(ra->m->a, &ra->m->opd);

	o->reg = reg;
	o->role = role;
	o->fixed = PREG_NONE;
	ra->out.v[ra->out.n - 1].nopd++;
}

void ra_remat(struct ra *ra, u32 vreg, u32 dst, const struct move_place *pl)
{
	struct mins *i = vec_push(ra->m->a, &ra->out);

	*i = ra->m->ins.v[ra->m->vreg.v[vreg].remat - 1];
	i->opd = ra->m->opd.n;
	i->nopd = 0;
	i->insn = pl->insn;
	i->flags &= (u8)~MINS_FLAGS;
	if (pl->keep_flags)
		i->flags |= MINS_FLAGS;
	ra_out_opd(ra, OPD_DEF, dst);
	ra->written |= 1ull << dst;
}

/* ---- The instructions of a block ----------------------------------------- */

struct rewriter {
	struct ra *ra;
	u32 flag_ins; /* MINS_FLAGS in the rest of the block */
	bool flags_set;
};

static bool flags_live(const struct rewriter *w)
{
	return w->flags_set && w->flag_ins;
}

static u32 opd_point(const struct mopd *o, u32 num)
{
	return 2 * num + (o->role == OPD_DEF || o->role == OPD_LATE);
}

/* A use takes the place of the def that is tied to it. */
static u32 final_reg(const struct ra *ra, const struct mins *i,
	const struct mopd *o, u32 k, u32 num)
{
	if (o[k].fixed != PREG_NONE)
		return o[k].fixed;
	for (u32 j = 0; !opd_is_def(&o[k]) && j < i->nopd; j++)
		if (o[j].tied == k + 1)
			return ra_loc(ra, o[j].reg, 2 * num + 1);
	return ra_loc(ra, o[k].reg, opd_point(&o[k], num));
}

static void set_regs(struct ra *ra, const struct mins *i, u32 num)
{
	struct mopd *o = mir_opd(ra->m, i);
	u32 reg[256];

	for (u32 k = 0; k < i->nopd; k++)
		reg[k] = final_reg(ra, i, o, k, num);
	for (u32 k = 0; k < i->nopd; k++) {
		o[k].reg = reg[k];
		if (opd_is_def(&o[k]) && loc_is_reg(reg[k]))
			ra->written |= 1ull << reg[k];
	}
}

/* A copy may be none, or a remat of its source. */
static bool rewrite_copy(struct ra *ra, const struct mins *i, u32 num,
	const struct move_place *pl)
{
	u32 src_vreg = mir_opd(ra->m, i)[1].reg;

	set_regs(ra, i, num);
	u32 dst = mir_opd(ra->m, i)[0].reg, src = mir_opd(ra->m, i)[1].reg;
	if (src == LOC_REMAT)
		ra_remat(ra, src_vreg, dst, pl);
	return src == LOC_REMAT || src == dst;
}

static void rewrite_ins(
	struct rewriter *w, u32 num, const struct move_place *pl)
{
	struct ra *ra = w->ra;
	struct mins i = *ra_ins(ra, num);

	if (i.op == MOP_COPY) {
		if (rewrite_copy(ra, &i, num, pl))
			return;
	} else {
		set_regs(ra, &i, num);
	}
	if (i.flags & MINS_REMAT) {
		if (!loc_is_reg(mir_opd(ra->m, &i)->reg))
			return;
		i.flags &= (u8)~MINS_FLAGS;
		if (flags_live(w))
			i.flags |= MINS_FLAGS;
	} else if (i.flags & MINS_FLAGS) {
		w->flag_ins--;
		w->flags_set = true;
	}
	*vec_push(ra->m->a, &ra->out) = i;
}

static void rewrite_blk(struct rewriter *w, u32 b)
{
	struct ra *ra = w->ra;
	u32 label = ra_label(ra, b), end = ra_end(ra, b);
	u32 term = ra_first_term(ra, b);
	struct move_place pl = {.p0 = 2 * label, .p1 = 2 * label};

	w->flags_set = false;
	w->flag_ins = 0;
	for (u32 num = label + 1; num < end; num++) {
		u8 flags = ra_ins(ra, num)->flags;

		w->flag_ins +=
			(flags & (MINS_FLAGS | MINS_REMAT)) == MINS_FLAGS;
	}
	if (ra->m->blk[b].npred)
		pl.p1 = 2 * ra_end(ra, ra->m->blk[b].pred[0]) - 1;
	pl.insn = ra_ins(ra, label + 1)->insn;
	parmove(ra, ra->at_boundary[label], &pl);
	for (u32 num = label + 1; num < end; num++) {
		pl = (struct move_place){2 * num - 1, 2 * num,
			ra_ins(ra, num)->insn, flags_live(w)};
		parmove(ra, ra->at_boundary[num], &pl);
		if (num == term && ra->at_end[b]) {
			pl.p0 = 2 * end - 1;
			pl.p1 = 2 * ra_label(ra, ra->m->blk[b].succ[0]);
			parmove(ra, ra->at_end[b], &pl);
		}
		rewrite_ins(w, num, &pl);
	}
}

/* ---- Blocks -------------------------------------------------------------- */

/* A block of the result: an old one, or the one of an edge. */
struct new_blk {
	u32 old;	/* RA_NONE: made */
	u32 edge;	/* in ra->edge_pred */
	u32 from, succ; /* made: predecessor and which of its edges */
};

struct layout {
	vec(struct new_blk) blk;
	u32 *before; /* by old block: list of 1 + index in made */
	vec(struct new_blk) made;
	vec(u32) next; /* of made */
	u32 at_end;
};

static void make_blk(struct ra *ra, struct layout *l, u32 *list, u32 p, u32 j)
{
	*vec_push(ra->a, &l->made) =
		(struct new_blk){RA_NONE, ra->edge0[p] + j, p, j};
	*vec_push(ra->a, &l->next) = *list;
	*list = l->made.n;
}

static bool falls_into(const struct mfn *m, u32 b)
{
	const struct mblk *p = &m->blk[b - 1];

	for (u32 j = 0; j < p->nsucc; j++)
		if (p->succ[j] == b)
			return true;
	return false;
}

static void put_list(struct ra *ra, struct layout *l, u32 list)
{
	for (; list; list = l->next.v[list - 1])
		*vec_push(ra->a, &l->blk) = l->made.v[list - 1];
}

/* The one that goes on to the next block comes last. */
static void put_blk(struct ra *ra, struct layout *l, u32 b)
{
	const struct mblk *blk = &ra->m->blk[b];
	u32 behind = 0;

	put_list(ra, l, l->before[b]);
	*vec_push(ra->a, &l->blk) = (struct new_blk){.old = b};
	for (u32 pass = 0; pass < 2; pass++) {
		for (u32 j = 0; j < blk->nsucc; j++) {
			u32 s = blk->succ[j];
			u32 *list = &l->at_end;

			if (!ra->at_edge[ra->edge0[b] + j])
				continue;
			if ((s == b + 1) != (pass == 0))
				continue;
			if (s <= b + 1)
				list = &behind;
			else if (!falls_into(ra->m, s))
				list = &l->before[s];
			make_blk(ra, l, list, b, j);
		}
	}
	put_list(ra, l, behind);
}

static void rewrite_made(struct rewriter *w, const struct new_blk *n)
{
	struct ra *ra = w->ra;
	const struct mblk *from = &ra->m->blk[n->from];
	u32 s = from->succ[n->succ], last = ra_end(ra, n->from) - 1;
	struct move_place pl = {2 * last + 1, 2 * ra_label(ra, s),
		ra_ins(ra, last)->insn, false};

	parmove(ra, ra->at_edge[n->edge], &pl);
	ra_out(ra, MOP_JMP, &pl)->flags = MINS_TERM;
}

/* After renumbering: puts the made block on its edge. */
static void link_made(struct ra *ra, struct mblk *blk, u32 made,
	const struct new_blk *n, u32 p)
{
	struct mblk *b = &blk[made];
	u32 s = blk[p].succ[n->succ];

	b->made = true;
	b->depth = blk[p].depth < blk[s].depth ? blk[p].depth : blk[s].depth;
	b->nsucc = b->npred = 1;
	b->succ = arena_array(ra->m->a, u32, 1);
	b->pred = arena_array(ra->m->a, u32, 1);
	b->succ[0] = s;
	b->pred[0] = p;
	blk[p].succ[n->succ] = made;
	blk[s].pred[ra->edge_pred[n->edge]] = made;
}

/* New numbers in all edges; loops end where their last block now is, or the
 * block behind it on its way back. */
static void renumber(struct ra *ra, struct mblk *blk, const struct layout *l,
	const u32 *index)
{
	for (u32 k = 0; k < l->blk.n; k++) {
		struct mblk *b = &blk[k];

		if (l->blk.v[k].old == RA_NONE)
			continue;
		for (u32 j = 0; j < b->nsucc; j++)
			b->succ[j] = index[b->succ[j]];
		for (u32 j = 0; j < b->npred; j++)
			b->pred[j] = index[b->pred[j]];
		if (b->loop_end)
			b->loop_end = index[b->loop_end];
	}
	for (u32 k = 0; k < l->blk.n; k++)
		if (l->blk.v[k].old == RA_NONE)
			link_made(ra, blk, k, &l->blk.v[k],
				index[l->blk.v[k].from]);
	for (u32 k = 0; k < l->blk.n; k++) {
		struct mblk *b = &blk[k];

		while (b->loop_end && b->loop_end + 1 < l->blk.n &&
			blk[b->loop_end + 1].made &&
			blk[b->loop_end + 1].succ[0] == k)
			b->loop_end++;
	}
}

/* Room for nearly every move as an instruction. */
static void begin_out(struct ra *ra)
{
	struct mfn *m = ra->m;
	u32 nmove = ra->move.n + ra->move.n / 8;

	vec_reserve(m->a, &m->opd, m->opd.n + 2 * nmove);
	vec_reserve(m->a, &ra->out, m->ins.n + nmove);
}

void ra_rewrite(struct ra *ra)
{
	struct mfn *m = ra->m;
	struct layout l = {.before = arena_array(ra->a, u32, m->nblk)};
	struct rewriter w = {.ra = ra};

	begin_out(ra);
	for (u32 b = 0; b < m->nblk; b++)
		put_blk(ra, &l, b);
	put_list(ra, &l, l.at_end);
	u32 *index = arena_array(ra->a, u32, m->nblk);
	struct mblk *blk = arena_array(m->a, struct mblk, l.blk.n);
	for (u32 k = 0; k < l.blk.n; k++) {
		const struct new_blk *n = &l.blk.v[k];
		u32 first = ra->out.n;

		if (n->old != RA_NONE) {
			rewrite_blk(&w, n->old);
			blk[k] = m->blk[n->old];
			index[n->old] = k;
		} else {
			rewrite_made(&w, n);
		}
		blk[k].first = first;
		blk[k].n = ra->out.n - first;
		memset(&blk[k].phi, 0, sizeof(blk[k].phi));
	}
	renumber(ra, blk, &l, index);
	m->blk = blk;
	m->nblk = l.blk.n;
	m->ins.v = ra->out.v;
	m->ins.n = ra->out.n;
	m->ins.cap = ra->out.cap;
	m->used = ra->written;
	m->allocated = true;
}
