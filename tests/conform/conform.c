/*
 * Runs conformance cases through one leg, or through a command, or prints them
 * in the four columns of the shared vectors.
 *
 *	conform --leg NAME [-v] FILE...
 *	conform --command "kiln run -O2 --raw" FILE...
 *	conform --tsv FILE...
 *
 * Exit status 77 when the leg or a file is not there.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "command.h"
#include "leg.h"

enum { SKIPPED = 77 };

struct tally {
	const struct leg *leg; /* or NULL: */
	const char *command;
	bool verbose;
	u32 ok, failed, refused;
};

static void print_hex(FILE *to, const u8 *p, size_t n)
{
	while (n--)
		fprintf(to, "%02x", *p++);
}

static void print_tsv(void *ctx, const struct conform_case *c)
{
	(void)ctx;
	if (c->has_skb)
		return;
	printf("%s\t", c->name);
	print_hex(stdout, c->mem, c->mem_size);
	putchar('\t');
	print_hex(stdout, c->code.bytes, 8 * (size_t)c->code.slots);
	printf("\t%llx\n", (unsigned long long)c->r0);
}

/* Two headers' room before the data, as a socket filter sees a frame. */
static struct interp_skb skb_of(const struct conform_case *c)
{
	return (struct interp_skb){
		.head = c->mem, .size = c->mem_size, .net = 14};
}

static void explain(const struct conform_case *c, const struct leg_run *run)
{
	if (run->r0 != c->r0)
		printf("%s: r0 is 0x%llx, wanted 0x%llx\n", c->name,
			(unsigned long long)run->r0, (unsigned long long)c->r0);
	if (c->has_after && memcmp(run->mem, c->after, c->mem_size)) {
		printf("%s: memory is ", c->name);
		print_hex(stdout, run->mem, c->mem_size);
		printf(", wanted ");
		print_hex(stdout, c->after, c->mem_size);
		putchar('\n');
	}
}

static void run_case(void *ctx, const struct conform_case *c)
{
	struct tally *t = ctx;
	struct interp_skb skb = skb_of(c);
	u8 mem[CASE_MEM];
	struct leg_run run = {
		.bytes = c->code.bytes,
		.slots = c->code.slots,
		.mem = mem,
		.mem_size = c->has_skb ? 0 : c->mem_size,
		.skb = c->has_skb ? &skb : NULL,
	};

	if (c->raw && t->leg->run == leg_kernel) {
		t->refused++;
		return;
	}
	memcpy(mem, c->mem, sizeof(mem));
	switch (t->leg->run(&run)) {
	case LEG_OK:
		if (run.r0 == c->r0 &&
			(!c->has_after ||
				!memcmp(mem, c->after, c->mem_size))) {
			t->ok++;
			return;
		}
		explain(c, &run);
		break;
	case LEG_REFUSED:
		if (t->leg->takes_all && !(c->has_skb && t->leg->no_packets)) {
			printf("%s: refused: %s\n", c->name, run.text);
			break;
		}
		t->refused++;
		if (t->verbose)
			printf("%s: refused: %s\n", c->name, run.text);
		return;
	case LEG_FAILED: printf("%s: %s\n", c->name, run.text); break;
	}
	t->failed++;
}

/* The command prints r0 in hex and nothing else. */
static void run_command(void *ctx, const struct conform_case *c)
{
	struct tally *t = ctx;
	char text[256], want[32];
	int ret;

	if (c->has_skb) {
		t->refused++;
		return;
	}
	ret = command_run(t->command, c, text, sizeof(text));
	snprintf(want, sizeof(want), "%llx", (unsigned long long)c->r0);
	if (!ret && !strcmp(text, want)) {
		t->ok++;
		return;
	}
	t->failed++;
	printf("%s: %s'%s', wanted '%s'\n", c->name,
		ret ? "fails: " : "prints ", text, want);
}

static int run_files(struct tally *t, char **file)
{
	const char *why = t->leg && t->leg->open ? t->leg->open() : NULL;

	if (why) {
		printf("skipped: leg %s: %s\n", t->leg->name, why);
		return SKIPPED;
	}
	for (; *file; file++) {
		if (access(*file, R_OK)) {
			printf("skipped: %s is not there\n", *file);
			return SKIPPED;
		}
		if (conform_read(*file, t->leg ? run_case : run_command, t))
			return 1;
	}
	printf("%s: %u cases passed, %u failed, %u not for this leg\n",
		t->leg ? t->leg->name : t->command, t->ok, t->failed,
		t->refused);
	return t->failed || !t->ok;
}

static int usage(void)
{
	fprintf(stderr, "usage: conform --leg NAME [-v] FILE...\n"
			"       conform --command COMMAND FILE...\n"
			"       conform --tsv FILE...\n"
			"legs:");
	for (const struct leg *l = legs; l->name; l++)
		fprintf(stderr, " %s", l->name);
	fprintf(stderr, "\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct tally t = {0};

	if (argc > 2 && !strcmp(argv[1], "--tsv")) {
		for (char **f = argv + 2; *f; f++)
			if (conform_read(*f, print_tsv, NULL))
				return 1;
		return 0;
	}
	if (argc < 4)
		return usage();
	if (!strcmp(argv[1], "--leg"))
		t.leg = leg_find(argv[2]);
	else if (!strcmp(argv[1], "--command"))
		t.command = argv[2];
	if (!t.leg && !t.command)
		return usage();
	t.verbose = !strcmp(argv[3], "-v");
	return run_files(&t, argv + 3 + t.verbose);
}
