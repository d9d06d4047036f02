/*
 * Maps in maps: what array_of_maps and hash_of_maps share (inner.c).
 */
#ifndef KILN_RUNTIME_INNER_H
#define KILN_RUNTIME_INNER_H

#include "runtime/rt.h"

#pragma GCC visibility push(hidden)

/* The inner map that the host's value names, held once more; or NULL and why
 * not: -EBADF (none), -EINVAL (not as the template says). */
struct kiln_map *rt_inner_get(
	const struct kiln_map *outer, const void *value, int *err);
/* Before anything is changed: 0, or -EDEADLK where nobody can wait. */
int rt_inner_may_wait(void);
/* No new program finds `old` (or it is NULL): waits for those that did, then
 * lets go of it. 0, or -ETIMEDOUT: it stays held for ever. */
int rt_inner_retire(struct kiln_map *old);

static inline const struct kiln_map_init *map_init(const struct kiln_map *m)
{
	return (const struct kiln_map_init *)(uintptr_t)m->init;
}

#pragma GCC visibility pop

#endif
