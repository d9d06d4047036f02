/*
 * The Internet checksum (RFC 1071, RFC 1624). Sums are of 16-bit words in memory
 * order, modulo 2^16 - 1, in which 0 has two forms: which of them comes out is
 * part of what programs see, so every sum is made the way the kernel makes it.
 *
 * bpf_csum_diff: what was added minus what was removed. As in kernels since
 * 6.13 the result is folded to 16 bits and sizes need not be multiples of 4; a
 * missing last byte counts as 0.
 *
 * bpf_l3_csum_replace, bpf_l4_csum_replace: a checksum in the packet after a
 * field of 2 or 4 bytes went from one value to another, or (size 0) after a
 * change with that csum_diff. The packet's checksums are in the packet only:
 * no sum of all of it is kept beside it (CHECKSUM_NONE), so that a pseudo
 * header is a field like any other.
 */
#include "kiln/bytes.h"
#include "kiln/context.h"
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

/* ---- checksums in packets --------------------------------------------------- */

enum {
	FIELD_SIZE = 0xf, /* BPF_F_HDR_FIELD_MASK */
	PSEUDO_HDR = 1 << 4,
	MANGLED_0 = 1 << 5,
	ENFORCE = 1 << 6,
	IPV6 = 1 << 7,
	L4_FLAGS = FIELD_SIZE | PSEUDO_HDR | MANGLED_0 | ENFORCE | IPV6,
};

/* One's complement sum of 32 bits: a carry comes back in. */
static u32 add32(u32 a, u32 b)
{
	u32 s;

	return add_overflows(a, b, &s) ? s + 1 : s;
}

static u16 fold_complement(u32 s)
{
	return (u16)~fold16(s);
}

/* The checksum sum after `from` became `to`; false if size is none. */
static bool replace(u16 *sum, u64 from, u64 to, u64 size)
{
	u32 old = (u16) ~*sum, s;

	switch (size) {
	case 0:
		if (from)
			return false;
		*sum = fold_complement(add32((u32)to, ~(u32)*sum));
		return true;
	case 2:
		s = old + (u16)~from; /* two 16-bit sums, each with its carry */
		s = (u16)(s + (s >> 16));
		s += (u16)to;
		*sum = (u16) ~(s + (s >> 16));
		return true;
	case 4:
		s = add32(add32(~(u32)*sum, ~(u32)from), (u32)to);
		*sum = fold_complement(s);
		return true;
	}
	return false;
}

/* The 16 bits at an offset, or NULL. */
static u8 *sum_at(const struct kiln_sk_buff *skb, u64 off)
{
	u64 len = (u64)((u8 *)skb->data_end - (u8 *)skb->data);

	off = (u32)off;
	if (off > 0xffff || off & 1 || !range_inside(off, 2, len))
		return NULL;
	return (u8 *)skb->data + off;
}

HELPER_FN(l3_csum_replace)
{
	u8 *p;
	u16 sum;

	if (a5 & ~(u64)FIELD_SIZE)
		return FAILED(EINVAL);
	p = sum_at(PTR(struct kiln_sk_buff, a1), a2);
	if (!p)
		return FAILED(EFAULT);
	sum = get_le16(p);
	if (!replace(&sum, a3, a4, a5))
		return FAILED(EINVAL);
	put_le16(p, sum);
	return 0;
}

/* A checksum of 0 means none to UDP: such a one stays, unless enforced, and
 * no sum becomes one. */
HELPER_FN(l4_csum_replace)
{
	bool mangled = a5 & MANGLED_0;
	u8 *p;
	u16 sum;

	if (a5 & ~(u64)L4_FLAGS)
		return FAILED(EINVAL);
	p = sum_at(PTR(struct kiln_sk_buff, a1), a2);
	if (!p)
		return FAILED(EFAULT);
	sum = get_le16(p);
	if (mangled && !(a5 & ENFORCE) && !sum)
		return 0;
	if (!replace(&sum, a3, a4, a5 & FIELD_SIZE))
		return FAILED(EINVAL);
	put_le16(p, mangled && !sum ? 0xffff : sum);
	return 0;
}

/* Both change a sum beside the packet that a driver made: there is none. */
HELPER_FN(csum_update)
{
	return FAILED(ENOTSUPP);
}

HELPER_FN(csum_level)
{
	enum { QUERY, INC, DEC, RESET };

	switch (a2) {
	case QUERY: return FAILED(EACCES);
	case INC:
	case DEC:
	case RESET: return 0;
	}
	return FAILED(EINVAL);
}
