/*
 * For BPF sources: sections, map definitions and helper declarations that
 * clang and bpf-gcc both take. Programs that include <bpf/bpf_helpers.h>
 * instead compile just as well with clang; bpf-gcc 12 turns that header's
 * function pointers into indirect calls at -O2, and needs real declarations.
 */
#ifndef KILN_BPF_H
#define KILN_BPF_H

#include <linux/types.h>

#define SEC(name) __attribute__((section(name), used))

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

/* Members of a map definition in SEC(".maps"). */
#define __uint(name, val)  int (*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohs(x) __builtin_bswap16(x)
#define bpf_htonl(x) __builtin_bswap32(x)
#define bpf_ntohl(x) __builtin_bswap32(x)

/* A helper by its number: clang calls a constant address, gcc a function
 * that it knows to be a helper. */
#if defined(__clang__)
#define KILN_BPF_HELPER(id, ret, name, ...)                                    \
	static ret (*const name)(__VA_ARGS__)                                  \
		__attribute__((unused)) = (ret(*)(__VA_ARGS__))(id)
#else
#define KILN_BPF_HELPER(id, ret, name, ...)                                    \
	ret name(__VA_ARGS__) __attribute__((kernel_helper(id)))
#endif

KILN_BPF_HELPER(1, void *, bpf_map_lookup_elem, void *map, const void *key);
KILN_BPF_HELPER(2, long, bpf_map_update_elem, void *map, const void *key,
	const void *value, __u64 flags);
KILN_BPF_HELPER(3, long, bpf_map_delete_elem, void *map, const void *key);
KILN_BPF_HELPER(5, __u64, bpf_ktime_get_ns, void);
KILN_BPF_HELPER(
	6, long, bpf_trace_printk, const char *fmt, __u32 fmt_size, ...);
KILN_BPF_HELPER(7, __u32, bpf_get_prandom_u32, void);
KILN_BPF_HELPER(8, __u32, bpf_get_smp_processor_id, void);
KILN_BPF_HELPER(12, long, bpf_tail_call, void *ctx, void *map, __u32 index);
KILN_BPF_HELPER(14, __u64, bpf_get_current_pid_tgid, void);
KILN_BPF_HELPER(28, __s64, bpf_csum_diff, __be32 *from, __u32 from_size,
	__be32 *to, __u32 to_size, __wsum seed);

#endif
