/* Ring buffers and perf event arrays: what producers and consumers see. */
#include <sys/epoll.h>

#include "kiln/context.h"
#include "rt_test.h"

enum { RING = 4096 };

static struct kiln_map *new_ring(void)
{
	return test_map((struct shape){KILN_MAP_TYPE_RINGBUF, 0, 0, RING, 1});
}

static char got[8][4096];
static size_t got_size[8];
static u32 n_got;

static int keep(void *ctx, void *data, size_t size)
{
	(void)ctx;
	assert_true(n_got < countof(got) && size <= sizeof(got[0]));
	memcpy(got[n_got], data, size);
	got_size[n_got++] = size;
	return 0;
}

static u64 reserve(struct kiln_map *m, u64 size)
{
	return kiln_helper_ringbuf_reserve((uintptr_t)m, size, 0, 0, 0);
}

static i64 output(struct kiln_map *m, const void *data, u64 size, u64 flags)
{
	return (i64)kiln_helper_ringbuf_output(
		(uintptr_t)m, (uintptr_t)data, size, flags, 0);
}

static u64 query(struct kiln_map *m, u64 what)
{
	return kiln_helper_ringbuf_query((uintptr_t)m, what, 0, 0, 0);
}

static void t_ring_keeps_order_and_size(void **state)
{
	struct kiln_map *m = new_ring();
	u64 a, b, c;

	(void)state;
	n_got = 0;
	a = reserve(m, 5);
	b = reserve(m, 8);
	c = reserve(m, 1);
	assert_true(a && b && c);
	memcpy(PTR(void, a), "first", 5);
	memcpy(PTR(void, b), "discard", 8);
	memcpy(PTR(void, c), "3", 1);
	/* later ones wait for the first */
	kiln_helper_ringbuf_submit(c, 0, 0, 0, 0);
	assert_int_equal(kiln_ring_consume(m, keep, NULL), 0);
	kiln_helper_ringbuf_discard(b, 0, 0, 0, 0);
	kiln_helper_ringbuf_submit(a, 0, 0, 0, 0);
	assert_int_equal(query(m, 0), 16 + 16 + 16); /* BPF_RB_AVAIL_DATA */
	assert_int_equal(kiln_ring_consume(m, keep, NULL), 2);
	assert_int_equal(got_size[0], 5);
	assert_memory_equal(got[0], "first", 5);
	assert_int_equal(got_size[1], 1);
	assert_int_equal(query(m, 0), 0);
	assert_int_equal(query(m, 1), RING);
	assert_int_equal(query(m, 2), 48);
	assert_int_equal(query(m, 3), 48);
	test_map_free(m);
}

/* A record as large as the ring at every place of it: in one piece. */
static void t_ring_records_go_over_its_end(void **state)
{
	struct kiln_map *m = new_ring();
	static char big[RING - 16];

	(void)state;
	for (u32 k = 0; k < sizeof(big); k++)
		big[k] = (char)(k * 7);
	for (u32 at = 0; at < 2 * RING; at += 1000) {
		n_got = 0;
		assert_int_equal(output(m, big, sizeof(big), 0), 0);
		assert_int_equal(kiln_ring_consume(m, keep, NULL), 1);
		assert_memory_equal(got[0], big, sizeof(big));
		assert_int_equal(output(m, big, 984, 0), 0);
		assert_int_equal(kiln_ring_consume(m, keep, NULL), 1);
	}
	test_map_free(m);
}

static void t_ring_refuses(void **state)
{
	struct kiln_map *m = new_ring();
	struct kiln_map *array =
		test_map((struct shape){KILN_MAP_TYPE_ARRAY, 4, 8, 1, 1});

	(void)state;
	assert_int_equal(reserve(m, RING - 8), 0); /* one byte stays free */
	assert_true(reserve(m, RING - 16));
	assert_int_equal(reserve(m, 1), 0);
	assert_int_equal(output(m, "x", 1, 0), -11);
	assert_int_equal(output(m, "x", 1, 4), -22);
	assert_int_equal(output(m, "x", (u64)-1, 0), -11);
	assert_int_equal(output(m, "x", (u64)-9, 0), -11);
	assert_int_equal(output(m, "x", 0x3fffffff, 0), -11);
	assert_int_equal(reserve(array, 8), 0);
	assert_int_equal(output(array, "x", 1, 0), -22);
	assert_int_equal(kiln_ring_consume(array, keep, NULL), -22);
	assert_int_equal(kiln_map_lookup(m, NULL, got[0]), -95);
	test_map_free(array);
	test_map_free(m);
}

static int stop_at_once(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return -77;
}

static void t_ring_buffer_wakes(void **state)
{
	enum { NO_WAKEUP = 1, FORCE_WAKEUP = 2 };
	struct kiln_map *m = new_ring(), *other = new_ring();
	struct kiln_ring_buffer *rb = kiln_ring_buffer_new(m, keep, NULL);
	struct epoll_event ev;

	(void)state;
	n_got = 0;
	assert_non_null(rb);
	assert_int_equal(kiln_ring_buffer_add(rb, other, keep, NULL), 0);
	/* nothing there: poll would wait */
	assert_int_equal(
		epoll_wait(kiln_ring_buffer_epoll_fd(rb), &ev, 1, 0), 0);
	output(m, "a", 1, NO_WAKEUP);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), 0);
	/* not at the consumer's place, so no wake-up but by force */
	output(m, "b", 1, 0);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), 0);
	output(m, "c", 1, FORCE_WAKEUP);
	assert_int_equal(
		epoll_wait(kiln_ring_buffer_epoll_fd(rb), &ev, 1, 0), 1);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), 3);
	output(other, "d", 1, 0);
	assert_int_equal(kiln_ring_buffer_poll(rb, -1), 1);
	assert_int_equal(n_got, 4);
	kiln_ring_buffer_free(rb);
	/* a callback's error comes out; what is behind it stays to be read */
	rb = kiln_ring_buffer_new(m, stop_at_once, NULL);
	output(m, "e", 1, 0);
	output(m, "f", 1, 0);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), -77);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), -77);
	assert_int_equal(kiln_ring_buffer_poll(rb, 0), 0);
	kiln_ring_buffer_free(rb);
	test_map_free(m);
	test_map_free(other);
}

/* ---- perf event arrays ----------------------------------------------------------- */

static struct kiln_map *new_perf(void)
{
	return test_map(
		(struct shape){KILN_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 64, 2});
}

static u64 n_lost;

static void keep_sample(void *ctx, int cpu, void *data, uint32_t size)
{
	(void)cpu;
	keep(ctx, data, size);
}

static void count_lost(void *ctx, int cpu, uint64_t n)
{
	(void)ctx, (void)cpu;
	n_lost += n;
}

#define CURRENT_CPU 0xffffffffull

static i64 perf(struct kiln_map *m, u64 flags, const void *data, u64 size)
{
	i64 r;

	kiln_scope_enter();
	r = (i64)kiln_helper_perf_event_output(
		0, (uintptr_t)m, flags, (uintptr_t)data, size);
	kiln_scope_leave();
	return r;
}

static int take(struct kiln_map *m)
{
	n_got = 0;
	return kiln_perf_consume(m, keep_sample, count_lost, NULL);
}

static void t_perf_samples(void **state)
{
	struct kiln_map *m = new_perf();

	(void)state;
	assert_int_equal(perf(m, CURRENT_CPU, "early", 5), -2); /* -ENOENT */
	assert_int_equal(take(m), 0);
	assert_int_equal(perf(m, CURRENT_CPU, "hello", 5), 0);
	assert_int_equal(perf(m, 1ull << 32 | CURRENT_CPU, "x", 1), -22);
	assert_int_equal(perf(m, 64, "x", 1), -7);
	assert_int_equal(perf(m, 63, "x", 1), -95); /* another CPU's */
	assert_int_equal(perf(m, CURRENT_CPU, "x", 0x10000), -7);
	assert_int_equal(perf(m, CURRENT_CPU, "x", (u64)-1), -7);
	assert_int_equal(take(m), 1);
	assert_int_equal(got_size[0], 5);
	assert_memory_equal(got[0], "hello", 5);
	test_map_free(m);
}

static void t_perf_appends_the_packet(void **state)
{
	struct kiln_map *m = new_perf();
	char packet[] = "packet";
	struct kiln_xdp_md md = {.data = packet, .data_end = packet + 6};
	struct kiln_sk_buff skb = {.data = packet, .data_end = packet + 6};
	u64 flags = CURRENT_CPU | 4ull << 32;

	(void)state;
	take(m);
	kiln_scope_enter();
	assert_int_equal(kiln_helper_xdp_event_output((uintptr_t)&md,
				 (uintptr_t)m, flags, (uintptr_t) "md:", 3),
		0);
	assert_int_equal(kiln_helper_skb_event_output((uintptr_t)&skb,
				 (uintptr_t)m, flags, (uintptr_t) "skb:", 4),
		0);
	flags = CURRENT_CPU | 7ull << 32;
	assert_int_equal((i64)kiln_helper_xdp_event_output((uintptr_t)&md,
				 (uintptr_t)m, flags, (uintptr_t) "md:", 3),
		-14);
	flags = CURRENT_CPU | 1ull << 52;
	assert_int_equal((i64)kiln_helper_skb_event_output((uintptr_t)&skb,
				 (uintptr_t)m, flags, (uintptr_t) "skb:", 4),
		-22);
	kiln_scope_leave();
	assert_int_equal(take(m), 2);
	assert_int_equal(got_size[0], 7);
	assert_memory_equal(got[0], "md:pack", 7);
	assert_memory_equal(got[1], "skb:pack", 8);
	test_map_free(m);
}

static void count(void *ctx, int cpu, void *data, uint32_t size)
{
	(void)cpu, (void)data, (void)size;
	++*(u64 *)ctx;
}

static void t_perf_counts_what_is_lost(void **state)
{
	static char data[1000];
	struct kiln_map *m = new_perf();
	u64 kept = 0, n = 0, full = 0;

	(void)state;
	take(m);
	n_lost = 0;
	for (n = 0; n < 100; n++)
		full += perf(m, CURRENT_CPU, data, sizeof(data)) == -28;
	kiln_perf_consume(m, count, count_lost, &kept);
	assert_int_equal(kept, 65);
	assert_int_equal(full, 35);
	assert_int_equal(n_lost, 35);
	kiln_perf_consume(m, count, count_lost, &kept);
	assert_int_equal(n_lost, 35);
	test_map_free(m);
}

static void t_perf_buffer_wakes(void **state)
{
	struct kiln_map *m = new_perf();
	u64 n = 0;
	struct kiln_perf_buffer *pb = kiln_perf_buffer_new(m, count, NULL, &n);

	(void)state;
	assert_non_null(pb);
	kiln_perf_buffer_poll(pb, 0);
	assert_int_equal(kiln_perf_buffer_poll(pb, 0), 0);
	assert_int_equal(perf(m, CURRENT_CPU, "x", 1), 0);
	assert_int_equal(kiln_perf_buffer_poll(pb, -1), 1);
	assert_int_equal(n, 1);
	kiln_perf_buffer_free(pb);
	test_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_ring_keeps_order_and_size),
		cmocka_unit_test(t_ring_records_go_over_its_end),
		cmocka_unit_test(t_ring_refuses),
		cmocka_unit_test(t_ring_buffer_wakes),
		cmocka_unit_test(t_perf_samples),
		cmocka_unit_test(t_perf_appends_the_packet),
		cmocka_unit_test(t_perf_counts_what_is_lost),
		cmocka_unit_test(t_perf_buffer_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
