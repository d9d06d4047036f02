/*
 * BPF_MAP_TYPE_PERCPU_HASH: one key, a value for each CPU slot
 * (hash_percpu.c).
 */
#include "runtime/hashtab.h"

/* ---- programs ------------------------------------------------------------- */

static void *percpu_htab_lookup_cpu(
	struct kiln_map *m, const void *key, u32 cpu)
{
	struct hash_found f;

	if (unlikely(map_ready(m)) || unlikely(cpu >= m->max_cpus))
		return NULL;
	f = hash_find(m, key);
	return f.e ? rt_pcpu_slot(m, f.index, cpu) : NULL;
}

static void *percpu_htab_lookup(struct kiln_map *m, const void *key)
{
	return percpu_htab_lookup_cpu(m, key, kiln_port_cpu());
}

static i64 percpu_htab_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, rt_pcpu_value_here);
}

static int update_locked(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags, u32 cpu)
{
	struct hash_place at = rt_hash_place(m, key, hash);
	int err = hash_check_flags(flags, at.index);
	u32 index;

	if (err)
		return err;
	if (at.index && cpu != ALL_CPUS) {
		words_put(rt_pcpu_slot(m, at.index, cpu), value, m->value_size);
		return 0;
	}
	index = at.index ? at.index : rt_hash_alloc(m);
	if (!index)
		return -RT_E2BIG;
	rt_pcpu_put(m, index, value, cpu, !at.index);
	if (!at.index)
		rt_hash_insert(m, index, key, hash);
	return 0;
}

static int update(struct kiln_map *m, const void *key, const void *value,
	u64 flags, u32 cpu)
{
	struct hash_stripe *s;
	int err = flags > RT_EXIST ? -RT_EINVAL : map_ready(m);
	u32 hash;

	if (err)
		return err;
	hash = rt_hash_key(m, key);
	s = rt_hash_stripe(m, hash);
	err = kiln_port_lock(&s->lock);
	if (err)
		return err;
	err = update_locked(m, key, hash, value, flags, cpu);
	kiln_port_unlock(&s->lock);
	return err;
}

static int percpu_htab_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 cpu = kiln_port_cpu();

	if (cpu >= m->max_cpus)
		return -RT_EINVAL;
	return update(m, key, value, flags, cpu);
}

/* ---- the host ---------------------------------------------------------------- */

static int percpu_htab_write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	return update(m, key, value, flags, ALL_CPUS);
}

static int take(struct kiln_map *m, const void *key, void *value)
{
	return rt_hash_take(m, key, value, rt_pcpu_get);
}

RT_API const struct kiln_map_ops kiln_map_ops_percpu_hash = {
	.lookup = percpu_htab_lookup,
	.update = percpu_htab_update,
	.del = rt_hash_delete,
	.for_each = percpu_htab_each,
	.lookup_cpu = percpu_htab_lookup_cpu,
	.read = rt_pcpu_read,
	.write = percpu_htab_write,
	.next_key = rt_hash_next_key,
	.take = take,
	.setup = rt_pcpu_setup,
	.percpu = true,
};
