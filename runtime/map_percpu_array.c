/*
 * BPF_MAP_TYPE_PERCPU_ARRAY: an array for each CPU slot. A program reads and
 * writes the values of its own slot; the host sees all of them.
 *
 * Slots are map_cpu_stride() apart, so that they share no cache line. Within
 * a run scope nobody else has the slot, so programs need no atomics; the
 * host's reads and writes are word by word.
 */
#include "kiln/map_size.h"
#include "runtime/array.h"

static u64 cpu_stride(const struct kiln_map *m)
{
	return map_cpu_stride(
		m->max_entries * map_value_stride(m), m->max_cpus);
}

static u64 *slot(const struct kiln_map *m, u32 i, u32 cpu)
{
	return (u64 *)(map_values(m) + cpu * m->priv[0] +
		       i * map_value_stride(m));
}

static void *percpu_array_lookup_cpu(
	struct kiln_map *m, const void *key, u32 cpu)
{
	u32 i = array_index(key);

	if (unlikely(map_ready(m)) || unlikely(i >= m->max_entries) ||
		unlikely(cpu >= m->max_cpus))
		return NULL;
	return slot(m, i, cpu);
}

static void *percpu_array_lookup(struct kiln_map *m, const void *key)
{
	return percpu_array_lookup_cpu(m, key, kiln_port_cpu());
}

static i64 percpu_array_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return array_for_each(m, fn, ctx, percpu_array_lookup);
}

static int percpu_array_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key), cpu = kiln_port_cpu();
	int err = map_ready(m);

	if (!err)
		err = array_check_update(m, i, flags);
	if (err)
		return err;
	if (cpu >= m->max_cpus)
		return -RT_EINVAL;
	words_put(slot(m, i, cpu), value, m->value_size);
	return 0;
}

static int percpu_array_read(struct kiln_map *m, const void *key, void *value)
{
	u32 i = array_index(key);
	u64 step = map_value_stride(m);
	int err = map_ready(m);

	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_ENOENT;
	for (u32 cpu = 0; cpu < m->max_cpus; cpu++)
		words_get((u8 *)value + cpu * step, slot(m, i, cpu), step);
	return 0;
}

static int percpu_array_write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key);
	u64 step = map_value_stride(m);
	int err = map_ready(m);

	if (!err)
		err = array_check_update(m, i, flags);
	if (err)
		return err;
	for (u32 cpu = 0; cpu < m->max_cpus; cpu++)
		words_put(
			slot(m, i, cpu), (const u8 *)value + cpu * step, step);
	return 0;
}

static void percpu_array_setup(struct kiln_map *m)
{
	m->priv[0] = cpu_stride(m);
}

RT_API const struct kiln_map_ops kiln_map_ops_percpu_array = {
	.lookup = percpu_array_lookup,
	.update = percpu_array_update,
	.del = array_delete,
	.for_each = percpu_array_each,
	.lookup_cpu = percpu_array_lookup_cpu,
	.read = percpu_array_read,
	.write = percpu_array_write,
	.next_key = array_next_key,
	.setup = percpu_array_setup,
	.percpu = true,
};
