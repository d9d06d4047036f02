/*
 * What every workload includes. A workload is one function
 *
 *	WORK(struct input *in, u64 seed) { ...; return result; }
 *
 * in C that is both BPF and native: as BPF it becomes the body of a bpf_loop
 * inside an XDP program, which kiln and the kernel run; natively gcc -O2
 * compiles the same function into a plain loop. The result of a round is the
 * seed of the next, so that no round can be skipped or run at the same time
 * as another.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

enum { INPUT_BYTES = 2048, ROUNDS = 256, TABLE = 256 };

struct input {
	u8 bytes[INPUT_BYTES]; /* random, but for what init() made of it */
	u64 result;
};

#define noinline __attribute__((noinline))
#define hide(x)	 asm volatile("" : "+r"(x)) /* a value nobody knows */

#define be16(x)	 __builtin_bswap16(x)
#define be32(x)	 __builtin_bswap32(x)
#define be64(x)	 __builtin_bswap64(x)

#ifdef __bpf__
#include <kiln/bpf.h>
#include <linux/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct input);
	__uint(max_entries, 1);
} input SEC(".maps");

#define MAP(kind, map_name, key_type, value_type, n) \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_##kind);   \
		__type(key, key_type);               \
		__type(value, value_type);           \
		__uint(max_entries, n);              \
	} map_name SEC(".maps")
#define LOOKUP(map_name, key) bpf_map_lookup_elem(&map_name, key)

struct round {
	struct input *in;
};

/* The seed goes through the map value: the verifier does not follow it. */
#define WORK(...)                                                           \
	static inline __attribute__((always_inline)) u64 work(__VA_ARGS__); \
	static long one_round(u32 i, struct round *r)                       \
	{                                                                   \
		r->in->result = work(r->in, r->in->result + i);             \
		return 0;                                                   \
	}                                                                   \
	SEC("xdp") int bench(struct xdp_md *ctx)                            \
	{                                                                   \
		u32 zero = 0;                                               \
		struct round r = {bpf_map_lookup_elem(&input, &zero)};      \
                                                                            \
		if (!r.in)                                                  \
			return 0;                                           \
		r.in->result = 0;                                           \
		bpf_loop(ROUNDS, one_round, &r, 0);                         \
		return 1;                                                   \
	}                                                                   \
	char licence[] SEC("license") = "GPL";                              \
	static inline u64 work(__VA_ARGS__)

#else /* native */

struct kiln_map;
void *bench_lookup(struct kiln_map *map, const void *key);

/* The runner stores its map of that name here. */
struct bench_map {
	const char *name;
	struct kiln_map *map;
};

#define MAP(kind, map_name, key_type, value_type, n)                       \
	static struct bench_map map_name = {#map_name, 0};                 \
	static __attribute__((used,                                        \
		section("bench_maps"))) struct bench_map *map_name##_row = \
		&map_name
#define LOOKUP(map_name, key) bench_lookup(map_name.map, key)

#define SYMBOL2(name)	      bench_##name
#define SYMBOL(name)	      SYMBOL2(name)
void SYMBOL(NAME)(struct input *in);

#define WORK(...)                                              \
	static u64 work(__VA_ARGS__);                          \
	void SYMBOL(NAME)(struct input * in)                   \
	{                                                      \
		in->result = 0;                                \
		for (u32 i = 0; i < ROUNDS; i++) {             \
			in->result = work(in, in->result + i); \
			hide(in);                              \
		}                                              \
	}                                                      \
	static u64 work(__VA_ARGS__)

#endif
#endif
