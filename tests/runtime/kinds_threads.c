/*
 * Threads on one map without a hash: what map_lpm_trie.c, map_queue.c and
 * map_bloom_filter.c claim.
 *
 *   usage: kinds_threads trie|queue|stack|bloom SECONDS
 *
 * trie   One prefix of 8 bits always is there and is replaced all the time;
 *        longer ones below it come and go. Who looks for an address under it
 *        finds a value that was put in with a prefix of that address, at
 *        least as long; addresses elsewhere are not found
 * queue  Values of each writer come out in their order, once, whole
 * stack  What is pushed comes out once, whole
 * bloom  What was pushed is found ever after
 *
 * Ends with 1 at the first violation, also if something hangs or crashes.
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

enum { THREADS = 4, WORDS = 4, ENTRIES = 16, SENT = 1 << 16 };

static struct kiln_map map;
static _Atomic bool stop;
static _Atomic u64 n_done;
static _Atomic u32 bloom_upto;
/* per writer: how often what it pushed came out */
static _Atomic u32 pushed[THREADS], popped[THREADS];

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

/* ---- trie ------------------------------------------------------------------------ */

struct prefix {
	u32 bits;
	u8 data[12];
};

struct value {
	u64 bits, data, sum;
};

/* The first 8 bits are 10; the next are few, so that paths fork and join. */
static struct prefix prefix_of(u64 *rng)
{
	struct prefix p = {.bits = 8 + rnd(rng, 9) * 10, .data = {10}};

	for (u32 i = 1; i < sizeof(p.data); i++)
		p.data[i] = rnd(rng, 2) ? 0xff : 0;
	return p;
}

static bool begins_with(const struct prefix *p, const struct value *v)
{
	u64 a, b;

	memcpy(&a, p->data, 8);
	b = a ^ v->data;
	return v->bits <= p->bits &&
	       !(v->bits >= 64 ? b : __builtin_bswap64(b) >> (64 - v->bits));
}

static void trie_write(u64 *rng)
{
	struct prefix p = prefix_of(rng);
	struct value v = {.bits = p.bits};
	int err;

	memcpy(&v.data, p.data, 8);
	v.sum = v.bits ^ v.data;
	if (p.bits > 8 && rnd(rng, 2))
		err = kiln_map_delete(&map, &p);
	else
		err = kiln_map_update(&map, &p, &v, 0);
	if (err && err != -RT_ENOENT && err != -RT_EBUSY &&
		(err != -RT_ENOSPC || p.bits == 8))
		violated("trie write", err);
}

static void trie_read(u64 *rng)
{
	struct prefix p = prefix_of(rng), other;
	struct value v;
	int err;

	p.bits = 96;
	err = kiln_map_lookup(&map, &p, &v);
	if (err)
		violated("a prefix that is there is not found", err);
	if (v.sum != (v.bits ^ v.data))
		violated("torn value", (long)v.bits);
	if (!begins_with(&p, &v))
		violated("value of a prefix of another address", (long)v.bits);
	other = p;
	other.data[0] = 11;
	if (!kiln_map_lookup(&map, &other, &v))
		violated("found outside of all prefixes", (long)v.bits);
}

/* ---- queue, stack ------------------------------------------------------------------ */

static void ring_push(u32 me)
{
	u64 w[WORDS];
	u32 n = pushed[me];

	for (u32 i = 0; i < WORDS; i++)
		w[i] = (u64)me << 32 | n;
	if (!kiln_map_update(&map, NULL, w, 0))
		pushed[me] = n + 1;
}

static void ring_pop(bool in_order)
{
	static _Atomic u32 only_one;
	u64 w[WORDS];
	u32 none = 0;

	/* one at a time, so that their order can be seen */
	if (in_order && !atomic_compare_exchange_strong(&only_one, &none, 1))
		return;
	if (!kiln_map_lookup_and_delete(&map, NULL, w)) {
		u32 who = (u32)(w[0] >> 32), n = popped[who % THREADS]++;

		for (u32 i = 1; i < WORDS; i++)
			if (w[i] != w[0])
				violated("torn value", (long)w[i]);
		if (who >= THREADS || (in_order && (u32)w[0] != n))
			violated("not the next of its writer", (long)w[0]);
	}
	if (in_order)
		only_one = 0;
}

/* ---- bloom --------------------------------------------------------------------------- */

static void bloom_write(void)
{
	u32 next = bloom_upto;

	if (next < SENT && !kiln_map_update(&map, NULL, &next, 0))
		bloom_upto = next + 1;
}

static void bloom_read(u64 *rng)
{
	u32 n = bloom_upto, v = n ? n - 1 - rnd(rng, n < 100 ? n : 100) : 0;

	if (n && kiln_map_lookup(&map, NULL, &v))
		violated("what was pushed is not found", (long)v);
}

/* ---- threads --------------------------------------------------------------------------- */

static void one_step(u32 me, u64 *rng)
{
	bool writes = me % 2 == 0;

	switch (map.type) {
	case KILN_MAP_TYPE_LPM_TRIE:
		writes ? trie_write(rng) : trie_read(rng);
		return;
	case KILN_MAP_TYPE_BLOOM_FILTER:
		if (me == 0)
			bloom_write();
		else
			bloom_read(rng);
		return;
	default:
		if (writes)
			ring_push(me);
		else
			ring_pop(map.type == KILN_MAP_TYPE_QUEUE);
	}
}

static void *work(void *arg)
{
	u32 me = (u32)(uintptr_t)arg;
	u64 rng = 0x9e3779b97f4a7c15 * (me + 1);

	for (; !atomic_load_explicit(&stop, memory_order_relaxed); n_done++)
		one_step(me, &rng);
	return NULL;
}

static void on_crash(int sig)
{
	violated(sig == SIGALRM ? "hangs" : "crashed by signal", sig);
}

static void init(const char *kind)
{
	static const struct {
		const char *name;
		u32 type, key, value, flags, entries;
		const struct kiln_map_ops *ops;
	} kinds[] = {
		{"trie", KILN_MAP_TYPE_LPM_TRIE, 16, 24, F_NO_PREALLOC, 32,
			&kiln_map_ops_lpm_trie},
		{"queue", KILN_MAP_TYPE_QUEUE, 0, 8 * WORDS, 0, ENTRIES,
			&kiln_map_ops_queue},
		{"stack", KILN_MAP_TYPE_STACK, 0, 8 * WORDS, 0, ENTRIES,
			&kiln_map_ops_stack},
		{"bloom", KILN_MAP_TYPE_BLOOM_FILTER, 0, 4, 0, SENT,
			&kiln_map_ops_bloom_filter},
	};
	struct prefix p = {.bits = 8, .data = {10}};
	struct value v = {.bits = 8, .data = 10, .sum = 8 ^ 10};

	for (u32 i = 0; i < countof(kinds); i++)
		if (!strcmp(kinds[i].name, kind))
			map = (struct kiln_map){.type = kinds[i].type,
				.key_size = kinds[i].key,
				.value_size = kinds[i].value,
				.flags = kinds[i].flags,
				.max_entries = kinds[i].entries,
				.max_cpus = 4,
				.ops = (uintptr_t)kinds[i].ops};
	if (!map.ops)
		exit(2);
	if (map.type == KILN_MAP_TYPE_LPM_TRIE &&
		kiln_map_update(&map, &p, &v, 0))
		violated("first update", 0);
}

/* Nobody else is running. */
static void drain(void)
{
	u32 in = 0, out = 0;

	if (map.type != KILN_MAP_TYPE_QUEUE && map.type != KILN_MAP_TYPE_STACK)
		return;
	for (u32 i = 0; i <= ENTRIES; i++)
		ring_pop(map.type == KILN_MAP_TYPE_QUEUE);
	for (u32 i = 0; i < THREADS; i++) {
		in += pushed[i];
		out += popped[i];
	}
	if (in != out)
		violated("values were lost", (long)in - (long)out);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_crash};
	pthread_t t[THREADS];

	if (argc != 3)
		return 2;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	alarm((unsigned)atoi(argv[2]) + 60);
	init(argv[1]);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	sleep((unsigned)atoi(argv[2]));
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	drain();
	printf("%s: %llu steps, nothing violated\n", argv[1],
		(unsigned long long)n_done);
	return 0;
}
