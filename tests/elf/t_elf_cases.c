/*
 * Runs the cases of this folder, one file each: what to damage in the object
 * of base.h, options, and every line that must be said.
 *
 *   # why
 *   ehdr FIELD VALUE                 e_FIELD
 *   section NAME FIELD VALUE         sh_FIELD, NAME or #NUMBER
 *   symbol NAME FIELD VALUE          st_FIELD, NAME or #NUMBER
 *   rel SECTION NUMBER FIELD VALUE   offset, sym or type
 *   u8|u32|u64 SECTION OFFSET VALUE  contents
 *   type ID OFFSET VALUE             a word of a BTF type
 *   cut SIZE                         the file ends there
 *   --set N=V, --map N=V, --type N=V
 *   use MAP                          a compiled program uses the map
 *   error TEXT, warning TEXT         as said, in this order; "ok": no error
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "read.h"

enum { MAX_OPTS = 8, MAX_TEXT = 1 << 14 };

struct field {
	const char *name;
	u32 off, size;
};

static const struct field ehdr_fields[] = {{"class", 4, 1}, {"data", 5, 1},
	{"magic", 0, 4}, {"ident_version", 6, 1}, {"type", 16, 2},
	{"machine", 18, 2}, {"shoff", 40, 8}, {"shentsize", 58, 2},
	{"shnum", 60, 2}, {"shstrndx", 62, 2}, {0}};
static const struct field shdr_fields[] = {{"name", 0, 4}, {"type", 4, 4},
	{"flags", 8, 8}, {"offset", 24, 8}, {"size", 32, 8}, {"link", 40, 4},
	{"info", 44, 4}, {"align", 48, 8}, {"entsize", 56, 8}, {0}};
static const struct field sym_fields[] = {{"name", 0, 4}, {"info", 4, 1},
	{"other", 5, 1}, {"shndx", 6, 2}, {"value", 8, 8}, {"size", 16, 8},
	{0}};
static const struct field rel_fields[] = {
	{"offset", 0, 8}, {"type", 8, 4}, {"sym", 12, 4}, {0}};

struct test {
	const char *file;
	u32 line;
	struct base b;
	struct kiln_name_value set[MAX_OPTS], map[MAX_OPTS], type[MAX_OPTS];
	u32 nset, nmap, ntype;
	char use[64];
	bool ok;
	char want[MAX_TEXT];
};

static _Noreturn void bad_case(const struct test *t, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", t->file, t->line, what);
	exit(2);
}

static u64 number(const struct test *t, const char *s)
{
	char *end;
	u64 v = strtoull(s, &end, 0);

	if (end == s || *end)
		bad_case(t, "wanted a number");
	return v;
}

static void poke(const struct test *t, u64 off, u64 v, u32 size)
{
	if (!range_inside(off, size, t->b.size))
		bad_case(t, "place outside the object");
	for (u32 i = 0; i < size; i++)
		t->b.bytes[off + i] = (u8)(v >> 8 * i);
}

static void poke_field(const struct test *t, u64 base,
	const struct field *fields, const char *name, const char *value)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name)) {
			poke(t, base + fields->off, number(t, value),
				fields->size);
			return;
		}
	bad_case(t, "no such field");
}

static u32 symbol(const struct test *t, const char *name)
{
	return *name == '#' ? (u32)number(t, name + 1) : base_sym(&t->b, name);
}

static u32 section(const struct test *t, const char *name)
{
	return *name == '#' ? (u32)number(t, name + 1) : base_sec(&t->b, name);
}

static u64 sec_off(const struct test *t, const char *name)
{
	return t->b.sec_off[base_sec(&t->b, name)];
}

static void add_option(
	const struct test *t, struct kiln_name_value *v, u32 *n, char *text)
{
	char *eq = strchr(text, '=');

	if (!eq || *n + 1 >= MAX_OPTS)
		bad_case(t, "wanted NAME=VALUE");
	*eq = 0;
	v[(*n)++] = (struct kiln_name_value){strdup(text), strdup(eq + 1)};
}

static void want(struct test *t, const char *level, const char *text)
{
	size_t n = strlen(t->want);

	snprintf(t->want + n, sizeof(t->want) - n, "%s %s\n", level, text);
}

static bool damage(struct test *t, char **w, u32 n)
{
	const char *k = w[0];

	if (!strcmp(k, "ehdr") && n == 3)
		poke_field(t, 0, ehdr_fields, w[1], w[2]);
	else if (!strcmp(k, "section") && n == 4)
		poke_field(t, t->b.shdrs + section(t, w[1]) * 64ull,
			shdr_fields, w[2], w[3]);
	else if (!strcmp(k, "symbol") && n == 4)
		poke_field(t, sec_off(t, ".symtab") + symbol(t, w[1]) * 24ull,
			sym_fields, w[2], w[3]);
	else if (!strcmp(k, "rel") && n == 5)
		poke_field(t, sec_off(t, w[1]) + number(t, w[2]) * 16,
			rel_fields, w[3], w[4]);
	else if (!strcmp(k, "type") && n == 4)
		poke(t,
			sec_off(t, ".BTF") +
				t->b.type_off[number(t, w[1]) % 64] +
				number(t, w[2]),
			number(t, w[3]), 4);
	else if ((!strcmp(k, "u8") || !strcmp(k, "u32") || !strcmp(k, "u64")) &&
		 n == 4)
		poke(t, sec_off(t, w[1]) + number(t, w[2]), number(t, w[3]),
			(u32)number(t, k + 1) / 8);
	else if (!strcmp(k, "cut") && n == 2)
		t->b.size = number(t, w[1]);
	else
		return false;
	return true;
}

static void statement(struct test *t, char *s)
{
	char copy[1024], *w[6];
	u32 n = 0;

	if (!strncmp(s, "error ", 6) || !strncmp(s, "warning ", 8)) {
		char *text = strchr(s, ' ');

		*text++ = 0;
		want(t, s, text);
		return;
	}
	snprintf(copy, sizeof(copy), "%s", s);
	for (char *p = strtok(copy, " "); p && n < countof(w);
		p = strtok(NULL, " "))
		w[n++] = p;
	if (!n)
		return;
	if (!strcmp(w[0], "ok"))
		t->ok = true;
	else if (!strcmp(w[0], "use") && n == 2)
		snprintf(t->use, sizeof(t->use), "%s", w[1]);
	else if (!strcmp(w[0], "--set") && n >= 2)
		add_option(t, t->set, &t->nset, s + 6);
	else if (!strcmp(w[0], "--map") && n == 2)
		add_option(t, t->map, &t->nmap, w[1]);
	else if (!strcmp(w[0], "--type") && n == 2)
		add_option(t, t->type, &t->ntype, w[1]);
	else if (!damage(t, w, n))
		bad_case(t, "unknown statement");
}

static void parse(struct test *t)
{
	FILE *f = fopen(t->file, "r");
	char line[1024];

	if (!f)
		bad_case(t, "cannot be read");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		t->line++;
		if (*line && *line != '#')
			statement(t, line);
	}
	fclose(f);
}

static int use_map(const struct test *t, struct reading *r)
{
	for (u32 i = 0; i < r->m.map.n; i++)
		if (!strcmp(r->m.map.v[i].name, t->use))
			return fe_map_check(&r->m, i);
	bad_case(t, "no such map to use");
}

static bool run(struct test *t)
{
	struct fe_opts opts = {
		.sets = t->set, .map_entries = t->map, .types = t->type};
	struct reading r;
	/* of its exact size, so that ASan sees reads behind it */
	u8 *bytes = malloc(t->b.size ? t->b.size : 1);

	if (!bytes)
		abort();
	memcpy(bytes, t->b.bytes, t->b.size);
	int err = read_bytes(&r, "base.o", bytes, t->b.size, &opts);
	if (!err && *t->use)
		err = use_map(t, &r);
	bool good = !strcmp(r.log, t->want) && !err == t->ok &&
		    !err == !r.diag.errors;
	if (!good)
		fprintf(stderr,
			"%s: stage %s, result %d\n--- wanted\n%s--- got\n%s",
			t->file, r.stage, err, t->want, r.log);
	read_done(&r);
	free(bytes);
	return good;
}

int main(int argc, char **argv)
{
	u32 failed = 0;

	for (int i = 1; i < argc; i++) {
		struct test *t = calloc(1, sizeof(*t));

		if (!t)
			abort();
		t->file = argv[i];
		base_make(&t->b);
		parse(t);
		failed += !run(t);
		base_free(&t->b);
		for (u32 k = 0; k < MAX_OPTS; k++) {
			free((char *)t->set[k].name);
			free((char *)t->set[k].value);
			free((char *)t->map[k].name);
			free((char *)t->map[k].value);
			free((char *)t->type[k].name);
			free((char *)t->type[k].value);
		}
		free(t);
	}
	printf("%d cases, %u failed\n", argc - 1, failed);
	return failed || argc < 2;
}
