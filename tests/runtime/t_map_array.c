/* array and percpu_array, single-threaded. */
#include "rt_test.h"

static void t_array_errors_are_the_kernels(void **state)
{
	struct kiln_map *m = test_map((struct shape){2, 4, 8, 4, 64});
	u32 k = 4, next;
	u64 v = 1;

	(void)state;
	assert_int_equal(kiln_map_update(m, &k, &v, 0), -RT_E2BIG);
	assert_int_equal(kiln_map_update(m, &k, &v, 3), -RT_EINVAL);
	assert_int_equal(kiln_map_lookup(m, &k, &v), -RT_ENOENT);
	assert_int_equal(kiln_map_delete(m, &k), -RT_EINVAL);
	assert_null(prog_lookup(m, &k));
	k = 3;
	assert_int_equal(kiln_map_update(m, &k, &v, 1), -RT_EEXIST);
	assert_int_equal(kiln_map_update(m, &k, &v, 2), 0);
	assert_int_equal(kiln_map_delete(m, &k), -RT_EINVAL);
	assert_int_equal(kiln_map_next_key(m, &k, &next), -RT_ENOENT);
	k = 17;
	assert_int_equal(kiln_map_next_key(m, &k, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(count_keys(m), 4);
	test_map_free(m);
}

static void t_array_updates_in_place(void **state)
{
	struct kiln_map *m = test_map((struct shape){2, 4, 12, 4, 64});
	u32 k = 2, v[3] = {1, 2, 3}, out[3];
	u32 *p = prog_lookup(m, &k);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p[0] | p[1] | p[2], 0);
	assert_int_equal(prog_update(m, &k, v, 0), 0);
	assert_memory_equal(p, v, 12);
	p[1] = 99;
	assert_int_equal(kiln_map_lookup(m, &k, out), 0);
	assert_int_equal(out[1], 99);
	test_map_free(m);
}

static void t_array_takes_unaligned_buffers(void **state)
{
	struct kiln_map *m = test_map((struct shape){2, 4, 9, 2, 64});
	u8 buf[32] = {
		0, 1, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'};
	u8 out[11] = {0};

	(void)state;
	assert_int_equal(kiln_map_update(m, buf + 1, buf + 5, 0), 0);
	assert_int_equal(kiln_map_lookup(m, buf + 1, out + 1), 0);
	assert_memory_equal(out + 1, "abcdefghi", 9);
	assert_int_equal(out[10], 0);
	test_map_free(m);
}

static void t_percpu_array_slots(void **state)
{
	enum { CPUS = 5 };
	struct kiln_map *m = test_map((struct shape){6, 4, 4, 3, CPUS});
	u64 all[CPUS] = {0}, got[CPUS];
	u32 k = 1, *p, cpu;

	(void)state;
	assert_int_equal(kiln_map_value_bytes(m), sizeof(all));
	kiln_scope_enter();
	cpu = (u32)kiln_helper_get_smp_processor_id(0, 0, 0, 0, 0);
	assert_true(cpu < CPUS);
	p = prog_lookup(m, &k);
	assert_non_null(p);
	*p = 7;
	kiln_scope_leave();
	assert_int_equal(kiln_map_lookup(m, &k, got), 0);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(got[i], i == cpu ? 7 : 0);
	for (u32 i = 0; i < CPUS; i++)
		all[i] = 100 + i;
	assert_int_equal(kiln_map_update(m, &k, all, 0), 0);
	assert_int_equal(*p, 100 + cpu);
	assert_int_equal(kiln_map_lookup(m, &k, got), 0);
	assert_memory_equal(got, all, sizeof(all));
	k = 3;
	assert_int_equal(kiln_map_lookup(m, &k, got), -RT_ENOENT);
	assert_int_equal(kiln_map_update(m, &k, all, 0), -RT_E2BIG);
	assert_int_equal(kiln_map_update(m, &k, all, 4), -RT_EINVAL);
	test_map_free(m);
}

static void t_array_dynamic_storage_comes_with_the_first_use(void **state)
{
	struct kiln_map *m = test_map((struct shape){2, 4, 8, 4, 64});
	u64 *old = PTR(u64, m->values), *p;
	u32 k = 3;

	(void)state;
	m->values = m->values_size = 0;
	p = prog_lookup(m, &k);
	assert_non_null(p);
	assert_int_equal(*p, 0);
	assert_int_equal(m->values + 24, (uintptr_t)p);
	assert_int_equal(m->values_size, 32);
	m->values = (uintptr_t)old;
	test_map_free(m);
}

static void t_array_definition_that_lies_is_refused(void **state)
{
	struct kiln_map *m = test_map((struct shape){2, 4, 8, 4, 64});
	u32 k = 0;
	u64 v;

	(void)state;
	m->max_entries = 5; /* more than values_size holds */
	assert_int_equal(kiln_map_lookup(m, &k, &v), -RT_EINVAL);
	assert_null(prog_lookup(m, &k));
	m->max_entries = 0;
	assert_int_equal(kiln_map_lookup(m, &k, &v), -RT_EINVAL);
	m->ops = 0;
	assert_int_equal(kiln_map_lookup(m, &k, &v), -RT_ENOTSUP);
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_array_errors_are_the_kernels),
		cmocka_unit_test(t_array_updates_in_place),
		cmocka_unit_test(t_array_takes_unaligned_buffers),
		cmocka_unit_test(t_percpu_array_slots),
		cmocka_unit_test(
			t_array_dynamic_storage_comes_with_the_first_use),
		cmocka_unit_test(t_array_definition_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
