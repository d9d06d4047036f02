/* Lowering: the IR of small programs, as text. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static const char *sym_name(void *ctx, u32 sym)
{
	struct fixture *x = ctx;

	return x->m.sym.v[sym].name;
}

static void analyse(struct fixture *x)
{
	if (fe_decode(&x->m) || fe_flow(&x->m) || fe_types(&x->m))
		fail_msg("%s", x->log);
}

/* The IR of function `number`, then all is freed. */
static void expect(struct fixture *x, u32 number, const char *want)
{
	char error[256];
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	analyse(x);
	struct fn *f = fe_lower(&x->m, number, &x->a, NULL);
	if (ir_verify(f, error, sizeof(error)))
		fail_msg("%s", error);
	ir_print(out, f, sym_name, x);
	fclose(out);
	if (strcmp(got, want))
		fail_msg("got\n%swant\n%s", got, want);
	free(got);
	fix_fini(x);
}

static void raw(const char *text, const char *want)
{
	struct fixture x;

	fix_init(&x);
	x.m.raw = true;
	fix_func(&x, "p", SYM_PROG, text);
	expect(&x, 0, want);
}

static struct func *xdp(struct fixture *x, const char *text)
{
	struct func *f = fix_func(x, "p", SYM_PROG, text);

	f->prog_type = BPF_PROG_TYPE_XDP;
	return f;
}

static void t_lower_widths(void **state)
{
	(void)state;
	raw("r0 = r1\nw0 += w2\nr0 += -1\nexit", "fn p params=2 {\n"
						 "b0:\n"
						 "\tjmp b1\n"
						 "b1:\n"
						 "\tv4 = trunc p1 !1\n"
						 "\tv5 = trunc p0 !1\n"
						 "\tv6 = add.i32 v5, v4 !1\n"
						 "\tv7 = zext v6 !1\n"
						 "\tv9 = add.i64 v7, -1 !2\n"
						 "\tret v9 !3\n"
						 "}\n");
	raw("r0 = (s8)r1\nw3 = (s16)w1\nr0 += r3\nr1 = (s32)r1\nr0 += r1\n"
	    "exit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv4 = sx8.i64 p0 !0\n"
		"\tv5 = trunc p0 !1\n"
		"\tv6 = sx16.i32 v5 !1\n"
		"\tv7 = zext v6 !1\n"
		"\tv8 = add.i64 v4, v7 !2\n"
		"\tv9 = trunc p0 !3\n"
		"\tv10 = sext v9 !3\n"
		"\tv11 = add.i64 v8, v10 !4\n"
		"\tret v11 !5\n"
		"}\n");
	raw("r0 = r1\nr0 = be16 r0\nr0 = le16 r0\nr0 = be32 r0\n"
	    "r0 = le32 r0\nr0 = be64 r0\nr0 = le64 r0\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv4 = trunc p0 !1\n"
		"\tv5 = bswap16 v4 !1\n"
		"\tv6 = zext v5 !1\n"
		"\tv7 = zx16.i32 v5 !2\n"
		"\tv8 = zext v7 !2\n"
		"\tv9 = bswap.i32 v7 !3\n"
		"\tv10 = zext v9 !3\n"
		"\tv11 = zext v9 !4\n"
		"\tv12 = bswap.i64 v11 !5\n"
		"\tret v12 !7\n"
		"}\n");
}

static void t_lower_memory(void **state)
{
	(void)state;
	raw("r0 = *(u16 *)(r1 +3)\nr3 = *(s8 *)(r1 -1)\n"
	    "*(u32 *)(r1 +8) = r3\n*(u8 *)(r1 +2) = -1\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv4 = load2.i64 unknown [p0 + 3] !0\n"
		"\tv5 = load1.i64 unknown [p0 - 1] sx !1\n"
		"\tstore4 unknown [p0 + 8], v5 !2\n"
		"\tstore1 unknown [p0 + 2], -1 !3\n"
		"\tret v4 !4\n"
		"}\n");
	raw("*(u64 *)(r10 -8) = r1\nr3 = r10\nr3 += -16\n"
	    "*(u32 *)(r3 +4) = 7\nr0 = *(u64 *)(r10 -8)\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tstore8 stack [fp-8], p0 !0\n"
		"\tstore4 stack [fp-12], 7 !3\n"
		"\tv12 = load8.i64 stack [fp-8] !4\n"
		"\tret v12 !5\n"
		"}\n");
}

static void t_lower_atomics(void **state)
{
	(void)state;
	raw("r0 = 1\nlock *(u32 *)(r1 +4) += r2\n"
	    "r2 = atomic64_fetch_xor((u64 *)(r1 +8), r2)\n"
	    "r2 = atomic_xchg((u32 *)(r1 +0), r2)\n"
	    "r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)\n"
	    "r3 = load_acquire((u8 *)(r1 +1))\n"
	    "store_release((u16 *)(r1 +2), r3)\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv5 = trunc p1 !1\n"
		"\tatomic4.add unknown [p0 + 4], v5 !1\n"
		"\tv7 = fetch8.xor.i64 unknown [p0 + 8], p1 !2\n"
		"\tv8 = trunc v7 !3\n"
		"\tv9 = fetch4.xchg.i32 unknown [p0], v8 !3\n"
		"\tv10 = zext v9 !3\n"
		"\tv12 = cmpxchg4.i32 unknown [p0], 1w, v9 !4\n"
		"\tv13 = zext v12 !4\n"
		"\tv14 = loadacq1.i64 unknown [p0 + 1] !5\n"
		"\tstorerel2 unknown [p0 + 2], v14 !6\n"
		"\tret v13 !7\n"
		"}\n");
}

static void t_lower_loop_to_first_instruction(void **state)
{
	(void)state;
	raw("r0 += r2\nr2 += -1\nif w2 != 0 goto -3\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv5 = phi.i64 [b0 p1], [b1 v8]\n"
		"\tv4 = phi.i64 [b0 0], [b1 v6]\n"
		"\tv6 = add.i64 v4, v5 !0\n"
		"\tv8 = add.i64 v5, -1 !1\n"
		"\tv10 = trunc v8 !2\n"
		"\tbr.ne v10, 0w, b1, b2 !2\n"
		"b2:\n"
		"\tret v6 !3\n"
		"}\n");
}

static struct func *tc(struct fixture *x, const char *text)
{
	struct func *f = fix_func(x, "p", SYM_PROG, text);

	f->prog_type = BPF_PROG_TYPE_SCHED_CLS;
	return f;
}

static void t_lower_packet_loads(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	tc(&x, "r6 = r1\nr0 = *(u16 *)skb[12]\nexit");
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv4 = load8.i64 ctx [p0 + 192] !1\n"
		"\tv5 = load8.i64 ctx [p0 + 200] !1\n"
		"\tv6 = sub.i64 v5, v4 !1\n"
		"\tbr.ule 14, v6, b3, b2 !1\n"
		"b2:\n"
		"\tret 0 !1\n"
		"b3:\n"
		"\tv9 = load2.i32 packet [v4 + 12] !1\n"
		"\tv10 = bswap16 v9 !1\n"
		"\tv11 = zext v10 !1\n"
		"\tv14 = zext v10 !2\n"
		"\tret v14 !2\n"
		"}\n");
	fix_init(&x);
	tc(&x, "r6 = r1\nr0 = *(u8 *)skb[-1048576]\nexit");
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv5 = call.i64 helper @kiln_skb_load(p0, 0xfffffffffff00000, "
		"1) reads !1\n"
		"\tbr.slt v5, 0, b3, b2 !1\n"
		"b2:\n"
		"\tv9 = trunc v5 !2\n"
		"\tv10 = zext v9 !2\n"
		"\tret v10 !2\n"
		"b3:\n"
		"\tret 0 !1\n"
		"}\n");
}

/* Of what the kernel keeps in 16 bits. */
static void t_lower_narrow_fields(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	tc(&x, "r0 = 0\n*(u32 *)(r1 +44) = r0\n*(u32 *)(r1 +12) = r0\nexit");
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv5 = zx16.i64 0 !1\n"
		"\tstore4 ctx [p0 + 44], v5 !1\n"
		"\tv7 = load4.i64 ctx [p0 + 12] !2\n"
		"\tv8 = sel.ult.i64 0, 65535, 0, v7 !2\n"
		"\tstore4 ctx [p0 + 12], v8 !2\n"
		"\tret 0 !3\n"
		"}\n");
}

static void t_lower_may_goto_shares_a_budget(void **state)
{
	(void)state;
	raw("r0 = 0\nl:\nr0 += 1\nmay_goto out\ngoto l\nout:\nexit",
		"fn p params=2 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tjmp b2 !0\n"
		"b2:\n"
		"\tv10 = phi.i64 [b1 0x800000], [b3 v11]\n"
		"\tv7 = phi.i64 [b1 0], [b3 v9]\n"
		"\tv9 = add.i64 v7, 1 !1\n"
		"\tv11 = sub.i64 v10, 1 !2\n"
		"\tbr.sle v10, 0, b4, b3 !2\n"
		"b3:\n"
		"\tjmp b2 !3\n"
		"b4:\n"
		"\tret v9 !4\n"
		"}\n");
}

/* ... with its callees: a word of the runtime, given back at the end. */
static void t_lower_may_goto_shares_a_budget_with_calls(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	x.m.raw = true;
	struct func *f = fix_func(&x, "p", SYM_PROG,
		".slot 85100000ffffffff\nl:\nr0 += 1\nmay_goto out\ngoto l\n"
		"out:\nexit");
	u32 first = f->first;
	f = fix_func(&x, "s", SYM_SUBPROG,
		"r0 = 0\nmay_goto out\nr0 = 1\nout:\nexit");
	x.m.insn.v[first].sym = f->sym;
	expect(&x, 0,
		"fn p params=2 {\n"
		"b0:\n"
		"\tv3 = call.i64 extern @kiln_loop_budget() pure\n"
		"\tv4 = load8.i64 global [v3]\n"
		"\tstore8 global [v3], 0x800000\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv8 = call.i64 fn @s() reads|writes !0\n"
		"\tjmp b2 !0\n"
		"b2:\n"
		"\tv11 = phi.i64 [b1 v8], [b3 v13]\n"
		"\tv13 = add.i64 v11, 1 !1\n"
		"\tv14 = load8.i64 global [v3] !2\n"
		"\tv15 = sub.i64 v14, 1 !2\n"
		"\tstore8 global [v3], v15 !2\n"
		"\tbr.sle v14, 0, b4, b3 !2\n"
		"b3:\n"
		"\tjmp b2 !3\n"
		"b4:\n"
		"\tstore8 global [v3], v4 !4\n"
		"\tret v13 !4\n"
		"}\n");
}

static void t_lower_context_pointer(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	xdp(&x, "r2 = *(u32 *)(r1 +4)\nr1 = *(u32 *)(r1 +0)\nr0 = 0\n"
		"r3 = r1\nr3 += 1\nif r3 > r2 goto out\n"
		"r0 = *(u8 *)(r1 +0)\nout:\nexit");
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv3 = load8.i64 ctx [p0 + 32] !0\n"
		"\tv4 = load8.i64 ctx [p0 + 24] !1\n"
		"\tv7 = add.i64 v4, 1 !4\n"
		"\tbr.ugt v7, v3, b3, b2 !5\n"
		"b2:\n"
		"\tv9 = load1.i64 packet [v4] !6\n"
		"\tjmp b3 !6\n"
		"b3:\n"
		"\tv11 = phi.i64 [b1 0], [b2 v9]\n"
		"\tv12 = trunc v11 !7\n"
		"\tv13 = zext v12 !7\n"
		"\tret v13 !7\n"
		"}\n");
}

static void t_lower_helper_call(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	u32 map = fix_map(&x, "m", BPF_MAP_TYPE_HASH, 4, 16, 10);
	struct func *f =
		xdp(&x, "*(u32 *)(r10 -4) = 1\nr2 = r10\nr2 += -4\nr1 = 0 ll\n"
			"call 1\nr1 = r0\nr0 = 0\nif r1 == 0 goto out\n"
			"r0 = *(u64 *)(r1 +8)\nout:\nexit");
	fix_name(&x, f, 3, map);
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tstore4 stack [fp-4], 1 !0\n"
		"\tv9 = call.i64 helper @kiln_helper_map_lookup_elem(@m, "
		"fp-4) reads a2=r:0:4 !5\n"
		"\tbr.eq v9, 0, b3, b2 !8\n"
		"b2:\n"
		"\tv12 = load8.i64 map [v9 + 8] !9\n"
		"\tjmp b3 !9\n"
		"b3:\n"
		"\tv14 = phi.i64 [b1 0], [b2 v12]\n"
		"\tv15 = trunc v14 !10\n"
		"\tv16 = zext v15 !10\n"
		"\tret v16 !10\n"
		"}\n");
}

static void array_lookup(const char *text, const char *want)
{
	struct fixture x;

	fix_init(&x);
	u32 map = fix_map(&x, "m", BPF_MAP_TYPE_ARRAY, 4, 12, 10);
	x.m.map.v[0].values_sym =
		module_sym(&x.m, SYM_VALUES, BIND_LOCAL, "m.values", 0);
	x.m.map.v[0].has_storage = true;
	struct func *f = xdp(&x, text);
	fix_name(&x, f, 3, map);
	expect(&x, 0, want);
}

static void t_lower_array_lookup_with_null_check(void **state)
{
	(void)state;
	array_lookup("*(u32 *)(r10 -4) = 1\nr2 = r10\nr2 += -4\nr1 = 0 ll\n"
		     "call 1\nif r0 == 0 goto out\n"
		     "r0 = *(u64 *)(r0 +8)\nout:\nexit",

		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tstore4 stack [fp-4], 1 !0\n"
		"\tv9 = load4.i32 stack [fp-4] !5\n"
		"\tv10 = load4.i32 rodata [@m + 12] !5\n"
		"\tbr.ult v9, v10, b4, b5 !5\n"
		"b2:\n"
		"\tv20 = load8.i64 map [v17 + 8] !7\n"
		"\tjmp b3 !7\n"
		"b3:\n"
		"\tv22 = phi.i64 [b5 0], [b2 v20]\n"
		"\tv23 = trunc v22 !8\n"
		"\tv24 = zext v23 !8\n"
		"\tret v24 !8\n"
		"b4:\n"
		"\tv13 = zext v9 !5\n"
		"\tv15 = mul.i64 v13, 16 !5\n"
		"\tv17 = add.i64 v15, @m.values !5\n"
		"\tjmp b2 !6\n"
		"b5:\n"
		"\tjmp b3 !6\n"
		"}\n");
}

static void t_lower_array_lookup_without_null_check(void **state)
{
	(void)state;
	array_lookup("*(u32 *)(r10 -4) = 1\nr2 = r10\nr2 += -4\nr1 = 0 ll\n"
		     "call 1\nr6 = r0\nif r6 == 0 goto out\n"
		     "r0 = *(u64 *)(r6 +8)\nout:\nexit",

		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tstore4 stack [fp-4], 1 !0\n"
		"\tv9 = load4.i32 stack [fp-4] !5\n"
		"\tv10 = load4.i32 rodata [@m + 12] !5\n"
		"\tbr.ult v9, v10, b4, b5 !5\n"
		"b2:\n"
		"\tv22 = load8.i64 map [v20 + 8] !8\n"
		"\tjmp b3 !8\n"
		"b3:\n"
		"\tv24 = phi.i64 [b6 v20], [b2 v22]\n"
		"\tv25 = trunc v24 !9\n"
		"\tv26 = zext v25 !9\n"
		"\tret v26 !9\n"
		"b4:\n"
		"\tv13 = zext v9 !5\n"
		"\tv15 = mul.i64 v13, 16 !5\n"
		"\tv17 = add.i64 v15, @m.values !5\n"
		"\tjmp b6 !5\n"
		"b5:\n"
		"\tjmp b6 !5\n"
		"b6:\n"
		"\tv20 = phi.i64 [b4 v17], [b5 0]\n"
		"\tbr.eq v20, 0, b3, b2 !7\n"
		"}\n");
}

static void t_lower_subprogram_call(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	struct func *f =
		xdp(&x, "r2 = r10\nr2 += -8\n*(u64 *)(r2 +0) = 0\nr1 = 3\n"
			".slot 85100000ffffffff\nexit");
	u32 first = f->first;
	f = fix_func(
		&x, "sub", SYM_SUBPROG, "*(u64 *)(r2 +0) = r1\nr0 = r1\nexit");
	x.m.insn.v[first + 4].sym = f->sym;
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tstore8 stack [fp-8], 0 !2\n"
		"\tv9 = call.i64 fn @sub(3, fp-8) none "
		"a2=w:0:8 !4\n"
		"\tv10 = trunc v9 !5\n"
		"\tv11 = zext v10 !5\n"
		"\tret v11 !5\n"
		"}\n");
}

static void t_lower_callx(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	struct func *f =
		xdp(&x, "r2 = *(u32 *)(r1 +12)\nr3 = 0 ll\nif r2 == 0 goto l\n"
			"r3 = 0 ll\nl:\nr1 = 7\ncallx r3\nexit");
	u32 first = f->first;
	x.m.insn.v[first + 1].sym =
		fix_func(&x, "a", SYM_SUBPROG, "r0 = r1\nexit")->sym;
	x.m.insn.v[first + 4].sym =
		fix_func(&x, "b", SYM_SUBPROG, "r0 = 1\nexit")->sym;
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv3 = load4.i64 ctx [p0 + 12] !0\n"
		"\tbr.eq v3, 0, b3, b2 !3\n"
		"b2:\n"
		"\tjmp b3 !4\n"
		"b3:\n"
		"\tv10 = phi.i64 [b1 @a], [b2 @b]\n"
		"\tv11 = callx.i64 ptr (v10, 7) "
		"reads|writes|ctx|packet|acquire|release !7\n"
		"\tv12 = trunc v11 !8\n"
		"\tv13 = zext v12 !8\n"
		"\tret v13 !8\n"
		"}\n");
}

/* clang -Os extends what it loaded as 32 bits once more. */
static void t_lower_packet_end_extended(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	xdp(&x, "r2 = *(u32 *)(r1 +4)\nw2 = w2\nr1 = *(u32 *)(r1 +0)\nr0 = 0\n"
		"if r1 > r2 goto out\nr0 = 1\nout:\nexit");
	expect(&x, 0,
		"fn p params=1 {\n"
		"b0:\n"
		"\tjmp b1\n"
		"b1:\n"
		"\tv3 = load8.i64 ctx [p0 + 32] !0\n"
		"\tv4 = load8.i64 ctx [p0 + 24] !2\n"
		"\tbr.ugt v4, v3, b3, b2 !4\n"
		"b2:\n"
		"\tjmp b3 !5\n"
		"b3:\n"
		"\tv9 = phi.i64 [b1 0], [b2 1]\n"
		"\tv10 = trunc v9 !6\n"
		"\tv11 = zext v10 !6\n"
		"\tret v11 !6\n"
		"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_lower_widths),
		cmocka_unit_test(t_lower_memory),
		cmocka_unit_test(t_lower_atomics),
		cmocka_unit_test(t_lower_loop_to_first_instruction),
		cmocka_unit_test(t_lower_packet_loads),
		cmocka_unit_test(t_lower_narrow_fields),
		cmocka_unit_test(t_lower_may_goto_shares_a_budget),
		cmocka_unit_test(t_lower_may_goto_shares_a_budget_with_calls),
		cmocka_unit_test(t_lower_context_pointer),
		cmocka_unit_test(t_lower_packet_end_extended),
		cmocka_unit_test(t_lower_helper_call),
		cmocka_unit_test(t_lower_array_lookup_with_null_check),
		cmocka_unit_test(t_lower_array_lookup_without_null_check),
		cmocka_unit_test(t_lower_subprogram_call),
		cmocka_unit_test(t_lower_callx),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
