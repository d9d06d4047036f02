/*
 * Shows that the random programs find bugs: each one of mutants.def is planted
 * into the reference interpreter, and some program must tell it from the real
 * one. Prints how many programs that took.
 *
 *	mutants [NAME]   with a name: the reduced program too
 */
#include <string.h>

#include "mutant.h"
#include "subject.h"

enum { LIMIT = 20000 };

struct mutant {
	const char *name;
	const char *text;
};

static const struct mutant mutants[] = {
	{"NONE", ""},
#define MUTANT(name, text) {#name, text},
#include "mutants.def"
#undef MUTANT
};
_Static_assert(countof(mutants) == MUT_END, "one row per mutant");

static const struct leg leg = {"mutant", "", true, NULL, leg_mutant, false};

/* The number of the program that finds it, or 0. */
static u32 hunt(int mutant, struct gen_prog *prog)
{
	static struct outcome out;

	for (u32 n = 1; n <= LIMIT; n++) {
		const struct gen_opts opts = {.seed = n};

		gen_program(&opts, prog);
		interp_mutation = mutant;
		subject_try(prog, &leg, false, &out);
		if (out.verdict == V_DIFFERS || out.verdict == V_BROKEN)
			return n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct gen_prog prog;
	u32 missed = 0, n;

	for (int m = 1; m < MUT_END; m++) {
		if (argc > 1 && strcmp(argv[1], mutants[m].name))
			continue;
		n = hunt(m, &prog);
		if (n)
			printf("%-20s found by program %5u: %s\n",
				mutants[m].name, n, mutants[m].text);
		else
			printf("%-20s NOT FOUND by %d programs: %s\n",
				mutants[m].name, LIMIT, mutants[m].text);
		missed += !n;
		if (n && argc > 1) {
			reduce(&prog, &leg, false);
			subject_print(stdout, mutants[m].name, &prog);
		}
	}
	printf("%u of %d missed\n", missed, MUT_END - 1);
	return missed > 0;
}
