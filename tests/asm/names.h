/* The words of the notation; the assembler reads them, the printer writes. */
#ifndef TESTS_ASM_NAMES_H
#define TESTS_ASM_NAMES_H

#include "decode.h"

struct asm_op {
	const char *text;
	u8 op;
	u8 off; /* 1: the signed form */
};

/* Longer ones before their own beginnings. */
static const struct asm_op asm_alu_ops[] = {
	{"s>>=", ALU_ARSH, 0},
	{"s/=", ALU_DIV, 1},
	{"s%=", ALU_MOD, 1},
	{"<<=", ALU_LSH, 0},
	{">>=", ALU_RSH, 0},
	{"+=", ALU_ADD, 0},
	{"-=", ALU_SUB, 0},
	{"*=", ALU_MUL, 0},
	{"/=", ALU_DIV, 0},
	{"%=", ALU_MOD, 0},
	{"|=", ALU_OR, 0},
	{"&=", ALU_AND, 0},
	{"^=", ALU_XOR, 0},
};

static const struct asm_op asm_jmp_ops[] = {
	{"s>=", JMP_JSGE, 0},
	{"s<=", JMP_JSLE, 0},
	{"s>", JMP_JSGT, 0},
	{"s<", JMP_JSLT, 0},
	{"==", JMP_JEQ, 0},
	{"!=", JMP_JNE, 0},
	{">=", JMP_JGE, 0},
	{"<=", JMP_JLE, 0},
	{">", JMP_JGT, 0},
	{"<", JMP_JLT, 0},
	{"&", JMP_JSET, 0},
};

struct asm_atomic {
	const char *name; /* behind "atomic_" or "atomic64_" */
	int imm;
};

static const struct asm_atomic asm_fetches[] = {
	{"fetch_add", ATOMIC_ADD | ATOMIC_FETCH},
	{"fetch_or", ATOMIC_OR | ATOMIC_FETCH},
	{"fetch_and", ATOMIC_AND | ATOMIC_FETCH},
	{"fetch_xor", ATOMIC_XOR | ATOMIC_FETCH},
	{"xchg", ATOMIC_XCHG},
};

static const struct asm_atomic asm_locks[] = {
	{"+=", ATOMIC_ADD},
	{"|=", ATOMIC_OR},
	{"&=", ATOMIC_AND},
	{"^=", ATOMIC_XOR},
};

/* By SIZE_*. */
static const char *const asm_sizes[] = {"32", "16", "8", "64"};

#endif
