/*
 * Selection, before and after its walk: the blocks of the MIR, their phis and
 * loops, and the groups in their final order.
 */
#include "ir/select.h"

/* ---- blocks and phis ----------------------------------------------------- */

static void make_phis(struct sel *s, u32 b, struct mblk *mb)
{
	ir_each_phi (s->f, b, i) {
		struct mphi *p = vec_push(s->m->a, &mb->phi);

		p->def = sel_def(s, i);
		p->src = arena_array(s->m->a, u32, mb->npred);
	}
}

static u32 *map_blocks(const struct sel *s, const u32 *list, u32 n)
{
	u32 *out = arena_array(s->m->a, u32, n);

	for (u32 k = 0; k < n; k++)
		out[k] = s->index[list[k]];
	return out;
}

void sel_make_blocks(struct sel *s)
{
	u32 n = 0;

	ir_each_blk (s->f, b)
		s->index[b] = n++;
	mir_blocks(s->m, n);
	ir_each_blk (s->f, b) {
		const struct blk *blk = &s->f->blk[b];
		struct mblk *mb = &s->m->blk[s->index[b]];

		mb->nsucc = blk->nsucc;
		mb->npred = blk->npred;
		mb->succ = map_blocks(s, blk->succ, blk->nsucc);
		mb->pred = map_blocks(s, blk->pred, blk->npred);
		mb->depth = blk->depth;
		make_phis(s, b, mb);
	}
}

/* ---- loops --------------------------------------------------------------- */

static void mark_loops(struct sel *s)
{
	const struct fn *f = s->f;
	struct mblk *mb = s->m->blk;

	ir_each_blk (f, b) {
		u32 i = s->index[b];

		for (u32 h = f->blk[b].loop; h != BLK_NONE;
			h = f->blk[h].outer) {
			u32 *end = &mb[s->index[h]].loop_end;

			if (i <= *end)
				break;
			*end = i;
		}
		/* Loops of more than one entry have no header. */
		for (u32 e = 0; e < mb[i].nsucc; e++) {
			u32 to = mb[i].succ[e];

			if (to <= i && mb[to].loop_end < i)
				mb[to].loop_end = i;
		}
	}
}

/* ---- sizes of phis ------------------------------------------------------- */

/* True if some size changed. */
static bool widen_phi(struct mfn *m, const struct mphi *p, u32 n, bool all)
{
	u8 size = all ? 8 : m->vreg.v[p->def].size;
	bool changed;

	for (u32 k = 0; k < n; k++)
		if (m->vreg.v[p->src[k]].size > size)
			size = 8;
	changed = m->vreg.v[p->def].size != size;
	m->vreg.v[p->def].size = size;
	for (u32 k = 0; k < n; k++) {
		changed |= m->vreg.v[p->src[k]].size != size;
		m->vreg.v[p->src[k]].size = size;
	}
	return changed;
}

/* What meets in a phi may share a spill slot: one size for all of it. After a
 * few rounds, 8 is right for whatever is left. */
static void widen_phis(struct mfn *m)
{
	enum { ROUNDS = 4 };
	bool changed = true;

	for (u32 round = 0; changed; round++) {
		changed = false;
		for (u32 b = 0; b < m->nblk; b++)
			for (u32 k = 0; k < m->blk[b].phi.n; k++)
				changed |= widen_phi(m, &m->blk[b].phi.v[k],
					m->blk[b].npred, round >= ROUNDS);
	}
}

/* ---- order --------------------------------------------------------------- */

static void copy_group(struct sel *s, u32 g, struct mins *out, u32 *n)
{
	const struct sel_group *grp = &s->group.v[g];

	for (u32 k = 0; k < grp->n; k++) {
		const struct mins *i = &s->m->ins.v[grp->first + k];

		if (i->flags & MINS_REMAT) {
			u32 def = mir_opd(s->m, i)->reg;

			s->m->vreg.v[def].remat = *n + 1;
		}
		out[(*n)++] = *i;
	}
}

static void flatten(struct sel *s)
{
	u32 cap = s->m->ins.n, n = 0;
	struct mins *out = arena_raw(s->m->a, struct mins, cap);

	ir_each_blk (s->f, b) {
		struct mblk *mb = &s->m->blk[s->index[b]];

		mb->first = n;
		for (u32 g = s->head[b]; g; g = s->group.v[g].next) {
			u32 p = s->group.v[g].pre;

			for (; p; p = s->group.v[p].pre)
				copy_group(s, p, out, &n);
			copy_group(s, g, out, &n);
		}
		mb->n = n - mb->first;
	}
	s->m->ins.v = out;
	s->m->ins.n = n;
	s->m->ins.cap = cap;
}

void sel_finish_blocks(struct sel *s)
{
	mark_loops(s);
	widen_phis(s->m);
	flatten(s);
}
