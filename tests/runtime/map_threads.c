/*
 * Threads on one hash map: what hashtab.h claims, as an invariant.
 *
 *   usage: map_threads hash|lru|lru_percpu SECONDS [PATIENCE]
 *
 * The map is small, so that elements are used again at once. Keys are two
 * words; a key is put into the map only with both words equal.
 *   - stable keys are replaced all the time and never deleted: always found
 *   - passing keys are inserted and deleted: a value read by the host is whole
 *     and of the key asked for
 *   - phantom keys have different words, each of which occurs in real keys:
 *     never found, not even by half an old and half a new key
 *   - at the end as many keys fit as at the beginning: no element was lost
 * Signal handlers do the same in between, in several threads at once: who was
 * interrupted holds a lock that another one's handler waits for. An LRU map may
 * drop stable keys, but takes every update. Per-CPU values are written in
 * place: of the key asked for, but maybe half old and half new.
 *
 * Ends with 1 at the first violation, also if something crashes, or hangs for
 * PATIENCE (60) seconds: the mutants of this test's CMakeLists.txt must be found
 * within the time.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum {
	STABLE = 4,
	PASSING = 12,
	ENTRIES = 8,
	THREADS = 4,
	WORDS = 5,
	CPUS = 4
};

struct key {
	u64 a, b;
};

struct value {
	u64 w[WORDS];
};

static struct kiln_map map;
static bool is_lru, is_percpu;
static _Atomic bool stop;
static _Atomic u64 n_reads, n_writes, n_signals;

static _Noreturn void violated(const char *what, long detail)
{
	printf("violated: %s (%ld)\n", what, detail);
	fflush(stdout);
	_exit(1);
}

static u32 rnd(u64 *rng, u32 n)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return (u32)(*rng >> 20) % n;
}

static struct key key_of(u32 i)
{
	return (struct key){1000 + i, 1000 + i};
}

/* ---- one step of a thread --------------------------------------------------- */

/* Of an LRU map with one element in the hands of everybody else, what is left
 * may be behind locks of interrupted code, where a handler does not wait. */
static bool may_fail(u32 key, bool in_handler, int err)
{
	if (err == -RT_EBUSY)
		return true;
	return is_lru ? in_handler && err == -RT_ENOMEM
		      : key >= STABLE && err == -RT_E2BIG;
}

static void write_one(u64 *rng, bool in_handler)
{
	u32 i = rnd(rng, STABLE + PASSING);
	struct key k = key_of(i);
	struct value v[CPUS];
	int err;

	if (i >= STABLE && rnd(rng, 2)) {
		err = kiln_map_delete(&map, &k);
		if (err && err != -RT_ENOENT && err != -RT_EBUSY)
			violated("delete", err);
		return;
	}
	for (int c = 0; c < CPUS; c++) {
		v[c].w[0] = k.a;
		for (int n = 1; n < WORDS; n++)
			v[c].w[n] = k.a * 31 + *rng;
	}
	err = kiln_map_update(&map, &k, v, RT_ANY);
	if (err && !may_fail(i, in_handler, err))
		violated("update", err);
}

static void read_one(u64 *rng)
{
	u32 i = rnd(rng, STABLE + PASSING);
	struct key k = key_of(i), next;
	struct value v[CPUS];
	int err = kiln_map_lookup(&map, &k, v);

	if (err && (err != -RT_ENOENT || (i < STABLE && !is_lru)))
		violated("lookup of a key that is there", err);
	for (int c = 0; !err && c < (is_percpu ? CPUS : 1); c++)
		if (v[c].w[0] != k.a)
			violated("value of another key", (long)v[c].w[0]);
	for (int n = 2; !err && !is_percpu && n < WORDS; n++)
		if (v->w[n] != v->w[1])
			violated("torn value", n);
	if (!kiln_map_next_key(&map, &k, &next) && next.a != next.b)
		violated("torn key", (long)next.a);
	if (i < STABLE && !is_lru &&
		!kiln_helper_map_lookup_elem(
			(uintptr_t)&map, (uintptr_t)&k, 0, 0, 0))
		violated("program's lookup of a key that is there", i);
}

static void look_for_phantoms(u64 *rng)
{
	struct key k = key_of(STABLE + rnd(rng, PASSING));

	for (u32 i = 0; i < STABLE + PASSING; i++) {
		k.b = key_of(i).b;
		if (k.a != k.b && kiln_helper_map_lookup_elem((uintptr_t)&map,
					  (uintptr_t)&k, 0, 0, 0))
			violated("found a key that never was", i);
	}
}

/* ---- threads ------------------------------------------------------------------- */

static void *writer(void *arg)
{
	u64 rng = 0x9e3779b97f4a7c15 * ((uintptr_t)arg + 1);

	for (; !atomic_load_explicit(&stop, memory_order_relaxed); n_writes++)
		write_one(&rng, false);
	return NULL;
}

static void *reader(void *arg)
{
	u64 rng = 0x9e3779b97f4a7c15 * ((uintptr_t)arg + 1);

	for (; !atomic_load_explicit(&stop, memory_order_relaxed); n_reads++) {
		read_one(&rng);
		look_for_phantoms(&rng);
	}
	return NULL;
}

/* Interrupts the others in the middle of anything. */
static void on_signal(int sig)
{
	static _Atomic u64 seed = 7;
	u64 rng = (atomic_fetch_add(&seed, 1) + 1) * 0x9e3779b97f4a7c15;

	(void)sig;
	for (int i = 0; i < 64; i++) {
		write_one(&rng, true);
		read_one(&rng);
	}
	n_signals++;
}

static void on_crash(int sig)
{
	violated("crashed by signal", sig);
}

/* Two writers that wait for each other write no more: the alarm ends it. */
static void run_threads(unsigned seconds, unsigned patience)
{
	pthread_t t[THREADS];
	u64 end = kiln_port_time_ns() + seconds * 1000000000ull, seen = 1;

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, i % 2 ? reader : writer, (void *)i);
	while (kiln_port_time_ns() < end) {
		if (seen != n_writes)
			alarm(patience);
		seen = n_writes;
		for (int i = 0; i < THREADS; i++)
			pthread_kill(t[i], SIGUSR1);
		usleep(100);
	}
	stop = true;
	alarm(patience);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* Nobody else is running. */
static void check_capacity(void)
{
	struct value v[CPUS] = {{{0}}};
	struct key k;
	u32 n = 0;

	for (u32 i = 0; i < STABLE + PASSING; i++) {
		k = key_of(i);
		kiln_map_delete(&map, &k);
	}
	if (!kiln_map_next_key(&map, NULL, &k))
		violated("a key is left", (long)k.a);
	for (u32 i = 0; i < ENTRIES; i++) {
		k = key_of(i);
		if (kiln_map_update(&map, &k, v, RT_NOEXIST))
			violated("an element was lost", i);
	}
	k = key_of(ENTRIES);
	if (!is_lru && kiln_map_update(&map, &k, v, 0) != -RT_E2BIG)
		violated("an element too many", ENTRIES);
	while (!kiln_map_next_key(&map, n ? &k : NULL, &k))
		n++;
	if (n != ENTRIES)
		violated("number of keys", n);
}

static void init(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct value v[CPUS] = {{{0}}};

	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_crash;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	map = (struct kiln_map){.type = is_percpu
						? KILN_MAP_TYPE_LRU_PERCPU_HASH
					: is_lru ? KILN_MAP_TYPE_LRU_HASH
						 : KILN_MAP_TYPE_HASH,
		.key_size = sizeof(struct key),
		.value_size = sizeof(struct value),
		.max_entries = ENTRIES,
		.max_cpus = CPUS,
		.ops = is_percpu ? (uintptr_t)&kiln_map_ops_lru_percpu_hash
		       : is_lru	 ? (uintptr_t)&kiln_map_ops_lru_hash
				 : (uintptr_t)&kiln_map_ops_hash};
	for (u32 i = 0; i < STABLE; i++) {
		struct key k = key_of(i);

		for (int c = 0; c < CPUS; c++)
			v[c].w[0] = k.a;
		if (kiln_map_update(&map, &k, v, 0))
			violated("first update", i);
	}
}

int main(int argc, char **argv)
{
	unsigned patience = argc > 3 ? (unsigned)atoi(argv[3]) : 60;

	if (argc < 3)
		return 2;
	is_percpu = !strcmp(argv[1], "lru_percpu");
	is_lru = is_percpu || !strcmp(argv[1], "lru");
	init();
	run_threads((unsigned)atoi(argv[2]), patience);
	check_capacity();
	printf("%s: %llu reads, %llu writes, %llu signals, nothing violated\n",
		argv[1], (unsigned long long)n_reads,
		(unsigned long long)n_writes, (unsigned long long)n_signals);
	return 0;
}
