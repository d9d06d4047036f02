/*
 * Time and memory of register allocation per instruction, for functions of
 * four shapes and growing size: it should stay level. Prints, asserts nothing.
 *
 *   mir_scale [SHAPE [SIZE...]]    SHAPE 0 to 3, 4: all
 */
#include <stdlib.h>
#include <time.h>

#include "toy.h"

struct shape {
	struct mfn *m;
	struct toy_rng r;
	u32 *v; /* variables */
	u32 nv;
	u32 nblk;
};

static void init_vars(struct shape *s, u32 nv)
{
	s->nv = nv;
	s->v = arena_array(s->m->a, u32, nv);
	for (u32 k = 0; k < nv; k++) {
		s->v[k] = mir_vreg(s->m, 8);
		TOY(s->m, T_OP, 0, toy_def(s->v[k]));
	}
}

static u32 any(struct shape *s)
{
	return s->v[toy_rand(&s->r, s->nv)];
}

static void add_call(struct shape *s)
{
	u32 d = mir_vreg(s->m, 8);

	TOY(s->m, T_CALL, MINS_CALL, toy_fixed(toy_def(d), R_AX),
		toy_fixed(toy_use(any(s)), R_DI),
		toy_fixed(toy_use(any(s)), R_SI));
	s->v[toy_rand(&s->r, s->nv)] = d;
}

/* What code is made of: two-address operations, constants, calls, shifts. */
static void add_some(struct shape *s)
{
	u32 d = mir_vreg(s->m, 8), what = toy_rand(&s->r, 32), k;

	if (what == 0) {
		add_call(s);
		return;
	}
	k = toy_rand(&s->r, s->nv);
	if (what < 4) {
		TOY(s->m, T_CONST, MINS_REMAT, toy_def(d))->imm = what;
		u32 e = mir_vreg(s->m, 8);
		TOY(s->m, T_OP, 0, toy_def(e), toy_use(s->v[k]), toy_use(d));
		d = e;
	} else if (what < 6) {
		TOY(s->m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(s->v[k]),
			toy_fixed(toy_use(any(s)), R_CX));
	} else {
		TOY(s->m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(s->v[k]),
			toy_slot(toy_use(any(s))));
	}
	s->v[k] = d;
}

static void add_ret(struct shape *s)
{
	for (u32 k = 1; k < s->nv; k++) {
		u32 d = mir_vreg(s->m, 8);

		TOY(s->m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(s->v[0]),
			toy_slot(toy_use(s->v[k])));
		s->v[0] = d;
	}
	TOY(s->m, T_RET, MINS_TERM, toy_fixed(toy_use(s->v[0]), R_AX));
}

static void straight(struct shape *s, u32 n, u32 nv)
{
	mir_blocks(s->m, 1);
	toy_begin(s->m, 0);
	init_vars(s, nv);
	while (s->m->ins.n < n)
		add_some(s);
	add_ret(s);
	toy_end(s->m, 0, 0, 0, 0);
}

/* if/else after if/else; each arm changes a variable or two. */
static void branchy(struct shape *s, u32 n)
{
	u32 diamonds = n / 12 + 1;
	struct mfn *m = s->m;

	mir_blocks(m, 3 * diamonds + 1);
	toy_begin(m, 0);
	init_vars(s, 9);
	for (u32 k = 0; k < diamonds; k++) {
		u32 b = 3 * k, var = toy_rand(&s->r, s->nv), old = s->v[var];

		add_some(s);
		old = s->v[var];
		TOY(m, T_BR, MINS_TERM, toy_use(any(s)), toy_use(any(s)));
		toy_end(m, b, 2, b + 1, b + 2);
		toy_begin(m, b + 1);
		u32 d = mir_vreg(m, 8);
		for (u32 j = 0; j < 7; j++) {
			TOY(m, T_OP, 0, toy_tied(toy_def(d), 1),
				toy_use(j ? d - 1 : old), toy_use(any(s)));
			d = mir_vreg(m, 8);
		}
		toy_add(m, MOP_JMP, MINS_TERM, NULL, 0);
		toy_end(m, b + 1, 1, b + 3, 0);
		toy_begin(m, b + 2);
		TOY(m, T_OP, 0, toy_def(d), toy_use(any(s)));
		toy_add(m, MOP_JMP, MINS_TERM, NULL, 0);
		toy_end(m, b + 2, 1, b + 3, 0);
		toy_begin(m, b + 3);
		s->v[var] = mir_vreg(m, 8);
		toy_phi(m, b + 3, s->v[var], d - 1, d);
	}
	add_ret(s);
	toy_end(m, 3 * diamonds, 0, 0, 0);
}

static void one_loop(struct shape *s, u32 n)
{
	struct mfn *m = s->m;
	u32 first[12];

	mir_blocks(m, 3);
	toy_begin(m, 0);
	init_vars(s, 12);
	toy_add(m, MOP_JMP, MINS_TERM, NULL, 0);
	toy_end(m, 0, 1, 1, 0);
	toy_begin(m, 1);
	for (u32 k = 0; k < 12; k++) {
		first[k] = mir_vreg(m, 8);
		toy_phi(m, 1, first[k], s->v[k], 0);
		s->v[k] = first[k];
	}
	while (m->ins.n < n)
		add_some(s);
	for (u32 k = 0; k < 12; k++)
		m->blk[1].phi.v[k].src[1] = s->v[k];
	TOY(m, T_BR, MINS_TERM, toy_use(any(s)), toy_use(any(s)));
	toy_end(m, 1, 2, 1, 2);
	toy_begin(m, 2);
	add_ret(s);
	toy_end(m, 2, 0, 0, 0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct mfn *make(struct arena *a, u32 shape, u32 n)
{
	struct shape s = {.m = mir_new(a, NULL), .r = {shape + n}};

	if (shape == 0)
		straight(&s, n, 10);
	else if (shape == 1)
		branchy(&s, n);
	else if (shape == 2)
		one_loop(&s, n);
	else
		straight(&s, n, 300);
	toy_preds(s.m);
	toy_depths(s.m);
	return s.m;
}

static void measure(u32 shape, u32 n)
{
	static const char *const name[] = {
		"straight", "branchy", "loop", "300 live"};
	u32 rounds = n < 100000 ? 100000 / n : 1, ins = 0, out = 0, mem = 0;
	double us = 0, best = 1e30;

	for (u32 k = 0; k < rounds + 2; k++) {
		struct arena a;

		arena_init(&a, NULL, NULL);
		struct mfn *m = make(&a, shape, n);
		u64 before = a.total;
		ins = m->ins.n;
		double t = now();
		mir_regalloc(m, &toy_target, toy_target.allocatable);
		us = now() - t;
		if (us < best)
			best = us;
		out = m->ins.n;
		mem = (u32)((a.total - before) / ins);
		arena_fini(&a);
	}
	printf("%-10s %8u ins -> %8u  %7.3f us/ins  %5u bytes/ins\n",
		name[shape], ins, out, best / ins, mem);
}

int main(int argc, char **argv)
{
	static const u32 size[] = {1000, 10000, 100000, 400000};

	u32 only = argc > 1 ? (u32)strtoul(argv[1], NULL, 0) : 4;

	for (u32 shape = 0; shape < 4; shape++) {
		if (only < 4 && only != shape)
			continue;
		for (u32 k = 0; argc < 3 && k < 4; k++)
			measure(shape, size[k]);
		for (int k = 2; k < argc; k++)
			measure(shape, (u32)strtoul(argv[k], NULL, 0));
	}
	return 0;
}
