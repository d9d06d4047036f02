/*
 * Rules of CO-RE that no C compiler at hand makes a target for: types made by
 * hand, in one temporary file.
 *
 *   t_core_rules MATRIX.bpf.o OTHER.bpf.o
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"

static struct ask asking;
static char path[] = "/tmp/kiln-core-XXXXXX";
static const char *other;

/* ---- targets ------------------------------------------------------------- */

static struct btf *with_ints(void)
{
	struct btf *b = btf__new_empty();

	btf__add_int(b, "unsigned int", 4, 0);
	btf__add_int(b, "unsigned short", 2, 0);
	return b;
}

/* struct s { ...; unsigned b; ... } with b at a byte */
static void add_s(struct btf *b, u32 at)
{
	btf__add_struct(b, "s", at + 4);
	btf__add_field(b, "b", 1, at * 8, 0);
}

static void use(struct btf *b)
{
	u32 n;
	const void *p = btf__raw_data(b, &n);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	btf__free(b);
}

static void answers(const char *question, u64 want)
{
	u64 got = 0;

	if (!ask_kiln(&asking, question, &got))
		fail_msg("%s: %s", question, asking.log);
	assert_int_equal(got, want);
}

static void refused(const char *question, const char *why)
{
	u64 got;

	assert_false(ask_kiln(&asking, question, &got));
	if (!strstr(asking.log, why))
		fail_msg("%s: %s", question, asking.log);
}

/* ---- cases --------------------------------------------------------------- */

static void t_rules_types_of_one_name_must_agree(void **state)
{
	struct btf *b = with_ints();

	(void)state;
	add_s(b, 8);
	add_s(b, 12);
	use(b);
	refused("offset",
		"CO-RE: offset of field struct s.b is ambiguous: types "
		"of that name disagree in /tmp/");
	answers("size", 4);
	answers("exists", 1);
	b = with_ints();
	add_s(b, 8);
	btf__add_struct(b, "s", 4); /* has no b: it is out */
	btf__add_field(b, "a", 1, 0, 0);
	btf__add_struct(b, "s___old", 12);
	btf__add_field(b, "b", 1, 64, 0);
	use(b);
	answers("offset", 8);
}

static void t_rules_declaration_is_no_struct(void **state)
{
	struct btf *b = with_ints();

	(void)state;
	btf__add_fwd(b, "s", BTF_FWD_STRUCT);
	use(b);
	answers("type_exists", 0);
	refused("offset", "is not known by");
}

static void t_rules_flavour_has_three_underscores(void **state)
{
	struct btf *b = with_ints();

	(void)state;
	btf__add_struct(b, "s__x", 4);
	btf__add_struct(b, "s____x", 4);
	btf__add_struct(b, "___s", 4);
	use(b);
	answers("type_exists", 0);
}

static void t_rules_elements_inside_their_array(void **state)
{
	static const struct {
		u32 n;
		bool fits;
	} arrays[] = {{3, false}, {4, true}, {0, true}};

	(void)state;
	for (u32 i = 0; i < countof(arrays); i++) {
		struct btf *b = with_ints();
		int array = btf__add_array(b, 1, 2, arrays[i].n);

		btf__add_struct(b, "s", 2 + 2 * arrays[i].n);
		btf__add_field(b, "arr", array, 16, 0);
		use(b);
		if (arrays[i].fits)
			answers("offset_element", 8);
		else
			refused("offset_element", "s.arr[3] is not known by");
	}
}

static void t_rules_offset_too_large_for_a_load(void **state)
{
	struct btf *b = with_ints();

	(void)state;
	add_s(b, 32768);
	use(b);
	answers("offset", 32768);
	refused("load", "is too large for the instruction by");
}

static void t_rules_pointers_of_32_bits(void **state)
{
	struct btf *b = btf__new_empty();
	const u8 *p;

	(void)state;
	btf__add_int(b, "long unsigned int", 4, 0);
	int ptr = btf__add_ptr(b, 0);
	btf__add_struct(b, "s", 8);
	btf__add_field(b, "ptr", ptr, 32, 0);
	use(b);
	ask_fill(asking.ctx);
	p = asking.ctx + 4;
	u64 want = p[0] | p[1] << 8 | p[2] << 16 | (u64)p[3] << 24;
	answers("load_ptr", want);
}

static void t_rules_enumerators_of_64_bits(void **state)
{
	struct btf *b = with_ints();

	(void)state;
	btf__add_enum64(b, "kind", 8, false);
	btf__add_enum64_value(b, "KIND_B", 1ull << 40 | 5);
	use(b);
	answers("enum_exists", 1);
	answers("enum_value", 1ull << 40 | 5);
	answers("enum_value_flavour", 1ull << 40 | 5);
}

/* An id is one of the types that the output has, however many inputs. */
static void t_rules_ids_follow_the_link(void **state)
{
	char file[] = "/tmp/kiln-core-XXXXXX";
	u64 id = 0;

	(void)state;
	asking.in[1] = asking.in[0];
	asking.in[0] = (struct kiln_input){.name = other};
	asking.n = 2;
	asking.target = NULL;
	if (!ask_kiln(&asking, "type_id_here", &id))
		fail_msg("%s", asking.log);
	int fd = mkstemp(file);
	assert_int_equal(write(fd, asking.out, asking.size), asking.size);
	struct btf *b = btf__parse(file, NULL);
	const struct btf_type *t = btf__type_by_id(b, (u32)id);
	assert_non_null(t);
	assert_string_equal(btf__name_by_offset(b, t->name_off), "s");
	assert_true(btf_is_struct(t));
	assert_int_equal(t->size, 48);
	btf__free(b);
	close(fd);
	unlink(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_rules_types_of_one_name_must_agree),
		cmocka_unit_test(t_rules_declaration_is_no_struct),
		cmocka_unit_test(t_rules_flavour_has_three_underscores),
		cmocka_unit_test(t_rules_elements_inside_their_array),
		cmocka_unit_test(t_rules_offset_too_large_for_a_load),
		cmocka_unit_test(t_rules_pointers_of_32_bits),
		cmocka_unit_test(t_rules_enumerators_of_64_bits),
		cmocka_unit_test(t_rules_ids_follow_the_link),
	};
	int fd = mkstemp(path);

	if (argc != 3 || fd < 0)
		return 2;
	close(fd);
	asking.in[0] = (struct kiln_input){.name = argv[1]};
	asking.n = 1;
	asking.target = path;
	other = argv[2];
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	ask_done(&asking);
	unlink(path);
	return failed;
}
