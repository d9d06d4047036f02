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
#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#define bpf_htons(x)	   __builtin_bswap16(x)
#define bpf_ntohs(x)	   __builtin_bswap16(x)
#define bpf_htonl(x)	   __builtin_bswap32(x)
#define bpf_ntohl(x)	   __builtin_bswap32(x)

/* A helper by its number: clang calls a constant address, gcc a function
 * that it knows to be a helper. */
#if defined(__clang__)
#define KILN_BPF_HELPER(id, ret, name, ...)                             \
	static ret (*const name)(__VA_ARGS__) __attribute__((unused)) = \
		(ret(*)(__VA_ARGS__))(id)
#else
#define KILN_BPF_HELPER(id, ret, name, ...) \
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

/* queues and stacks; what values hold */
KILN_BPF_HELPER(
	87, long, bpf_map_push_elem, void *map, const void *value, __u64 flags);
KILN_BPF_HELPER(88, long, bpf_map_pop_elem, void *map, void *value);
KILN_BPF_HELPER(89, long, bpf_map_peek_elem, void *map, void *value);
KILN_BPF_HELPER(169, long, bpf_timer_init, void *timer, void *map, __u64 flags);
KILN_BPF_HELPER(170, long, bpf_timer_set_callback, void *timer, void *callback);
KILN_BPF_HELPER(
	171, long, bpf_timer_start, void *timer, __u64 nsecs, __u64 flags);
KILN_BPF_HELPER(172, long, bpf_timer_cancel, void *timer);
KILN_BPF_HELPER(194, void *, bpf_kptr_xchg, void *field, void *ptr);

/* programs that attach to functions: words of arguments, the result, and what
 * they were attached with */
KILN_BPF_HELPER(174, __u64, bpf_get_attach_cookie, void *ctx);
KILN_BPF_HELPER(183, long, bpf_get_func_arg, void *ctx, __u32 n, __u64 *value);
KILN_BPF_HELPER(184, long, bpf_get_func_ret, void *ctx, __u64 *value);
KILN_BPF_HELPER(185, long, bpf_get_func_arg_cnt, void *ctx);

/* packets: of socket buffers, then of XDP */
KILN_BPF_HELPER(9, long, bpf_skb_store_bytes, void *skb, __u32 offset,
	const void *from, __u32 len, __u64 flags);
KILN_BPF_HELPER(10, long, bpf_l3_csum_replace, void *skb, __u32 offset,
	__u64 from, __u64 to, __u64 size);
KILN_BPF_HELPER(11, long, bpf_l4_csum_replace, void *skb, __u32 offset,
	__u64 from, __u64 to, __u64 flags);
KILN_BPF_HELPER(
	18, long, bpf_skb_vlan_push, void *skb, __be16 proto, __u16 tci);
KILN_BPF_HELPER(19, long, bpf_skb_vlan_pop, void *skb);
KILN_BPF_HELPER(26, long, bpf_skb_load_bytes, const void *skb, __u32 offset,
	void *to, __u32 len);
KILN_BPF_HELPER(
	31, long, bpf_skb_change_proto, void *skb, __be16 proto, __u64 flags);
KILN_BPF_HELPER(
	38, long, bpf_skb_change_tail, void *skb, __u32 len, __u64 flags);
KILN_BPF_HELPER(39, long, bpf_skb_pull_data, void *skb, __u32 len);
KILN_BPF_HELPER(
	43, long, bpf_skb_change_head, void *skb, __u32 room, __u64 flags);
KILN_BPF_HELPER(50, long, bpf_skb_adjust_room, void *skb, __s32 len_diff,
	__u32 mode, __u64 flags);
KILN_BPF_HELPER(44, long, bpf_xdp_adjust_head, void *xdp, int delta);
KILN_BPF_HELPER(54, long, bpf_xdp_adjust_meta, void *xdp, int delta);
KILN_BPF_HELPER(65, long, bpf_xdp_adjust_tail, void *xdp, int delta);
KILN_BPF_HELPER(188, __u64, bpf_xdp_get_buff_len, void *xdp);
KILN_BPF_HELPER(189, long, bpf_xdp_load_bytes, void *xdp, __u32 offset,
	void *to, __u32 len);
KILN_BPF_HELPER(190, long, bpf_xdp_store_bytes, void *xdp, __u32 offset,
	void *from, __u32 len);
KILN_BPF_HELPER(23, long, bpf_redirect, __u32 ifindex, __u64 flags);
KILN_BPF_HELPER(51, long, bpf_redirect_map, void *map, __u64 key, __u64 flags);
KILN_BPF_HELPER(69, long, bpf_fib_lookup, void *ctx, void *params, int size,
	__u32 flags);

/* rings */
KILN_BPF_HELPER(25, long, bpf_perf_event_output, void *ctx, void *map,
	__u64 flags, const void *data, __u64 size);
KILN_BPF_HELPER(130, long, bpf_ringbuf_output, void *ring, const void *data,
	__u64 size, __u64 flags);
KILN_BPF_HELPER(
	131, void *, bpf_ringbuf_reserve, void *ring, __u64 size, __u64 flags);
KILN_BPF_HELPER(132, void, bpf_ringbuf_submit, void *data, __u64 flags);
KILN_BPF_HELPER(133, void, bpf_ringbuf_discard, void *data, __u64 flags);
KILN_BPF_HELPER(134, __u64, bpf_ringbuf_query, void *ring, __u64 flags);

/* memory that may not be there */
KILN_BPF_HELPER(
	112, long, bpf_probe_read_user, void *to, __u32 size, const void *from);
KILN_BPF_HELPER(113, long, bpf_probe_read_kernel, void *to, __u32 size,
	const void *from);
KILN_BPF_HELPER(114, long, bpf_probe_read_user_str, void *to, __u32 size,
	const void *from);
KILN_BPF_HELPER(115, long, bpf_probe_read_kernel_str, void *to, __u32 size,
	const void *from);

/* who, when; locks; callbacks; text */
KILN_BPF_HELPER(15, __u64, bpf_get_current_uid_gid, void);
KILN_BPF_HELPER(16, long, bpf_get_current_comm, void *buf, __u32 size);
KILN_BPF_HELPER(80, __u64, bpf_get_current_cgroup_id, void);
KILN_BPF_HELPER(118, __u64, bpf_jiffies64, void);
KILN_BPF_HELPER(125, __u64, bpf_ktime_get_boot_ns, void);
KILN_BPF_HELPER(93, void, bpf_spin_lock, void *lock);
KILN_BPF_HELPER(94, void, bpf_spin_unlock, void *lock);
KILN_BPF_HELPER(164, long, bpf_for_each_map_elem, void *map, void *callback,
	void *ctx, __u64 flags);
KILN_BPF_HELPER(
	181, long, bpf_loop, __u32 n, void *callback, void *ctx, __u64 flags);
KILN_BPF_HELPER(165, long, bpf_snprintf, char *str, __u32 size, const char *fmt,
	__u64 *data, __u32 data_size);
KILN_BPF_HELPER(177, long, bpf_trace_vprintk, const char *fmt, __u32 fmt_size,
	const void *data, __u32 data_size);
KILN_BPF_HELPER(
	182, long, bpf_strncmp, const char *s, __u32 size, const char *t);

#endif
