/* Timers without an operating system: the embedder runs them. */
#include "kiln/runtime.h"
#include "runtime/timer.h"

int rt_timers_ready(void)
{
	return 0;
}

/* There is one clock. */
u64 rt_timers_offset(u32 clock)
{
	(void)clock;
	return 0;
}

void rt_timers_pause(u32 tries)
{
	(void)tries;
	kiln_port_relax();
}

RT_API RT_WEAK void kiln_timers_wake(uint64_t deadline_ns)
{
	(void)deadline_ns;
}
