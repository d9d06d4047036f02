/*
 * Runs one IR test file:
 *
 *   ; WHY: one line or more, for the reader
 *   ; RUN: fold dce            passes, by their names in dumps; or O1, O2
 *   fn ...                     the input
 *   ; EXPECT:                  the rest of the file is the expected output,
 *   fn ...                     compared after renumbering, or
 *   ; SAME                     the output is the input (renumbered), and/or
 *   ; HAS: text                some line of the output contains the text
 *   ; LACKS: text              no line does
 *   ; COUNT n: text            n lines do
 *
 * Whatever the file says: text must survive printing and parsing, the checker
 * is run after each pass, and input and output are run on a few dozen inputs
 * and must do the same.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/target.h"
#include "tests/ir/eval.h"

enum { TRIALS = 64, STEPS = 2000 };

struct test {
	struct arena a;
	struct diag d;
	const char *file;
	const char *text;
	int failures;
};

static void complain(struct test *t, const char *fmt, ...) printf_like(2, 3);

static void complain(struct test *t, const char *fmt, ...)
{
	va_list ap;

	t->failures++;
	printf("%s: ", t->file);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void log_line(void *ctx, enum diag_level level, const char *line)
{
	(void)ctx;
	(void)level;
	printf("%s\n", line);
}

static char *read_file(struct arena *a, const char *name)
{
	FILE *in = fopen(name, "rb");
	struct buf b;

	if (!in)
		return NULL;
	buf_init(&b, a);
	for (int c; (c = getc(in)) != EOF;)
		buf_put(&b, &(char){(char)c}, 1);
	buf_put(&b, "", 1);
	fclose(in);
	return (char *)b.p;
}

/* ---- canonical text ------------------------------------------------------ */

static char *print_all(struct test *t, struct fn **f, u32 n)
{
	char *s = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&s, &size);

	if (!out)
		abort();
	for (u32 k = 0; k < n; k++)
		ir_print(out, f[k], NULL, NULL);
	fclose(out);
	char *copy = arena_strndup(&t->a, s, size);
	free(s);
	return copy;
}

static struct fn **parse(struct test *t, const char *text, u32 *n)
{
	struct fn **f = ir_parse(&t->a, t->file, text, &t->d, n);

	if (!f) {
		complain(t, "this text does not parse:\n%s", text);
		exit(1);
	}
	return f;
}

/* Renumbered: refs and blocks in order of appearance. */
static char *canonical(struct test *t, const char *text)
{
	u32 n;
	struct fn **f = parse(t, text, &n);
	char *once = print_all(t, f, n);

	f = parse(t, once, &n);
	char *twice = print_all(t, f, n);
	if (strcmp(once, twice))
		complain(t, "print and parse do not agree:\n%s\n%s", once,
			twice);
	return twice;
}

/* ---- running ------------------------------------------------------------- */

static void run_passes(struct test *t, struct fn *f, char *list)
{
	char *save;

	for (char *p = strtok_r(list, " ,", &save); p;
		p = strtok_r(NULL, " ,", &save)) {
		ir_pass_fn pass = ir_pass_find(p);
		char why[256];

		if (p[0] == 'O' && p[1] >= '0' && p[1] <= '2' && !p[2]) {
			struct cg cg = {.opt = (u8)(p[1] - '0')};

			ir_optimise(f, &cg, NULL, NULL);
		} else if (pass) {
			pass(f);
		} else {
			complain(t, "no pass %s", p);
		}
		if (!ir_verify(f, why, sizeof(why)))
			continue;
		ir_print(stdout, f, NULL, NULL);
		complain(t, "broken after %s: %s", p, why);
		exit(1);
	}
}

static void compare_runs(
	struct test *t, const struct fn *before, const struct fn *after)
{
	for (u32 k = 0; k < TRIALS; k++) {
		u64 params[8];
		struct eval_result a, b;

		eval_params(params, countof(params), k);
		eval_run(before, params, k, STEPS, &a);
		eval_run(after, params, k, STEPS, &b);
		if (eval_same(&a, &b))
			continue;
		ir_print(stdout, after, NULL, NULL);
		complain(t,
			"fn %s: trial %u: value %llx, wanted %llx; memory %s; "
			"trace %s",
			before->name, k, (unsigned long long)b.value,
			(unsigned long long)a.value,
			a.memory == b.memory ? "same" : "differs",
			a.trace == b.trace ? "same" : "differs");
		return;
	}
}

/* ---- expectations -------------------------------------------------------- */

static u32 count_lines(const char *text, const char *what)
{
	u32 n = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		n += memmem(text, len, what, strlen(what)) != NULL;
		text += len + (text[len] == '\n');
	}
	return n;
}

/* The rest of a "; KEY rest" line, or NULL. */
static const char *directive(const char *line, const char *key)
{
	if (strncmp(line, "; ", 2) || strncmp(line + 2, key, strlen(key)))
		return NULL;
	line += 2 + strlen(key);
	return line + strspn(line, " ");
}

static void check_line(struct test *t, char *line, const char *got,
	const char *input, int *wants)
{
	const char *s;

	if ((s = directive(line, "HAS:"))) {
		if (!count_lines(got, s))
			complain(t, "output lacks: %s", s);
	} else if ((s = directive(line, "LACKS:"))) {
		if (count_lines(got, s))
			complain(t, "output has: %s", s);
	} else if ((s = directive(line, "COUNT"))) {
		char *what;
		u32 n = (u32)strtoul(s, &what, 10);

		what += strspn(what, ": ");
		if (count_lines(got, what) != n)
			complain(t, "output has %u times, wanted %u: %s",
				count_lines(got, what), n, what);
	} else if (directive(line, "SAME")) {
		if (strcmp(got, canonical(t, input)))
			complain(t, "output is not the input");
	} else {
		return;
	}
	++*wants;
}

static void check_all(struct test *t, const char *got, const char *input)
{
	char *copy = arena_strndup(&t->a, t->text, strlen(t->text));
	char *save;
	const char *expect = strstr(t->text, "\n; EXPECT:");
	int wants = 0;

	for (char *l = strtok_r(copy, "\n", &save); l;
		l = strtok_r(NULL, "\n", &save)) {
		if (directive(l, "EXPECT:"))
			break;
		check_line(t, l, got, input, &wants);
	}
	if (expect) {
		const char *want = canonical(t, expect + 1);

		wants++;
		if (strcmp(want, got))
			complain(t, "wanted:\n%s", want);
	}
	if (!wants)
		complain(t, "the test expects nothing");
	if (t->failures)
		printf("got:\n%s", got);
}

int main(int argc, char **argv)
{
	struct test t = {.file = argc > 1 ? argv[1] : "", .d.fn = log_line};
	u32 n, nref;

	if (argc < 2) {
		fprintf(stderr, "usage: irtest FILE\n");
		return 2;
	}
	arena_init(&t.a, NULL, NULL);
	t.text = read_file(&t.a, t.file);
	if (!t.text) {
		fprintf(stderr, "irtest: cannot read %s\n", t.file);
		return 2;
	}
	const char *expect = strstr(t.text, "\n; EXPECT:");
	char *input = arena_strndup(&t.a, t.text,
		expect ? (size_t)(expect + 1 - t.text) : strlen(t.text));
	struct fn **f = parse(&t, input, &n);
	struct fn **reference = parse(&t, input, &nref);
	const char *run = strstr(t.text, "; RUN:");
	if (!run)
		complain(&t, "no RUN line");
	for (u32 k = 0; run && k < n; k++) {
		char *list =
			arena_strndup(&t.a, run + 6, strcspn(run + 6, "\n"));

		run_passes(&t, f[k], list);
		compare_runs(&t, reference[k], f[k]);
	}
	check_all(&t, canonical(&t, print_all(&t, f, n)), input);
	arena_fini(&t.a);
	return t.failures != 0;
}
