/* What the array kinds share: their keys, flags and order. */
#ifndef KILN_RUNTIME_ARRAY_H
#define KILN_RUNTIME_ARRAY_H

#include "runtime/rt.h"

static inline u32 array_index(const void *key)
{
	u32 i;

	__builtin_memcpy(&i, key, sizeof(i));
	return i;
}

/* In the kernel's order: which error wins is part of the semantics. */
static inline int array_check_update(const struct kiln_map *m, u32 i, u64 flags)
{
	if (flags > RT_EXIST)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	return flags == RT_NOEXIST ? -RT_EEXIST : 0;
}

/* Elements of an array cannot go away. */
static inline int array_delete(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return -RT_EINVAL;
}

/* All elements in order, as lookup finds them. */
static inline i64 array_for_each(struct kiln_map *m, callback_fn fn, u64 ctx,
	void *(*lookup)(struct kiln_map *m, const void *key))
{
	for (u32 i = 0; i < m->max_entries; i++) {
		u32 key = i;
		void *value = lookup(m, &key);

		if (!value)
			return i;
		if (fn((uintptr_t)m, (uintptr_t)&key, (uintptr_t)value, ctx, 0))
			return (i64)i + 1;
	}
	return m->max_entries;
}

/* A key that is no index starts from the beginning. */
static inline int array_next_key(
	struct kiln_map *m, const void *key, void *next)
{
	u32 i = key ? array_index(key) : UINT32_MAX;

	if (i < m->max_entries && i == m->max_entries - 1)
		return -RT_ENOENT;
	i = i < m->max_entries ? i + 1 : 0;
	__builtin_memcpy(next, &i, sizeof(i));
	return 0;
}

#endif
