/* What the runtime says of objects that are not to be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kiln/runtime.h"

static char kept[256];

static void keep(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	snprintf(kept, sizeof(kept), "%s", line);
}

static void t_log_control_bytes_are_shown_as_question_marks(void **state)
{
	static const char junk[] = "no object";
	const struct kiln_open_opts opts = {
		.sz = sizeof(opts), .name = "a\x1b[2Jb\nc\x7f"};

	(void)state;
	kiln_set_log(keep, NULL);
	assert_null(kiln_object_open_mem(junk, sizeof(junk), &opts));
	kiln_set_log(NULL, NULL);
	assert_memory_equal(kept, "a?[2Jb?c?: ", 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			t_log_control_bytes_are_shown_as_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
