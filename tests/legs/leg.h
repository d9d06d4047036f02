/*
 * A leg runs one program on one memory buffer, each leg in its own way: the
 * reference interpreter, the kernel, native code by kiln at some -O level for
 * this host, or for arm64 in a process under qemu-user. What they leave in r0
 * and in the buffer must be the same.
 */
#ifndef TESTS_LEGS_LEG_H
#define TESTS_LEGS_LEG_H

#include "interp.h"

enum leg_status {
	LEG_OK,
	LEG_REFUSED, /* not a program for this leg; text says why */
	LEG_FAILED,  /* it should have run; text says what happened */
};

struct leg_run {
	const u8 *bytes; /* the program, 8 per slot */
	u32 slots;
	u8 *mem; /* r1 points to a copy of it, r2 is its size; in and out */
	u32 mem_size;
	const struct interp_skb *skb; /* or NULL; r1 is the context then */
	/* Reading stack bytes that nobody wrote is invalid, not 0. */
	bool written_only;
	u64 steps; /* of the interpreter, 0: plenty */
	u64 r0;
	char text[256];
};

struct leg {
	const char *name;
	const char *about;
	/* It has no right to refuse a valid program. */
	bool takes_all;
	/* NULL, or why this leg cannot run here at all. Called once. */
	const char *(*open)(void);
	enum leg_status (*run)(struct leg_run *run);
	bool no_packets; /* takes_all does not mean programs with a packet */
};

enum { LEG_MEM_MAX = 1 << 16 };

/* The legs of this build; name NULL ends. The interpreter is the first. */
extern const struct leg legs[];
const struct leg *leg_find(const char *name);

/*
 * Like leg->run, in a child process: a crash or an endless loop is LEG_FAILED
 * with a text.
 */
enum leg_status leg_run_apart(const struct leg *leg, struct leg_run *run);

enum leg_status leg_interp(struct leg_run *run);
/* The same with everything at other addresses. */
enum leg_status leg_interp_moved(struct leg_run *run);
enum leg_status leg_kernel(struct leg_run *run);
const char *leg_kernel_open(void);
enum leg_status leg_kiln_O0(struct leg_run *run);
enum leg_status leg_kiln_O1(struct leg_run *run);
enum leg_status leg_kiln_O2(struct leg_run *run);
enum leg_status leg_arm64_O0(struct leg_run *run);
enum leg_status leg_arm64_O1(struct leg_run *run);
enum leg_status leg_arm64_O2(struct leg_run *run);
/* The interpreter with the bug interp_mutation planted. */
enum leg_status leg_mutant(struct leg_run *run);

#endif
