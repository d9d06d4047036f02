/*
 * The writers' side of the hash kinds, and what they share. The protocol and
 * the argument for it are in hashtab.h; step numbers refer to it.
 */
#include "runtime/hashtab.h"

/* ---- shape ------------------------------------------------------------------ */

u64 rt_hash_n_stripes(const struct kiln_map *m)
{
	u64 buckets = (u64)(u32)m->priv[PRIV_SHAPE] + 1;
	u64 locks = map_pow2(m->max_cpus);

	return buckets < locks ? buckets : locks;
}

struct hash_stripe *rt_hash_stripe(const struct kiln_map *m, u32 hash)
{
	u64 buckets = (u64)(u32)m->priv[PRIV_SHAPE] + 1;
	u8 *stripes =
		map_values(m) + align_up(MAP_LINE + 4 * buckets, MAP_LINE);
	u64 i = hash_bucket(m, hash) & (rt_hash_n_stripes(m) - 1);

	return (struct hash_stripe *)(stripes + i * MAP_LINE);
}

/* Seeds are per storage, so that all who share one agree. */
static u64 choose_seed(struct kiln_map *m)
{
	u64 *at = &hash_head(m)->seed, none = 0, seed;

	if (m->flags & RT_F_ZERO_SEED)
		return 1;
	seed = (u64)kiln_port_random() << 32 | kiln_port_random() | 1;
	if (atomic_compare_exchange_strong_explicit(ATOMIC64(at), &none, seed,
		    memory_order_relaxed, memory_order_relaxed))
		return seed;
	return none;
}

void rt_hash_setup(struct kiln_map *m, bool percpu)
{
	struct hash_layout l = map_hash_layout(m->key_size, map_value_stride(m),
		m->max_entries, m->max_cpus, percpu);
	u64 seed = choose_seed(m);

	m->priv[PRIV_ELEMS] = m->values + l.elems - l.stride;
	m->priv[PRIV_SHAPE] = l.stride << 32 | (l.buckets - 1);
	/* fractions of pi; the multiplier is odd and has many bits set */
	m->priv[PRIV_SEED0] = seed ^ 0x243f6a8885a308d3;
	m->priv[PRIV_SEED1] =
		hash_mix(seed ^ 0x13198a2e03707344, 0xa4093822299f31d1) | 1;
}

u32 rt_hash_key(const struct kiln_map *m, const void *key)
{
	switch (m->key_size) {
	case 4: return hash_of(m, key, 4);
	case 8: return hash_of(m, key, 8);
	case 16: return hash_of(m, key, 16);
	default: return hash_of(m, key, m->key_size);
	}
}

/* ---- free elements ------------------------------------------------------------ */

static u32 pop_free(struct kiln_map *m)
{
	_Atomic u64 *head = ATOMIC64(&hash_head(m)->free);
	/* acquire: the link that rt_hash_free() stored before its release */
	u64 old = atomic_load_explicit(head, memory_order_acquire), new;

	do {
		if (!(u32)old)
			return 0;
		/* of an element that somebody else popped meanwhile this is
		 * not a link; then the tag differs and it is not installed */
		new = (u32)load64(&hash_elem_at(m, (u32)old)->key[0],
			      memory_order_relaxed) |
		      ((old >> 32) + 1) << 32;
	} while (!atomic_compare_exchange_weak_explicit(
		head, &old, new, memory_order_acquire, memory_order_acquire));
	return (u32)old;
}

static u32 take_unused(struct kiln_map *m)
{
	_Atomic u32 *used = ATOMIC32(&hash_head(m)->n_used);
	u32 n = atomic_load_explicit(used, memory_order_relaxed);

	do {
		if (n >= m->max_entries)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(
		used, &n, n + 1, memory_order_relaxed, memory_order_relaxed));
	return n + 1;
}

u32 rt_hash_alloc(struct kiln_map *m)
{
	u32 index = pop_free(m);

	return index ? index : take_unused(m);
}

void rt_hash_free(struct kiln_map *m, u32 index)
{
	_Atomic u64 *head = ATOMIC64(&hash_head(m)->free);
	u64 old = atomic_load_explicit(head, memory_order_relaxed), new;

	do {
		store64(&hash_elem_at(m, index)->key[0], (u32)old,
			memory_order_relaxed);
		new = index | ((old >> 32) + 1) << 32;
	} while (!atomic_compare_exchange_weak_explicit(
		head, &old, new, memory_order_release, memory_order_relaxed));
}

/* Swaps the stripe's spare for another element. A stripe is born with one of
 * its own, behind the max_entries that take_unused() hands out. */
static u32 swap_spare(struct kiln_map *m, u32 hash, u32 index)
{
	struct hash_stripe *s = rt_hash_stripe(m, hash);
	u64 i = hash_bucket(m, hash) & (rt_hash_n_stripes(m) - 1);
	u32 spare = s->spare ? s->spare : (u32)(m->max_entries + 1 + i);

	s->spare = index;
	return spare;
}

/* ---- buckets, with the stripe locked -------------------------------------------- */

struct hash_place rt_hash_place(struct kiln_map *m, const void *key, u32 hash)
{
	struct hash_place at = {0, hash_link(m, hash_bucket(m, hash))};
	struct hash_elem *e;

	for (;; at.link = &e->next) {
		at.index = load32(at.link, memory_order_relaxed);
		if (!at.index || at.index & HASH_END)
			break;
		e = hash_elem_at(m, at.index);
		if (load32(&e->hash, memory_order_relaxed) == hash &&
			hash_key_is(e, key, m->key_size))
			return at;
	}
	at.index = 0;
	return at;
}

/* Steps I1 (but for the value, which the caller wrote) to I4. */
void rt_hash_insert(struct kiln_map *m, u32 index, const void *key, u32 hash)
{
	u32 bucket = hash_bucket(m, hash), *head = hash_link(m, bucket);
	u32 first = load32(head, memory_order_relaxed);
	struct hash_elem *e = hash_elem_at(m, index);
	u32 gen = load32(&e->gen, memory_order_relaxed);

	store32(&e->hash, hash, memory_order_relaxed);
	words_put(e->key, key, m->key_size);
	store32(&e->next, first ? first : HASH_END | bucket,
		memory_order_release);
	store32(&e->gen, gen + 1, memory_order_release);
	store32(head, index, memory_order_release);
}

/* Steps U1 to U3. */
void rt_hash_unlink(struct kiln_map *m, struct hash_place at)
{
	struct hash_elem *e = hash_elem_at(m, at.index);
	u32 gen = load32(&e->gen, memory_order_relaxed);

	store32(at.link, load32(&e->next, memory_order_relaxed),
		memory_order_release);
	store32(&e->gen, gen + 1, memory_order_relaxed);
	/* pairs with F5: who reads anything written into this element from
	 * here on also reads the even gen, or a later one */
	atomic_thread_fence(memory_order_release);
}

/* Replaces old by a new element with the same key, and returns that. */
u32 rt_hash_swap(struct kiln_map *m, const void *key, u32 hash,
	const void *value, struct hash_place old)
{
	u32 index = swap_spare(m, hash, old.index);
	struct hash_elem *e = hash_elem_at(m, index);

	words_put(hash_value(m, e), value, m->value_size);
	rt_hash_insert(m, index, key, hash);
	if (old.link == hash_link(m, hash_bucket(m, hash)))
		old.link = &e->next;
	rt_hash_unlink(m, old);
	return index;
}

int rt_hash_delete(struct kiln_map *m, const void *key)
{
	struct hash_stripe *s;
	struct hash_place at;
	int err = map_ready(m);
	u32 hash;

	if (err)
		return err;
	hash = rt_hash_key(m, key);
	s = rt_hash_stripe(m, hash);
	err = kiln_port_lock(&s->lock);
	if (err)
		return err;
	at = rt_hash_place(m, key, hash);
	if (at.index)
		rt_hash_unlink(m, at);
	kiln_port_unlock(&s->lock);
	if (!at.index)
		return -RT_ENOENT;
	rt_hash_free(m, at.index);
	return 0;
}

/* ---- the host's side -------------------------------------------------------------- */

/* The value of one moment, unless programs write it in place. */
int rt_hash_read(struct kiln_map *m, const void *key, void *value)
{
	struct hash_found f;
	int err = map_ready(m);

	if (err)
		return err;
	do {
		f = hash_find(m, key);
		if (!f.e)
			return -RT_ENOENT;
		words_get(value, hash_value(m, f.e), m->value_size);
	} while (!hash_still(f));
	return 0;
}

/* The key of the first live element at or behind `link`, following chains.
 * -ENOENT at the end of this bucket, -EAGAIN if the chain changed. */
static int copy_key(struct kiln_map *m, u32 link, u32 bucket, void *out)
{
	struct hash_found f;

	if (!link || link == (HASH_END | bucket))
		return -RT_ENOENT;
	if (link & HASH_END)
		return -RT_EAGAIN;
	f.e = hash_elem_at(m, link);
	f.gen = load32(&f.e->gen, memory_order_acquire);
	if (!(f.gen & 1))
		return -RT_EAGAIN;
	words_get(out, f.e->key, m->key_size);
	return hash_still(f) ? 0 : -RT_EAGAIN;
}

static int first_from(struct kiln_map *m, u64 bucket, void *next)
{
	u64 mask = (u32)m->priv[PRIV_SHAPE];
	int err;

	for (; bucket <= mask; bucket++) {
		u32 *head = hash_link(m, (u32)bucket);

		do
			err = copy_key(m, load32(head, memory_order_acquire),
				(u32)bucket, next);
		while (err == -RT_EAGAIN);
		if (err != -RT_ENOENT)
			return err;
	}
	return -RT_ENOENT;
}

/* Buckets in order, newest element first; a key that is not there (any more)
 * starts from the beginning, as in the kernel. */
int rt_hash_next_key(struct kiln_map *m, const void *key, void *next)
{
	struct hash_found f;
	u32 bucket, link;
	int err = map_ready(m);

	if (err)
		return err;
	if (!key)
		return first_from(m, 0, next);
	bucket = hash_bucket(m, rt_hash_key(m, key));
	do {
		f = hash_find(m, key);
		if (!f.e)
			return first_from(m, 0, next);
		link = load32(&f.e->next, memory_order_acquire);
		err = hash_still(f) ? copy_key(m, link, bucket, next)
				    : -RT_EAGAIN;
	} while (err == -RT_EAGAIN);
	return err == -RT_ENOENT ? first_from(m, (u64)bucket + 1, next) : err;
}
