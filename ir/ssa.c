/*
 * From variables to SSA: M. Braun et al., "Simple and Efficient Construction
 * of Static Single Assignment Form", CC 2013, without recursion.
 *
 * A read walks backwards. What it meets at a block:
 *   - a definition: done;
 *   - one predecessor, or two that go back to one block without a definition:
 *     go on there;
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
	u32 from;   /* where the walk began that ended at blk */
};

struct pending {
	u32 phi, var, next; /* next: 1 + of the same block, or 0 */
};

struct ssa_blk {
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
	u32 **def; /* by variable: by block a ref, 0 or BUSY; NULL: none yet.
		    * In this order because walks are along one variable */
	struct ssa_blk *blk;
	u32 cap; /* blocks that there is room for */
	vec(struct pending) pending;
	vec(struct frame) frame;
	vec(u32) answers;
	vec(u32) phis; /* all that were made */
};

struct ssa *ssa_begin_in(struct arena *a, struct fn *f, u32 nvars,
	const u8 *types, ref (*undef)(void *ctx, u32 var, u32 blk), void *ctx)
{
	struct ssa *s = arena_new(a, struct ssa);

	s->f = f;
	s->a = a;
	s->nvars = nvars;
	s->def = arena_array(a, u32 *, nvars);
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

static void *grown(struct ssa *s, const void *old, u32 cap, size_t size)
{
	void *p = arena_alloc_n(s->a, cap, size);

	if (s->cap)
		memcpy(p, old, s->cap * size);
	return p;
}

/* Room for all blocks that there are. */
static void room(struct ssa *s)
{
	u32 cap = s->f->blkcap;

	if (s->f->nblk <= s->cap)
		return;
	s->blk = grown(s, s->blk, cap, sizeof(*s->blk));
	for (u32 v = 0; v < s->nvars; v++)
		if (s->def[v])
			s->def[v] = grown(s, s->def[v], cap, sizeof(u32));
	s->cap = cap;
}

static u32 *defs_of(struct ssa *s, u32 var)
{
	assert(var < s->nvars);
	room(s);
	if (!s->def[var])
		s->def[var] = arena_array(s->a, u32, s->cap);
	return s->def[var];
}

void ssa_write(struct ssa *s, u32 blk, u32 var, ref v)
{
	assert(v.v);
	defs_of(s, var)[blk] = v.v;
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

static void frame_push(struct ssa *s, u32 b, u32 from)
{
	struct frame *fr = vec_push(s->a, &s->frame);

	fr->blk = b;
	fr->next = 0;
	fr->answer = s->answers.n;
	fr->from = from;
}

static u32 incomplete(struct ssa *s, u32 b, u32 var)
{
	u32 phi = phi_new(s, b, var);
	struct pending *p = vec_push(s->a, &s->pending);

	*p = (struct pending){phi, var, s->blk[b].pending};
	s->blk[b].pending = s->pending.n;
	return phi;
}

/* What block b itself knows of var; 0: ask its predecessors. */
static u32 known(struct ssa *s, u32 b, u32 var)
{
	u32 *def = &s->def[var][b];

	if (*def == BUSY)
		*def = phi_new(s, b, var);
	else if (!*def && !s->blk[b].sealed)
		*def = incomplete(s, b, var);
	else if (!*def && s->f->blk[b].npred == 0)
		*def = s->undef(s->ctx, var, b).v;
	return *def;
}

/* The blocks on the way from `from` up to `to`, without it, get the answer. */
static void give(struct ssa *s, u32 from, u32 to, u32 var, u32 v)
{
	const struct blk *blk = s->f->blk;
	u32 *def = s->def[var];

	for (u32 b = from; b != to; b = blk[b].pred[0])
		def[b] = v;
}

/* The block before b if there is one only and b itself knows nothing; else b. */
static inline u32 above(const struct ssa *s, const u32 *def, u32 b)
{
	const struct blk *blk = &s->f->blk[b];

	return !def[b] && blk->npred == 1 && s->blk[b].sealed ? blk->pred[0]
							      : b;
}

/* The first predecessor of b has the answer: b has no other one, or joins two
 * ways from one block that know nothing of the variable. */
static inline bool goes_on(const struct ssa *s, const u32 *def, u32 b)
{
	const struct blk *blk = &s->f->blk[b];

	if (def[b] || !s->blk[b].sealed)
		return false;
	if (blk->npred != 2)
		return blk->npred == 1;
	u32 p = blk->pred[0], q = blk->pred[1];
	u32 over_p = above(s, def, p), over_q = above(s, def, q);
	return over_p == over_q || over_p == q || p == over_q;
}

/* Walks up from b; the value, or 0 when a frame was pushed instead. */
static u32 walk(struct ssa *s, u32 b, u32 var)
{
	const struct blk *blk = s->f->blk;
	u32 *def = s->def[var];
	u32 from = b, steps = 0;

	while (goes_on(s, def, b)) {
		b = blk[b].pred[0];
		/* A ring of single predecessors: unreachable code. */
		if (steps++ > s->f->nblk)
			def[b] = s->undef(s->ctx, var, b).v;
	}
	u32 v = known(s, b, var);
	if (!v) {
		def[b] = BUSY;
		frame_push(s, b, from);
		return 0;
	}
	give(s, from, b, var, v);
	return v;
}

/* All predecessors of the top frame have answered. */
static u32 frame_pop(struct ssa *s, u32 var)
{
	struct frame fr = s->frame.v[--s->frame.n];
	const u32 *arg = s->answers.v + fr.answer;
	u32 n = s->answers.n - fr.answer;
	u32 v = s->def[var][fr.blk];

	if (v != BUSY) {
		phi_fill(s, v, arg, n);
	} else if (!(v = common(arg, n))) {
		v = phi_new(s, fr.blk, var);
		phi_fill(s, v, arg, n);
	}
	s->answers.n = fr.answer;
	s->def[var][fr.blk] = v;
	give(s, fr.from, fr.blk, var, v);
	return v;
}

ref ssa_read(struct ssa *s, u32 blk, u32 var)
{
	u32 base = s->frame.n;
	u32 v;

	defs_of(s, var);
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

	room(s);
	u32 p = s->blk[blk].pending;
	s->blk[blk].sealed = true;
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
