/*
 * BPF_MAP_TYPE_USER_RINGBUF: records from the host to programs. The ring of
 * ring.h with the roles exchanged: threads of the host produce, a program
 * drains, one at a time. Records are committed without waking anybody.
 */
#include "kiln/runtime.h"
#include "runtime/ring.h"

enum { SAMPLES_MAX = 128 * 1024 }; /* BPF_MAX_USER_RINGBUF_SAMPLES */

static struct ring *ring_of(struct kiln_map *m)
{
	if (!m || m->type != KILN_MAP_TYPE_USER_RINGBUF || map_ready(m))
		return NULL;
	return (struct ring *)(uintptr_t)m->values;
}

static void setup(struct kiln_map *m)
{
	ring_setup((struct ring *)(uintptr_t)m->values,
		map_ring_size(m->max_entries));
}

RT_API const struct kiln_map_ops kiln_map_ops_user_ringbuf = {
	.lookup = ring_no_lookup,
	.update = ring_no_update,
	.del = ring_no_delete,
	.for_each = ring_no_each,
	.read = ring_no_read,
	.write = ring_no_update,
	.next_key = ring_no_next,
	.setup = setup,
};

/* ---- the host ------------------------------------------------------------------ */

RT_API void *kiln_user_ring_reserve(struct kiln_map *m, uint32_t size)
{
	struct ring *r = ring_of(m);

	return r ? ring_reserve(r, size) : NULL;
}

RT_API void kiln_user_ring_submit(struct kiln_map *m, void *sample)
{
	(void)m;
	ring_commit(sample, RING_NO_WAKEUP, false);
}

RT_API void kiln_user_ring_discard(struct kiln_map *m, void *sample)
{
	(void)m;
	ring_commit(sample, RING_NO_WAKEUP, true);
}

/* ---- helper -------------------------------------------------------------------- */

struct drain {
	callback_fn fn;
	u64 ctx;
	u64 n;
};

/* Negative: no more; the record is consumed. */
static int one(void *ctx, void *data, size_t size)
{
	struct dynptr p = {(uintptr_t)data, (u32)size, 0};
	struct drain *d = ctx;

	d->n++;
	return d->fn((uintptr_t)&p, d->ctx, 0, 0, 0) || d->n == SAMPLES_MAX ? -1
									    : 0;
}

/* bpf_user_ringbuf_drain(map, callback(dynptr, ctx), ctx, flags): how many */
HELPER_FN(user_ringbuf_drain)
{
	struct drain d = {(callback_fn)(uintptr_t)a2, a3, 0};
	struct ring *r = ring_of(PTR(struct kiln_map, a1));

	if (!r || a4 & ~(u64)(RING_NO_WAKEUP | RING_FORCE_WAKEUP))
		return FAILED(EINVAL);
	if (atomic_exchange_explicit(
		    ATOMIC32(&r->open), 1, memory_order_acquire))
		return FAILED(EBUSY);
	ring_consume(r, one, &d);
	store32(&r->open, 0, memory_order_release);
	return d.n;
}
