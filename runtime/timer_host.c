/*
 * Timers on Linux: a thread that sleeps until the next one is due. The first
 * bpf_timer_start() of a process makes it, with all signals blocked; it stays.
 * After a fork the child's first start makes another one there.
 *
 *   W1 start: the heap, under its lock    T1 seq = wake_seq
 *   W2 wake_seq + 1                       T2 kiln_timers_run(): what is next
 *   W3 futex wake                         T3 futex wait while wake_seq == seq
 *
 * A start that T2 did not see locks the heap after it, so W2 comes after T1, and
 * T3 does not sleep, or W3 ends its sleep.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/object.h"
#include "runtime/timer.h"

#define NAP_MAX	 ((u64)3600 * 1000000000)
#define NAP_BUSY ((u64)1000000) /* somebody else runs the timers */
#define MAKING	 UINT32_MAX

/* state */
static u32 made_by; /* pid of the process that has the thread; MAKING; 0 */
static u32 wake_seq;

static void nap(u32 seq, u64 ns)
{
	struct timespec t = {
		(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	rt_syscall(SYS_futex, (long)&wake_seq, FUTEX_WAIT_PRIVATE, (long)seq,
		(long)&t);
}

static void *runner(void *unused)
{
	for (;;) {
		u32 seq = load32(&wake_seq, memory_order_acquire); /* T1 */
		u64 asked = kiln_port_time_ns();
		u64 next = kiln_timers_run(asked); /* T2 */
		u64 now = kiln_port_time_ns();

		if (next == asked)
			nap(seq, NAP_BUSY);
		else if (next > now)
			nap(seq, next - now < NAP_MAX ? next - now : NAP_MAX);
	}
	return unused;
}

static int make_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t t;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t, &attr, runner, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

int rt_timers_ready(void)
{
	u32 pid = rt_scope_pid(), was = load32(&made_by, memory_order_acquire);
	int err;

	if (likely(was == pid))
		return 0;
	/* who comes second need not wait: the thread will be there */
	if (was == MAKING ||
		!atomic_compare_exchange_strong_explicit(ATOMIC32(&made_by),
			&was, MAKING, memory_order_acq_rel,
			memory_order_relaxed))
		return 0;
	err = fork_guard();
	if (!err)
		err = make_thread();
	store32(&made_by, err ? 0 : pid, memory_order_release);
	return err;
}

RT_API void kiln_timers_wake(uint64_t deadline_ns)
{
	(void)deadline_ns;
	atomic_fetch_add_explicit(
		ATOMIC32(&wake_seq), 1, memory_order_acq_rel); /* W2 */
	rt_syscall(SYS_futex, (long)&wake_seq, FUTEX_WAKE_PRIVATE, 1, 0);
}

u64 rt_timers_offset(u32 clock)
{
	struct timespec t;

	if (clock == CLOCK_MONOTONIC)
		return 0;
	clock_gettime((clockid_t)clock, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec -
	       kiln_port_time_ns();
}

void rt_timers_pause(u32 tries)
{
	struct timespec t = {0, 50000};

	if (tries < 64)
		kiln_port_relax();
	else
		rt_syscall(SYS_nanosleep, (long)&t, 0, 0, 0);
}
