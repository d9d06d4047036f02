/*
 * Threads that start, cancel and end timers while they run: what
 * helper_timer.c claims, as invariants.
 *
 *   usage: timer_threads SECONDS
 *
 * Each worker has elements of its own. Callbacks look at what their element's
 * worker says of it:
 * - after cancel none begins, and none is inside: worker and callback write
 *   plain memory by turns, which TSan watches, too
 * - after an element was deleted none begins: a grace period later it is dead
 * - after the timers of a map were dropped, as a close does, none begins, and
 *   none is inside
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum { MINE = 4, VALUES = 16, ON = 1, OFF = 2 };

struct value {
	u64 number; /* of its state in `may` and `work` */
	u64 timer[2];
};

static const struct kiln_map_field field = {8, 16, KILN_FIELD_TIMER};
static u64 may[3 * MINE];  /* ON: a callback may run; OFF: it must not */
static u64 work[3 * MINE]; /* plain: whose turn it is */
static _Atomic u64 n_calls;
static _Atomic bool stop;

static _Noreturn void violated(const char *what, u64 detail)
{
	printf("violated: %s (%llu)\n", what, (unsigned long long)detail);
	fflush(stdout);
	_exit(1);
}

static struct kiln_map *new_map(u32 type, const struct kiln_map_ops *ops)
{
	const struct map_shape shape = {
		type, 4, sizeof(struct value), VALUES, 64, 0};
	struct kiln_map *m = calloc(1, sizeof(*m));
	void *storage = NULL;
	u64 bytes;

	if (!m || kiln_map_storage(&shape, &bytes) ||
		posix_memalign(&storage, 64, bytes))
		violated("memory", 0);
	memset(storage, 0, bytes);
	*m = (struct kiln_map){.type = type,
		.key_size = 4,
		.value_size = sizeof(struct value),
		.max_entries = VALUES,
		.max_cpus = 64,
		.values = (uintptr_t)storage,
		.values_size = bytes,
		.ops = (uintptr_t)ops,
		.fields = (uintptr_t)&field,
		.nfields = 1};
	return m;
}

static void spin(u32 n)
{
	for (u32 i = 0; i < n; i++)
		kiln_port_relax();
}

/* number of the state is also the key */
static u64 on_timer(u64 map, u64 key, u64 value, u64 none, u64 none2)
{
	u64 i = load64(PTR(u64, value), memory_order_relaxed);
	u64 was;

	(void)map, (void)key, (void)none, (void)none2;
	if (load64(&may[i], memory_order_acquire) == OFF)
		violated("a callback begins", i);
	if (i / MINE != 1) { /* not those that are deleted under it */
		was = work[i]++;
		spin(200);
		if (work[i] != was + 1 ||
			load64(&may[i], memory_order_acquire) == OFF)
			violated("a callback is inside", i);
	}
	n_calls++;
	return 0;
}

static struct value *lookup(struct kiln_map *m, u32 key)
{
	return PTR(struct value, kiln_helper_map_lookup_elem((uintptr_t)m,
					 (uintptr_t)&key, 0, 0, 0));
}

static void update(struct kiln_map *m, u32 key)
{
	struct value v = {key, {0}};

	if (kiln_map_update(m, &key, &v, 0))
		violated("update", key);
}

static void arm(struct kiln_map *m, u32 key, u64 ns)
{
	u64 t = (uintptr_t)lookup(m, key)->timer;

	kiln_helper_timer_init(t, (uintptr_t)m, 1, 0, 0);
	store64(&may[key], ON, memory_order_release);
	if (kiln_helper_timer_set_callback(t, (uintptr_t)on_timer, 0, 0, 0) ||
		kiln_helper_timer_start(t, ns, 0, 0, 0))
		violated("start", key);
}

/* What nobody else may touch now. */
static void off(u32 key)
{
	store64(&may[key], OFF, memory_order_release);
	work[key] = 0;
	spin(300);
	if (work[key])
		violated("somebody is inside", key);
}

static void *cancels(void *arg)
{
	struct kiln_map *m = new_map(KILN_MAP_TYPE_ARRAY, &kiln_map_ops_array);
	u32 seed = 1;

	(void)arg;
	for (u32 key = 0; key < MINE; key++)
		update(m, key);
	while (!stop) {
		u32 key = rand_r((unsigned *)&seed) % MINE;

		arm(m, key, seed % 60000);
		spin(seed % 4000);
		if (kiln_helper_timer_cancel(
			    (uintptr_t)lookup(m, key)->timer, 0, 0, 0, 0) > 1)
			violated("cancel", key);
		off(key);
	}
	return NULL;
}

static void *deletes(void *arg)
{
	struct kiln_map *m = new_map(KILN_MAP_TYPE_HASH, &kiln_map_ops_hash);
	u32 seed = 2;

	(void)arg;
	while (!stop) {
		u32 key = MINE + rand_r((unsigned *)&seed) % MINE;

		update(m, key);
		arm(m, key, seed % 60000);
		spin(seed % 4000);
		if (seed % 2)
			update(m, key); /* another element's */
		else if (kiln_map_delete(m, &key))
			violated("delete", key);
		if (kiln_synchronize())
			continue; /* no processor for a second */
		store64(&may[key], OFF, memory_order_release);
		spin(300);
	}
	return NULL;
}

static void *drops(void *arg)
{
	struct kiln_map *m = new_map(KILN_MAP_TYPE_ARRAY, &kiln_map_ops_array);
	u32 seed = 3, key;

	(void)arg;
	while (!stop) {
		for (key = 2 * MINE; key < 3 * MINE; key++) {
			update(m, key);
			arm(m, key, rand_r((unsigned *)&seed) % 60000);
		}
		spin(seed % 8000);
		if (rt_timers_drop((uintptr_t)m, (uintptr_t)(m + 1)))
			violated("drop", 0);
		for (key = 2 * MINE; key < 3 * MINE; key++)
			off(key);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	void *(*const role[])(void *) = {cancels, deletes, drops};
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, role[i], NULL);
	sleep((unsigned)(argc > 1 ? atoi(argv[1]) : 1));
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("%llu callbacks\n", (unsigned long long)n_calls);
	if (!n_calls)
		violated("nothing ran", 0);
	fflush(stdout);
	_exit(0); /* the runner has no end */
}
