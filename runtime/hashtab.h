/*
 * The table under the hash kinds. Lookups take no lock and write nothing;
 * updates and deletes lock a stripe of the buckets.
 *
 * Storage (offsets and sizes: map_hash_layout() in map_size.h; all zero is an
 * empty table):
 *
 *   head     free list, number of elements ever used, LRU hand, hash seed
 *   heads    per bucket the link to its newest element
 *   stripes  lock and spare element of the buckets b with b % n == stripe
 *   elems    {next, gen, ref} key value; index 1 is the first
 *
 * Elements never move and never leave the storage. An element lives from its
 * insertion into a chain to its removal; otherwise it is free, a stripe's
 * spare, or in the hands of one writer. `gen` changes at the beginning and at
 * the end of each life (odd: alive), so it names the life. A link is an
 * element's index and the gen of the life that is meant; 0 ends a chain. A
 * life has one place in one chain: new places come at the head, and an update
 * puts another element into the place of the old one.
 *
 *   insert:  I1 write e's key and value       remove:
 *            I2 e.next = head                   U1 the link to e = e.next
 *            I3 e.gen++                         U2 e.gen++
 *            I4 head = link to e  (release)     U3 release fence; then e may
 *                                                  be written again
 *   replace: as insert, but I2 e.next = old.next, I4 the link to old = link
 *            to e; then U2 and U3 for old
 *   (all with the stripe locked)
 *
 *   find (no lock):
 *     F1 link = head (acquire)
 *     F2 link is 0: there is no such key
 *     F3 compare e's key with the wanted one; next = e.next (acquire)
 *     F4 acquire fence; if e.gen is not the link's, start again
 *     F5 the key was equal: found; else link = next, go to F2
 *
 * What holds, and why:
 * - What F3 read belongs to the life that the link means: I4 was seen, so I1
 *   to I3 are; and if F3 had read anything written after U3, F4 would read a
 *   later gen, because U3 pairs with F4's fence. So find returns e for key K
 *   only if e was alive with all of key K at some moment during the find.
 * - A key that is present during the whole find is found. Its place p is in
 *   the chain all the time, whoever holds it. The link read at F1 is to p or a
 *   place before it. If e's place is before p, then next, read while e was
 *   alive (or between U1 and U2, when e.next is still right), is to p or a
 *   place before it. At p the key is equal, and F4 passes unless the element
 *   there was replaced meanwhile.
 * - find ends: it starts again only if a writer completed U2 meanwhile. In
 *   particular a signal handler's find is not stopped by the writer that it
 *   interrupted: between any two steps the links from the head are good.
 * - An address that find gave stays readable and writable as long as the map:
 *   type-stable memory. Its element can be removed and used for another key
 *   afterwards, at once, as with the kernel's preallocated maps. The old
 *   value stays in place until then.
 * - find is deceived only if one element begins and ends 2^31 lives between
 *   the reading of a link and F4.
 *
 * The free list is a stack threaded through the elements' first key word; its
 * head carries a tag that changes with every pop and push, so that a pop that
 * slept does not install a link that is no longer true.
 */
#ifndef KILN_RUNTIME_HASHTAB_H
#define KILN_RUNTIME_HASHTAB_H

#include "kiln/map_size.h"
#include "runtime/rt.h"

/* ---- types ---------------------------------------------------------------- */

struct hash_head {
	u64 free;     /* tag << 32 | first free element */
	u64 seed;     /* 0: not chosen yet */
	u32 n_used;   /* elements 1..n_used have been used */
	u32 lru_hand; /* the element the last eviction looked at */
};

struct hash_stripe {
	u32 lock;
	u32 spare; /* 0: the one it is born with, see stripe_spare() */
};

struct hash_elem {
	u64 next; /* gen << 32 | index */
	u32 gen;
	u32 ref; /* LRU: used since the hand last passed */
	u64 key[];
};

KILN_STATIC_ASSERT(sizeof(struct hash_elem) == MAP_ELEM_HEADER, "hash_elem");
KILN_STATIC_ASSERT(sizeof(struct hash_head) <= MAP_LINE, "hash_head");
KILN_STATIC_ASSERT(sizeof(struct hash_stripe) <= MAP_LINE, "hash_stripe");

/* What setup derives, in kiln_map.priv. */
enum {
	PRIV_ELEMS, /* address of element 0, which does not exist */
	PRIV_SHAPE, /* stride << 32 | bucket mask */
	PRIV_SEED0,
	PRIV_SEED1,
};

/* An element as find saw it: NULL, or alive in the life gen. */
struct hash_found {
	struct hash_elem *e;
	u32 index, gen;
};

/* A place in a locked bucket: the element there, or 0 at the end, and the
 * link that leads to it. */
struct hash_place {
	u32 index;
	u64 *link;
};

/* ---- addresses -------------------------------------------------------------- */

static always_inline struct hash_elem *hash_elem_at(
	const struct kiln_map *m, u32 index)
{
	u64 stride = m->priv[PRIV_SHAPE] >> 32;

	return (struct hash_elem *)(uintptr_t)(m->priv[PRIV_ELEMS] +
					       index * stride);
}

static always_inline u32 hash_bucket(const struct kiln_map *m, u32 hash)
{
	return hash & (u32)m->priv[PRIV_SHAPE];
}

static always_inline u64 *hash_link(const struct kiln_map *m, u32 bucket)
{
	return (u64 *)(map_values(m) + MAP_LINE) + bucket;
}

static always_inline u64 *hash_value(
	const struct kiln_map *m, struct hash_elem *e)
{
	return e->key + (m->key_size + 7) / 8;
}

static always_inline struct hash_head *hash_head(const struct kiln_map *m)
{
	return (struct hash_head *)map_values(m);
}

/* ---- hash and comparison ------------------------------------------------------ */

static always_inline u64 hash_mix(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

static always_inline u32 hash_fold(u64 h)
{
	return (u32)(h ^ h >> 32);
}

/* One multiplication per word, by a number that an outsider does not know. */
static always_inline u32 hash_of(
	const struct kiln_map *m, const u8 *key, size_t size)
{
	u64 h = m->priv[PRIV_SEED0], mul = m->priv[PRIV_SEED1];

	for (size_t i = 0; i < size; i += 8)
		h = hash_mix(h ^ word_get(key + i, size - i), mul);
	return hash_fold(h);
}

static always_inline bool hash_key_is(
	const struct hash_elem *e, const u8 *key, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		if (load64(&e->key[i / 8], memory_order_relaxed) !=
			word_get(key + i, size - i))
			return false;
	return true;
}

/* ---- find ----------------------------------------------------------------------- */

/* Whether the life that link means has not ended: what was read of its
 * element before is its own. */
static always_inline bool hash_alive(const struct hash_elem *e, u32 gen)
{
	atomic_thread_fence(memory_order_acquire); /* pairs with U3 */
	return likely(load32(&e->gen, memory_order_relaxed) == gen);
}

/* Steps F1 to F5. */
static always_inline struct hash_found hash_find_sized(
	const struct kiln_map *m, const u8 *key, size_t size)
{
	u32 bucket = hash_bucket(m, hash_of(m, key, size));
	struct hash_elem *e;
	u64 link, next;
	bool equal;

again:
	link = load64(hash_link(m, bucket), memory_order_acquire);
	for (; link; link = next) {
		e = hash_elem_at(m, (u32)link);
		equal = hash_key_is(e, key, size);
		next = load64(&e->next, memory_order_acquire);
		if (!hash_alive(e, link >> 32))
			goto again;
		if (equal)
			return (struct hash_found){e, (u32)link, link >> 32};
	}
	return (struct hash_found){NULL, 0, 0};
}

static always_inline struct hash_found hash_find(
	const struct kiln_map *m, const void *key)
{
	switch (m->key_size) {
	case 4: return hash_find_sized(m, key, 4);
	case 8: return hash_find_sized(m, key, 8);
	case 16: return hash_find_sized(m, key, 16);
	default: return hash_find_sized(m, key, m->key_size);
	}
}

/* A program used the element (lru.c). */
static always_inline void hash_used(struct hash_elem *e)
{
	if (!load32(&e->ref, memory_order_relaxed))
		store32(&e->ref, 1, memory_order_relaxed);
}

/* ---- hashtab.c ---------------------------------------------------------------------- */

#pragma GCC visibility push(hidden)

u32 rt_hash_key(const struct kiln_map *m, const void *key);
/* Of the key that an element has, which can change meanwhile. */
u32 rt_hash_of_elem(const struct kiln_map *m, const struct hash_elem *e);
u64 rt_hash_n_stripes(const struct kiln_map *m);
u32 rt_hash_n_elems(const struct kiln_map *m); /* with the spare ones */
struct hash_stripe *rt_hash_stripe(const struct kiln_map *m, u32 hash);

/* With the stripe of `hash` locked. Elements by index. */
struct hash_place rt_hash_place(struct kiln_map *m, const void *key, u32 hash);
void rt_hash_insert(struct kiln_map *m, u32 index, const void *key, u32 hash);
void rt_hash_unlink(struct kiln_map *m, struct hash_place at);
u32 rt_hash_swap(struct kiln_map *m, const void *key, u32 hash,
	const void *value, struct hash_place old);

/* What update flags say of a key that exists or not. */
static inline int hash_check_flags(u64 flags, bool exists)
{
	if (flags == RT_NOEXIST && exists)
		return -RT_EEXIST;
	return flags == RT_EXIST && !exists ? -RT_ENOENT : 0;
}

u32 rt_hash_alloc(struct kiln_map *m); /* 0: there is none */
void rt_hash_free(struct kiln_map *m, u32 index);

int rt_hash_delete(struct kiln_map *m, const void *key);
/* map_hash.c. value NULL: zeros, of a new key */
void *rt_hash_lookup(struct kiln_map *m, const void *key);
int rt_hash_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags);
/* Each element that is there all the time once, and no element twice unless
 * the callback or others insert it again behind. */
i64 rt_hash_for_each(struct kiln_map *m, callback_fn fn, u64 ctx,
	void *(*value)(struct kiln_map *m, u32 index));
void *rt_hash_value_at(struct kiln_map *m, u32 index);
int rt_hash_next_key(struct kiln_map *m, const void *key, void *next);
int rt_hash_read(struct kiln_map *m, const void *key, void *value);
/* Lookup and delete: the value, by `get`, that no writer changed since. */
int rt_hash_take(struct kiln_map *m, const void *key, void *value,
	void (*get)(struct kiln_map *m, u32 index, void *value));
void rt_hash_get(struct kiln_map *m, u32 index, void *value);
void rt_hash_setup(struct kiln_map *m, bool percpu);

/* ---- lru.c --------------------------------------------------------------------- */

/* Takes an element out of a full map, with no stripe locked. 0: none came
 * free. */
u32 rt_hash_evict(struct kiln_map *m);

/* ---- hash_percpu.c ------------------------------------------------------------- */

/* Every slot, where a slot's number is asked for. */
#define ALL_CPUS UINT32_MAX

u64 *rt_pcpu_slot(const struct kiln_map *m, u32 index, u32 cpu);
void *rt_pcpu_value_here(struct kiln_map *m, u32 index);
/* What value says for slot cpu, or for each slot; a new element's other slots
 * become 0. */
void rt_pcpu_put(
	struct kiln_map *m, u32 index, const void *value, u32 cpu, bool is_new);
void rt_pcpu_get(struct kiln_map *m, u32 index, void *value);
int rt_pcpu_read(struct kiln_map *m, const void *key, void *value);
void rt_pcpu_setup(struct kiln_map *m);

#pragma GCC visibility pop

#endif
