/*
 * irfuzz PASSES FIRST COUNT: random functions with seeds from FIRST on, each
 * run through the passes ("fold,dce" or O0..O2) and compared with itself
 * before, by running both. Prints and keeps going to the first difference.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/target.h"
#include "tests/ir/eval.h"
#include "tests/ir/gen.h"

enum { TRIALS = 8, STEPS = 300 };

static int optimise(struct fn *f, const char *list, u64 seed)
{
	char copy[256], why[256], *save;

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *p = strtok_r(copy, ",", &save); p;
		p = strtok_r(NULL, ",", &save)) {
		ir_pass_fn pass = ir_pass_find(p);
		struct cg cg = {.opt = (u8)(p[1] - '0')};

		if (pass) {
			pass(f);
		} else if (p[0] == 'O') {
			ir_optimise(f, &cg, NULL, NULL);
		} else {
			printf("no pass %s\n", p);
			return -1;
		}
		if (ir_verify(f, why, sizeof(why))) {
			ir_print(stdout, f, NULL, NULL);
			printf("seed %llu: broken after %s: %s\n",
				(unsigned long long)seed, p, why);
			return -1;
		}
	}
	return 0;
}

static int differs(const struct fn *a, const struct fn *b, u64 seed)
{
	for (u32 k = 0; k < TRIALS; k++) {
		u64 params[4];
		struct eval_result x, y;

		eval_params(params, 4, seed * TRIALS + k);
		params[2] = 0x300000000000 + k;
		params[3] = 0x400000000000 + k;
		eval_run(a, params, k, STEPS, &x);
		eval_run(b, params, k, STEPS, &y);
		if (eval_same(&x, &y))
			continue;
		printf("seed %llu trial %u: value %llx, wanted %llx; "
		       "memory %s, trace %s\n",
			(unsigned long long)seed, k,
			(unsigned long long)y.value,
			(unsigned long long)x.value,
			x.memory == y.memory ? "same" : "differs",
			x.trace == y.trace ? "same" : "differs");
		return -1;
	}
	return 0;
}

static int one(struct arena *a, const char *list, u64 seed)
{
	struct gen_opts o = {seed, 1 + (u32)(seed % 9), 1 + (u32)(seed % 7)};
	struct fn *before = gen_fn(a, &o), *after = gen_fn(a, &o);
	char why[256];

	if (ir_verify(before, why, sizeof(why))) {
		printf("seed %llu: generator: %s\n", (unsigned long long)seed,
			why);
		return -1;
	}
	if (!optimise(after, list, seed) && !differs(before, after, seed))
		return 0;
	ir_print(stdout, before, NULL, NULL);
	ir_print(stdout, after, NULL, NULL);
	return -1;
}

int main(int argc, char **argv)
{
	struct arena a;

	if (argc != 4) {
		fprintf(stderr, "usage: irfuzz PASSES FIRST COUNT\n");
		return 2;
	}
	u64 first = strtoull(argv[2], NULL, 0);
	u64 count = strtoull(argv[3], NULL, 0);
	arena_init(&a, NULL, NULL);
	int failed = 0;
	for (u64 k = 0; k < count && !failed; k++) {
		arena_reset(&a);
		failed = one(&a, argv[1], first + k);
	}
	arena_fini(&a);
	return failed != 0;
}
