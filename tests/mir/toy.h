/*
 * A target of our own for tests of machine IR, a generator of random
 * functions for it, and an interpreter that runs a function before and after
 * register allocation. Every operation is a hash of its inputs.
 */
#ifndef KILN_TESTS_MIR_TOY_H
#define KILN_TESTS_MIR_TOY_H

#include "ir/target.h"

/* 16 registers named like those of x86-64; 4 is the stack pointer. */
enum {
	R_AX,
	R_CX,
	R_DX,
	R_BX,
	R_SP,
	R_BP,
	R_SI,
	R_DI,
	R_8,
	R_9,
	R_10,
	R_11,
	R_12,
	R_13,
	R_14,
	R_15,
};

enum toy_op {
	T_OP = MOP_TARGET, /* anything */
	T_CONST,	   /* repeatable */
	T_CALL,
	T_CMP, /* sets flags */
	T_SEL, /* reads flags */
	T_BR,  /* two successors, by its uses */
	T_BRF, /* two successors, by flags */
	T_RET,
	T_END,
};

extern const struct target toy_target;

/* ---- Building ---- */

struct mopd toy_use(u32 v);
struct mopd toy_def(u32 v);
struct mopd toy_fixed(struct mopd o, u8 preg);
struct mopd toy_slot(struct mopd o);
struct mopd toy_tied(struct mopd o, u32 use); /* index of the use */
struct mopd toy_role(struct mopd o, u8 role);
struct mins *toy_add(
	struct mfn *m, u16 op, u8 flags, const struct mopd *o, u32 n);
#define TOY(m, op, flags, ...)                                    \
	toy_add(m, op, flags, (const struct mopd[]){__VA_ARGS__}, \
		sizeof((const struct mopd[]){__VA_ARGS__}) /      \
			sizeof(struct mopd))
/* Blocks by hand: begin, fill, end with successors; preds at last. */
void toy_begin(struct mfn *m, u32 b);
void toy_end(struct mfn *m, u32 b, u32 nsucc, u32 s0, u32 s1);
void toy_preds(struct mfn *m);
void toy_depths(struct mfn *m); /* by backward edges */
void toy_phi(struct mfn *m, u32 b, u32 def, u32 s0, u32 s1);

/* ---- Random functions ---- */

struct toy_rng {
	u64 s;
};

u32 toy_rand(struct toy_rng *r, u32 n); /* below n */
/* budget: about how many instructions; nvars: how many values live. */
struct mfn *toy_random(
	struct arena *a, struct toy_rng *r, u32 budget, u32 nvars);

/* ---- Running ---- */

/* A digest of what the first `fuel` instructions do; after: its clone from
 * before allocation, or NULL for a function with virtual registers. */
u64 toy_run(struct arena *a, const struct mfn *m, const struct mfn *before,
	u64 seed, u32 fuel);

#endif
