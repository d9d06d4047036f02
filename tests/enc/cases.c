/* Collects cases, and reports those that fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

struct cases cases;

enum { MAX_REPORTS = 20 };

void case_fail(const char *why, const char *text, const u8 *got, size_t len)
{
	if (cases.failed++ >= MAX_REPORTS)
		return;
	fprintf(stderr, "%s: %s:", text, why);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, " %02x", got[i]);
	fputc('\n', stderr);
}

static u32 text_add(const char *s)
{
	size_t n = strlen(s) + 1, at = cases.text_len;

	while (at + n > cases.text_cap) {
		cases.text_cap = cases.text_cap * 2 + 65536;
		cases.text = realloc(cases.text, cases.text_cap);
		if (!cases.text)
			abort();
	}
	memcpy(cases.text + at, s, n);
	cases.text_len += n;
	return (u32)at;
}

struct want *case_new(const char *text)
{
	u32 at = text_add(text);

	if (cases.n == cases.cap) {
		cases.cap = cases.cap * 2 + 4096;
		cases.v = realloc(cases.v, cases.cap * sizeof(*cases.v));
		if (!cases.v)
			abort();
	}
	cases.v[cases.n] = (struct want){.text = at};
	return &cases.v[cases.n++];
}

const char *case_text(const struct want *w)
{
	return cases.text + w->text;
}

void cases_fini(void)
{
	free(cases.text);
	free(cases.v);
	cases = (struct cases){0};
}
