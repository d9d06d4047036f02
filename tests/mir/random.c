/*
 * Random functions in SSA form. A number of variables, each with its current
 * virtual register; statements redefine them; joins and loop headers make
 * phis where the register differs or may differ.
 */
#include <assert.h>
#include <string.h>

#include "toy.h"

enum { MAX_VARS = 400, MAX_EXITS = 4 };

struct env {
	u32 v[MAX_VARS];
};

struct gen {
	struct mfn *m;
	struct arena *a;
	struct toy_rng *r;
	u32 nvars;
	struct env env;
	u8 frozen[MAX_VARS]; /* loops around that it has no phi in */
	i32 budget;
	u32 depth;
	vec(struct mblk) blk; /* the last one is being filled */
};

u32 toy_rand(struct toy_rng *r, u32 n)
{
	r->s = r->s * 6364136223846793005u + 1442695040888963407u;
	return (u32)((r->s >> 33) % n);
}

static u32 rnd(struct gen *g, u32 n)
{
	return toy_rand(g->r, n);
}

/* ---- Blocks ---- */

static u32 cur(const struct gen *g)
{
	return g->blk.n - 1;
}

static void start_blk(struct gen *g)
{
	struct mblk *b = vec_push(g->a, &g->blk);

	b->first = g->m->ins.n;
	b->depth = g->depth;
}

static void end_blk(struct gen *g, u32 nsucc)
{
	struct mblk *b = &g->blk.v[cur(g)];

	b->n = g->m->ins.n - b->first;
	b->nsucc = nsucc;
	b->succ = arena_array(g->a, u32, 2);
}

static void add_pred(struct gen *g, u32 b, u32 p)
{
	struct mblk *blk = &g->blk.v[b];
	u32 *pred = arena_array(g->a, u32, blk->npred + 1);

	if (blk->npred)
		memcpy(pred, blk->pred, blk->npred * sizeof(u32));
	pred[blk->npred++] = p;
	blk->pred = pred;
}

static void link(struct gen *g, u32 p, u32 j, u32 s)
{
	g->blk.v[p].succ[j] = s;
	add_pred(g, s, p);
}

/* ---- Statements ---- */

static u32 new_reg(struct gen *g, u32 var)
{
	return mir_vreg(g->m, var % 3 ? 8 : 4);
}

static u32 pick_var(struct gen *g)
{
	/* some variables are popular */
	return rnd(g, 3) ? rnd(g, g->nvars) : rnd(g, (g->nvars + 3) / 4);
}

/* A variable that may be redefined here. */
static u32 pick_target(struct gen *g)
{
	for (u32 k = 0; k < 20; k++) {
		u32 var = pick_var(g);

		if (!g->frozen[var])
			return var;
	}
	return MAX_VARS; /* a value that nobody reads */
}

static struct mopd use_any(struct gen *g)
{
	return toy_use(g->env.v[pick_var(g)]);
}

/* The register for a target; *later is set to what the variable becomes. */
static u32 target_reg(struct gen *g, u32 var)
{
	return var == MAX_VARS ? mir_vreg(g->m, 8) : new_reg(g, var);
}

static void assign(struct gen *g, u32 var, u32 v)
{
	if (var != MAX_VARS)
		g->env.v[var] = v;
}

static void gen_plain(struct gen *g)
{
	struct mopd o[8];
	u32 n = 0, a = pick_target(g), b = MAX_VARS, d = target_reg(g, a),
	    e = 0;

	o[n++] = toy_def(d);
	if (!rnd(g, 8)) {
		b = pick_target(g);
		e = target_reg(g, b);
		o[n++] = toy_def(e);
	}
	for (u32 k = rnd(g, 4); k > 0; k--) {
		o[n++] = use_any(g);
		if (!rnd(g, 8))
			o[n - 1].role = OPD_LATE;
	}
	if (!rnd(g, 4))
		o[n++] = toy_role(toy_def(mir_vreg(g->m, 8)), OPD_EARLY);
	if (n > 1 && o[n - 1].role == OPD_USE && !rnd(g, 2))
		o[n - 1] = toy_slot(o[n - 1]);
	else if (!rnd(g, 10))
		o[0] = toy_slot(o[0]);
	toy_add(g->m, T_OP, 0, o, n);
	assign(g, a, d);
	if (e)
		assign(g, b, e);
}

static void gen_tied(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a);
	struct mopd x =
		rnd(g, 2) && a != MAX_VARS ? toy_use(g->env.v[a]) : use_any(g);
	struct mopd def = toy_tied(toy_def(d), 1), y = use_any(g);

	if (!rnd(g, 5)) {
		def = toy_slot(def);
		x = toy_slot(x);
	} else if (rnd(g, 2)) {
		y = toy_slot(y);
	}
	TOY(g->m, T_OP, 0, def, x, y);
	assign(g, a, d);
}

static void gen_shift(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a);

	TOY(g->m, T_OP, 0, toy_tied(toy_def(d), 1), use_any(g),
		toy_fixed(use_any(g), R_CX));
	assign(g, a, d);
}

static void gen_div(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a), t = mir_vreg(g->m, 8);
	struct mopd def = toy_fixed(toy_def(d), R_AX);

	if (rnd(g, 2))
		def = toy_tied(toy_def(d), 2);
	TOY(g->m, T_OP, 0, def,
		toy_fixed(toy_role(toy_def(t), OPD_EARLY), R_DX),
		toy_fixed(use_any(g), R_AX), use_any(g));
	assign(g, a, d);
}

static void gen_const(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a);

	TOY(g->m, T_CONST, MINS_REMAT, toy_def(d))->imm = rnd(g, 6);
	assign(g, a, d);
}

static void gen_copy(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a);
	u32 s = g->env.v[a == MAX_VARS ? 1 : rnd(g, 2) ? a : pick_var(g)];

	if (g->m->vreg.v[d].size != g->m->vreg.v[s].size)
		return;
	TOY(g->m, MOP_COPY, 0, toy_def(d), toy_use(s))->size =
		g->m->vreg.v[d].size;
	assign(g, a, d);
}

static void gen_call(struct gen *g)
{
	static const u8 arg[] = {R_DI, R_SI, R_DX, R_CX, R_8};
	struct mopd o[8];
	u32 n = 0, a = pick_target(g), d = target_reg(g, a);

	if (rnd(g, 5))
		o[n++] = toy_fixed(toy_def(d), R_AX);
	else
		o[n++] = toy_def(d);
	for (u32 k = 0, args = rnd(g, 6); k < args; k++)
		o[n++] = toy_fixed(use_any(g), arg[k]);
	if (!rnd(g, 6))
		o[n++] = use_any(g);
	toy_add(g->m, T_CALL, MINS_CALL, o, n);
	assign(g, a, d);
}

static void gen_flags(struct gen *g)
{
	u32 a = pick_target(g), d = target_reg(g, a);

	TOY(g->m, T_CMP, MINS_FLAGS, use_any(g), toy_slot(use_any(g)));
	if (rnd(g, 2))
		gen_const(g);
	struct mopd x = use_any(g), y = use_any(g);
	TOY(g->m, T_SEL, MINS_FLAGS, toy_tied(toy_def(d), 1), x, y);
	assign(g, a, d);
}

static void gen_statement(struct gen *g)
{
	static void (*const gen[])(struct gen *) = {gen_plain, gen_plain,
		gen_tied, gen_tied, gen_tied, gen_shift, gen_div, gen_const,
		gen_const, gen_copy, gen_call, gen_flags};

	gen[rnd(g, sizeof(gen) / sizeof(gen[0]))](g);
	g->budget--;
}

static void gen_jump(struct gen *g)
{
	toy_add(g->m, MOP_JMP, MINS_TERM, NULL, 0);
	end_blk(g, 1);
}

static void gen_branch(struct gen *g)
{
	if (rnd(g, 2)) {
		TOY(g->m, T_CMP, MINS_FLAGS, use_any(g), use_any(g));
		if (!rnd(g, 4))
			gen_const(g);
		toy_add(g->m, T_BRF, MINS_TERM | MINS_FLAGS, NULL, 0);
	} else {
		TOY(g->m, T_BR, MINS_TERM, use_any(g), use_any(g));
	}
	if (!rnd(g, 3))
		toy_add(g->m, MOP_JMP, MINS_TERM, NULL, 0);
	end_blk(g, 2);
}

/* ---- Joins ---- */

/* A way into a join: block, which of its edges, and the variables there. */
struct way {
	u32 blk, j;
	struct env env;
};

/* Starts the join of some ways. */
static void gen_join(struct gen *g, const struct way *w, u32 n)
{
	start_blk(g);
	u32 b = cur(g);

	for (u32 k = 0; k < n; k++)
		link(g, w[k].blk, w[k].j, b);
	for (u32 var = 0; var < g->nvars; var++) {
		bool same = rnd(g, 20);

		for (u32 k = 1; k < n; k++)
			same &= w[k].env.v[var] == w[0].env.v[var];
		g->env.v[var] = w[0].env.v[var];
		if (same)
			continue;
		struct mphi *p = vec_push(g->a, &g->blk.v[b].phi);
		p->src = arena_array(g->a, u32, n);
		for (u32 k = 0; k < n; k++)
			p->src[k] = w[k].env.v[var];
		p->def = new_reg(g, var);
		if (!g->frozen[var])
			g->env.v[var] = p->def;
	}
}

static void gen_region(struct gen *g);

static void way_from(const struct gen *g, struct way *w, u32 j)
{
	w->blk = cur(g);
	w->j = j;
	w->env = g->env;
}

static void gen_if(struct gen *g)
{
	struct way *w = arena_array(g->a, struct way, 3);
	u32 n = 0;

	gen_branch(g);
	way_from(g, &w[2], 0);
	start_blk(g);
	link(g, w[2].blk, 0, cur(g));
	gen_region(g);
	gen_jump(g);
	way_from(g, &w[n++], 0);
	g->env = w[2].env;
	if (rnd(g, 2)) {
		start_blk(g);
		link(g, w[2].blk, 1, cur(g));
		gen_region(g);
		gen_jump(g);
		way_from(g, &w[n++], 0);
	} else {
		w[n] = w[2];
		w[n++].j = 1;
	}
	gen_join(g, w, n);
}

/* Both successors of a branch are one block. */
static void gen_double_edge(struct gen *g)
{
	struct way *w = arena_array(g->a, struct way, 2);

	gen_branch(g);
	way_from(g, &w[0], 0);
	way_from(g, &w[1], 1);
	for (u32 var = 0; var < g->nvars; var++)
		if (!rnd(g, 10)) /* another one of the same size */
			w[1].env.v[var] = g->env.v[var % 3 ? 1 : 0];
	gen_join(g, w, 2);
}

/* header: phis of some variables; body with breaks; the last block goes back
 * and, mostly, out. */
static void gen_loop(struct gen *g)
{
	struct way *exit = arena_array(g->a, struct way, MAX_EXITS);
	u32 nexit = 0, pre, head, many = 1 + rnd(g, 4);
	u8 was_frozen[MAX_VARS];

	memcpy(was_frozen, g->frozen, sizeof(was_frozen));
	gen_jump(g);
	pre = cur(g);
	g->depth++;
	start_blk(g);
	head = cur(g);
	link(g, pre, 0, head);
	for (u32 var = 0; var < g->nvars; var++) {
		if (g->frozen[var] || rnd(g, many)) {
			g->frozen[var] = 1;
			continue;
		}
		struct mphi *p = vec_push(g->a, &g->blk.v[head].phi);
		p->src = arena_array(g->a, u32, 2);
		p->src[0] = g->env.v[var];
		p->def = new_reg(g, var);
		p->src[1] = var; /* until the way back is known */
		g->env.v[var] = p->def;
	}
	gen_region(g);
	while (nexit < MAX_EXITS - 1 && !rnd(g, 3)) {
		gen_branch(g);
		way_from(g, &exit[nexit++], 0);
		start_blk(g);
		link(g, cur(g) - 1, 1, cur(g));
		gen_region(g);
	}
	gen_branch(g);
	way_from(g, &exit[nexit++], 1);
	link(g, cur(g), 0, head);
	struct mblk *h = &g->blk.v[head];
	h->loop_end = cur(g);
	for (u32 k = 0; k < h->phi.n; k++)
		h->phi.v[k].src[1] = g->env.v[h->phi.v[k].src[1]];
	g->depth--;
	memcpy(g->frozen, was_frozen, sizeof(was_frozen));
	gen_join(g, exit, nexit);
}

static void gen_region(struct gen *g)
{
	u32 n = 1 + rnd(g, 8);

	while (n-- && g->budget > 0) {
		u32 what = g->depth < 4 && g->blk.n < 100000 ? rnd(g, 16) : 2;

		if (what == 0)
			gen_if(g);
		else if (what == 1 && rnd(g, 2))
			gen_loop(g);
		else if (what == 1 && !rnd(g, 4))
			gen_double_edge(g);
		else
			gen_statement(g);
	}
}

/* ---- Order of blocks ---- */

/* Puts the blocks, the first apart, in any order. */
static void shuffle(struct gen *g)
{
	u32 n = g->blk.n, *at = arena_array(g->a, u32, n);
	u32 *old = arena_array(g->a, u32, n);
	struct mblk *blk = arena_array(g->a, struct mblk, n);
	vec(struct mins) ins = {0};

	for (u32 k = 0; k < n; k++)
		old[k] = k;
	for (u32 k = n; k-- > 2;) {
		u32 j = 1 + rnd(g, k), t = old[j];

		old[j] = old[k];
		old[k] = t;
	}
	for (u32 k = 0; k < n; k++)
		at[old[k]] = k;
	for (u32 k = 0; k < n; k++) {
		struct mblk *b = &blk[k];

		*b = g->blk.v[old[k]];
		b->loop_end = 0;
		for (u32 j = 0; j < b->nsucc; j++)
			b->succ[j] = at[b->succ[j]];
		for (u32 j = 0; j < b->npred; j++)
			b->pred[j] = at[b->pred[j]];
		u32 first = ins.n;
		for (u32 j = 0; j < b->n; j++)
			*vec_push(g->a, &ins) = g->m->ins.v[b->first + j];
		b->first = first;
	}
	g->blk.v = blk;
	memcpy(g->m->ins.v, ins.v, ins.n * sizeof(*ins.v));
}

struct mfn *toy_random(
	struct arena *a, struct toy_rng *r, u32 budget, u32 nvars)
{
	struct gen *g = arena_new(a, struct gen);

	g->a = a;
	g->r = r;
	g->m = mir_new(a, NULL);
	g->nvars = nvars < MAX_VARS ? nvars : MAX_VARS;
	g->budget = (i32)budget;
	start_blk(g);
	for (u32 var = 0; var < g->nvars; var++) {
		static const u8 arg[] = {R_DI, R_SI, R_DX, R_CX, R_8};

		g->env.v[var] = new_reg(g, var);
		struct mopd o = toy_def(g->env.v[var]);
		TOY(g->m, T_OP, 0, var < 5 ? toy_fixed(o, arg[var]) : o);
	}
	while (g->budget > 0)
		gen_region(g);
	TOY(g->m, T_RET, MINS_TERM, toy_fixed(use_any(g), R_AX));
	end_blk(g, 0);
	if (!rnd(g, 4))
		shuffle(g);
	g->m->blk = g->blk.v;
	g->m->nblk = g->blk.n;
	return g->m;
}
