/*
 * For tests that load many programs into the running kernel: frees them as fast
 * as it loads them.
 *
 * A kernel frees a program after a grace period, by work on a queue that runs 1024
 * at a time. On 6.18 a machine was seen to stop when so many frees waited for
 * the mutex of the JIT's memory, whose holder waited for work behind them: no bpf(2)
 * ever came back. So no test lets more than a few hundred pile up.
 */
#ifndef TESTS_BPF_PACE_H
#define TESTS_BPF_PACE_H

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Before each load. */
static inline void bpf_pace(void)
{
	static unsigned loads;

	if (++loads % 192)
		return;
	/* a grace period, and time for what waited for it */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

#endif
