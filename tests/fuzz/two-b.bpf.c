/* Seed: the other object of two-a.bpf.c, and a table of struct_ops. */
#include "two.h"
struct SHARED shared SEC(".maps");
struct SHARED in_both SEC(".maps");
extern int in_a;
int value = 30, far_away[4] = {1, 2, 3, 4};
int *to_a = &in_a;
NOINLINE int add(int a, int b)
{
	return a + b + *to_a;
}
NOINLINE int pick(int x)
{
	return x + 2000;
}
int knob = 500;
static NOINLINE int same(int x)
{
	return x * 3;
}
struct ops {
	int (*one)(int a, struct pair *p);
	struct {
		long (*two)(struct pair p);
	};
	int flags;
};
SEC("struct_ops/one") int op_one(unsigned long long *ctx)
{
	return same((int)ctx[0]);
}
SEC("struct_ops/two") int op_two(unsigned long long *ctx)
{
	return add((int)ctx[0], 2);
}
SEC(".struct_ops.link")
struct ops table = {(void *)op_one, {(void *)op_two}, 5};
