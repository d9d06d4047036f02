/*
 * What the files of the folding pass share: fold.c (the pass), fold_arith.c,
 * fold_cond.c, fold_div.c (its rules), known.c (bits known of a value).
 */
#ifndef KILN_IR_FOLD_H
#define KILN_IR_FOLD_H

#include "ir/ir.h"

/* Bits of a value that are known to be 0 or 1. Of an I32 value the upper half
 * counts as 0. */
struct known {
	u64 zero, one;
};

struct folder {
	struct fn *f;
	struct arena *tmp;
	u32 at;	       /* new instructions go in front of this one */
	u32 depth;     /* of rules building with rules */
	bool cut;      /* an edge was cut: prune at the end */
	vec(u32) dead; /* worklist of release() */
	/* By ref, cap entries each: */
	u32 cap;
	ref *repl;	     /* what took its place, or 0 */
	u32 *uses;	     /* at least as many as there are */
	struct known *known; /* only of what was visited or built */
};

static inline u32 ty_bits(enum ty t)
{
	return t == TY_I32 ? 32 : 64;
}

static inline u64 ty_mask(enum ty t)
{
	return t == TY_I32 ? UINT32_MAX : UINT64_MAX;
}

static inline i64 sign_extend(u64 v, u32 bits)
{
	return (i64)(v << (64 - bits)) >> (64 - bits);
}

/* ---- fold.c: builders. They apply the rules; the result may be an old value. */

ref fold_bin(struct folder *F, enum op op, enum ty t, ref a, ref b);
ref fold_un(struct folder *F, enum op op, enum ty t, ref a);
ref fold_bin_imm(struct folder *F, enum op op, enum ty t, ref a, i64 imm);
ref fold_cmp(struct folder *F, enum cc cc, ref a, ref b);
ref fold_sel(struct folder *F, enum ty t, const struct ins *cond, ref a, ref b);
ref fold_const(struct folder *F, enum ty t, u64 v);
/* To and from: a value as the other type; TRUNC or ZEXT. */
ref fold_trunc(struct folder *F, ref a);
ref fold_zext(struct folder *F, ref a);
/* The one instruction behind r if it has this operation, else NULL. */
const struct ins *fold_is(const struct folder *F, ref r, enum op op);
/* After making a floating instruction by hand. */
void fold_room(struct folder *F);
bool fold_one_use(const struct folder *F, ref r);

/* ---- fold_arith.c: what x can be instead, or ref 0. x is not in the list. */

ref fold_arith(struct folder *F, const struct ins *x);
/* A value equal to r in its low bits, with needless masks taken off. */
ref fold_low_bits(struct folder *F, ref r, u32 bits);
u64 fold_eval(enum op op, enum ty from, enum ty t, u64 a, u64 b);

/* ---- fold_div.c: division and remainder by a constant that is not 0 */

ref fold_div(struct folder *F, const struct ins *x, u64 c);

/* ---- fold_cond.c --------------------------------------------------------- */

/* Brings cc, arg[0], arg[1] of a CMP, SEL or BR into canonical form; 1 or 0
 * if it is decided, else -1. */
int fold_cond(struct folder *F, struct ins *x);

/* ---- known.c ------------------------------------------------------------- */

/* Facts of i from those of its arguments; nothing for what was not visited. */
struct known known_bits(const struct folder *F, const struct ins *i);

#endif
