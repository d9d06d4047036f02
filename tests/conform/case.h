/*
 * Conformance cases: a program, the memory it works on, what it must leave.
 *
 * Text files hold cases like this one; "#" starts a comment:
 *
 *	case mod32-reg: the remainder by zero is the dividend, zero-extended
 *	mem 0011
 *		r0 = $a ll
 *		w1 = $b
 *		w0 %= w1
 *		exit
 *	a=-1 b=0	-> 0xffffffff
 *	a=7  b=4	-> 3 mem 0011
 *
 * Each line with "->" is one run with its own values for the $ variables; its
 * number is r0, and a "mem" behind it is the whole memory afterwards. "skb HEX"
 * gives a packet instead of memory, with r1 the context. A line "raw" says that
 * the case rests on what kernels leave open, as that unwritten stack reads 0.
 *
 * Files named .tsv have the four columns name, memory, program, r0, in hex.
 */
#ifndef TESTS_CONFORM_CASE_H
#define TESTS_CONFORM_CASE_H

#include "asm.h"

enum { CASE_MEM = 1024 };

struct conform_case {
	char name[96];
	struct asm_code code;
	u8 mem[CASE_MEM];
	u32 mem_size;
	bool has_skb; /* mem is a packet */
	bool raw;     /* not for the kernel */
	u64 r0;
	bool has_after;
	u8 after[CASE_MEM];
};

/* Gives every case of the file to fn. 0, or -1 with a message on stderr. */
int conform_read(const char *path,
	void (*fn)(void *ctx, const struct conform_case *c), void *ctx);

#endif
