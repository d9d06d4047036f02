/*
 * Threads call a hooked function as fast as they can, also from its body, from
 * programs and from signal handlers, and leave it by longjmp; others attach and
 * detach programs, and close the objects that these are in.
 *
 *	stress OBJECT SECONDS [THREADS]
 *
 * Each call keeps which programs it ran, by their cookies, which grow with every
 * attachment. Always: each at most once, at exit only those that were attached
 * before the body began, none at exit of a body that was left by a jump. Between
 * two changes (`seq` is odd while one goes on) just those that are attached, in
 * their order. One program is attached all the time: calls that it did not see
 * were made while it ran on that thread, and are counted. One thread stays in the
 * body from the first to the last. Freed memory is overwritten at once (linked
 * with --wrap=free), code is unmapped.
 */
#include <kiln/runtime.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../stress_signals.h"
#include "stress.h"

enum { MAX_THREADS = 16, GUESTS = 2, LIMIT = 4 };

static const char *file;
static struct kiln_object *own;
static struct kiln_program *always[2];
static _Atomic unsigned seq, stop, bad;
static _Atomic unsigned long last_cookie = 1; /* 1: what is always attached */
static _Atomic unsigned long set[MAX_LINKS];  /* 2 * cookie + kind, 0: end */
static _Atomic unsigned long calls, settled, jumps, seen[2], changes, escapes;
static pthread_t thread[MAX_THREADS];
static unsigned nthreads = 3;

/* Of a thread; handlers may find them half changed. */
static _Thread_local volatile sig_atomic_t inside; /* programs, handlers */
static _Thread_local jmp_buf *volatile escape;

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	if (p)
		memset(p, 0xcc, malloc_usable_size(p));
	__real_free(p);
}

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

static void fail(const char *what, unsigned long got, unsigned long want)
{
	printf("FAILED: %s %lu, wanted %lu\n", what, got, want);
	bad = 1;
	stop = 1;
}

/* ---- calls --------------------------------------------------------------- */

static void call(unsigned depth);

__attribute__((visibility("default"))) long work(struct call *c);
KILN_HOOKABLE long work(struct call *c)
{
	c->begun = last_cookie;
	if (c->depth > 0)
		call((unsigned)c->depth - 1);
	while (c->blocks && !stop)
		usleep(1000);
	if (c->env)
		longjmp(*(jmp_buf *)c->env, 1);
	return c->depth + 1;
}

/* By programs. */
__attribute__((visibility("default"))) void saw(
	struct call *c, unsigned long cookie, int kind);
void saw(struct call *c, unsigned long cookie, int kind)
{
	if (cookie == 1)
		seen[kind]++;
	if (c->n[kind] < MAX_LINKS + 4)
		c->cookie[kind][c->n[kind]++] = cookie;
	if (cookie != 1 || kind != AT_ENTRY || inside)
		return;
	if (!random_below(64)) {
		struct call again = {0};

		inside++;
		calls++;
		work(&again);
		if (again.n[AT_ENTRY] && again.cookie[AT_ENTRY][0] == 1)
			fail("a program in itself:", 1, 0);
		inside--;
	} else if (escape && !random_below(4096)) {
		longjmp(*escape, 1);
	}
}

/* What holds whatever happens. */
static void check(const struct call *c, bool jumped)
{
	for (int kind = 0; kind < 2; kind++)
		for (unsigned k = 0; k < c->n[kind]; k++) {
			unsigned long cookie = c->cookie[kind][k];

			/* the order is that of the attachments, too */
			if (k && cookie <= c->cookie[kind][k - 1])
				fail("behind it ran", cookie,
					c->cookie[kind][k - 1]);
			if (cookie > last_cookie)
				fail("nobody's cookie", cookie, last_cookie);
			if (kind == AT_EXIT && cookie > c->begun)
				fail("attached in between:", cookie, c->begun);
		}
	if (jumped && c->n[AT_EXIT])
		fail("at exit of a jump ran", c->n[AT_EXIT], 0);
}

/* ... and when nothing changes meanwhile. */
static void check_settled(
	const struct call *c, const unsigned long *want, bool jumped)
{
	for (int kind = 0; kind < (jumped ? 1 : 2); kind++) {
		unsigned n = 1;

		if (!c->n[kind] || c->cookie[kind][0] != 1)
			fail("first ran", c->cookie[kind][0], 1);
		for (unsigned k = 0; k < MAX_LINKS && want[k]; k++) {
			if (want[k] % 2 != (unsigned)kind)
				continue;
			if (c->cookie[kind][n] != want[k] / 2)
				fail("ran", c->cookie[kind][n], want[k] / 2);
			n++;
		}
		if (c->n[kind] != n)
			fail("programs", c->n[kind], n);
	}
	settled++;
}

static void call(unsigned depth)
{
	struct call c = {.depth = depth};
	unsigned long want[MAX_LINKS];
	volatile bool jumped = false;
	unsigned before = seq;
	jmp_buf env;

	for (unsigned k = 0; k < MAX_LINKS; k++)
		want[k] = set[k];
	if (!random_below(8)) {
		c.env = &env;
		jumped = true;
		jumps++;
	}
	calls++;
	if (!c.env || !setjmp(env))
		if (work(&c) != depth + 1)
			fail("result", 0, depth + 1);
	check(&c, jumped);
	if (!inside && !(before & 1) && seq == before)
		check_settled(&c, want, jumped);
}

/* A call of which a program may jump away: its scope stays open, and the program
 * seems to run, until kiln_thread_reset(). */
static void escaping_call(void)
{
	struct call c = {0};
	jmp_buf env;

	calls++;
	if (!setjmp(env)) {
		escape = &env;
		work(&c);
		escape = NULL;
		return;
	}
	escape = NULL;
	kiln_thread_reset();
	jumps++;
	escapes++;
}

static void *caller(void *arg)
{
	while (!stop) {
		call(random_below(3));
		escaping_call();
	}
	return arg;
}

static void *blocked(void *arg)
{
	struct call c = {.blocks = 1};

	calls++;
	work(&c);
	check(&c, false);
	return arg;
}

/* ---- signals ------------------------------------------------------------- */

static void on_signal(int sig)
{
	double until = now() + 0.0002;

	(void)sig;
	inside++;
	call(0);
	while (!random_below(2) && now() < until)
		;
	inside--;
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

static struct link {
	struct kiln_link *l;
	unsigned guest;
} links[MAX_LINKS]; /* as `set` */
static unsigned nlinks;
static struct kiln_object *guest[GUESTS];

static struct kiln_object *load(void)
{
	struct kiln_object *o = kiln_object_open_file(file, NULL);

	if (!o || kiln_object_load(o)) {
		printf("cannot load %s\n", file);
		exit(EXIT_FAILURE);
	}
	return o;
}

static struct kiln_link *attach(
	struct kiln_object *o, const char *name, unsigned long cookie)
{
	struct kiln_attach_opts opts = {.sz = sizeof(opts), .cookie = cookie};
	struct kiln_link *l =
		kiln_program_attach(kiln_object_find_program(o, name), &opts);

	if (!l)
		fail("not attached:", cookie, 0);
	return l;
}

static void attach_one(void)
{
	unsigned g = random_below(GUESTS), kind = random_below(2);

	if (nlinks == LIMIT)
		return;
	if (!guest[g])
		guest[g] = load();
	last_cookie++;
	links[nlinks].guest = g;
	links[nlinks].l = attach(
		guest[g], kind == AT_EXIT ? "leave" : "enter", last_cookie);
	set[nlinks++] = 2 * last_cookie + kind;
}

static void remove_link(unsigned k, bool destroy)
{
	if (destroy)
		kiln_link_destroy(links[k].l);
	for (; k + 1 < nlinks; k++) {
		links[k] = links[k + 1];
		set[k] = set[k + 1];
	}
	set[--nlinks] = 0;
}

static void detach_one(void)
{
	if (nlinks)
		remove_link(random_below(nlinks), true);
}

/* The links that it has are destroyed before, or behind. */
static void close_guest(void)
{
	unsigned g = random_below(GUESTS), n = 0;
	struct kiln_link *later[MAX_LINKS];

	if (!guest[g])
		return;
	for (unsigned k = nlinks; k-- > 0;)
		if (links[k].guest == g) {
			bool now = random_below(2);

			if (!now)
				later[n++] = links[k].l;
			remove_link(k, now);
		}
	kiln_object_close(guest[g]);
	guest[g] = NULL;
	while (n)
		kiln_link_destroy(later[--n]);
}

static void change_for(double seconds)
{
	double end = now() + seconds;

	while (!stop && now() < end) {
		unsigned what = random_below(32);

		seq++;
		if (what < 16)
			attach_one();
		else if (what < 31)
			detach_one();
		else
			close_guest();
		seq++;
		changes++;
		if (!random_below(4))
			sched_yield();
	}
	stop = 1;
}

/* Another one that attaches, whose program says nothing. */
static void *rival(void *arg)
{
	while (!stop) {
		kiln_link_destroy(attach(own, "extra", 0));
		usleep(50);
	}
	return arg;
}

/* ---- all of it ------------------------------------------------------------- */

static void on_log(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	printf("%s\n", line);
	fail("a message:", 1, 0);
}

static void check_counts(int kind, unsigned long should)
{
	struct kiln_program_stats s;

	kiln_program_stats(always[kind], &s);
	if (seen[kind] + s.recursion_misses != should)
		fail("programs and misses", seen[kind] + s.recursion_misses,
			should);
	printf("%s: %lu runs, %lu while it ran\n",
		kind == AT_EXIT ? "exit" : "entry", (unsigned long)seen[kind],
		(unsigned long)s.recursion_misses);
}

static int everything(double seconds)
{
	pthread_t other[3];

	for (unsigned k = 0; k < nthreads; k++)
		pthread_create(&thread[k], NULL, caller, NULL);
	pthread_create(&other[0], NULL, blocked, NULL);
	pthread_create(&other[1], NULL, interrupter, NULL);
	pthread_create(&other[2], NULL, rival, NULL);
	change_for(seconds);
	for (unsigned k = 0; k < 3; k++)
		pthread_join(other[k], NULL);
	for (unsigned k = 0; k < nthreads; k++)
		pthread_join(thread[k], NULL);
	printf("%lu changes, %lu calls, %lu of them settled, %lu jumps, %lu "
	       "of them out of programs\n",
		(unsigned long)changes, (unsigned long)calls,
		(unsigned long)settled, (unsigned long)jumps,
		(unsigned long)escapes);
	if (!settled || !changes || !jumps)
		fail("nothing was tried:", 0, 1);
	check_counts(AT_ENTRY, calls);
	check_counts(AT_EXIT, calls - jumps);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	file = argv[1];
	if (argc > 3)
		nthreads = (unsigned)atoi(argv[3]) % MAX_THREADS;
	own = load();
	always[AT_ENTRY] = kiln_object_find_program(own, "enter");
	always[AT_EXIT] = kiln_object_find_program(own, "leave");
	kiln_set_log(on_log, NULL);
	if (!attach(own, "enter", 1) || !attach(own, "leave", 1))
		return EXIT_FAILURE;
	listen_to_signals(on_signal);
	return everything(atof(argv[2]));
}
