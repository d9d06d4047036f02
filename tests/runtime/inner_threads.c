/*
 * Threads on maps of maps: what inner.c claims, as an invariant.
 *
 *   usage: inner_threads SECONDS
 *
 * Writers put new maps, whose one value is MAGIC, in the places of an
 * array_of_maps and a hash_of_maps, let go of them and take them out again;
 * readers look maps up inside run scopes, rest, and look in them. A map that
 * was freed too early is unmapped, or another's: the value is not MAGIC, or
 * the reader crashes. A reader that gets no processor for a second makes an
 * update time out, which is its right.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum { PLACES = 3, READERS = 3, WRITERS = 2 };
#define MAGIC ((u64)0x600dc0de600dc0de)

/* Scopes are assembly: TSan is told what scope_threads tests. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *p);
void __tsan_release(void *p);
int __real_kiln_synchronize(void);
int __wrap_kiln_synchronize(void);
static u32 scopes;

int __wrap_kiln_synchronize(void)
{
	int err = __real_kiln_synchronize();

	__tsan_acquire(&scopes);
	return err;
}

static void leave(void)
{
	__tsan_release(&scopes);
	kiln_scope_leave();
}
#else
#define leave kiln_scope_leave
#endif

static struct kiln_map *outer[2];
static _Atomic bool stop;
static _Atomic u64 n_found, n_written;

static _Noreturn void violated(const char *what, long detail)
{
	printf("violated: %s (%ld)\n", what, detail);
	fflush(stdout);
	_exit(1);
}

static void on_crash(int sig)
{
	violated("crashed by signal", sig);
}

static struct kiln_map *new_inner(void)
{
	struct kiln_map *m =
		kiln_map_create(KILN_MAP_TYPE_HASH, "inner", 4, 8, 4, NULL);
	u64 value = MAGIC;
	u32 key = 1;

	if (!m || kiln_map_update(m, &key, &value, 0))
		violated("new map", 0);
	return m;
}

static void *writer(void *arg)
{
	u32 i = (u32)(uintptr_t)arg;

	for (; !stop; i++) {
		struct kiln_map *m = new_inner(), *in = outer[i / PLACES % 2];
		u32 place = i % PLACES;
		int err = kiln_map_update(in, &place, &m, 0);

		kiln_map_free(m);
		if (err && err != -RT_ETIMEDOUT)
			violated("update", err);
		if (i % 4 == 0)
			err = kiln_map_delete(in, &place);
		if (err && err != -RT_ENOENT && err != -RT_ETIMEDOUT)
			violated("delete", err);
		n_written++;
	}
	return NULL;
}

static void read_one(struct kiln_map *in, u32 place)
{
	struct kiln_map *m;
	u32 key = 1;
	u64 *v;

	m = PTR(struct kiln_map, kiln_helper_map_lookup_elem((uintptr_t)in,
					 (uintptr_t)&place, 0, 0, 0));
	if (!m)
		return;
	for (int i = 0; i < 100; i++)
		kiln_port_relax();
	v = PTR(u64, kiln_helper_map_lookup_elem(
			     (uintptr_t)m, (uintptr_t)&key, 0, 0, 0));
	if (!v || *v != MAGIC)
		violated("not the value of an inner map", place);
	n_found++;
}

static void *reader(void *arg)
{
	for (u32 i = (u32)(uintptr_t)arg; !stop; i++) {
		kiln_scope_enter();
		read_one(outer[i / PLACES % 2], i % PLACES);
		leave();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct kiln_map_create_opts opts = {.sz = sizeof(opts)};
	struct sigaction sa = {.sa_handler = on_crash};
	pthread_t t[READERS + WRITERS];

	if (argc != 2)
		return 2;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	opts.inner = new_inner();
	outer[0] = kiln_map_create(
		KILN_MAP_TYPE_ARRAY_OF_MAPS, "a", 4, 4, PLACES, &opts);
	outer[1] = kiln_map_create(
		KILN_MAP_TYPE_HASH_OF_MAPS, "h", 4, 4, PLACES, &opts);
	if (!outer[0] || !outer[1])
		violated("new map of maps", 0);
	for (uintptr_t i = 0; i < READERS + WRITERS; i++)
		pthread_create(
			&t[i], NULL, i < READERS ? reader : writer, (void *)i);
	sleep((unsigned)atoi(argv[1]));
	stop = true;
	for (int i = 0; i < READERS + WRITERS; i++)
		pthread_join(t[i], NULL);
	if (opts.inner->refs != 3)
		violated("holds of the template", opts.inner->refs);
	kiln_map_free(outer[0]);
	kiln_map_free(outer[1]);
	if (opts.inner->refs != 1)
		violated("holds of the template", opts.inner->refs);
	kiln_map_free(opts.inner);
	printf("%llu maps, %llu found, nothing violated\n",
		(unsigned long long)n_written, (unsigned long long)n_found);
	return 0;
}
