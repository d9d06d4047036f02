/* Compares native code with the interpreter. */
#ifndef KILN_TESTS_CODE_CHECK_H
#define KILN_TESTS_CODE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* text: IR of one function of five parameters: p0 a buffer of CHECK_BUF bytes
 * that starts with p1 and p2 and goes on with a pattern; p1 and p2 operands.
 * Compiles it with all registers, with few and awkward ones and with every
 * feature that this CPU has, and runs each over pairs of corner operands:
 * result, buffer and sym 0 must be as the interpreter says. Prints the text
 * and returns false otherwise. */
bool check_text(const char *text);

/* The same for fewer pairs. */
bool check_text_quick(const char *text);

enum { CHECK_BUF = 128 };

#endif
