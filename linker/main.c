/* The kiln command: finds the command's file and calls it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "linker/linker.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"compile", cmd_compile, "BPF objects to a native object"},
	{"run", cmd_run, "run a program of a BPF or native object"},
	{"inspect", cmd_inspect, "what a native object holds"},
	{"disasm", cmd_disasm, "source, BPF and native code together"},
	{"dump", cmd_dump, "any intermediate form of a compilation"},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: kiln COMMAND [OPTIONS] FILE...\n\n");
	for (u32 i = 0; i < countof(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\nkiln COMMAND --help lists a command's options.\n");
}

/* What could not be written must not look as if it had been. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "kiln: error: standard output: %s\n", strerror(errno));
	return 1;
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return 1;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
		!strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("kiln %s\n", KILN_VERSION);
		return 0;
	}
	for (u32 i = 0; i < countof(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "kiln: no command %s; kiln --help lists them\n",
		argv[1]);
	return 1;
}

int main(int argc, char **argv)
{
	return finish(run(argc, argv));
}
