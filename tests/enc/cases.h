/*
 * What the encoder tests of both targets share. A case is what one call of an
 * encoder gave, and the instruction that it must be as text for GNU as. Cases
 * are collected; one run of the assembler judges all.
 */
#ifndef KILN_TESTS_ENC_CASES_H
#define KILN_TESTS_ENC_CASES_H

#include "kiln/bytes.h"

enum { SLOT_MAX = 16 };

/* A case waiting for the assembler. */
struct want {
	u8 bytes[SLOT_MAX]; /* relocated fields are 0, fill behind the end */
	u32 text;	    /* offset in cases.text */
	u32 reloc;	    /* psABI type, 0: none */
	u32 at;		    /* of the field in the slot */
	i64 addend;
	bool differs; /* GNU as chooses, or can write, other bytes only */
};

/* How GNU as is asked. */
struct as_target {
	const char *name;   /* of the files that are written */
	const char *flag;   /* on the command line */
	const char *header; /* of the source */
	unsigned slot;	    /* bytes per case */
	u8 fill;	    /* behind a case in its slot */
	u32 call, branch;   /* the type `call` counts as `branch` */
};

/* All state of these files. */
struct cases {
	char *text;
	size_t text_len, text_cap;
	struct want *v;
	size_t n, cap;
	unsigned failed;
};

extern struct cases cases;

/* cases.c */
struct want *case_new(const char *text);
const char *case_text(const struct want *w);
void case_fail(const char *why, const char *text, const u8 *got, size_t len);
void cases_fini(void);

/* as.c: 0, or -1 when a program cannot be run. */
int tool_run(const char *const argv[], const char *out); /* out: NULL: stdout */
int as_check(const struct as_target *t, const char *as, const char *dir);

#endif
