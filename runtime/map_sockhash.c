/*
 * BPF_MAP_TYPE_SOCKHASH: sockets of the application by any key. A hash
 * (map_hash.c) of addresses: a lookup gives the socket, which stays the
 * application's; who frees one first takes it out and waits for the programs
 * (kiln_synchronize).
 */
#include "runtime/hashtab.h"

static void *lookup(struct kiln_map *m, const void *key)
{
	struct hash_found f;
	u64 socket;

	if (unlikely(map_ready(m)))
		return NULL;
	do {
		f = hash_find(m, key);
		if (!f.e)
			return NULL;
		socket = load64(hash_value(m, f.e), memory_order_relaxed);
	} while (!hash_alive(f.e, f.gen));
	return PTR(void, socket);
}

/* The value that a program gives is the socket itself. */
static int update(
	struct kiln_map *m, const void *key, const void *socket, u64 flags)
{
	return socket ? rt_hash_update(m, key, &socket, flags) : -RT_EINVAL;
}

static void setup(struct kiln_map *m)
{
	rt_hash_setup(m, false);
}

RT_API const struct kiln_map_ops kiln_map_ops_sockhash = {
	.lookup = lookup,
	.update = update,
	.del = rt_hash_delete,
	.for_each = rt_none_each,
	.read = rt_hash_read,
	.write = rt_hash_update,
	.next_key = rt_hash_next_key,
	.setup = setup,
};
