/* legacy.c: each loader's struct is told by its size. t_elf_legacy FILE */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

static u8 *bytes;
static size_t size;

static void open_it(struct reading *r)
{
	static const struct fe_opts none;
	int err = read_bytes(r, "legacy.o", bytes, size, &none);

	assert_string_equal(r->log, "");
	assert_int_equal(err, 0);
}

static const struct mapdef *find(const struct reading *r, const char *name)
{
	for (u32 i = 0; i < r->m.map.n; i++)
		if (!strcmp(r->m.map.v[i].name, name))
			return &r->m.map.v[i];
	fail_msg("no map %s", name);
	return NULL;
}

static u32 number(const struct reading *r, const struct mapdef *d)
{
	return (u32)(d - r->m.map.v);
}

static void t_maps_of_five_words(void **state)
{
	struct reading r;

	(void)state;
	open_it(&r);
	const struct mapdef *d = find(&r, "one");
	assert_int_equal(d->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(d->key_size, 4);
	assert_int_equal(d->value_size, 8);
	assert_int_equal(d->max_entries, 10);
	assert_int_equal(d->flags, BPF_F_NO_PREALLOC);
	assert_false(d->is_static);
	d = find(&r, "two");
	assert_int_equal(d->max_entries, 20);
	assert_true(d->is_static);
	read_done(&r);
}

static void t_inner_map_by_position(void **state)
{
	struct reading r;

	(void)state;
	open_it(&r);
	const struct mapdef *d = find(&r, "outer");
	assert_int_equal(d->inner, 1 + number(&r, find(&r, "inner")));
	assert_int_equal(d->init.n, 0);
	read_done(&r);
}

static void t_inner_map_by_id_is_an_element(void **state)
{
	struct reading r;

	(void)state;
	open_it(&r);
	const struct mapdef *d = find(&r, "tc_outer");
	assert_int_equal(d->inner, 1 + number(&r, find(&r, "tc_inner")));
	assert_int_equal(d->pinning, 1);
	assert_int_equal(d->init.n, 1);
	assert_int_equal(d->init.v[0].slot, 2);
	assert_int_equal(d->init.v[0].sym, find(&r, "tc_inner")->sym);
	assert_int_equal(d->id, 8);
	read_done(&r);
}

static void t_static_function_of_an_entry_section_is_a_program(void **state)
{
	struct reading r;

	(void)state;
	open_it(&r);
	assert_int_equal(r.m.func.n, 2);
	for (u32 i = 0; i < r.m.func.n; i++) {
		const struct func *f = &r.m.func.v[i];

		assert_true(f->is_prog);
		assert_int_equal(f->prog_type, BPF_PROG_TYPE_SCHED_CLS);
		assert_int_equal(f->is_global, strcmp(f->name, "tail") != 0);
		assert_int_equal(r.m.sym.v[f->sym].bind,
			f->is_global ? BIND_PROTECTED : BIND_LOCAL);
	}
	read_done(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_maps_of_five_words),
		cmocka_unit_test(t_inner_map_by_position),
		cmocka_unit_test(t_inner_map_by_id_is_an_element),
		cmocka_unit_test(
			t_static_function_of_an_entry_section_is_a_program),
	};

	if (argc != 2)
		return 2;
	bytes = read_file(argv[1], &size);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(bytes);
	return failed;
}
