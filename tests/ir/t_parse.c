/*
 * Reading text: each mistake is one line that names its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ir/ir.h"

struct seen {
	u32 n;
	char last[256];
};

static void keep(void *ctx, enum diag_level level, const char *line)
{
	struct seen *s = ctx;

	(void)level;
	s->n++;
	snprintf(s->last, sizeof(s->last), "%s", line);
}

static void refuse(const char *text, const char *want)
{
	struct arena a;
	struct seen seen = {0};
	struct diag d = {.fn = keep, .ctx = &seen};
	u32 n;

	arena_init(&a, NULL, NULL);
	assert_null(ir_parse(&a, "x.ir", text, &d, &n));
	assert_int_equal(seen.n, 1);
	if (!strstr(seen.last, want))
		fail_msg("got \"%s\", wanted \"%s\"", seen.last, want);
	arena_fini(&a);
}

static void t_parse_refuses(void **state)
{
	(void)state;
	refuse("fn f {\nb0:\n\tret v1\n}\n", "line 3: undefined value");
	refuse("fn f {\nb0:\n\tjmp b1\n}\n", "line 3: no such block");
	refuse("fn f {\nb0:\n\tjmp b0\n}\n", "line 3: the entry block has");
	refuse("fn f {\n}\n", "line 2: function without blocks");
	refuse("fn f {\nb0:\n\tv1 = foo 1\n}\n", "line 3: unknown operation");
	refuse("fn f {\nb0:\n\tret 1 2\n}\n", "line 3: end of line expected");
	refuse("fn f {\nb0:\n\tret 1w\n}\n", "TY_I64");
	refuse("fn f {\nb0:\n\tret p0\n}\n", "line 3: no such parameter");
	refuse("fn f {\nb0:\n\tret 1\nb0:\n\tret 2\n}\n", "defined twice");
	refuse("fn f {\nb0:\n\tv1 = load3.i64 ctx [0]\n\tret v1\n}\n",
		"line 3: unknown operation");
	refuse("fn f {\nb0:\n\tv1 = add.i64 1, 2\n}\n", "b0:");
	refuse("fn f {\nb0:\n\tret 1\n\tret 2\n}\n", "b0:");
	refuse("fn f {\nb0:\n\tv1 = add.i64 v2, 1\n\tv2 = add.i64 v1, 1\n"
	       "\tret v2\n}\n",
		"available");
	refuse("fn f frame=600 {\nb0:\n\tret 1\n}\n", "frame");
}

/* Cut anywhere, the text is refused or complete, and nothing crashes. */
static void t_parse_survives_truncation(void **state)
{
	static const char text[] =
		"fn f params=2 frame=16 escapes {\nb0:\n"
		"\tv1 = load4.i64 ctx [p0 + 8] sx fault !3\n"
		"\tv2 = call.i64 helper @x(@map+4, fp-8) reads a2=r:0:8\n"
		"\tv3 = cmpxchg8.i64 map [v2], v1, 0x10\n"
		"\tbr.ult v1, -5, b1, b2\nb1:\n\tjmp b2\n"
		"b2:\n\tv4 = phi.i64 [b0 v1], [b1 v3]\n\tret v4\n}\n";
	struct seen seen = {0};
	struct diag d = {.fn = keep, .ctx = &seen};

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct arena a;
		u32 n = 0;

		arena_init(&a, NULL, NULL);
		char *cut = arena_strndup(&a, text, len);
		struct fn **f = ir_parse(&a, "x.ir", cut, &d, &n);
		if (len >= sizeof(text) - 2)
			assert_true(f && n == 1);
		else if (len)
			assert_null(f);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_parse_refuses),
		cmocka_unit_test(t_parse_survives_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
