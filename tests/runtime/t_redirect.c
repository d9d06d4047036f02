/* Redirect helpers: the verdict, and where the context says the packet goes. */
#include "kiln/context.h"
#include "rt_test.h"

#define AT(r) (uintptr_t) & (r)

static void t_redirect_of_xdp(void **state)
{
	struct kiln_redirect r = {0};

	(void)state;
	assert_int_equal(kiln_helper_xdp_redirect(5, 1, AT(r), 0, 0), 0);
	assert_int_equal(r.kind, KILN_REDIRECT_NONE);
	assert_int_equal(kiln_helper_xdp_redirect(5, 0, AT(r), 0, 0), 4);
	assert_int_equal(r.kind, KILN_REDIRECT_IFINDEX);
	assert_int_equal(r.ifindex, 5);
}

static void t_redirect_of_tc(void **state)
{
	struct kiln_redirect r = {0};

	(void)state;
	assert_int_equal(kiln_helper_redirect(5, 2, AT(r), 0, 0), 2);
	assert_int_equal(r.kind, KILN_REDIRECT_NONE);
	assert_int_equal(kiln_helper_redirect(5, 1, AT(r), 0, 0), 7);
	assert_int_equal(r.kind, KILN_REDIRECT_IFINDEX);
	assert_int_equal(r.flags, 1);
	assert_int_equal(kiln_helper_redirect_peer(6, 1, AT(r), 0, 0), 2);
	assert_int_equal(kiln_helper_redirect_peer(6, 0, AT(r), 0, 0), 7);
	assert_int_equal(r.kind, KILN_REDIRECT_PEER);
	assert_int_equal(r.ifindex, 6);
}

static void t_redirect_neigh(void **state)
{
	struct kiln_redirect r = {0};
	u8 neigh[20] = {2, 0, 0, 0, 192, 0, 2, 1};

	(void)state;
	assert_int_equal(
		kiln_helper_redirect_neigh(7, AT(neigh), 19, 0, AT(r)), 2);
	assert_int_equal(
		kiln_helper_redirect_neigh(7, AT(neigh), 20, 1, AT(r)), 2);
	assert_int_equal(r.kind, KILN_REDIRECT_NONE);
	assert_int_equal(
		kiln_helper_redirect_neigh(7, AT(neigh), 20, 0, AT(r)), 7);
	assert_int_equal(r.kind, KILN_REDIRECT_NEIGH);
	assert_int_equal(r.neigh_size, 20);
	assert_memory_equal(r.neigh, neigh, 20);
	assert_int_equal(kiln_helper_redirect_neigh(7, 0, 0, 0, AT(r)), 7);
	assert_int_equal(r.neigh_size, 0);
}

/* An array stands in for the kinds of map that are targets. */
static void t_redirect_map(void **state)
{
	struct kiln_map *m =
		test_map((struct shape){KILN_MAP_TYPE_ARRAY, 4, 8, 3, 1});
	struct kiln_redirect r = {0};

	(void)state;
	assert_int_equal(
		kiln_helper_redirect_map((uintptr_t)m, 3, 2, AT(r), 0), 2);
	assert_int_equal(
		kiln_helper_redirect_map((uintptr_t)m, 2, 8, AT(r), 0), 0);
	assert_int_equal(r.kind, KILN_REDIRECT_NONE);
	assert_int_equal(
		kiln_helper_redirect_map((uintptr_t)m, 2, 2, AT(r), 0), 4);
	assert_int_equal(r.kind, KILN_REDIRECT_MAP);
	assert_ptr_equal(r.map, m);
	assert_int_equal(r.key, 2);
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_redirect_of_xdp),
		cmocka_unit_test(t_redirect_of_tc),
		cmocka_unit_test(t_redirect_neigh),
		cmocka_unit_test(t_redirect_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
