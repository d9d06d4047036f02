/*
 * The helpers of the reference interpreter: the few that need no world around
 * the program.
 */
#include <errno.h>
#include <time.h>

#include "interp.h"
#include "mutant.h"

enum { LOOP_MAX = 1 << 23 }; /* include/linux/bpf.h, BPF_MAX_LOOPS */

static int ktime_get_ns(struct interp *vm, const u64 arg[5], u64 *r0)
{
	struct timespec t;

	(void)vm;
	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	*r0 = (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
	return 0;
}

/* bpf_loop(u32 n, callback, ctx, flags) */
static int loop(struct interp *vm, const u64 arg[5], u64 *r0)
{
	u32 n = (u32)arg[0];
	u64 stop;

	if (arg[3] || n > LOOP_MAX) {
		*r0 = (u64)(arg[3] ? -EINVAL : -E2BIG);
		return 0;
	}
	if (MUT(LOOP_ONE_MORE))
		n++;
	for (u32 i = 0; i < n; i++) {
		const u64 cb[5] = {i, arg[2]};

		if (interp_call(vm, arg[1], cb, 2, &stop))
			return -1;
		if (stop) {
			*r0 = i + (MUT(LOOP_COUNT) ? 0 : 1);
			return 0;
		}
	}
	*r0 = n;
	return 0;
}

const struct interp_helper_row interp_helpers[] = {
	{5, 0, ktime_get_ns},
	{181, 4, loop},
};
const size_t interp_nhelpers = countof(interp_helpers);
