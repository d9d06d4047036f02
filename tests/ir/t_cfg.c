/*
 * Control flow: dominators and loops of random graphs against their
 * definitions; pruning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/ir/eval.h"

enum { BLOCKS = 24 };

/* Blocks 1.. are ends of random edges; some are unreachable. */
static struct fn *random_graph(struct arena *a, u64 seed)
{
	struct fn *f = ir_fn_new(a, "graph", 2);
	u64 rng = seed;

	for (u32 k = 0; k < BLOCKS; k++)
		ir_blk_new(f);
	for (u32 b = 0; b < BLOCKS; b++) {
		u32 yes = 1 + (u32)(eval_random(&rng) % (BLOCKS - 1));
		u32 no = 1 + (u32)(eval_random(&rng) % (BLOCKS - 1));

		switch (eval_random(&rng) % 8) {
		case 0: ir_ret(f, b, ir_param(f, 0)); break;
		case 1: ir_jmp(f, b, yes); break;
		default:
			ir_br(f, b, CC_EQ, ir_param(f, 0), ir_param(f, 1), yes,
				no);
		}
	}
	return f;
}

static void reach(const struct fn *f, u32 b, u32 without, bool *seen)
{
	if (b == without || seen[b])
		return;
	seen[b] = true;
	for (u32 k = 0; k < f->blk[b].nsucc; k++)
		reach(f, f->blk[b].succ[k], without, seen);
}

static void t_cfg_dominators_by_definition(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	for (u64 seed = 1; seed <= 300; seed++) {
		struct fn *f = random_graph(&a, seed);

		cfg_prune(f);
		cfg_analyse(f);
		ir_each_blk (f, x) {
			bool seen[BLOCKS] = {false};

			reach(f, 0, x, seen);
			ir_each_blk (f, y)
				assert_int_equal(
					cfg_dominates(f, x, y), !seen[y]);
		}
	}
	arena_fini(&a);
}

/* b is in h's natural loop: h dominates it and it reaches a latch within. */
static bool in_loop(const struct fn *f, u32 h, u32 b)
{
	if (!cfg_dominates(f, h, b))
		return false;
	for (u32 k = 0; k < f->blk[h].npred; k++) {
		u32 latch = f->blk[h].pred[k];
		bool seen[BLOCKS] = {false};

		if (!cfg_dominates(f, h, latch))
			continue;
		reach(f, b, b == h ? BLK_NONE : h, seen);
		if (seen[latch] || b == h)
			return true;
	}
	return false;
}

static void t_cfg_loop_depth_by_definition(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	for (u64 seed = 1; seed <= 300; seed++) {
		struct fn *f = random_graph(&a, seed);

		cfg_prune(f);
		cfg_analyse(f);
		ir_each_blk (f, b) {
			u32 depth = 0;

			ir_each_blk (f, h)
				depth += in_loop(f, h, b);
			assert_int_equal(f->blk[b].depth, depth);
		}
	}
	arena_fini(&a);
}

static void t_cfg_prune_drops_cut_edges_and_phi_arguments(void **state)
{
	struct arena a;
	char why[128];

	(void)state;
	arena_init(&a, NULL, NULL);
	struct fn *f = ir_fn_new(&a, "prune", 1);
	u32 b0 = ir_blk_new(f), b1 = ir_blk_new(f), b2 = ir_blk_new(f);
	ref p = ir_param(f, 0);
	/* both edges go to b2, one of them twice */
	ir_br(f, b0, CC_EQ, p, p, b1, b2);
	ir_br(f, b1, CC_NE, p, p, b2, b2);
	u32 phi = ir_phi(f, b2, TY_I64, 3).v;
	for (u32 k = 0; k < 3; k++)
		f->args.v[f->ins[phi].arg[0].v + k] = ir_const(f, TY_I64, k);
	ir_ret(f, b2, (ref){phi});
	cfg_cut(f, b1, 0); /* the predecessor entry in the middle */
	cfg_prune(f);
	assert_int_equal(ir_verify(f, why, sizeof(why)), 0);
	assert_int_equal(f->ins[f->blk[b1].last].op, OP_JMP);
	assert_int_equal(f->ins[phi].arg[1].v, 2);
	i64 v;
	assert_true(ir_is_const(f, f->args.v[f->ins[phi].arg[0].v + 1], &v));
	assert_int_equal(v, 2);
	arena_fini(&a);
}

static void t_cfg_deep_chain_needs_no_stack(void **state)
{
	enum { DEEP = 200000 };
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	struct fn *f = ir_fn_new(&a, "chain", 1);
	u32 b = ir_blk_new(f);
	for (u32 k = 0; k < DEEP; k++) {
		u32 next = ir_blk_new(f);

		ir_jmp(f, b, next);
		b = next;
	}
	ir_ret(f, b, ir_param(f, 0));
	cfg_prune(f);
	cfg_analyse(f);
	assert_int_equal(f->blk[b].order, DEEP);
	assert_true(cfg_dominates(f, 1, b));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_cfg_dominators_by_definition),
		cmocka_unit_test(t_cfg_loop_depth_by_definition),
		cmocka_unit_test(t_cfg_prune_drops_cut_edges_and_phi_arguments),
		cmocka_unit_test(t_cfg_deep_chain_needs_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
