/* What functions do with the memory behind their parameters. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "frontend/types.h"

static const char call_sub[] = "r1 = r10\nr1 += -64\nr2 = r10\nr2 += -32\n"
			       ".slot 85100000ffffffff\nr0 = 0\nexit";

/* Parameters 1 and 2 of sub, called by p with addresses of its frame. */
struct uses {
	struct arg_mem a[2];
};

static struct uses uses(const char *sub, const char *leaf)
{
	struct fixture x;
	struct uses u = {0};

	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, call_sub)->prog_type = BPF_PROG_TYPE_XDP;
	fix_func(&x, "sub", SYM_SUBPROG, sub);
	fix_name(&x, &x.m.func.v[0], 4, x.m.func.v[1].sym);
	if (leaf) {
		u32 sym = fix_func(&x, "leaf", SYM_SUBPROG, leaf)->sym;
		const struct func *f = &x.m.func.v[1];

		for (u32 k = 0; k < f->n; k++)
			if (fe_insn(&x.m, f, k)->code == 0x85 ||
				fe_insn(&x.m, f, k)->code == 0x18)
				fix_name(&x, f, k, sym);
	}
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	u.a[0] = x.m.func.v[1].fe->param[0];
	u.a[1] = x.m.func.v[1].fe->param[1];
	/* the caller says the same */
	const struct fe_call *c = &x.m.func.v[0].fe->calls.v[0];
	for (u32 k = 0; k < c->nargs; k++)
		assert_int_equal(c->arg[k].access, u.a[k].access);
	fix_fini(&x);
	return u;
}

static void expect(struct arg_mem a, u8 access, i32 lo, i32 hi)
{
	assert_int_equal(a.access, access);
	if (access == ARG_SCALAR || access == ARG_ESCAPE)
		return;
	assert_int_equal(a.lo, lo);
	assert_int_equal(a.hi, hi);
}

static void t_summary_range_of_accesses(void **state)
{
	struct uses u = uses("r3 = *(u32 *)(r1 +4)\nr1 += -8\n"
			     "*(u16 *)(r1 +2) = 1\nr0 = *(u8 *)(r2 +0)\nexit",
		NULL);

	(void)state;
	expect(u.a[0], ARG_RW, -6, 8);
	expect(u.a[1], ARG_READ, 0, 1);
}

static void t_summary_only_compared(void **state)
{
	struct uses u = uses("r0 = 0\nif r1 == r2 goto +1\nr0 = 1\nexit", NULL);

	(void)state;
	expect(u.a[0], ARG_SCALAR, 0, 0);
	expect(u.a[1], ARG_SCALAR, 0, 0);
}

static void t_summary_advancing_pointer_escapes(void **state)
{
	struct uses u = uses("r0 = 0\nl:\n*(u8 *)(r1 +0) = 0\nr1 += 1\n"
			     "r0 += 1\nif r0 < 8 goto l\n"
			     "r2 = *(u64 *)(r2 +8)\nexit",
		NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(u.a[1], ARG_READ, 8, 16);
}

static void t_summary_stored_and_returned_escape(void **state)
{
	struct uses u = uses("*(u64 *)(r2 +0) = r1\nr0 = r2\nexit", NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(u.a[1], ARG_ESCAPE, 0, 0);
}

static void t_summary_spill_and_fill_is_followed(void **state)
{
	struct uses u = uses("*(u64 *)(r10 -8) = r1\n"
			     "r3 = r10\nr3 += -16\n*(u64 *)(r3 +8) = r2\n"
			     "r1 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r1 +4)\n"
			     "r0 = 0\nexit",
		NULL);

	(void)state;
	/* r2 took r1's slot: what is filled and used is r2 */
	expect(u.a[0], ARG_SCALAR, 0, 0);
	expect(u.a[1], ARG_READ, 4, 8);
}

static void t_summary_half_a_spill_escapes(void **state)
{
	struct uses u = uses("*(u64 *)(r10 -8) = r1\nr0 = *(u32 *)(r10 -8)\n"
			     "*(u64 *)(r10 -16) = r2\n*(u8 *)(r10 -10) = 1\n"
			     "exit",
		NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(u.a[1], ARG_ESCAPE, 0, 0);
}

static void t_summary_frame_out_of_sight_means_spills_escape(void **state)
{
	struct uses u = uses("*(u64 *)(r10 -8) = r1\nr3 = r10\nr3 &= -8\n"
			     "r0 = *(u64 *)(r2 +0)\nexit",
		NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(u.a[1], ARG_READ, 0, 8);
}

static void t_summary_mixed_register_escapes_where_used(void **state)
{
	struct uses u = uses("if r2 == 0 goto +1\nr1 = 0\n"
			     "r0 = *(u8 *)(r1 +0)\nexit",
		NULL);
	struct uses dead =
		uses("if r2 == 0 goto +1\nr1 = 0\nr0 = 0\nexit", NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(dead.a[0], ARG_SCALAR, 0, 0);
}

static void t_summary_arithmetic_escapes(void **state)
{
	struct uses u = uses("r3 = 5\nr1 += r3\nw2 += 1\nr0 = 0\nexit", NULL);

	(void)state;
	expect(u.a[0], ARG_ESCAPE, 0, 0);
	expect(u.a[1], ARG_ESCAPE, 0, 0);
}

static void t_summary_goes_through_calls(void **state)
{
	struct uses u = uses("r1 = r2\nr1 += 8\n.slot 85100000ffffffff\nexit",
		"r0 = *(u32 *)(r1 +4)\nexit");

	(void)state;
	expect(u.a[0], ARG_SCALAR, 0, 0);
	expect(u.a[1], ARG_READ, 12, 16);
}

static void t_summary_goes_to_callbacks(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r1 = 2\nr2 = 0 ll\nr3 = r10\nr3 += -16\nr4 = 0\n"
		"call 181\nr0 = 0\nexit")
		->prog_type = BPF_PROG_TYPE_XDP;
	u32 sym = fix_func(
		&x, "cb", SYM_SUBPROG, "*(u32 *)(r2 +4) = 1\nr0 = 0\nexit")
			  ->sym;
	fix_name(&x, &x.m.func.v[0], 1, sym);
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	expect(x.m.func.v[0].fe->calls.v[0].arg[2], ARG_WRITE, 4, 8);
	fix_fini(&x);
}

/* A program is analysed for its context; what it does behind it nobody asks. */
static void t_summary_called_program_may_do_anything(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, call_sub)->prog_type =
		BPF_PROG_TYPE_SYSCALL;
	fix_func(&x, "sub", SYM_PROG, "*(u32 *)(r1 + 0) = 5\nr0 = 0\nexit")
		->prog_type = BPF_PROG_TYPE_SYSCALL;
	fix_name(&x, &x.m.func.v[0], 4, x.m.func.v[1].sym);
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	expect(x.m.func.v[0].fe->calls.v[0].arg[0], ARG_ESCAPE, 0, 0);
	fix_fini(&x);
}

/* trace_printk("%s %d"): a string of the frame is looked at, a number is not. */
static void t_summary_printed_argument_may_be_a_string(void **state)
{
	struct fixture x;
	const struct fe_call *c;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"*(u64 *)(r10 -8) = 0\nr1 = r10\nr1 += -8\nr2 = 8\n"
		"r3 = r1\nr4 = 5\ncall 6\nexit")
		->prog_type = BPF_PROG_TYPE_XDP;
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	c = &x.m.func.v[0].fe->calls.v[0];
	expect(c->arg[2], ARG_ESCAPE, 0, 0);
	expect(c->arg[3], ARG_SCALAR, 0, 0);
	fix_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_summary_range_of_accesses),
		cmocka_unit_test(t_summary_only_compared),
		cmocka_unit_test(t_summary_advancing_pointer_escapes),
		cmocka_unit_test(t_summary_stored_and_returned_escape),
		cmocka_unit_test(t_summary_spill_and_fill_is_followed),
		cmocka_unit_test(t_summary_half_a_spill_escapes),
		cmocka_unit_test(
			t_summary_frame_out_of_sight_means_spills_escape),
		cmocka_unit_test(t_summary_mixed_register_escapes_where_used),
		cmocka_unit_test(t_summary_arithmetic_escapes),
		cmocka_unit_test(t_summary_goes_through_calls),
		cmocka_unit_test(t_summary_printed_argument_may_be_a_string),
		cmocka_unit_test(t_summary_called_program_may_do_anything),
		cmocka_unit_test(t_summary_goes_to_callbacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
