/* Reads files of conformance cases; case.h shows what they look like. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"

enum { TEXT = 1 << 16, VARS = 8, WORD = 1024 };

struct var {
	char name[16];
	char value[WORD];
};

struct reader {
	const char *path;
	u32 line;
	char name[64];
	char mem[2 * CASE_MEM + 64]; /* hex text, may hold variables */
	bool has_skb;
	bool raw;
	char body[TEXT]; /* assembly text of the current case */
	size_t body_size;
	u32 rows;
	void (*fn)(void *ctx, const struct conform_case *c);
	void *ctx;
};

static int complain(
	const struct reader *rd, const char *what, const char *detail)
{
	fprintf(stderr, "%s:%u: %s%s%s\n", rd->path, rd->line, what,
		detail ? ": " : "", detail ? detail : "");
	return -1;
}

/* The number of bytes, or -1. Spaces may separate bytes. */
static int parse_hex(const char *text, u8 *out, u32 room)
{
	u32 n = 0;

	while (*text) {
		if (isspace((u8)*text)) {
			text++;
			continue;
		}
		if (n == room || !isxdigit((u8)text[0]) ||
			!isxdigit((u8)text[1]))
			return -1;
		sscanf(text, "%2hhx", &out[n++]);
		text += 2;
	}
	return (int)n;
}

/* ---- rows --------------------------------------------------------------- */

static const char *find_var(
	const struct var *vars, u32 n, const char *name, size_t len)
{
	for (u32 k = 0; k < n; k++)
		if (strlen(vars[k].name) == len &&
			!memcmp(vars[k].name, name, len))
			return vars[k].value;
	return NULL;
}

/* in with $variables replaced. */
static int substitute(
	const char *in, const struct var *vars, u32 n, char *out, size_t size)
{
	size_t used = 0, len;
	const char *value;

	while (*in) {
		if (*in != '$') {
			if (used + 1 >= size)
				return -1;
			out[used++] = *in++;
			continue;
		}
		len = strspn(++in, "abcdefghijklmnopqrstuvwxyz0123456789_");
		value = find_var(vars, n, in, len);
		if (!value || used + strlen(value) >= size)
			return -1;
		memcpy(out + used, value, strlen(value));
		used += strlen(value);
		in += len;
	}
	out[used] = 0;
	return 0;
}

/* "a=1 b=2 " up to the arrow. */
static int parse_vars(const char *text, struct var vars[VARS], u32 *n)
{
	int used;

	for (*n = 0; *n < VARS; ++*n) {
		struct var *v = &vars[*n];

		text += strspn(text, " \t");
		if (!*text)
			return 0;
		if (sscanf(text, "%15[a-z0-9_]=%1023s%n", v->name, v->value,
			    &used) != 2)
			return -1;
		text += used;
	}
	return -1;
}

static int parse_result(const char *text, struct conform_case *c)
{
	char *end;
	bool negative;

	text += strspn(text, " \t");
	negative = *text == '-';
	c->r0 = strtoull(text + negative, &end, 0);
	if (end == text + negative)
		return -1;
	if (negative)
		c->r0 = 0 - c->r0;
	end += strspn(end, " \t");
	if (!*end)
		return 0;
	if (strncmp(end, "mem ", 4))
		return -1;
	c->has_after = true;
	return parse_hex(end + 4, c->after, CASE_MEM) == (int)c->mem_size ? 0
									  : -1;
}

static int fill_case(struct reader *rd, char *row, struct conform_case *c)
{
	static char text[TEXT], mem[2 * CASE_MEM + 64];
	char error[128];
	struct var vars[VARS];
	char *arrow = strstr(row, "->");
	int mem_size;
	u32 n;

	*arrow = 0;
	if (parse_vars(row, vars, &n))
		return complain(rd, "bad variables", row);
	if (substitute(rd->body, vars, n, text, sizeof(text)) ||
		substitute(rd->mem, vars, n, mem, sizeof(mem)))
		return complain(rd, "a variable has no value", NULL);
	mem_size = parse_hex(mem, c->mem, CASE_MEM);
	if (mem_size < 0)
		return complain(rd, "bad memory", mem);
	c->mem_size = (u32)mem_size;
	c->has_skb = rd->has_skb;
	c->raw = rd->raw;
	if (parse_result(arrow + 2, c))
		return complain(rd, "bad result", arrow + 2);
	snprintf(c->name, sizeof(c->name), "%s/%u", rd->name, ++rd->rows);
	if (asm_parse(text, &c->code, error, sizeof(error)))
		return complain(rd, c->name, error);
	return 0;
}

static int end_row(struct reader *rd, char *row)
{
	struct conform_case *c = calloc(1, sizeof(*c));
	int ret = -1;

	if (c && !(ret = fill_case(rd, row, c)))
		rd->fn(rd->ctx, c);
	if (c)
		asm_free(&c->code);
	free(c);
	return ret;
}

/* ---- lines -------------------------------------------------------------- */

static int begin_case(struct reader *rd, const char *text)
{
	size_t len = strcspn(text, ": \t");

	if (rd->name[0] && !rd->rows)
		return complain(rd, "no result before this", rd->name);
	if (!len || len >= sizeof(rd->name))
		return complain(rd, "bad name", text);
	memcpy(rd->name, text, len);
	rd->name[len] = 0;
	rd->mem[0] = 0;
	rd->has_skb = false;
	rd->raw = false;
	rd->body_size = 0;
	rd->body[0] = 0;
	rd->rows = 0;
	return 0;
}

static int add_body(struct reader *rd, const char *line)
{
	size_t len = strlen(line);

	if (rd->rows)
		return complain(rd, "code behind a result", line);
	if (rd->body_size + len + 2 > sizeof(rd->body))
		return complain(rd, "the case is too long", NULL);
	memcpy(rd->body + rd->body_size, line, len);
	rd->body_size += len;
	rd->body[rd->body_size++] = '\n';
	rd->body[rd->body_size] = 0;
	return 0;
}

static int text_line(struct reader *rd, char *line)
{
	line[strcspn(line, "#\n")] = 0;
	if (!strncmp(line, "case ", 5))
		return begin_case(rd, line + 5);
	if (!line[strspn(line, " \t")])
		return 0;
	if (!rd->name[0])
		return complain(rd, "outside a case", line);
	if (strstr(line, "->"))
		return end_row(rd, line);
	if (!strcmp(line, "raw")) {
		rd->raw = true;
		return 0;
	}
	if (!strncmp(line, "mem ", 4) || !strncmp(line, "skb ", 4)) {
		rd->has_skb = line[0] == 's';
		snprintf(rd->mem, sizeof(rd->mem), "%s", line + 4);
		return 0;
	}
	return add_body(rd, line);
}

static int fill_tsv(char *line, struct conform_case *c)
{
	char *field[4], *end;
	int n;

	for (n = 0; n < 4 && line; n++)
		field[n] = strsep(&line, "\t");
	if (n < 4 || line)
		return -1;
	snprintf(c->name, sizeof(c->name), "%s", field[0]);
	n = parse_hex(field[1], c->mem, CASE_MEM);
	if (n < 0)
		return -1;
	c->mem_size = (u32)n;
	c->r0 = strtoull(field[3], &end, 16);
	c->code.bytes = malloc(strlen(field[2]) / 2 + 1);
	if (!c->code.bytes || *end)
		return -1;
	n = parse_hex(field[2], c->code.bytes, (u32)strlen(field[2]) / 2);
	c->code.slots = (u32)n / 8;
	return n < 0 || n % 8 ? -1 : 0;
}

static int tsv_line(struct reader *rd, char *line)
{
	struct conform_case *c;
	int ret = -1;

	line[strcspn(line, "\n")] = 0;
	if (!*line || *line == '#')
		return 0;
	c = calloc(1, sizeof(*c));
	if (c && !(ret = fill_tsv(line, c)))
		rd->fn(rd->ctx, c);
	if (c)
		asm_free(&c->code);
	free(c);
	return ret ? complain(rd, "not four columns of hex", NULL) : 0;
}

int conform_read(const char *path,
	void (*fn)(void *ctx, const struct conform_case *c), void *ctx)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	size_t len = strlen(path), room = 0;
	bool tsv = len > 4 && !strcmp(path + len - 4, ".tsv");
	FILE *f = fopen(path, "r");
	char *line = NULL;
	int ret = 0;

	if (!rd || !f) {
		perror(path);
		ret = -1;
		goto out;
	}
	rd->path = path;
	rd->fn = fn;
	rd->ctx = ctx;
	while (!ret && getline(&line, &room, f) > 0) {
		rd->line++;
		ret = tsv ? tsv_line(rd, line) : text_line(rd, line);
	}
	if (!ret && rd->name[0] && !rd->rows)
		ret = complain(rd, "no result before the end", rd->name);
out:
	free(line);
	if (f)
		fclose(f);
	free(rd);
	return ret;
}
