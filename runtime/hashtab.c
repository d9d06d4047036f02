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

u32 rt_hash_n_elems(const struct kiln_map *m)
{
	bool percpu = m->type == KILN_MAP_TYPE_PERCPU_HASH ||
		      m->type == KILN_MAP_TYPE_LRU_PERCPU_HASH;

	return m->max_entries + (percpu ? 0 : (u32)rt_hash_n_stripes(m));
}

struct hash_stripe *rt_hash_stripe(const struct kiln_map *m, u32 hash)
{
	u64 buckets = (u64)(u32)m->priv[PRIV_SHAPE] + 1;
	u8 *stripes =
		map_values(m) + align_up(MAP_LINE + 8 * buckets, MAP_LINE);
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

u32 rt_hash_of_elem(const struct kiln_map *m, const struct hash_elem *e)
{
	u64 h = m->priv[PRIV_SEED0], mul = m->priv[PRIV_SEED1];

	/* as hash_of(): a last word is padded with 0 here too */
	for (u32 i = 0; i < (m->key_size + 7) / 8; i++)
		h = hash_mix(h ^ load64(&e->key[i], memory_order_relaxed), mul);
	return hash_fold(h);
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

	if (unlikely(m->nfields))
		rt_fields_free(m, hash_value(m, hash_elem_at(m, index)));
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
	u64 link;

	for (; (link = load64(at.link, memory_order_relaxed));
		at.link = &e->next) {
		e = hash_elem_at(m, (u32)link);
		if (hash_key_is(e, key, m->key_size)) {
			at.index = (u32)link;
			break;
		}
	}
	return at;
}

/* Steps I1 (but for the value, which the caller wrote) to I4. */
static void go_live(
	struct kiln_map *m, u32 index, const void *key, u64 next, u64 *place)
{
	struct hash_elem *e = hash_elem_at(m, index);
	u32 gen = load32(&e->gen, memory_order_relaxed) + 1;

	words_put(e->key, key, m->key_size);
	store64(&e->next, next, memory_order_relaxed);
	store32(&e->gen, gen, memory_order_relaxed);
	/* pairs with the acquire of F1 and F3 */
	store64(place, (u64)gen << 32 | index, memory_order_release);
}

/* Steps U2 and U3. */
static void end_life(struct hash_elem *e)
{
	u32 gen = load32(&e->gen, memory_order_relaxed);

	store32(&e->gen, gen + 1, memory_order_relaxed);
	/* pairs with F4: who reads anything written into this element from
	 * here on also reads this gen, or a later one */
	atomic_thread_fence(memory_order_release);
}

void rt_hash_insert(struct kiln_map *m, u32 index, const void *key, u32 hash)
{
	u64 *head = hash_link(m, hash_bucket(m, hash));

	go_live(m, index, key, load64(head, memory_order_relaxed), head);
}

void rt_hash_unlink(struct kiln_map *m, struct hash_place at)
{
	struct hash_elem *e = hash_elem_at(m, at.index);

	store64(at.link, load64(&e->next, memory_order_relaxed),
		memory_order_release);
	end_life(e);
}

/* Puts a new element with the same key in the place of the old one. */
u32 rt_hash_swap(struct kiln_map *m, const void *key, u32 hash,
	const void *value, struct hash_place at)
{
	u32 index = swap_spare(m, hash, at.index);
	struct hash_elem *old = hash_elem_at(m, at.index);

	value_new(m, hash_value(m, hash_elem_at(m, index)), value);
	go_live(m, index, key, load64(&old->next, memory_order_relaxed),
		at.link);
	end_life(old);
	if (unlikely(m->nfields))
		rt_fields_free(m, hash_value(m, old));
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

/* ---- for_each ------------------------------------------------------------------------ */

void *rt_hash_value_at(struct kiln_map *m, u32 index)
{
	return hash_value(m, hash_elem_at(m, index));
}

enum { CHAIN_MAX = 64 }; /* chains have 1 element on average, 8 rarely */

/* The links of a bucket's chain as of one moment; how many. */
static u32 copy_chain(struct kiln_map *m, u32 bucket, u64 *chain)
{
	struct hash_elem *e;
	u64 link, next;
	u32 n;

again:
	n = 0;
	link = load64(hash_link(m, bucket), memory_order_acquire);
	for (; link && n < CHAIN_MAX; link = next) {
		e = hash_elem_at(m, (u32)link);
		next = load64(&e->next, memory_order_acquire);
		if (!hash_alive(e, link >> 32))
			goto again;
		chain[n++] = link;
	}
	return n;
}

i64 rt_hash_for_each(struct kiln_map *m, callback_fn fn, u64 ctx,
	void *(*value)(struct kiln_map *m, u32 index))
{
	u64 chain[CHAIN_MAX], mask;
	i64 seen = 0;

	if (map_ready(m))
		return 0;
	mask = (u32)m->priv[PRIV_SHAPE];
	for (u64 b = 0; b <= mask; b++) {
		u32 n = copy_chain(m, (u32)b, chain);

		for (u32 i = 0; i < n; i++) {
			struct hash_elem *e = hash_elem_at(m, (u32)chain[i]);
			void *v = value(m, (u32)chain[i]);

			/* removed meanwhile, maybe by the callback itself */
			if (!v || !hash_alive(e, chain[i] >> 32))
				continue;
			seen++;
			if (fn((uintptr_t)m, (uintptr_t)e->key, (uintptr_t)v,
				    ctx, 0))
				return seen;
		}
	}
	return seen;
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
		value_get(m, value, hash_value(m, f.e));
	} while (!hash_alive(f.e, f.gen));
	return 0;
}

void rt_hash_get(struct kiln_map *m, u32 index, void *value)
{
	value_get(m, value, hash_value(m, hash_elem_at(m, index)));
}

int rt_hash_take(struct kiln_map *m, const void *key, void *value,
	void (*get)(struct kiln_map *m, u32 index, void *value))
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
	if (at.index) {
		rt_hash_unlink(m, at);
		get(m, at.index, value);
	}
	kiln_port_unlock(&s->lock);
	if (!at.index)
		return -RT_ENOENT;
	rt_hash_free(m, at.index);
	return 0;
}

/* The key of the element that link means. -ENOENT if that is none, -EAGAIN if
 * its life is over. */
static int copy_key(struct kiln_map *m, u64 link, void *out)
{
	struct hash_elem *e = hash_elem_at(m, (u32)link);

	if (!link)
		return -RT_ENOENT;
	words_get(out, e->key, m->key_size);
	return hash_alive(e, link >> 32) ? 0 : -RT_EAGAIN;
}

static int first_from(struct kiln_map *m, u64 bucket, void *next)
{
	u64 mask = (u32)m->priv[PRIV_SHAPE];
	int err = -RT_ENOENT;

	for (; bucket <= mask && err == -RT_ENOENT; bucket++) {
		u64 *head = hash_link(m, (u32)bucket);

		do
			err = copy_key(
				m, load64(head, memory_order_acquire), next);
		while (err == -RT_EAGAIN);
	}
	return err;
}

/* Buckets in order, newest place first; a key that is not there (any more)
 * starts from the beginning, as in the kernel. */
int rt_hash_next_key(struct kiln_map *m, const void *key, void *next)
{
	struct hash_found f;
	u32 bucket;
	u64 link;
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
		link = load64(&f.e->next, memory_order_acquire);
		err = hash_alive(f.e, f.gen) ? copy_key(m, link, next)
					     : -RT_EAGAIN;
	} while (err == -RT_EAGAIN);
	return err == -RT_ENOENT ? first_from(m, (u64)bucket + 1, next) : err;
}
