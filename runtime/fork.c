/*
 * fork(2) while other threads load, close, fault and run timers: the child gets
 * the lists of objects, their faults and timers whole, and their locks free.
 * What a thread of the parent was just loading is lost there: its text cannot be
 * written any more (MADV_DONTFORK).
 */
#include <pthread.h>

#include "runtime/fault.h"
#include "runtime/object.h"
#include "runtime/timer.h"
#include "runtime/tramp.h"

/* state */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;
static bool timers_locked;

static void before(void)
{
	debug_lock();
	tramp_before_fork();
	poke_before_fork();
	timers_locked = rt_timers_before_fork();
	fault_before_fork();
}

static void after(bool child)
{
	fault_after_fork(child);
	rt_timers_after_fork(timers_locked, child);
	poke_after_fork();
	tramp_after_fork();
	debug_unlock();
}

static void after_in_parent(void)
{
	after(false);
}

static void after_in_child(void)
{
	rt_sync_after_fork();
	after(true);
}

static void guard(void)
{
	result = -pthread_atfork(before, after_in_parent, after_in_child);
}

int fork_guard(void)
{
	pthread_once(&once, guard);
	return result;
}
