/* What the programs and their host share. */
#ifndef TRACE_H
#define TRACE_H

enum { CLIENTS = 4, SLOTS = 40 };

/* Calls by the logarithm of their nanoseconds; of them refused. */
struct histogram {
	unsigned long long count[SLOTS], refused;
};

#endif
