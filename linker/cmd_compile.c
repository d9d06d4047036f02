/* kiln compile: BPF objects -> one native object file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static int complain(const char *name, int err)
{
	fprintf(stderr, "kiln: error: %s: %s\n", name, strerror(err));
	return -err;
}

static int write_to(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(name, "wbe");
	int err = 0;

	if (!f)
		return errno;
	if (fwrite(p, 1, n, f) != n)
		err = errno ? errno : EIO;
	if (fclose(f) && !err)
		err = errno;
	return err;
}

/* Whole or not at all: written beside it and renamed over it. Devices and
 * pipes are written to. */
static int write_file(struct cli *o, const char *name, const void *p, size_t n)
{
	char *real = realpath(name, NULL); /* keeps symbolic links */
	const char *to = real ? arena_strndup(&o->a, real, strlen(real)) : name;
	const char *tmp = arena_printf(&o->a, "%s.tmp%ld", to, (long)getpid());
	struct stat st;
	int err;

	free(real);
	if (!stat(to, &st) && !S_ISREG(st.st_mode)) {
		err = write_to(to, p, n);
		return err ? complain(name, err) : 0;
	}
	err = write_to(tmp, p, n);
	if (!err && rename(tmp, to))
		err = errno;
	if (!err)
		return 0;
	unlink(tmp);
	return complain(name, err);
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
