/*
 * Which instructions exist, and which of their fields must be zero. An
 * instruction that passes here has a meaning in interp.c.
 */
#include "decode.h"

static const char reserved[] = "a reserved field is not zero";
static const char unknown[] = "unknown instruction";

/* Of imm and src the one that the operand kind does not use is zero. */
static bool operand_ok(struct insn i)
{
	return insn_is_reg(i) ? !i.imm : !i.src;
}

static const char *check_end(struct insn i)
{
	if (insn_class(i) == CLS_ALU64 && insn_is_reg(i))
		return unknown;
	if (i.imm != 16 && i.imm != 32 && i.imm != 64)
		return "a byte swap of neither 16, 32 nor 64 bits";
	return i.src || i.off ? reserved : NULL;
}

static const char *check_mov(struct insn i)
{
	bool wide = insn_class(i) == CLS_ALU64;

	if (!operand_ok(i))
		return reserved;
	if (!i.off || (insn_is_reg(i) && (i.off == 8 || i.off == 16)))
		return NULL;
	return insn_is_reg(i) && i.off == 32 && wide ? NULL : "unknown move";
}

static const char *check_alu(struct insn i)
{
	switch (insn_op(i)) {
	case ALU_END: return check_end(i);
	case ALU_MOV: return check_mov(i);
	case ALU_NEG:
		if (insn_is_reg(i))
			return unknown;
		return i.src || i.off || i.imm ? reserved : NULL;
	case ALU_DIV:
	case ALU_MOD:
		return !operand_ok(i) || (i.off && i.off != 1) ? reserved
							       : NULL;
	default:
		if (insn_op(i) > ALU_END)
			return unknown;
		return !operand_ok(i) || i.off ? reserved : NULL;
	}
}

static const char *check_call(struct insn i)
{
	if (insn_is_reg(i)) /* callx: the register is in dst */
		return i.src || i.off || i.imm ? reserved : NULL;
	if (i.src > CALL_LOCAL)
		return "unknown kind of call";
	return i.dst || i.off ? reserved : NULL;
}

static const char *check_jmp(struct insn i)
{
	bool narrow = insn_class(i) == CLS_JMP32;

	switch (insn_op(i)) {
	case JMP_JA:
		if (insn_is_reg(i))
			return unknown;
		return i.dst || i.src || (narrow ? i.off : i.imm) ? reserved
								  : NULL;
	case JMP_CALL: return narrow ? unknown : check_call(i);
	case JMP_EXIT:
		if (narrow || insn_is_reg(i))
			return unknown;
		return i.dst || i.src || i.off || i.imm ? reserved : NULL;
	case JMP_MAY_GOTO:
		if (narrow || insn_is_reg(i))
			return unknown;
		return i.dst || i.src || i.imm ? reserved : NULL;
	default:
		if (insn_op(i) > JMP_MAY_GOTO)
			return unknown;
		return operand_ok(i) ? NULL : reserved;
	}
}

static const char *check_ld(struct insn i)
{
	if (insn_is_lddw(i))
		return i.off || i.src > LDDW_LAST ? reserved : NULL;
	if (insn_size(i) == SIZE_DW)
		return unknown;
	switch (insn_mode(i)) {
	case MODE_ABS: return i.dst || i.src || i.off ? reserved : NULL;
	case MODE_IND: return i.dst || i.off ? reserved : NULL;
	default: return unknown;
	}
}

static const char *check_ldx(struct insn i)
{
	if (insn_mode(i) == MODE_MEMSX && insn_size(i) != SIZE_DW)
		return i.imm ? reserved : NULL;
	if (insn_mode(i) != MODE_MEM)
		return unknown;
	return i.imm ? reserved : NULL;
}

static const char *check_atomic(struct insn i)
{
	switch (i.imm) {
	case ATOMIC_LOAD_ACQ:
	case ATOMIC_STORE_REL: return NULL;
	case ATOMIC_ADD:
	case ATOMIC_ADD | ATOMIC_FETCH:
	case ATOMIC_OR:
	case ATOMIC_OR | ATOMIC_FETCH:
	case ATOMIC_AND:
	case ATOMIC_AND | ATOMIC_FETCH:
	case ATOMIC_XOR:
	case ATOMIC_XOR | ATOMIC_FETCH:
	case ATOMIC_XCHG:
	case ATOMIC_CMPXCHG:
		if (insn_size(i) == SIZE_W || insn_size(i) == SIZE_DW)
			return NULL;
		return "an atomic operation on 8 or 16 bits";
	default: return "unknown atomic operation";
	}
}

static const char *check_st(struct insn i)
{
	if (insn_class(i) == CLS_STX && insn_mode(i) == MODE_ATOMIC)
		return check_atomic(i);
	if (insn_mode(i) != MODE_MEM)
		return unknown;
	if (insn_class(i) == CLS_STX)
		return i.imm ? reserved : NULL;
	return i.src ? reserved : NULL;
}

/* r10 is the frame pointer and read-only (section 2.2). */
static bool writes_r10(struct insn i)
{
	switch (insn_class(i)) {
	case CLS_ALU:
	case CLS_ALU64:
	case CLS_LDX: return i.dst == R10;
	case CLS_LD: return insn_is_lddw(i) && i.dst == R10;
	case CLS_STX:
		if (insn_mode(i) != MODE_ATOMIC)
			return false;
		if (i.imm == ATOMIC_LOAD_ACQ)
			return i.dst == R10;
		return (i.imm & ATOMIC_FETCH) && i.imm != ATOMIC_CMPXCHG &&
		       i.src == R10;
	default: return false;
	}
}

static const char *check_class(struct insn i)
{
	switch (insn_class(i)) {
	case CLS_LD: return check_ld(i);
	case CLS_LDX: return check_ldx(i);
	case CLS_ST:
	case CLS_STX: return check_st(i);
	case CLS_JMP:
	case CLS_JMP32: return check_jmp(i);
	default: return check_alu(i);
	}
}

const char *insn_check(struct insn i)
{
	const char *wrong;

	if (i.dst > R10 || i.src > R10)
		return "no such register";
	wrong = check_class(i);
	if (!wrong && writes_r10(i))
		wrong = "writes r10";
	return wrong;
}
