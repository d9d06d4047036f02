/*
 * BPF_MAP_TYPE_BLOOM_FILTER: values are put in and never taken out; asked for a
 * value it says "maybe" (0) or "no" (-ENOENT), and "no" is always true.
 *
 * Each of map_extra hash functions (5 if 0) sets a bit of the value's. Bits are
 * set by atomic or and never cleared, so a value is in once its push returned;
 * push releases and peek acquires, so who finds a value sees what happened
 * before it was pushed, unless it is found by chance.
 */
#include "kiln/map_size.h"
#include "runtime/rt.h"

static u64 *words_of(const struct kiln_map *m)
{
	return (u64 *)(map_values(m) + MAP_LINE);
}

static always_inline u64 mix(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

static u64 hash(const struct kiln_map *m, const u8 *value)
{
	u64 h = m->priv[1];

	for (size_t i = 0; i < m->value_size; i += 8)
		h = mix(h ^ word_get(value + i, m->value_size - i), m->priv[2]);
	return h;
}

/* The hash functions are h1 + i * h2, which is as good as as many real ones. */
static int push(struct kiln_map *m, const void *value, u64 flags)
{
	int err = map_ready(m);
	u64 h, step;

	if (err)
		return err;
	if (flags != RT_ANY)
		return -RT_EINVAL;
	h = hash(m, value);
	step = mix(h, m->priv[2]) | 1;
	for (u32 i = 0; i < m->priv[3]; i++, h += step) {
		u64 bit = (h >> 32 | h << 32) & m->priv[0];

		atomic_fetch_or_explicit(ATOMIC64(&words_of(m)[bit / 64]),
			(u64)1 << bit % 64, memory_order_release);
	}
	return 0;
}

static int peek(struct kiln_map *m, void *value)
{
	int err = map_ready(m);
	u64 h, step;

	if (err)
		return err;
	h = hash(m, value);
	step = mix(h, m->priv[2]) | 1;
	for (u32 i = 0; i < m->priv[3]; i++, h += step) {
		u64 bit = (h >> 32 | h << 32) & m->priv[0];
		u64 w = load64(&words_of(m)[bit / 64], memory_order_acquire);

		if (!(w >> bit % 64 & 1))
			return -RT_ENOENT;
	}
	return 0;
}

static int pop(struct kiln_map *m, void *value)
{
	(void)m, (void)value;
	return -RT_ENOTSUP;
}

static int bloom_write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	(void)key;
	return push(m, value, flags);
}

static int bloom_read(struct kiln_map *m, const void *key, void *value)
{
	(void)key;
	return peek(m, value);
}

static int bloom_next_key(struct kiln_map *m, const void *key, void *next)
{
	(void)m, (void)key, (void)next;
	return -RT_ENOTSUP;
}

static void bloom_setup(struct kiln_map *m)
{
	u64 seed = 1, none = 0, *at = (u64 *)map_values(m);

	if (!(m->flags & F_ZERO_SEED))
		seed = (u64)kiln_port_random() << 32 | kiln_port_random() | 1;
	/* per storage, so that all who share one agree */
	if (!atomic_compare_exchange_strong_explicit(ATOMIC64(at), &none, seed,
		    memory_order_relaxed, memory_order_relaxed))
		seed = none;
	m->priv[0] = map_bloom_bits(m->max_entries, m->extra) - 1;
	m->priv[1] = seed ^ 0x243f6a8885a308d3; /* fractions of pi */
	m->priv[2] = mix(seed ^ 0x13198a2e03707344, 0xa4093822299f31d1) | 1;
	m->priv[3] = map_bloom_hashes(m->extra);
}

RT_API const struct kiln_map_ops kiln_map_ops_bloom_filter = {
	.lookup = rt_none_lookup,
	.update = rt_none_update,
	.del = rt_none_del,
	.for_each = rt_none_each,
	.push = push,
	.pop = pop,
	.peek = peek,
	.read = bloom_read,
	.write = bloom_write,
	.next_key = bloom_next_key,
	.setup = bloom_setup,
};
