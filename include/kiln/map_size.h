/*
 * What maps.def says, as code: the kinds, and how the storage NAME.values of
 * each is laid out and how large it is. The compiler reserves what the
 * runtime then uses, so both include this. Internal, freestanding.
 *
 * Sizes come from hostile input: the arithmetic saturates, and a saturated
 * or absurd total is -E2BIG.
 *
 * Array       value of key i at i * R8(v)
 * Programs    slot of key i at i * 8: address of the program's body, or 0
 * Per CPU     cpu-major: slot c begins at c * map_cpu_stride(); inside it as
 *             the kind without CPUs. Slots do not share cache lines
 *
 * Hash kinds (numbers are struct hash_layout's members; 1 and 3 on cache line
 * boundaries, as the storage itself should be):
 *   0          struct hash_head, one line
 *   1 heads    u64 per bucket: link to the first element
 *   2 stripes  struct hash_stripe per lock, one line each
 *   3 elems    n_elems x {16-byte header, key to 8, value to 8}; indices
 *              count from 1
 *   4 values   per-CPU kinds: the values live here instead, cpu-major
 */
#ifndef KILN_MAP_SIZE_H
#define KILN_MAP_SIZE_H

#include "kiln/base.h"

#define MAP_LINE	 64 /* bytes that two CPUs should not both write */
#define MAP_ELEM_HEADER	 16
#define MAP_STORAGE_MAX	 ((u64)1 << 46) /* half an address space */
#define MAP_VALUE_MAX	 (1u << 30)
#define MAP_OPEN_ENTRIES 4096 /* of kinds whose size the source cannot say */

/* enum bpf_map_type of uapi/linux/bpf.h, which a freestanding build does not
 * have; t_map_size.c compares them. */
enum kiln_map_type {
	KILN_MAP_TYPE_HASH = 1,
	KILN_MAP_TYPE_ARRAY = 2,
	KILN_MAP_TYPE_PROG_ARRAY = 3,
	KILN_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	KILN_MAP_TYPE_PERCPU_HASH = 5,
	KILN_MAP_TYPE_PERCPU_ARRAY = 6,
	KILN_MAP_TYPE_STACK_TRACE = 7,
	KILN_MAP_TYPE_CGROUP_ARRAY = 8,
	KILN_MAP_TYPE_LRU_HASH = 9,
	KILN_MAP_TYPE_LRU_PERCPU_HASH = 10,
	KILN_MAP_TYPE_LPM_TRIE = 11,
	KILN_MAP_TYPE_ARRAY_OF_MAPS = 12,
	KILN_MAP_TYPE_HASH_OF_MAPS = 13,
	KILN_MAP_TYPE_DEVMAP = 14,
	KILN_MAP_TYPE_SOCKMAP = 15,
	KILN_MAP_TYPE_CPUMAP = 16,
	KILN_MAP_TYPE_XSKMAP = 17,
	KILN_MAP_TYPE_SOCKHASH = 18,
	KILN_MAP_TYPE_QUEUE = 22,
	KILN_MAP_TYPE_STACK = 23,
	KILN_MAP_TYPE_SK_STORAGE = 24,
	KILN_MAP_TYPE_DEVMAP_HASH = 25,
	KILN_MAP_TYPE_RINGBUF = 27,
	KILN_MAP_TYPE_INODE_STORAGE = 28,
	KILN_MAP_TYPE_TASK_STORAGE = 29,
	KILN_MAP_TYPE_BLOOM_FILTER = 30,
	KILN_MAP_TYPE_USER_RINGBUF = 31,
	KILN_MAP_TYPE_CGRP_STORAGE = 32,
};

/* Flags of map creation, as in uapi/linux/bpf.h with BPF_ before. */
enum {
	F_NO_PREALLOC = 1 << 0,
	F_NO_COMMON_LRU = 1 << 1,
	F_NUMA_NODE = 1 << 2,
	F_RDONLY = 1 << 3, /* the host only reads */
	F_WRONLY = 1 << 4,
	F_STACK_BUILD_ID = 1 << 5,
	F_ZERO_SEED = 1 << 6,
	F_RDONLY_PROG = 1 << 7, /* programs only read */
	F_WRONLY_PROG = 1 << 8,
	F_CLONE = 1 << 9,
	F_MMAPABLE = 1 << 10,
	F_PRESERVE_ELEMS = 1 << 11,
	F_INNER_MAP = 1 << 12,
};

/* ---- saturating arithmetic ---------------------------------------------- */

static inline u64 map_add(u64 a, u64 b)
{
	u64 r;

	return add_overflows(a, b, &r) ? UINT64_MAX : r;
}

static inline u64 map_mul(u64 a, u64 b)
{
	u64 r;

	return mul_overflows(a, b, &r) ? UINT64_MAX : r;
}

static inline u64 map_round(u64 v, u64 align)
{
	return v > UINT64_MAX - align ? UINT64_MAX : align_up(v, align);
}

/* The smallest power of two >= v; v is in 1..2^32. */
static inline u64 map_pow2(u64 v)
{
	return v <= 1 ? 1 : (u64)1 << (64 - __builtin_clzll(v - 1));
}

/* ---- layout -------------------------------------------------------------- */

/* From one CPU's slot of n bytes to the next. A single slot has no neighbour
 * to keep away from. */
static inline u64 map_cpu_stride(u64 n, u64 c)
{
	return c > 1 ? map_round(n, MAP_LINE) : n;
}

struct hash_layout {
	u64 heads, stripes, elems, values; /* offsets in the storage */
	u64 stride;			   /* of elements */
	u64 cpu_stride;			   /* of values; 0: they are in elems */
	u64 buckets, n_stripes, n_elems;
	u64 bytes;
};

/* Spare elements, one per stripe, let an update put a new element in the
 * place of the old one as the kernel does; per-CPU kinds update in place. */
static inline struct hash_layout map_hash_layout(
	u64 k, u64 v, u64 n, u64 c, bool percpu)
{
	struct hash_layout l = {.buckets = map_pow2(n)};
	u64 locks = map_pow2(c), slot;

	l.n_stripes = l.buckets < locks ? l.buckets : locks;
	l.n_elems = percpu ? n : n + l.n_stripes;
	l.stride = MAP_ELEM_HEADER + align_up(k, 8) + (percpu ? 0 : v);
	l.heads = MAP_LINE;
	l.stripes =
		map_round(map_add(l.heads, map_mul(8, l.buckets)), MAP_LINE);
	l.elems = map_add(l.stripes, map_mul(MAP_LINE, l.n_stripes));
	l.values = map_add(l.elems, map_mul(l.n_elems, l.stride));
	if (!percpu) {
		l.bytes = l.values;
		return l;
	}
	l.values = map_round(l.values, MAP_LINE);
	slot = map_mul(l.n_elems, v);
	l.cpu_stride = map_cpu_stride(slot, c);
	l.bytes = map_add(l.values, map_mul(c, l.cpu_stride));
	return l;
}

#define MAP_RING_HEADER (2 * MAP_LINE) /* struct ring of the runtime */
#define MAP_PERF_RING	0x10000	       /* of one CPU slot */
#define MAP_RING_MIN	4096

/* Bytes of a ring that a definition asks for: a power of two. */
static inline u64 map_ring_size(u64 n)
{
	return map_pow2(n < MAP_RING_MIN ? MAP_RING_MIN : n);
}

/* Records go on behind the ring's end: room twice. */
static inline u64 map_ring_bytes(u64 size)
{
	return MAP_RING_HEADER + 2 * size;
}

#define MAP_NODE_HEADER 24

/* A node of an lpm_trie: header, key without its u32, value. */
static inline u64 map_node_size(u64 k, u64 v)
{
	return MAP_NODE_HEADER + align_up(k - 4, 8) + v;
}

/* Hash functions of a bloom_filter by its map_extra. */
static inline u64 map_bloom_hashes(u64 extra)
{
	return extra & 15 ? extra & 15 : 5;
}

/* Its bits: a power of two, at least entries * hashes / ln 2. */
static inline u64 map_bloom_bits(u64 n, u64 extra)
{
	u64 bits = map_mul(n, map_bloom_hashes(extra)) / 5 * 7;

	return bits < 64 ? 64 : bits > 1u << 31 ? (u64)1 << 32 : map_pow2(bits);
}

/* ---- kinds --------------------------------------------------------------- */

enum map_trait { /* see maps.def */
	MAP_SOME = 0,
	MAP_OPEN = 1,
	MAP_MAPS = 2,
	MAP_PTR_KEY = 4,
	MAP_PTR_VALUE = 8,
	MAP_BARE = 16,
};

struct kiln_map_kind {
	u32 type; /* enum bpf_map_type */
	const char *name;
	const char *ops; /* the runtime's symbol is kiln_map_ops_<ops> */
	bool scope;	 /* programs that use it need a run scope */
	u32 key_min, key_max, value_min, value_max;
	u32 traits;
	u32 flags; /* that its creation takes */
};

/* The kind with that number, or NULL. */
static inline const struct kiln_map_kind *kiln_map_kind(u32 type)
{
	static const struct kiln_map_kind kind[] = {
#define NONE	  false
#define SCOPE	  true
#define SOME	  MAP_SOME
#define OPEN	  MAP_OPEN
#define MAPS	  MAP_MAPS
#define PTR_KEY	  MAP_PTR_KEY
#define PTR_VALUE MAP_PTR_VALUE
#define BARE	  MAP_BARE
#define MAP_KIND(type, name, ops, scope, k0, k1, v0, v1, traits, flags, ...) \
	{KILN_MAP_TYPE_##type, #name, #ops, scope, k0, k1, v0, v1, traits,   \
		flags},
#include "kiln/maps.def"
#undef MAP_KIND
#undef BARE
#undef PTR_VALUE
#undef PTR_KEY
#undef MAPS
#undef OPEN
#undef SOME
#undef SCOPE
#undef NONE
	};

	for (size_t i = 0; i < countof(kind); i++)
		if (kind[i].type == type)
			return &kind[i];
	return NULL;
}

/* What a map's storage depends on. */
struct map_shape {
	u32 type, key, value, entries, cpus;
	u64 extra;
};

static inline u64 map_bytes(const struct map_shape *s)
{
	const u64 k = s->key, v = s->value, n = s->entries, c = s->cpus;
	const u64 x = s->extra;

	switch (s->type) {
#define TRIE_BYTES     map_add(MAP_LINE, map_mul(2 * n, map_node_size(k, R8(v))))
#define RING_BYTES     map_add(MAP_LINE, map_mul(n, R8(v)))
#define BLOOM_BYTES    (MAP_LINE + map_bloom_bits(n, x) / 8)
#define R8(x_)	       align_up(x_, 8)
#define MUL(a, b)      map_mul(a, b)
#define CPUS(x_)       MUL(c, map_cpu_stride(x_, c))
#define HASH_BYTES(x_) map_hash_layout(k, x_, n, c, false).bytes
#define PCPU_BYTES(x_) map_hash_layout(k, x_, n, c, true).bytes
#define MAP_KIND(type, name, ops, scope, k0, k1, v0, v1, traits, flags, bytes) \
	case KILN_MAP_TYPE_##type:                                             \
		return bytes;
#include "kiln/maps.def"
#undef MAP_KIND
#undef PCPU_BYTES
#undef HASH_BYTES
#undef CPUS
#undef MUL
#undef R8
#undef BLOOM_BYTES
#undef RING_BYTES
#undef TRIE_BYTES
	default: return 0;
	}
}

/* Bytes of storage: 0, -22 (EINVAL: no such kind, impossible key or value
 * size, no CPU slot) or -7 (E2BIG: more than can be stored or indexed). A map
 * whose entries are set at load (n == 0) needs none yet. */
static inline int kiln_map_storage(const struct map_shape *s, u64 *bytes)
{
	const struct kiln_map_kind *kind = kiln_map_kind(s->type);
	u64 size;

	*bytes = 0;
	if (!kind || !s->cpus || s->cpus > 1u << 16 || s->key < kind->key_min ||
		s->key > kind->key_max || s->value < kind->value_min ||
		s->value > kind->value_max)
		return -22;
	size = map_bytes(s);
	/* element links have 31 bits, see hashtab.h */
	if (size > MAP_STORAGE_MAX || s->entries > (1u << 30))
		return -7;
	*bytes = s->entries ? size : 0;
	return 0;
}

/* Whether the kernel would create a map with these flags: of a pair that
 * excludes each other only one. */
static inline bool kiln_map_flags_good(u32 type, u32 flags)
{
	const struct kiln_map_kind *kind = kiln_map_kind(type);
	const u32 prog = F_RDONLY_PROG | F_WRONLY_PROG;
	const u32 host = F_RDONLY | F_WRONLY;

	if (kind && kind->traits & MAP_BARE && !(flags & F_NO_PREALLOC))
		return false;
	return kind && !(flags & ~kind->flags) && (flags & prog) != prog &&
	       (flags & host) != host;
}

#endif
