/* Rings; P1 to C2 are steps of ring.h. */
#include "runtime/ring.h"

void ring_setup(struct ring *r, u64 size)
{
	r->mask = size - 1;
}

static struct ring_rec *rec_at(struct ring *r, u64 place)
{
	return (struct ring_rec *)(void *)(r->data + (place & r->mask));
}

static u64 rec_bytes(u64 len)
{
	return align_up(len + RING_RECORD_HEADER, 8);
}

static struct ring_rec *reserve_locked(struct ring *r, u64 len)
{
	u64 at = load64(&r->producer, memory_order_relaxed);
	u64 end = at + rec_bytes(len);
	struct ring_rec *rec = rec_at(r, at);

	/* P1; one byte stays free, as in the kernel */
	if (end - load64(&r->consumer, memory_order_acquire) > r->mask)
		return NULL;
	rec->back = (u32)(((u8 *)rec - (u8 *)r) / 8);
	store32(&rec->len, (u32)len | RING_BUSY, memory_order_relaxed);
	store64(&r->producer, end, memory_order_release);
	return rec;
}

void *ring_reserve(struct ring *r, u64 len)
{
	struct ring_rec *rec;

	if (len > RING_LEN || rec_bytes(len) > r->mask + 1)
		return NULL;
	if (kiln_port_lock(&r->lock))
		return NULL;
	rec = reserve_locked(r, len);
	kiln_port_unlock(&r->lock);
	return rec ? rec + 1 : NULL;
}

static void wake(struct ring *r)
{
	u64 fn = load64(&r->wake, memory_order_acquire);

	if (fn)
		((void (*)(struct ring *))(uintptr_t)fn)(r);
}

void ring_commit(void *data, u64 flags, bool discard)
{
	struct ring_rec *rec = (struct ring_rec *)data - 1;
	struct ring *r = (struct ring *)(void *)((u8 *)rec - 8ull * rec->back);
	u32 len = load32(&rec->len, memory_order_relaxed) & RING_LEN;
	u64 place = (u64)((u8 *)rec - r->data);
	u64 at;

	store32(&rec->len, len | (discard ? RING_DISCARD : 0u), /* P3 */
		memory_order_release);
	atomic_thread_fence(memory_order_seq_cst); /* partner: behind C2 */
	at = load64(&r->consumer, memory_order_relaxed) & r->mask; /* P4 */
	if (flags & RING_FORCE_WAKEUP ||
		(at == place && !(flags & RING_NO_WAKEUP)))
		wake(r);
}

int ring_consume(
	struct ring *r, int (*fn)(void *ctx, void *data, size_t n), void *ctx)
{
	u64 at = load64(&r->consumer, memory_order_relaxed);
	int n = 0, err = 0;

	while (!err && at != load64(&r->producer, memory_order_acquire)) {
		struct ring_rec *rec = rec_at(r, at);
		u32 len = load32(&rec->len, memory_order_acquire); /* C1 */

		if (len & RING_BUSY)
			break;
		if (!(len & RING_DISCARD)) {
			err = fn(ctx, rec + 1, len);
			n += n < INT32_MAX;
		}
		at += rec_bytes(len & RING_LEN);
		store64(&r->consumer, at, memory_order_release); /* C2 */
		/* partner: between P3 and P4 */
		atomic_thread_fence(memory_order_seq_cst);
	}
	return err < 0 ? err : n;
}

/* ---- what these kinds of map do not do ---------------------------------------- */

void *ring_no_lookup(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return NULL;
}

int ring_no_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	(void)m, (void)key, (void)value, (void)flags;
	return -RT_ENOTSUP;
}

int ring_no_delete(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return -RT_ENOTSUP;
}

i64 ring_no_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	(void)m, (void)fn, (void)ctx;
	return -RT_EINVAL;
}

int ring_no_read(struct kiln_map *m, const void *key, void *value)
{
	(void)m, (void)key, (void)value;
	return -RT_ENOTSUP;
}

int ring_no_next(struct kiln_map *m, const void *key, void *next)
{
	(void)m, (void)key, (void)next;
	return -RT_ENOTSUP;
}
