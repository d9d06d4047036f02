/* Prune: which branches constants decide, and which only seem decided. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* "r1 = 0" or so in slot 0 of p is CO-RE's answer; the others call sub. */
static void start(struct fixture *x, const char *text)
{
	fix_init(x);
	struct func *f = fix_func(x, "p", SYM_PROG, text);

	x->m.insn.v[f->first].core = CORE_RELOCATED;
}

/* The block that begins at a slot of p is reachable or not. */
static void expect(struct fixture *x, u32 slot, bool live)
{
	if (fe_decode(&x->m) || fe_flow(&x->m))
		fail_msg("%s", x->log);
	assert_int_equal(fe_is_live(&x->m.func.v[0], slot), live);
	fix_fini(x);
}

static void t_prune_answer_decides(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, "r0 = 0\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 2, false);
	start(&x, "r0 = 1\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 2, true);
	start(&x, "r0 = -1\nif w0 s< 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 2, false);
	start(&x, "r0 = -1\nif r0 > 5 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 2, false);
}

static void t_prune_other_functions_stay(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r0 = 0\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 2, true);
}

static void t_prune_answer_goes_through_arithmetic(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, "r0 = 1\nr0 <<= 32\nr0 >>= 32\nr0 ^= 1\nif r0 == 0 goto l\n"
		  "r0 = 1\nl:\nexit");
	expect(&x, 5, false);
	/* 0 & anything */
	start(&x, "r0 = 0\nr1 = *(u32 *)(r1 +0)\nr1 &= r0\nif r1 == 0 goto l\n"
		  "r0 = 1\nl:\nexit");
	expect(&x, 4, false);
	start(&x, "r0 = 1\nr1 = *(u32 *)(r1 +0)\nr1 &= r0\nif r1 == 0 goto l\n"
		  "r0 = 1\nl:\nexit");
	expect(&x, 4, true);
}

static void t_prune_answer_goes_through_spills(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, "r0 = 0\n*(u64 *)(r10 -8) = r0\nr0 = 7\n"
		  "r0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 5, false);
	/* a part of it is overwritten */
	start(&x, "r0 = 0\n*(u64 *)(r10 -8) = r0\n*(u8 *)(r10 -3) = r1\n"
		  "r0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 5, true);
	/* by an address that is computed */
	start(&x, "r0 = 0\n*(u64 *)(r10 -8) = r0\nr2 = *(u32 *)(r1 +0)\n"
		  "r3 = r10\nr3 += r2\n*(u8 *)(r3 -9) = r2\n"
		  "r0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 8, true);
	/* a store elsewhere is no store here */
	start(&x, "r0 = 0\n*(u64 *)(r10 -8) = r0\n*(u64 *)(r1 +0) = r0\n"
		  "r0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 5, false);
}

/* r0 = 0 in *(r10 - 8), then a call with r1 = r10 + off, r2 = 8 */
static void across_call(
	struct fixture *x, const char *off, const char *call, bool live)
{
	char text[512];

	snprintf(text, sizeof(text),
		"r0 = 0\n*(u64 *)(r10 -8) = r0\nr1 = r10\nr1 += %s\nr2 = 8\n"
		"%s\nr0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\n"
		"l:\nexit",
		off, call);
	start(x, text);
	expect(x, 8, live);
}

static void t_prune_helpers_write_where_they_say(void **state)
{
	struct fixture x;

	(void)state;
	across_call(&x, "-16", "call 16", false); /* get_current_comm */
	across_call(&x, "-8", "call 16", true);
	across_call(&x, "-12", "call 16", true);
	across_call(&x, "-8", "call 5", false); /* ktime_get_ns */
}

static void t_prune_subprograms_write_anywhere(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, "r0 = 0\n*(u64 *)(r10 -8) = r0\nr1 = r10\nr1 += -64\n"
		  ".slot 85100000ffffffff\n"
		  "r0 = *(u64 *)(r10 -8)\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	struct func *sub = fix_func(&x, "sub", SYM_SUBPROG, "r0 = 0\nexit");
	fix_name(&x, &x.m.func.v[0], 4, sub->sym);
	expect(&x, 7, true);
}

static void t_prune_joins_must_agree(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, "r0 = 0\nr1 = *(u32 *)(r1 +0)\nif r1 == 0 goto a\nr0 = 1\n"
		  "a:\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 5, true);
	start(&x, "r0 = 0\nr1 = *(u32 *)(r1 +0)\nif r1 == 0 goto a\nr0 = 0\n"
		  "a:\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 5, false);
	/* the way that disagrees is not taken */
	start(&x, "r0 = 0\nif r0 == 0 goto a\nr0 = 1\n"
		  "a:\nif r0 == 0 goto l\nr0 = 1\nl:\nexit");
	expect(&x, 4, false);
	/* a loop comes back with another value */
	start(&x, "r0 = 0\na:\nif r0 == 0 goto l\nr0 = 1\nexit\n"
		  "l:\nr0 += 1\ngoto a");
	expect(&x, 2, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_prune_answer_decides),
		cmocka_unit_test(t_prune_other_functions_stay),
		cmocka_unit_test(t_prune_answer_goes_through_arithmetic),
		cmocka_unit_test(t_prune_answer_goes_through_spills),
		cmocka_unit_test(t_prune_helpers_write_where_they_say),
		cmocka_unit_test(t_prune_subprograms_write_anywhere),
		cmocka_unit_test(t_prune_joins_must_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
