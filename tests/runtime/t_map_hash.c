/* hash and percpu_hash, single-threaded. */
#include "rt_test.h"

static void t_hash_errors_are_the_kernels(void **state)
{
	struct kiln_map *m = test_map((struct shape){1, 4, 8, 2, 64});
	u32 k = 1;
	u64 v = 1;

	(void)state;
	assert_int_equal(kiln_map_lookup(m, &k, &v), -RT_ENOENT);
	assert_int_equal(kiln_map_delete(m, &k), -RT_ENOENT);
	assert_int_equal(kiln_map_update(m, &k, &v, 2), -RT_ENOENT);
	assert_int_equal(kiln_map_update(m, &k, &v, 3), -RT_EINVAL);
	assert_int_equal(kiln_map_update(m, &k, &v, 1), 0);
	assert_int_equal(kiln_map_update(m, &k, &v, 1), -RT_EEXIST);
	k = 2;
	assert_int_equal(kiln_map_update(m, &k, &v, 0), 0);
	k = 3;
	assert_int_equal(kiln_map_update(m, &k, &v, 0), -RT_E2BIG);
	k = 2; /* a full map still takes new values of old keys */
	assert_int_equal(kiln_map_update(m, &k, &v, 0), 0);
	assert_int_equal(kiln_map_delete(m, &k), 0);
	k = 3;
	assert_int_equal(kiln_map_update(m, &k, &v, 0), 0);
	assert_int_equal(count_keys(m), 2);
	test_map_free(m);
}

/* The old value stays where it was, as with the kernel's preallocated maps. */
static void t_hash_update_replaces_the_element(void **state)
{
	struct kiln_map *m = test_map((struct shape){1, 4, 8, 4, 1});
	u32 k = 9;
	u64 v = 1, *p;

	(void)state;
	assert_int_equal(prog_update(m, &k, &v, 0), 0);
	p = prog_lookup(m, &k);
	v = 2;
	assert_int_equal(prog_update(m, &k, &v, 0), 0);
	assert_int_equal(*p, 1);
	assert_ptr_not_equal(p, prog_lookup(m, &k));
	assert_int_equal(*(u64 *)prog_lookup(m, &k), 2);
	test_map_free(m);
}

static void fill_and_empty(struct shape s)
{
	struct kiln_map *m = test_map(s);
	u8 key[64] = {0}, value[64] = {0}, out[64];

	for (int round = 0; round < 3; round++) {
		for (u32 i = 0; i < s.n; i++) {
			memset(value, (int)i, s.v);
			memcpy(key, &i, s.k < 4 ? s.k : 4);
			key[s.k - 1] ^= 0x5a;
			assert_int_equal(kiln_map_update(m, key, value, 1), 0);
		}
		assert_int_equal(count_keys(m), s.n);
		for (u32 i = 0; i < s.n; i++) {
			memcpy(key, &i, s.k < 4 ? s.k : 4);
			key[s.k - 1] ^= 0x5a;
			memset(value, (int)i, s.v);
			memset(out, 0xee, sizeof(out));
			assert_int_equal(kiln_map_lookup(m, key, out), 0);
			assert_memory_equal(out, value, s.v);
			assert_int_equal(out[s.v], 0xee);
			assert_int_equal(kiln_map_delete(m, key), 0);
		}
		assert_int_equal(count_keys(m), 0);
	}
	test_map_free(m);
}

static void t_hash_of_every_key_size(void **state)
{
	(void)state;
	for (u32 k = 1; k <= 40; k++)
		fill_and_empty((struct shape){1, k, 1 + k % 20, 100, 3});
	fill_and_empty((struct shape){9, 6, 3, 100, 3});
	fill_and_empty((struct shape){1, 4, 4, 1, 64});
}

static void t_hash_next_key_of_a_missing_key_is_the_first(void **state)
{
	struct kiln_map *m = test_map((struct shape){1, 4, 8, 50, 4});
	u32 first, next, k;
	u64 v = 0;

	(void)state;
	k = 7;
	/* a failed kiln_object_find_map(), or a missing buffer */
	assert_int_equal(kiln_map_lookup(NULL, &next, &next), -RT_EINVAL);
	assert_int_equal(kiln_map_lookup(m, NULL, &next), -RT_EINVAL);
	assert_int_equal(kiln_map_update(m, &next, NULL, 0), -RT_EINVAL);
	assert_int_equal(kiln_map_delete(m, NULL), -RT_EINVAL);
	assert_int_equal(kiln_map_next_key(m, NULL, NULL), -RT_EINVAL);
	assert_int_equal(kiln_map_next_key(m, NULL, &next), -RT_ENOENT);
	assert_int_equal(kiln_map_next_key(m, &k, &next), -RT_ENOENT);
	for (k = 0; k < 20; k++)
		assert_int_equal(kiln_map_update(m, &k, &v, 0), 0);
	assert_int_equal(kiln_map_next_key(m, NULL, &first), 0);
	k = 777;
	assert_int_equal(kiln_map_next_key(m, &k, &next), 0);
	assert_int_equal(first, next);
	test_map_free(m);
}

static void t_hash_seed_differs_unless_zero(void **state)
{
	struct kiln_map *m[3];
	u32 k;
	u64 v = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		m[i] = test_map((struct shape){1, 4, 8, 50, 4});
		m[i]->flags = i ? RT_F_ZERO_SEED : 0;
		k = 1;
		assert_int_equal(kiln_map_update(m[i], &k, &v, 0), 0);
	}
	assert_int_equal(m[1]->priv[2], m[2]->priv[2]);
	assert_int_not_equal(m[0]->priv[2], m[1]->priv[2]);
	for (int i = 0; i < 3; i++)
		test_map_free(m[i]);
}

static void t_percpu_hash_slots(void **state)
{
	enum { CPUS = 3 };
	struct kiln_map *m = test_map((struct shape){5, 4, 12, 4, CPUS});
	u64 all[CPUS][2], got[CPUS][2];
	u32 k = 5, v[3] = {1, 2, 3}, cpu;

	(void)state;
	kiln_scope_enter();
	cpu = kiln_port_cpu();
	assert_true(cpu < CPUS);
	assert_int_equal(prog_update(m, &k, v, 2), -RT_ENOENT);
	assert_int_equal(prog_update(m, &k, v, 0), 0);
	assert_int_equal(prog_update(m, &k, v, 1), -RT_EEXIST);
	assert_memory_equal(prog_lookup(m, &k), v, 12);
	kiln_scope_leave();
	assert_int_equal(kiln_map_lookup(m, &k, got), 0);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(got[i][0], i == cpu ? 0x200000001 : 0);
	memset(all, 0x77, sizeof(all));
	assert_int_equal(kiln_map_update(m, &k, all, 2), 0);
	assert_int_equal(kiln_map_delete(m, &k), 0);
	/* what a program inserts has zeros elsewhere, whoever was there */
	kiln_scope_enter();
	for (k = 0; k < 4; k++)
		assert_int_equal(prog_update(m, &k, v, 0), 0);
	assert_int_equal(prog_update(m, &k, v, 0), -RT_E2BIG);
	kiln_scope_leave();
	for (k = 0; k < 4; k++) {
		assert_int_equal(kiln_map_lookup(m, &k, got), 0);
		for (u32 i = 0; i < CPUS; i++)
			assert_int_equal(got[i][0], i == cpu ? 0x200000001 : 0);
	}
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_hash_errors_are_the_kernels),
		cmocka_unit_test(t_hash_update_replaces_the_element),
		cmocka_unit_test(t_hash_of_every_key_size),
		cmocka_unit_test(t_hash_next_key_of_a_missing_key_is_the_first),
		cmocka_unit_test(t_hash_seed_differs_unless_zero),
		cmocka_unit_test(t_percpu_hash_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
