/* Flow: blocks and edges, call graph, parameters, run scope. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static void expect_flow(struct fixture *x, const char *want)
{
	if (fe_decode(&x->m) || fe_flow(&x->m))
		fail_msg("%s", x->log);
	char *got = fix_dump(x, fe_dump_flow);

	assert_string_equal(got, want);
	free(got);
	fix_fini(x);
}

static void t_flow_blocks_of_a_loop(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r0 = 0\nl:\nr0 += 1\nif r0 < 10 goto l\ngoto out\nr0 = 9\n"
		"out:\nexit");
	expect_flow(&x, "p: params 1 frames 1\n"
			"  b0: 0..0 -> b1\n"
			"  b1: 1..2 -> b1, b2\n"
			"  b2: 3..3 -> b4\n"
			"  b3: 4..4 -> b4 unreachable\n"
			"  b4: 5..5\n");
}

static void t_flow_branch_to_next_has_one_edge(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, "r0 = 0\nif r0 == 0 goto +0\nexit");
	expect_flow(&x, "p: params 1 frames 1\n"
			"  b0: 0..1 -> b1\n"
			"  b1: 2..2\n");
}

static void call(struct fixture *x, u32 from, u32 slot, u32 to)
{
	fix_name(x, &x->m.func.v[from], slot, x->m.func.v[to].sym);
}

static const char call_one[] = ".slot 85100000ffffffff\nexit";

static void t_flow_parameters_go_through_calls(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r2 = 1\nr3 = 2\n.slot 85100000ffffffff\nexit");
	fix_func(&x, "mid", SYM_SUBPROG, call_one);
	fix_func(&x, "leaf", SYM_SUBPROG, "r0 = r1\nr0 += r3\nexit");
	fix_func(&x, "lost", SYM_SUBPROG, "r0 = r5\nexit");
	call(&x, 0, 2, 1);
	call(&x, 1, 0, 2);
	expect_flow(&x, "p: params 1 frames 3\n  calls mid\n  b0: 0..3\n"
			"mid: params 3 frames 2\n  calls leaf\n  b0: 0..1\n"
			"leaf: params 3 frames 1\n  b0: 0..2\n"
			"lost: params 5 frames 1 unused\n  b0: 0..1\n");
}

/* trace_printk: whoever calls `say` may want all of its numbers printed. */
static void t_flow_optional_arguments_may_be_parameters(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r2 = 1\nr3 = 2\n.slot 85100000ffffffff\ncall 6\nexit");
	fix_func(&x, "say", SYM_SUBPROG, "r4 = 7\ncall 6\nexit");
	call(&x, 0, 2, 1);
	expect_flow(&x, "p: params 1 frames 2\n  calls say\n  b0: 0..4\n"
			"say: params 5 frames 1\n  b0: 0..2\n");
}

static void t_flow_scope_goes_to_callers(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	u32 map = fix_map(&x, "m", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1);
	fix_func(&x, "p", SYM_PROG, call_one);
	fix_func(&x, "sub", SYM_SUBPROG, "r0 = 0 ll\nexit");
	fix_func(&x, "q", SYM_PROG, "call 8\nexit");
	fix_func(&x, "r", SYM_PROG, "call 5\nexit");
	call(&x, 0, 0, 1);
	fix_name(&x, &x.m.func.v[1], 0, map);
	assert_int_equal(fe_decode(&x.m) | fe_flow(&x.m), 0);
	assert_true(x.m.func.v[0].needs_scope);
	assert_true(x.m.func.v[1].needs_scope);
	assert_true(x.m.func.v[2].needs_scope);
	assert_false(x.m.func.v[3].needs_scope);
	fix_fini(&x);
}

static void t_flow_refuses_recursion(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, call_one);
	fix_func(&x, "a", SYM_SUBPROG, call_one);
	fix_func(&x, "b", SYM_SUBPROG, call_one);
	call(&x, 0, 0, 1);
	call(&x, 1, 0, 2);
	call(&x, 2, 0, 1);
	assert_int_equal(fe_decode(&x.m), 0);
	assert_int_not_equal(fe_flow(&x.m), 0);
	assert_string_equal(x.log, "t.o: section .text: program a: "
				   "recursion: a -> b -> a\n");
	fix_fini(&x);
}

/* p, f1 .. fn, each calls the next. */
static void chain(struct fixture *x, u32 n)
{
	fix_init(x);
	fix_func(x, "p", SYM_PROG, n ? call_one : "exit");
	for (u32 k = 1; k <= n; k++)
		fix_func(x, arena_printf(&x->a, "f%u", k), SYM_SUBPROG,
			k < n ? call_one : "r0 = 0\nexit");
	for (u32 k = 0; k < n; k++)
		call(x, k, 0, k + 1);
	assert_int_equal(fe_decode(&x->m), 0);
}

static void t_flow_allows_eight_frames(void **state)
{
	struct fixture x;

	(void)state;
	chain(&x, 7);
	assert_int_equal(fe_flow(&x.m), 0);
	assert_int_equal(x.m.func.v[0].fe->frames, 8);
	fix_fini(&x);
	chain(&x, 8);
	assert_int_not_equal(fe_flow(&x.m), 0);
	assert_string_equal(x.log,
		"t.o: section xdp: program p: calls nest 9 deep, at most 8: "
		"p -> f1 -> f2 -> f3 -> f4 -> f5 -> f6 -> f7 -> f8\n");
	fix_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_flow_blocks_of_a_loop),
		cmocka_unit_test(t_flow_branch_to_next_has_one_edge),
		cmocka_unit_test(t_flow_parameters_go_through_calls),
		cmocka_unit_test(t_flow_optional_arguments_may_be_parameters),
		cmocka_unit_test(t_flow_scope_goes_to_callers),
		cmocka_unit_test(t_flow_refuses_recursion),
		cmocka_unit_test(t_flow_allows_eight_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
