/*
 * BPF_MAP_TYPE_PERCPU_HASH: one key, a value for each CPU slot. Keys are as
 * in hash; values live apart from the elements, cpu-major, so that slots
 * share no cache line.
 *
 * A program reads and writes its own slot's value, in place. A key that a
 * program inserts has zeros in the other slots. The host sees all slots.
 */
#include "runtime/hashtab.h"

/* An element's value in slot 0, and the way to the next slot's. */
struct slots {
	u8 *first;
	u64 stride;
};

static struct slots slots_of(const struct kiln_map *m, u32 index)
{
	u64 elems = m->priv[PRIV_ELEMS] - m->values;
	u64 v = map_value_stride(m), n = m->max_entries;
	u64 shift = m->priv[PRIV_SHAPE] >> 32;

	return (struct slots){
		map_values(m) + align_up(elems + shift * (n + 1), MAP_LINE) +
			v * (index - 1),
		map_cpu_stride(v * n, m->max_cpus),
	};
}

static u64 *slot_of(const struct kiln_map *m, u32 index, u32 cpu)
{
	struct slots s = slots_of(m, index);

	return (u64 *)(s.first + cpu * s.stride);
}

/* ---- programs ------------------------------------------------------------- */

static void *percpu_htab_lookup_cpu(
	struct kiln_map *m, const void *key, u32 cpu)
{
	struct hash_found f;

	if (unlikely(map_ready(m)) || unlikely(cpu >= m->max_cpus))
		return NULL;
	f = hash_find(m, key);
	return f.e ? slot_of(m, f.index, cpu) : NULL;
}

static void *percpu_htab_lookup(struct kiln_map *m, const void *key)
{
	return percpu_htab_lookup_cpu(m, key, kiln_port_cpu());
}

static void *value_here(struct kiln_map *m, u32 index)
{
	u32 cpu = kiln_port_cpu();

	return cpu < m->max_cpus ? slot_of(m, index, cpu) : NULL;
}

static i64 percpu_htab_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, value_here);
}

/* Values for one slot, or one for every slot if cpu is ALL_CPUS. */
#define ALL_CPUS UINT32_MAX

static void put_values(
	struct kiln_map *m, u32 index, const void *value, u32 cpu, bool is_new)
{
	struct slots s = slots_of(m, index);
	u64 step = map_value_stride(m);

	for (u32 i = 0; i < m->max_cpus; i++) {
		u64 *to = (u64 *)(s.first + i * s.stride);

		if (cpu == ALL_CPUS)
			words_put(to, (const u8 *)value + i * step, step);
		else if (i == cpu)
			words_put(to, value, m->value_size);
		else if (is_new)
			words_zero(to, step);
	}
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
		words_put(slot_of(m, at.index, cpu), value, m->value_size);
		return 0;
	}
	index = at.index ? at.index : rt_hash_alloc(m);
	if (!index)
		return -RT_E2BIG;
	put_values(m, index, value, cpu, !at.index);
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

static int percpu_htab_read(struct kiln_map *m, const void *key, void *value)
{
	u64 step = map_value_stride(m);
	struct hash_found f;
	struct slots s;
	int err = map_ready(m);

	if (err)
		return err;
	do {
		f = hash_find(m, key);
		if (!f.e)
			return -RT_ENOENT;
		s = slots_of(m, f.index);
		for (u32 i = 0; i < m->max_cpus; i++)
			words_get((u8 *)value + i * step,
				(u64 *)(s.first + i * s.stride), step);
	} while (!hash_alive(f.e, f.gen));
	return 0;
}

static void percpu_htab_setup(struct kiln_map *m)
{
	rt_hash_setup(m, true);
}

RT_API const struct kiln_map_ops kiln_map_ops_percpu_hash = {
	.lookup = percpu_htab_lookup,
	.update = percpu_htab_update,
	.del = rt_hash_delete,
	.for_each = percpu_htab_each,
	.lookup_cpu = percpu_htab_lookup_cpu,
	.read = percpu_htab_read,
	.write = percpu_htab_write,
	.next_key = rt_hash_next_key,
	.setup = percpu_htab_setup,
	.percpu = true,
};
