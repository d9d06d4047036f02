/*
 * How a C function is called, as far as its prototype says: what a trampoline's
 * stub is made from. The frontend makes it from BTF, back ends classify it by
 * the psABI of their target. Nothing in it depends on the target.
 *
 * Programs see a function's arguments as words of 8 bytes, in the order of its
 * parameters: an integer or pointer is one word, extended to 64 bits by its type;
 * a float or double is one word, its bits with zeroes above; a struct or union by
 * value is its bytes, padded with zeroes to a whole number of words. Then comes
 * the result in the same way; one that is returned in memory is one word, its
 * address.
 */
#ifndef KILN_IR_MODEL_H
#define KILN_IR_MODEL_H

#include "ir/support.h"

enum model_class {
	MODEL_VOID, /* result only */
	MODEL_INT,  /* integers, enums, bool, pointers */
	MODEL_FLOAT,
	MODEL_STRUCT, /* struct or union by value */
};

/* A scalar in a struct, arrays and members of members resolved. */
struct model_scalar {
	u32 off;
	u8 size;
	bool is_float;
};

/* Structs have their scalars listed up to this size: no ABI passes larger ones
 * in registers. */
enum { MODEL_SCALARS_SIZE = 32 };

struct model_value {
	u8 cls;		/* enum model_class */
	bool is_signed; /* INT: sign-extended, else zero-extended */
	u32 size;  /* bytes: INT 1, 2, 4, 8; FLOAT 4, 8; STRUCT any, not 0 */
	u32 align; /* bytes: 1, 2, 4, 8; the largest of its scalars */
	const struct model_scalar *scalar; /* STRUCT */
	u32 nscalar;
	u32 word;	  /* its first, of all words */
	u32 nwords;	  /* VOID: 0 */
	const char *name; /* of the parameter, for messages; "" */
};

struct model {
	const char *func;
	const char *text; /* the row's `model` */
	struct model_value ret;
	const struct model_value *param;
	u32 nparam;
	u32 nargs; /* words of all parameters: ret.word */
};

/* A stub's places, for its row (kiln/format.h). */
struct stub_places {
	u32 lits, call, jump, ret;
};

/* ---- for back ends: where values are ------------------------------------- */

enum passed_kind {
	PASSED_GPR,
	PASSED_VEC,
	PASSED_STACK,	/* of the caller, from its first argument there on */
	PASSED_BEHIND,	/* a pointer, which is in a word of the frame */
	PASSED_WORD,	/* another word of the frame */
	PASSED_ADDRESS, /* of other words of the frame */
};

/* A part of an argument or result, by the psABI, and its copy in the stub's
 * frame. What is below 8 bytes fills a word, by its sign or with zeroes, except
 * in vector registers that share one. */
struct passed {
	u8 kind; /* enum passed_kind */
	u8 reg;
	u8 size; /* bytes, 1 to 8 */
	bool is_signed;
	u32 from; /* STACK, BEHIND, WORD, ADDRESS: offset there */
	u32 via;  /* BEHIND: offset of the pointer in the frame's words */
	u32 to;	  /* offset in the frame's words: kiln_tramp_frame.args */
};

/* What a stub's frame has, at work. */
struct stub_plan {
	struct arena *a;
	vec(struct passed) arg; /* what else the body wants is here, too */
	vec(struct passed) ret;
	u32 ngpr, nvec; /* argument registers taken */
	u32 stack;	/* bytes of arguments there */
	u32 words;	/* of the frame: the model's, then the stub's own */
};

#endif
