/*
 * Reads the words back with objdump and compares the text: Capstone 4 is too
 * old for LSE and others. Numbers are compared by value, spaces not at all.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64_case.h"

static int write_words(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	for (size_t i = 0; i < cases.n; i++)
		fwrite(cases.v[i].bytes, 4, 1, f);
	return fclose(f) ? -1 : 0;
}

/* ---- Comparing ---- */

/* A number or a place: "#-8", "0x10", ".+4". */
static bool take_number(const char **s, u64 here, u64 *v)
{
	const char *p = *s;
	char *end;

	p += *p == '#';
	if (*p == '.' && (p[1] == '+' || p[1] == '-')) {
		*v = here + (u64)strtoll(p + 1, &end, 0);
	} else {
		if (!isdigit((u8)*p) && !(*p == '-' && isdigit((u8)p[1])))
			return false;
		/* up to 2^64 - 1, and down to -2^63 */
		*v = *p == '-' ? (u64)strtoll(p, &end, 0)
			       : strtoull(p, &end, 0);
	}
	*s = end;
	return true;
}

static bool same_text(const char *a, const char *b, u64 here)
{
	bool word = false; /* inside a name: its digits are no number */

	for (;;) {
		u64 va, vb;

		if (isspace((u8)*a))
			word = false;
		a += strspn(a, " \t");
		b += strspn(b, " \t");
		if (!word && take_number(&a, here, &va)) {
			if (!take_number(&b, here, &vb) || va != vb)
				return false;
			continue;
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		word = isalnum((u8)*a);
		a++;
		b++;
	}
}

/* What objdump must say: what stands behind "//", else all. */
static const char *wanted_text(const struct want *w)
{
	const char *own = strstr(case_text(w), "//");

	return own ? own + 2 : case_text(w);
}

/* "     4c:\t8b020020 \tadd\tx0, x1, x2\t// comment" */
static void check_line(char *line, size_t *i)
{
	const struct want *w = &cases.v[*i];
	char *end, *text, why[160];
	u64 here = strtoull(line, &end, 16);

	if (end == line || *end != ':' || end[1] != '\t')
		return;
	text = strchr(end + 2, '\t');
	if (!text || *i >= cases.n || here != 4 * *i) {
		case_fail("objdump", line, NULL, 0);
		return;
	}
	text[strcspn(text, "\n")] = 0;
	if ((end = strstr(text, "//")) || (end = strchr(text, '<')))
		*end = 0;
	if (!same_text(wanted_text(w), text, here)) {
		snprintf(why, sizeof(why), "objdump reads%s", text);
		case_fail(why, case_text(w), w->bytes, 4);
	}
	++*i;
}

static int check_listing(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];
	size_t i = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		check_line(line, &i);
	fclose(f);
	if (i != cases.n)
		case_fail("objdump", "too few lines", NULL, 0);
	return 0;
}

int a64_disasm_check(const char *objdump, const char *dir)
{
	char words[PATH_MAX], listing[PATH_MAX];
	const char *const argv[] = {objdump, "-D", "-z", "-b", "binary", "-m",
		"aarch64", "-M", "no-aliases", words, NULL};

	snprintf(words, sizeof(words), "%s/enc-arm64.bin", dir);
	snprintf(listing, sizeof(listing), "%s/enc-arm64.txt", dir);
	if (write_words(words) || tool_run(argv, listing))
		return -1;
	return check_listing(listing);
}
