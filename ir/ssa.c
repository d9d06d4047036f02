/*
 * From variables to SSA: M. Braun et al., "Simple and Efficient Construction
 * of Static Single Assignment Form", CC 2013, without recursion.
 *
 * A read walks backwards. What it meets at a block:
 *   - a definition: done;
 *   - one predecessor: go on there;
 *   - unsealed: an incomplete phi, filled when the block is sealed;
 *   - several predecessors: a frame is pushed that asks each of them in turn.
 *     Meanwhile the block is marked BUSY; a walk that comes back to a BUSY
 *     block closes a loop, and only then (or when the answers differ) a phi
 *     is made.
 * The answer is stored at every block of the way.
 *
 * Phis that turn out trivial (all arguments one value, or the phi itself) are
 * found and replaced everywhere by ssa_end, at once. For reducible graphs the
 * result is minimal.
 */
#include <assert.h>

#include "ir/ir.h"

#define BUSY UINT32_MAX

struct frame {
	u32 blk;
	u32 next;   /* predecessor to ask next */
	u32 answer; /* first answer in s->answers */
	u32 way;    /* blocks in s->way from here on get the frame's value */
};

struct pending {
	u32 phi, var, next; /* next: 1 + of the same block, or 0 */
};

struct ssa_blk {
	u32 *def;    /* per variable: ref, 0 or BUSY; NULL: none yet */
	u32 pending; /* 1 + first in s->pending */
	bool sealed;
};

struct ssa {
	struct fn *f;
	struct arena *a;
	u32 nvars;
	const u8 *types;
	ref (*undef)(void *ctx, u32 var, u32 blk);
	void *ctx;
	vec(struct ssa_blk) blk;
	vec(struct pending) pending;
	vec(struct frame) frame;
	vec(u32) answers;
	vec(u32) way;  /* blocks between the frames, to be given the answer */
	vec(u32) phis; /* all that were made */
};

struct ssa *ssa_begin_in(struct arena *a, struct fn *f, u32 nvars,
	const u8 *types, ref (*undef)(void *ctx, u32 var, u32 blk), void *ctx)
{
	struct ssa *s = arena_new(a, struct ssa);

	s->f = f;
	s->a = a;
	s->nvars = nvars;
	s->types = types;
	s->undef = undef;
	s->ctx = ctx;
	return s;
}

struct ssa *ssa_begin(struct fn *f, u32 nvars, const u8 *types,
	ref (*undef)(void *ctx, u32 var, u32 blk), void *ctx)
{
	return ssa_begin_in(f->a, f, nvars, types, undef, ctx);
}

static struct ssa_blk *new_blk(struct ssa *s, u32 b)
{
	while (s->blk.n <= b)
		vec_push(s->a, &s->blk);
	s->blk.v[b].def = arena_array(s->a, u32, s->nvars);
	return &s->blk.v[b];
}

static inline struct ssa_blk *get_blk(struct ssa *s, u32 b)
{
	if (b < s->blk.n && s->blk.v[b].def)
		return &s->blk.v[b];
	return new_blk(s, b);
}

void ssa_write(struct ssa *s, u32 blk, u32 var, ref v)
{
	assert(var < s->nvars && v.v);
	get_blk(s, blk)->def[var] = v.v;
}

/* ---- phis ---------------------------------------------------------------- */

static u32 phi_new(struct ssa *s, u32 b, u32 var)
{
	u32 insn = s->f->insn;

	s->f->insn = INSN_NONE;
	u32 phi = ir_phi(s->f, b, (enum ty)s->types[var], 0).v;
	s->f->insn = insn;
	*vec_push(s->a, &s->phis) = phi;
	return phi;
}

static void phi_fill(struct ssa *s, u32 phi, const u32 *arg, u32 n)
{
	struct fn *f = s->f;
	u32 first = f->args.n;

	for (u32 k = 0; k < n; k++)
		vec_push(f->a, &f->args)->v = arg[k];
	f->ins[phi].arg[0].v = first;
	f->ins[phi].arg[1].v = n;
}

/* The one value of all answers, 0 if they differ. */
static u32 common(const u32 *v, u32 n)
{
	for (u32 k = 1; k < n; k++)
		if (v[k] != v[0])
			return 0;
	return v[0];
}

/* ---- reading ------------------------------------------------------------- */

static void frame_push(struct ssa *s, u32 b, u32 way)
{
	struct frame *fr = vec_push(s->a, &s->frame);

	fr->blk = b;
	fr->next = 0;
	fr->answer = s->answers.n;
	fr->way = way;
}

static u32 incomplete(struct ssa *s, u32 b, u32 var)
{
	u32 phi = phi_new(s, b, var);
	struct pending *p = vec_push(s->a, &s->pending);

	*p = (struct pending){phi, var, s->blk.v[b].pending};
	s->blk.v[b].pending = s->pending.n;
	return phi;
}

/* What block b itself knows of var; 0: ask its predecessors. */
static u32 known(struct ssa *s, u32 b, u32 var)
{
	struct ssa_blk *p = get_blk(s, b);
	u32 *def = &p->def[var];

	if (*def && *def != BUSY)
		return *def;
	if (*def == BUSY)
		*def = phi_new(s, b, var);
	else if (!*def && !p->sealed)
		*def = incomplete(s, b, var);
	else if (!*def && s->f->blk[b].npred == 0)
		*def = s->undef(s->ctx, var, b).v;
	return *def;
}

static void give(struct ssa *s, u32 from, u32 var, u32 v)
{
	while (s->way.n > from)
		s->blk.v[s->way.v[--s->way.n]].def[var] = v;
}

/* Walks up from b; the value, or 0 when a frame was pushed instead. */
static u32 walk(struct ssa *s, u32 b, u32 var)
{
	u32 from = s->way.n;
	u32 v;

	while (!(v = known(s, b, var))) {
		if (s->f->blk[b].npred > 1) {
			s->blk.v[b].def[var] = BUSY;
			frame_push(s, b, from);
			return 0;
		}
		*vec_push(s->a, &s->way) = b;
		b = s->f->blk[b].pred[0];
		/* A ring of single predecessors: unreachable code. */
		if (s->way.n - from > s->f->nblk) {
			v = s->undef(s->ctx, var, b).v;
			break;
		}
	}
	give(s, from, var, v);
	return v;
}

/* All predecessors of the top frame have answered. */
static u32 frame_pop(struct ssa *s, u32 var)
{
	struct frame fr = s->frame.v[--s->frame.n];
	const u32 *arg = s->answers.v + fr.answer;
	u32 n = s->answers.n - fr.answer;
	u32 v = s->blk.v[fr.blk].def[var];

	if (v != BUSY) {
		phi_fill(s, v, arg, n);
	} else if (!(v = common(arg, n))) {
		v = phi_new(s, fr.blk, var);
		phi_fill(s, v, arg, n);
	}
	s->answers.n = fr.answer;
	s->blk.v[fr.blk].def[var] = v;
	give(s, fr.way, var, v);
	return v;
}

ref ssa_read(struct ssa *s, u32 blk, u32 var)
{
	u32 base = s->frame.n;
	u32 v;

	assert(var < s->nvars);
	v = walk(s, blk, var);
	while (s->frame.n > base) {
		struct frame *fr = &s->frame.v[s->frame.n - 1];
		const struct blk *b = &s->f->blk[fr->blk];

		if (v)
			*vec_push(s->a, &s->answers) = v;
		if (fr->next < b->npred)
			v = walk(s, b->pred[fr->next++], var);
		else if ((v = frame_pop(s, var)) && s->frame.n == base)
			break;
	}
	return (ref){v};
}

void ssa_seal(struct ssa *s, u32 blk)
{
	const struct blk *b = &s->f->blk[blk];
	u32 p = get_blk(s, blk)->pending;

	s->blk.v[blk].sealed = true;
	while (p) {
		struct pending job = s->pending.v[p - 1];
		u32 at = s->answers.n;

		for (u32 k = 0; k < b->npred; k++) {
			u32 v = ssa_read(s, b->pred[k], job.var).v;

			*vec_push(s->a, &s->answers) = v;
			b = &s->f->blk[blk];
		}
		phi_fill(s, job.phi, s->answers.v + at, b->npred);
		s->answers.n = at;
		p = job.next;
	}
}

/* ---- the end ------------------------------------------------------------- */

static u32 resolve(u32 *subst, u32 v)
{
	while (subst[v]) {
		if (subst[subst[v]])
			subst[v] = subst[subst[v]];
		v = subst[v];
	}
	return v;
}

static bool is_trivial(const struct fn *f, u32 *subst, u32 phi, u32 *same)
{
	const struct ins *i = &f->ins[phi];

	*same = 0;
	for (u32 k = 0; k < i->arg[1].v; k++) {
		u32 v = resolve(subst, f->args.v[i->arg[0].v + k].v);

		if (v == phi || v == *same)
			continue;
		if (*same)
			return false;
		*same = v;
	}
	return *same != 0;
}

/* Phis were made roughly in reverse post-order. A sweep backwards undoes a
 * nest of loops from the inside in one go, a sweep forwards a chain of joins;
 * what is left after MAX_SWEEPS is correct, only not minimal. */
static void find_trivial(struct ssa *s, u32 *subst)
{
	enum { MAX_SWEEPS = 16 };
	bool changed = true;

	for (u32 sweep = 0; changed && sweep < MAX_SWEEPS; sweep++) {
		changed = false;
		for (u32 k = 0; k < s->phis.n; k++) {
			u32 at = sweep & 1 ? k : s->phis.n - 1 - k;
			u32 phi = s->phis.v[at], same;

			if (subst[phi] || !is_trivial(s->f, subst, phi, &same))
				continue;
			subst[phi] = same;
			changed = true;
		}
	}
}

static void replace_all(struct fn *f, u32 *subst, u32 n)
{
	for (u32 k = 0; k < f->args.n; k++)
		if (f->args.v[k].v < n)
			f->args.v[k].v = resolve(subst, f->args.v[k].v);
	for (u32 r = 1; r < f->nins; r++) {
		struct ins *i = &f->ins[r];
		u8 nargs = op_info[i->op].nargs;

		for (u32 k = 0; nargs != OP_VARARGS && k < nargs; k++)
			i->arg[k].v = resolve(subst, i->arg[k].v);
	}
}

void ssa_end(struct ssa *s)
{
	struct fn *f = s->f;
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	u32 *subst = arena_array(tmp, u32, f->nins);

	find_trivial(s, subst);
	replace_all(f, subst, f->nins);
	for (u32 k = 0; k < s->phis.n; k++)
		if (subst[s->phis.v[k]])
			ir_remove(f, s->phis.v[k]);
	arena_release(tmp, m);
}
