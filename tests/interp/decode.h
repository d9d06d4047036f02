/*
 * The interpreter's own view of an instruction (RFC 9669 section 3) and the
 * rules that say whether it is one.
 */
#ifndef TESTS_INTERP_DECODE_H
#define TESTS_INTERP_DECODE_H

#include "kiln/bytes.h"

// clang-format off
/* RFC 9669 section 3.1: the low three bits of the opcode. */
enum { CLS_LD, CLS_LDX, CLS_ST, CLS_STX, CLS_ALU, CLS_JMP, CLS_JMP32, CLS_ALU64 };

/* Section 4.1: the high four bits of an arithmetic opcode. */
enum {
	ALU_ADD, ALU_SUB, ALU_MUL, ALU_DIV, ALU_OR, ALU_AND, ALU_LSH, ALU_RSH,
	ALU_NEG, ALU_MOD, ALU_XOR, ALU_MOV, ALU_ARSH, ALU_END,
};

/* Section 4.3: the high four bits of a jump opcode. 14 is Linux's may_goto. */
enum {
	JMP_JA, JMP_JEQ, JMP_JGT, JMP_JGE, JMP_JSET, JMP_JNE, JMP_JSGT, JMP_JSGE,
	JMP_CALL, JMP_EXIT, JMP_JLT, JMP_JLE, JMP_JSLT, JMP_JSLE, JMP_MAY_GOTO,
};

/* Section 5: the high three bits of a load or store opcode, and the size. */
enum { MODE_IMM, MODE_ABS, MODE_IND, MODE_MEM, MODE_MEMSX, MODE_ATOMIC = 6 };
enum { SIZE_W, SIZE_H, SIZE_B, SIZE_DW };
// clang-format on

/* Section 5.3, and Linux's acquire and release. */
enum {
	ATOMIC_FETCH = 0x01,
	ATOMIC_ADD = 0x00,
	ATOMIC_OR = 0x40,
	ATOMIC_AND = 0x50,
	ATOMIC_XOR = 0xa0,
	ATOMIC_XCHG = 0xe1,
	ATOMIC_CMPXCHG = 0xf1,
	ATOMIC_LOAD_ACQ = 0x100,
	ATOMIC_STORE_REL = 0x110,
};

enum { CALL_HELPER, CALL_LOCAL, CALL_BTF };
enum { LDDW_IMM = 0, LDDW_FUNC = 4, LDDW_LAST = 6 };

enum { R0, R10 = 10 };

struct insn {
	u8 code;
	u8 dst;
	u8 src;
	i16 off;
	i32 imm;
};

static inline struct insn insn_decode(const u8 *p)
{
	return (struct insn){
		.code = p[0],
		.dst = p[1] & 15,
		.src = p[1] >> 4,
		.off = (i16)get_le16(p + 2),
		.imm = (i32)get_le32(p + 4),
	};
}

static inline void put_insn(u8 *p, struct insn i)
{
	p[0] = i.code;
	p[1] = (u8)(i.src << 4 | i.dst);
	put_le16(p + 2, (u16)i.off);
	put_le32(p + 4, (u32)i.imm);
}

static inline int insn_class(struct insn i)
{
	return i.code & 7;
}

/* The operation of an arithmetic or jump instruction. */
static inline int insn_op(struct insn i)
{
	return i.code >> 4;
}

/* The second operand is a register, not the immediate. */
static inline bool insn_is_reg(struct insn i)
{
	return i.code & 8;
}

static inline int insn_mode(struct insn i)
{
	return i.code >> 5;
}

static inline int insn_size(struct insn i)
{
	return i.code >> 3 & 3;
}

static inline bool insn_is_lddw(struct insn i)
{
	return i.code == (MODE_IMM << 5 | SIZE_DW << 3 | CLS_LD);
}

/* NULL, or what is wrong with the instruction by itself. */
const char *insn_check(struct insn i);

#endif
