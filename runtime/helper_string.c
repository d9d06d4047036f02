/* Helpers on strings. */
#include "runtime/rt.h"

/* bpf_strncmp(s1, size, s2): the order of at most size bytes, -1, 0 or 1. */
HELPER_FN(strncmp)
{
	const u8 *s = PTR(const u8, a1), *t = PTR(const u8, a3);

	for (u32 i = 0; i < (u32)a2; i++) {
		if (s[i] != t[i])
			return (u64)(i64)(s[i] < t[i] ? -1 : 1);
		if (!s[i])
			break;
	}
	return 0;
}

/* ---- numbers ------------------------------------------------------------------ */

struct number {
	bool minus, overflows;
	u64 v;
	u32 used; /* bytes, spaces before it included; 0: none is there */
};

static bool is_space(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

/* 16 and more if it is none. */
static u32 digit_of(u8 c)
{
	if (c >= '0' && c <= '9')
		return (u32)c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? 10u + c - 'a' : 16;
}

/* At most n bytes of s are a number: [spaces] [-] [0x | 0] digits. base 0: as
 * the prefix says. */
static struct number read_number(const u8 *s, u32 n, u32 base)
{
	struct number r = {0};
	u32 i = 0, first;

	while (i < n && is_space(s[i]))
		i++;
	if (i < n && s[i] == '-') {
		r.minus = true;
		i++;
	}
	if (i + 1 < n && s[i] == '0' && (s[i + 1] | 0x20) == 'x' &&
		(base == 16 ||
			(!base && i + 2 < n && digit_of(s[i + 2]) < 16))) {
		base = 16;
		i += 2;
	} else if (!base)
		base = i < n && s[i] == '0' ? 8 : 10;
	for (first = i; i < n && digit_of(s[i]) < base; i++)
		r.overflows |= mul_overflows(r.v, base, &r.v) ||
			       add_overflows(r.v, digit_of(s[i]), &r.v);
	r.used = i > first ? i : 0;
	return r;
}

enum { BASE_MASK = 0x1f, TEXT_NUMBER_MAX = 64 };

/* What both helpers refuse: 0, or what they return. */
static i64 check_number(
	const u8 *s, u64 size, u64 flags, bool sign, struct number *r)
{
	u32 n = (u32)size, base = (u32)flags & BASE_MASK;

	if (!s || !n || flags & ~(u64)BASE_MASK ||
		(base && base != 8 && base != 10 && base != 16))
		return -RT_EINVAL;
	*r = read_number(
		s, n < TEXT_NUMBER_MAX ? n : TEXT_NUMBER_MAX - 1, base);
	if (!r->used)
		return -RT_EINVAL;
	if (r->overflows)
		return -RT_ERANGE;
	return r->minus && !sign ? -RT_EINVAL : 0;
}

/* bpf_strtol(s, size, base, &result): the bytes read, or -EINVAL, -ERANGE. */
HELPER_FN(strtol)
{
	struct number r;
	i64 err = check_number(PTR(const u8, a1), a2, a3, true, &r);

	*PTR(u64, a4) = 0;
	if (!err && r.v > (u64)INT64_MAX + r.minus)
		err = -RT_ERANGE;
	if (err)
		return (u64)err;
	*PTR(u64, a4) = r.minus ? -r.v : r.v;
	return r.used;
}

HELPER_FN(strtoul)
{
	struct number r;
	i64 err = check_number(PTR(const u8, a1), a2, a3, false, &r);

	*PTR(u64, a4) = 0;
	if (err)
		return (u64)err;
	*PTR(u64, a4) = r.v;
	return r.used;
}
