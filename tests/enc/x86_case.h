/*
 * Encoder tests for x86-64: instructions as operands, which become text for
 * GNU as and are compared with what Capstone reads.
 */
#ifndef KILN_TESTS_ENC_X86_CASE_H
#define KILN_TESTS_ENC_X86_CASE_H

#include "backend-x86/enc.h"
#include "cases.h"

enum opd_kind {
	O_NONE,
	O_REG,
	O_XMM,
	O_MEM,
	O_IMM,
	O_SYM,	  /* an immediate that is a symbol plus imm, */
	O_SYM_SX, /* of 32 bits that are sign-extended */
	O_REL8,	  /* imm is the distance from the end */
	O_REL32,  /* as a symbol plus imm */
};

struct opd {
	enum opd_kind kind;
	enum x86_gpr reg;
	unsigned size; /* bytes; 0: not said (lea) */
	struct x86_mem m;
	i64 imm;
};

struct insn {
	const char *name;  /* Intel's, without prefixes */
	const char *force; /* GNU as: "{disp8} ", or NULL */
	bool lock, notrack;
	unsigned n;
	struct opd o[4];
};

enum { ROOM = 32, FILL = 0xcc };

/* What the encoder under test writes into, and what it reported through
 * x86_mem.fix. */
extern u8 out_buf[ROOM], *out_field;

/* x86_case.c */
void case_add(const u8 *end, const struct insn *want);
void insn_print(char *buf, size_t size, const struct insn *i, size_t len);

/* x86_equal.c: replaces *i by the equal instruction that the encoder must
 * choose for it. True if GNU as has no way to write these bytes. */
bool equal_apply(struct insn *i);
/* Rows that no case used. */
unsigned equal_unused(void);

/* x86_disasm.c */
int disasm_init(void); /* 0 or -1 */
void disasm_fini(void);
/* NULL, or what differs. */
const char *disasm_check(const u8 *bytes, size_t len, const struct insn *want);

#endif
