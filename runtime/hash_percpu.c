/*
 * Values of the per-CPU hash kinds: one for each CPU slot. Keys are as in
 * hash; values live apart from the elements, cpu-major, so that slots share
 * no cache line.
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

u64 *rt_pcpu_slot(const struct kiln_map *m, u32 index, u32 cpu)
{
	struct slots s = slots_of(m, index);

	return (u64 *)(s.first + cpu * s.stride);
}

void *rt_pcpu_value_here(struct kiln_map *m, u32 index)
{
	u32 cpu = kiln_port_cpu();

	return cpu < m->max_cpus ? rt_pcpu_slot(m, index, cpu) : NULL;
}

void rt_pcpu_put(
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

/* Every slot's value. */
void rt_pcpu_get(struct kiln_map *m, u32 index, void *value)
{
	u64 step = map_value_stride(m);
	struct slots s = slots_of(m, index);

	for (u32 i = 0; i < m->max_cpus; i++)
		words_get((u8 *)value + i * step,
			(u64 *)(s.first + i * s.stride), step);
}

int rt_pcpu_read(struct kiln_map *m, const void *key, void *value)
{
	struct hash_found f;
	int err = map_ready(m);

	if (err)
		return err;
	do {
		f = hash_find(m, key);
		if (!f.e)
			return -RT_ENOENT;
		rt_pcpu_get(m, f.index, value);
	} while (!hash_alive(f.e, f.gen));
	return 0;
}

void rt_pcpu_setup(struct kiln_map *m)
{
	rt_hash_setup(m, true);
}
