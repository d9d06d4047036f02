/* kiln compile: BPF objects -> one native object file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linker/linker.h"

/* a/b.bpf.o -> b.kiln.o beside the input's directory entry: as cc does, in
 * the directory of the input. */
static const char *default_out(struct cli *o, const char *in)
{
	static const char *const tails[] = {".bpf.o", ".o"};
	size_t n = strlen(in);

	for (u32 i = 0; i < countof(tails); i++) {
		size_t t = strlen(tails[i]);

		if (n > t && !strcmp(in + n - t, tails[i]))
			return arena_printf(
				&o->a, "%.*s.kiln.o", (int)(n - t), in);
	}
	return arena_printf(&o->a, "%s.kiln.o", in);
}

/* Whole or not at all: written beside it and renamed over it. */
static int write_file(struct cli *o, const char *name, const void *p, size_t n)
{
	const char *tmp =
		arena_printf(&o->a, "%s.tmp%ld", name, (long)getpid());
	FILE *f = fopen(tmp, "wbe");
	bool bad = !f;

	if (f) {
		bad = fwrite(p, 1, n, f) != n;
		bad |= fclose(f) != 0;
	}
	if (!bad && !rename(tmp, name))
		return 0;
	fprintf(stderr, "kiln: error: %s: %s\n", name, strerror(errno));
	if (f)
		unlink(tmp);
	return -1;
}

static int compile(struct cli *o)
{
	struct kiln_input *in =
		arena_array(&o->a, struct kiln_input, (size_t)o->narg);
	size_t size;
	void *out;

	if (o->narg < 1) {
		fprintf(stderr, "kiln compile: no input file; "
				"kiln compile --help lists the options\n");
		return 1;
	}
	for (int i = 0; i < o->narg; i++)
		in[i].name = o->arg[i];
	if (kiln_compile(in, (size_t)o->narg, &o->c, &out, &size))
		return 1;
	int err = write_file(
		o, o->out ? o->out : default_out(o, o->arg[0]), out, size);
	kiln_free(out);
	return err ? 1 : 0;
}

int cmd_compile(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(
		&o, argc, argv, CLI_COMPILE | CLI_OUT, "[OPTIONS] IN.bpf.o...");
	int status = err ? err < 0 : compile(&o);

	cli_fini(&o);
	return status;
}
