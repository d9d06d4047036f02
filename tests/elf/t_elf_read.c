/*
 * input.c, compiled by clang and by bpf-gcc, read into a module: what is
 * where differs, what refers to what does not.
 *
 *   t_elf_read FILE     one compiler's object
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ir.h"
#include "read.h"

static u8 *bytes;
static size_t size;
static const struct fe_opts no_options;

static void open_with(struct reading *r, const struct fe_opts *opts)
{
	int err = read_bytes(r, "input.o", bytes, size, opts);

	assert_string_equal(r->log, "");
	assert_int_equal(err, 0);
}

static const struct func *find_func(const struct reading *r, const char *name)
{
	for (u32 i = 0; i < r->m.func.n; i++)
		if (!strcmp(r->m.func.v[i].name, name))
			return &r->m.func.v[i];
	fail_msg("no function %s", name);
	return NULL;
}

static const struct mapdef *find_map(const struct reading *r, const char *name)
{
	for (u32 i = 0; i < r->m.map.n; i++)
		if (!strcmp(r->m.map.v[i].name, name))
			return &r->m.map.v[i];
	fail_msg("no map %s", name);
	return NULL;
}

static const struct data_var *find_var(
	const struct reading *r, const char *name, const struct datasec **sec)
{
	for (u32 i = 0; i < r->m.data.n; i++)
		for (u32 k = 0; k < r->m.data.v[i].var.n; k++)
			if (!strcmp(r->m.data.v[i].var.v[k].name, name)) {
				*sec = &r->m.data.v[i];
				return &r->m.data.v[i].var.v[k];
			}
	fail_msg("no variable %s", name);
	return NULL;
}

/* "NAME" or "NAME+OFF" of a symbol and addend; of data, the variable. */
static void place_name(
	const struct reading *r, u32 sym, i64 addend, char *buf, size_t n)
{
	const struct sym *s = &r->m.sym.v[sym];

	snprintf(buf, n, "%s", s->name);
	if (s->kind != SYM_DATA)
		return;
	const struct datasec *d = &r->m.data.v[s->index];
	u64 off = s->off + (u64)addend;
	for (u32 i = 0; i < d->var.n; i++) {
		const struct data_var *v = &d->var.v[i];

		if (off < v->off || off >= v->off + v->size)
			continue;
		if (off == v->off)
			snprintf(buf, n, "%s", v->name);
		else
			snprintf(buf, n, "%s+%llu", v->name,
				(unsigned long long)(off - v->off));
	}
}

/* ---- cases --------------------------------------------------------------- */

static void t_read_functions_and_programs(void **state)
{
	static const struct {
		const char *name, *section;
		bool is_prog, is_global, is_callback;
		u32 type;
	} want[] = {
		{"first", "xdp", true, true, false, BPF_PROG_TYPE_XDP},
		{"second", "xdp", true, true, false, BPF_PROG_TYPE_XDP},
		{"third", "tc", true, true, false, BPF_PROG_TYPE_SCHED_CLS},
		{"local_in_xdp", "xdp", false, false, false, 0},
		{"global_sub", ".text", false, true, false, 0},
		{"local_sub", ".text", false, false, false, 0},
		{"callback", ".text", false, false, true, 0},
	};
	struct reading r;

	(void)state;
	open_with(&r, &no_options);
	assert_int_equal(r.m.func.n, countof(want));
	for (u32 i = 0; i < countof(want); i++) {
		const struct func *f = find_func(&r, want[i].name);
		const struct sym *s = &r.m.sym.v[f->sym];

		assert_string_equal(f->section, want[i].section);
		assert_int_equal(f->is_prog, want[i].is_prog);
		assert_int_equal(f->is_global, want[i].is_global);
		assert_int_equal(f->is_callback, want[i].is_callback);
		assert_int_equal(f->prog_type, want[i].type);
		assert_int_not_equal(f->btf_type, 0);
		assert_int_equal(s->kind, f->is_prog ? SYM_PROG : SYM_SUBPROG);
	}
	assert_string_equal(r.m.license, "GPL");
	assert_int_equal(r.m.kern_version, 0x60000);
	read_done(&r);
}

static void t_read_maps_and_their_values(void **state)
{
	struct reading r;
	const struct mapdef *d;

	(void)state;
	open_with(&r, &no_options);
	assert_int_equal(r.m.map.n, 6);
	d = find_map(&r, "counts");
	assert_int_equal(d->type, BPF_MAP_TYPE_HASH);
	assert_int_equal(d->key_size, 4);
	assert_int_equal(d->value_size, 8);
	assert_int_equal(d->max_entries, 100);
	assert_false(d->is_static);
	assert_true(find_map(&r, "hidden")->is_static);
	d = find_map(&r, "outer");
	assert_int_equal(
		d->inner, 1 + (find_map(&r, "outer.inner") - r.m.map.v));
	assert_int_equal(d->init.n, 1);
	assert_int_equal(d->init.v[0].slot, 2);
	assert_int_equal(d->init.v[0].sym, find_map(&r, "inner_map")->sym);
	d = find_map(&r, "jumps");
	assert_int_equal(d->value_size, 4);
	assert_int_equal(d->init.n, 1);
	assert_int_equal(d->init.v[0].slot, 1);
	assert_int_equal(d->init.v[0].sym, find_func(&r, "second")->sym);
	read_done(&r);
}

static void has_reference(
	const struct reading *r, const char *func, const char *to)
{
	const struct func *f = find_func(r, func);

	for (u32 i = 0; i < f->n; i++) {
		const struct insn *k = &r->m.insn.v[f->first + i];
		char name[64];

		if (k->second || k->sym == SYM_NONE)
			continue;
		place_name(r, k->sym, k->addend, name, sizeof(name));
		if (!strcmp(name, to))
			return;
	}
	fail_msg("%s does not refer to %s", func, to);
}

static void t_read_references(void **state)
{
	static const char *const want[][2] = {{"first", "knob"},
		{"first", "small"}, {"first", "counts"}, {"first", "hidden"},
		{"first", "outer"}, {"first", "callback"},
		{"first", "global_sub"}, {"first", "local_sub"},
		{"first", "value"}, {"first", "pointer"},
		{"first", "into_table"}, {"second", "local_in_xdp"},
		{"second", "jumps"}, {"third", "local_sub"},
		{"global_sub", "global"}, {"local_sub", "local"},
		{"local_in_xdp", "local"}};
	struct reading r;

	(void)state;
	open_with(&r, &no_options);
	for (u32 i = 0; i < countof(want); i++)
		has_reference(&r, want[i][0], want[i][1]);
	read_done(&r);
}

static void has_pointer(
	const struct reading *r, const char *var, const char *to)
{
	const struct datasec *d = NULL;
	const struct data_var *v = find_var(r, var, &d);
	char name[64];

	for (u32 i = 0; i < d->rel.n; i++) {
		if (d->rel.v[i].off != v->off)
			continue;
		place_name(r, d->rel.v[i].sym, d->rel.v[i].addend, name,
			sizeof(name));
		assert_string_equal(name, to);
		return;
	}
	fail_msg("%s is no pointer", var);
}

static void t_read_pointers_in_data(void **state)
{
	struct reading r;

	(void)state;
	open_with(&r, &no_options);
	has_pointer(&r, "pointer", "value");
	has_pointer(&r, "into_table", "table+16");
	read_done(&r);
}

static void t_read_knobs(void **state)
{
	const struct datasec *d;
	struct reading r;

	(void)state;
	open_with(&r, &no_options);
	const struct data_var *v = find_var(&r, "knob", &d);
	assert_true(v->knob);
	assert_false(v->set);
	assert_false(module_data_is_frozen(d, v->off, 4));
	assert_int_equal(d->bytes[v->off], 5);
	v = find_var(&r, "value", &d);
	assert_false(v->knob);
	assert_false(module_data_is_frozen(d, v->off, 8));
	read_done(&r);
}

static void t_set_knobs(void **state)
{
	static const struct kiln_name_value sets[] = {
		{"knob", "-2"}, {"small", "true"}, {"word", "four"}, {0}};
	const struct fe_opts opts = {.sets = sets};
	const struct datasec *d;
	struct reading r;
	i32 got;

	(void)state;
	open_with(&r, &opts);
	const struct data_var *v = find_var(&r, "knob", &d);
	memcpy(&got, d->bytes + v->off, 4);
	assert_int_equal(got, -2);
	assert_true(module_data_is_frozen(d, v->off, 4));
	v = find_var(&r, "small", &d);
	assert_int_equal(d->bytes[v->off], 1);
	v = find_var(&r, "word", &d);
	assert_memory_equal(d->bytes + v->off, "four\0\0\0", 8);
	read_done(&r);
}

/* The types of a second object go behind those of the first. */
static void t_two_objects_share_a_module(void **state)
{
	struct reading r;
	struct fe_obj *first;

	(void)state;
	open_with(&r, &no_options);
	u32 funcs = r.m.func.n, types = btf__type_cnt(r.m.btf_types);
	u32 maps = r.m.map.n;
	first = r.obj;
	r.obj = fe_open(&r.m, r.file, bytes, size);
	assert_non_null(r.obj);
	assert_int_equal(fe_btf(&r.m, r.obj), 0);
	assert_int_equal(fe_maps(&r.m, r.obj), 0);
	assert_int_equal(fe_reloc(&r.m, r.obj, &no_options), 0);
	assert_int_equal(r.m.func.n, 2 * funcs);
	for (u32 i = 0; i < funcs; i++)
		assert_int_equal(r.m.func.v[funcs + i].btf_type,
			r.m.func.v[i].btf_type + types - 1);
	for (u32 i = 0; i < maps; i++)
		if (r.m.map.v[i].btf_value)
			assert_int_equal(r.m.map.v[maps + i].btf_value,
				r.m.map.v[i].btf_value + types - 1);
	assert_int_equal(btf__type_cnt(r.m.btf_types), 2 * types - 1);
	/* the first owns the types */
	fe_close(r.obj);
	r.obj = first;
	read_done(&r);
}

static void t_dump_names_every_section(void **state)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct reading r;

	(void)state;
	open_with(&r, &no_options);
	fe_dump_elf(f, r.obj);
	fclose(f);
	assert_non_null(strstr(text, "input.o: "));
	assert_non_null(strstr(text, " maps "));
	assert_non_null(strstr(text, " code "));
	assert_non_null(strstr(text, "first"));
	free(text);
	read_done(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_read_functions_and_programs),
		cmocka_unit_test(t_read_maps_and_their_values),
		cmocka_unit_test(t_read_references),
		cmocka_unit_test(t_read_pointers_in_data),
		cmocka_unit_test(t_read_knobs),
		cmocka_unit_test(t_set_knobs),
		cmocka_unit_test(t_two_objects_share_a_module),
		cmocka_unit_test(t_dump_names_every_section),
	};

	if (argc != 2)
		return 2;
	bytes = read_file(argv[1], &size);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(bytes);
	return failed;
}
