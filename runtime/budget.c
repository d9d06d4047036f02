/*
 * Loop budgets: a word per CPU slot that the may_gotos of the run there count
 * down. Compiled code sets it when a program begins and puts the old number
 * back when it ends (frontend/lower_budget.c), so runs that nest on one slot,
 * also by signals and interrupts, each have their own. 0 outside of runs.
 *
 * Like per-CPU values the words need a run scope. CPU slots from WORDS - 1 on,
 * which only a core without libkiln can have, share the last word: what they
 * run at the same time ends early.
 */
#include "runtime/rt.h"

#define WORDS 512 /* as many as libkiln has slots */
#define LINE  64  /* slots do not disturb each other */

/* state */
static struct {
	i64 left;
} __attribute__((aligned(LINE))) word[WORDS];

RT_API i64 *kiln_loop_budget(void)
{
	u32 cpu = kiln_port_cpu();

	return &word[cpu < WORDS - 1 ? cpu : WORDS - 1].left;
}
