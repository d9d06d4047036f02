/*
 * externs.c: kconfig variables get their values from --set and are constants
 * then; other undefined names become symbols for the linker.
 *
 *   t_elf_externs FILE
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

static u8 *bytes;
static size_t size;

static const struct kiln_name_value all_set[] = {{"CONFIG_HZ", "250"},
	{"CONFIG_SMP", "y"}, {"CONFIG_TUN", "m"}, {"CONFIG_HOST", "box"},
	{NULL, NULL}};

static int read_with(struct reading *r, const struct kiln_name_value *sets)
{
	const struct fe_opts opts = {.sets = sets};

	return read_bytes(r, "externs.o", bytes, size, &opts);
}

static const struct sym *find_sym(const struct reading *r, const char *name)
{
	for (u32 i = 0; i < r->m.sym.n; i++)
		if (!strcmp(r->m.sym.v[i].name, name))
			return &r->m.sym.v[i];
	return NULL;
}

static const struct datasec *kconfig_sec(const struct reading *r)
{
	for (u32 i = 0; i < r->m.data.n; i++)
		if (!strcmp(r->m.data.v[i].name, ".rodata.kconfig"))
			return &r->m.data.v[i];
	fail_msg("no .rodata.kconfig");
	return NULL;
}

static const u8 *value_of(
	const struct datasec *d, const char *name, u64 wanted_size)
{
	for (u32 i = 0; i < d->var.n; i++)
		if (!strcmp(d->var.v[i].name, name)) {
			assert_int_equal(d->var.v[i].size, wanted_size);
			assert_true(module_data_is_frozen(
				d, d->var.v[i].off, wanted_size));
			return d->bytes + d->var.v[i].off;
		}
	fail_msg("no variable %s", name);
	return NULL;
}

static void t_kconfig_takes_values(void **state)
{
	static const u8 zero[8];
	const struct datasec *d;
	struct reading r;

	(void)state;
	assert_int_equal(read_with(&r, all_set), 0);
	assert_string_equal(r.log, "");
	d = kconfig_sec(&r);
	assert_false(d->writable);
	assert_memory_equal(value_of(d, "CONFIG_HZ", 4), "\xfa\0\0\0", 4);
	assert_int_equal(*value_of(d, "CONFIG_SMP", 1), 1);
	assert_int_equal(*value_of(d, "CONFIG_TUN", 4), 2);
	assert_memory_equal(value_of(d, "CONFIG_HOST", 8), "box\0\0\0\0", 8);
	assert_memory_equal(value_of(d, "CONFIG_ABSENT", 8), zero, 8);
	read_done(&r);
}

static void t_kconfig_without_value_is_named(void **state)
{
	struct reading r;

	(void)state;
	assert_int_not_equal(read_with(&r, all_set + 1), 0);
	assert_non_null(strstr(r.log,
		"kconfig variable CONFIG_HZ has no value (give it one with "
		"--set CONFIG_HZ=VALUE)"));
	assert_null(strstr(r.log, "CONFIG_SMP"));
	assert_non_null(strstr(r.log, "program first"));
	read_done(&r);
}

static void t_symbols_stay_undefined(void **state)
{
	static const struct {
		const char *name;
		u8 bind;
	} want[] = {{"strong_symbol", BIND_UNDEF},
		{"weak_symbol", BIND_WEAK_UNDEF}, {"function", BIND_UNDEF}};
	struct reading r;

	(void)state;
	assert_int_equal(read_with(&r, all_set), 0);
	for (u32 i = 0; i < countof(want); i++) {
		const struct sym *s = find_sym(&r, want[i].name);

		assert_non_null(s);
		assert_int_equal(s->kind, SYM_EXTERN);
		assert_int_equal(s->bind, want[i].bind);
	}
	assert_null(find_sym(&r, "CONFIG_HZ"));
	read_done(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_kconfig_takes_values),
		cmocka_unit_test(t_kconfig_without_value_is_named),
		cmocka_unit_test(t_symbols_stay_undefined),
	};

	if (argc != 2)
		return 2;
	bytes = read_file(argv[1], &size);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(bytes);
	return failed;
}
