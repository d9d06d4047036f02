/* The reference interpreter as a leg. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leg.h"

/* What is left in the buffer counts even where the run fails. */
static enum leg_status run_at(struct leg_run *run, u8 *mem, u8 *stacks)
{
	struct interp_region all = {mem, run->mem_size, true};
	struct interp_prog prog = {run->bytes, run->slots};
	struct interp_env env = {
		.regions = &all,
		.nregions = 1,
		.helpers = interp_helpers,
		.nhelpers = interp_nhelpers,
		.skb = run->skb,
		.stacks = stacks,
		.written_only = run->written_only,
		.steps = run->steps,
	};
	u64 r1 = run->mem_size ? (u64)(uintptr_t)mem : 0;
	int ret;

	if (interp_check(&prog, run->text, sizeof(run->text)))
		return LEG_REFUSED;
	memcpy(mem, run->mem, run->mem_size);
	ret = interp_run(&prog, r1, run->mem_size, &env, &run->r0);
	memcpy(run->mem, mem, run->mem_size);
	if (!ret)
		return LEG_OK;
	snprintf(run->text, sizeof(run->text), "%s", env.error);
	return LEG_FAILED;
}

/* What an address ends in differs between the two, down to the 8. */
enum { PAGE = 4096, ELSEWHERE = 0x5a8 };

enum leg_status leg_interp(struct leg_run *run)
{
	static _Alignas(PAGE) u8 mem[LEG_MEM_MAX], stacks[INTERP_STACKS];

	return run_at(run, mem, stacks);
}

enum leg_status leg_interp_moved(struct leg_run *run)
{
	static _Alignas(PAGE) u8 mem[LEG_MEM_MAX + PAGE];
	static _Alignas(PAGE) u8 stacks[INTERP_STACKS + PAGE];

	return run_at(run, mem + ELSEWHERE, stacks + ELSEWHERE);
}
