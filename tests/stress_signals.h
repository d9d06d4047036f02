/*
 * Signals of the stress programs: SIGUSR1 comes down on their threads, and what
 * would kill them counts as a failure that the test has seen, which its mutants
 * look for.
 */
#ifndef TESTS_STRESS_SIGNALS_H
#define TESTS_STRESS_SIGNALS_H

#include <signal.h>
#include <unistd.h>

/* Torn jumps, code that is gone. */
static inline void on_crash(int sig)
{
	static const char text[] = "FAILED: a signal\n";

	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	_exit(sig);
}

static inline void listen_to_signals(void (*on_signal)(int sig))
{
	static const int crash[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_crash;
	for (unsigned k = 0; k < sizeof(crash) / sizeof(crash[0]); k++)
		sigaction(crash[k], &sa, NULL);
}

#endif
