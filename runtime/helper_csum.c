/*
 * bpf_csum_diff: the Internet checksum (RFC 1071) of what was added minus
 * what was removed. Sums are of 16-bit words in memory order, modulo 2^16 - 1.
 * As in kernels since 6.13 the result is folded to 16 bits and sizes need not
 * be multiples of 4; a missing last byte counts as 0.
 */
#include "runtime/rt.h"

/* 32-bit one's complement sum of memory. */
static u32 sum_words(const u8 *p, u32 size, u32 sum)
{
	u64 s = sum; /* + 2^32 * 2^30 cannot wrap */

	for (; size >= 4; p += 4, size -= 4)
		s += (u32)word_get(p, 4);
	s += word_get(p, size);
	s = (s & UINT32_MAX) + (s >> 32);
	return (u32)((s & UINT32_MAX) + (s >> 32));
}

static u32 fold16(u32 s)
{
	s = (s & 0xffff) + (s >> 16);
	return (s & 0xffff) + (s >> 16);
}

HELPER_FN(csum_diff)
{
	u32 from_size = (u32)a2, to_size = (u32)a4, sum = (u32)a5;
	u64 s;

	if (to_size)
		sum = sum_words(PTR(u8, a3), to_size, sum);
	if (from_size) {
		/* subtracting is adding the complement */
		s = (u64)sum + (u32)~sum_words(PTR(u8, a1), from_size, 0);
		sum = (u32)((s & UINT32_MAX) + (s >> 32));
	}
	return fold16(sum);
}
