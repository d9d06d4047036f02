/*
 * BPF_MAP_TYPE_HASH: as many keys as max_entries, every element reserved from
 * the start (BPF_F_NO_PREALLOC makes no difference here).
 *
 * An update of a key that exists puts a new element in its place, as the
 * kernel does: readers get the old value or the new one, never a mixture, and
 * who holds the address of the old value keeps the old value until the
 * element is used again.
 */
#include "runtime/hashtab.h"

void *rt_hash_lookup(struct kiln_map *m, const void *key)
{
	struct hash_found f;

	if (unlikely(map_ready(m)))
		return NULL;
	f = hash_find(m, key);
	return f.e ? hash_value(m, f.e) : NULL;
}

static int update_locked(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags)
{
	struct hash_place at = rt_hash_place(m, key, hash);
	int err = hash_check_flags(flags & ~(u64)RT_F_LOCK, at.index);
	u32 index;
	u64 *to;

	if (err)
		return err;
	if (at.index && flags & RT_F_LOCK)
		return rt_locked_put(
			m, hash_value(m, hash_elem_at(m, at.index)), value);
	if (at.index) {
		rt_hash_swap(m, key, hash, value, at);
		return 0;
	}
	index = rt_hash_alloc(m);
	if (!index)
		return -RT_E2BIG;
	to = hash_value(m, hash_elem_at(m, index));
	if (value)
		value_new(m, to, value);
	else
		words_zero(to, m->value_size);
	rt_hash_insert(m, index, key, hash);
	return 0;
}

int rt_hash_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	struct hash_stripe *s;
	int err = map_ready(m);
	u32 hash;

	if (err)
		return err;
	if ((flags & ~(u64)RT_F_LOCK) > RT_EXIST ||
		(flags & RT_F_LOCK && !rt_has_lock(m)))
		return -RT_EINVAL;
	hash = rt_hash_key(m, key);
	s = rt_hash_stripe(m, hash);
	err = kiln_port_lock(&s->lock);
	if (err)
		return err;
	err = update_locked(m, key, hash, value, flags);
	kiln_port_unlock(&s->lock);
	return err;
}

static i64 htab_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, rt_hash_value_at);
}

static void htab_setup(struct kiln_map *m)
{
	rt_hash_setup(m, false);
}

static int take(struct kiln_map *m, const void *key, void *value)
{
	return rt_hash_take(m, key, value, rt_hash_get);
}

/* The stripe's lock keeps the element the key's while the value's is taken. */
static int read_locked(struct kiln_map *m, const void *key, void *value)
{
	struct hash_stripe *s;
	struct hash_place at;
	int err = map_ready(m);
	u32 hash;

	if (err)
		return err;
	hash = rt_hash_key(m, key);
	s = rt_hash_stripe(m, hash);
	err = kiln_port_lock(&s->lock);
	if (err)
		return err;
	at = rt_hash_place(m, key, hash);
	err = -RT_ENOENT;
	if (at.index)
		err = rt_locked_get(
			m, value, hash_value(m, hash_elem_at(m, at.index)));
	kiln_port_unlock(&s->lock);
	return err;
}

RT_API const struct kiln_map_ops kiln_map_ops_hash = {
	.lookup = rt_hash_lookup,
	.update = rt_hash_update,
	.del = rt_hash_delete,
	.for_each = htab_each,
	.read = rt_hash_read,
	.read_locked = read_locked,
	.write = rt_hash_update,
	.next_key = rt_hash_next_key,
	.take = take,
	.setup = htab_setup,
};
