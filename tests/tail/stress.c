/*
 * Threads run a pipeline of tail calls while one changes its map as fast as it
 * can: to programs of the same object, of one that comes and goes, to none.
 *
 *	stress OBJECT SECONDS [THREADS]     one process
 *	stress OBJECT SECONDS fork          parent and child change theirs
 *
 * Every result must be one that the map allows at that time. A run between two
 * changes has one right result: `seq` is odd while a change goes on, and who
 * sees the same even value before and behind its run knows the map. Signals
 * stop the threads at any instruction for a while, so that they are between
 * gate and jump, or inside a program, when these change. Torn jumps and calls of
 * a closed object's programs end in signals or in results that are nobody's.
 */
#include <errno.h>
#include <kiln/context.h>
#include <kiln/runtime.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../stress_signals.h"

enum { MAX_THREADS = 16, LEAVES = 3, EMPTY = 0, MIDDLE = 1, LEAF = 2 };

static const char *file;
static struct kiln_object *object, *guest;
static struct kiln_map *jmp;
static struct kiln_program *entry, *own[5], *other[5]; /* by LEAF + n */
static _Atomic unsigned seq, state[2], stop, bad;
static _Atomic unsigned long runs, settled;
static unsigned long changes;
static pthread_t thread[MAX_THREADS];
static unsigned nthreads = 3;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned random_below(unsigned n)
{
	static _Thread_local unsigned x = 1;

	x = x * 1664525 + 1013904223;
	return (x >> 16) % n;
}

static void fail(const char *what, unsigned got, unsigned want)
{
	printf("FAILED: %s %u, wanted %u\n", what, got, want);
	bad = 1;
	stop = 1;
}

/* ---- runs ---------------------------------------------------------------- */

static unsigned result_of(unsigned s0, unsigned s1)
{
	if (s0 == EMPTY)
		return 1;
	if (s0 != MIDDLE)
		return 10 + s0 - LEAF;
	if (s1 == MIDDLE) /* itself, until the count ends it */
		return 2;
	return s1 == EMPTY ? 2 : 10 + s1 - LEAF;
}

static unsigned run(void)
{
	static char packet[64];
	struct kiln_xdp_md md = {0};

	kiln_xdp_md_init(&md, packet, packet, packet + 64, packet + 64);
	return (unsigned)kiln_program_run(entry, &md);
}

static void *runner(void *arg)
{
	unsigned long n = 0, sure = 0;

	while (!stop) {
		unsigned before = atomic_load(&seq);
		unsigned s0 = state[0], s1 = state[1];
		unsigned got = run();

		n++;
		if (got != 1 && got != 2 && (got < 10 || got >= 10 + LEAVES))
			fail("result", got, 0);
		if (before & 1 || atomic_load(&seq) != before)
			continue;
		sure++;
		if (got != result_of(s0, s1))
			fail("settled result", got, result_of(s0, s1));
	}
	runs += n;
	settled += sure;
	return arg;
}

/* Keeps a thread where it is. */
static void on_signal(int sig)
{
	double until = now() + 0.0002;

	(void)sig;
	while (now() < until)
		;
}

static void *interrupter(void *arg)
{
	struct timespec t = {0, 300000};

	while (!stop) {
		pthread_kill(thread[random_below(nthreads)], SIGUSR1);
		nanosleep(&t, NULL);
	}
	return arg;
}

/* ---- changes ------------------------------------------------------------- */

static struct kiln_object *load(struct kiln_program **p)
{
	static const char *const name[] = {
		NULL, "middle", "leaf0", "leaf1", "leaf2"};
	struct kiln_object *o = kiln_object_open_file(file, NULL);

	if (!o || kiln_object_load(o)) {
		printf("cannot load %s\n", file);
		exit(EXIT_FAILURE);
	}
	for (unsigned k = 1; k < 5; k++)
		p[k] = kiln_object_find_program(o, name[k]);
	return o;
}

static bool is_guest[2]; /* the slot has a program of the guest */

static void change(unsigned slot)
{
	unsigned to = random_below(5);
	/* the guest's middle would go on in the guest's own map */
	bool from_guest = guest && to >= LEAF && random_below(2);
	int err = to ? kiln_map_update(jmp, &slot,
			       from_guest ? &other[to] : &own[to], 0)
		     : kiln_map_delete(jmp, &slot);

	if (err && !(to == EMPTY && err == -ENOENT))
		fail("error", (unsigned)-err, 0);
	state[slot] = to;
	is_guest[slot] = from_guest;
}

static void come_or_go(void)
{
	if (!guest) {
		guest = load(other);
		return;
	}
	kiln_object_close(guest);
	guest = NULL;
	for (unsigned k = 0; k < 2; k++)
		if (is_guest[k]) {
			state[k] = EMPTY;
			is_guest[k] = false;
		}
}

static void change_for(double seconds)
{
	double end = now() + seconds;

	while (!stop && now() < end) {
		seq++;
		if (random_below(32))
			change(random_below(2));
		else
			come_or_go();
		seq++;
		changes++;
		if (!random_below(4))
			sched_yield();
	}
	stop = 1;
}

static int everything(double seconds, const char *who)
{
	pthread_t pest;

	stop = 0;
	changes = 0;
	runs = settled = 0;
	for (unsigned k = 0; k < nthreads; k++)
		pthread_create(&thread[k], NULL, runner, NULL);
	pthread_create(&pest, NULL, interrupter, NULL);
	change_for(seconds);
	pthread_join(pest, NULL);
	for (unsigned k = 0; k < nthreads; k++)
		pthread_join(thread[k], NULL);
	printf("%s: %lu changes, %lu runs, %lu of them settled\n", who, changes,
		(unsigned long)runs, (unsigned long)settled);
	if (!settled || !changes)
		fail("nothing was tried:", 0, 1);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Some changes come before the fork, so that there is text to share. */
static int both(double seconds)
{
	int mine, status;
	pid_t pid;

	mine = everything(0.2, "before");
	pid = fork();
	if (!pid)
		_exit(everything(seconds, "child") + (fflush(stdout) != 0));
	mine |= everything(seconds, "parent");
	if (waitpid(pid, &status, 0) != pid || status)
		fail("child's status", (unsigned)status, 0);
	return mine || bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	file = argv[1];
	object = load(own);
	entry = kiln_object_find_program(object, "entry");
	jmp = kiln_object_find_map(object, "jmp");
	if (!entry || !jmp)
		return 2;
	listen_to_signals(on_signal);
	if (argc > 3 && !strcmp(argv[3], "fork"))
		return both(atof(argv[2]));
	if (argc > 3)
		nthreads = (unsigned)atoi(argv[3]) % MAX_THREADS;
	return everything(atof(argv[2]), "all");
}
