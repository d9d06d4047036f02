/*
 * Random BPF programs in C: see cgen.c for what comes out, prelude.h for what it
 * stands on. A function is written top to bottom in one pass; `struct body` knows
 * what is in scope.
 */
#ifndef TESTS_CGEN_CGEN_H
#define TESTS_CGEN_CGEN_H

#include <assert.h>

#include "kiln/base.h"

enum kind { S8, U8, S16, U16, S32, U32, S64, U64, KINDS };
extern const char *const kind_name[KINDS];
extern const u8 kind_bits[KINDS];

enum {
	MAX_FIELDS = 8,
	MAX_STRUCTS = 5,
	MAX_VARS = 24,
	MAX_FNS = 160,
	MAX_GLOBALS = 16,
	MAX_ARGS = 5,
	TEXT = 1 << 13, /* one expression */
};

struct field {
	enum kind kind;
	u8 bits;  /* of a bit-field, or 0 */
	u8 count; /* of an array, a power of 2, or 0 */
};

struct record {
	struct field field[MAX_FIELDS];
	u32 n;
	bool wide; /* has bit-fields wider than int */
};

enum what {
	SCALAR,
	ARRAY,	/* of count */
	RECORD, /* of struct s<of>, fields after "." */
	TARGET, /* a pointer to one, fields after "->" */
	ELEM,	/* a pointer to struct elem */
	MIXED,	/* union mixed */
	HEADER, /* struct header, in a variable */
};

struct var {
	char name[16];
	enum what what;
	enum kind kind;
	u32 count, of;
	bool fixed; /* not to be written */
};

enum form { INLINED, STATIC, NOINLINE, GLOBAL };

struct fn {
	enum form form;
	enum kind result;
	u32 nargs;
	struct var arg[MAX_ARGS];
	u32 ctx;   /* 0: none; XDP, TC: its last argument */
	u32 depth; /* of calls, itself included */
	u32 cost;  /* about how many statements a call runs */
};
enum { NO_CTX, XDP, TC };

/* What may stand at one place of a function. */
struct body {
	struct var var[MAX_VARS];
	u32 nvars;
	u32 budget;    /* statements to come */
	u32 times;     /* how often this place runs, about */
	u32 cost;      /* of the function so far */
	u32 depth;     /* deepest call so far */
	u32 max_depth; /* of calls */
	u32 ctx;       /* kind of `ctx`, or NO_CTX */
	u32 loops;     /* around this place */
	u32 packet;    /* so many bytes at pk are there */
	bool quiet;    /* no calls, no map operations: a value may go away */
	u32 names;     /* given so far */
	u32 indent;
};

/* The source being made: state of the generator. */
struct source {
	u64 rng;
	struct record record[MAX_STRUCTS];
	u32 nrecords;
	struct var global[MAX_GLOBALS];
	u32 nglobals;
	struct fn fn[MAX_FNS];
	u32 nfns;
	u32 first_fn; /* of this program; one that takes a context is not shared */
};
extern struct source src;

/* pick.c: random choices, and what is in scope */
u32 below(u32 n);
static inline bool chance(u32 percent)
{
	return below(100) < percent;
}
enum kind pick_kind(void);
void var_declare(const struct var *v, u32 indent); /* and initialise */
struct var *body_new(struct body *b, enum what what);

/* expr.c: text of an expression without side effects, of depth 0 to 3; print it
 * before the next but one is made. */
const char *expr(const struct body *b, u32 depth);
/* An lvalue, or NULL if there is none. */
const char *place(const struct body *b);

/* stmt.c */
void line(const struct body *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void statements(struct body *b, u32 n);
void call(struct body *b);

#endif
