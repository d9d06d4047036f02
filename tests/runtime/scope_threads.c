/*
 * Threads in run scopes: slots belong to one thread at a time, and nothing
 * that a scope can see is taken away before it is left.
 *
 *   usage: scope_threads slots|grace SECONDS
 *
 * slots: more threads than CPU slots increment the counter of their slot with
 * plain loads and stores; signal handlers do so in nested scopes. No increment
 * is lost, and a slot does not change within a scope.
 * grace: readers follow a pointer in scopes; an updater swaps it, waits, and
 * poisons what it pointed to. No reader sees poison.
 *
 * Ends with 1 at the first violation (see mutants in CMakeLists.txt).
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/host.h"

enum { SLOTS = 2, THREADS = 5, POISON = 0x7eadbeef };

static _Atomic bool stop;
static _Atomic u64 n_scopes, n_updates;

static _Noreturn void violated(const char *what, long detail)
{
	printf("violated: %s (%ld)\n", what, detail);
	fflush(stdout);
	_exit(1);
}

/* ---- slots ------------------------------------------------------------------ */

/* Handlers count for themselves: what they interrupt may be half done. */
static struct {
	volatile u64 n[2];
} __attribute__((aligned(64))) counter[SLOTS];
static _Thread_local u64 mine[2]; /* increments that must be there */
static _Atomic u64 all;

static void count_once(bool handler)
{
	u32 cpu;

	kiln_scope_enter();
	cpu = kiln_port_cpu();
	if (cpu >= SLOTS)
		violated("slot beyond the limit", cpu);
	for (int i = 0; i < 8; i++) {
		counter[cpu].n[handler]++;
		if (kiln_port_cpu() != cpu)
			violated("slot changed within a scope", cpu);
	}
	mine[handler] += 8;
	kiln_scope_leave();
}

static void on_signal(int sig)
{
	(void)sig;
	count_once(true);
}

static void *count(void *arg)
{
	u64 n = 0;

	(void)arg;
	for (; !stop; n++)
		count_once(false);
	signal(SIGUSR1, SIG_IGN);
	all += mine[0] + mine[1];
	n_scopes += n;
	return NULL;
}

/* ---- grace -------------------------------------------------------------------- */

static struct image {
	volatile u32 value;
} __attribute__((aligned(64))) image[2];
static struct image *_Atomic current = &image[0];

static void *follow(void *arg)
{
	u64 n = 0;

	(void)arg;
	for (; !stop; n++) {
		kiln_scope_enter();
		struct image *im =
			atomic_load_explicit(&current, memory_order_acquire);

		for (int i = 0; i < 20; i++)
			if (im->value == POISON)
				violated("reader sees what was freed", i);
		kiln_scope_leave();
	}
	n_scopes += n;
	return NULL;
}

static void on_signal_follow(int sig)
{
	(void)sig;
	kiln_scope_enter();
	if (atomic_load_explicit(&current, memory_order_acquire)->value ==
		POISON)
		violated("handler sees what was freed", 0);
	kiln_scope_leave();
}

static void update_once(void)
{
	struct image *old = current;
	struct image *new = old == &image[0] ? &image[1] : &image[0];
	int err;

	new->value = 1;
	atomic_store_explicit(&current, new, memory_order_release);
	err = kiln_synchronize();
	if (err)
		violated("synchronize", err);
	old->value = POISON;
	n_updates++;
}

static void on_alarm(int sig)
{
	violated("hangs", sig);
}

/* ---- both -------------------------------------------------------------------------- */

static void run(bool slots, unsigned seconds)
{
	u64 end = kiln_port_time_ns() + seconds * 1000000000ull;
	int n = slots ? THREADS : 2;
	pthread_t t[THREADS];

	signal(SIGUSR1, slots ? on_signal : on_signal_follow);
	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, slots ? count : follow, NULL);
	for (int i = 0; kiln_port_time_ns() < end; i++) {
		if (slots)
			usleep(300);
		else
			update_once();
		if (slots || i % 64 == 0)
			pthread_kill(t[i % n], SIGUSR1);
	}
	signal(SIGUSR1, SIG_IGN);
	stop = true;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	bool slots = argc == 3 && !strcmp(argv[1], "slots");
	u64 sum = 0;

	if (argc != 3)
		return 2;
	signal(SIGALRM, on_alarm);
	alarm((unsigned)atoi(argv[2]) + 10);
	if (slots && rt_scope_limit(SLOTS))
		violated("limit", SLOTS);
	run(slots, (unsigned)atoi(argv[2]));
	for (int i = 0; i < SLOTS; i++)
		sum += counter[i].n[0] + counter[i].n[1];
	if (sum != all)
		violated("increments were lost", (long)(all - sum));
	printf("%s: %llu scopes, %llu updates, nothing violated\n", argv[1],
		(unsigned long long)n_scopes, (unsigned long long)n_updates);
	return 0;
}
