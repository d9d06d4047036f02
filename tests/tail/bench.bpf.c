/* A chain of 33 tail calls of known indices, for bench.c. */
#include <linux/bpf.h>

#include <kiln/bpf.h>

#define EACH(X)                                                               \
	X(1)                                                                  \
	X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) \
		X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24)   \
			X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32) X(33)

#define DECLARE(k) int p##k(struct xdp_md *ctx);
#define VALUE(k)   [k] = (void *)&p##k,
EACH(DECLARE)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 34);
	__uint(key_size, 4);
	__array(values, int(void *));
} jmp SEC(".maps") = {.values = {EACH(VALUE)}};

#define P(k, next)                              \
	SEC("xdp") int p##k(struct xdp_md *ctx) \
	{                                       \
		bpf_tail_call(ctx, &jmp, next); \
		return 0;                       \
	}
P(0, 1)
P(1, 2) P(2, 3) P(3, 4) P(4, 5) P(5, 6) P(6, 7) P(7, 8) P(8, 9) P(9, 10) P(
	10, 11) P(11, 12) P(12, 13) P(13, 14) P(14, 15) P(15, 16) P(16, 17)
	P(17, 18) P(18, 19) P(19, 20) P(20, 21) P(21, 22) P(22, 23) P(23, 24)
		P(24, 25) P(25, 26) P(26, 27) P(27, 28) P(28, 29) P(29, 30)
			P(30, 31) P(31, 32) P(32, 33)

				SEC("xdp") int p33(struct xdp_md *ctx)
{
	return 2;
}

SEC("xdp") int other(struct xdp_md *ctx)
{
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
