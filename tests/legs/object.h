/* Bare instructions as the one program of a BPF object. */
#ifndef TESTS_LEGS_OBJECT_H
#define TESTS_LEGS_OBJECT_H

#include "kiln/base.h"

/* An ELF object whose section of that name is the program "main"; freed by the
 * caller. */
u8 *object_make(const char *section, const u8 *code, u32 slots, size_t *size);

#endif
