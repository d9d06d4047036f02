/*
 * BPF_MAP_TYPE_LRU_PERCPU_HASH: a per-CPU hash (hash_percpu.c) that makes room
 * by dropping an element that was not used for long (lru.c).
 *
 * Values are written in place, as in a per-CPU hash: an element in the hands
 * of an insertion is in no chain, so nobody else writes its values, and one
 * that is evicted keeps them until it is used again.
 */
#include "runtime/hashtab.h"

static void *lookup_cpu(struct kiln_map *m, const void *key, u32 cpu)
{
	struct hash_found f;

	if (unlikely(map_ready(m)) || unlikely(cpu >= m->max_cpus))
		return NULL;
	f = hash_find(m, key);
	if (!f.e)
		return NULL;
	hash_used(f.e);
	return rt_pcpu_slot(m, f.index, cpu);
}

static void *lookup(struct kiln_map *m, const void *key)
{
	return lookup_cpu(m, key, kiln_port_cpu());
}

struct update {
	const void *key, *value;
	u64 flags;
	u32 hash, cpu;
};

/* fresh is an element to use if the key is new, or 0. Returns 1 if fresh was
 * used, -EAGAIN if it is needed, else 0 or a final error. */
static int update_locked(struct kiln_map *m, const struct update *u, u32 fresh)
{
	struct hash_place at = rt_hash_place(m, u->key, u->hash);
	int err = hash_check_flags(u->flags, at.index);

	if (err)
		return err;
	if (at.index) {
		rt_pcpu_put(m, at.index, u->value, u->cpu, false);
		hash_used(hash_elem_at(m, at.index));
		return 0;
	}
	if (!fresh)
		fresh = rt_hash_alloc(m);
	if (!fresh)
		return -RT_EAGAIN;
	store32(&hash_elem_at(m, fresh)->ref, 0, memory_order_relaxed);
	rt_pcpu_put(m, fresh, u->value, u->cpu, true);
	rt_hash_insert(m, fresh, u->key, u->hash);
	return 1;
}

static int try_update(struct kiln_map *m, const struct update *u, u32 fresh)
{
	struct hash_stripe *s = rt_hash_stripe(m, u->hash);
	int err = kiln_port_lock(&s->lock);

	if (err)
		return err;
	err = update_locked(m, u, fresh);
	kiln_port_unlock(&s->lock);
	return err;
}

static int update(struct kiln_map *m, struct update *u)
{
	int err = u->flags > RT_EXIST ? -RT_EINVAL : map_ready(m);
	u32 fresh;

	if (err)
		return err;
	u->hash = rt_hash_key(m, u->key);
	err = try_update(m, u, 0);
	if (err != -RT_EAGAIN)
		return err < 0 ? err : 0;
	/* full: make room with no lock held, then look again */
	fresh = rt_hash_evict(m);
	if (!fresh)
		return -RT_ENOMEM;
	err = try_update(m, u, fresh);
	if (err != 1)
		rt_hash_free(m, fresh);
	return err < 0 ? err : 0;
}

static int update_here(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	struct update u = {key, value, flags, 0, kiln_port_cpu()};

	return u.cpu < m->max_cpus ? update(m, &u) : -RT_EINVAL;
}

static int write_all(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	struct update u = {key, value, flags, 0, ALL_CPUS};

	return update(m, &u);
}

static i64 each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, rt_pcpu_value_here);
}

static int take(struct kiln_map *m, const void *key, void *value)
{
	return rt_hash_take(m, key, value, rt_pcpu_get);
}

RT_API const struct kiln_map_ops kiln_map_ops_lru_percpu_hash = {
	.lookup = lookup,
	.update = update_here,
	.del = rt_hash_delete,
	.for_each = each,
	.lookup_cpu = lookup_cpu,
	.read = rt_pcpu_read,
	.write = write_all,
	.next_key = rt_hash_next_key,
	.take = take,
	.setup = rt_pcpu_setup,
	.percpu = true,
};
