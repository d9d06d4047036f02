/*
 * What timers need of the place they run in (timer_core.c, timer_host.c).
 */
#ifndef KILN_RUNTIME_TIMER_H
#define KILN_RUNTIME_TIMER_H

#include "kiln/map_size.h"
#include "runtime/rt.h"

/* Somebody will call kiln_timers_run(): 0 or negative errno. No lock is held. */
int rt_timers_ready(void);
/* What the clock (CLOCK_*) shows now, less kiln_port_time_ns(). */
u64 rt_timers_offset(u32 clock);
/* A moment of waiting for a callback that runs elsewhere. */
void rt_timers_pause(u32 tries);

/* helper_timer.c: around a fork, whose child has none of its parent's threads:
 * no callback runs there, and the lock is free. */
bool rt_timers_before_fork(void); /* whether the lock was to be had */
void rt_timers_after_fork(bool locked, bool child);

#endif
