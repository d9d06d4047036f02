/* The storage formula: sizes, overflow, and the numbers of map kinds. */
#include <linux/bpf.h>

#include "rt_test.h"

#define BPF_MAP_TYPE_CGRP_STORAGE 32 /* newer than Debian 12 */
#define MAP_KIND(type, name, ...)                                      \
	KILN_STATIC_ASSERT(                                            \
		(int)KILN_MAP_TYPE_##type == (int)BPF_MAP_TYPE_##type, \
		#type " as in uapi/linux/bpf.h");
#include "kiln/maps.def"
#undef MAP_KIND

static int bytes_of(u32 type, u32 k, u32 v, u32 n, u32 c, u64 *b)
{
	return kiln_map_storage(&(struct map_shape){type, k, v, n, c, 0}, b);
}

static void t_size_of_arrays(void **state)
{
	u64 b;

	(void)state;
	assert_int_equal(bytes_of(KILN_MAP_TYPE_ARRAY, 4, 5, 3, 64, &b), 0);
	assert_int_equal(b, 24);
	assert_int_equal(
		bytes_of(KILN_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 4, &b), 0);
	assert_int_equal(b, 4 * 64); /* slots share no line */
	assert_int_equal(
		bytes_of(KILN_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 1, &b), 0);
	assert_int_equal(b, 24); /* nobody to share with */
}

static void t_size_refuses_the_impossible(void **state)
{
	u64 b;

	(void)state;
	assert_int_equal(bytes_of(KILN_MAP_TYPE_ARRAY, 8, 8, 1, 1, &b), -22);
	assert_int_equal(bytes_of(KILN_MAP_TYPE_HASH, 0, 8, 1, 1, &b), -22);
	assert_int_equal(bytes_of(KILN_MAP_TYPE_HASH, 4, 0, 1, 1, &b), -22);
	assert_int_equal(bytes_of(KILN_MAP_TYPE_HASH, 4, 8, 1, 0, &b), -22);
	assert_int_equal(bytes_of(77, 4, 8, 1, 1, &b), -22);
	assert_int_equal(
		bytes_of(KILN_MAP_TYPE_HASH, 4, UINT32_MAX, 1, 1, &b), -22);
	assert_int_equal(
		bytes_of(KILN_MAP_TYPE_HASH, 4, 8, UINT32_MAX, 1, &b), -7);
	assert_int_equal(b, 0);
	assert_int_equal(bytes_of(KILN_MAP_TYPE_PERCPU_ARRAY, 4, 1u << 30,
				 1u << 30, 1u << 16, &b),
		-7);
	assert_int_equal(bytes_of(KILN_MAP_TYPE_PERCPU_HASH, 512, 1u << 30,
				 1u << 30, 1u << 16, &b),
		-7);
	assert_int_equal(
		bytes_of(KILN_MAP_TYPE_PERCPU_HASH, 513, 8, 1, 1, &b), -22);
}

static void t_size_of_entries_set_later_is_zero(void **state)
{
	u64 b = 1;

	(void)state;
	assert_int_equal(bytes_of(KILN_MAP_TYPE_HASH, 4, 8, 0, 64, &b), 0);
	assert_int_equal(b, 0);
}

static void t_size_layout_is_ordered(void **state)
{
	(void)state;
	for (u64 n = 1; n < 300; n += 7)
		for (u64 c = 1; c < 80; c += 13) {
			struct hash_layout l =
				map_hash_layout(5, 24, n, c, false);
			struct hash_layout p =
				map_hash_layout(5, 24, n, c, true);

			assert_true(l.stripes >= l.heads + 8 * l.buckets);
			assert_true(l.elems == l.stripes + 64 * l.n_stripes);
			assert_int_equal(
				l.bytes, l.elems + l.n_elems * (16 + 8 + 24));
			assert_int_equal(p.n_elems, n);
			assert_true(p.values >= p.elems + n * p.stride);
			assert_int_equal(p.bytes, p.values + c * p.cpu_stride);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_size_of_arrays),
		cmocka_unit_test(t_size_refuses_the_impossible),
		cmocka_unit_test(t_size_of_entries_set_later_is_zero),
		cmocka_unit_test(t_size_layout_is_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
