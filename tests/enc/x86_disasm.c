/*
 * Reads the bytes back with Capstone and compares mnemonic and operands.
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

#include "x86_case.h"

static csh handle;
static cs_insn *out;

/* ---- Operands ---- */

static x86_reg cs_reg(enum x86_gpr r, unsigned size)
{
	// clang-format off
	static const x86_reg regs[4][16] = {
		{X86_REG_AL,   X86_REG_CL,   X86_REG_DL,   X86_REG_BL,
		 X86_REG_SPL,  X86_REG_BPL,  X86_REG_SIL,  X86_REG_DIL,
		 X86_REG_R8B,  X86_REG_R9B,  X86_REG_R10B, X86_REG_R11B,
		 X86_REG_R12B, X86_REG_R13B, X86_REG_R14B, X86_REG_R15B},
		{X86_REG_AX,   X86_REG_CX,   X86_REG_DX,   X86_REG_BX,
		 X86_REG_SP,   X86_REG_BP,   X86_REG_SI,   X86_REG_DI,
		 X86_REG_R8W,  X86_REG_R9W,  X86_REG_R10W, X86_REG_R11W,
		 X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W},
		{X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,
		 X86_REG_ESP,  X86_REG_EBP,  X86_REG_ESI,  X86_REG_EDI,
		 X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
		 X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D},
		{X86_REG_RAX,  X86_REG_RCX,  X86_REG_RDX,  X86_REG_RBX,
		 X86_REG_RSP,  X86_REG_RBP,  X86_REG_RSI,  X86_REG_RDI,
		 X86_REG_R8,   X86_REG_R9,   X86_REG_R10,  X86_REG_R11,
		 X86_REG_R12,  X86_REG_R13,  X86_REG_R14,  X86_REG_R15},
	};
	// clang-format on

	if (r == X86_RIP)
		return X86_REG_RIP;
	if (r == X86_NOREG)
		return X86_REG_INVALID;
	return regs[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3][r];
}

static bool same_imm(i64 a, i64 b, unsigned size)
{
	u64 mask = size == 8 ? ~0ull : (1ull << size * 8) - 1;

	return !(((u64)a ^ (u64)b) & mask);
}

/* Capstone 4 knows no notrack: it reads the prefix as a segment. */
static x86_reg cs_seg(u8 seg)
{
	switch (seg) {
	case X86_SEG_FS: return X86_REG_FS;
	case X86_SEG_GS: return X86_REG_GS;
	case X86_SEG_NOTRACK: return X86_REG_DS;
	default: return X86_REG_INVALID;
	}
}

static bool same_mem(const cs_x86_op *op, const struct opd *o)
{
	const struct x86_mem *m = &o->m;

	if (op->type != X86_OP_MEM || op->mem.segment != cs_seg(m->seg))
		return false;
	if (op->mem.base != cs_reg(m->base, 8) || op->mem.disp != m->disp)
		return false;
	if (o->size && op->size != o->size)
		return false;
	if (!m->scale)
		return op->mem.index == X86_REG_INVALID;
	return op->mem.index == cs_reg(m->index, 8) &&
	       op->mem.scale == m->scale;
}

static bool same_opd(const cs_x86_op *op, const struct opd *o, size_t len)
{
	switch (o->kind) {
	case O_REG:
		return op->type == X86_OP_REG &&
		       op->reg == cs_reg(o->reg, o->size);
	case O_XMM:
		return op->type == X86_OP_REG &&
		       op->reg == X86_REG_XMM0 + o->reg;
	case O_MEM: return same_mem(op, o);
	case O_IMM:
	case O_SYM:
	case O_SYM_SX:
		return op->type == X86_OP_IMM &&
		       same_imm(op->imm, o->imm, o->size);
	case O_REL8:
	case O_REL32:
		return op->type == X86_OP_IMM && op->imm == o->imm + (i64)len;
	case O_NONE: break;
	}
	return false;
}

/* ---- Instructions ---- */

int disasm_init(void)
{
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return -1;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	out = cs_malloc(handle);
	return out ? 0 : -1;
}

void disasm_fini(void)
{
	cs_free(out, 1);
	cs_close(&handle);
}

static bool same_name(const char *got, const struct insn *want)
{
	if (want->lock) {
		if (strncmp(got, "lock ", 5))
			return false;
		got += 5;
	}
	return !strcmp(got, want->name);
}

const char *disasm_check(const u8 *bytes, size_t len, const struct insn *want)
{
	const cs_x86 *x = &out->detail->x86;
	size_t left = len;
	u64 addr = 0;
	static char msg[240];

	if (!cs_disasm_iter(handle, &bytes, &left, &addr, out))
		return "Capstone cannot decode";
	snprintf(msg, sizeof(msg), "Capstone reads %s %s", out->mnemonic,
		out->op_str);
	if (left || !same_name(out->mnemonic, want) || x->op_count != want->n)
		return msg;
	for (unsigned k = 0; k < want->n; k++)
		if (!same_opd(&x->operands[k], &want->o[k], len))
			return msg;
	return NULL;
}
