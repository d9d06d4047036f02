/* A hooked function that is looked at from inside, and left by all ways. The
 * executable, or a library of it, has both programs attached from the start. */
#include <execinfo.h>
#include <kiln/hook.h>
#include <setjmp.h>
#include <stdio.h>

#include "unwind.h"

static jmp_buf env;

long f(int how)
{
	void *pc[32];

	switch (how) {
	case LOOK: backtrace_symbols_fd(pc, backtrace(pc, 32), 1); break;
	case JUMP: longjmp(env, 1); /* does not return */
	case THROW:
#ifndef NO_CXX
		thrower();
#endif
		break;
	}
	return how + 40L;
}

__attribute__((noinline)) long caller(int how)
{
	return f(how) + 1; /* not a tail call */
}

static int check(const char *what, unsigned long in, unsigned long out)
{
	if (entries == in && exits == out)
		return 0;
	printf("%s: %lu entries, %lu exits, wanted %lu, %lu\n", what, entries,
		exits, in, out);
	return 1;
}

int run(void)
{
	int bad;

	bad = caller(LOOK) != 41 || check("look", 1, 1);
	if (!setjmp(env))
		caller(JUMP);
	bad |= check("jump", 2, 1);
	bad |= caller(RETURN) != 41 + RETURN || check("return", 3, 2);
#ifndef NO_CXX
	bad |= !catches(THROW) || check("throw", 4, 2);
#endif
	return bad;
}
