/*
 * Local storage: a value of its own for each task, socket, inode or cgroup. The
 * maps are hashes whose key is the object's address, which the hook gave; the
 * objects are the application's, who deletes what one has before it goes away,
 * by kiln_map_delete(map, &address).
 */
#include "runtime/rt.h"

static const struct kiln_map_ops *ops_of(const struct kiln_map *m)
{
	return (const struct kiln_map_ops *)(uintptr_t)m->ops;
}

enum { F_CREATE = 1 };

/* What init says, or zeros, where there was nothing. */
static void *get(struct kiln_map *m, u64 object, const void *init, u64 flags)
{
	void *value;

	if (!object || flags > F_CREATE)
		return NULL;
	value = ops_of(m)->lookup(m, &object);
	if (value || !flags)
		return value;
	/* another thread may be first: then its value is the one */
	ops_of(m)->update(m, &object, init, RT_NOEXIST);
	return ops_of(m)->lookup(m, &object);
}

static int del(struct kiln_map *m, u64 object)
{
	return object ? ops_of(m)->del(m, &object) : -RT_EINVAL;
}

#define STORAGE(kind)                                                     \
	HELPER_FN(kind##_storage_get)                                     \
	{                                                                 \
		return (uintptr_t)get(                                    \
			PTR(struct kiln_map, a1), a2, PTR(void, a3), a4); \
	}                                                                 \
	HELPER_FN(kind##_storage_delete)                                  \
	{                                                                 \
		return (u64)(i64)del(PTR(struct kiln_map, a1), a2);       \
	}

STORAGE(sk)
STORAGE(inode)
STORAGE(task)
STORAGE(cgrp)
