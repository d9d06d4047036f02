/*
 * Random programs through the interpreter and other legs; see usage() below.
 * A difference is reduced and printed as a case; the exit status is 1. A long
 * run says on stderr every few seconds how far it is, and once more when it is
 * stopped by a signal.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "subject.h"

enum { LEGS = 8, SKIPPED = 77, REASONS = 32, PROGRESS_S = 10 };

struct options {
	u64 seed;
	u64 count;
	const struct leg *leg[LEGS];
	u32 nlegs;
	bool for_kernel;
	bool verbose;
	bool print;
	bool no_reduce;
	bool no_helpers;
	bool kernel_loops;
};

struct reason {
	char text[96];
	u32 n;
};

struct tally {
	u64 ran, refused;
	double seconds; /* in this leg */
	struct reason reason[REASONS];
};

static int usage(void)
{
	fprintf(stderr,
		"usage: diff [--seed N] [--count N] [--legs NAME,...] "
		"[--kernel]\n"
		"            [--kernel-loops] [--no-helpers] [--no-reduce]\n"
		"            [--verbose] [--print]\n"
		"  --kernel   programs that the kernel's verifier accepts; on "
		"by\n"
		"             itself with the leg \"kernel\"\n"
		"  --kernel-loops  with bpf_loop and may_goto in those: found "
		"to\n"
		"             crash Linux 6.18, for a machine of its own\n"
		"  --print    print the programs instead of running them\n"
		"  --verbose  say why legs refused programs\n"
		"legs:\n");
	for (const struct leg *l = legs; l->name; l++)
		fprintf(stderr, "  %-10s %s\n", l->name, l->about);
	return 2;
}

/* ---- progress ------------------------------------------------------------- */

/* State of this file: the signal that wants the run to end, or 0. */
static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = sig;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double rate(u64 n, double seconds)
{
	return seconds > 0 ? (double)n / seconds : 0;
}

/* All that has run until now, without a difference. */
static void print_progress(const struct options *opts,
	const struct tally *tally, u64 done, double seconds)
{
	fprintf(stderr,
		"%llu of %llu programs in %.0f s (%.0f/s), no difference",
		(unsigned long long)done, (unsigned long long)opts->count,
		seconds, rate(done, seconds));
	for (u32 k = 0; k < opts->nlegs; k++)
		fprintf(stderr, "; %s %llu, %llu refused (%.0f/s)",
			opts->leg[k]->name, (unsigned long long)tally[k].ran,
			(unsigned long long)tally[k].refused,
			rate(tally[k].ran, tally[k].seconds));
	fprintf(stderr, "\n");
}

/* ---- one program ---------------------------------------------------------- */

/* Numbers and addresses in a refusal would make every one its own. */
static void count_reason(struct tally *t, const char *text)
{
	char plain[96];
	size_t n = 0;

	for (; *text && n + 1 < sizeof(plain); text++)
		if (*text < '0' || *text > '9')
			plain[n++] = *text;
	plain[n] = 0;
	for (struct reason *r = t->reason; r < t->reason + REASONS; r++) {
		if (r->n && strcmp(r->text, plain))
			continue;
		strcpy(r->text, plain);
		r->n++;
		return;
	}
}

static void report(struct gen_prog *prog, const struct options *opts,
	const struct leg *leg, u64 seed, struct outcome *out)
{
	char name[32];

	printf("seed %llu, leg %s: ", (unsigned long long)seed,
		leg ? leg->name : "interp");
	if (out->verdict == V_DIFFERS && out->r0 != out->leg_r0)
		printf("r0 is 0x%llx, wanted 0x%llx\n",
			(unsigned long long)out->leg_r0,
			(unsigned long long)out->r0);
	else if (out->verdict == V_DIFFERS)
		printf("other memory\n");
	else
		printf("%s\n", out->text);
	fflush(stdout);
	if (leg && !opts->no_reduce)
		reduce(prog, leg, true);
	snprintf(name, sizeof(name), "seed-%llu", (unsigned long long)seed);
	subject_print(stdout, name, prog);
	fflush(stdout);
}

/* 0, or 1 for a difference. */
static int run_one(const struct options *opts, u64 seed, struct tally *tally)
{
	static struct gen_prog prog;
	static struct outcome out;
	const struct gen_opts gen = {.seed = seed,
		.kernel = opts->for_kernel,
		.kernel_loops = opts->kernel_loops,
		.no_helpers = opts->no_helpers};

	gen_program(&gen, &prog);
	if (opts->print) {
		char name[32];

		snprintf(name, sizeof(name), "seed-%llu",
			(unsigned long long)seed);
		subject_print(stdout, name, &prog);
		return 0;
	}
	if (!subject_expect(&prog, &out)) {
		report(&prog, opts, NULL, seed, &out);
		return 1;
	}
	for (u32 k = 0; k < opts->nlegs; k++) {
		double start = now();

		subject_compare(&prog, opts->leg[k], false, &out);
		tally[k].seconds += now() - start;
		if (out.verdict == V_REFUSED) {
			tally[k].refused++;
			count_reason(&tally[k], out.text);
			continue;
		}
		tally[k].ran++;
		if (out.verdict == V_SAME)
			continue;
		report(&prog, opts, opts->leg[k], seed, &out);
		return 1;
	}
	return 0;
}

/* ---- all of them ---------------------------------------------------------- */

static void print_tally(const struct options *opts, const struct tally *tally)
{
	for (u32 k = 0; k < opts->nlegs; k++) {
		const struct tally *t = &tally[k];

		printf("%s: %llu programs agree, %llu refused\n",
			opts->leg[k]->name, (unsigned long long)t->ran,
			(unsigned long long)t->refused);
		for (u32 r = 0; opts->verbose && r < REASONS && t->reason[r].n;
			r++)
			printf("  %6u %s\n", t->reason[r].n, t->reason[r].text);
	}
}

/* 0, or 1 for a difference. */
static int run_all(const struct options *opts, struct tally *tally)
{
	double start = now(), next = start + PROGRESS_S;
	u64 done = 0;

	while (done < opts->count && !stopped) {
		if (run_one(opts, opts->seed + done, tally))
			return 1;
		done++;
		if (now() < next && !stopped)
			continue;
		next = now() + PROGRESS_S;
		print_progress(opts, tally, done, now() - start);
	}
	return 0;
}

/* Legs that cannot run here leave the list, with a message. */
static void open_legs(struct options *opts)
{
	u32 n = 0;

	for (u32 k = 0; k < opts->nlegs; k++) {
		const struct leg *leg = opts->leg[k];
		const char *why = leg->open ? leg->open() : NULL;

		if (why)
			printf("skipped: leg %s: %s\n", leg->name, why);
		else
			opts->leg[n++] = leg;
		if (!strcmp(leg->name, "kernel"))
			opts->for_kernel = true;
	}
	opts->nlegs = n;
}

static bool parse_legs(struct options *opts, char *list)
{
	char *name;

	opts->nlegs = 0;
	while ((name = strsep(&list, ","))) {
		const struct leg *leg = leg_find(name);

		if (!leg || opts->nlegs == LEGS)
			return false;
		opts->leg[opts->nlegs++] = leg;
	}
	return true;
}

static bool parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option longs[] = {
		{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'},
		{"legs", required_argument, NULL, 'l'},
		{"kernel", no_argument, NULL, 'k'},
		{"print", no_argument, NULL, 'p'},
		{"verbose", no_argument, NULL, 'v'},
		{"no-reduce", no_argument, NULL, 'n'},
		{"kernel-loops", no_argument, NULL, 'o'},
		{"no-helpers", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (c) {
		case 's': opts->seed = strtoull(optarg, NULL, 0); break;
		case 'c': opts->count = strtoull(optarg, NULL, 0); break;
		case 'l':
			if (!parse_legs(opts, optarg))
				return false;
			break;
		case 'k': opts->for_kernel = true; break;
		case 'p': opts->print = true; break;
		case 'v': opts->verbose = true; break;
		case 'n': opts->no_reduce = true; break;
		case 'o': opts->kernel_loops = true; break;
		case 'h': opts->no_helpers = true; break;
		default: return false;
		}
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options opts = {.seed = 1, .count = 1000};
	static struct tally tally[LEGS];
	u32 wanted;

	if (!parse_options(argc, argv, &opts))
		return usage();
	wanted = opts.nlegs;
	open_legs(&opts);
	if (wanted && !opts.nlegs)
		return SKIPPED;
	if (opts.print && opts.count == 1000)
		opts.count = 1;
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	if (run_all(&opts, tally))
		return 1;
	if (!opts.print)
		print_tally(&opts, tally);
	return stopped ? 128 + stopped : 0;
}
