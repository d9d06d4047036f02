/*
 * Options of the command line: one table, from which parsing and --help both
 * come.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "linker/linker.h"

enum opt_id {
	O_HELP = 256,
	O_TARGET,
	O_CPU,
	O_PROG,
	O_TYPE,
	O_BTF,
	O_KCONFIG,
	O_SET,
	O_MAP,
	O_MAP_STORAGE,
	O_MAX_CPUS,
	O_ENV,
	O_TAIL_CALLS,
	O_ENTRY_SITES,
	O_STRICT_ALIGN,
	O_PREFIX,
	O_EXPORT,
	O_ATTACH,
	O_STAGE,
	O_RAW,
	O_MEM,
	O_DATA_IN,
	O_DATA_OUT,
	O_CTX_IN,
	O_CTX_OUT,
	O_REPEAT,
	O_REGS,
};

struct opt_row {
	const char *name; /* NULL: short only */
	int id;		  /* a character, or enum opt_id */
	unsigned groups;  /* enum cli_group */
	const char *arg;  /* NULL: none */
	const char *help;
};

// clang-format off
static const struct opt_row rows[] = {
	{"output",       'o',            CLI_OUT,     "FILE",    "the file to write"},
	{"target",       O_TARGET,       CLI_COMPILE, "TARGET",  "x86_64 or aarch64; default: this host"},
	{"cpu",          O_CPU,          CLI_COMPILE, "CPU",     "baseline[+FEATURE...]"},
	{NULL,           'O',            CLI_COMPILE, "LEVEL",   "0, 1 or 2; default 2"},
	{"prog",         O_PROG,         CLI_COMPILE, "NAME",    "only this program (repeatable)"},
	{"type",         O_TYPE,         CLI_COMPILE, "SEC=TYPE", "program type of a section"},
	{"btf",          O_BTF,          CLI_COMPILE, "FILE",    "types of the target for CO-RE: BTF or ELF"},
	{"kconfig",      O_KCONFIG,      CLI_COMPILE, "FILE",    "kernel configuration for kconfig variables"},
	{"set",          O_SET,          CLI_COMPILE, "NAME=VALUE", "value of a const volatile variable"},
	{"map",          O_MAP,          CLI_COMPILE, "NAME=ENTRIES", "size of a map"},
	{"map-storage",  O_MAP_STORAGE,  CLI_COMPILE, "KIND",    "static or dynamic"},
	{"max-cpus",     O_MAX_CPUS,     CLI_COMPILE, "N",       "CPU slots of per-CPU maps; default 64"},
	{"env",          O_ENV,          CLI_COMPILE, "ENV",     "freestanding (default) or hosted"},
	{"tail-calls",   O_TAIL_CALLS,   CLI_COMPILE, "KIND",    "direct (default), slot or static"},
	{"entry-sites",  O_ENTRY_SITES,  CLI_COMPILE, NULL,      "programs can attach to the programs in it"},
	{"strict-align", O_STRICT_ALIGN, CLI_COMPILE, NULL,      "no unaligned accesses (arm64 without MMU)"},
	{"prefix",       O_PREFIX,       CLI_COMPILE, "PREFIX",  "put before exported names"},
	{"export",       O_EXPORT,       CLI_COMPILE, "LIST",    "export only these names, comma-separated"},
	{"attach",       O_ATTACH,       CLI_COMPILE, "PROG",    "attach this program at start (repeatable)"},
	{"regs",         O_REGS,         CLI_COMPILE, "MASK",    "allocate only these registers (for tests)"},
	{"raw",          O_RAW,          CLI_RUN,     NULL,      "bare BPF instructions in hex instead of FILE"},
	{"mem",          O_MEM,          CLI_RUN,     "HEX",     "memory for --raw: at r1, r2 bytes long"},
	{"data-in",      O_DATA_IN,      CLI_RUN,     "FILE",    "packet bytes; - is stdin"},
	{"data-out",     O_DATA_OUT,     CLI_RUN,     "FILE",    "write the packet afterwards"},
	{"ctx-in",       O_CTX_IN,       CLI_RUN,     "FILE",    "context, as in the kernel's UAPI"},
	{"ctx-out",      O_CTX_OUT,      CLI_RUN,     "FILE",    "write the context afterwards"},
	{"repeat",       O_REPEAT,       CLI_RUN,     "N",       "run N times"},
	{"stage",        O_STAGE,        CLI_DUMP,    "STAGE",   "elf, decode, flow, types, ir, opt, mir or unit"},
	{"json",         'j',            CLI_JSON,    NULL,      "JSON output"},
	{"pretty",       'p',            CLI_JSON,    NULL,      "JSON output, indented"},
	{"help",         O_HELP,         ~0u,         NULL,      "this text"},
};
// clang-format on

/* ---- values ---------------------------------------------------------------- */

static void grow_names(struct cli *o, const char *const **list, char *s)
{
	size_t n = 0;

	while (*list && (*list)[n])
		n++;
	const char **v = arena_array(&o->a, const char *, n + 2);
	if (n)
		memcpy(v, *list, n * sizeof(*v));
	v[n] = s;
	*list = v;
}

static int add_pair(struct cli *o, const struct kiln_name_value **list,
	const char *opt, const char *s)
{
	const char *eq = strchr(s, '=');
	size_t n = 0;

	if (!eq || eq == s || !eq[1]) {
		fprintf(stderr, "kiln %s: --%s %s: wanted NAME=VALUE\n", o->cmd,
			opt, s);
		return -EINVAL;
	}
	while (*list && (*list)[n].name)
		n++;
	struct kiln_name_value *v =
		arena_array(&o->a, struct kiln_name_value, n + 2);
	if (n)
		memcpy(v, *list, n * sizeof(*v));
	v[n].name = arena_strndup(&o->a, s, (size_t)(eq - s));
	v[n].value = eq + 1;
	*list = v;
	return 0;
}

/* A number of 1 to max; all options that count something want one. */
static int get_number(
	struct cli *o, const char *opt, const char *s, u64 max, u64 *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 0);
	if (errno || end == s || *end || strchr(s, '-') || !*v || *v > max) {
		fprintf(stderr,
			"kiln %s: --%s %s: wanted a number from 1 to %llu\n",
			o->cmd, opt, s, (unsigned long long)max);
		return -EINVAL;
	}
	return 0;
}

static int set_tail_calls(struct cli *o, const char *s)
{
	static const char *const word[] = {"direct", "slot", "static"};

	for (u32 k = 0; k < countof(word); k++)
		if (!strcmp(s, word[k])) {
			o->c.tail_calls = (enum kiln_tail_calls)k;
			return 0;
		}
	fprintf(stderr,
		"kiln %s: --tail-calls %s: wanted direct, slot or static\n",
		o->cmd, s);
	return -EINVAL;
}

/* One of two words: *v is whether it is the second. */
static int get_word(struct cli *o, const char *opt, const char *s,
	const char *no, const char *yes, bool *v)
{
	*v = !strcmp(s, yes);
	if (*v || !strcmp(s, no))
		return 0;
	fprintf(stderr, "kiln %s: --%s %s: wanted %s or %s\n", o->cmd, opt, s,
		no, yes);
	return -EINVAL;
}

static int set_level(struct cli *o, const char *s)
{
	if (strlen(s) != 1 || *s < '0' || *s > '2') {
		fprintf(stderr, "kiln %s: -O%s: wanted 0, 1 or 2\n", o->cmd, s);
		return -EINVAL;
	}
	o->c.opt = *s == '0' ? -1 : *s - '0';
	return 0;
}

static void set_exports(struct cli *o, char *list)
{
	char *save = NULL;

	for (char *s = strtok_r(list, ",", &save); s;
		s = strtok_r(NULL, ",", &save))
		grow_names(o, &o->c.exports, s);
}

static int set_option(struct cli *o, int id, char *s)
{
	u64 v = 0;
	int err = 0;

	switch (id) {
	case 'o': o->out = s; break;
	case 'O': err = set_level(o, s); break;
	case 'p': o->json = o->pretty = true; break;
	case 'j': o->json = true; break;
	case O_TARGET: o->c.target = s; break;
	case O_CPU: o->c.cpu = s; break;
	case O_PROG:
		grow_names(o, &o->c.progs, s);
		o->prog = s;
		break;
	case O_TYPE: err = add_pair(o, &o->c.types, "type", s); break;
	case O_BTF: o->c.btf = s; break;
	case O_KCONFIG: o->c.kconfig = s; break;
	case O_SET: err = add_pair(o, &o->c.sets, "set", s); break;
	case O_MAP: err = add_pair(o, &o->c.map_entries, "map", s); break;
	case O_MAP_STORAGE:
		err = get_word(o, "map-storage", s, "static", "dynamic",
			&o->c.map_storage_dynamic);
		break;
	case O_MAX_CPUS:
		err = get_number(o, "max-cpus", s, 4096, &v);
		o->c.max_cpus = (unsigned)v;
		break;
	case O_ENV:
		err = get_word(
			o, "env", s, "freestanding", "hosted", &o->c.hosted);
		break;
	case O_TAIL_CALLS: err = set_tail_calls(o, s); break;
	case O_ENTRY_SITES: o->c.entry_sites = true; break;
	case O_STRICT_ALIGN: o->c.strict_align = true; break;
	case O_PREFIX: o->c.prefix = s; break;
	case O_EXPORT: set_exports(o, s); break;
	case O_ATTACH: grow_names(o, &o->c.attach, s); break;
	case O_REGS:
		err = get_number(o, "regs", s, UINT64_MAX, &o->c.reg_mask);
		break;
	case O_RAW: o->c.raw = true; break;
	case O_MEM: o->mem = s; break;
	case O_DATA_IN: o->data_in = s; break;
	case O_DATA_OUT: o->data_out = s; break;
	case O_CTX_IN: o->ctx_in = s; break;
	case O_CTX_OUT: o->ctx_out = s; break;
	case O_REPEAT:
		err = get_number(o, "repeat", s, UINT32_MAX, &v);
		o->repeat = (u32)v;
		break;
	case O_STAGE: o->stage = s; break;
	default: err = -EINVAL;
	}
	return err;
}

/* ---- table -> getopt, table -> help --------------------------------------------- */

static void print_help(const struct cli *o, unsigned groups, const char *usage)
{
	printf("usage: kiln %s %s\n\n", o->cmd, usage);
	for (u32 i = 0; i < countof(rows); i++) {
		char left[64];
		const struct opt_row *r = &rows[i];

		if (!(r->groups & groups))
			continue;
		snprintf(left, sizeof(left), "%s%.1s%s%s%s%s%s",
			r->id < 256 ? "-" : "",
			r->id < 256 ? (const char[]){(char)r->id, 0} : "",
			r->id < 256 && r->name ? ", " : "", r->name ? "--" : "",
			r->name ? r->name : "", r->arg && r->name ? "=" : "",
			r->arg ? r->arg : "");
		printf("  %-28s %s\n", left, r->help);
	}
}

static void make_getopt(unsigned groups, struct option *lo, char *so)
{
	*so++ = ':'; /* missing arguments are ours to report */
	for (u32 i = 0; i < countof(rows); i++) {
		const struct opt_row *r = &rows[i];

		if (!(r->groups & groups))
			continue;
		if (r->id < 256) {
			*so++ = (char)r->id;
			if (r->arg)
				*so++ = ':';
		}
		if (r->name)
			*lo++ = (struct option){r->name,
				r->arg ? required_argument : no_argument, NULL,
				r->id};
	}
	*so = 0;
	*lo = (struct option){0};
}

/* c is getopt's answer: ':' or '?'; word is where it stopped. */
static int bad_option(const struct cli *o, int c, const char *word)
{
	const char letter[] = {'-', (char)optopt, 0};
	const char *what = c == ':' ? "argument missing"
			   : optopt ? "takes no argument"
				    : "no such option";

	/* of letters in one word, optopt is the wrong one */
	if (optopt && optopt < 256 && strncmp(word, "--", 2)) {
		word = letter;
		what = c == ':' ? what : "no such option";
	}
	fprintf(stderr, "kiln %s: %s: %s; kiln %s --help lists the options\n",
		o->cmd, word, what, o->cmd);
	return -EINVAL;
}

static void out_of_memory(void *ctx)
{
	(void)ctx;
	fputs("kiln: error: out of memory\n", stderr);
	exit(1);
}

int cli_parse(struct cli *o, int argc, char **argv, unsigned groups,
	const char *usage)
{
	struct option lo[countof(rows) + 1];
	char so[3 * countof(rows) + 2];
	int c;

	memset(o, 0, sizeof(*o));
	arena_init(&o->a, out_of_memory, NULL);
	o->cmd = argv[0];
	o->c.sz = sizeof(o->c);
	o->c.log = cli_log;
	o->repeat = 1;
	make_getopt(groups, lo, so);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, so, lo, NULL)) != -1) {
		if (c == O_HELP) {
			print_help(o, groups, usage);
			return 1;
		}
		if (c == '?' || c == ':')
			return bad_option(o, c, argv[optind - 1]);
		if (set_option(o, c, optarg))
			return -EINVAL;
	}
	o->arg = argv + optind;
	o->narg = argc - optind;
	return 0;
}

void cli_fini(struct cli *o)
{
	arena_fini(&o->a);
}

void cli_log(void *ctx, enum kiln_level level, const char *line)
{
	static const char *const word[] = {"error", "warning", "info"};

	(void)ctx;
	fprintf(stderr, "kiln: %s: %s\n", word[level], line);
}
