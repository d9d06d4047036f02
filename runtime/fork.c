/*
 * fork(2) while other threads load and close: the child gets the lists of
 * objects whole, and their locks free. What a thread of the parent was just
 * loading is lost there: its text cannot be written any more (MADV_DONTFORK).
 */
#include <pthread.h>

#include "runtime/object.h"

/* state */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;

static void before(void)
{
	debug_lock();
	poke_before_fork();
}

static void after(void)
{
	poke_after_fork();
	debug_unlock();
}

static void after_in_child(void)
{
	rt_sync_after_fork();
	after();
}

static void guard(void)
{
	result = -pthread_atfork(before, after, after_in_child);
}

int fork_guard(void)
{
	pthread_once(&once, guard);
	return result;
}
