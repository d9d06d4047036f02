#include "targets.h"

int calls;

KILN_HOOKABLE int add(int a, int b)
{
	calls++;
	return a + b;
}

KILN_HOOKABLE long many(
	long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
	calls++;
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h +
	       9 * i;
}

KILN_HOOKABLE struct pair swap(struct pair p)
{
	calls++;
	return (struct pair){p.b, p.a};
}

KILN_HOOKABLE int enum_value(enum below e)
{
	calls++;
	return e;
}

KILN_HOOKABLE void nothing(void)
{
	calls++;
}

/* static functions are known by their names */
static KILN_HOOKABLE int inner(int depth)
{
	calls++;
	return depth ? 1 + nested(depth - 1) : 0;
}
KILN_HOOK(inner);

KILN_NOIPA int nested(int depth)
{
	return inner(depth);
}
