/*
 * The life of maps in maps.
 *
 * A map that is part of an object stays as long as the object; one that
 * kiln_map_create() made is counted (refs): its creator holds it once, and
 * every place in a map of maps once.
 *
 * Programs take the address of an inner map out of the outer one, without a
 * lock and without counting, inside their run scope. The host, in this order:
 *
 *   R1 puts another address, or none, in that place
 *   R2 kiln_synchronize(): every scope that was open at R1 is over
 *   R3 gives up the place's hold, and frees the map if it was the last
 *
 * So what a program found before R1 stays until its scope ends, and after R1
 * none finds it there. It may have another place in this or another map of
 * maps: that place has its own hold. Who removes a map waits before the call
 * returns, as the kernel does for its user space: then the map is the host's
 * again, whoever made it.
 */
#include "runtime/inner.h"
#include "kiln/map_size.h"
#include "kiln/runtime.h"

/* What the kernel's map_meta_equal() compares. */
static bool is_alike(const struct kiln_map *a, const struct kiln_map *b)
{
	if (a->type != b->type || a->key_size != b->key_size ||
		a->value_size != b->value_size || a->flags != b->flags)
		return false;
	return a->type != KILN_MAP_TYPE_ARRAY || a->flags & F_INNER_MAP ||
	       a->max_entries == b->max_entries;
}

struct kiln_map *rt_inner_get(
	const struct kiln_map *outer, const void *value, int *err)
{
	const struct kiln_map *wanted = PTR(struct kiln_map, outer->inner);
	const struct kiln_map_kind *k;
	u64 address;
	struct kiln_map *m;

	__builtin_memcpy(&address, value, sizeof(address));
	m = PTR(struct kiln_map, address);
	k = m ? kiln_map_kind(m->type) : NULL;
	*err = -RT_EBADF;
	if (!k)
		return NULL;
	*err = -RT_EINVAL;
	if (k->traits & MAP_MAPS || (wanted && !is_alike(wanted, m)))
		return NULL;
	rt_map_hold(m);
	*err = 0;
	return m;
}

int rt_inner_may_wait(void)
{
	return rt_in_scope() ? -RT_EDEADLK : 0;
}

int rt_inner_retire(struct kiln_map *old)
{
	int err = kiln_synchronize(); /* R2 */

	if (err)
		return err;
	if (old)
		rt_map_drop(old); /* R3 */
	return 0;
}
