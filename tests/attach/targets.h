/* Functions that programs attach to. */
#ifndef TARGETS_H
#define TARGETS_H

#include "kiln/hook.h"

struct pair {
	long a, b;
};

int add(int a, int b);
long many(
	long a, long b, long c, long d, long e, long f, long g, long h, long i);
struct pair swap(struct pair p);
/* Signed, in one byte. */
enum __attribute__((packed)) below { BELOW = -2, ABOVE = 100 };
int enum_value(enum below e);
void nothing(void);
int nested(int depth);
extern int calls; /* of bodies */

#endif
