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
 *   elems    {next, gen, hash, ref} key value; index 1 is the first
 *
 * A link is an element's index, or the end of a chain: END | bucket. A bucket
 * that was never used has 0, which also ends it.
 *
 * Elements never move and never leave the storage. An element is live while
 * it is in a chain; otherwise it is free, a stripe's spare, or in the hands
 * of one writer. `gen` is odd exactly while it is live, and every change
 * increments it.
 *
 *   insert (stripe locked, e not live):    unlink (stripe locked):
 *     I1 write hash, key, value              U1 link before e = e.next (release)
 *     I2 e.next = head                       U2 e.gen++            -> even
 *     I3 e.gen++         -> odd (release)    U3 release fence
 *     I4 head = e              (release)     then e may be written again
 *
 *   find (no lock):
 *     F1 link = head (acquire)
 *     F2 at an end: if it is another bucket's, start again; else no such key
 *     F3 g = e.gen (acquire); if even, start again
 *     F4 compare the key; if it differs, link = e.next (acquire), go to F2
 *     F5 acquire fence; if e.gen != g, start again; found
 *
 * What holds, and why:
 * - find returns e for key K only if e was live with key K, whole, at some
 *   moment during the find. F3 read g from I3, so I1 of that life is seen; a
 *   later life's I1 comes after U2 and U3, so if F4 had read any word of it,
 *   F5 would read the even or a later gen (U3 pairs with F5's fence).
 * - A key that is present during the whole find is found. Chains grow at the
 *   head, so what is behind an element of a chain stays there while it lives.
 *   A walker that is carried into another bucket by an element's reuse sees
 *   that bucket's end (F2) and starts again; one that comes back enters at an
 *   element inserted during the find, with all older ones behind it. A value
 *   is replaced by inserting the new element first and unlinking the old one
 *   second, so there is no moment without the key.
 * - find ends: it starts again only if some writer completed U2 or I4
 *   meanwhile. In particular a signal handler's find is not stopped by the
 *   writer it interrupts, because between any two steps every chain from its
 *   head leads through live elements only.
 * - An address that find gave stays readable and writable as long as the map:
 *   type-stable memory. Its element can be deleted and reused for another
 *   key afterwards, at once, as with the kernel's preallocated maps. The old
 *   value stays in place until then.
 * - gen would have to wrap (2^31 lives of one element) between F3 and F5 to
 *   deceive find.
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

#define HASH_END 0x80000000u

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
	u32 next;
	u32 gen;
	u32 hash;
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

/* An element as find saw it: NULL or live with generation gen. */
struct hash_found {
	struct hash_elem *e;
	u32 index, gen;
};

/* A place in a locked bucket: the element there, or 0 at the end, and the
 * link that leads to it. */
struct hash_place {
	u32 index;
	u32 *link;
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

static always_inline u32 *hash_link(const struct kiln_map *m, u32 bucket)
{
	return (u32 *)(map_values(m) + MAP_LINE) + bucket;
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

/* One multiplication per word, by a number that an outsider does not know. */
static always_inline u32 hash_of(
	const struct kiln_map *m, const u8 *key, size_t size)
{
	u64 h = m->priv[PRIV_SEED0], mul = m->priv[PRIV_SEED1];

	for (size_t i = 0; i < size; i += 8)
		h = hash_mix(h ^ word_get(key + i, size - i), mul);
	return (u32)(h ^ h >> 32);
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

/* Steps F1 to F5. */
static always_inline struct hash_found hash_find_sized(
	const struct kiln_map *m, const u8 *key, size_t size)
{
	u32 bucket = hash_bucket(m, hash_of(m, key, size)), link, gen;
	struct hash_elem *e;

again:
	link = load32(hash_link(m, bucket), memory_order_acquire);
	for (; link && !(link & HASH_END);
		link = load32(&e->next, memory_order_acquire)) {
		e = hash_elem_at(m, link);
		gen = load32(&e->gen, memory_order_acquire);
		if (unlikely(!(gen & 1)))
			goto again;
		if (!hash_key_is(e, key, size))
			continue;
		atomic_thread_fence(memory_order_acquire); /* pairs with U3 */
		if (unlikely(load32(&e->gen, memory_order_relaxed) != gen))
			goto again;
		return (struct hash_found){e, link, gen};
	}
	if (unlikely(link && link != (HASH_END | bucket)))
		goto again;
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

/* Whether e still is what find saw: its value, read before, was whole. */
static always_inline bool hash_still(struct hash_found f)
{
	atomic_thread_fence(memory_order_acquire); /* pairs with U3 */
	return load32(&f.e->gen, memory_order_relaxed) == f.gen;
}

/* ---- hashtab.c ---------------------------------------------------------------------- */

u32 rt_hash_key(const struct kiln_map *m, const void *key);
u64 rt_hash_n_stripes(const struct kiln_map *m);
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
int rt_hash_next_key(struct kiln_map *m, const void *key, void *next);
int rt_hash_read(struct kiln_map *m, const void *key, void *value);
void rt_hash_setup(struct kiln_map *m, bool percpu);

#endif
