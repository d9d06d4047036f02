/*
 * Eviction for the LRU kinds: who goes when a map is full.
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

u32 rt_hash_evict(struct kiln_map *m)
{
	u32 n = rt_hash_n_elems(m), spared = 0;
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
