/*
 * Tail calls in a subprogram below the frames of its callers: a program for each
 * chain, of which the last function makes the tail call. Frames count as
 * multiples of 32 bytes, and may be 256 together: "yes" or "no" says the name.
 */
#include <linux/bpf.h>

#include <kiln/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jmp SEC(".maps");

/* The frame goes down to this byte. */
#define BYTES(n) __asm__ volatile("r0 = 0; *(u8 *)(r10 - " #n ") = r0" ::: "r0")

#define LAST(name, n)                                  \
	static __noinline int name(struct xdp_md *ctx) \
	{                                              \
		BYTES(n);                              \
		bpf_tail_call(ctx, &jmp, 1);           \
		return ctx->rx_queue_index + 1;        \
	}
#define ABOVE(name, n, callee)          \
	int name(struct xdp_md *ctx)    \
	{                               \
		BYTES(n);               \
		return callee(ctx) + 1; \
	}
#define CHAIN1(says, a, n)      \
	LAST(last_##a##_##n, n) \
	SEC("xdp") ABOVE(says##_##a##_##n, a, last_##a##_##n)
#define CHAIN2(says, a, b, n)                                                 \
	LAST(last_##a##_##b##_##n, n)                                         \
	static __noinline ABOVE(mid_##a##_##b##_##n, b, last_##a##_##b##_##n) \
		SEC("xdp")                                                    \
			ABOVE(says##_##a##_##b##_##n, a, mid_##a##_##b##_##n)

CHAIN1(yes, 1, 1)
CHAIN1(yes, 225, 1)
CHAIN1(yes, 255, 1)
CHAIN1(yes, 256, 1)
CHAIN1(no, 257, 1)
CHAIN1(no, 272, 1)
CHAIN1(yes, 256, 480)
CHAIN2(yes, 112, 128, 1)
CHAIN2(no, 112, 129, 1)
CHAIN2(yes, 1, 224, 1)
CHAIN2(no, 1, 225, 1)
CHAIN2(no, 225, 1, 1)
CHAIN2(yes, 32, 193, 1)
