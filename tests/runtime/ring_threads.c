/*
 * Several producers and a consumer that waits, on one ringbuf: no record may be
 * lost, torn or doubled, each producer's come in its order, and the consumer
 * never sleeps beside a record (bpftime#429: records were lost with several
 * producers).
 *
 *   usage: ring_threads SECONDS
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum {
	PRODUCERS = 4,
	WORDS_MAX = 40,
	RING = 4096,
	DISCARDS = 5,
	PATIENCE = 2000
};

#define CHECK(what)                                                         \
	do {                                                                \
		if (!(what)) {                                              \
			printf("ring_threads.c:%d: %s\n", __LINE__, #what); \
			fflush(stdout);                                     \
			_exit(1);                                           \
		}                                                           \
	} while (0)

static struct kiln_map ring = {.type = KILN_MAP_TYPE_RINGBUF,
	.max_entries = RING,
	.max_cpus = 1,
	.ops = 0};
static _Atomic bool stop;
static u64 sent[PRODUCERS], seen[PRODUCERS];
static _Atomic u32 running = PRODUCERS;

/* word 0: producer, sequence; the others follow from it. */
static u64 word(u64 first, u64 k)
{
	return (first + k) * 0x9e3779b97f4a7c15;
}

static bool send_one(u64 who, u64 seq)
{
	u64 n = 1 + (seq * 7 + who) % WORDS_MAX, first = who << 48 | seq;
	u64 *p = PTR(u64,
		kiln_helper_ringbuf_reserve((uintptr_t)&ring, 8 * n, 0, 0, 0));

	if (!p)
		return false;
	p[0] = first;
	for (u64 k = 1; k < n; k++)
		p[k] = word(first, k);
	kiln_helper_ringbuf_submit((uintptr_t)p, 0, 0, 0, 0);
	return true;
}

static void *producer(void *arg)
{
	u64 who = (uintptr_t)arg;

	while (!stop) {
		if (send_one(who, sent[who]))
			sent[who]++;
		else
			sched_yield();
		if (sent[who] % DISCARDS == 0) {
			u64 p = kiln_helper_ringbuf_reserve(
				(uintptr_t)&ring, 24, 0, 0, 0);

			if (p)
				kiln_helper_ringbuf_discard(p, 0, 0, 0, 0);
		}
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static int consume(void *ctx, void *data, size_t size)
{
	const u64 *p = data;
	u64 who = p[0] >> 48, seq = p[0] & 0xffffffffffff;

	(void)ctx;
	CHECK(who < PRODUCERS);
	CHECK(seq == seen[who]);
	CHECK(size == 8 * (1 + (seq * 7 + who) % WORDS_MAX));
	for (u64 k = 1; k < size / 8; k++)
		CHECK(p[k] == word(p[0], k));
	seen[who]++;
	return 0;
}

int main(int argc, char **argv)
{
	u64 end = kiln_port_time_ns() +
		  (u64)atoi(argc > 1 ? argv[1] : "1") * 1000000000;
	struct kiln_ring_buffer *rb;
	pthread_t t[PRODUCERS];
	u64 all = 0;

	ring.ops = (uintptr_t)&kiln_map_ops_ringbuf;
	rb = kiln_ring_buffer_new(&ring, consume, NULL);
	CHECK(rb);
	for (uintptr_t k = 0; k < PRODUCERS; k++)
		pthread_create(&t[k], NULL, producer, (void *)k);
	while (!stop || running) {
		u64 start = kiln_port_time_ns();

		CHECK(kiln_ring_buffer_poll(rb, running ? PATIENCE : 0) >= 0);
		/* the producers turn round for ever: somebody has to wake us */
		CHECK(!running ||
			kiln_port_time_ns() - start < PATIENCE * 1000000ull);
		if (kiln_port_time_ns() > end)
			stop = true;
	}
	CHECK(kiln_ring_buffer_consume(rb) >= 0);
	for (u32 k = 0; k < PRODUCERS; k++) {
		pthread_join(t[k], NULL);
		CHECK(sent[k] == seen[k]);
		all += sent[k];
	}
	CHECK(kiln_helper_ringbuf_query((uintptr_t)&ring, 0, 0, 0, 0) == 0);
	kiln_ring_buffer_free(rb);
	printf("%llu records of %u producers\n", (unsigned long long)all,
		PRODUCERS);
	return 0;
}
