/*
 * SSA construction: minimal phis, any order of reads and writes, no stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ir/ir.h"

static const u8 one_i64[] = {TY_I64};

static ref undefined(void *ctx, u32 var, u32 blk)
{
	(void)var;
	(void)blk;
	return ir_const(ctx, TY_I64, 4711);
}

static u32 count_phis(const struct fn *f)
{
	u32 n = 0;

	ir_each_blk (f, b)
		ir_each_phi (f, b, i)
			n++;
	return n;
}

static void t_ssa_invariant_of_nested_loops_needs_no_phi(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	struct fn *f = ir_fn_new(&a, "nest", 1);
	ref p = ir_param(f, 0);
	struct ssa *s = ssa_begin(f, 1, one_i64, undefined, f);
	u32 b[5];
	for (u32 k = 0; k < 5; k++)
		b[k] = ir_blk_new(f);
	ssa_seal(s, b[0]);
	ssa_write(s, b[0], 0, p);
	ir_jmp(f, b[0], b[1]);
	ir_jmp(f, b[1], b[2]);
	/* read before any of the loops is closed */
	ref in = ssa_read(s, b[2], 0);
	ir_br(f, b[2], CC_EQ, in, p, b[2], b[3]);
	ssa_seal(s, b[2]);
	ssa_seal(s, b[3]);
	ir_br(f, b[3], CC_EQ, p, p, b[1], b[4]);
	ssa_seal(s, b[1]);
	ssa_seal(s, b[4]);
	ir_ret(f, b[4], ssa_read(s, b[4], 0));
	ssa_end(s);
	assert_int_equal(count_phis(f), 0);
	assert_int_equal(f->ins[f->blk[b[4]].last].arg[0].v, p.v);
	assert_int_equal(f->ins[f->blk[b[2]].last].arg[0].v, p.v);
	arena_fini(&a);
}

static void t_ssa_undefined_read_asks(void **state)
{
	struct arena a;
	i64 v;

	(void)state;
	arena_init(&a, NULL, NULL);
	struct fn *f = ir_fn_new(&a, "undef", 0);
	struct ssa *s = ssa_begin(f, 1, one_i64, undefined, f);
	u32 b = ir_blk_new(f);
	ssa_seal(s, b);
	ref r = ssa_read(s, b, 0);
	ir_ret(f, b, r);
	ssa_end(s);
	assert_true(ir_is_const(f, r, &v));
	assert_int_equal(v, 4711);
	arena_fini(&a);
}

/* A chain of diamonds, read at its end: one walk through all of them. */
static void t_ssa_long_way_back_needs_no_stack(void **state)
{
	enum { LONG = 100000 };
	struct arena a;
	char why[128];

	(void)state;
	arena_init(&a, NULL, NULL);
	struct fn *f = ir_fn_new(&a, "long", 1);
	ref p = ir_param(f, 0);
	struct ssa *s = ssa_begin(f, 1, one_i64, undefined, f);
	u32 b = ir_blk_new(f);
	ssa_seal(s, b);
	ssa_write(s, b, 0, p);
	for (u32 k = 0; k < LONG; k++) {
		u32 side = ir_blk_new(f), join = ir_blk_new(f);

		ir_br(f, b, CC_EQ, p, p, side, join);
		ssa_seal(s, side);
		if (k == LONG / 2)
			ssa_write(s, side, 0, ir_const(f, TY_I64, 1));
		ir_jmp(f, side, join);
		ssa_seal(s, join);
		b = join;
	}
	ir_ret(f, b, ssa_read(s, b, 0));
	ssa_end(s);
	assert_int_equal(count_phis(f), 1);
	assert_int_equal(ir_verify(f, why, sizeof(why)), 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_ssa_invariant_of_nested_loops_needs_no_phi),
		cmocka_unit_test(t_ssa_undefined_read_asks),
		cmocka_unit_test(t_ssa_long_way_back_needs_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
