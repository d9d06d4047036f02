/*
 * JSON text, compact or indented as bpftool's -p, and text for terminals.
 *
 * Strings come from hostile files: what is not UTF-8 is replaced by U+FFFD in
 * JSON, control bytes never reach a terminal.
 */
#include <assert.h>
#include <string.h>

#include "linker/linker.h"

/* ---- strings --------------------------------------------------------------- */

/* Bytes of the well-formed UTF-8 sequence at s (Unicode 15 table 3-7), or 0.
 * Stops at the NUL: that is no continuation byte. */
static u32 utf8_length(const u8 *s)
{
	u32 n = *s < 0x80   ? 1
		: *s < 0xc2 ? 0
		: *s < 0xe0 ? 2
		: *s < 0xf0 ? 3
		: *s < 0xf5 ? 4
			    : 0;

	if (n < 2)
		return n;
	for (u32 i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, above U+10FFFF */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
		(*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void put_string(FILE *out, const char *text)
{
	const u8 *s = (const u8 *)text;

	putc('"', out);
	while (*s) {
		u32 n = utf8_length(s);

		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (n)
			fwrite(s, 1, n, out);
		else
			fputs("\\ufffd", out);
		s += n ? n : 1;
	}
	putc('"', out);
}

const char *text_safe(struct arena *a, const char *s)
{
	char *copy = arena_strndup(a, s, strlen(s));

	for (char *p = copy; *p; p++)
		if ((u8)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

/* ---- structure -------------------------------------------------------------- */

static void new_line(struct json *j)
{
	if (!j->pretty)
		return;
	putc('\n', j->out);
	for (u32 i = 0; i < j->depth; i++)
		fputs("    ", j->out);
}

/* What stands before a value: comma, line break, key. */
static void before(struct json *j, const char *key)
{
	if (!j->first)
		putc(',', j->out);
	if (j->depth)
		new_line(j);
	j->first = false;
	if (!key)
		return;
	put_string(j->out, key);
	fputs(j->pretty ? ": " : ":", j->out);
}

static void open_level(struct json *j, const char *key, bool array)
{
	before(j, key);
	assert(j->depth < JSON_DEPTH);
	j->array[j->depth++] = array;
	j->first = true;
	putc(array ? '[' : '{', j->out);
}

void json_init(struct json *j, FILE *out, bool pretty)
{
	*j = (struct json){.out = out, .pretty = pretty, .first = true};
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, false);
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, true);
}

void json_end(struct json *j)
{
	bool array = j->array[--j->depth];

	if (!j->first)
		new_line(j);
	putc(array ? ']' : '}', j->out);
	j->first = false;
	if (!j->depth)
		putc('\n', j->out);
}

/* ---- values ------------------------------------------------------------------ */

void json_string(struct json *j, const char *key, const char *s)
{
	before(j, key);
	put_string(j->out, s);
}

void json_number(struct json *j, const char *key, u64 v)
{
	before(j, key);
	fprintf(j->out, "%llu", (unsigned long long)v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	before(j, key);
	fputs(v ? "true" : "false", j->out);
}
