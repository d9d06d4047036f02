/* kiln dump: the form a compilation has after one of its stages. */
#include <errno.h>
#include <string.h>

#include "linker/linker.h"

static const char *const stages[] = {
	"elf", "decode", "flow", "types", "ir", "opt", "mir", "unit"};

static bool is_stage(const char *s)
{
	for (u32 i = 0; i < countof(stages); i++)
		if (!strcmp(s, stages[i]))
			return true;
	return false;
}

static int dump(struct cli *o)
{
	struct kiln_input in = {0};
	size_t size;
	void *out;

	if (o->narg != 1) {
		fprintf(stderr, "kiln dump: %d files given, wanted one\n",
			o->narg);
		return 1;
	}
	if (!o->stage || !is_stage(o->stage)) {
		fprintf(stderr,
			"kiln dump: --stage=%s: wanted elf, decode, "
			"flow, types, ir, opt, mir or unit\n",
			o->stage ? o->stage : "");
		return 1;
	}
	in.name = o->arg[0];
	o->c.dump_stage = o->stage;
	o->c.dump = stdout;
	return kiln_compile(&in, 1, &o->c, &out, &size) ? 1 : 0;
}

int cmd_dump(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(&o, argc, argv, CLI_COMPILE | CLI_DUMP,
		"--stage=STAGE [OPTIONS] IN.bpf.o");
	int status = err ? err < 0 : dump(&o);

	cli_fini(&o);
	return status;
}
