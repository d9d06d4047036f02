/*
 * BPF_MAP_TYPE_ARRAY_OF_MAPS: max_entries places, each empty or with the
 * address of a map. How inner maps live: inner.c.
 *
 * Programs only look up. The host's values are struct kiln_map *.
 */
#include "runtime/array.h"
#include "runtime/inner.h"

static _Atomic u64 *place(const struct kiln_map *m, u32 i)
{
	return ATOMIC64(map_values(m) + 8 * (u64)i);
}

static void *lookup(struct kiln_map *m, const void *key)
{
	u32 i = array_index(key);

	if (unlikely(map_ready(m)) || unlikely(i >= m->max_entries))
		return NULL;
	/* acquire: pairs with swap(), the map's definition is complete */
	return PTR(void, load64((u64 *)place(m, i), memory_order_acquire));
}

static struct kiln_map *swap(struct kiln_map *m, u32 i, struct kiln_map *to)
{
	u64 old = atomic_exchange_explicit(
		place(m, i), (uintptr_t)to, memory_order_acq_rel);

	return PTR(struct kiln_map, old);
}

static int write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key);
	struct kiln_map *to;
	int err = map_ready(m);

	if (err)
		return err;
	if (flags != RT_ANY)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	err = rt_inner_may_wait();
	if (err)
		return err;
	to = rt_inner_get(m, value, &err);
	return to ? rt_inner_retire(swap(m, i, to)) : err;
}

static int erase(struct kiln_map *m, const void *key)
{
	u32 i = array_index(key);
	struct kiln_map *old;
	int err = map_ready(m);

	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	err = rt_inner_may_wait();
	if (err)
		return err;
	old = swap(m, i, NULL);
	return old ? rt_inner_retire(old) : -RT_ENOENT;
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

static void setup(struct kiln_map *m)
{
	const struct kiln_map_init *init = map_init(m);

	for (u64 i = 0; i < m->ninit; i++) {
		struct kiln_map *inner = PTR(struct kiln_map, init[i].target);

		if (init[i].key >= m->max_entries)
			continue;
		/* a created map may serve for the object's own */
		rt_map_hold(inner);
		if ((inner = swap(m, init[i].key, inner)))
			rt_map_drop(inner);
	}
}

static void fini(struct kiln_map *m)
{
	for (u32 i = 0; i < m->max_entries; i++) {
		struct kiln_map *old = swap(m, i, NULL);

		if (old)
			rt_map_drop(old);
	}
}

RT_API const struct kiln_map_ops kiln_map_ops_array_of_maps = {
	.lookup = lookup,
	.update = rt_none_update,
	.del = rt_none_del,
	.for_each = rt_none_each,
	.read = read,
	.write = write,
	.erase = erase,
	.next_key = array_next_key,
	.setup = setup,
	.fini = fini,
};
