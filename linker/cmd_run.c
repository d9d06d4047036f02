/*
 * kiln run: runs a program of a BPF or native object through the runtime, as
 * `bpftool prog run` does in the kernel; with --raw, bare BPF instructions.
 *
 * A BPF object is compiled in memory first. Either way the native object goes
 * through kiln_object_open_mem() and _load(), and nothing else. What a program
 * gets as its context is made by run_ctx.c.
 */
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kiln/bytes.h"
#include "kiln/runtime.h"
#include "linker/linker.h"

/* ---- input ------------------------------------------------------------------ */

static int complain(const char *name, const char *what)
{
	fprintf(stderr, "kiln: error: %s: %s\n", name, what);
	return -EINVAL;
}

enum { MAX_INPUT = 1 << 28 }; /* bytes; devices have no end */

static int read_stream(struct cli *o, FILE *f, struct blob *b)
{
	struct buf buf;
	size_t got;

	buf_init(&buf, &o->a);
	do {
		got = fread(buf_room(&buf, 65536), 1, 65536, f);
		buf.n += got;
		if (buf.n > MAX_INPUT)
			return -EFBIG;
	} while (got);
	*b = (struct blob){buf.p, buf.n};
	return ferror(f) ? -EIO : 0;
}

static int read_file(struct cli *o, const char *name, struct blob *b)
{
	bool is_stdin = !strcmp(name, "-");
	FILE *f = is_stdin ? stdin : fopen(name, "rbe");

	if (!f)
		return complain(name, strerror(errno));
	int err = read_stream(o, f, b);
	if (!is_stdin)
		fclose(f);
	if (err == -EFBIG)
		return complain(name, "larger than 256 MiB");
	return err ? complain(name, "read error") : 0;
}

static int write_file(const char *name, const void *p, size_t n)
{
	bool is_stdout = !strcmp(name, "-");
	FILE *f = is_stdout ? stdout : fopen(name, "wbe");

	if (!f)
		return complain(name, strerror(errno));
	bool bad = fwrite(p, 1, n, f) != n;
	bad |= is_stdout ? fflush(f) != 0 : fclose(f) != 0;
	return bad ? complain(name, "write error") : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int parse_hex(struct cli *o, const char *what, const char *s, size_t n,
	struct blob *b)
{
	b->p = arena_alloc(&o->a, n / 2 + 1);
	b->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_space(s[i]))
			continue;
		int hi = hex_digit(s[i]);
		int lo = i + 1 < n ? hex_digit(s[i + 1]) : -1;

		if (hi < 0 || lo < 0)
			return complain(what, "wanted pairs of hex digits");
		b->p[b->n++] = (u8)(hi << 4 | lo);
		i++;
	}
	return 0;
}

/* ---- object -------------------------------------------------------------------- */

static bool is_bpf(const struct blob *b)
{
	if (b->n < sizeof(Elf64_Ehdr))
		return true; /* let the compiler say what is wrong */
	u16 machine = get_le16(b->p + offsetof(Elf64_Ehdr, e_machine));

	return machine == EM_BPF || machine == EM_NONE ||
	       memcmp(b->p, ELFMAG, SELFMAG);
}

typedef vec(struct kiln_symbol) symbols;

/* Functions that its programs attach to are not here, and nobody attaches. */
static void absent(void)
{
}

static void add_absent(struct cli *o, symbols *v, Elf *e)
{
	const size_t n = strlen(KILN_HOOK_PREFIX);
	Elf_Scn *scn = NULL;
	GElf_Shdr h;
	GElf_Sym y;

	while ((scn = elf_nextscn(e, scn)) && gelf_getshdr(scn, &h)) {
		Elf_Data *d =
			h.sh_type == SHT_SYMTAB ? elf_getdata(scn, NULL) : NULL;

		for (int i = 0; d && gelf_getsym(d, i, &y); i++) {
			const char *s = elf_strptr(e, h.sh_link, y.st_name);

			if (s && !strncmp(s, KILN_HOOK_PREFIX, n))
				*vec_push(&o->a, v) = (struct kiln_symbol){
					arena_strndup(
						&o->a, s + n, strlen(s + n)),
					(void *)absent};
		}
	}
	vec_push(&o->a, v);
}

static struct kiln_object *open_native(
	struct cli *o, const char *name, const void *p, size_t size)
{
	struct kiln_open_opts opts = {.sz = sizeof(opts), .name = name};
	symbols v = {0};
	Elf *e;

	elf_version(EV_CURRENT);
	e = elf_memory((char *)(uintptr_t)p, size);
	if (e)
		add_absent(o, &v, e);
	elf_end(e);
	opts.symbols = v.v;
	return kiln_object_open_mem(p, size, &opts);
}

static struct kiln_object *open_object(
	struct cli *o, const char *name, const struct blob *b)
{
	const struct kiln_input in = {name, b->p, b->n};
	struct kiln_object *obj;
	size_t size;
	void *out;

	if (!o->c.raw && !is_bpf(b))
		return open_native(o, name, b->p, b->n);
	if (kiln_compile(&in, 1, &o->c, &out, &size))
		return NULL;
	obj = open_native(o, name, out, size);
	kiln_free(out);
	return obj;
}

static struct kiln_object *load_object(
	struct cli *o, const char *name, const struct blob *b)
{
	struct kiln_object *obj = open_object(o, name, b);

	if (obj && kiln_object_load(obj)) {
		kiln_object_close(obj);
		return NULL;
	}
	return obj;
}

static struct kiln_program *pick_program(struct cli *o, struct kiln_object *obj)
{
	struct kiln_program *p = kiln_object_next_program(obj, NULL);

	if (o->prog) {
		p = kiln_object_find_program(obj, o->prog);
		if (!p)
			complain(o->prog, "the object has no such program");
		return p;
	}
	if (!p)
		complain(kiln_object_name(obj), "no programs");
	else if (kiln_object_next_program(obj, p)) {
		complain(kiln_object_name(obj),
			"more than one program: choose with --prog");
		return NULL;
	}
	return p;
}

/* ---- bare instructions ------------------------------------------------------------ */

static int run_raw(struct cli *o)
{
	struct blob text = {0}, code, mem = {0};

	if (o->narg != 1)
		return complain("run --raw", "wanted one program in hex, or -");
	text = (struct blob){(u8 *)o->arg[0], strlen(o->arg[0])};
	if (!strcmp(o->arg[0], "-") && read_file(o, "-", &text))
		return -EINVAL;
	if (parse_hex(o, "program", (char *)text.p, text.n, &code))
		return -EINVAL;
	if (o->mem && parse_hex(o, "--mem", o->mem, strlen(o->mem), &mem))
		return -EINVAL;

	struct kiln_object *obj = load_object(o, "raw", &code);
	if (!obj)
		return -EINVAL;
	const struct kiln_program *p = kiln_object_next_program(obj, NULL);
	u64 r0 = 0;
	for (u32 i = 0; i < o->repeat; i++)
		r0 = kiln_program_run_raw(
			p, mem.n ? (uintptr_t)mem.p : 0, mem.n);
	printf("%llx\n", (unsigned long long)r0);
	kiln_object_close(obj);
	return 0;
}

/* ---- programs with a context -------------------------------------------------------- */

static int make_context(struct cli *o, u32 prog_type, struct run_ctx *c)
{
	struct blob data = {0}, in = {0};
	const char *why;

	if (o->data_in && read_file(o, o->data_in, &data))
		return -EINVAL;
	if (o->ctx_in && read_file(o, o->ctx_in, &in))
		return -EINVAL;
	why = run_ctx_init(c, &o->a, prog_type, data, in);
	if (!why)
		return 0;
	return complain(in.n > c->ctx.n ? o->ctx_in : o->data_in, why);
}

static int write_results(struct cli *o, struct run_ctx *c)
{
	struct blob data = run_ctx_data(c), uapi;

	if (o->data_out && data.p && write_file(o->data_out, data.p, data.n))
		return -EINVAL;
	if (!o->ctx_out)
		return 0;
	uapi = run_ctx_uapi(c);
	return write_file(o->ctx_out, uapi.p, uapi.n);
}

static void print_result(const struct cli *o, u64 ret, u64 ns)
{
	struct json j;

	if (!o->json) {
		printf("Return value: %llu, duration (average): %lluns\n",
			(unsigned long long)ret, (unsigned long long)ns);
		return;
	}
	json_init(&j, stdout, o->pretty);
	json_object(&j, NULL);
	json_number(&j, "retval", ret);
	json_number(&j, "duration", ns);
	json_end(&j);
}

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static int run_program(struct cli *o, struct kiln_program *p)
{
	struct run_ctx c;
	u64 ret = 0, ns = 0;

	if (make_context(o, kiln_program_type(p), &c))
		return -EINVAL;
	/* as in the kernel's test run, a changed packet stays changed */
	u64 start = now_ns();
	for (u32 i = 0; i < o->repeat; i++)
		ret = kiln_program_run(p, c.ctx.p);
	ns = now_ns() - start;
	print_result(o, ret, o->repeat ? ns / o->repeat : 0);
	return write_results(o, &c);
}

static int run(struct cli *o)
{
	struct blob b;

	if (o->c.raw)
		return run_raw(o);
	if (o->narg != 1) {
		fprintf(stderr, "kiln run: %d files given, wanted one\n",
			o->narg);
		return -EINVAL;
	}
	if (read_file(o, o->arg[0], &b))
		return -EINVAL;
	struct kiln_object *obj = load_object(o, o->arg[0], &b);
	if (!obj)
		return -EINVAL;
	struct kiln_program *p = pick_program(o, obj);
	int err = p ? run_program(o, p) : -EINVAL;
	kiln_object_close(obj);
	return err;
}

int cmd_run(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(&o, argc, argv, CLI_COMPILE | CLI_RUN | CLI_JSON,
		"[OPTIONS] FILE [--prog NAME]\n"
		"       kiln run --raw [--mem HEX] PROGRAM-HEX|-");
	int status = err ? err < 0 : run(&o) != 0;

	cli_fini(&o);
	return status;
}
