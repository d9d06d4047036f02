/* Seed: one of two objects that refer to each other (two-b.bpf.c). */
#include "two.h"
extern struct SHARED shared EXTERN_MAP;
struct SHARED in_both SEC(".maps");
extern int value, far_away[4];
int add(int a, int b);
WEAK NOINLINE int pick(int x)
{
	return x + 1000;
}
WEAK int knob = 5;
int in_a = 7;
static NOINLINE int same(int x)
{
	return x * 2;
}
SEC("raw_tp") int first(void *ctx)
{
	int key = 1;
	struct pair *p = lookup(&shared, &key), *q = lookup(&in_both, &key);

	if (p && q)
		p->b += ++q->a;
	return add(value, far_away[2]) + pick(knob) + same(in_a);
}
