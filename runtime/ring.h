/*
 * The ring behind ringbuf and perf_event_array maps: variable-sized records,
 * many producers, one consumer. Core.
 *
 *	line 0  consumer  bytes consumed, ever
 *	line 1  producer  bytes reserved, ever; the producers' lock; the rest
 *	data    size bytes, and as many again
 *
 *	record  { u32 len | BUSY | DISCARD; u32 back; bytes, to 8 }
 *
 * A record is in one piece: one that begins near the end of data goes on behind
 * it, where the kernel maps the same pages once more. No other record uses the
 * bytes at the start of data that this one covers by its position.
 *
 *   P1  reserve, under the lock: consumer (acquire: what it gave back is read)
 *       says what is free; the header with BUSY; then producer moves
 *   P2  the bytes are the program's
 *   P3  commit: the header without BUSY (the bytes show before it)
 *   P4  commit: reads consumer; at this record: it waits, or will: wake it
 *   C1  consume: reads producer, then the header; BUSY: ends here
 *   C2  moves consumer behind the record
 *
 * No record is lost, no wake-up either: of the fences between P3 and P4 and
 * behind C2 one is first. If P4 sees a consumer that is not at the record yet,
 * the fence behind the C2 that brings it there is the later one, and the C1
 * behind it sees P1 and P3. (Fences, not seq_cst accesses: qemu-user 7.2 lets
 * arm64's ldar pass an stlr.)
 */
#ifndef KILN_RUNTIME_RING_H
#define KILN_RUNTIME_RING_H

#include "kiln/map_size.h"
#include "runtime/rt.h"

enum {
	RING_BUSY = 1u << 31,
	RING_DISCARD = 1u << 30,
	RING_LEN = RING_DISCARD - 1,
	RING_RECORD_HEADER = 8,
};

enum ring_wakeup { RING_NO_WAKEUP = 1, RING_FORCE_WAKEUP = 2 }; /* BPF_RB_* */

struct ring {
	u64 consumer;
	u64 line0[7];
	u64 producer;
	u64 mask; /* size - 1; 0: not set up */
	u64 lost; /* records that had no place, since the consumer asked */
	u64 wake; /* address of void (struct ring *), or 0 */
	u32 lock;
	u32 open; /* perf: somebody consumes; user_ringbuf: now */
	u32 fd;	  /* hosted: 1 + eventfd, or 0 */
	u32 line1[5];
	u8 data[];
};

_Static_assert(sizeof(struct ring) == MAP_RING_HEADER, "map_size.h");

struct ring_rec {
	u32 len;
	u32 back; /* 8-byte words from the ring's start */
};

/* The ring of a map whose storage stands; size is a power of two. */
void ring_setup(struct ring *r, u64 size);
/* Room for len bytes, or NULL: none is left, or this context is in here. */
void *ring_reserve(struct ring *r, u64 len);
/* data is from ring_reserve(). */
void ring_commit(void *data, u64 flags, bool discard);
/* fn(ctx, bytes, size) for each record, until it fails: how many, or that. */
int ring_consume(
	struct ring *r, int (*fn)(void *ctx, void *data, size_t n), void *ctx);

/* Operations that these kinds of map do not have. */
void *ring_no_lookup(struct kiln_map *m, const void *key);
int ring_no_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags);
int ring_no_delete(struct kiln_map *m, const void *key);
i64 ring_no_each(struct kiln_map *m, callback_fn fn, u64 ctx);
int ring_no_read(struct kiln_map *m, const void *key, void *value);
int ring_no_next(struct kiln_map *m, const void *key, void *next);

/* What a program's struct bpf_dynptr holds. */
struct dynptr {
	u64 data;
	u32 size;
	u32 reserved;
};

/* map_ringbuf.c: of a ringbuf map, or NULL. */
struct ring *ringbuf_of(struct kiln_map *m);
/* map_perf_event_array.c: of a perf_event_array's CPU slot, or NULL. */
struct ring *perf_ring_of(struct kiln_map *m, u32 cpu);

#endif
