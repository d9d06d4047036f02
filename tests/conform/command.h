/*
 * Runs a case through a command such as "kiln run -O2 --raw", which takes
 * [--mem HEX] PROGRAM-HEX and prints r0 as lower-case hex.
 */
#ifndef TESTS_CONFORM_COMMAND_H
#define TESTS_CONFORM_COMMAND_H

#include "case.h"

/* 0 and what it printed on both outputs, or -1 and why it did not exit with 0. */
int command_run(const char *command, const struct conform_case *c, char *text,
	size_t size);

#endif
