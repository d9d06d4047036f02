#include <string.h>

#include "toy.h"

static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si",
	"di", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

static const u8 order[] = {R_AX, R_CX, R_DX, R_SI, R_DI, R_8, R_9, R_10, R_11,
	R_BX, R_BP, R_12, R_13, R_14, R_15};

static const char *mop_name(u16 op)
{
	static const char *const name[] = {
		"op", "const", "call", "cmp", "sel", "br", "brf", "ret"};

	return op < T_END ? name[op - MOP_TARGET] : NULL;
}

enum {
	CALLER = 1 << R_AX | 1 << R_CX | 1 << R_DX | 1 << R_SI | 1 << R_DI |
		 1 << R_8 | 1 << R_9 | 1 << R_10 | 1 << R_11,
	CALLEE = 1 << R_BX | 1 << R_BP | 1 << R_12 | 1 << R_13 | 1 << R_14 |
		 1 << R_15,
};

const struct target toy_target = {
	.name = "toy",
	.npregs = 16,
	.preg_names = names,
	.allocatable = CALLER | CALLEE,
	.caller_saved = CALLER,
	.callee_saved = CALLEE,
	.alloc_order = order,
	.mop_name = mop_name,
};

/* ---- Building ---- */

struct mopd toy_use(u32 v)
{
	return (struct mopd){v, OPD_USE, PREG_NONE, 0, 0};
}

struct mopd toy_def(u32 v)
{
	return (struct mopd){v, OPD_DEF, PREG_NONE, 0, 0};
}

struct mopd toy_fixed(struct mopd o, u8 preg)
{
	o.fixed = preg;
	return o;
}

struct mopd toy_slot(struct mopd o)
{
	o.flags |= OPDF_SLOT;
	return o;
}

struct mopd toy_tied(struct mopd o, u32 use)
{
	o.tied = (u8)(use + 1);
	return o;
}

struct mopd toy_role(struct mopd o, u8 role)
{
	o.role = role;
	return o;
}

struct mins *toy_add(
	struct mfn *m, u16 op, u8 flags, const struct mopd *o, u32 n)
{
	struct mins *i = mir_add(m, op, n);

	i->flags = flags;
	i->size = 8;
	if (n)
		memcpy(mir_opd(m, i), o, n * sizeof(*o));
	return i;
}

void toy_begin(struct mfn *m, u32 b)
{
	m->blk[b].first = m->ins.n;
}

void toy_end(struct mfn *m, u32 b, u32 nsucc, u32 s0, u32 s1)
{
	struct mblk *blk = &m->blk[b];

	blk->n = m->ins.n - blk->first;
	blk->nsucc = nsucc;
	blk->succ = arena_array(m->a, u32, 2);
	blk->succ[0] = s0;
	blk->succ[1] = s1;
}

void toy_preds(struct mfn *m)
{
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 j = 0; j < m->blk[b].nsucc; j++)
			m->blk[m->blk[b].succ[j]].npred++;
	for (u32 b = 0; b < m->nblk; b++) {
		m->blk[b].pred = arena_array(m->a, u32, m->blk[b].npred);
		m->blk[b].npred = 0;
	}
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 j = 0; j < m->blk[b].nsucc; j++) {
			struct mblk *s = &m->blk[m->blk[b].succ[j]];

			s->pred[s->npred++] = b;
		}
}

void toy_depths(struct mfn *m)
{
	for (u32 b = 0; b < m->nblk; b++)
		for (u32 j = 0; j < m->blk[b].nsucc; j++) {
			u32 s = m->blk[b].succ[j];

			if (s > b)
				continue;
			for (u32 k = s; k <= b; k++)
				m->blk[k].depth++;
			if (b > m->blk[s].loop_end)
				m->blk[s].loop_end = b;
		}
}

void toy_phi(struct mfn *m, u32 b, u32 def, u32 s0, u32 s1)
{
	struct mphi *p = vec_push(m->a, &m->blk[b].phi);

	p->def = def;
	p->src = arena_array(m->a, u32, 2);
	p->src[0] = s0;
	p->src[1] = s1;
}

/* ---- Running ---- */

struct machine {
	const struct mfn *m, *before;
	u64 *vreg; /* or registers, then slots */
	u64 flags;
	u64 trace;
	u64 rng;
	u32 fuel;
};

static u64 mix(u64 h, u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static u64 *place(const struct machine *c, u32 reg)
{
	if (!c->before)
		return &c->vreg[reg];
	return &c->vreg[mreg_is_slot(reg) ? 64 + (reg & ~MREG_SLOT) : reg];
}

static u64 low(u64 v, u8 size)
{
	return size == 4 ? (u32)v : v;
}

/* What only the low half of counts has anything above. */
static u64 dirty(struct machine *c, u64 v, u8 size)
{
	c->rng = mix(c->rng, 1);
	return size == 4 ? (u32)v | c->rng << 32 : v;
}

static u8 opd_size(const struct machine *c, const struct mopd *o)
{
	const struct mfn *m = c->before ? c->before : c->m;

	if (c->before)
		o = &m->opd.v[o - c->m->opd.v];
	return m->vreg.v[o->reg].size;
}

static bool is_def(const struct mopd *o)
{
	return o->role == OPD_DEF || o->role == OPD_EARLY;
}

static u64 read_opd(const struct machine *c, const struct mopd *o)
{
	return low(*place(c, o->reg), opd_size(c, o));
}

static void trash(struct machine *c, const struct mins *i, u8 role)
{
	const struct mopd *o = mir_opd(c->m, i);

	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].role == role)
			*place(c, o[k].reg) = c->rng = mix(c->rng, k);
}

static u64 hash_ins(const struct mins *i)
{
	return mix(mix(mix(i->op, (u64)i->imm), (u32)i->disp), i->sym);
}

/* Uses are read after early defs are written, late ones after all defs. */
static u64 run_inputs(struct machine *c, const struct mins *i)
{
	const struct mopd *o = mir_opd(c->m, i);
	u64 h = hash_ins(i);

	if (!(i->flags & MINS_REMAT))
		h = mix(h, i->opd);
	trash(c, i, OPD_EARLY);
	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].role == OPD_USE)
			h = mix(h, read_opd(c, &o[k]) + k);
	trash(c, i, OPD_DEF);
	for (u32 k = 0; k < i->nopd; k++)
		if (o[k].role == OPD_LATE)
			h = mix(h, read_opd(c, &o[k]) + k);
	if ((i->flags & MINS_FLAGS) && i->op != T_CMP &&
		!(i->flags & MINS_REMAT))
		h = mix(h, c->flags);
	return h;
}

static void run_ins(struct machine *c, const struct mins *i)
{
	const struct mopd *o = mir_opd(c->m, i);
	bool remat = i->flags & MINS_REMAT;
	u64 h = run_inputs(c, i);

	for (u32 r = 0; c->before && (i->flags & MINS_CALL) && r < 16; r++)
		if (CALLER >> r & 1)
			c->vreg[r] = c->rng = mix(c->rng, r);
	for (u32 k = 0; k < i->nopd; k++)
		if (is_def(&o[k]))
			*place(c, o[k].reg) =
				remat ? h
				      : dirty(c, mix(h, k), opd_size(c, &o[k]));
	if (i->op == T_CMP)
		c->flags = h;
	if (c->before && remat && !(i->flags & MINS_FLAGS))
		c->flags = c->rng = mix(c->rng, 3);
	if (!remat) {
		c->trace = mix(c->trace, h);
		c->fuel -= c->fuel > 0;
	}
}

static void run_move(struct machine *c, const struct mins *i)
{
	const struct mopd *o = mir_opd(c->m, i);
	u64 *a = place(c, o[0].reg), *b = place(c, o[1].reg), t = *a;

	if (i->op == MOP_SWAP) {
		*a = *b;
		*b = t;
	} else if (c->before && i->opd >= c->before->opd.n) {
		*a = dirty(c, *b, i->size);
	} else {
		*a = *b;
	}
}

static void run_phis(struct machine *c, struct arena *a, u32 b, u32 k)
{
	const struct mblk *blk = &c->m->blk[b];
	u64 *v = arena_array(a, u64, blk->phi.n);

	for (u32 j = 0; j < blk->phi.n; j++)
		v[j] = c->vreg[blk->phi.v[j].src[k]];
	for (u32 j = 0; j < blk->phi.n; j++)
		c->vreg[blk->phi.v[j].def] = v[j];
}

static u32 next_blk(struct machine *c, struct arena *a, u32 b, u32 j)
{
	const struct mblk *blk = &c->m->blk[b];
	u32 s = blk->succ[j], nth = 0, k = 0;

	for (u32 n = 0; n < j; n++)
		nth += blk->succ[n] == s;
	while (c->m->blk[s].pred[k] != b || nth--)
		k++;
	if (!c->before)
		run_phis(c, a, s, k);
	return s;
}

static void run_blk(struct machine *c, const struct mblk *blk)
{
	for (u32 k = 0; k < blk->n; k++) {
		const struct mins *i = &c->m->ins.v[blk->first + k];
		bool inserted =
			c->before && i->nopd && i->opd >= c->before->opd.n;

		if (i->op == MOP_COPY || i->op == MOP_SWAP)
			run_move(c, i);
		else if (inserted)
			*place(c, mir_opd(c->m, i)->reg) = hash_ins(i);
		else if (i->op != MOP_JMP)
			run_ins(c, i);
		if (inserted &&
			(i->flags & (MINS_REMAT | MINS_FLAGS)) == MINS_REMAT)
			c->flags = c->rng = mix(c->rng, 4);
	}
}

u64 toy_run(struct arena *a, const struct mfn *m, const struct mfn *before,
	u64 seed, u32 fuel)
{
	u32 n = before ? 64 + m->nslots : m->vreg.n, b = 0;
	struct machine c = {.m = m,
		.before = before,
		.trace = seed,
		.rng = seed ^ (before ? 1 : 2),
		.fuel = fuel};

	c.vreg = arena_array(a, u64, n);
	for (u32 steps = 0; c.fuel && steps < 8 * fuel;) {
		const struct mblk *blk = &m->blk[b];

		steps += !blk->made;

		run_blk(&c, blk);
		if (!blk->nsucc)
			break;
		b = next_blk(&c, a, b,
			blk->nsucc > 1 ? (u32)(c.trace >> 20) % blk->nsucc : 0);
	}
	return c.trace;
}
