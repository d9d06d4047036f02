/*
 * Reads of memory that may not be there, without a system that could tell: they
 * fail like hooks that nobody supplied. Firmware that knows its addresses
 * defines the helpers.
 */
#include "runtime/rt.h"

static u64 fail(u64 dst, u64 size)
{
	if (dst && (u32)size <= INT32_MAX)
		__builtin_memset(PTR(void, dst), 0, (u32)size);
	return FAILED(EFAULT);
}

#define PROBE(name)                  \
	HELPER_FN(name)              \
	{                            \
		return fail(a1, a2); \
	}

PROBE(probe_read)
PROBE(probe_read_kernel)
PROBE(probe_read_user)
PROBE(copy_from_user)
PROBE(probe_read_str)
PROBE(probe_read_kernel_str)
PROBE(probe_read_user_str)
