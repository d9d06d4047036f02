/* bpf_for_each_map_elem and bpf_map_lookup_percpu_elem on every kind. */
#include "rt_test.h"

enum { N = 50 };

/* What the callback is told and what it saw. */
struct walk {
	u32 seen[N], stop_after, calls;
	struct kiln_map *map;
	void (*disturb)(struct walk *w, u32 key);
};

static u64 visit(u64 map, u64 key, u64 value, u64 ctx, u64 none)
{
	struct walk *w = PTR(struct walk, ctx);
	u32 k = *PTR(u32, key);

	assert_ptr_equal(PTR(void, map), w->map);
	assert_int_equal(none, 0);
	assert_true(k < N);
	assert_int_equal(*PTR(u64, value), 1000 + k);
	w->seen[k]++;
	if (w->disturb)
		w->disturb(w, k);
	return ++w->calls == w->stop_after;
}

static struct walk walk(
	u32 type, u32 stop_after, void (*disturb)(struct walk *w, u32 key))
{
	struct walk w = {.stop_after = stop_after, .disturb = disturb};
	i64 n;

	w.map = test_map((struct shape){type, 4, 8, N, 3});
	kiln_scope_enter();
	for (u32 k = 0; k < N; k++) {
		u64 v = 1000 + k;

		assert_int_equal(prog_update(w.map, &k, &v, 0), 0);
	}
	n = (i64)kiln_helper_for_each_map_elem(
		(uintptr_t)w.map, (uintptr_t)visit, (uintptr_t)&w, 0, 0);
	assert_int_equal(n, w.calls);
	assert_int_equal((i64)kiln_helper_for_each_map_elem((uintptr_t)w.map,
				 (uintptr_t)visit, (uintptr_t)&w, 1, 0),
		-RT_EINVAL);
	kiln_scope_leave();
	test_map_free(w.map);
	return w;
}

static const u32 kinds[] = {1, 2, 5, 6, 9, 10};

static void t_for_each_visits_all_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		struct walk w = walk(kinds[i], 0, NULL);

		for (u32 k = 0; k < N; k++)
			assert_int_equal(w.seen[k], 1);
	}
}

static void t_for_each_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(kinds); i++)
		assert_int_equal(walk(kinds[i], 7, NULL).calls, 7);
}

static void delete_this(struct walk *w, u32 key)
{
	assert_int_equal(prog_delete(w->map, &key), 0);
}

static void t_for_each_may_delete(void **state)
{
	(void)state;
	assert_int_equal(walk(1, 0, delete_this).calls, N);
	assert_int_equal(walk(5, 0, delete_this).calls, N);
	assert_int_equal(walk(9, 0, delete_this).calls, N);
	assert_int_equal(walk(10, 0, delete_this).calls, N);
}

static void update_this(struct walk *w, u32 key)
{
	u64 v = 1000 + key;

	assert_int_equal(prog_update(w->map, &key, &v, 0), 0);
}

static void t_for_each_may_update(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(kinds); i++)
		assert_int_equal(walk(kinds[i], 0, update_this).calls, N);
}

static void *of_cpu(struct kiln_map *m, u32 key, u64 cpu)
{
	return PTR(void, kiln_helper_map_lookup_percpu_elem(
				 (uintptr_t)m, (uintptr_t)&key, cpu, 0, 0));
}

static void t_lookup_percpu(void **state)
{
	u64 all[3] = {1, 2, 3};
	u32 key = 4;

	(void)state;
	for (u32 i = 0; i < 3; i++) {
		static const u32 percpu[] = {5, 6, 10};
		struct kiln_map *m = test_map((struct shape){
			.type = percpu[i], .k = 4, .v = 8, .n = N, .c = 3});

		assert_int_equal(kiln_map_update(m, &key, all, 0), 0);
		for (u32 cpu = 0; cpu < 3; cpu++)
			assert_int_equal(*(u64 *)of_cpu(m, key, cpu), 1 + cpu);
		assert_null(of_cpu(m, key, 3));
		assert_null(of_cpu(m, key, 1ull << 32));
		assert_null(of_cpu(m, 99, 0));
		test_map_free(m);
	}
	struct kiln_map *m = test_map((struct shape){2, 4, 8, N, 3});

	assert_null(of_cpu(m, 0, 0));
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_for_each_visits_all_once),
		cmocka_unit_test(t_for_each_stops),
		cmocka_unit_test(t_for_each_may_delete),
		cmocka_unit_test(t_for_each_may_update),
		cmocka_unit_test(t_lookup_percpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
