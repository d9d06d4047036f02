/* Helpers that ask where and when the program runs. */
#include "runtime/rt.h"

HELPER_FN(ktime_get_ns)
{
	return kiln_port_time_ns();
}

HELPER_FN(get_prandom_u32)
{
	return kiln_port_random();
}

/* The CPU slot of the run scope (kiln/runtime.h). */
HELPER_FN(get_smp_processor_id)
{
	return kiln_port_cpu();
}

HELPER_FN(get_current_pid_tgid)
{
	return kiln_port_pid_tgid();
}

/* A kernel's count of ticks since it started; here of 4 ms (HZ is 250), and
 * from wherever the port's time begins. */
HELPER_FN(jiffies64)
{
	return kiln_port_time_ns() / 4000000;
}
