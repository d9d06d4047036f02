/*
 * BPF_MAP_TYPE_LRU_HASH: a hash that makes room by dropping an element that
 * was not used for long. An insertion into a full map never fails with -E2BIG.
 *
 * The order is approximated by second chance: a hand goes round over the
 * elements; one that was used since the hand last passed (ref) is spared and
 * its ref cleared, the first other one is evicted. As in the kernel, a
 * program's lookup and an update of a key that exists count as use, the
 * host's lookup does not, and a new key begins unused: the hand has just
 * passed it. Also as in the kernel the search is bounded: after SPARED_MAX
 * elements in use the next one goes in any case.
 *
 * Eviction holds no lock but its victim's stripe, and never two. It skips a
 * victim whose stripe the interrupted code under it holds. Two evictions that
 * look at one element find out under its stripe's lock. If all elements are
 * in the hands of other insertions (more of them than the map has entries),
 * it tries for TRIES_MAX elements and then says -ENOMEM, as the kernel does.
 */
#include "runtime/hashtab.h"

enum {
	SPARED_MAX = 128,
	TRIES_MAX = 1 << 16,
};

/* ---- eviction ------------------------------------------------------------- */

static bool is_spared(struct hash_elem *e, u32 *spared)
{
	if (!load32(&e->ref, memory_order_relaxed) || *spared >= SPARED_MAX)
		return false;
	store32(&e->ref, 0, memory_order_relaxed);
	++*spared;
	return true;
}

/* The place of an element in a locked bucket; index 0 if it is not there. */
static struct hash_place place_of(struct kiln_map *m, u32 index, u32 hash)
{
	struct hash_place at = {0, hash_link(m, hash_bucket(m, hash))};
	u64 link;

	for (; (link = load64(at.link, memory_order_relaxed));
		at.link = &hash_elem_at(m, (u32)link)->next)
		if ((u32)link == index) {
			at.index = index;
			break;
		}
	return at;
}

static bool try_evict(struct kiln_map *m, u32 index)
{
	/* if this is not the key's hash any more, the element is not in that
	 * bucket */
	u32 hash = rt_hash_of_elem(m, hash_elem_at(m, index));
	struct hash_stripe *s = rt_hash_stripe(m, hash);
	struct hash_place at;

	if (kiln_port_lock(&s->lock))
		return false;
	at = place_of(m, index, hash);
	if (at.index)
		rt_hash_unlink(m, at);
	kiln_port_unlock(&s->lock);
	return at.index;
}

static u32 evict(struct kiln_map *m)
{
	u32 n = (u32)(m->max_entries + rt_hash_n_stripes(m)), spared = 0;
	u32 *hand = &hash_head(m)->lru_hand;
	u32 at = load32(hand, memory_order_relaxed);
	struct hash_elem *e;

	for (u32 tries = 0; tries < TRIES_MAX; tries++) {
		at = at < n ? at + 1 : 1;
		e = hash_elem_at(m, at);
		if (!(load32(&e->gen, memory_order_relaxed) & 1) ||
			is_spared(e, &spared))
			continue;
		/* hands of several evictions may overtake each other: the
		 * order is approximate anyway */
		store32(hand, at, memory_order_relaxed);
		if (try_evict(m, at))
			return at;
		kiln_port_relax();
	}
	return 0;
}

/* ---- operations -------------------------------------------------------------- */

static void *lru_lookup(struct kiln_map *m, const void *key)
{
	struct hash_found f;

	if (unlikely(map_ready(m)))
		return NULL;
	f = hash_find(m, key);
	if (!f.e)
		return NULL;
	if (!load32(&f.e->ref, memory_order_relaxed))
		store32(&f.e->ref, 1, memory_order_relaxed);
	return hash_value(m, f.e);
}

/* fresh is an element to use if the key is new, or 0. Returns 1 if fresh was
 * used, -EAGAIN if it is needed, else 0 or a final error. */
static int update_locked(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags, u32 fresh)
{
	struct hash_place at = rt_hash_place(m, key, hash);
	int err = hash_check_flags(flags, at.index);
	struct hash_elem *e;

	if (err)
		return err;
	if (at.index) {
		e = hash_elem_at(m, rt_hash_swap(m, key, hash, value, at));
		store32(&e->ref, 1, memory_order_relaxed);
		return 0;
	}
	if (!fresh)
		fresh = rt_hash_alloc(m);
	if (!fresh)
		return -RT_EAGAIN;
	e = hash_elem_at(m, fresh);
	store32(&e->ref, 0, memory_order_relaxed);
	words_put(hash_value(m, e), value, m->value_size);
	rt_hash_insert(m, fresh, key, hash);
	return 1;
}

static int try_update(struct kiln_map *m, const void *key, u32 hash,
	const void *value, u64 flags, u32 fresh)
{
	struct hash_stripe *s = rt_hash_stripe(m, hash);
	int err = kiln_port_lock(&s->lock);

	if (err)
		return err;
	err = update_locked(m, key, hash, value, flags, fresh);
	kiln_port_unlock(&s->lock);
	return err;
}

static int lru_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	int err = flags > RT_EXIST ? -RT_EINVAL : map_ready(m);
	u32 hash, fresh;

	if (err)
		return err;
	hash = rt_hash_key(m, key);
	err = try_update(m, key, hash, value, flags, 0);
	if (err != -RT_EAGAIN)
		return err < 0 ? err : 0;
	/* Full. Make room with no lock held, then look again: somebody else
	 * may have inserted the key meanwhile. */
	fresh = evict(m);
	if (!fresh)
		return -RT_ENOMEM;
	err = try_update(m, key, hash, value, flags, fresh);
	if (err != 1)
		rt_hash_free(m, fresh);
	return err < 0 ? err : 0;
}

static i64 lru_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	return rt_hash_for_each(m, fn, ctx, rt_hash_value_at);
}

static void lru_setup(struct kiln_map *m)
{
	rt_hash_setup(m, false);
}

RT_API const struct kiln_map_ops kiln_map_ops_lru_hash = {
	.lookup = lru_lookup,
	.update = lru_update,
	.del = rt_hash_delete,
	.for_each = lru_each,
	.read = rt_hash_read,
	.write = lru_update,
	.next_key = rt_hash_next_key,
	.setup = lru_setup,
};
