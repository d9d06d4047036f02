/*
 * What maps hold: filled alike on both sides before the packets, read on both
 * sides after them. Values of per-CPU maps are folded into one by exclusive or:
 * the program ran on one CPU, the others' values are 0.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "differ.h"

enum { FILL = 64, MAX_BYTES = 1 << 16, MAX_ENTRIES = 4096 };

/* ---- kinds --------------------------------------------------------------- */

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_hash(u32 type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool has_values(const struct kmap *m)
{
	return !m->internal &&
	       (is_array(m->type) || is_hash(m->type) ||
		       m->type == BPF_MAP_TYPE_LPM_TRIE) &&
	       m->key_size + m->value_size <= MAX_BYTES / 2;
}

/* ---- before -------------------------------------------------------------- */

static u64 next(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

static void draw(u64 *seed, u8 *to, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		u64 v = next(seed);

		/* many bytes that mean something: 0, 1, 255 */
		to[k] = (u8)(v >> 8 & 3 ? v >> 16 : v >> 24 & 1);
	}
}

static void draw_key(u64 *seed, const struct kmap *m, u32 k, u8 *key)
{
	if (is_array(m->type)) {
		memcpy(key, &k, sizeof(k));
		return;
	}
	draw(seed, key, m->key_size);
	if (m->type == BPF_MAP_TYPE_LPM_TRIE) {
		u32 bits = (u32)(next(seed) % (8 * (m->key_size - 4) + 1));

		memcpy(key, &bits, sizeof(bits));
	}
}

/* The sides' forms of one value: the CPU that runs has it, the others 0. */
struct forms {
	u8 kernel[1 << 20], native[1 << 20];
};

static bool make_forms(struct forms *f, const struct kmap *m,
	const struct kiln_map *n, const u8 *value)
{
	u32 each = is_percpu(m->type) ? (m->value_size + 7) & ~7u : 0;

	if (each * (size_t)libbpf_num_possible_cpus() > sizeof(f->kernel) ||
		kiln_map_value_bytes(n) > sizeof(f->native))
		return false;
	memset(f, 0, sizeof(*f));
	/* CPU 0, slot 0 */
	memcpy(f->kernel, value, m->value_size);
	memcpy(f->native, value, m->value_size);
	return true;
}

/* m: the same map of k programs. */
static void fill(
	const struct kmap *const *m, u32 k, struct kiln_map *n, u64 *seed)
{
	static u8 key[MAX_BYTES], value[MAX_BYTES];
	static struct forms f;
	u32 most = m[0]->max_entries < FILL ? m[0]->max_entries : FILL;

	for (u32 i = 0; i < most; i++) {
		draw_key(seed, m[0], i, key);
		draw(seed, value, m[0]->value_size);
		if (!make_forms(&f, m[0], n, value))
			return;
		for (u32 j = 0; j < k; j++)
			bpf_map_update_elem(m[j]->fd, key, f.kernel, BPF_ANY);
		kiln_map_update(n, key, f.native, BPF_ANY);
	}
}

/* The kernel's have no programs: only one is loaded at a time. */
static void empty_programs(const struct nprog *n)
{
	struct kiln_map *m = NULL;

	while ((m = kiln_object_next_map(n->obj, m)))
		if (m->type == BPF_MAP_TYPE_PROG_ARRAY)
			for (u32 k = 0; k < m->max_entries; k++)
				kiln_map_delete(m, &k);
}

void contents_fill(const struct kprog k[2], const struct nprog *n, u64 seed)
{
	empty_programs(n);
	for (u32 i = 0; seed && i < k[0].nmaps; i++) {
		const struct kmap *m[2] = {&k[0].map[i], &k[1].map[i]};
		struct kiln_map *to = kiln_object_find_map(n->obj, m[0]->name);
		u64 s = seed + i;

		if (to && has_values(m[0]))
			fill(m, 2, to, &s);
	}
}

/* ---- after --------------------------------------------------------------- */

static void fold(u8 *to, const u8 *from, size_t bytes, u32 each, u32 size)
{
	memset(to, 0, size);
	for (size_t at = 0; at + each <= bytes; at += each)
		for (u32 k = 0; k < size; k++)
			to[k] ^= from[at + k];
}

static u8 *next_entry(struct entries *e)
{
	u32 each = e->key_size + e->value_size;

	if (e->n == MAX_ENTRIES)
		return NULL;
	e->bytes = realloc(e->bytes, (size_t)(e->n + 1) * each);
	return e->bytes + (size_t)e->n++ * each;
}

/* qsort has no argument. State of this file. */
static u32 sort_size;

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sort_size);
}

static struct entries sorted(struct entries e)
{
	sort_size = e.key_size + e.value_size;
	if (e.n)
		qsort(e.bytes, e.n, sort_size, by_bytes);
	return e;
}

static struct entries empty(const struct kmap *m)
{
	return (struct entries){.key_size = m->key_size,
		.value_size = m->value_size,
		.opaque = !has_values(m)};
}

struct entries contents_of_kernel(const struct kmap *m)
{
	static u8 key[MAX_BYTES], value[1 << 20];
	struct entries e = empty(m);
	u32 each = (m->value_size + 7) & ~7u;
	size_t bytes = m->value_size;
	const void *from = NULL;
	u8 *to;

	if (is_percpu(m->type))
		bytes = (size_t)each * (size_t)libbpf_num_possible_cpus();
	else
		each = m->value_size;
	if (bytes > sizeof(value))
		e.opaque = true;
	while (!e.opaque && !bpf_map_get_next_key(m->fd, from, key)) {
		from = key;
		if (bpf_map_lookup_elem(m->fd, key, value))
			continue;
		to = next_entry(&e);
		if (!to)
			break;
		memcpy(to, key, m->key_size);
		fold(to + m->key_size, value, bytes, each, m->value_size);
	}
	return sorted(e);
}

struct entries contents_of_native(const struct nprog *n, const struct kmap *m)
{
	static u8 key[MAX_BYTES], value[1 << 20];
	struct kiln_map *map = kiln_object_find_map(n->obj, m->name);
	struct entries e = empty(m);
	u32 each =
		is_percpu(m->type) ? (m->value_size + 7) & ~7u : m->value_size;
	const void *from = NULL;
	u8 *to;

	if (!map || kiln_map_value_bytes(map) > sizeof(value))
		e.opaque = true;
	while (!e.opaque && !kiln_map_next_key(map, from, key)) {
		from = key;
		if (kiln_map_lookup(map, key, value))
			continue;
		to = next_entry(&e);
		if (!to)
			break;
		memcpy(to, key, m->key_size);
		fold(to + m->key_size, value, kiln_map_value_bytes(map), each,
			m->value_size);
	}
	return sorted(e);
}

bool entries_equal(const struct entries *a, const struct entries *b)
{
	if (a->opaque || b->opaque)
		return a->opaque == b->opaque;
	return a->n == b->n &&
	       (!a->n || !memcmp(a->bytes, b->bytes,
				 (size_t)a->n * (a->key_size + a->value_size)));
}
