/*
 * BPF_MAP_TYPE_ARRAY: max_entries values that always exist, key a u32 index.
 *
 * Updates overwrite in place, so every holder of a value's address sees them;
 * 8-byte words are never torn, longer values can be, as in the kernel.
 */
#include "runtime/array.h"

static void *array_lookup(struct kiln_map *m, const void *key)
{
	u32 i = array_index(key);

	if (unlikely(map_ready(m)) || unlikely(i >= m->max_entries))
		return NULL;
	return map_values(m) + i * map_value_stride(m);
}

static u64 *value_at(const struct kiln_map *m, u32 i)
{
	return (u64 *)(map_values(m) + i * map_value_stride(m));
}

static int array_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key);
	int err = map_ready(m);

	if (err)
		return err;
	err = array_check_update(m, i, flags & ~(u64)RT_F_LOCK);
	if (err)
		return err;
	if (unlikely(flags & RT_F_LOCK))
		return rt_locked_put(m, value_at(m, i), value);
	value_put(m, value_at(m, i), value);
	return 0;
}

static i64 array_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return array_for_each(m, fn, ctx, array_lookup);
}

static int array_read(struct kiln_map *m, const void *key, void *value)
{
	u32 i = array_index(key);
	int err = map_ready(m);

	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_ENOENT;
	value_get(m, value, value_at(m, i));
	return 0;
}

static int array_read_locked(struct kiln_map *m, const void *key, void *value)
{
	u32 i = array_index(key);
	int err = map_ready(m);

	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_ENOENT;
	return rt_locked_get(m, value, value_at(m, i));
}

static void array_setup(struct kiln_map *m)
{
	(void)m; /* everything follows from the definition */
}

RT_API const struct kiln_map_ops kiln_map_ops_array = {
	.lookup = array_lookup,
	.update = array_update,
	.del = array_delete,
	.for_each = array_each,
	.read = array_read,
	.read_locked = array_read_locked,
	.write = array_update,
	.next_key = array_next_key,
	.setup = array_setup,
};
