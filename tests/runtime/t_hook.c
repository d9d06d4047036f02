/* Hooks that nobody supplied: each returns what its row of helpers.def says and
 * zeroes what it would have filled, and nothing behind it. */
#include "rt_test.h"

static u8 mem[5][64];

static void fill(void)
{
	memset(mem, 0xa5, sizeof(mem));
}

/* Bytes from the start that are zero; the rest must be as it was. */
static u32 zeros(const u8 *p)
{
	u32 n = 0, i;

	while (n < 64 && !p[n])
		n++;
	for (i = n; i < 64; i++)
		assert_int_equal(p[i], 0xa5);
	return n;
}

#define AT(k) (uintptr_t) mem[k]

static void t_hook_results(void **state)
{
	(void)state;
	fill();
	assert_int_equal(kiln_helper_get_current_task(0, 0, 0, 0, 0), 0);
	assert_int_equal(kiln_helper_get_current_cgroup_id(0, 0, 0, 0, 0), 0);
	assert_int_equal((i64)kiln_helper_get_stackid(0, 0, 0, 0, 0), -14);
	assert_int_equal(kiln_helper_get_socket_uid(0, 0, 0, 0, 0), 65534);
	assert_int_equal(
		kiln_helper_fib_lookup(0, AT(0), 64, 0, 0), 4); /* NOT_FWDED */
	assert_int_equal(zeros(mem[0]), 0);
	assert_int_equal(kiln_helper_sk_lookup_tcp(0, AT(0), 12, 0, 0), 0);
	assert_int_equal((i64)kiln_helper_send_signal(9, 0, 0, 0, 0), -95);
}

static void t_hook_outputs_are_zeroed(void **state)
{
	(void)state;
	fill();
	assert_int_equal(
		(i64)kiln_helper_skb_get_tunnel_key(0, AT(0), 28, 0, 0), -22);
	assert_int_equal(
		(i64)kiln_helper_get_ns_current_pid_tgid(0, 0, AT(1), 8, 0),
		-22);
	assert_int_equal((i64)kiln_helper_get_stack(0, AT(2), 40, 0, 0), -14);
	assert_int_equal(zeros(mem[0]), 28);
	assert_int_equal(zeros(mem[1]), 8);
	assert_int_equal(zeros(mem[2]), 40);
}

/* A size that is none, or a pointer that is none, is not followed. */
static void t_hook_sizes_are_not_trusted(void **state)
{
	(void)state;
	fill();
	kiln_helper_get_stack(0, AT(0), (u64)-1, 0, 0);
	kiln_helper_get_stack(0, AT(0), 0x80000000, 0, 0);
	kiln_helper_get_stack(0, 0, 16, 0, 0);
	assert_int_equal(zeros(mem[0]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_hook_results),
		cmocka_unit_test(t_hook_outputs_are_zeroed),
		cmocka_unit_test(t_hook_sizes_are_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
