/*
 * Random functions through register allocation: the checker must prove each
 * one right, and an interpreter must see the same before and after.
 *
 *   t_mir_random [COUNT [SEED]]    COUNT functions from SEED on
 */
#include <stdlib.h>
#include <string.h>

#include "toy.h"

static u64 pick_mask(struct toy_rng *r)
{
	u64 all = toy_target.allocatable, mask = 0;
	u32 n = 4 + toy_rand(r, 5);

	if (toy_rand(r, 2))
		return all;
	while (n) {
		u64 bit = 1ull << toy_rand(r, 16);

		if (!(all & bit) || (mask & bit))
			continue;
		mask |= bit;
		n--;
	}
	return mask;
}

static int test_one(struct arena *a, u64 seed)
{
	struct toy_rng r = {seed * 0x9e3779b97f4a7c15u + 1};
	u32 budget = 5 + toy_rand(&r, toy_rand(&r, 10) ? 40 : 300);
	u32 nvars = 2 + toy_rand(&r, toy_rand(&r, 4) ? 12 : 40);
	struct mfn *m = toy_random(a, &r, budget, nvars);
	struct mfn *before = mir_clone(a, m);
	u64 mask = pick_mask(&r);
	char buf[200];

	if (mir_verify(before, NULL, &toy_target, buf, sizeof(buf))) {
		printf("seed %llu: generated: %s\n", (unsigned long long)seed,
			buf);
		return 1;
	}
	mir_regalloc(m, &toy_target, mask);
	int bad = mir_verify(before, m, &toy_target, buf, sizeof(buf));
	for (u32 k = 0; !bad && k < 4; k++) {
		bad = toy_run(a, before, NULL, seed + k, 200) !=
		      toy_run(a, m, before, seed + k, 200);
		if (bad)
			strcpy(buf, "runs differ");
	}
	if (!bad)
		return 0;
	printf("seed %llu mask %llx: %s\n", (unsigned long long)seed,
		(unsigned long long)mask, buf);
	if (getenv("V")) {
		mir_print(stdout, before, &toy_target);
		mir_print(stdout, m, &toy_target);
	}
	return 1;
}

int main(int argc, char **argv)
{
	u64 count = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	struct arena a;
	int bad = 0;

	arena_init(&a, NULL, NULL);
	for (u64 k = 0; k < count && bad < 5; k++) {
		bad += test_one(&a, seed + k);
		arena_reset(&a);
	}
	arena_fini(&a);
	printf("%llu functions, %d wrong\n", (unsigned long long)count, bad);
	return bad != 0;
}
