/*
 * Value numbering along the dominator tree.
 *
 * Blocks are visited in the tree's pre-order, children in reverse post-order:
 * what dominates comes first, and so do all predecessors but those of
 * retreating edges. Three kinds of knowledge:
 *
 *   expressions  pure operations by operation and arguments; one table slot
 *                per expression. An entry whose block does not dominate the
 *                current one never will again (pre-order), so it is replaced.
 *   conditions   what a branch on the way here has decided, in the same table.
 *   memory       a bounded list of facts "this value is in that place", kept
 *                per block end, met at joins.
 *
 * Memory contract (ir.h). Shared regions: two equal loads may merge
 * while no call, atomic, fence or retreating edge lies between them, nothing
 * may alias in between, and a store is never forwarded. Private regions: facts
 * die only by what may write there, and outlive loops that do not. Loads that
 * may fault may be merged like others. Nothing is moved or made.
 */
#include <assert.h>
#include <string.h>

#include "ir/alias.h"
#include "ir/frame.h"

enum { MAX_FACTS = 24 };

struct fact {
	struct place at;
	u32 value;
	bool stored; /* by a store, not a load: only the low bytes count */
	u8 mem;	     /* of the load */
};

struct facts {
	struct fact *v;
	u32 n;
	bool known; /* the block was visited */
};

/* A hash beside each value: the value itself is far away. */
struct entry {
	u32 hash;
	u32 v; /* a ref, or cond | COND; 0: free */
};

struct gvn {
	struct fn *f;
	struct arena *a;
	u32 *order; /* blocks in pre-order of the dominator tree */
	u32 nlive;
	ref *repl;
	struct entry *table;
	u32 mask;
	vec(struct decided) cond;
	struct facts *end; /* by block */
	u16 *loop_writes;  /* by loop header */
	bool frame_lost;   /* strangers may know the frame */
	struct fact now[MAX_FACTS];
	u32 nnow;
};

/* ---- expressions --------------------------------------------------------- */

#define COND 0x80000000u

struct decided {
	u32 a, b, blk;
	u8 cc; /* the even one of the pair */
	bool value;
};

static ref resolve(struct gvn *g, ref r)
{
	while (g->repl[r.v].v)
		r = g->repl[r.v];
	return r;
}

static u32 hash_words(const u32 *w, u32 n)
{
	u64 h = 0x243f6a8885a308d3u;

	for (u32 k = 0; k < n; k++) {
		h = (h ^ w[k]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return (u32)(h >> 16);
}

static u32 ins_hash(const struct ins *i)
{
	u32 w[5] = {(u32)i->op << 16 | (u32)i->type << 8 | i->cc, i->arg[0].v,
		i->arg[1].v, i->arg[2].v, i->arg[3].v};

	return hash_words(w, countof(w));
}

static u32 cond_hash(u8 cc, u32 a, u32 b)
{
	u32 w[3] = {COND | cc, a, b};

	return hash_words(w, countof(w));
}

static bool ins_equal(const struct ins *a, const struct ins *b)
{
	return a->op == b->op && a->type == b->type && a->cc == b->cc &&
	       !memcmp(a->arg, b->arg, sizeof(a->arg));
}

static void order_args(struct ins *i)
{
	bool cond = op_has_cc((enum op)i->op);
	ref t = i->arg[0];

	if (i->arg[0].v <= i->arg[1].v)
		return;
	if (!cond && !(op_info[i->op].flags & OPF_COMM))
		return;
	i->arg[0] = i->arg[1];
	i->arg[1] = t;
	if (cond)
		i->cc = (u8)cc_swap((enum cc)i->cc);
}

static struct entry *next_entry(const struct gvn *g, struct entry *e)
{
	return e == &g->table[g->mask] ? g->table : e + 1;
}

/* The entry of an equal expression, or the free one for it. */
static u32 *find_ins(struct gvn *g, const struct ins *i)
{
	u32 hash = ins_hash(i);
	struct entry *e = &g->table[hash & g->mask];

	for (; e->v; e = next_entry(g, e)) {
		if (e->hash != hash || e->v & COND)
			continue;
		struct ins x = g->f->ins[e->v];
		order_args(&x);
		if (ins_equal(&x, i))
			break;
	}
	e->hash = hash;
	return &e->v;
}

static u32 *find_cond(struct gvn *g, u8 cc, u32 a, u32 b)
{
	u32 hash = cond_hash(cc, a, b);
	struct entry *e = &g->table[hash & g->mask];

	for (; e->v; e = next_entry(g, e)) {
		if (e->hash != hash || !(e->v & COND))
			continue;
		const struct decided *d = &g->cond.v[e->v & ~COND];
		if (d->cc == cc && d->a == a && d->b == b)
			break;
	}
	e->hash = hash;
	return &e->v;
}

static ref number_pure(struct gvn *g, u32 i)
{
	struct fn *f = g->f;
	struct ins key = f->ins[i];

	order_args(&key);
	u32 *slot = find_ins(g, &key);
	u32 old = *slot;
	if (old && cfg_dominates(f, f->ins[old].blk, f->ins[i].blk))
		return (ref){old};
	*slot = i;
	return (ref){0};
}

/* ---- conditions ---------------------------------------------------------- */

/* 1, 0, or -1 if nothing on the way here decided it. */
static int decided(struct gvn *g, u32 b, const struct ins *x)
{
	struct ins key = *x;

	order_args(&key);
	u32 *slot = find_cond(g, key.cc & 0xfe, key.arg[0].v, key.arg[1].v);
	if (!*slot)
		return -1;
	const struct decided *d = &g->cond.v[*slot & ~COND];
	if (!cfg_dominates(g->f, d->blk, b))
		return -1;
	return d->value ^ (key.cc & 1);
}

/* In b, which has one predecessor, the branch there has gone one way. */
static void learn(struct gvn *g, u32 b)
{
	struct fn *f = g->f;
	const struct blk *blk = &f->blk[b];

	if (blk->npred != 1)
		return;
	const struct blk *p = &f->blk[blk->pred[0]];
	struct ins key = f->ins[p->last];
	if (key.op != OP_BR)
		return;
	order_args(&key);
	struct decided d = {
		.a = key.arg[0].v,
		.b = key.arg[1].v,
		.blk = b,
		.cc = key.cc & 0xfe,
		.value = (p->succ[0] == b) ^ (key.cc & 1),
	};
	u32 *slot = find_cond(g, d.cc, d.a, d.b);
	*slot = COND | g->cond.n;
	*vec_push(g->a, &g->cond) = d;
}

/* ---- facts --------------------------------------------------------------- */

static void drop_fact(struct gvn *g, u32 k)
{
	memmove(&g->now[k], &g->now[k + 1],
		(g->nnow - k - 1) * sizeof(g->now[0]));
	g->nnow--;
}

static void add_fact(struct gvn *g, const struct fact *p)
{
	if (g->nnow == MAX_FACTS)
		drop_fact(g, 0);
	g->now[g->nnow++] = *p;
}

static void kill_alias(struct gvn *g, const struct place *p)
{
	for (u32 k = g->nnow; k-- > 0;)
		if (place_alias(&g->now[k].at, p, g->frame_lost))
			drop_fact(g, k);
}

/* Facts of the regions die, and with PLACE_BARRIER all shared ones. */
static void kill_regions(struct gvn *g, u32 regions)
{
	for (u32 k = g->nnow; k-- > 0;) {
		const struct place *p = &g->now[k].at;

		if (p->region == REGION_RODATA)
			continue;
		if ((regions & PLACE_BARRIER &&
			    place_is_shared(p, g->frame_lost)) ||
			(!p->own && regions >> p->region & 1))
			drop_fact(g, k);
	}
}

static void kill_own(struct gvn *g, i64 lo, i64 hi)
{
	for (u32 k = g->nnow; k-- > 0;) {
		const struct place *p = &g->now[k].at;

		if (p->own && p->off < hi && p->off + p->size > lo)
			drop_fact(g, k);
	}
}

static void kill_call(struct gvn *g, const struct ins *i)
{
	struct fn *f = g->f;
	const struct call *c = &f->calls.v[i->aux];
	u32 n, skip = i->op == OP_CALLX;
	i64 lo, hi;

	kill_regions(g, place_writes(f, i));
	ir_args(f, i, &n);
	for (u32 k = 0; k < n; k++) {
		int known = frame_call_arg(f, i, k, &lo, &hi);

		if (known == 1 && c->arg[k - skip].access & ARG_WRITE)
			kill_own(g, lo, hi);
		else if (known < 0 || g->frame_lost)
			kill_own(g, INT64_MIN, INT64_MAX);
	}
}

/* ---- loads and stores ---------------------------------------------------- */

/* value of type `from`, whose low `size` bytes are the memory's, as what the
 * load x yields; builds in front of x */
static ref adapt(struct gvn *g, u32 at, ref v, bool exact)
{
	static const u8 ext[2][2] = {{OP_ZX8, OP_ZX16}, {OP_SX8, OP_SX16}};
	struct fn *f = g->f;
	struct ins x = f->ins[at];
	enum ty from = (enum ty)ir_ins(f, v)->type, t = (enum ty)x.type;
	bool sx = x.mem & MEM_SX;
	ref none = {0};

	if (exact && from == t)
		return v;
	if (x.size <= 2) {
		enum op op = (enum op)ext[sx][x.size == 2];

		if (from == TY_I64 && t == TY_I32)
			v = ir_add_before(f, at, OP_TRUNC, t, v, none);
		if (from == TY_I32 && t == TY_I64)
			v = ir_add_before(f, at, OP_ZEXT, t, v, none);
		return ir_add_before(f, at, op, t, v, none);
	}
	if (x.size == 8)
		return v;
	if (from == TY_I64)
		v = ir_add_before(f, at, OP_TRUNC, TY_I32, v, none);
	if (t == TY_I64)
		v = ir_add_before(f, at, sx ? OP_SEXT : OP_ZEXT, t, v, none);
	return v;
}

static ref number_load(struct gvn *g, u32 i)
{
	const struct ins *x = &g->f->ins[i];
	struct fact p = {.at = place_of(g->f, x), .mem = x->mem};

	for (u32 k = g->nnow; k-- > 0;) {
		const struct fact *q = &g->now[k];

		if (!place_same(&q->at, &p.at))
			continue;
		bool exact = !q->stored && !((q->mem ^ p.mem) & MEM_SX);
		return adapt(g, i, (ref){q->value}, exact);
	}
	p.value = i;
	add_fact(g, &p);
	return (ref){0};
}

static void number_store(struct gvn *g, u32 i)
{
	const struct ins *x = &g->f->ins[i];
	struct fact p = {.at = place_of(g->f, x)};

	kill_alias(g, &p.at);
	if (place_is_shared(&p.at, g->frame_lost) || (x->mem & MEM_FAULT))
		return;
	p.value = x->arg[1].v;
	p.stored = true;
	add_fact(g, &p);
}

/* An operation that is more than a load or store of one thread. */
static void number_atomic(struct gvn *g, u32 i)
{
	struct place p = place_of(g->f, &g->f->ins[i]);

	kill_regions(g, PLACE_BARRIER);
	kill_alias(g, &p);
}

/* ---- joins --------------------------------------------------------------- */

static void save_facts(struct gvn *g, u32 b)
{
	struct facts *e = &g->end[b];

	e->v = arena_dup(g->a, g->now, g->nnow * sizeof(g->now[0]));
	e->n = g->nnow;
	e->known = true;
}

static bool has_fact(const struct facts *e, const struct fact *p)
{
	for (u32 k = 0; k < e->n; k++)
		if (place_same(&e->v[k].at, &p->at) &&
			e->v[k].value == p->value &&
			e->v[k].stored == p->stored && e->v[k].mem == p->mem)
			return true;
	return false;
}

/* The facts that hold at the end of all predecessors; around a loop only
 * those that nothing in it can touch. */
static void meet_facts(struct gvn *g, u32 b)
{
	const struct blk *blk = &g->f->blk[b];
	const struct facts *first = NULL;
	bool back = false;

	g->nnow = 0;
	for (u32 k = 0; k < blk->npred; k++) {
		u32 p = blk->pred[k];

		if (!cfg_is_back_edge(g->f, p, b)) {
			first = first ? first : &g->end[p];
			continue;
		}
		back = true;
		/* retreating, but no part of b's natural loop: nothing is known
		 * of the blocks on the way */
		if (!cfg_dominates(g->f, b, p))
			return;
	}
	if (!first)
		return;
	g->nnow = first->n;
	memcpy(g->now, first->v, first->n * sizeof(g->now[0]));
	for (u32 k = 0; g->nnow && k < blk->npred; k++) {
		if (cfg_is_back_edge(g->f, blk->pred[k], b))
			continue;
		const struct facts *e = &g->end[blk->pred[k]];
		assert(e->known);
		if (e == first)
			continue;
		for (u32 j = g->nnow; j-- > 0;)
			if (!has_fact(e, &g->now[j]))
				drop_fact(g, j);
	}
	if (!back)
		return;
	u32 w = g->loop_writes[b];
	kill_regions(g, PLACE_BARRIER | w);
	if (w & (1u << REGION_STACK | PLACE_BARRIER))
		kill_own(g, INT64_MIN, INT64_MAX);
}

/* ---- what loops write ---------------------------------------------------- */

/* Each block counts for its innermost loop, each loop for the one around it,
 * whose header comes earlier. */
static void find_loop_writes(struct gvn *g)
{
	struct fn *f = g->f;

	for (u32 k = g->nlive; k-- > 0;) {
		u32 b = g->order[k], h = f->blk[b].loop;

		if (h == BLK_NONE)
			continue;
		ir_each_ins (f, b, i)
			g->loop_writes[h] |= (u16)place_writes(f, &f->ins[i]);
		if (h == b && f->blk[b].outer != BLK_NONE)
			g->loop_writes[f->blk[b].outer] |= g->loop_writes[b];
	}
}

/* ---- the pass ------------------------------------------------------------ */

static void resolve_args(struct gvn *g, struct ins *x)
{
	u32 n;
	ref *arg = ir_args(g->f, x, &n);

	for (u32 k = 0; k < n; k++)
		if (g->repl[arg[k].v].v)
			arg[k] = resolve(g, arg[k]);
}

static ref number_cond(struct gvn *g, u32 b, u32 i)
{
	const struct ins *x = &g->f->ins[i];
	int known = decided(g, b, x);

	if (known < 0)
		return number_pure(g, i);
	if (x->op == OP_SEL)
		return known ? x->arg[2] : x->arg[3];
	return ir_const(g->f, TY_I32, known);
}

static void number_branch(struct gvn *g, u32 b, u32 i)
{
	int known = decided(g, b, &g->f->ins[i]);

	if (known >= 0)
		cfg_cut(g->f, b, (u32)known);
}

/* Phis of one block with equal arguments are one. */
static ref number_phi(struct gvn *g, u32 b, u32 i)
{
	enum { MAX_LOOK = 16 };
	struct fn *f = g->f;
	const struct ins *x = &f->ins[i];
	u32 look = 0;

	for (u32 j = x->prev; j && look < MAX_LOOK; j = f->ins[j].prev) {
		const struct ins *y = &f->ins[j];

		look++;
		if (y->type == x->type && !memcmp(f->args.v + x->arg[0].v,
						  f->args.v + y->arg[0].v,
						  x->arg[1].v * sizeof(ref)))
			return (ref){j};
	}
	(void)b;
	return (ref){0};
}

static ref number(struct gvn *g, u32 b, u32 i)
{
	const struct ins *x = &g->f->ins[i];
	ref none = {0};

	switch (x->op) {
	case OP_PHI: return number_phi(g, b, i);
	case OP_CMP:
	case OP_SEL: return number_cond(g, b, i);
	case OP_BR: number_branch(g, b, i); return none;
	case OP_LOAD: return number_load(g, i);
	case OP_STORE: number_store(g, i); return none;
	case OP_CALL:
		if (call_is_pure(g->f, x))
			return none;
		fallthrough;
	case OP_CALLX: kill_call(g, x); return none;
	default: break;
	}
	if (op_is_mem((enum op)x->op))
		number_atomic(g, i);
	else if (op_info[x->op].flags & OPF_PURE)
		return number_pure(g, i);
	return none;
}

static void grow_repl(struct gvn *g, u32 *cap)
{
	if (g->f->nins <= *cap)
		return;
	ref *p = arena_array(g->a, ref, g->f->cap);
	memcpy(p, g->repl, *cap * sizeof(*p));
	g->repl = p;
	*cap = g->f->cap;
}

static void visit_block(struct gvn *g, u32 b, u32 *cap)
{
	struct fn *f = g->f;

	learn(g, b);
	meet_facts(g, b);
	ir_each_ins (f, b, i) {
		resolve_args(g, &f->ins[i]);
		ref r = number(g, b, i);

		grow_repl(g, cap);
		if (!r.v)
			continue;
		g->repl[i] = r;
		ir_remove(f, i);
	}
	save_facts(g, b);
}

void pass_gvn(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct gvn g = {.f = f, .a = tmp};
	struct frame_use use;
	u32 size = 64, cap = f->nins;

	cfg_analyse(f);
	frame_scan(f, tmp, &use);
	g.frame_lost = use.lost;
	while (size < f->nins + f->nins / 2 + f->nblk)
		size *= 2;
	g.mask = size - 1;
	g.table = arena_array(tmp, struct entry, size);
	g.repl = arena_array(tmp, ref, cap);
	g.end = arena_array(tmp, struct facts, f->nblk);
	g.loop_writes = arena_array(tmp, u16, f->nblk);
	g.order = arena_array(tmp, u32, f->nblk);
	ir_each_blk (f, b) {
		g.order[f->blk[b].dom_first] = b;
		g.nlive++;
	}
	find_loop_writes(&g);
	for (u32 k = 0; k < g.nlive; k++)
		visit_block(&g, g.order[k], &cap);
	ir_each_blk (f, b) /* all others came behind what they use */
		ir_each_phi (f, b, i)
			resolve_args(&g, &f->ins[i]);
	cfg_prune(f);
	arena_release(tmp, m);
}
