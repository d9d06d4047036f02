/*
 * Checks machine IR: its form before register allocation, and whether an
 * allocation is right.
 *
 * The second is a proof by symbolic execution: for each place (register or
 * slot) the set of virtual registers whose value it holds, forward over the
 * graph, intersected where edges meet, until nothing changes. An instruction
 * of the original must find each of its values in the place that it now reads.
 * Original instructions are told from inserted ones by their operands: those
 * of inserted ones lie behind the original pool. Definitions that are repeated
 * stand for their content: equal ones are one value.
 */
#include <stdarg.h>
#include <string.h>

#include "ir/target.h"

struct check {
	struct arena *a;
	const struct mfn *m;   /* before */
	const struct mfn *out; /* after, or NULL */
	const struct target *t;
	char *buf;
	size_t size;
	u32 *def; /* 1 + instruction or block of the def, by register */
	u32 *def_blk;
	bool *constant; /* by register: repeatable */
	u32 *same; /* representative of equal repeatable definitions, and of
		    * what is nothing but a copy of one */
};

static int fail(const struct check *c, u32 blk, i64 ins, const char *fmt, ...)
	printf_like(4, 5);

static int fail(const struct check *c, u32 blk, i64 ins, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(
		c->buf, c->size, "b%u ins %lld: ", blk, (long long)ins);

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < c->size)
		vsnprintf(c->buf + n, c->size - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static bool is_def(const struct mopd *o)
{
	return o->role == OPD_DEF || o->role == OPD_EARLY;
}

/* ---- Form ---- */

static int check_tie(const struct check *c, u32 b, u32 k, const struct mins *i,
	const struct mopd *o, u32 j)
{
	if (o[j].role != OPD_DEF || o[j].tied > i->nopd ||
		o[o[j].tied - 1].role != OPD_USE)
		return fail(c, b, k, "operand %u: bad tie", j);
	for (u32 n = 0; n < j; n++)
		if (o[n].tied == o[j].tied)
			return fail(c, b, k, "operand %u: use tied twice", j);
	return 0;
}

/* Two values in one register at one point. */
static int check_fixed(const struct check *c, u32 b, u32 k,
	const struct mins *i, const struct mopd *o, u32 j)
{
	static const u8 points[] = {
		[OPD_USE] = 1, [OPD_LATE] = 3, [OPD_DEF] = 2, [OPD_EARLY] = 3};

	if (o[j].fixed >= c->t->npregs)
		return fail(c, b, k, "operand %u: no such register", j);
	for (u32 n = 0; n < j; n++)
		if (n != j && o[n].fixed == o[j].fixed &&
			o[n].reg != o[j].reg &&
			(points[o[n].role] & points[o[j].role]))
			return fail(c, b, k, "two values fixed to %s",
				c->t->preg_names[o[j].fixed]);
	(void)i;
	return 0;
}

static int check_opd(struct check *c, u32 b, u32 k, const struct mins *i, u32 j)
{
	const struct mopd *o = mir_opd(c->m, i);
	u32 v = o[j].reg;

	if (!v || v >= c->m->vreg.n)
		return fail(c, b, k, "operand %u: no register v%u", j, v);
	if (o[j].fixed != PREG_NONE && check_fixed(c, b, k, i, o, j))
		return -1;
	if (o[j].tied && check_tie(c, b, k, i, o, j))
		return -1;
	if (!is_def(&o[j]))
		return 0;
	if (c->def[v])
		return fail(c, b, k, "v%u is defined twice", v);
	c->def[v] = 1 + k;
	c->def_blk[v] = b;
	return 0;
}

static int check_ins(struct check *c, u32 b, u32 k)
{
	const struct mins *i = &c->m->ins.v[k];
	const struct mopd *o = mir_opd(c->m, i);

	for (u32 j = 0; j < i->nopd; j++) {
		if (check_opd(c, b, k, i, j))
			return -1;
		if ((i->flags & MINS_TERM) && is_def(&o[j]))
			return fail(
				c, b, k, "terminator defines v%u", o[j].reg);
	}
	if (i->op == MOP_COPY &&
		(i->nopd != 2 || o[0].role != OPD_DEF || o[1].role != OPD_USE))
		return fail(c, b, k, "bad copy");
	if ((i->flags & MINS_REMAT) &&
		(i->nopd != 1 || o[0].role != OPD_DEF || i->op == MOP_COPY ||
			(i->flags & (MINS_CALL | MINS_TERM | MINS_FAULT))))
		return fail(c, b, k, "not repeatable");
	return 0;
}

static u32 count(const u32 *v, u32 n, u32 x)
{
	u32 hits = 0;

	while (n--)
		hits += *v++ == x;
	return hits;
}

static int check_edges(const struct check *c, const struct mfn *m, u32 b)
{
	const struct mblk *blk = &m->blk[b];

	for (u32 j = 0; j < blk->nsucc; j++)
		if (blk->succ[j] >= m->nblk || !blk->succ[j])
			return fail(c, b, -1, "bad successor");
	for (u32 j = 0; j < blk->npred; j++) {
		u32 p = blk->pred[j];

		if (p >= m->nblk || !count(m->blk[p].succ, m->blk[p].nsucc, b))
			return fail(c, b, -1, "bad predecessor");
	}
	return 0;
}

static int check_blk(struct check *c, u32 b, u32 first)
{
	const struct mblk *blk = &c->m->blk[b];
	bool term = false;

	if (blk->first != first || !blk->n || blk->n > c->m->ins.n - blk->first)
		return fail(c, b, -1, "bad extent");
	for (u32 j = 0; j < blk->phi.n; j++) {
		u32 v = blk->phi.v[j].def;

		if (!v || v >= c->m->vreg.n || c->def[v])
			return fail(c, b, -1, "bad phi v%u", v);
		c->def[v] = 1;
		c->def_blk[v] = b;
	}
	for (u32 k = 0; k < blk->n; k++) {
		bool is_term = c->m->ins.v[first + k].flags & MINS_TERM;

		if (check_ins(c, b, first + k))
			return -1;
		if (term && !is_term)
			return fail(c, b, first + k, "behind a terminator");
		term = is_term;
	}
	return term ? 0 : fail(c, b, -1, "no terminator");
}

/* ---- Definitions dominate uses ---- */

struct dom {
	struct check *c;
	u32 *seen;     /* by block: the register that it was seen for */
	vec(u32) todo; /* blocks at whose start the value must be there */
};

static int walk_up(struct dom *d, u32 v)
{
	while (d->todo.n) {
		u32 b = d->todo.v[--d->todo.n];
		const struct mblk *blk = &d->c->m->blk[b];

		if (d->seen[b] == v)
			continue;
		d->seen[b] = v;
		if (!blk->npred)
			return fail(d->c, b, -1, "v%u is used undefined", v);
		for (u32 j = 0; j < blk->npred; j++)
			if (blk->pred[j] != d->c->def_blk[v])
				*vec_push(d->c->a, &d->todo) = blk->pred[j];
	}
	return 0;
}

struct place {
	u32 v, blk;
	u32 ins; /* 1 + instruction; UINT32_MAX: the end of the block */
	u32 next;
};

static int check_use(struct dom *d, const struct place *p)
{
	const struct check *c = d->c;

	if (!p->v || p->v >= c->m->vreg.n || !c->def[p->v])
		return fail(c, p->blk, (i64)p->ins - 1, "v%u has no def", p->v);
	if (c->def_blk[p->v] != p->blk) {
		*vec_push(c->a, &d->todo) = p->blk;
		return walk_up(d, p->v);
	}
	if (c->def[p->v] >= p->ins && c->def[p->v] != 1)
		return fail(c, p->blk, (i64)p->ins - 1,
			"v%u is used before its def", p->v);
	return 0;
}

static void add_place(
	const struct check *c, void *list, u32 *head, u32 v, u32 b, u32 ins)
{
	vec(struct place) *l = list;

	if (v < c->m->vreg.n) {
		*vec_push(c->a, l) = (struct place){v, b, ins, head[v]};
		head[v] = l->n;
	}
}

/* All uses by register, so that each block is seen once per register. */
static int check_uses(struct check *c)
{
	const struct mfn *m = c->m;
	vec(struct place) use = {0};
	u32 *head = arena_array(c->a, u32, m->vreg.n);
	struct dom d = {.c = c, .seen = arena_array(c->a, u32, m->nblk)};

	for (u32 b = 0; b < m->nblk; b++) {
		const struct mblk *blk = &m->blk[b];

		for (u32 k = 0; k < blk->phi.n; k++)
			for (u32 j = 0; j < blk->npred; j++)
				add_place(c, &use, head, blk->phi.v[k].src[j],
					blk->pred[j], UINT32_MAX);
		for (u32 k = blk->first; k < blk->first + blk->n; k++) {
			const struct mopd *o = mir_opd(m, &m->ins.v[k]);

			for (u32 j = 0; j < m->ins.v[k].nopd; j++)
				if (!is_def(&o[j]))
					add_place(c, &use, head, o[j].reg, b,
						1 + k);
		}
	}
	for (u32 v = 0; v < m->vreg.n; v++)
		for (u32 k = head[v]; k; k = use.v[k - 1].next)
			if (check_use(&d, &use.v[k - 1]))
				return -1;
	return 0;
}

static int check_form(struct check *c)
{
	const struct mfn *m = c->m;
	u32 first = 0;

	c->def = arena_array(c->a, u32, m->vreg.n);
	c->def_blk = arena_array(c->a, u32, m->vreg.n);
	if (!m->nblk || m->blk[0].npred)
		return fail(c, 0, -1, "bad entry");
	for (u32 b = 0; b < m->nblk; b++) {
		if (check_blk(c, b, first) || check_edges(c, m, b))
			return -1;
		first += m->blk[b].n;
	}
	if (first != m->ins.n)
		return fail(c, 0, -1, "instructions in no block");
	return check_uses(c);
}

/* ---- Repeatable definitions ---- */

static bool same_content(const struct mins *a, const struct mins *b)
{
	return a->op == b->op && a->size == b->size && a->cc == b->cc &&
	       a->scale == b->scale && a->aux == b->aux && a->sym == b->sym &&
	       a->disp == b->disp && a->imm == b->imm;
}

static u64 hash_content(const struct mins *i)
{
	u64 h = i->op * 0x9e3779b97f4a7c15u + i->size;

	h = (h ^ i->sym) * 0x9e3779b97f4a7c15u;
	h = (h ^ (u32)i->disp) * 0x9e3779b97f4a7c15u;
	h = (h ^ (u64)i->imm) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

struct content {
	u32 ins, vreg;
	u32 next;
};

struct contents {
	vec(struct content) c;
	u32 *head;
	u32 mask;
};

static struct contents *new_contents(struct arena *a, u32 n)
{
	struct contents *s = arena_new(a, struct contents);

	s->mask = 16;
	while (s->mask < n)
		s->mask *= 2;
	s->head = arena_array(a, u32, s->mask);
	s->mask--;
	return s;
}

/* The register that stands for this content, or 0. */
static u32 find_content(
	const struct check *c, const struct contents *s, const struct mins *i)
{
	u32 k = s->head[hash_content(i) & s->mask];

	for (; k; k = s->c.v[k - 1].next)
		if (same_content(&c->m->ins.v[s->c.v[k - 1].ins], i))
			return s->c.v[k - 1].vreg;
	return 0;
}

static bool spread(struct check *c, u32 to, u32 from)
{
	if (c->constant[to] || !c->constant[from])
		return false;
	c->same[to] = c->same[from];
	return c->constant[to] = true;
}

/* Copies, and phis with one source, which may be made anew behind the edge. */
static bool spread_contents(struct check *c)
{
	bool more = false;

	for (u32 b = 0; b < c->m->nblk; b++) {
		const struct mblk *blk = &c->m->blk[b];

		for (u32 j = 0; blk->npred == 1 && j < blk->phi.n; j++)
			more |= spread(
				c, blk->phi.v[j].def, blk->phi.v[j].src[0]);
	}
	for (u32 k = 0; k < c->m->ins.n; k++) {
		const struct mopd *o = mir_opd(c->m, &c->m->ins.v[k]);

		if (c->m->ins.v[k].op == MOP_COPY)
			more |= spread(c, o[0].reg, o[1].reg);
	}
	return more;
}

static struct contents *scan_contents(struct check *c)
{
	const struct mfn *m = c->m;
	struct contents *s = new_contents(c->a, m->ins.n);

	c->same = arena_array(c->a, u32, m->vreg.n);
	c->constant = arena_array(c->a, bool, m->vreg.n);
	for (u32 v = 0; v < m->vreg.n; v++)
		c->same[v] = v;
	for (u32 k = 0; k < m->ins.n; k++) {
		const struct mins *i = &m->ins.v[k];

		if (!(i->flags & MINS_REMAT))
			continue;
		u32 v = mir_opd(m, i)->reg, same = find_content(c, s, i);
		if (same) {
			c->same[v] = same;
			c->constant[v] = true;
			continue;
		}
		u32 *head = &s->head[hash_content(i) & s->mask];
		*vec_push(c->a, &s->c) = (struct content){k, v, *head};
		*head = s->c.n;
		c->constant[v] = true;
	}
	while (spread_contents(c))
		;
	return s;
}

/* ---- What places hold ---- */

enum { NREGS = 64 };

struct held {
	vec(u32) v;
};

/* Compact: pairs place << 32 | register, ascending. */
struct state {
	u64 *p;
	u32 n;
	bool reached, queued;
};

struct exec {
	struct check *c;
	struct contents *contents;
	u32 nplaces;
	struct held *place;
	struct state *in; /* by block of the result */
	vec(u32) todo;
	vec(u64) tmp;
	u32 *old; /* block of the result -> original, or UINT32_MAX */
	u32 b;	  /* under way, of the result */
	u32 k;
};

static u32 place_of(const struct exec *x, u32 reg)
{
	u32 p = mreg_is_slot(reg) ? NREGS + (reg & ~MREG_SLOT) : reg;

	if (!mreg_is_slot(reg) && reg >= x->c->t->npregs)
		return UINT32_MAX;
	return p < x->nplaces ? p : UINT32_MAX;
}

static bool holds(const struct exec *x, u32 place, u32 v)
{
	const struct held *h = &x->place[place];

	return count(h->v.v, h->v.n, x->c->same[v]);
}

static void hold(struct exec *x, u32 place, u32 v)
{
	if (!holds(x, place, v))
		*vec_push(x->c->a, &x->place[place].v) = x->c->same[v];
}

static void forget(struct exec *x, u32 v)
{
	if (x->c->constant[v])
		return; /* as good as ever */
	for (u32 p = 0; p < x->nplaces; p++) {
		struct held *h = &x->place[p];

		for (u32 k = 0; k < h->v.n; k++)
			if (h->v.v[k] == v)
				h->v.v[k--] = h->v.v[--h->v.n];
	}
}

static void copy_place(struct exec *x, u32 dst, u32 src)
{
	if (dst == src)
		return;
	x->place[dst].v.n = 0;
	for (u32 k = 0; k < x->place[src].v.n; k++)
		*vec_push(x->c->a, &x->place[dst].v) = x->place[src].v.v[k];
}

/* d now is what s is, wherever that is. */
static void equate(struct exec *x, u32 d, u32 s)
{
	forget(x, d);
	for (u32 p = 0; p < x->nplaces; p++)
		if (holds(x, p, s))
			hold(x, p, d);
}

/* ---- Instructions ---- */

static int bad(struct exec *x, const char *what, u32 v, u32 reg)
{
	char where[32];

	if (mreg_is_slot(reg))
		snprintf(where, sizeof(where), "s%u", reg & ~MREG_SLOT);
	else if (reg < x->c->t->npregs)
		snprintf(where, sizeof(where), "%s", x->c->t->preg_names[reg]);
	else
		snprintf(where, sizeof(where), "%u", reg);
	return fail(x->c, x->b, x->k, "%s: v%u in %s", what, v, where);
}

static int exec_inserted(struct exec *x, const struct mins *i)
{
	const struct mopd *o = mir_opd(x->c->out, i);
	u32 a = place_of(x, o[0].reg), b = 0;

	if (i->nopd > 1)
		b = place_of(x, o[1].reg);
	if (a == UINT32_MAX || b == UINT32_MAX)
		return bad(x, "no such place", 0, o[0].reg);
	if (i->op == MOP_COPY) {
		if (a >= NREGS && b >= NREGS)
			return bad(x, "slot to slot", 0, o[0].reg);
		copy_place(x, a, b);
		return 0;
	}
	if (a >= NREGS || b >= NREGS)
		return bad(x, "not a register", 0, o[0].reg);
	if (i->op == MOP_SWAP) {
		struct held t = x->place[a];

		x->place[a] = x->place[b];
		x->place[b] = t;
		return 0;
	}
	u32 v = i->flags & MINS_REMAT ? find_content(x->c, x->contents, i) : 0;
	if (!v)
		return bad(x, "unknown inserted instruction", 0, o[0].reg);
	x->place[a].v.n = 0;
	hold(x, a, v);
	return 0;
}

static int check_place(struct exec *x, const struct mins *i,
	const struct mopd *was, const struct mopd *o, u32 j)
{
	u32 p = place_of(x, o[j].reg);
	u64 may = x->c->t->allocatable;

	if (was[j].fixed != PREG_NONE)
		return o[j].reg == was[j].fixed
			       ? 0
			       : bad(x, "not where it is fixed", was[j].reg,
					 o[j].reg);
	if (p == UINT32_MAX || (p < NREGS && !(may >> p & 1)))
		return bad(x, "no such place", was[j].reg, o[j].reg);
	if (p >= NREGS && !(was[j].flags & OPDF_SLOT) && i->op != MOP_COPY)
		return bad(x, "must be in a register", was[j].reg, o[j].reg);
	if (o[j].tied && o[o[j].tied - 1].reg != o[j].reg)
		return bad(x, "tie broken", was[j].reg, o[j].reg);
	return 0;
}

/* Two operands in one place that are there at the same time. */
static int check_overlap(struct exec *x, const struct mopd *was,
	const struct mopd *o, u32 i, u32 j)
{
	static const u8 points[] = {
		[OPD_USE] = 1, [OPD_LATE] = 3, [OPD_DEF] = 2, [OPD_EARLY] = 3};

	if (o[i].reg != o[j].reg || was[i].reg == was[j].reg)
		return 0;
	if (!is_def(&o[i]) && !is_def(&o[j]))
		return 0; /* both read it: what it holds is checked */
	if (points[o[i].role] & points[o[j].role])
		return bad(x, "overlaps another operand", was[j].reg, o[j].reg);
	return 0;
}

static int check_operands(struct exec *x, const struct mins *i,
	const struct mopd *was, const struct mopd *o)
{
	u32 nslot = 0;

	for (u32 j = 0; j < i->nopd; j++) {
		if (check_place(x, i, was, o, j))
			return -1;
		for (u32 n = 0; n < j; n++)
			if (check_overlap(x, was, o, n, j))
				return -1;
		nslot += mreg_is_slot(o[j].reg) && !o[j].tied;
		if (!is_def(&o[j]) &&
			!holds(x, place_of(x, o[j].reg), was[j].reg))
			return bad(
				x, "value is not there", was[j].reg, o[j].reg);
	}
	if (nslot > 1)
		return bad(x, "two slots", 0, 0);
	return 0;
}

static int exec_original(struct exec *x, const struct mins *i)
{
	const struct mopd *was = mir_opd(x->c->m, i);
	const struct mopd *o = mir_opd(x->c->out, i);

	if (check_operands(x, i, was, o))
		return -1;
	if (i->op == MOP_COPY) {
		forget(x, was[0].reg);
		copy_place(x, place_of(x, o[0].reg), place_of(x, o[1].reg));
		equate(x, was[0].reg, was[1].reg);
		return 0;
	}
	for (u32 p = 0; (i->flags & MINS_CALL) && p < x->c->t->npregs; p++)
		if (x->c->t->caller_saved >> p & 1)
			x->place[p].v.n = 0;
	for (u32 j = 0; j < i->nopd; j++) {
		if (!is_def(&o[j]))
			continue;
		x->place[place_of(x, o[j].reg)].v.n = 0;
		forget(x, was[j].reg);
	}
	for (u32 j = 0; j < i->nopd; j++)
		if (is_def(&o[j]))
			hold(x, place_of(x, o[j].reg), was[j].reg);
	return 0;
}

/* Passes what allocation left out, up to the original of i. */
static int skip_to(struct exec *x, const struct mins *i, u32 *at, u32 end)
{
	const struct mfn *m = x->c->m;

	for (; *at < end; ++*at) {
		const struct mins *was = &m->ins.v[*at];
		const struct mopd *o = mir_opd(m, was);

		if (was->opd == i->opd && was->op == i->op &&
			was->nopd == i->nopd) {
			++*at;
			return 0;
		}
		if (was->op == MOP_COPY)
			equate(x, o[0].reg, o[1].reg);
		else if (!(was->flags & MINS_REMAT))
			return fail(x->c, x->b, *at, "instruction is lost");
	}
	return fail(x->c, x->b, x->k, "instruction out of nowhere");
}

/* ---- Flags ---- */

static bool is_inserted(const struct exec *x, const struct mins *i)
{
	return i->nopd && i->opd >= x->c->m->opd.n;
}

/* Between two instructions with flags remats must preserve them. */
static int check_flags(struct exec *x, const struct mblk *blk)
{
	i64 clobber = -1;
	bool live = false;

	for (u32 k = 0; k < blk->n; k++) {
		const struct mins *i = &x->c->out->ins.v[blk->first + k];

		if (i->flags & MINS_REMAT) {
			if (live && !(i->flags & MINS_FLAGS))
				clobber = blk->first + k;
			continue;
		}
		if (!(i->flags & MINS_FLAGS))
			continue;
		if (live && clobber >= 0)
			return fail(x->c, x->b, clobber, "clobbers flags");
		live = true;
	}
	return 0;
}

/* ---- Blocks ---- */

static void load_state(struct exec *x, const struct state *s)
{
	for (u32 p = 0; p < x->nplaces; p++)
		x->place[p].v.n = 0;
	for (u32 k = 0; k < s->n; k++)
		*vec_push(x->c->a, &x->place[s->p[k] >> 32].v) = (u32)s->p[k];
}

static void save_state(struct exec *x)
{
	x->tmp.n = 0;
	for (u32 p = 0; p < x->nplaces; p++) {
		struct held *h = &x->place[p];

		for (u32 k = 1; k < h->v.n; k++) {
			u32 v = h->v.v[k], j = k;

			for (; j && h->v.v[j - 1] > v; j--)
				h->v.v[j] = h->v.v[j - 1];
			h->v.v[j] = v;
		}
		for (u32 k = 0; k < h->v.n; k++)
			*vec_push(x->c->a, &x->tmp) = (u64)p << 32 | h->v.v[k];
	}
}

/* Intersects the state of b with x->tmp; queues b if that changes it. */
static void meet(struct exec *x, u32 b)
{
	struct state *s = &x->in[b];
	u32 n = 0;

	if (!s->reached) {
		s->p = arena_dup(x->c->a, x->tmp.v, x->tmp.n * sizeof(u64));
		s->n = x->tmp.n;
		s->reached = true;
	} else {
		for (u32 k = 0, j = 0; k < s->n; k++) {
			while (j < x->tmp.n && x->tmp.v[j] < s->p[k])
				j++;
			if (j < x->tmp.n && x->tmp.v[j] == s->p[k])
				s->p[n++] = s->p[k];
		}
		if (n == s->n)
			return;
		s->n = n;
	}
	if (!s->queued)
		*vec_push(x->c->a, &x->todo) = b;
	s->queued = true;
}

/* Phis of original block `to`, reached by its k-th edge: all at once. */
static void exec_phis(struct exec *x, u32 to, u32 k)
{
	const struct mblk *blk = &x->c->m->blk[to];
	vec(u64) gain = {0};

	for (u32 j = 0; j < blk->phi.n; j++)
		for (u32 p = 0; p < x->nplaces; p++)
			if (holds(x, p, blk->phi.v[j].src[k]))
				*vec_push(x->c->a, &gain) =
					(u64)p << 32 | blk->phi.v[j].def;
	for (u32 j = 0; j < blk->phi.n; j++)
		forget(x, blk->phi.v[j].def);
	for (u32 j = 0; j < gain.n; j++)
		hold(x, gain.v[j] >> 32, (u32)gain.v[j]);
}

static void leave(struct exec *x, u32 b)
{
	const struct mblk *blk = &x->c->out->blk[b];
	struct state end;

	save_state(x);
	end.n = x->tmp.n;
	end.p = arena_dup(x->c->a, x->tmp.v, x->tmp.n * sizeof(u64));
	for (u32 j = 0; j < blk->nsucc; j++) {
		u32 s = blk->succ[j], nth = count(blk->succ, j, s), k = 0;
		const struct mblk *to = &x->c->out->blk[s];

		while (to->pred[k] != b || nth--)
			k++;
		load_state(x, &end);
		if (x->old[s] != UINT32_MAX)
			exec_phis(x, x->old[s], k);
		save_state(x);
		meet(x, s);
	}
}

static int exec_blk(struct exec *x, u32 b)
{
	const struct mblk *blk = &x->c->out->blk[b];
	bool made = x->old[b] == UINT32_MAX;
	const struct mblk *was = made ? blk : &x->c->m->blk[x->old[b]];
	u32 at = was->first;

	x->b = b;
	load_state(x, &x->in[b]);
	for (u32 k = 0; k < blk->n; k++) {
		const struct mins *i = &x->c->out->ins.v[blk->first + k];

		x->k = blk->first + k;
		if (is_inserted(x, i)) {
			if (exec_inserted(x, i))
				return -1;
			continue;
		}
		if (made) {
			if (i->op != MOP_JMP || k + 1 != blk->n)
				return fail(x->c, b, x->k, "not a move");
			continue;
		}
		if (skip_to(x, i, &at, was->first + was->n) ||
			exec_original(x, i))
			return -1;
	}
	if (!made && at != was->first + was->n)
		return fail(x->c, b, -1, "instructions are lost");
	leave(x, b);
	return check_flags(x, blk);
}

/* Made blocks apart, the blocks and edges are the same. */
static u32 through(const struct mfn *m, u32 b)
{
	return m->blk[b].made ? m->blk[b].succ[0] : b;
}

static int match_blks(struct exec *x)
{
	const struct mfn *m = x->c->m, *out = x->c->out;
	u32 n = 0;

	x->old = arena_array(x->c->a, u32, out->nblk);
	for (u32 b = 0; b < out->nblk; b++)
		x->old[b] = out->blk[b].made ? UINT32_MAX : n++;
	if (n != m->nblk)
		return fail(x->c, 0, -1, "blocks are lost");
	for (u32 b = 0; b < out->nblk; b++) {
		const struct mblk *o = &out->blk[b];

		if (check_edges(x->c, out, b))
			return -1;
		if (o->made) {
			if (o->nsucc != 1 || out->blk[o->succ[0]].made)
				return fail(x->c, b, -1, "bad made block");
			continue;
		}
		const struct mblk *was = &m->blk[x->old[b]];
		bool same = o->nsucc == was->nsucc && o->npred == was->npred;
		for (u32 j = 0; same && j < o->nsucc; j++)
			same = x->old[through(out, o->succ[j])] == was->succ[j];
		if (!same)
			return fail(x->c, b, -1, "edges changed");
	}
	return 0;
}

static int check_alloc(struct check *c)
{
	struct exec x = {.c = c};

	x.contents = scan_contents(c);
	x.nplaces = NREGS + c->out->nslots;
	x.place = arena_array(c->a, struct held, x.nplaces);
	x.in = arena_array(c->a, struct state, c->out->nblk);
	if (match_blks(&x))
		return -1;
	meet(&x, 0);
	while (x.todo.n) {
		u32 b = x.todo.v[--x.todo.n];

		x.in[b].queued = false;
		if (exec_blk(&x, b))
			return -1;
	}
	return 0;
}

int mir_verify(const struct mfn *before, const struct mfn *after,
	const struct target *t, char *buf, size_t size)
{
	struct arena a;
	struct check c = {
		.a = &a,
		.m = before,
		.out = after,
		.t = t,
		.buf = buf,
		.size = size,
	};

	arena_init(&a, before->a->oom, before->a->oom_ctx);
	int ret = check_form(&c);
	if (!ret && after)
		ret = check_alloc(&c);
	arena_fini(&a);
	return ret;
}
