/*
 * bpf_csum_diff: the Internet checksum (RFC 1071) of what was added minus
 * what was removed, folded to 16 bits as kernels since 6.13 return it. Sums
 * are of 16-bit words in memory order, modulo 2^16 - 1.
 */
#include "runtime/rt.h"

/* 32-bit one's complement sum of memory, size a multiple of 4. */
static u32 sum_words(const u8 *p, u32 size, u32 sum)
{
	u64 s = sum;
	u32 w;

	for (u32 i = 0; i < size; i += 4) {
		__builtin_memcpy(&w, p + i, 4);
		s += w; /* below 2^32 * 2^30: cannot wrap */
	}
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

	if ((from_size | to_size) & 3)
		return (u64)-RT_EINVAL;
	if (to_size)
		sum = sum_words(PTR(u8, a3), to_size, sum);
	if (from_size) {
		/* subtracting is adding the complement */
		s = (u64)sum + (u32)~sum_words(PTR(u8, a1), from_size, 0);
		sum = (u32)((s & UINT32_MAX) + (s >> 32));
	}
	return fold16(sum);
}
