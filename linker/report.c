/*
 * What a command has to say, once, in two forms: tables for people, JSON for
 * programs. A report is made of fields and tables of rows; each cell is named
 * after its JSON key, and the text's columns are headed by the same names.
 *
 * Text waits until a table ends, so that its columns can be aligned; columns
 * that are empty in every row are left out, as are empty tables. Nothing is
 * printed before the whole report is made: of a damaged file nothing is.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linker/linker.h"

int rep_init(struct report *r, struct arena *a, const struct cli *o)
{
	*r = (struct report){.a = a, .is_json = o->json};
	r->out = open_memstream(&r->text, &r->size);
	if (!r->out)
		return -ENOMEM;
	json_init(&r->j, r->out, o->pretty);
	if (r->is_json)
		json_object(&r->j, NULL);
	return 0;
}

int rep_fini(struct report *r, int err)
{
	if (!err && r->is_json)
		json_end(&r->j);
	if (fclose(r->out))
		err = err ? err : -ENOMEM;
	if (!err && fwrite(r->text, 1, r->size, stdout) != r->size)
		err = -EIO;
	free(r->text);
	return err;
}

/* ---- tables ------------------------------------------------------------------ */

void rep_table(struct report *r, const char *name)
{
	r->table = name;
	r->ncol = 0;
	r->cell.n = 0;
	r->rows = 0;
	if (r->is_json)
		json_array(&r->j, name);
}

void rep_row(struct report *r)
{
	r->col = 0;
	r->rows++;
	if (r->is_json)
		json_object(&r->j, NULL);
}

void rep_end_row(struct report *r)
{
	if (r->is_json)
		json_end(&r->j);
	assert(r->is_json || r->col == r->ncol);
}

static u32 display_width(const char *s)
{
	u32 n = 0;

	/* continuation bytes of UTF-8 take no column */
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void measure(struct report *r)
{
	for (u32 c = 0; c < r->ncol; c++)
		r->width[c] = 0;
	for (u32 i = 0; i < r->cell.n; i++) {
		u32 n = display_width(r->cell.v[i]);
		u32 *w = &r->width[i % r->ncol];

		*w = n > *w ? n : *w;
	}
	for (u32 c = 0; c < r->ncol; c++) {
		u32 n = display_width(r->key[c]);

		if (r->width[c] && r->width[c] < n)
			r->width[c] = n;
	}
}

/* Nothing is padded behind the last cell that has text. */
static void put_cells(struct report *r, const char *const *cell, bool heading)
{
	u32 last = r->ncol;

	while (last && (!*cell[last - 1] || !r->width[last - 1]))
		last--;
	fputs(" ", r->out);
	for (u32 c = 0; c < last; c++) {
		u32 pad = r->width[c] - display_width(cell[c]);

		if (!r->width[c])
			continue;
		if (r->right[c])
			fprintf(r->out, " %*s", (int)pad, "");
		else
			putc(' ', r->out);
		for (const char *s = cell[c]; *s; s++)
			putc(heading ? *s == '_' ? ' ' : toupper(*s) : *s,
				r->out);
		if (!r->right[c] && c + 1 < last)
			fprintf(r->out, "%*s", (int)pad, "");
		if (c + 1 < last)
			putc(' ', r->out);
	}
	putc('\n', r->out);
}

void rep_end_table(struct report *r)
{
	const char *name = r->table;

	r->table = NULL;
	if (r->is_json) {
		json_end(&r->j);
		return;
	}
	if (!r->rows)
		return;
	measure(r);
	fprintf(r->out, "\n%s:\n", name);
	put_cells(r, r->key, true);
	for (u32 i = 0; i < r->rows; i++)
		put_cells(r, r->cell.v + (size_t)i * r->ncol, false);
}

/* ---- cells ------------------------------------------------------------------- */

static void put_cell(
	struct report *r, const char *key, const char *text, bool right)
{
	if (!r->table) {
		if (*text)
			fprintf(r->out, "%s: %s\n", key, text);
		return;
	}
	if (r->rows == 1) {
		assert(r->ncol < REPORT_COLS);
		r->right[r->ncol] = right;
		r->key[r->ncol++] = key;
	}
	assert(r->col < r->ncol && !strcmp(r->key[r->col], key));
	r->col++;
	*vec_push(r->a, &r->cell) = text;
}

void rep_string(struct report *r, const char *key, const char *s)
{
	if (r->is_json) {
		if (*s)
			json_string(&r->j, key, s);
		return;
	}
	put_cell(r, key, text_safe(r->a, s), false);
}

void rep_number(struct report *r, const char *key, u64 v)
{
	if (r->is_json) {
		json_number(&r->j, key, v);
		return;
	}
	put_cell(r, key, arena_printf(r->a, "%llu", (unsigned long long)v),
		true);
}

void rep_unknown(struct report *r, const char *key)
{
	if (!r->is_json)
		put_cell(r, key, "", true);
}

void rep_list(struct report *r, const char *key, const char *const *v, u32 n)
{
	const char *text = "";

	if (r->is_json) {
		json_array(&r->j, key);
		for (u32 i = 0; i < n; i++)
			json_string(&r->j, NULL, v[i]);
		json_end(&r->j);
		return;
	}
	for (u32 i = 0; i < n; i++)
		text = arena_printf(r->a, "%s%s%s", text, i ? " " : "",
			text_safe(r->a, v[i]));
	put_cell(r, key, text, false);
}
