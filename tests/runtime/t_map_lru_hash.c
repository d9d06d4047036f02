/* lru_hash, single-threaded: who goes and who stays. */
#include "rt_test.h"

static bool has(struct kiln_map *m, u32 k)
{
	u64 v;

	return !kiln_map_lookup(m, &k, &v);
}

static void put(struct kiln_map *m, u32 k)
{
	u64 v = k;

	assert_int_equal(prog_update(m, &k, &v, 0), 0);
}

static void t_lru_is_never_too_big(void **state)
{
	(void)state;
	for (u32 n = 1; n < 40; n += 3) {
		struct kiln_map *m = test_map((struct shape){9, 4, 8, n, 4});

		for (u32 k = 0; k < 10 * n; k++) {
			put(m, k);
			assert_true(has(m, k));
			assert_int_equal(count_keys(m), k < n ? k + 1 : n);
		}
		test_map_free(m);
	}
}

static void t_lru_keeps_what_programs_use(void **state)
{
	struct kiln_map *m = test_map((struct shape){9, 4, 8, 100, 4});

	(void)state;
	for (u32 k = 0; k < 100; k++)
		put(m, k);
	for (u32 k = 100; k < 1000; k++) {
		for (u32 hot = 0; hot < 10; hot++)
			assert_non_null(prog_lookup(m, &hot));
		put(m, k);
	}
	test_map_free(m);
}

static void t_lru_host_lookups_do_not_count(void **state)
{
	struct kiln_map *m = test_map((struct shape){9, 4, 8, 10, 1});

	(void)state;
	for (u32 k = 0; k < 10; k++)
		put(m, k);
	for (u32 k = 10; k < 20; k++) {
		has(m, 0);
		put(m, k);
	}
	assert_false(has(m, 0));
	test_map_free(m);
}

/* Everything in use: one goes nevertheless, after a bounded search. */
static void t_lru_all_in_use_still_makes_room(void **state)
{
	struct kiln_map *m = test_map((struct shape){9, 4, 8, 5000, 4});

	(void)state;
	for (u32 k = 0; k < 5000; k++)
		put(m, k);
	for (u32 k = 0; k < 5000; k++)
		assert_non_null(prog_lookup(m, &k));
	put(m, 5000);
	assert_true(has(m, 5000));
	assert_int_equal(count_keys(m), 5000);
	test_map_free(m);
}

static void t_lru_flags_are_the_hashs(void **state)
{
	struct kiln_map *m = test_map((struct shape){9, 4, 8, 2, 1});
	u32 k = 1;
	u64 v = 0;

	(void)state;
	assert_int_equal(prog_update(m, &k, &v, 2), -RT_ENOENT);
	assert_int_equal(prog_update(m, &k, &v, 1), 0);
	assert_int_equal(prog_update(m, &k, &v, 1), -RT_EEXIST);
	assert_int_equal(prog_update(m, &k, &v, 8), -RT_EINVAL);
	assert_int_equal(prog_delete(m, &k), 0);
	assert_int_equal(prog_delete(m, &k), -RT_ENOENT);
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_lru_is_never_too_big),
		cmocka_unit_test(t_lru_keeps_what_programs_use),
		cmocka_unit_test(t_lru_host_lookups_do_not_count),
		cmocka_unit_test(t_lru_all_in_use_still_makes_room),
		cmocka_unit_test(t_lru_flags_are_the_hashs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
