/*
 * What generated programs stand on: types, maps, helpers. For BPF these are the
 * real ones; natively, for the oracle, stand-ins that do the same. Generated
 * sources include it; it expects -fwrapv -fno-strict-aliasing, so that nothing
 * they do is undefined.
 *
 *	CGEN_FETCH: the instruction set has fetching atomics (v3)
 *	CGEN_SDIV: and signed division (v4)
 */
#ifndef TESTS_CGEN_PRELUDE_H
#define TESTS_CGEN_PRELUDE_H

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;

enum { ARR = 16, HASH = 32, OUT = 4 };

/* A map value: no padding, which nobody would agree about. */
struct elem {
	u64 a;
	u32 b;
	s16 c;
	u8 d[2];
	s32 e;
	u32 f0 : 7, f1 : 13, f2 : 12;
	s64 g;
};

union mixed {
	u64 q;
	u32 w[2];
	u16 h[4];
	u8 b[8];
};

struct __attribute__((packed)) header {
	u8 kind;
	u16 length;
	u32 f0 : 3, f1 : 11, f2 : 18;
	s32 word;
	s8 tail;
};

#if defined(__bpf__) || defined(__BPF__) /* clang, gcc */
#define CGEN_BPF

#include <linux/bpf.h>

#include <kiln/bpf.h>

/* The compilers believe that these have 32 bits, and would now and then spill and
 * extend them as such, which verifiers refuse: here they do not know. */
#define POINTER(v)                               \
	__extension__({                          \
		u64 p_ = (v);                    \
		__asm__ volatile("" : "+r"(p_)); \
		(u8 *)(long)p_;                  \
	})
#define DATA(ctx)     POINTER((ctx)->data)
#define DATA_END(ctx) POINTER((ctx)->data_end)
typedef struct xdp_md xdp_ctx;
typedef struct __sk_buff tc_ctx;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ARR);
	__type(key, u32);
	__type(value, struct elem);
} arr SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HASH);
	__type(key, u32);
	__type(value, struct elem);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ARR);
	__type(key, u32);
	__type(value, struct elem);
} pcpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUT);
	__type(key, u32);
	__type(value, u64);
} out SEC(".maps");

char cgen_license[] SEC("license") = "GPL";

#else /* natively */

#include <stddef.h>
#include <string.h>

#include "kiln/context.h"

#define SEC(name)
#define __always_inline inline __attribute__((always_inline))
#define __noinline	__attribute__((noinline))
#define DATA(ctx)	((u8 *)(ctx)->data)
#define DATA_END(ctx)	((u8 *)(ctx)->data_end)
typedef struct kiln_xdp_md xdp_ctx;
typedef struct kiln_sk_buff tc_ctx;

enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { NO_ENTRY = -2, EXISTS = -17, TOO_BIG = -7, FAULT = -14 };

/* Exported: the runner reads them. */
struct cgen_map {
	u32 max, size;
	u8 is_hash, used[HASH];
	u64 value[HASH][sizeof(struct elem) / 8];
};
struct cgen_map arr = {.max = ARR, .size = sizeof(struct elem)};
struct cgen_map pcpu = {.max = ARR, .size = sizeof(struct elem)};
struct cgen_map hash = {.max = HASH, .size = sizeof(struct elem), .is_hash = 1};
struct cgen_map out = {.max = OUT, .size = sizeof(u64)};

static inline void *bpf_map_lookup_elem(struct cgen_map *m, const u32 *key)
{
	if (*key >= m->max || (m->is_hash && !m->used[*key]))
		return NULL;
	return m->value[*key];
}

/* Keys of a hash are below HASH, too: it is never full. */
static inline long bpf_map_update_elem(
	struct cgen_map *m, const u32 *key, const void *value, u64 flags)
{
	int there = *key < m->max && (!m->is_hash || m->used[*key]);

	if (*key >= m->max)
		return TOO_BIG;
	if (flags == BPF_NOEXIST && there)
		return EXISTS;
	if (flags == BPF_EXIST && !there)
		return NO_ENTRY;
	m->used[*key] = 1;
	memcpy(m->value[*key], value, m->size);
	return 0;
}

static inline long bpf_map_delete_elem(struct cgen_map *m, const u32 *key)
{
	if (!m->used[*key])
		return NO_ENTRY;
	m->used[*key] = 0;
	return 0;
}

static inline long bpf_loop(u32 n, void *callback, void *ctx, u64 flags)
{
	long (*fn)(u32, void *) = (long (*)(u32, void *))callback;
	u32 i = 0;

	(void)flags;
	while (i < n)
		if (fn(i++, ctx))
			break;
	return i;
}

static inline long bpf_skb_load_bytes(
	const tc_ctx *skb, u32 offset, void *to, u32 len)
{
	u64 size = (u64)(DATA_END(skb) - DATA(skb));

	if (offset > 0x7fffffff || offset + (u64)len > size) {
		memset(to, 0, len);
		return FAULT;
	}
	memcpy(to, DATA(skb) + offset, len);
	return 0;
}

#endif

/* ---- what not every instruction set has ---------------------------------- */

#if defined(CGEN_BPF) && !defined(CGEN_FETCH)
/* clang has the 32-bit one only with 32-bit registers. */
#define ATOMIC_ADD(p, v)                         \
	__builtin_choose_expr(sizeof(*(p)) == 8, \
		(void)__sync_fetch_and_add((p), (v)), (void)(*(p) += (v)))
#define FETCH(op, sign, p, v)                 \
	__extension__({                       \
		__typeof__(*(p)) old_ = *(p); \
		*(p) = old_ sign(v);          \
		old_;                         \
	})
#define EXCHANGE(p, v)                        \
	__extension__({                       \
		__typeof__(*(p)) old_ = *(p); \
		*(p) = (v);                   \
		old_;                         \
	})
#define COMPARE_EXCHANGE(p, o, v)             \
	__extension__({                       \
		__typeof__(*(p)) old_ = *(p); \
		__typeof__(*(p)) want_ = (o); \
		if (old_ == want_)            \
			*(p) = (v);           \
		old_;                         \
	})
#else
#define ATOMIC_ADD(p, v)      ((void)__sync_fetch_and_add((p), (v)))
#define FETCH(op, sign, p, v) __sync_fetch_and_##op((p), (v))
#ifdef CGEN_BPF
#define EXCHANGE(p, v) __sync_lock_test_and_set((p), (v))
#else
#define EXCHANGE(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#endif
#define COMPARE_EXCHANGE(p, o, v) __sync_val_compare_and_swap((p), (o), (v))
#endif

/* Signed division, by anything: 0 and, for the most negative number, -1, have
 * results of our own. */
#if defined(CGEN_BPF) && !defined(CGEN_SDIV)
static inline s64 cgen_div(s64 a, s64 b)
{
	u64 x = a < 0 ? -(u64)a : (u64)a, y = b < 0 ? -(u64)b : (u64)b;
	u64 q = y ? x / y : 0;

	return (s64)((a < 0) != (b < 0) ? -q : q);
}

static inline s64 cgen_mod(s64 a, s64 b)
{
	u64 x = a < 0 ? -(u64)a : (u64)a, y = b < 0 ? -(u64)b : (u64)b;
	u64 r = y ? x % y : x;

	return (s64)(a < 0 ? -r : r);
}

#define DIV(t, a, b) ((t)cgen_div((t)(a), (t)(b)))
#define MOD(t, a, b) ((t)cgen_mod((t)(a), (t)(b)))
#else
#define DIV(t, a, b)                                            \
	__extension__({                                         \
		t a_ = (t)(a), b_ = (t)(b);                     \
		b_ == 0 ? 0 : b_ == -1 ? (t)-a_ : (t)(a_ / b_); \
	})
#define MOD(t, a, b)                                        \
	__extension__({                                     \
		t a_ = (t)(a), b_ = (t)(b);                 \
		b_ == 0 ? a_ : b_ == -1 ? 0 : (t)(a_ % b_); \
	})
#endif

#define ROTL(t, a, n)                                \
	((t)((t)(a) << ((n) & (sizeof(t) * 8 - 1)) | \
		(t)(a) >> (-(n) & (sizeof(t) * 8 - 1))))

/* Inlined, bpf-gcc would read one byte of each pointer where that does. */
static __attribute__((noinline, unused)) u32 packet_size(xdp_ctx *ctx)
{
	return DATA_END(ctx) - DATA(ctx);
}

static __always_inline u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

#endif
