/*
 * A reference interpreter for BPF, written from RFC 9669 and the Linux
 * documentation for what came later, for clarity and nothing else. It shares
 * no code with the compiler, so that the two cannot be wrong in the same way.
 *
 * Pointers are host addresses. Every access is checked against the regions of
 * the environment and the live stack frames: a bad program is an error with a
 * text, never a crash.
 */
#ifndef TESTS_INTERP_H
#define TESTS_INTERP_H

#include "kiln/base.h"

enum {
	INTERP_FRAMES = 8,
	INTERP_STACK = 512,
	/* Bytes that env.stacks must offer: frames are apart, so that a step
	 * over the end of one is not a step into the next. */
	INTERP_STACKS = INTERP_FRAMES * 2 * INTERP_STACK,
};

struct interp;

struct interp_prog {
	const u8 *bytes; /* 8 per slot */
	u32 slots;
};

struct interp_region {
	u8 *base;
	u64 size;
	bool writable;
};

/* What LD_ABS and LD_IND read: a packet in a linear buffer. */
struct interp_skb {
	const u8 *head;
	u32 size; /* of the buffer */
	u32 data; /* offsets into the buffer: offset 0 of the program, */
	u32 mac;  /* SKF_LL_OFF, */
	u32 net;  /* SKF_NET_OFF */
};

/* 0, or negative after interp_fail(). */
typedef int (*interp_helper)(struct interp *vm, const u64 arg[5], u64 *r0);

struct interp_helper_row {
	u32 id;
	u32 args; /* how many of r1..r5 it reads */
	interp_helper call;
};

struct interp_env {
	const struct interp_region *regions;
	size_t nregions;
	const struct interp_helper_row *helpers;
	size_t nhelpers;
	const struct interp_skb *skb; /* or NULL: no packet loads */
	u8 *stacks; /* 16-byte aligned, or NULL: the interpreter's own */
	u64 steps;  /* instructions until "does not end"; 0: 100 million */
	bool written_only; /* reading a stack byte that nobody wrote fails */
	u64 may_goto;	   /* budget of a run; 0: the kernel's */
	char error[160];   /* out: why the run failed */
};

/* The helpers that programs without an environment of their own may call. */
extern const struct interp_helper_row interp_helpers[];
extern const size_t interp_nhelpers;

/* Runs the program from slot 0 with r1 and r2. 0 and *r0, or -1 and env->error. */
int interp_run(const struct interp_prog *prog, u64 r1, u64 r2,
	struct interp_env *env, u64 *r0);

/* 0 when every instruction is well formed, else -1 and error. */
int interp_check(const struct interp_prog *prog, char *error, size_t size);

/* For helpers: memory of the program, or NULL after a failure. */
void *interp_mem(struct interp *vm, u64 addr, u64 size, bool write);
/*
 * For helpers: calls the function that an lddw with src 4 gave the address of.
 * Registers past the n-th argument hold nothing a callback may read.
 */
int interp_call(struct interp *vm, u64 fn, const u64 arg[5], u32 n, u64 *r0);
/* For helpers: gives up; returns -1. */
int interp_fail(struct interp *vm, const char *fmt, ...) printf_like(2, 3);

/*
 * In the test-only build of mutants: which bug is planted, 0 for none. See
 * mutants.def.
 */
extern int interp_mutation;

#endif
