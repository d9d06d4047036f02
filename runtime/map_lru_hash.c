/*
 * BPF_MAP_TYPE_LRU_HASH: a hash that makes room by dropping an element that
 * was not used for long (lru.c). An insertion into a full map never fails
 * with -E2BIG.
 */
#include "runtime/hashtab.h"

static void *lru_lookup(struct kiln_map *m, const void *key)
{
	struct hash_found f;

	if (unlikely(map_ready(m)))
		return NULL;
	f = hash_find(m, key);
	if (!f.e)
		return NULL;
	hash_used(f.e);
	return hash_value(m, f.e);
}

/* fresh is an element to use if the key is new, or 0. Returns 1 if fresh was
 * used, -EAGAIN if it is needed, else 0 or a final error. */
static int update_locked(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags, u32 fresh)
{
	struct hash_place at = rt_hash_place(m, key, hash);
	int err = hash_check_flags(flags, at.index);
	struct hash_elem *e;

	if (err)
		return err;
	if (at.index) {
		e = hash_elem_at(m, rt_hash_swap(m, key, hash, value, at));
		store32(&e->ref, 1, memory_order_relaxed);
		return 0;
	}
	if (!fresh)
		fresh = rt_hash_alloc(m);
	if (!fresh)
		return -RT_EAGAIN;
	e = hash_elem_at(m, fresh);
	store32(&e->ref, 0, memory_order_relaxed);
	value_new(m, hash_value(m, e), value);
	rt_hash_insert(m, fresh, key, hash);
	return 1;
}

static int try_update(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags, u32 fresh)
{
	struct hash_stripe *s = rt_hash_stripe(m, hash);
	int err = kiln_port_lock(&s->lock);

	if (err)
		return err;
	err = update_locked(m, key, hash, value, flags, fresh);
	kiln_port_unlock(&s->lock);
	return err;
}

static int lru_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	int err = flags > RT_EXIST ? -RT_EINVAL : map_ready(m);
	u32 hash, fresh;

	if (err)
		return err;
	hash = rt_hash_key(m, key);
	err = try_update(m, key, hash, value, flags, 0);
	if (err != -RT_EAGAIN)
		return err < 0 ? err : 0;
	/* Full. Make room with no lock held, then look again: somebody else
	 * may have inserted the key meanwhile. */
	fresh = rt_hash_evict(m);
	if (!fresh)
		return -RT_ENOMEM;
	err = try_update(m, key, hash, value, flags, fresh);
	if (err != 1)
		rt_hash_free(m, fresh);
	return err < 0 ? err : 0;
}

static i64 lru_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, rt_hash_value_at);
}

static void lru_setup(struct kiln_map *m)
{
	rt_hash_setup(m, false);
}

static int take(struct kiln_map *m, const void *key, void *value)
{
	return rt_hash_take(m, key, value, rt_hash_get);
}

RT_API const struct kiln_map_ops kiln_map_ops_lru_hash = {
	.lookup = lru_lookup,
	.update = lru_update,
	.del = rt_hash_delete,
	.for_each = lru_each,
	.read = rt_hash_read,
	.write = lru_update,
	.next_key = rt_hash_next_key,
	.take = take,
	.setup = lru_setup,
};
