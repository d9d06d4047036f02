/* What loads that may fault cost, those that do and those that do not. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <kiln/runtime.h>

struct node {
	struct node *next;
	long value;
};

struct list {
	const struct node *first;
	long rounds;
};

extern uint64_t marked(void *ctx), plain(void *ctx);

static double ns(uint64_t (*run)(void *), const struct node *first, long rounds)
{
	struct list ctx = {first, rounds};
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	run(&ctx);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		       (double)(b.tv_nsec - a.tv_nsec)) /
	       (double)rounds;
}

/* The best of some: others use the machine, too. */
static double best(uint64_t (*run)(void *), const struct node *first, long n)
{
	double least = 1e9;

	for (int k = 0; k < 9; k++) {
		double v = ns(run, first, n);

		least = v < least ? v : least;
	}
	return least;
}

int main(void)
{
	static struct node node = {&node, 1};

	if (!kiln_object_self())
		return 1;
	printf("a load that may fault, and does not: %.2f ns\n",
		best(marked, &node, 2000000));
	printf("a load that may not fault:           %.2f ns\n",
		best(plain, &node, 2000000));
	printf("a load that faults:                  %.0f ns\n",
		best(marked, NULL, 2000));
	return 0;
}
