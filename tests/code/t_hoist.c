/*
 * Constants of a loop: a few are made outside of it, many where they are used.
 * Both targets; the constants are such that no multiplication takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ir/target.h"

/* One loop, two blocks long, that multiplies by n constants in either. */
static struct fn *loop_of(struct arena *a, u32 n)
{
	static char text[16384];
	struct diag d = {0};
	u32 len, nfn, v = 1;

	len = (u32)snprintf(text, sizeof(text),
		"fn f params=2 {\nb0:\n\tjmp b1\n"
		"b1:\n\tv1 = phi.i64 [b0 p0], [b2 v%u]\n",
		2 * n + 1);
	for (u32 k = 0; k < 2 * n; k++, v++)
		len += (u32)snprintf(text + len, sizeof(text) - len,
			"%s\tv%u = mul.i64 v%u, 0x123456789ab%04x\n",
			k == n ? "\tjmp b2\nb2:\n" : "", v + 1, v, 16 * k + 1);
	len += (u32)snprintf(text + len, sizeof(text) - len,
		"\tbr.ne v%u, p1, b1, b3\nb3:\n\tret v%u\n}\n", v, v);
	assert_true(len < sizeof(text));
	struct fn **f = ir_parse(a, "loop", text, &d, &nfn);
	assert_non_null(f);
	return f[0];
}

static u32 made_in(const struct mfn *m, const struct mblk *b)
{
	u32 n = 0;

	for (u32 k = 0; k < b->n; k++)
		n += (m->ins.v[b->first + k].flags & MINS_REMAT) != 0;
	return n;
}

/* Of n constants in each block of the loop: how many are made before it, and
 * in its blocks. */
static void check(const struct target *t, u32 n, u32 before, u32 b1, u32 b2)
{
	struct arena a;

	arena_init(&a, NULL, NULL);
	struct fn *f = loop_of(&a, n);
	struct cg cg = {.target = t};
	t->legalise(f, &cg);
	const struct mfn *m = t->select(f, &cg, &a);

	assert_int_equal(made_in(m, &m->blk[0]), before);
	assert_int_equal(made_in(m, &m->blk[1]), b1);
	assert_int_equal(made_in(m, &m->blk[2]), b2);
	arena_fini(&a);
}

static void t_hoist_few(void **state)
{
	(void)state;
	check(&x86_target, 8, 16, 0, 0);
	check(&a64_target, 8, 16, 0, 0);
}

/* 32 in all; those of the last block are seen first. */
static void t_hoist_many(void **state)
{
	(void)state;
	check(&x86_target, 40, 32, 40, 8);
	check(&a64_target, 40, 32, 40, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_hoist_few),
		cmocka_unit_test(t_hoist_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
