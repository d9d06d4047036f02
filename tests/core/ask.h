/* One question of matrix.bpf.c to kiln: compiled for a target, run natively. */
#ifndef TESTS_CORE_ASK_H
#define TESTS_CORE_ASK_H

#include "kiln/base.h"
#include "kiln/compile.h"

enum { CTX = 264, ANSWER = 256 };

struct ask {
	struct kiln_input in[2];
	size_t n;
	const char *target; /* --btf, or NULL */
	u8 ctx[CTX] __attribute__((aligned(8)));
	char log[1024]; /* the last error */
	void *out;	/* the native object */
	size_t size;
};

void ask_fill(u8 *ctx); /* bytes that are all different from 0, mostly */
/* The program's answer; false: it was refused, and log says why. Frees the
 * object of the last question. */
bool ask_kiln(struct ask *a, const char *name, u64 *answer);
void ask_done(struct ask *a);

#endif
