/*
 * The runtime's internal header: what crosses files. Types first, then
 * prototypes by file. Everything above "hosted" is the core: freestanding,
 * built on include/kiln/port.h alone.
 */
#ifndef KILN_RUNTIME_RT_H
#define KILN_RUNTIME_RT_H

#include <stdatomic.h>

#include "kiln/base.h"
#include "kiln/format.h"
#include "kiln/port.h"

/* Visible outside libkiln.so: the public API and what objects import. */
#define RT_API __attribute__((visibility("default")))
/* An embedder's definition of the same name wins at link time, even when
 * another symbol of the same archive member is needed too. */
#define RT_WEAK	      __attribute__((weak))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define always_inline inline __attribute__((always_inline))

/* errno of Linux; a freestanding build has no <errno.h>. */
enum {
	RT_EPERM = 1,
	RT_ENOENT = 2,
	RT_ESRCH = 3,
	RT_E2BIG = 7,
	RT_EBADF = 9,
	RT_EAGAIN = 11,
	RT_ENOMEM = 12,
	RT_EACCES = 13,
	RT_EFAULT = 14,
	RT_EBUSY = 16,
	RT_EEXIST = 17,
	RT_ENODEV = 19,
	RT_EINVAL = 22,
	RT_ENOSPC = 28,
	RT_ERANGE = 34,
	RT_EDEADLK = 35,
	RT_EOVERFLOW = 75,
	RT_ENOMSG = 42,
	RT_ESOCKTNOSUPPORT = 94,
	RT_ENOTSUP = 95,
	RT_EOPNOTSUPP = RT_ENOTSUP,
	RT_ETIMEDOUT = 110,
	RT_ENOTSUPP = 524, /* the kernel's own, which programs see, too */
};

/* Flags of map updates and of map creation (uapi/linux/bpf.h). */
enum {
	RT_ANY = 0,
	RT_NOEXIST = 1,
	RT_EXIST = 2,
	RT_F_LOCK = 4,
	RT_F_ZERO_SEED = 1 << 6,
};

/* ---- atomics on plain words ------------------------------------------------ */

/* Records that C++ and the compiler also see have plain members. */
#define ATOMIC32(p) ((_Atomic u32 *)(void *)(p))
#define ATOMIC64(p) ((_Atomic u64 *)(void *)(p))

static inline u32 load32(const u32 *p, memory_order o)
{
	return atomic_load_explicit((const _Atomic u32 *)(const void *)p, o);
}

static inline u64 load64(const u64 *p, memory_order o)
{
	return atomic_load_explicit((const _Atomic u64 *)(const void *)p, o);
}

static inline void store32(u32 *p, u32 v, memory_order o)
{
	atomic_store_explicit(ATOMIC32(p), v, o);
}

static inline void store64(u64 *p, u64 v, memory_order o)
{
	atomic_store_explicit(ATOMIC64(p), v, o);
}

/* ---- map.c: registry, dispatch, host side ----------------------------------- */

/* kiln_map.state; MAP_UNLOADED: of an object that is not loaded yet */
enum { MAP_RAW, MAP_READY, MAP_UNLOADED };

/* A program's function, called by a helper. What it has no argument for is 0. */
typedef u64 (*callback_fn)(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

/* One kind of map. Programs use the first group (this CPU's value, by
 * address), the host the second (copies; every CPU's value). All run in any
 * context at any time; they return 0 or negative errno. */
struct kiln_map_ops {
	void *(*lookup)(struct kiln_map *m, const void *key);
	int (*update)(struct kiln_map *m, const void *key, const void *value,
		u64 flags);
	int (*del)(struct kiln_map *m, const void *key);
	/* fn(map, key, value, ctx, 0) until it returns 1; how often */
	i64 (*for_each)(struct kiln_map *m, callback_fn fn, u64 ctx);
	/* Kinds without keys; else NULL. */
	int (*push)(struct kiln_map *m, const void *value, u64 flags);
	int (*pop)(struct kiln_map *m, void *value);
	int (*peek)(struct kiln_map *m, void *value);
	/* another slot's value; NULL if the kind is not per CPU */
	void *(*lookup_cpu)(struct kiln_map *m, const void *key, u32 cpu);

	int (*read)(struct kiln_map *m, const void *key, void *value);
	/* With BPF_F_LOCK; NULL if no value of the kind has a lock. */
	int (*read_locked)(struct kiln_map *m, const void *key, void *value);
	int (*write)(struct kiln_map *m, const void *key, const void *value,
		u64 flags);
	int (*next_key)(struct kiln_map *m, const void *key, void *next);
	/* Lookup and delete in one; or NULL. */
	int (*take)(struct kiln_map *m, const void *key, void *value);
	/* The host's delete, where it differs from a program's; else NULL. */
	int (*erase)(struct kiln_map *m, const void *key);

	/* Fills kiln_map.priv once the storage stands; under map->lock. */
	void (*setup)(struct kiln_map *m);
	/* Before a created map is freed; or NULL. Nobody uses it any more. */
	void (*fini)(struct kiln_map *m);
	bool percpu;   /* a value per CPU slot */
	bool programs; /* the host's values are programs */
};

#define MAP_KIND(type, name, ops, ...) \
	extern const struct kiln_map_ops kiln_map_ops_##ops;
#include "kiln/maps.def"
#undef MAP_KIND

int rt_map_prepare(struct kiln_map *m);
/* Bytes of storage that its definition asks for; as kiln_map_storage(). */
int rt_map_storage(const struct kiln_map *m, u64 *bytes);

/* Holds of a created map; others are not counted. */
void rt_map_hold(struct kiln_map *m);
void rt_map_drop(struct kiln_map *m);
void rt_map_release(struct kiln_map *m); /* the last hold is gone */

/* What a kind does not do. */
void *rt_none_lookup(struct kiln_map *m, const void *key);
int rt_none_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags);
int rt_none_del(struct kiln_map *m, const void *key);
i64 rt_none_each(struct kiln_map *m, callback_fn fn, u64 ctx);

/* ---- scope_*.c ---------------------------------------------------------------- */

bool rt_in_scope(void); /* this thread, or this CPU */

/* Every operation begins here: 0 once definition, storage and priv are good. */
static always_inline int map_ready(struct kiln_map *m)
{
	/* pairs with the release in rt_map_prepare(): who sees MAP_READY sees
	 * values and priv */
	if (likely(load32(&m->state, memory_order_acquire) == MAP_READY))
		return 0;
	return rt_map_prepare(m);
}

static inline u64 map_value_stride(const struct kiln_map *m)
{
	return align_up(m->value_size, 8);
}

static inline u8 *map_values(const struct kiln_map *m)
{
	return (u8 *)(uintptr_t)m->values;
}

/* ---- values: 8-byte words that are never torn --------------------------------
 *
 * Storage words are read and written whole, by relaxed atomics, because a
 * program may use them at the same moment. Callers' buffers are theirs, and
 * may be unaligned. A last word that the size does not fill is padded with 0. */

static always_inline u64 word_get(const u8 *p, size_t n)
{
	u64 w = 0;

	__builtin_memcpy(&w, p, n < 8 ? n : 8);
	return w;
}

/* size bytes from a caller into storage. */
static always_inline void words_put(u64 *dst, const void *src, size_t size)
{
	const u8 *p = src;
	size_t i;

	for (i = 0; i < size / 8; i++)
		store64(&dst[i], word_get(p + 8 * i, 8), memory_order_relaxed);
	if (size % 8)
		store64(&dst[i], word_get(p + 8 * i, size % 8),
			memory_order_relaxed);
}

/* size bytes from storage to a caller. */
static always_inline void words_get(void *dst, const u64 *src, size_t size)
{
	u8 *p = dst;
	size_t i;
	u64 w;

	for (i = 0; i < size / 8; i++) {
		w = load64(&src[i], memory_order_relaxed);
		__builtin_memcpy(p + 8 * i, &w, 8);
	}
	if (size % 8) {
		w = load64(&src[i], memory_order_relaxed);
		__builtin_memcpy(p + 8 * i, &w, size % 8);
	}
}

static always_inline void words_zero(u64 *dst, size_t size)
{
	for (size_t i = 0; i < (size + 7) / 8; i++)
		store64(&dst[i], 0, memory_order_relaxed);
}

/* ---- fields.c: values with locks, timers, kernel pointers ---------------------- */

void rt_fields_put(struct kiln_map *m, u64 *dst, const void *src);
void rt_fields_new(struct kiln_map *m, u64 *dst, const void *src);
void rt_fields_get(const struct kiln_map *m, void *dst, const u64 *src);
bool rt_has_lock(const struct kiln_map *m);
/* Under the value's lock. 0, -EINVAL without one, -EBUSY. */
int rt_locked_put(struct kiln_map *m, u64 *dst, const void *src);
int rt_locked_get(const struct kiln_map *m, void *dst, u64 *src);
/* The end of a value's timers and kernel pointers; of all values'. */
void rt_fields_free(struct kiln_map *m, u64 *value);
void rt_fields_free_all(struct kiln_map *m);

/* ---- helper_timer.c -------------------------------------------------------------- */

/* The element of this struct bpf_timer goes: no callback begins any more. */
void rt_timer_free(u64 *timer);
/* Cancels the timers of maps, or with callbacks, that are in [lo, hi), and waits
 * for the callback that runs. 0, or -EBUSY. */
int rt_timers_drop(u64 lo, u64 hi);

/* One value, by its size: over an old one; into a new element; to the host. */
static always_inline void value_put(
	struct kiln_map *m, u64 *dst, const void *src)
{
	if (unlikely(m->nfields))
		rt_fields_put(m, dst, src);
	else
		words_put(dst, src, m->value_size);
}

static always_inline void value_new(
	struct kiln_map *m, u64 *dst, const void *src)
{
	if (unlikely(m->nfields))
		rt_fields_new(m, dst, src);
	else
		words_put(dst, src, m->value_size);
}

static always_inline void value_get(
	const struct kiln_map *m, void *dst, const u64 *src)
{
	if (unlikely(m->nfields))
		rt_fields_get(m, dst, src);
	else
		words_get(dst, src, m->value_size);
}

/* ---- packet.c ---------------------------------------------------------------- */

struct kiln_sk_buff;
struct kiln_xdp_md;
/* size bytes (1, 2, 4) of the packet in host order, or UINT64_MAX. */
u64 kiln_skb_load(const struct kiln_sk_buff *skb, u64 off, u64 size);
/* budget.c: for compiled code, with a run scope */
i64 *kiln_loop_budget(void);

/* ---- helper_*.c -------------------------------------------------------------- */

#define HELPER(id, name, kind, scope, effects, ret, a1, a2, a3, a4, a5) \
	uint64_t kiln_helper_##name(                                    \
		uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#define FORM(id, ctx, name)          \
	uint64_t kiln_helper_##name( \
		uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#include "kiln/helpers.def"
#undef FORM
#undef HELPER

/* Begins a helper's definition: arguments are a1 to a5. */
#define HELPER_FN(name)                                                    \
	RT_API RT_WEAK uint64_t kiln_helper_##name(__attribute__((unused)) \
						   uint64_t a1,            \
		__attribute__((unused)) uint64_t a2,                       \
		__attribute__((unused)) uint64_t a3,                       \
		__attribute__((unused)) uint64_t a4,                       \
		__attribute__((unused)) uint64_t a5)

#define PTR(type, a) ((type *)(uintptr_t)(a))
#define FAILED(err)  ((u64) - (i64)RT_##err)

#endif
