/*
 * Helpers that read memory which may not be there: a fault ends the copy (its
 * row in the exception table says so), and what the program gets is zeroes and
 * -EFAULT, as in the kernel.
 */
#include "runtime/fault.h"

static u64 probe(u64 dst, u64 size, u64 src)
{
	u32 n = (u32)size;

	if (n > INT32_MAX)
		return FAILED(EFAULT);
	fault_enable();
	if (fault_copy(PTR(void, dst), PTR(const void, src), n))
		return 0;
	__builtin_memset(PTR(void, dst), 0, n);
	return FAILED(EFAULT);
}

/* Bytes that it took, with the NUL that is always there. */
static u64 probe_str(u64 dst, u64 size, u64 src)
{
	u32 n = (u32)size;
	u64 len;

	if (!n)
		return 0;
	if (n > INT32_MAX)
		return FAILED(EFAULT);
	fault_enable();
	len = fault_copy_str(PTR(void, dst), PTR(const void, src), n);
	if (!len) {
		__builtin_memset(PTR(void, dst), 0, n);
		return FAILED(EFAULT);
	}
	PTR(u8, dst)[len - 1] = 0;
	return len;
}

/* One address space, so all of them are one. */
#define READS_BYTES(name)                 \
	HELPER_FN(name)                   \
	{                                 \
		return probe(a1, a2, a3); \
	}
#define READS_STRING(name)                    \
	HELPER_FN(name)                       \
	{                                     \
		return probe_str(a1, a2, a3); \
	}

READS_BYTES(probe_read)
READS_BYTES(probe_read_kernel)
READS_BYTES(probe_read_user)
READS_BYTES(copy_from_user)
READS_STRING(probe_read_str)
READS_STRING(probe_read_kernel_str)
READS_STRING(probe_read_user_str)
