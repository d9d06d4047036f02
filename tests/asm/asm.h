/*
 * A small BPF assembler for tests, in the notation of the kernel's verifier
 * log: "w0 += w2", "r1 = *(s16 *)(r10 -8)", "if r1 s> 7 goto L". A label is a
 * name and a colon; a target is a label or a distance such as "+3"; "#" starts
 * a comment. What the notation cannot say is a ".slot" and 16 hex digits.
 */
#ifndef TESTS_ASM_H
#define TESTS_ASM_H

#include <stdio.h>

#include "kiln/base.h"

struct asm_code {
	u8 *bytes; /* 8 per slot; owned, free with asm_free() */
	u32 slots;
};

/* 0, or -1 and "line N: ..." in error. */
int asm_parse(const char *text, struct asm_code *out, char *error, size_t size);
void asm_free(struct asm_code *code);

/* What asm_parse() turns into the same bytes; every line starts with a tab. */
void asm_print(FILE *to, const u8 *bytes, u32 slots);

#endif
