/*
 * The same random operations on a map of maps of ours and on one of the
 * kernel. Values are numbers of a few inner maps, ours by address, theirs by
 * descriptor; some do not fit the template, one is none. Few operations: each
 * change waits for a grace period.
 */
#include <unistd.h>

#include "kernel.h"
#include "rt_test.h"

enum { INNERS = 6, NONE = 5, KEYS = 4, ENTRIES = 3, OPS = 150 };

static u64 rng = 88172645463325252;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 20) % n;
}

/* 0 and 1 fit a template like 0, 2 does if it is a hash; 3, 4 and NONE never. */
static const struct shape inners[INNERS - 1][2] = {
	{{1, 4, 8, 4, 1}, {2, 4, 8, 4, 1}},
	{{1, 4, 8, 4, 1}, {2, 4, 8, 4, 1}},
	{{1, 4, 8, 9, 1}, {2, 4, 8, 9, 1}},
	{{1, 4, 4, 4, 1}, {2, 4, 4, 4, 1}},
	{{9, 4, 8, 4, 1}, {1, 4, 8, 4, 1}},
};

struct pair {
	struct kiln_map *ours, *inner[INNERS];
	int theirs, fd[INNERS];
};

static void pair_init(struct pair *p, u32 type, bool arrays)
{
	union bpf_attr a = {.map_type = type,
		.key_size = 4,
		.value_size = 4,
		.max_entries = ENTRIES};

	for (u32 i = 0; i < NONE; i++) {
		struct shape s = inners[i][arrays];

		p->inner[i] = test_map(s);
		p->fd[i] = kernel_map(s.type, s.k, s.v, s.n, 0);
		assert_true(p->fd[i] >= 0);
	}
	p->inner[NONE] = NULL;
	p->fd[NONE] = 999;
	p->ours = test_map((struct shape){type, 4, 8, ENTRIES, 1});
	p->ours->inner = (uintptr_t)p->inner[0];
	a.inner_map_fd = (u32)p->fd[0];
	p->theirs = kernel_map_create(&a);
	assert_true(p->theirs >= 0);
}

static void pair_fini(struct pair *p)
{
	test_map_free(p->ours);
	close(p->theirs);
	for (u32 i = 0; i < NONE; i++) {
		test_map_free(p->inner[i]);
		close(p->fd[i]);
	}
}

static void same_value(const struct pair *p, u32 key)
{
	struct kiln_map *ours = NULL;
	u32 theirs = 0;
	int a = kiln_map_lookup(p->ours, &key, &ours);

	assert_int_equal(a, kernel_lookup(p->theirs, &key, &theirs));
	for (u32 i = 0; !a && i < NONE; i++)
		assert_int_equal(
			ours == p->inner[i], theirs == kernel_map_id(p->fd[i]));
	assert_ptr_equal(prog_lookup(p->ours, &key), ours);
}

static void one_op(struct pair *p)
{
	static const u64 flags[] = {0, 0, 0, 0, 1, 2, 3, 4};
	u32 key = rnd(KEYS), i = rnd(INNERS), next[2] = {0, 0};
	u64 f = flags[rnd(countof(flags))];

	if (rnd(3))
		assert_int_equal(
			kiln_map_update(p->ours, &key, &p->inner[i], f),
			kernel_update(p->theirs, &key, &p->fd[i], f));
	else
		assert_int_equal(kiln_map_delete(p->ours, &key),
			kernel_delete(p->theirs, &key));
	for (u32 k = 0; k < KEYS; k++)
		same_value(p, k);
	assert_int_equal(kiln_map_next_key(p->ours, NULL, &next[0]),
		kernel_next_key(p->theirs, NULL, &next[1]));
}

static void random_ops(u32 type, bool arrays)
{
	struct pair p;

	pair_init(&p, type, arrays);
	for (int i = 0; i < OPS; i++)
		one_op(&p);
	pair_fini(&p);
}

static void t_array_of_maps(void **state)
{
	(void)state;
	random_ops(BPF_MAP_TYPE_ARRAY_OF_MAPS, false);
	random_ops(BPF_MAP_TYPE_ARRAY_OF_MAPS, true);
}

static void t_hash_of_maps(void **state)
{
	(void)state;
	random_ops(BPF_MAP_TYPE_HASH_OF_MAPS, false);
	random_ops(BPF_MAP_TYPE_HASH_OF_MAPS, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_array_of_maps),
		cmocka_unit_test(t_hash_of_maps),
	};

	if (!kernel_is_there())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
