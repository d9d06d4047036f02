/*
 * Encoder tests for AArch64: a word and its text, without aliases. GNU as must
 * make the word from the text, objdump must read the text from the word. Where
 * they differ, objdump's stands behind "//". "." is the word's address.
 */
#ifndef KILN_TESTS_ENC_ARM64_CASE_H
#define KILN_TESTS_ENC_ARM64_CASE_H

#include "backend-arm64/enc.h"
#include "cases.h"

/* arm64_case.c */
__attribute__((format(printf, 2, 3))) void a64_case(
	u32 word, const char *text, ...);
/* The name of a register of `size` bytes where 31 is the zero register. */
const char *a64_zr(unsigned size, unsigned r);
/* Where 31 is the stack pointer. */
const char *a64_sp(unsigned size, unsigned r);

/* arm64_disasm.c: 0, or -1 when objdump cannot be run. */
int a64_disasm_check(const char *objdump, const char *dir);

#endif
