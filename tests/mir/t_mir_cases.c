/*
 * What register allocation must do well, one small function each, and what
 * the checker must find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "toy.h"

struct fixture {
	struct arena a;
	struct mfn *m, *before;
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.a, NULL, NULL);
	f.m = mir_new(&f.a, NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&((struct fixture *)*state)->a);
	return 0;
}

static u32 reg(struct mfn *m)
{
	return mir_vreg(m, 8);
}

/* A value that something makes. */
static u32 value(struct mfn *m)
{
	u32 v = reg(m);

	TOY(m, T_OP, 0, toy_def(v));
	return v;
}

static void consume(struct mfn *m, u32 v)
{
	TOY(m, T_OP, 0, toy_use(v));
}

static void jump(struct mfn *m, u32 b, u32 to)
{
	toy_add(m, MOP_JMP, MINS_TERM, NULL, 0);
	toy_end(m, b, 1, to, 0);
}

static void branch(struct mfn *m, u32 b, u32 v, u32 yes, u32 no)
{
	TOY(m, T_BR, MINS_TERM, toy_use(v), toy_use(v));
	toy_end(m, b, 2, yes, no);
}

static void ret(struct mfn *m, u32 b, u32 v)
{
	TOY(m, T_RET, MINS_TERM, toy_fixed(toy_use(v), R_AX));
	toy_end(m, b, 0, 0, 0);
}

static void allocate(struct fixture *f, u64 mask)
{
	char buf[200] = "";

	toy_preds(f->m);
	toy_depths(f->m);
	f->before = mir_clone(&f->a, f->m);
	if (mir_verify(f->before, NULL, &toy_target, buf, sizeof(buf)))
		fail_msg("before: %s", buf);
	mir_regalloc(f->m, &toy_target, mask);
	if (mir_verify(f->before, f->m, &toy_target, buf, sizeof(buf))) {
		mir_print(stderr, f->before, &toy_target);
		mir_print(stderr, f->m, &toy_target);
		fail_msg("after: %s", buf);
	}
	for (u64 seed = 0; seed < 8; seed++)
		assert_true(toy_run(&f->a, f->before, NULL, seed, 100) ==
			    toy_run(&f->a, f->m, f->before, seed, 100));
}

static void allocate_all(struct fixture *f)
{
	allocate(f, toy_target.allocatable);
}

static u32 count_op(const struct mfn *m, u16 op)
{
	u32 n = 0;

	for (u32 k = 0; k < m->ins.n; k++)
		n += m->ins.v[k].op == op;
	return n;
}

static u32 moves(const struct mfn *m)
{
	return count_op(m, MOP_COPY) + count_op(m, MOP_SWAP);
}

static u32 moves_in(const struct mfn *m, u32 b)
{
	u32 n = 0;

	for (u32 k = 0; k < m->blk[b].n; k++) {
		u16 op = m->ins.v[m->blk[b].first + k].op;

		n += op == MOP_COPY || op == MOP_SWAP;
	}
	return n;
}

static void assert_count(const struct mfn *m, u32 got, u32 want)
{
	if (got != want)
		mir_print(stderr, m, &toy_target);
	assert_int_equal(got, want);
}

/* ---- Spilling ---- */

/* Ten values live through straight code, each used at both ends. */
static void t_ten_values_are_not_spilled(void **state)
{
	struct fixture *f = *state;
	u32 v[10];

	mir_blocks(f->m, 1);
	toy_begin(f->m, 0);
	for (u32 k = 0; k < 10; k++)
		v[k] = value(f->m);
	for (u32 n = 0; n < 30; n++) {
		u32 d = reg(f->m);

		TOY(f->m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(v[n % 10]),
			toy_fixed(toy_use(v[(n * 7 + 1) % 10]), R_CX));
		v[n % 10] = d;
	}
	for (u32 k = 1; k < 10; k++)
		consume(f->m, v[k]);
	ret(f->m, 0, v[0]);
	allocate_all(f);
	assert_count(f->m, f->m->nslots, 0);
}

/* The same around a loop that divides, shifts and redefines them. */
static void t_ten_values_are_not_spilled_in_loops(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[10], w[10];

	mir_blocks(m, 4);
	toy_begin(m, 0);
	for (u32 k = 0; k < 10; k++)
		v[k] = value(m);
	jump(m, 0, 1);
	toy_begin(m, 1);
	for (u32 k = 0; k < 10; k++) {
		w[k] = reg(m);
		toy_phi(m, 1, w[k], v[k], 0);
	}
	jump(m, 1, 2);
	toy_begin(m, 2);
	for (u32 n = 0; n < 9; n++) {
		u32 d = reg(m), t = reg(m);
		bool div = n % 3 == 0;

		if (div)
			TOY(m, T_OP, 0, toy_fixed(toy_def(d), R_AX),
				toy_fixed(
					toy_role(toy_def(t), OPD_EARLY), R_DX),
				toy_fixed(toy_use(w[n]), R_AX),
				toy_use(w[n + 1]));
		else
			TOY(m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(w[n]),
				toy_fixed(toy_use(w[n + 1]), R_CX));
		w[n] = d;
	}
	for (u32 k = 0; k < 10; k++)
		m->blk[1].phi.v[k].src[1] = w[k];
	branch(m, 2, w[0], 1, 3);
	toy_begin(m, 3);
	for (u32 k = 1; k < 10; k++)
		consume(m, w[k]);
	ret(m, 3, w[0]);
	allocate_all(f);
	assert_count(m, m->nslots, 0);
}

/* A value that a busy loop does not touch waits in memory, not one that it
 * uses. */
static void t_spill_is_outside_the_loop(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[16];

	mir_blocks(m, 3);
	toy_begin(m, 0);
	for (u32 k = 0; k < 16; k++)
		v[k] = value(m);
	jump(m, 0, 1);
	toy_begin(m, 1);
	for (u32 k = 1; k < 16; k++)
		consume(m, v[k]);
	branch(m, 1, v[1], 1, 2);
	toy_begin(m, 2);
	for (u32 k = 1; k < 16; k++)
		consume(m, v[k]);
	ret(m, 2, v[0]);
	allocate_all(f);
	assert_count(m, m->nslots, 1);
	assert_count(m, moves_in(m, 1), 0);
}

static void t_slots_are_shared(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[12];

	mir_blocks(m, 1);
	toy_begin(m, 0);
	for (u32 round = 0; round < 3; round++) {
		for (u32 k = 0; k < 12; k++)
			v[k] = value(m);
		TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(reg(m)), R_AX));
		for (u32 k = 0; k < 12; k++)
			consume(m, v[k]);
	}
	ret(m, 0, value(m));
	allocate_all(f);
	assert_count(m, m->nslots, 6); /* six others in callee-saved ones */
}

static void t_constants_are_repeated(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[20];

	mir_blocks(m, 1);
	toy_begin(m, 0);
	for (u32 k = 0; k < 20; k++) {
		v[k] = reg(m);
		TOY(m, T_CONST, MINS_REMAT, toy_def(v[k]))->imm = k;
	}
	for (u32 k = 0; k < 20; k++)
		consume(m, v[k]);
	ret(m, 0, value(m));
	allocate_all(f);
	assert_count(m, m->nslots, 0);
}

/* Constants made between a comparison and its branch leave flags alone. */
static void t_flags_survive_repeated_constants(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 c, d, x;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	c = reg(m);
	d = reg(m);
	TOY(m, T_CONST, MINS_REMAT, toy_def(c))->imm = 7;
	TOY(m, T_CMP, MINS_FLAGS, toy_use(x), toy_use(x));
	TOY(m, T_SEL, MINS_FLAGS, toy_tied(toy_def(d), 1),
		toy_fixed(toy_use(c), R_BX), toy_use(x));
	ret(m, 0, d);
	allocate_all(f);
}

/* ---- Coalescing ---- */

/* f(g(x)): everything is made where the next call wants it. */
static void t_call_arguments_need_no_moves(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y, z;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	y = reg(m);
	z = reg(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(y), R_AX),
		toy_fixed(toy_use(x), R_AX));
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(z), R_AX),
		toy_fixed(toy_use(y), R_AX));
	ret(m, 0, z);
	allocate_all(f);
	assert_count(m, moves(m), 0);
}

static void t_two_arguments_are_made_in_place(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y, z;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	y = value(m);
	z = reg(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(z), R_AX),
		toy_fixed(toy_use(x), R_DI), toy_fixed(toy_use(y), R_SI));
	ret(m, 0, z);
	allocate_all(f);
	assert_count(m, moves(m), 0);
}

/* i = 0; do i++; while (...): the counter stays in one register. */
static void t_loop_phi_leaves_no_move(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 i0, i1, i2, n;

	mir_blocks(m, 3);
	toy_begin(m, 0);
	i0 = reg(m);
	i1 = reg(m);
	i2 = reg(m);
	TOY(m, T_CONST, MINS_REMAT, toy_def(i0));
	n = value(m);
	jump(m, 0, 1);
	toy_begin(m, 1);
	toy_phi(m, 1, i1, i0, i2);
	TOY(m, T_OP, 0, toy_tied(toy_def(i2), 1), toy_use(i1));
	TOY(m, T_BR, MINS_TERM, toy_use(i2), toy_use(n));
	toy_end(m, 1, 2, 1, 2);
	toy_begin(m, 2);
	ret(m, 2, i2);
	allocate_all(f);
	assert_count(m, moves(m), 0);
	assert_count(m, m->nblk, 3);
}

/* Two-address operations one after the other. */
static void t_tied_chain_needs_no_moves(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	y = value(m);
	for (u32 k = 0; k < 10; k++) {
		u32 d = reg(m);

		TOY(m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(x),
			toy_use(y));
		x = d;
	}
	ret(m, 0, x);
	allocate_all(f);
	assert_count(m, moves(m), 0);
}

/* Both inputs live on: one copy for the result, no more. */
static void t_tie_with_inputs_that_live_on(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y, d;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	y = value(m);
	d = reg(m);
	TOY(m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(x), toy_use(y));
	consume(m, x);
	consume(m, y);
	ret(m, 0, d);
	allocate_all(f);
	assert_count(m, moves(m), 1);
}

/* if (c) x = a; else x = b: both arms make it in place. */
static void t_join_leaves_no_move(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 c, a, b, x;

	mir_blocks(m, 4);
	toy_begin(m, 0);
	c = value(m);
	branch(m, 0, c, 1, 2);
	toy_begin(m, 1);
	a = value(m);
	jump(m, 1, 3);
	toy_begin(m, 2);
	b = value(m);
	jump(m, 2, 3);
	toy_begin(m, 3);
	x = reg(m);
	toy_phi(m, 3, x, a, b);
	ret(m, 3, x);
	allocate_all(f);
	assert_count(m, moves(m), 0);
}

static void t_copies_vanish(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	for (u32 k = 0; k < 5; k++) {
		y = reg(m);
		TOY(m, MOP_COPY, 0, toy_def(y), toy_use(x));
		x = y;
	}
	ret(m, 0, x);
	allocate_all(f);
	assert_count(m, moves(m), 0);
}

/* ---- Fixed registers ---- */

/* Two shifts whose counts and values are each other's. */
static void t_two_inputs_want_one_register(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, y, d, e;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	y = value(m);
	d = reg(m);
	e = reg(m);
	TOY(m, T_OP, 0, toy_tied(toy_def(d), 1), toy_use(x),
		toy_fixed(toy_use(y), R_CX));
	TOY(m, T_OP, 0, toy_tied(toy_def(e), 1), toy_use(y),
		toy_fixed(toy_use(x), R_CX));
	consume(m, d);
	ret(m, 0, e);
	allocate_all(f);
	assert_int_equal(m->nslots, 0);
}

/* One value in two argument registers. */
static void t_one_value_in_two_fixed_registers(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 x, z;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	x = value(m);
	z = reg(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(z), R_AX),
		toy_fixed(toy_use(x), R_DI), toy_fixed(toy_use(x), R_SI));
	ret(m, 0, z);
	allocate_all(f);
	assert_count(m, moves(m), 1);
}

static void t_arguments_in_a_circle(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[3], z;

	mir_blocks(m, 1);
	toy_begin(m, 0);
	for (u32 k = 0; k < 3; k++)
		v[k] = reg(m);
	TOY(m, T_OP, 0, toy_fixed(toy_def(v[0]), R_DI),
		toy_fixed(toy_def(v[1]), R_SI), toy_fixed(toy_def(v[2]), R_DX));
	z = reg(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(z), R_AX),
		toy_fixed(toy_use(v[1]), R_DI), toy_fixed(toy_use(v[2]), R_SI),
		toy_fixed(toy_use(v[0]), R_DX));
	ret(m, 0, z);
	allocate(f, 1 << R_DI | 1 << R_SI | 1 << R_DX);
	assert_count(m, count_op(m, MOP_SWAP), 2);
	assert_count(m, moves(m), 2);
}

/* The phis of a loop exchange their values. */
static void t_phis_that_swap(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 a, b, x, y;

	mir_blocks(m, 3);
	toy_begin(m, 0);
	a = value(m);
	b = value(m);
	jump(m, 0, 1);
	toy_begin(m, 1);
	x = reg(m);
	y = reg(m);
	toy_phi(m, 1, x, a, y);
	toy_phi(m, 1, y, b, x);
	branch(m, 1, x, 1, 2);
	toy_begin(m, 2);
	consume(m, y);
	ret(m, 2, x);
	allocate_all(f);
	assert_int_equal(m->nslots, 0);
	assert_true(moves(m) <= 4);
}

/* ---- Which register ---- */

static bool uses_callee_saved(const struct mfn *m)
{
	return m->used & toy_target.callee_saved;
}

static void t_leaf_saves_no_register(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 v[9];

	mir_blocks(m, 1);
	toy_begin(m, 0);
	for (u32 k = 0; k < 9; k++)
		v[k] = value(m);
	for (u32 k = 0; k < 8; k++)
		consume(m, v[k]);
	ret(m, 0, v[8]);
	allocate_all(f);
	assert_false(uses_callee_saved(m));
}

/* A call in a loop: what lives across it stays in callee-saved registers. */
static void t_value_across_call_in_loop(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 n, x, r;

	mir_blocks(m, 3);
	toy_begin(m, 0);
	n = value(m);
	x = value(m);
	jump(m, 0, 1);
	toy_begin(m, 1);
	r = reg(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(r), R_AX),
		toy_fixed(toy_use(x), R_DI));
	TOY(m, T_BR, MINS_TERM, toy_use(r), toy_use(n));
	toy_end(m, 1, 2, 1, 2);
	toy_begin(m, 2);
	ret(m, 2, x);
	allocate_all(f);
	assert_true(uses_callee_saved(m));
	assert_count(m, m->nslots, 0);
	assert_count(m, moves_in(m, 1), 1); /* the argument */
}

/* ---- Edges ---- */

/* No block is made where no move is needed, though the edge is critical. */
static void t_critical_edge_without_moves(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	u32 a, b, x;

	mir_blocks(m, 3);
	toy_begin(m, 0);
	a = value(m);
	branch(m, 0, a, 1, 2);
	toy_begin(m, 1);
	b = reg(m);
	TOY(m, T_OP, 0, toy_tied(toy_def(b), 1), toy_use(a));
	jump(m, 1, 2);
	toy_begin(m, 2);
	x = reg(m);
	toy_phi(m, 2, x, a, b);
	ret(m, 2, x);
	allocate_all(f);
	assert_count(m, m->nblk, 3);
	assert_count(m, moves(m), 0);
}

/* ---- The checker ---- */

static struct mins *find_op(struct mfn *m, u16 op)
{
	for (u32 k = 0; k < m->ins.n; k++)
		if (m->ins.v[k].op == op)
			return &m->ins.v[k];
	fail_msg("no such instruction");
	return NULL;
}

/* A function with spills, a tie, a call and fixed registers. */
static void make_busy(struct fixture *f)
{
	struct mfn *m = f->m;
	u32 v[12], d = reg(m), r = reg(m);

	mir_blocks(m, 1);
	toy_begin(m, 0);
	for (u32 k = 0; k < 12; k++)
		v[k] = value(m);
	TOY(m, T_CALL, MINS_CALL, toy_fixed(toy_def(r), R_AX),
		toy_fixed(toy_use(v[0]), R_DI));
	TOY(m, T_SEL, 0, toy_tied(toy_def(d), 1), toy_use(v[1]), toy_use(r));
	for (u32 k = 0; k < 12; k++)
		consume(m, v[k]);
	ret(m, 0, d);
	allocate_all(f);
	assert_true(m->nslots > 0);
}

static void assert_caught(struct fixture *f, const char *what)
{
	char buf[200] = "";

	assert_int_equal(
		mir_verify(f->before, f->m, &toy_target, buf, sizeof(buf)), -1);
	if (!strstr(buf, what))
		fail_msg("%s, wanted %s", buf, what);
}

static void t_checker_finds_another_register(void **state)
{
	struct fixture *f = *state;

	make_busy(f);
	struct mopd *o = mir_opd(f->m, find_op(f->m, T_SEL));
	o[2].reg = o[2].reg == R_CX ? R_DX : R_CX;
	assert_caught(f, "value is not there");
}

static void t_checker_finds_broken_tie(void **state)
{
	struct fixture *f = *state;

	make_busy(f);
	mir_opd(f->m, find_op(f->m, T_SEL))[0].reg = R_12;
	assert_caught(f, "tie broken");
}

static void t_checker_finds_broken_fixed_operand(void **state)
{
	struct fixture *f = *state;

	make_busy(f);
	mir_opd(f->m, find_op(f->m, T_CALL))[0].reg = R_SI;
	assert_caught(f, "not where it is fixed");
}

/* Takes one inserted move out; returns false if there is no k-th. */
static bool drop_move(struct fixture *f, u32 k)
{
	struct mfn *m = f->m;

	for (u32 n = 0; n < m->ins.n; n++) {
		if (m->ins.v[n].op != MOP_COPY || k--)
			continue;
		memmove(&m->ins.v[n], &m->ins.v[n + 1],
			(m->ins.n - n - 1) * sizeof(*m->ins.v));
		m->ins.n--;
		m->blk[0].n--;
		return true;
	}
	return false;
}

/* Every store, reload and argument move of it is needed. */
static void t_checker_finds_each_lost_move(void **state)
{
	struct fixture *f = *state;
	char buf[200];
	u32 k = 0;

	make_busy(f);
	struct mfn *whole = f->m;
	for (;; k++) {
		f->m = mir_clone(&f->a, whole);
		if (!drop_move(f, k))
			break;
		assert_int_equal(mir_verify(f->before, f->m, &toy_target, buf,
					 sizeof(buf)),
			-1);
	}
	assert_true(k > 4);
}

static void t_checker_finds_clobbered_register(void **state)
{
	struct fixture *f = *state;

	make_busy(f);
	/* what lived across in callee-saved registers no longer does */
	struct target t = toy_target;
	t.caller_saved |= t.callee_saved;
	char buf[200];
	assert_int_equal(mir_verify(f->before, f->m, &t, buf, sizeof(buf)), -1);
}

static void t_checker_finds_lost_instruction(void **state)
{
	struct fixture *f = *state;

	make_busy(f);
	find_op(f->m, T_SEL)->op = MOP_NOP;
	assert_caught(f, "lost");
}

static void t_checker_finds_undefined_use(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	char buf[200];

	mir_blocks(m, 1);
	toy_begin(m, 0);
	u32 v = reg(m);
	consume(m, v);
	TOY(m, T_OP, 0, toy_def(v));
	ret(m, 0, v);
	toy_preds(m);
	assert_int_equal(
		mir_verify(m, NULL, &toy_target, buf, sizeof(buf)), -1);
	assert_non_null(strstr(buf, "before its def"));
}

static void t_checker_finds_two_values_fixed_alike(void **state)
{
	struct fixture *f = *state;
	struct mfn *m = f->m;
	char buf[200];

	mir_blocks(m, 1);
	toy_begin(m, 0);
	u32 v = value(m), w = value(m);
	TOY(m, T_OP, 0, toy_fixed(toy_use(v), R_CX),
		toy_fixed(toy_use(w), R_CX));
	ret(m, 0, v);
	toy_preds(m);
	assert_int_equal(
		mir_verify(m, NULL, &toy_target, buf, sizeof(buf)), -1);
	assert_non_null(strstr(buf, "two values"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(t_ten_values_are_not_spilled),
		TEST(t_ten_values_are_not_spilled_in_loops),
		TEST(t_spill_is_outside_the_loop),
		TEST(t_slots_are_shared),
		TEST(t_constants_are_repeated),
		TEST(t_flags_survive_repeated_constants),
		TEST(t_call_arguments_need_no_moves),
		TEST(t_two_arguments_are_made_in_place),
		TEST(t_loop_phi_leaves_no_move),
		TEST(t_tied_chain_needs_no_moves),
		TEST(t_tie_with_inputs_that_live_on),
		TEST(t_join_leaves_no_move),
		TEST(t_copies_vanish),
		TEST(t_two_inputs_want_one_register),
		TEST(t_one_value_in_two_fixed_registers),
		TEST(t_arguments_in_a_circle),
		TEST(t_phis_that_swap),
		TEST(t_leaf_saves_no_register),
		TEST(t_value_across_call_in_loop),
		TEST(t_critical_edge_without_moves),
		TEST(t_checker_finds_another_register),
		TEST(t_checker_finds_broken_tie),
		TEST(t_checker_finds_broken_fixed_operand),
		TEST(t_checker_finds_each_lost_move),
		TEST(t_checker_finds_clobbered_register),
		TEST(t_checker_finds_lost_instruction),
		TEST(t_checker_finds_undefined_use),
		TEST(t_checker_finds_two_values_fixed_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
