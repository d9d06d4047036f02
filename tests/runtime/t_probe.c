/* Reads of memory that may not be there: whole or not at all, and no fault. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "rt_test.h"

enum { PAGE = 4096 };

/* A page, and behind it none. */
static char *page;

/* kiln's handler, which cmocka takes away before each test. */
static struct sigaction handler;

static int restore(void **state)
{
	(void)state;
	return sigaction(SIGSEGV, &handler, NULL) |
	       sigaction(SIGBUS, &handler, NULL);
}

static int open_page(void **state)
{
	(void)state;
	kiln_faults_enable();
	if (sigaction(SIGSEGV, NULL, &handler))
		return -1;
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED || munmap(page + PAGE, PAGE);
}

static i64 probe(void *dst, u64 size, const void *src)
{
	return (i64)kiln_helper_probe_read_kernel(
		(uintptr_t)dst, size, (uintptr_t)src, 0, 0);
}

static i64 probe_str(void *dst, u64 size, const void *src)
{
	return (i64)kiln_helper_probe_read_user_str(
		(uintptr_t)dst, size, (uintptr_t)src, 0, 0);
}

static void t_probe_whole_or_zero(void **state)
{
	char out[17] = "";

	restore(state);
	memcpy(page + PAGE - 8, "ABCDEFGH", 8);
	errno = 4711;
	assert_int_equal(probe(out, 8, page + PAGE - 8), 0);
	assert_string_equal(out, "ABCDEFGH");
	/* the last byte is missing */
	memset(out, 'x', 16);
	assert_int_equal(probe(out, 9, page + PAGE - 8), -14);
	assert_memory_equal(out, "\0\0\0\0\0\0\0\0\0xxxxxxx", 16);
	memset(out, 'x', 16);
	assert_int_equal(probe(out, 4, NULL), -14);
	assert_int_equal(probe(out + 4, 4, PTR(void, ~0ull << 60)), -14);
	assert_memory_equal(out, "\0\0\0\0\0\0\0\0xxxxxxxx", 16);
	assert_int_equal(probe(out, 0, NULL), 0);
	assert_int_equal(errno, 4711);
}

/* No number that a program makes is followed. */
static void t_probe_sizes_are_not_trusted(void **state)
{
	char out[8] = "kept";

	restore(state);
	assert_int_equal(probe(out, 0x80000000, page), -14);
	assert_int_equal(probe(out, (u64)-1, page), -14);
	assert_int_equal(probe_str(out, (u64)-1, page), -14);
	assert_string_equal(out, "kept");
}

static void t_probe_str(void **state)
{
	char out[1000];

	restore(state);
	memset(out, 'x', sizeof(out));
	memcpy(page + PAGE - 6, "hello", 6);
	/* its NUL is the last byte there is; what is behind it stays */
	assert_int_equal(probe_str(out, 100, page + PAGE - 6), 6);
	assert_memory_equal(out, "hello\0xx", 8);
	assert_int_equal(probe_str(out, 3, page + PAGE - 6), 3);
	assert_memory_equal(out, "he\0", 3);
	assert_int_equal(probe_str(out, 1, page + PAGE - 6), 1);
	assert_int_equal(out[0], 0);
	assert_int_equal(probe_str(out, 0, page), 0);
	/* no NUL before the end of what is there */
	memset(page + PAGE - 600, 'y', 600);
	memset(out, 'x', sizeof(out));
	/* as the kernel, which reads the byte that it puts the NUL over */
	assert_int_equal(probe_str(out, 600, page + PAGE - 600), 600);
	assert_int_equal(probe_str(out, 601, page + PAGE - 600), -14);
	memset(out, 'x', sizeof(out));
	assert_int_equal(probe_str(out, 700, page + PAGE - 600), -14);
	for (u32 k = 0; k < 700; k++)
		assert_int_equal(out[k], 0);
	assert_int_equal(out[700], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_probe_whole_or_zero),
		cmocka_unit_test(t_probe_sizes_are_not_trusted),
		cmocka_unit_test(t_probe_str),
	};

	return cmocka_run_group_tests(tests, open_page, NULL);
}
