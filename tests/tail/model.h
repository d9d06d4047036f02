/* What programs.bpf.h should do, by calls that return. */
#ifndef TESTS_TAIL_MODEL_H
#define TESTS_TAIL_MODEL_H

#include <stdint.h>

enum { MODEL_SLOTS = 8, MODEL_TRACE = 128, MODEL_PROGS = 8 };

struct model_trace {
	uint32_t n;
	uint8_t id[MODEL_TRACE];
};

extern const char *const model_name[MODEL_PROGS];
/* slot[k]: 1 + a program, or 0. Its result; the trace goes on. */
int model_run(unsigned prog, const unsigned *slot, struct model_trace *t);

/* ---- check.c -------------------------------------------------------------- */

/* Something that runs the programs, too. */
struct subject {
	/* prog < 0: the slot becomes empty, if it is not */
	int (*set)(unsigned slot, int prog);
	int (*run)(unsigned prog);
	int (*get_trace)(struct model_trace *t);
	int (*set_trace)(const struct model_trace *t);
};

/* Maps filled at random; 0 if every result and every trace is the model's. */
int check_subject(const struct subject *s, unsigned rounds);

#endif
