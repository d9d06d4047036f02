/* Helpers that call a function of the program. */
#include "runtime/rt.h"

enum { LOOP_MAX = 1 << 23 }; /* as in kernels: BPF_MAX_LOOPS */

/* bpf_loop(u32 n, callback(u32 index, void *ctx), ctx, flags) */
HELPER_FN(loop)
{
	callback_fn callback = (callback_fn)(uintptr_t)a2;
	u32 n = (u32)a1;

	if (a4)
		return (u64)-RT_EINVAL;
	if (n > LOOP_MAX)
		return (u64)-RT_E2BIG;
	for (u32 i = 0; i < n; i++)
		if (callback(i, a3, 0, 0, 0))
			return (u64)i + 1;
	return n;
}
