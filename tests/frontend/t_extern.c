/* Functions of the application: prototypes from BTF, and the calls made from
 * them. */
#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

struct types_of {
	i32 i8, u16, i32, u64, f32, ptr, pair, fpair, huge;
};

static struct types_of add_types(struct btf *b)
{
	struct types_of t;

	t.i8 = btf__add_int(b, "signed char", 1, BTF_INT_SIGNED);
	t.u16 = btf__add_int(b, "unsigned short", 2, 0);
	t.i32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	t.u64 = btf__add_int(b, "unsigned long", 8, 0);
	t.f32 = btf__add_float(b, "float", 4);
	t.ptr = btf__add_ptr(b, 0);
	t.pair = btf__add_struct(b, "pair", 16);
	btf__add_field(b, "a", t.i32, 0, 0);
	btf__add_field(b, "b", t.u64, 64, 0);
	t.fpair = btf__add_struct(b, "fpair", 8);
	btf__add_field(b, "a", t.f32, 0, 0);
	t.huge = btf__add_struct(b, "huge", 24);
	return t;
}

static struct btf *start(struct fixture *x, struct types_of *t)
{
	struct btf *b = btf__new_empty();

	fix_init(x);
	*t = add_types(b);
	x->m.btf_types = b;
	return b;
}

static void finish(struct fixture *x)
{
	btf__free(x->m.btf_types);
	fix_fini(x);
}

/* A FUNC of that name whose parameters are the given types, 0 ends. */
static u32 add_func(
	struct fixture *x, const char *name, i32 ret, const i32 *param)
{
	struct btf *b = x->m.btf_types;
	i32 proto = btf__add_func_proto(b, ret);

	for (; *param; param++)
		btf__add_func_param(b, "x", *param);
	btf__add_func(b, name, BTF_FUNC_EXTERN, proto);
	return module_sym(&x->m, SYM_EXTERN, BIND_UNDEF, name, 0);
}

static void expect_reg(struct fe_reg r, u8 size, bool sign)
{
	assert_int_equal(r.size, size);
	assert_int_equal(r.sign, sign);
}

/* Kind and width of a function of the compiler's library; 0: unknown. */
static u32 builtin(const char *name, u8 *size)
{
	struct fe_proto p = {0};

	if (!fe_builtin_proto(name, &p))
		return 0;
	*size = p.builtin.size;
	assert_int_equal(p.nargs, p.builtin.nargs);
	return p.builtin.kind;
}

static void t_extern_library_functions_by_name(void **state)
{
	u8 size = 0;

	(void)state;
	assert_int_equal(builtin("__sync_fetch_and_add_8", &size), BUILTIN_OLD);
	assert_int_equal(size, 8);
	assert_int_equal(builtin("__atomic_xor_fetch_4", &size), BUILTIN_NEW);
	assert_int_equal(size, 4);
	assert_int_equal(
		builtin("__sync_lock_test_and_set_4", &size), BUILTIN_XCHG);
	assert_int_equal(
		builtin("__atomic_compare_exchange_8", &size), BUILTIN_CAS_PTR);
	assert_int_equal(builtin("__moddi3", &size), BUILTIN_MOD);
	/* BPF has no such operation */
	assert_int_equal(builtin("__sync_fetch_and_add_2", &size), 0);
	assert_int_equal(builtin("__sync_fetch_and_nand_8", &size), 0);
	assert_int_equal(builtin("__sync_exchange_8", &size), 0);
	assert_int_equal(builtin("__sync_fetch_and__8", &size), 0);
	assert_int_equal(builtin("__sync_", &size), 0);
	assert_int_equal(builtin("_8", &size), 0);
}

static void t_extern_registers_of_a_prototype(void **state)
{
	struct fixture x;
	struct types_of t;
	struct fe_proto p;
	const char *why = NULL;

	(void)state;
	start(&x, &t);
	u32 sym = add_func(&x, "f", t.i32,
		(i32[]){t.i8, btf__add_typedef(x.m.btf_types, "t", t.u16),
			t.pair, t.ptr, 0});
	assert_true(fe_extern_proto(&x.m, sym, &p, &why));
	assert_int_equal(p.nargs, 5);
	expect_reg(p.arg[0], 1, true);
	expect_reg(p.arg[1], 2, false);
	expect_reg(p.arg[2], 8, false);
	expect_reg(p.arg[3], 8, false);
	expect_reg(p.arg[4], 8, false);
	assert_true(p.returns);
	expect_reg(p.ret, 4, true);
	finish(&x);
}

static void refuse(
	i32 ret, const i32 *param, const char *want, struct fixture *x)
{
	struct fe_proto p;
	const char *why = "";
	u32 sym = add_func(x, "f", ret, param);

	assert_false(fe_extern_proto(&x->m, sym, &p, &why));
	assert_string_equal(why, want);
	finish(x);
}

static void t_extern_what_cannot_be_called(void **state)
{
	struct fixture x;
	struct types_of t;

	(void)state;
	start(&x, &t);
	refuse(0, (i32[]){t.f32, 0}, "has a floating-point or array type", &x);
	start(&x, &t);
	refuse(0, (i32[]){t.fpair, 0},
		"passes a struct that fits no two registers", &x);
	start(&x, &t);
	refuse(0, (i32[]){t.huge, 0},
		"passes a struct that fits no two registers", &x);
	start(&x, &t);
	refuse(0, (i32[]){t.pair, t.pair, t.pair, 0},
		"passes more than fits its registers", &x);
	start(&x, &t);
	refuse(t.pair, (i32[]){0}, "passes more than fits its registers", &x);
}

static void t_extern_memory_functions_need_no_prototype(void **state)
{
	struct fixture x;
	struct fe_proto p;
	const char *why = NULL;

	(void)state;
	fix_init(&x);
	assert_true(fe_extern_proto(&x.m,
		module_sym(&x.m, SYM_EXTERN, BIND_UNDEF, "memset", 0), &p,
		&why));
	assert_int_equal(p.nargs, 3);
	expect_reg(p.arg[1], 4, true);
	assert_false(fe_extern_proto(&x.m,
		module_sym(&x.m, SYM_EXTERN, BIND_UNDEF, "memchr", 0), &p,
		&why));
	assert_string_equal(why, "has no prototype in BTF");
	fix_fini(&x);
}

/* int f(signed char): the argument is cut to its width, the result extended
 * from its own. */
static void t_extern_call_extends(void **state)
{
	struct fixture x;
	struct types_of t;
	char *text = NULL;
	size_t size = 0;

	(void)state;
	start(&x, &t);
	u32 sym = add_func(&x, "f", t.i32, (i32[]){t.i8, 0});
	fix_func(&x, "p", SYM_PROG, ".slot 85200000ffffffff\nexit");
	fix_name(&x, &x.m.func.v[0], 0, sym);
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	FILE *out = open_memstream(&text, &size);
	ir_print(out, fe_lower(&x.m, 0, &x.a, NULL), NULL, NULL);
	fclose(out);
	assert_string_equal(text, "fn p params=1 {\nb0:\n\tjmp b1\nb1:\n"
				  "\tv3 = trunc p0 !0\n"
				  "\tv4 = sx8.i32 v3 !0\n"
				  "\tv5 = sext v4 !0\n"
				  "\tv6 = call.i64 extern @0(v5) "
				  "reads|writes|ctx|packet|acquire|release !0\n"
				  "\tv7 = trunc v6 !0\n"
				  "\tv8 = sext v7 !0\n"
				  "\tret v8 !1\n}\n");
	free(text);
	finish(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_extern_library_functions_by_name),
		cmocka_unit_test(t_extern_registers_of_a_prototype),
		cmocka_unit_test(t_extern_what_cannot_be_called),
		cmocka_unit_test(t_extern_memory_functions_need_no_prototype),
		cmocka_unit_test(t_extern_call_extends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
