/*
 * Programs that tail-call in all ways there are, written once for BPF and once
 * for this host (model.c), where a tail call is a call that returns:
 *
 *	TAIL(ctx, index)   tail call through the prog_array `jmp`
 *	TAIL_EITHER(ctx, first, index)
 *			   ... through `jmp`, or `also`, which has leaf at 1
 *	LOG(id)            appends id to the trace; how many are there
 *	PROG, SUB          a program, a subprogram
 *
 * Results depend on the trace, so that no compiler foresees them.
 */
enum { SLOTS = 8, TRACE = 128 };

PROG(leaf)
{
	return 100 + LOG(1);
}

/* Known indices; the second if the first has no program. */
PROG(direct)
{
	LOG(2);
	TAIL(ctx, 0);
	LOG(3);
	TAIL(ctx, 1);
	return 200 + LOG(4);
}

/* Any index, beyond the map, too; its upper half does not count. */
PROG(dynamic)
{
	unsigned n = LOG(5);

	TAIL(ctx, n * 5 % 11 | 0xab00000000);
	TAIL(ctx, n % 3);
	return 300 + LOG(6);
}

SUB(above)
{
	unsigned n = LOG(7);

	TAIL(ctx, 2);
	return 400 + n;
}

SUB(nested)
{
	unsigned r = above(ctx);

	LOG(8);
	TAIL(ctx, 3);
	return r * 3 + above(ctx);
}

PROG(once)
{
	LOG(9);
	return above(ctx) * 5 + 1;
}

PROG(twice)
{
	unsigned r = nested(ctx);

	LOG(10);
	r += above(ctx);
	TAIL(ctx, 4);
	return r * 7 + 2;
}

/* One index on both ways there. */
PROG(agreeing)
{
	unsigned long long key;

	if (LOG(11) & 1)
		key = 5;
	else
		key = LOG(12) * 0 + 5;
	TAIL(ctx, key);
	return 500 + LOG(13);
}

/* An index beyond the map: nothing happens. */
PROG(beyond)
{
	LOG(14);
	TAIL(ctx, SLOTS);
	TAIL(ctx, 6);
	return 600 + LOG(15);
}

/* One of two maps: with an index that is known, and in a subprogram. */
SUB(under)
{
	unsigned n = LOG(16);

	TAIL_EITHER(ctx, n & 1, n % 9);
	return 700 + n;
}

PROG(either)
{
	TAIL_EITHER(ctx, LOG(17) % 3, 1);
	return 800 + under(ctx);
}

#define PROGRAMS(X) \
	X(leaf)     \
	X(direct) X(dynamic) X(once) X(twice) X(agreeing) X(beyond) X(either)
