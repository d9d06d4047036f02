/*
 * Expected disassembly, with holes. A case is one IR function whose comments
 * say why it is there and what must come out; it names one target, x86 or
 * arm64:
 *
 *   ; x86: mov eax, dword ptr [rdi + *]     the next instruction (* is a hole)
 *   ; x86: ...                              any number of instructions
 *   ; x86! imul *                           no instruction looks like this
 *   ; opt: features=bmi2,movbe mask=0xc7    how to compile
 *   ; opt: strict-align
 *
 * Behind an instruction stand the relocation it holds and its fault row
 * ("fault elsewhere": it does not go on with the next instruction):
 *   call 5 ; plt far        mov rax, qword ptr [rdi] ; fault
 *
 * usage: t_code CASE.ir...     t_code -d CASE.ir  prints what comes out
 */
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "tests/code/native.h"

enum { LINES = 256, LEN = 256 };

struct lines {
	char v[LINES][LEN];
	u32 n;
};

/* ---- what comes out ----------------------------------------------------------- */

/* What a case can ask for. Relocation types: psABIs. */
static const struct kind {
	const struct target *target;
	const char *wanted, *never; /* how its comments begin */
	cs_arch arch;
	cs_mode mode;
	struct {
		u32 type;
		const char *name;
	} rel[9];
} kinds[] = {
	{&x86_target, "; x86: ", "; x86! ", CS_ARCH_X86, CS_MODE_64,
		{{4, "plt"}, {2, "pc"}, {42, "got"}}},
	{&a64_target, "; arm64: ", "; arm64! ", CS_ARCH_ARM64, CS_MODE_ARM,
		{{283, "call"}, {275, "page"}, {277, "lo12"}, {278, "lo12"},
			{284, "lo12"}, {285, "lo12"}, {286, "lo12"},
			{311, "got-page"}, {312, "got-lo12"}}},
};

static const char *rel_name(const struct kind *kind, u32 type)
{
	for (u32 k = 0; k < countof(kind->rel); k++)
		if (kind->rel[k].type == type)
			return kind->rel[k].name;
	return "?";
}

static struct sym syms[WORLD_SYMS];

/* The parser numbers symbols as they appear; their names say which they are. */
static bool name_syms(const char *text)
{
	u32 n = 0;

	for (const char *p = text; *p; p++) {
		if (*p == ';')
			p += strcspn(p, "\n");
		if (*p != '@')
			continue;
		size_t len = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz");
		const struct sym *s = native_sym(p + 1, len);
		u32 k = 0;

		while (s && k < n && syms[k].name != s->name)
			k++;
		if (!s || k == WORLD_SYMS)
			return false;
		syms[k] = *s;
		n = k == n ? n + 1 : n;
	}
	return true;
}

static void annotate(const struct kind *kind, char *line,
	const struct unit_fn *u, u32 from, u32 to)
{
	size_t n = strlen(line);

	for (u32 k = 0; k < u->rel.n; k++)
		if (u->rel.v[k].off >= from && u->rel.v[k].off < to)
			n += (size_t)snprintf(line + n, LEN - n, " ; %s %s",
				rel_name(kind, u->rel.v[k].type),
				syms[u->rel.v[k].sym].name);
	for (u32 k = 0; k < u->fault.n; k++)
		if (u->fault.v[k].insn == from)
			snprintf(line + n, LEN - n, " ; fault%s",
				u->fault.v[k].fixup == to ? "" : " elsewhere");
}

static void disassemble(
	const struct kind *kind, const struct unit_fn *u, struct lines *out)
{
	csh cs;
	cs_insn *insn;
	size_t n, end = 0;

	if (cs_open(kind->arch, kind->mode, &cs))
		abort();
	n = cs_disasm(cs, u->code.p, u->code.n, 0, 0, &insn);
	for (size_t k = 0; k < n && out->n < LINES; k++) {
		char *line = out->v[out->n++];

		snprintf(line, LEN, "%s%s%s", insn[k].mnemonic,
			*insn[k].op_str ? " " : "", insn[k].op_str);
		end = insn[k].address + insn[k].size;
		annotate(kind, line, u, (u32)insn[k].address, (u32)end);
	}
	if (end != u->code.n)
		snprintf(out->v[out->n++], LEN, "undecodable at %zu", end);
	cs_free(insn, n);
	cs_close(&cs);
}

/* ---- what should -------------------------------------------------------------- */

/* * matches any run of characters. */
static bool matches(const char *pattern, const char *s)
{
	const char *star = NULL, *back = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			back = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* The comments of the case that start with tag. */
static void read_lines(const char *text, const char *tag, struct lines *out)
{
	for (const char *p = strstr(text, tag); p; p = strstr(p, tag)) {
		size_t n;

		p += strlen(tag);
		p += strspn(p, " ");
		n = strcspn(p, "\n");
		if (out->n < LINES)
			snprintf(out->v[out->n++], LEN, "%.*s", (int)n, p);
	}
}

static bool is_gap(const char *pattern)
{
	return !strcmp(pattern, "...");
}

/* want[w..] against got[g..]; gaps try every length. */
static bool match_all(
	const struct lines *want, u32 w, const struct lines *got, u32 g)
{
	for (; w < want->n && !is_gap(want->v[w]); w++, g++)
		if (g == got->n || !matches(want->v[w], got->v[g]))
			return false;
	if (w == want->n)
		return g == got->n;
	for (; g <= got->n; g++)
		if (match_all(want, w + 1, got, g))
			return true;
	return false;
}

static bool none_forbidden(const struct lines *never, const struct lines *got)
{
	for (u32 n = 0; n < never->n; n++)
		for (u32 g = 0; g < got->n; g++)
			if (matches(never->v[n], got->v[g])) {
				printf("must not be there: %s\n", got->v[g]);
				return false;
			}
	return true;
}

/* ---- cases --------------------------------------------------------------------- */

static char *read_file(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	return text;
}

static const struct kind *kind_of(const char *text)
{
	for (u32 k = 1; k < countof(kinds); k++)
		if (strstr(text, kinds[k].wanted) ||
			strstr(text, kinds[k].never))
			return &kinds[k];
	return &kinds[0];
}

static struct native_opts read_opts(const struct target *t, const char *text)
{
	struct native_opts o = {.target = t};
	const char *p = strstr(text, "; opt:");

	if (!p)
		return o;
	const char *end = p + strcspn(p, "\n"), *q;

	for (u32 k = 0; t->feature_names[k]; k++) {
		q = strstr(p, t->feature_names[k]);
		if (q && q < end)
			o.features |= 1ull << k;
	}
	q = strstr(p, "strict-align");
	o.strict_align = q && q < end;
	q = strstr(p, "mask=");
	if (q && q < end)
		o.mask = strtoull(q + 5, NULL, 0);
	return o;
}

static struct fn *parse(struct arena *a, const char *path, const char *text)
{
	struct diag d = {0};
	u32 n = 0;
	struct fn **f = ir_parse(a, path, text, &d, &n);

	return f && n == 1 ? f[0] : NULL;
}

static bool run_case(const char *path, bool dump)
{
	static struct lines want, never, got;
	const char *text = read_file(path);
	struct native_opts o;
	struct unit_fn u;
	struct arena a;
	struct fn *f;
	bool ok;

	want.n = never.n = got.n = 0;
	if (!text)
		return false;
	const struct kind *kind = kind_of(text);

	read_lines(text, kind->wanted, &want);
	read_lines(text, kind->never, &never);
	o = read_opts(kind->target, text);
	o.dump = dump ? stdout : NULL;
	o.syms = syms;
	if (!name_syms(text)) {
		printf("%s: symbols are data, near, fardata, far\n", path);
		return false;
	}
	arena_init(&a, NULL, NULL);
	f = parse(&a, path, text);
	if (!f) {
		printf("%s: does not parse as one function\n", path);
		return false;
	}
	native_compile(f, &o, &a, &u);
	disassemble(kind, &u, &got);
	arena_fini(&a);
	ok = want.n + never.n && (!want.n || match_all(&want, 0, &got, 0)) &&
	     none_forbidden(&never, &got);
	if (!ok)
		printf("%s: differs; got\n", path);
	for (u32 k = 0; k < got.n && (!ok || dump); k++)
		printf("%s%s\n", kind->wanted, got.v[k]);
	return ok;
}

int main(int argc, char **argv)
{
	bool dump = argc > 1 && !strcmp(argv[1], "-d"), ok = argc > 1;

	for (int k = 1 + dump; k < argc; k++)
		ok &= run_case(argv[k], dump);
	return !ok;
}
