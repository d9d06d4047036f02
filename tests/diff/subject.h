/*
 * A program under test with its memory, what is compared of a run, and making
 * a failing one smaller.
 */
#ifndef TESTS_DIFF_SUBJECT_H
#define TESTS_DIFF_SUBJECT_H

#include <stdio.h>

#include "gen.h"
#include "leg.h"

enum verdict {
	V_SAME,
	V_REFUSED, /* the leg does not take this program */
	V_DIFFERS, /* other r0 or memory */
	V_BROKEN,  /* the leg crashed or gave up */
	V_INVALID, /* the interpreter fails, or the outcome depends on addresses */
};

struct outcome {
	enum verdict verdict;
	u64 r0; /* the interpreter's */
	u8 mem[GEN_MEM];
	u64 leg_r0;
	u8 leg_mem[GEN_MEM];
	char text[256];
};

/* Runs the program in the interpreter. False and a text: it is not valid. */
bool subject_expect(const struct gen_prog *prog, struct outcome *out);
/* Runs it in the leg and compares with what subject_expect() left. */
void subject_compare(const struct gen_prog *prog, const struct leg *leg,
	bool apart, struct outcome *out);
/* Both. */
enum verdict subject_try(const struct gen_prog *prog, const struct leg *leg,
	bool apart, struct outcome *out);

/* The program as a conformance case. */
void subject_print(FILE *to, const char *name, const struct gen_prog *prog);

/* Makes prog smaller as long as the leg's verdict stays. */
void reduce(struct gen_prog *prog, const struct leg *leg, bool apart);

#endif
