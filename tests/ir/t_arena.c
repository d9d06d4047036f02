/* Arenas: what is released serves again, and nobody else sees it meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/support.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { BIG = 10 << 20 }; /* more than any chunk of its own accord */

static bool is_poisoned(const void *p)
{
#ifdef HAVE_ASAN
	return __asan_address_is_poisoned(p);
#else
	(void)p;
	return true;
#endif
}

static void t_release_gives_the_same_memory_again(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	for (size_t n = 16; n <= BIG; n *= 8) {
		struct arena_mark m = arena_mark(&a);
		void *p = arena_alloc(&a, n);

		arena_release(&a, m);
		assert_ptr_equal(arena_alloc(&a, n), p);
		arena_release(&a, m);
	}
	arena_fini(&a);
}

static void t_scratch_and_owner_share_what_they_release(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	struct arena *s = arena_scratch(&a);
	struct arena_mark m = arena_mark(s);
	void *p = arena_alloc(s, BIG);
	arena_release(s, m);
	assert_ptr_equal(arena_alloc(&a, BIG), p);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(s, BIG), p);
	arena_fini(&a);
}

static void t_two_arenas_share_what_they_release(void **state)
{
	struct arena a, b;

	(void)state;
	arena_init(&a, NULL, NULL);
	arena_init_with(&b, &a);
	void *p = arena_alloc(&b, BIG);
	arena_reset(&b);
	assert_ptr_equal(arena_alloc(&a, BIG), p);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(arena_scratch(&b), BIG), p);
	arena_fini(&b);
	arena_fini(&a);
}

/* A small need must not take the chunk that a large one waits for. */
static void t_the_smallest_spare_chunk_is_taken(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	void *small = arena_alloc(&a, 16);
	void *big = arena_alloc(&a, BIG);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 16), small);
	assert_ptr_equal(arena_alloc(&a, BIG), big);
	arena_fini(&a);
}

static void t_memory_that_served_before_is_zero_again(void **state)
{
	static const char zero[64];
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	memset(arena_alloc(&a, 64), 0xff, 64);
	arena_reset(&a);
	assert_memory_equal(arena_alloc(&a, 64), zero, 64);
	arena_fini(&a);
}

static void t_what_is_pushed_is_zero_though_its_room_was_used(void **state)
{
	vec(u64) v = {0};
	struct arena a;

	(void)state;
	arena_init(&a, NULL, NULL);
	for (u32 k = 0; k < 100; k++)
		*vec_push(&a, &v) = UINT64_MAX;
	v.n = 0;
	for (u32 k = 0; k < 200; k++)
		assert_int_equal(*vec_push(&a, &v), 0);
	arena_fini(&a);
}

static void t_released_memory_is_poisoned(void **state)
{
	struct arena a;

	(void)state;
#ifndef HAVE_ASAN
	skip();
#endif
	arena_init(&a, NULL, NULL);
	char *kept = arena_alloc(&a, 64);
	struct arena_mark m = arena_mark(&a);
	char *same_chunk = arena_alloc(&a, 64);
	char *own_chunk = arena_alloc(&a, BIG);
	assert_false(is_poisoned(same_chunk) || is_poisoned(own_chunk));
	arena_release(&a, m);
	assert_true(is_poisoned(same_chunk) && is_poisoned(own_chunk));
	assert_true(is_poisoned(own_chunk + BIG - 1));
	assert_false(is_poisoned(kept));
	arena_reset(&a);
	assert_true(is_poisoned(kept));
	arena_fini(&a);
}

static jmp_buf out_of_memory;

static void on_oom(void *ctx)
{
	++*(int *)ctx;
	longjmp(out_of_memory, 1);
}

static void t_what_no_machine_has_is_out_of_memory(void **state)
{
	static int calls;
	struct arena a;

	(void)state;
	arena_init(&a, on_oom, &calls);
	if (!setjmp(out_of_memory))
		arena_array(&a, u64, SIZE_MAX / 4);
	if (!setjmp(out_of_memory))
		arena_alloc(&a, SIZE_MAX - 8);
	assert_int_equal(calls, 2);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_release_gives_the_same_memory_again),
		cmocka_unit_test(t_scratch_and_owner_share_what_they_release),
		cmocka_unit_test(t_two_arenas_share_what_they_release),
		cmocka_unit_test(t_the_smallest_spare_chunk_is_taken),
		cmocka_unit_test(t_memory_that_served_before_is_zero_again),
		cmocka_unit_test(
			t_what_is_pushed_is_zero_though_its_room_was_used),
		cmocka_unit_test(t_released_memory_is_poisoned),
		cmocka_unit_test(t_what_no_machine_has_is_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
