/*
 * BPF_MAP_TYPE_HASH_OF_MAPS: a hash whose values are addresses of maps. How
 * inner maps live: inner.c; the table: hashtab.h.
 *
 * An element that is removed keeps its value until it is used again, but a
 * lookup gives a value only if the element was still alive after the value was
 * read: so it gives no map that had left its place before the lookup began,
 * and one that leaves meanwhile is waited for.
 *
 * Programs only look up. The host's values are struct kiln_map *.
 */
#include "runtime/hashtab.h"
#include "runtime/inner.h"

static void *lookup(struct kiln_map *m, const void *key)
{
	struct hash_found f;
	u64 inner;

	if (unlikely(map_ready(m)))
		return NULL;
	do {
		f = hash_find(m, key);
		if (!f.e)
			return NULL;
		inner = load64(hash_value(m, f.e), memory_order_relaxed);
	} while (!hash_alive(f.e, f.gen));
	return PTR(void, inner);
}

static struct kiln_map *inner_at(struct kiln_map *m, u32 index)
{
	u64 *value = hash_value(m, hash_elem_at(m, index));

	return PTR(struct kiln_map, load64(value, memory_order_relaxed));
}

static void put_new(struct kiln_map *m, u32 index, const void *key, u32 hash,
	const u64 *inner)
{
	words_put(hash_value(m, hash_elem_at(m, index)), inner, 8);
	rt_hash_insert(m, index, key, hash);
}

/* old: what was in its place. */
static int write_locked(struct kiln_map *m, const void *key, u32 hash,
	struct kiln_map *to, u64 flags, struct kiln_map **old)
{
	struct hash_place at = rt_hash_place(m, key, hash);
	int err = hash_check_flags(flags, at.index);
	u64 inner = (uintptr_t)to;
	u32 index;

	if (err)
		return err;
	if (at.index) {
		*old = inner_at(m, at.index);
		rt_hash_swap(m, key, hash, &inner, at);
		return 0;
	}
	index = rt_hash_alloc(m);
	if (!index)
		return -RT_E2BIG;
	put_new(m, index, key, hash, &inner);
	return 0;
}

static int write_held(
	struct kiln_map *m, const void *key, struct kiln_map *to, u64 flags)
{
	u32 hash = rt_hash_key(m, key);
	struct hash_stripe *s = rt_hash_stripe(m, hash);
	struct kiln_map *old = NULL;
	int err = kiln_port_lock(&s->lock);

	if (!err) {
		err = write_locked(m, key, hash, to, flags, &old);
		kiln_port_unlock(&s->lock);
	}
	if (err) {
		rt_map_drop(to);
		return err;
	}
	return rt_inner_retire(old);
}

static int write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	int err = map_ready(m);
	struct kiln_map *to;

	if (!err)
		err = rt_inner_may_wait();
	if (err)
		return err;
	to = rt_inner_get(m, value, &err);
	if (!to)
		return err;
	if (flags <= RT_EXIST)
		return write_held(m, key, to, flags);
	rt_map_drop(to);
	return -RT_EINVAL;
}

static int erase(struct kiln_map *m, const void *key)
{
	struct kiln_map *old = NULL;
	struct hash_stripe *s;
	struct hash_place at;
	int err = map_ready(m);
	u32 hash;

	if (!err)
		err = rt_inner_may_wait();
	if (err)
		return err;
	hash = rt_hash_key(m, key);
	s = rt_hash_stripe(m, hash);
	err = kiln_port_lock(&s->lock);
	if (err)
		return err;
	at = rt_hash_place(m, key, hash);
	if (at.index) {
		old = inner_at(m, at.index);
		rt_hash_unlink(m, at);
	}
	kiln_port_unlock(&s->lock);
	if (!at.index)
		return -RT_ENOENT;
	rt_hash_free(m, at.index);
	return rt_inner_retire(old);
}

static int read(struct kiln_map *m, const void *key, void *value)
{
	int err = map_ready(m);
	void *inner;

	if (err)
		return err;
	inner = lookup(m, key);
	if (!inner)
		return -RT_ENOENT;
	__builtin_memcpy(value, &inner, sizeof(inner));
	return 0;
}

/* The keys of an initialiser are its indices, as libbpf has it: 4 bytes. */
static void setup(struct kiln_map *m)
{
	const struct kiln_map_init *init = map_init(m);

	rt_hash_setup(m, false);
	for (u64 i = 0; i < m->ninit && m->key_size == 4; i++) {
		u32 key = init[i].key, hash = rt_hash_key(m, &key), index;

		if (rt_hash_place(m, &key, hash).index)
			continue;
		index = rt_hash_alloc(m);
		if (!index)
			continue;
		/* a created map may serve for the object's own */
		rt_map_hold(PTR(struct kiln_map, init[i].target));
		put_new(m, index, &key, hash, &init[i].target);
	}
}

static void fini(struct kiln_map *m)
{
	u64 mask = (u32)m->priv[PRIV_SHAPE];

	for (u64 b = 0; b <= mask; b++)
		for (u64 link; (link = load64(hash_link(m, (u32)b),
					memory_order_relaxed));) {
			struct hash_place at = {
				(u32)link, hash_link(m, (u32)b)};
			struct kiln_map *old = inner_at(m, at.index);

			rt_hash_unlink(m, at);
			rt_map_drop(old);
		}
}

RT_API const struct kiln_map_ops kiln_map_ops_hash_of_maps = {
	.lookup = lookup,
	.update = rt_none_update,
	.del = rt_none_del,
	.for_each = rt_none_each,
	.read = read,
	.write = write,
	.erase = erase,
	.next_key = rt_hash_next_key,
	.setup = setup,
	.fini = fini,
};
