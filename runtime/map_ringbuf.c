/*
 * BPF_MAP_TYPE_RINGBUF: records in the order of their reservation. max_entries
 * is its size in bytes, rounded up to a power of two of at least 4096.
 */
#include "kiln/runtime.h"
#include "runtime/ring.h"

struct ring *ringbuf_of(struct kiln_map *m)
{
	if (!m || m->type != KILN_MAP_TYPE_RINGBUF || map_ready(m))
		return NULL;
	return (struct ring *)(uintptr_t)m->values;
}

static void setup(struct kiln_map *m)
{
	ring_setup((struct ring *)(uintptr_t)m->values,
		map_ring_size(m->max_entries));
}

RT_API const struct kiln_map_ops kiln_map_ops_ringbuf = {
	.lookup = ring_no_lookup,
	.update = ring_no_update,
	.del = ring_no_delete,
	.for_each = ring_no_each,
	.read = ring_no_read,
	.write = ring_no_update,
	.next_key = ring_no_next,
	.setup = setup,
};

RT_API int kiln_ring_consume(struct kiln_map *m, kiln_ring_fn fn, void *ctx)
{
	struct ring *r = ringbuf_of(m);

	return r && fn ? ring_consume(r, fn, ctx) : -RT_EINVAL;
}

/* ---- helpers ------------------------------------------------------------------- */

enum { AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS }; /* BPF_RB_* */

static bool is_wakeup(u64 flags)
{
	return !(flags & ~(u64)(RING_NO_WAKEUP | RING_FORCE_WAKEUP));
}

HELPER_FN(ringbuf_reserve)
{
	struct ring *r = ringbuf_of(PTR(struct kiln_map, a1));

	return r && !a3 ? (uintptr_t)ring_reserve(r, a2) : 0;
}

HELPER_FN(ringbuf_submit)
{
	ring_commit(PTR(void, a1), a2, false);
	return 0;
}

HELPER_FN(ringbuf_discard)
{
	ring_commit(PTR(void, a1), a2, true);
	return 0;
}

HELPER_FN(ringbuf_output)
{
	struct ring *r = ringbuf_of(PTR(struct kiln_map, a1));
	void *p;

	if (!r || !is_wakeup(a4))
		return FAILED(EINVAL);
	p = ring_reserve(r, a3);
	if (!p)
		return FAILED(EAGAIN);
	__builtin_memcpy(p, PTR(void, a2), a3);
	ring_commit(p, a4, false);
	return 0;
}

HELPER_FN(ringbuf_query)
{
	struct ring *r = ringbuf_of(PTR(struct kiln_map, a1));
	u64 producer, consumer;

	if (!r)
		return 0;
	consumer = load64(&r->consumer, memory_order_acquire);
	producer = load64(&r->producer, memory_order_acquire);
	switch (a2) {
	case AVAIL_DATA: return producer - consumer;
	case RING_SIZE: return r->mask + 1;
	case CONS_POS: return consumer;
	case PROD_POS: return producer;
	}
	return 0;
}
