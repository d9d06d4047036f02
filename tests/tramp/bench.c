/*
 * What a call of a function costs that programs are attached to: by
 * `make bench-tramp`.
 *
 *	bench OBJECT
 *
 * Nanoseconds are the median of some rounds, in each of which every kind of call has
 * its turn. Instructions are those of one call, counted by single steps. Programs
 * are empty.
 */
#include <kiln/runtime.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 15, CALLS = 200000, STEPPED = 16, MAX_LINKS = 64 };

__attribute__((visibility("default"))) long plain(long a);
__attribute__((noinline)) long plain(long a)
{
	return a + 1;
}

__attribute__((visibility("default"))) long hookable(long a);
KILN_HOOKABLE long hookable(long a)
{
	return a + 1;
}

static const struct kind {
	const char *name;
	long (*fn)(long);
	int fentry, fexit, stats;
} kinds[] = {
	{"plain call", plain, 0, 0, 0},
	{"hookable", hookable, 0, 0, 0},
	{"1 fentry", hookable, 1, 0, 0},
	{"1 fexit", hookable, 0, 1, 0},
	{"fentry, fexit", hookable, 1, 1, 0},
	{"8 fentry", hookable, 8, 0, 0},
	{"64 fentry", hookable, 64, 0, 0},
	{"32 + 32", hookable, 32, 32, 0},
	{"1 fentry, stats", hookable, 1, 0, 1},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static struct kiln_object *object;
static struct kiln_link *links[MAX_LINKS];
static int nlinks;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void attach(const char *name)
{
	links[nlinks] = kiln_program_attach(
		kiln_object_find_program(object, name), NULL);
	if (!links[nlinks++])
		exit(EXIT_FAILURE);
}

static void set_up(const struct kind *k)
{
	for (int n = 0; n < k->fentry; n++)
		attach("enter");
	for (int n = 0; n < k->fexit; n++)
		attach("leave");
	kiln_stats_enable(k->stats);
}

static void tear_down(void)
{
	while (nlinks)
		kiln_link_destroy(links[--nlinks]);
	kiln_stats_enable(false);
}

static void calls(long (*fn)(long), int n)
{
	for (long v = 0; n > 0; n--)
		v = fn(v);
}

static double time_of(const struct kind *k)
{
	double start;

	set_up(k);
	calls(k->fn, 1000);
	start = now_ns();
	calls(k->fn, CALLS);
	start = (now_ns() - start) / CALLS;
	tear_down();
	return start;
}

/* ---- instructions -------------------------------------------------------- */

static void wait_for_stop(pid_t pid)
{
	int status;

	do
		waitpid(pid, &status, 0);
	while (WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP);
}

/* Between two stops. */
static long steps(pid_t pid)
{
	long n = 0;
	int status;

	for (;; n++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) ||
			waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return -1;
		if (WSTOPSIG(status) == SIGSTOP)
			return n;
	}
}

static double instructions_of(const struct kind *k)
{
	long few, many;
	pid_t pid;

	set_up(k);
	calls(k->fn, 10);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		calls(k->fn, 10); /* a child's first scope */
		raise(SIGSTOP);
		calls(k->fn, 1);
		raise(SIGSTOP);
		calls(k->fn, 1 + STEPPED);
		raise(SIGSTOP);
		_exit(0);
	}
	wait_for_stop(pid);
	few = steps(pid);
	many = steps(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tear_down();
	return few < 0 || many < 0 ? 0 : (double)(many - few) / STEPPED;
}

/* ---- all ----------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double ns[KINDS][ROUNDS];
	double base = 0;

	object = argc > 1 ? kiln_object_open_file(argv[1], NULL) : NULL;
	if (!object || kiln_object_load(object))
		return EXIT_FAILURE;
	for (int r = 0; r < ROUNDS; r++)
		for (int k = 0; k < KINDS; k++)
			ns[k][r] = time_of(&kinds[k]);
	printf("%-16s %10s %10s %12s %8s\n", "", "ns", "+ ns", "instructions",
		"ratio");
	for (int k = 0; k < KINDS; k++) {
		qsort(ns[k], ROUNDS, sizeof(double), by_value);
		double t = ns[k][ROUNDS / 2];

		base = k ? base : t;
		printf("%-16s %10.2f %10.2f %12.1f %8.2f\n", kinds[k].name, t,
			t - base, instructions_of(&kinds[k]), t / base);
	}
	return EXIT_SUCCESS;
}
