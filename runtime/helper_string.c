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
