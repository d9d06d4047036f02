/*
 * Two threads hold a lock each and want the other's, as when signal handlers
 * interrupt them inside map operations: one of them at least must be told
 * -EBUSY, soon, and then the other can go on. Who holds nothing waits.
 *
 * Ends with 1 if something is wrong, also if it hangs.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "kiln/runtime.h"
#include "runtime/rt.h"

static u32 lock[2];
static pthread_barrier_t both;

static _Noreturn void wrong(const char *what)
{
	printf("wrong: %s\n", what);
	fflush(stdout);
	_exit(1);
}

static void on_alarm(int sig)
{
	(void)sig;
	wrong("it hangs");
}

/* Returns what the second lock said. */
static void *hold_and_want(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	int err;

	if (kiln_port_lock(&lock[me]))
		wrong("a free lock is refused");
	pthread_barrier_wait(&both);
	if (kiln_port_lock(&lock[me]) != -RT_EBUSY)
		wrong("the own lock is given again");
	err = kiln_port_lock(&lock[!me]);
	if (!err)
		kiln_port_unlock(&lock[!me]);
	kiln_port_unlock(&lock[me]);
	return (void *)(intptr_t)err;
}

static void *wait_for_it(void *arg)
{
	if (kiln_port_lock(arg))
		wrong("who holds nothing is refused");
	kiln_port_unlock(arg);
	return NULL;
}

int main(void)
{
	pthread_t t[2];
	void *err[2];

	signal(SIGALRM, on_alarm);
	alarm(4);
	pthread_barrier_init(&both, NULL, 2);
	for (uintptr_t k = 0; k < 2; k++)
		pthread_create(&t[k], NULL, hold_and_want, (void *)k);
	for (int k = 0; k < 2; k++)
		pthread_join(t[k], &err[k]);
	if ((intptr_t)err[0] != -RT_EBUSY && (intptr_t)err[1] != -RT_EBUSY)
		wrong("both have both");
	if (kiln_port_lock(&lock[0]))
		wrong("a lock was not given back");
	pthread_create(&t[0], NULL, wait_for_it, &lock[0]);
	usleep(100000);
	kiln_port_unlock(&lock[0]);
	pthread_join(t[0], NULL);
	return 0;
}
