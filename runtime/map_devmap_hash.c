/*
 * BPF_MAP_TYPE_DEVMAP_HASH: interfaces to redirect to, by any number. A hash
 * (map_hash.c) that only the host writes, with values as in a devmap; as in the
 * kernel BPF_EXIST does not keep a new key out.
 */
#include "runtime/hashtab.h"

static int write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u64 ifindex = word_get(value, 4);

	if (flags > RT_EXIST || !ifindex)
		return -RT_EINVAL;
	return rt_hash_update(
		m, key, value, flags == RT_EXIST ? RT_ANY : flags);
}

static void setup(struct kiln_map *m)
{
	rt_hash_setup(m, false);
}

RT_API const struct kiln_map_ops kiln_map_ops_devmap_hash = {
	.lookup = rt_hash_lookup,
	.update = rt_none_update,
	.del = rt_hash_delete,
	.for_each = rt_none_each,
	.read = rt_hash_read,
	.write = write,
	.next_key = rt_hash_next_key,
	.setup = setup,
};
