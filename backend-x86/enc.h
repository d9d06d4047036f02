/*
 * x86-64 instruction encoders. Pure and freestanding: code generation and the
 * runtime's patching share them.
 *
 * An encoder appends one instruction at p, which has room for 16 bytes, and
 * returns the end. It takes the shortest form that does the same (imm8, disp8,
 * no REX, accumulator forms, swapped base and index); flags come out as the
 * instruction named says, except AF.
 *
 * Names: x86_<mnemonic>_<operands>, destination first:
 *   r register   m memory   i immediate   cl count in CL
 * Sizes are operand sizes in bytes; SIZE_1 to SIZE_8 are 1 2 4 8. Where no
 * size is given it is what the comment says, else 8. A SIZE_4 result clears
 * the upper half of its register, SIZE_1 and SIZE_2 results keep the rest.
 * Immediates are sign-extended from i32; SIZE_1 and SIZE_2 cut them.
 *
 * Relocations. A displacement: set x86_mem.fix, which forces 32 bits and
 * receives the field's address; x86_pcrel_addend() then makes the addend,
 * whatever immediate follows. Other fields that can be relocated are the last
 * bytes of their instruction (end - 4, movabs: end - 8): the functions whose
 * names end in rel32, i32 or abs never shorten them.
 *
 * Numbers and tables: Intel SDM volume 2, chapters 2 (formats) and 3 to 5.
 */
#ifndef KILN_BACKEND_X86_ENC_H
#define KILN_BACKEND_X86_ENC_H

#include "kiln/bytes.h"

/* ---- Operands ---- */

// clang-format off
enum x86_gpr {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8,  X86_R9,  X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_RIP = 0xfe,	  /* as a base: disp counts from the next insn */
	X86_NOREG = 0xff, /* as a base: none */
};

enum x86_size {
	X86_SIZE_1 = 1,
	X86_SIZE_2 = 2,
	X86_SIZE_4 = 4,
	X86_SIZE_8 = 8,
};

/* Condition codes, in the order of the hardware; cc ^ 1 is the inverse. */
enum x86_cc {
	X86_CC_O, X86_CC_NO, X86_CC_B,  X86_CC_AE,
	X86_CC_E, X86_CC_NE, X86_CC_BE, X86_CC_A,
	X86_CC_S, X86_CC_NS, X86_CC_P,  X86_CC_NP,
	X86_CC_L, X86_CC_GE, X86_CC_LE, X86_CC_G,
};

enum x86_alu {
	X86_ALU_ADD, X86_ALU_OR,  X86_ALU_ADC, X86_ALU_SBB,
	X86_ALU_AND, X86_ALU_SUB, X86_ALU_XOR, X86_ALU_CMP,
};

enum x86_shift {
	X86_SH_ROL, X86_SH_ROR, X86_SH_RCL, X86_SH_RCR,
	X86_SH_SHL, X86_SH_SHR, X86_SH_SAR = 7,
};
// clang-format on

/* One operand; mul to idiv: RDX:RAX (SIZE_1: AX) is the other. */
enum x86_un {
	X86_UN_NOT = 2,
	X86_UN_NEG,
	X86_UN_MUL,
	X86_UN_IMUL,
	X86_UN_DIV,
	X86_UN_IDIV,
	X86_UN_INC = 0x10, /* leave CF alone */
	X86_UN_DEC,
};

enum x86_bit { X86_BIT_BT = 4, X86_BIT_BTS, X86_BIT_BTR, X86_BIT_BTC };

/* [base + index * scale + disp] */
struct x86_mem {
	u8 base;  /* enum x86_gpr */
	u8 index; /* any register but RSP; counts only if scale is set */
	u8 scale; /* 1, 2, 4, 8; 0: no index */
	u8 seg;	  /* 0 or one of enum x86_seg */
	i32 disp;
	u8 **fix; /* not NULL: disp takes 32 bits, its address goes here */
};

enum x86_seg {
	X86_SEG_FS = 0x64,
	X86_SEG_GS = 0x65,
	X86_SEG_NOTRACK = 0x3e, /* before jmp and call: needs no endbr64 */
};

static inline struct x86_mem x86_at(enum x86_gpr base, i32 disp)
{
	return (struct x86_mem){.base = (u8)base, .disp = disp};
}

static inline struct x86_mem x86_at_index(
	enum x86_gpr base, enum x86_gpr index, unsigned scale, i32 disp)
{
	return (struct x86_mem){.base = (u8)base,
		.index = (u8)index,
		.scale = (u8)scale,
		.disp = disp};
}

/* A symbol's place: *fix gets the address of the field to relocate. */
static inline struct x86_mem x86_at_sym(u8 **fix)
{
	return (struct x86_mem){.base = X86_RIP, .fix = fix};
}

/* The addend of a PC-relative relocation at `field` in an instruction that
 * ends at `end`: the CPU counts from the end, S + A - P from the field. */
static inline i64 x86_pcrel_addend(const u8 *field, const u8 *end, i64 addend)
{
	return addend - (end - field);
}

/* What a rel32 that ends at address `end` holds; false: out of reach. */
static inline bool x86_rel32_to(u64 end, u64 target, i32 *rel)
{
	i64 d = (i64)(target - end);

	*rel = (i32)d;
	return fits_i32(d);
}

/* ---- The one place where bytes are laid out ----
 *
 *  segment  66  F0/F2/F3  REX  0F  38/3A  opcode  ModRM  SIB  disp  imm
 *  put_mem  \____________ put_head ____________/  \__ put_addr __/  put_imm
 */

struct x86_ins {
	u32 op;	 /* opcode bytes, last one lowest; bits 31..24: F0, F2, F3 */
	u8 size; /* 2 adds 66, 8 adds REX.W */
	u8 reg;	 /* ModRM.reg: a register or an opcode extension */
	u8 rex;	 /* 0x40 if a REX prefix must be there, else 0 */
};

#define X86_LOCK 0xf0000000u

/* We are wrong, not the input: wrong code must not leave. */
static inline void x86_must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static inline u8 *x86_put_u8(u8 *p, unsigned v)
{
	*p = (u8)v;
	return p + 1;
}

static inline u8 *x86_put_i32(u8 *p, i32 v)
{
	put_le32(p, (u32)v);
	return p + 4;
}

static inline u8 *x86_put_i64(u8 *p, i64 v)
{
	put_le64(p, (u64)v);
	return p + 8;
}

/* The immediate of an operation of this size. */
static inline u8 *x86_put_imm(u8 *p, enum x86_size size, i32 v)
{
	if (size == X86_SIZE_1)
		return x86_put_u8(p, (u8)v);
	if (size == X86_SIZE_2) {
		put_le16(p, (u16)v);
		return p + 2;
	}
	return x86_put_i32(p, v);
}

/* xb: the REX bits that index and base or ModRM.rm need. */
static inline u8 *x86_put_head(u8 *p, struct x86_ins i, unsigned xb)
{
	unsigned rex = i.rex | xb;

	if (i.size == X86_SIZE_8)
		rex |= 0x48;
	if (i.reg & 8)
		rex |= 0x44;
	if (i.size == X86_SIZE_2)
		*p++ = 0x66;
	if (i.op >> 24)
		*p++ = (u8)(i.op >> 24);
	if (rex)
		*p++ = (u8)rex;
	if (i.op & 0xff0000)
		*p++ = (u8)(i.op >> 16);
	if (i.op & 0xff00)
		*p++ = (u8)(i.op >> 8);
	return x86_put_u8(p, i.op & 0xff);
}

static inline bool x86_is_mem(struct x86_mem m)
{
	bool base = m.base < 16 || m.base == X86_NOREG;

	if (!m.scale)
		return base || m.base == X86_RIP;
	return base && m.index < 16 && m.index != X86_RSP && m.scale <= 8 &&
	       !(m.scale & (m.scale - 1));
}

/* Without a displacement RBP and R13 as a base take a disp8 of 0. */
static inline bool x86_base_costs(unsigned base)
{
	return (base & 7) == X86_RBP;
}

/* Shortest equal form: an index of scale 1 or 2 may serve as the base; of two
 * registers that are only added either may be the base. (An address that is
 * not canonical faults with #SS instead of #GP if RSP or RBP is the base.) */
static inline struct x86_mem x86_mem_shortest(struct x86_mem m)
{
	if (m.base == X86_NOREG && (m.scale == 1 || m.scale == 2)) {
		m.base = m.index;
		m.scale--;
	}
	if (m.scale == 1 && m.base < 16 &&
		(m.index == X86_RSP ||
			(!m.disp && !m.fix && x86_base_costs(m.base) &&
				!x86_base_costs(m.index)))) {
		u8 base = m.base;

		m.base = m.index;
		m.index = base;
	}
	x86_must(x86_is_mem(m));
	return m;
}

/* Bytes of displacement. */
static inline unsigned x86_disp_size(struct x86_mem m)
{
	if (m.base >= 16 || m.fix)
		return 4;
	if (!m.disp && !x86_base_costs(m.base))
		return 0;
	return fits_i8(m.disp) ? 1 : 4;
}

/* ModRM, SIB, displacement. */
static inline u8 *x86_put_addr(u8 *p, unsigned reg, struct x86_mem m)
{
	unsigned disp = x86_disp_size(m), mod = 0, rm = 5;
	unsigned base = m.base & 7u, index = X86_RSP, scale = 0;

	if (m.base < 16) {
		mod = disp == 4 ? 0x80 : disp << 6;
		rm = base;
	}
	if (m.scale) {
		index = m.index & 7u;
		scale = (m.scale >> 1u) - (m.scale >> 3u);
	}
	if (m.base == X86_NOREG) /* rm 5 without SIB means RIP */
		base = X86_RBP;
	if (m.scale || rm == X86_RSP || m.base == X86_NOREG) {
		p = x86_put_u8(p, mod | (reg & 7) << 3 | X86_RSP);
		p = x86_put_u8(p, scale << 6 | index << 3 | base);
	} else {
		p = x86_put_u8(p, mod | (reg & 7) << 3 | rm);
	}
	if (m.fix)
		*m.fix = p;
	if (disp == 1)
		return x86_put_u8(p, (u8)m.disp);
	return disp ? x86_put_i32(p, m.disp) : p;
}

static inline unsigned x86_rex_mem(struct x86_mem m)
{
	unsigned xb = 0;

	if (m.base < 16 && m.base & 8)
		xb |= 0x41;
	if (m.scale && m.index & 8)
		xb |= 0x42;
	return xb;
}

/* An instruction with a memory operand. */
static inline u8 *x86_put_mem(u8 *p, struct x86_ins i, struct x86_mem m)
{
	m = x86_mem_shortest(m);
	if (m.seg)
		*p++ = m.seg;
	p = x86_put_head(p, i, x86_rex_mem(m));
	return x86_put_addr(p, i.reg, m);
}

/* An instruction with register rm in the place of memory. */
static inline u8 *x86_put_reg(u8 *p, struct x86_ins i, enum x86_gpr rm)
{
	p = x86_put_head(p, i, rm & 8 ? 0x41 : 0);
	return x86_put_u8(p, 0xc0 | (i.reg & 7u) << 3 | (rm & 7u));
}

/* An instruction with the register in the low bits of its opcode. */
static inline u8 *x86_put_low(u8 *p, struct x86_ins i, enum x86_gpr r)
{
	i.op |= r & 7u;
	return x86_put_head(p, i, r & 8 ? 0x41 : 0);
}

/* SPL, BPL, SIL and DIL are AH, CH, DH and BH without a REX prefix. */
static inline u8 x86_rex_byte(enum x86_size size, enum x86_gpr r)
{
	return size == X86_SIZE_1 && r >= X86_RSP ? 0x40 : 0;
}

/* op with reg, an opcode extension or a register of another size. */
static inline struct x86_ins x86_ext(u32 op, enum x86_size size, unsigned reg)
{
	return (struct x86_ins){.op = op, .size = (u8)size, .reg = (u8)reg};
}

/* As x86_ext() for an op whose low bit is 0 for bytes, 1 for the rest. */
static inline struct x86_ins x86_ext_w(u32 op, enum x86_size size, unsigned reg)
{
	return x86_ext(op | (size != X86_SIZE_1), size, reg);
}

/* As x86_ext_w(), reg being a register of the operand size. */
static inline struct x86_ins x86_ins_w(
	u32 op, enum x86_size size, enum x86_gpr reg)
{
	struct x86_ins i = x86_ext_w(op, size, reg);

	i.rex = x86_rex_byte(size, reg);
	return i;
}

/* Two registers of the operand size. */
static inline u8 *x86_put_rr(
	u8 *p, struct x86_ins i, enum x86_size size, enum x86_gpr rm)
{
	i.rex |= x86_rex_byte(size, rm);
	return x86_put_reg(p, i, rm);
}

/* VEX, three bytes: the maps 0F38 and 0F3A know no shorter form. */
struct x86_vex {
	u8 map; /* 2: 0F38, 3: 0F3A */
	u8 pp;	/* 0: none, 1: 66, 2: F3, 3: F2 */
	u8 op;
	u8 size; /* 8: W */
	u8 reg, vreg;
};

static inline u8 *x86_put_vex(u8 *p, struct x86_vex v, unsigned xb)
{
	unsigned w = v.size == X86_SIZE_8 ? 0x80 : 0;
	unsigned rxb = xb | (v.reg & 8 ? 4 : 0);

	*p++ = 0xc4;
	p = x86_put_u8(p, (~rxb & 7) << 5 | v.map);
	p = x86_put_u8(p, w | (v.vreg ^ 15u) << 3 | v.pp);
	return x86_put_u8(p, v.op);
}

static inline u8 *x86_put_vex_reg(u8 *p, struct x86_vex v, enum x86_gpr rm)
{
	p = x86_put_vex(p, v, rm & 8 ? 1 : 0);
	return x86_put_u8(p, 0xc0 | (v.reg & 7u) << 3 | (rm & 7u));
}

static inline u8 *x86_put_vex_mem(u8 *p, struct x86_vex v, struct x86_mem m)
{
	m = x86_mem_shortest(m);
	if (m.seg)
		*p++ = m.seg;
	p = x86_put_vex(p, v, x86_rex_mem(m) & 3);
	return x86_put_addr(p, v.reg, m);
}

/* ---- Moves ---- */

/* SIZE_4 clears the upper half, with dst == src too. */
static inline u8 *x86_mov_rr(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_rr(p, x86_ins_w(0x88, size, src), size, dst);
}

static inline u8 *x86_mov_rm(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ins_w(0x8a, size, dst), m);
}

static inline u8 *x86_mov_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr src)
{
	return x86_put_mem(p, x86_ins_w(0x88, size, src), m);
}

static inline u8 *x86_mov_mi(
	u8 *p, enum x86_size size, struct x86_mem m, i32 imm)
{
	p = x86_put_mem(p, x86_ext_w(0xc6, size, 0), m);
	return x86_put_imm(p, size, imm);
}

/* mov r32, imm32: zero-extends. Relocation: end - 4. */
static inline u8 *x86_mov_r_u32(u8 *p, enum x86_gpr dst, u32 imm)
{
	p = x86_put_low(p, x86_ext(0xb8, X86_SIZE_4, 0), dst);
	return x86_put_i32(p, (i32)imm);
}

/* mov r64, imm32: sign-extends. Relocation: end - 4. */
static inline u8 *x86_mov_r_i32(u8 *p, enum x86_gpr dst, i32 imm)
{
	p = x86_put_reg(p, x86_ext(0xc7, X86_SIZE_8, 0), dst);
	return x86_put_i32(p, imm);
}

/* movabs r64, imm64. Relocation: end - 8. */
static inline u8 *x86_mov_r_abs(u8 *p, enum x86_gpr dst, i64 imm)
{
	p = x86_put_low(p, x86_ext(0xb8, X86_SIZE_8, 0), dst);
	return x86_put_i64(p, imm);
}

/* Any 64-bit constant, shortest of the three above. Leaves the flags alone. */
static inline u8 *x86_mov_ri(u8 *p, enum x86_gpr dst, i64 imm)
{
	if (fits_u32(imm))
		return x86_mov_r_u32(p, dst, (u32)imm);
	if (fits_i32(imm))
		return x86_mov_r_i32(p, dst, (i32)imm);
	return x86_mov_r_abs(p, dst, imm);
}

/* Zero-extends from 1, 2 or 4 bytes to all 64 bits. */
static inline u8 *x86_movzx_rr(
	u8 *p, enum x86_size from, enum x86_gpr dst, enum x86_gpr src)
{
	struct x86_ins i = x86_ext_w(0x0fb6, from, dst);

	if (from >= X86_SIZE_4)
		return x86_mov_rr(p, from, dst, src);
	i.size = X86_SIZE_4;
	return x86_put_rr(p, i, from, src);
}

static inline u8 *x86_movzx_rm(
	u8 *p, enum x86_size from, enum x86_gpr dst, struct x86_mem m)
{
	struct x86_ins i = x86_ext_w(0x0fb6, from, dst);

	if (from >= X86_SIZE_4)
		return x86_mov_rm(p, from, dst, m);
	i.size = X86_SIZE_4;
	return x86_put_mem(p, i, m);
}

/* movsx, movsxd: from 1, 2 or 4 bytes to 4 or 8, from < to. */
static inline struct x86_ins x86_movsx(
	enum x86_size to, enum x86_size from, enum x86_gpr dst)
{
	if (from == X86_SIZE_4)
		return x86_ext(0x63, to, dst);
	return x86_ext(from == X86_SIZE_1 ? 0x0fbe : 0x0fbf, to, dst);
}

static inline u8 *x86_movsx_rr(u8 *p, enum x86_size to, enum x86_size from,
	enum x86_gpr dst, enum x86_gpr src)
{
	/* cwde, cdqe */
	if (dst == X86_RAX && src == X86_RAX && to == 2 * from)
		return x86_put_head(p, x86_ext(0x98, to, 0), 0);
	return x86_put_rr(p, x86_movsx(to, from, dst), from, src);
}

static inline u8 *x86_movsx_rm(u8 *p, enum x86_size to, enum x86_size from,
	enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_movsx(to, from, dst), m);
}

/* Sizes 4 and 8; SIZE_4 cuts the sum. */
static inline u8 *x86_lea(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x8d, size, dst), m);
}

static inline u8 *x86_cmov_rr(u8 *p, enum x86_cc cc, enum x86_size size,
	enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_reg(p, x86_ext(0x0f40u | cc, size, dst), src);
}

static inline u8 *x86_cmov_rm(u8 *p, enum x86_cc cc, enum x86_size size,
	enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x0f40u | cc, size, dst), m);
}

/* One byte, 0 or 1. */
static inline u8 *x86_set_r(u8 *p, enum x86_cc cc, enum x86_gpr dst)
{
	struct x86_ins i = x86_ext(0x0f90u | cc, X86_SIZE_1, 0);

	return x86_put_rr(p, i, X86_SIZE_1, dst);
}

static inline u8 *x86_set_m(u8 *p, enum x86_cc cc, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x0f90u | cc, X86_SIZE_1, 0), m);
}

static inline u8 *x86_xchg_rr(
	u8 *p, enum x86_size size, enum x86_gpr a, enum x86_gpr b)
{
	/* 90 alone is nop: would not clear the upper half */
	bool nop = size == X86_SIZE_4 && a == b;
	struct x86_ins low = x86_ext(0x90, size, 0);

	if (size != X86_SIZE_1 && a == X86_RAX && !nop)
		return x86_put_low(p, low, b);
	if (size != X86_SIZE_1 && b == X86_RAX && !nop)
		return x86_put_low(p, low, a);
	return x86_put_rr(p, x86_ins_w(0x86, size, b), size, a);
}

/* Atomic and a full fence without a prefix. */
static inline u8 *x86_xchg_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr r)
{
	return x86_put_mem(p, x86_ins_w(0x86, size, r), m);
}

static inline u8 *x86_push_r(u8 *p, enum x86_gpr r)
{
	return x86_put_low(p, x86_ext(0x50, X86_SIZE_4, 0), r);
}

static inline u8 *x86_push_m(u8 *p, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0xff, X86_SIZE_4, 6), m);
}

static inline u8 *x86_push_i(u8 *p, i32 imm)
{
	if (fits_i8(imm))
		return x86_put_u8(x86_put_u8(p, 0x6a), (u8)imm);
	return x86_put_i32(x86_put_u8(p, 0x68), imm);
}

static inline u8 *x86_pop_r(u8 *p, enum x86_gpr r)
{
	return x86_put_low(p, x86_ext(0x58, X86_SIZE_4, 0), r);
}

static inline u8 *x86_pop_m(u8 *p, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x8f, X86_SIZE_4, 0), m);
}

/* ---- Arithmetic and logic ---- */

static inline u8 *x86_alu_rr(u8 *p, enum x86_alu op, enum x86_size size,
	enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_rr(p, x86_ins_w(op * 8u, size, src), size, dst);
}

static inline u8 *x86_alu_rm(u8 *p, enum x86_alu op, enum x86_size size,
	enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ins_w(op * 8u + 2, size, dst), m);
}

static inline u8 *x86_alu_mr(u8 *p, enum x86_alu op, enum x86_size size,
	struct x86_mem m, enum x86_gpr src)
{
	return x86_put_mem(p, x86_ins_w(op * 8u, size, src), m);
}

/* True if one sign-extended byte makes the immediate of this size. */
static inline bool x86_imm_short(enum x86_size size, i32 imm)
{
	return fits_i8(size == X86_SIZE_2 ? (i16)imm : imm);
}

/* Sizes 4 and 8, always imm32. Relocation: end - 4. */
static inline u8 *x86_alu_r_i32(
	u8 *p, enum x86_alu op, enum x86_size size, enum x86_gpr dst, i32 imm)
{
	if (dst == X86_RAX)
		p = x86_put_head(p, x86_ext(op * 8u + 5, size, 0), 0);
	else
		p = x86_put_reg(p, x86_ext(0x81, size, op), dst);
	return x86_put_i32(p, imm);
}

static inline u8 *x86_alu_ri(
	u8 *p, enum x86_alu op, enum x86_size size, enum x86_gpr dst, i32 imm)
{
	struct x86_ins i = x86_ext_w(0x80, size, op);

	/* The upper half becomes 0 either way. */
	if (op == X86_ALU_AND && size == X86_SIZE_8 && imm >= 0)
		i.size = size = X86_SIZE_4;
	if (size != X86_SIZE_1 && x86_imm_short(size, imm)) {
		i.op = 0x83;
		return x86_put_u8(x86_put_reg(p, i, dst), (u8)imm);
	}
	if (dst == X86_RAX)
		p = x86_put_head(p, x86_ext_w(op * 8u + 4, size, 0), 0);
	else
		p = x86_put_rr(p, i, size, dst);
	return x86_put_imm(p, size, imm);
}

static inline u8 *x86_alu_mi(
	u8 *p, enum x86_alu op, enum x86_size size, struct x86_mem m, i32 imm)
{
	struct x86_ins i = x86_ext_w(0x80, size, op);

	if (size != X86_SIZE_1 && x86_imm_short(size, imm)) {
		i.op = 0x83;
		return x86_put_u8(x86_put_mem(p, i, m), (u8)imm);
	}
	return x86_put_imm(x86_put_mem(p, i, m), size, imm);
}

static inline u8 *x86_test_rr(
	u8 *p, enum x86_size size, enum x86_gpr a, enum x86_gpr b)
{
	return x86_put_rr(p, x86_ins_w(0x84, size, b), size, a);
}

static inline u8 *x86_test_ri(
	u8 *p, enum x86_size size, enum x86_gpr r, i32 imm)
{
	/* An imm without sign leaves no sign in the result: as wide as it. */
	if (size == X86_SIZE_2)
		imm = (i16)imm;
	if (imm >= 0 && imm <= INT8_MAX)
		size = X86_SIZE_1;
	else if (imm >= 0 && size == X86_SIZE_8)
		size = X86_SIZE_4;
	if (r == X86_RAX)
		p = x86_put_head(p, x86_ext_w(0xa8, size, 0), 0);
	else
		p = x86_put_rr(p, x86_ext_w(0xf6, size, 0), size, r);
	return x86_put_imm(p, size, imm);
}

static inline u8 *x86_test_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr r)
{
	return x86_put_mem(p, x86_ins_w(0x84, size, r), m);
}

static inline u8 *x86_test_mi(
	u8 *p, enum x86_size size, struct x86_mem m, i32 imm)
{
	p = x86_put_mem(p, x86_ext_w(0xf6, size, 0), m);
	return x86_put_imm(p, size, imm);
}

static inline struct x86_ins x86_un(enum x86_un op, enum x86_size size)
{
	return x86_ext_w(op & X86_UN_INC ? 0xfe : 0xf6, size, op & 7u);
}

static inline u8 *x86_un_r(
	u8 *p, enum x86_un op, enum x86_size size, enum x86_gpr r)
{
	return x86_put_rr(p, x86_un(op, size), size, r);
}

static inline u8 *x86_un_m(
	u8 *p, enum x86_un op, enum x86_size size, struct x86_mem m)
{
	return x86_put_mem(p, x86_un(op, size), m);
}

/* dst *= src. Sizes 2, 4, 8, as for all imul with two or three operands. */
static inline u8 *x86_imul_rr(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_reg(p, x86_ext(0x0faf, size, dst), src);
}

static inline u8 *x86_imul_rm(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x0faf, size, dst), m);
}

/* dst = src * imm. */
static inline u8 *x86_imul_rri(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src, i32 imm)
{
	if (x86_imm_short(size, imm)) {
		p = x86_put_reg(p, x86_ext(0x6b, size, dst), src);
		return x86_put_u8(p, (u8)imm);
	}
	p = x86_put_reg(p, x86_ext(0x69, size, dst), src);
	return x86_put_imm(p, size, imm);
}

static inline u8 *x86_imul_rmi(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m, i32 imm)
{
	if (x86_imm_short(size, imm)) {
		p = x86_put_mem(p, x86_ext(0x6b, size, dst), m);
		return x86_put_u8(p, (u8)imm);
	}
	p = x86_put_mem(p, x86_ext(0x69, size, dst), m);
	return x86_put_imm(p, size, imm);
}

/* cwd, cdq, cqo: the sign of RAX fills RDX. */
static inline u8 *x86_cqo(u8 *p, enum x86_size size)
{
	return x86_put_head(p, x86_ext(0x99, size, 0), 0);
}

/* ---- Shifts and bits ---- */

/* The CPU takes count and CL modulo 32, for SIZE_8 modulo 64. */
static inline u8 *x86_shift_ri(
	u8 *p, enum x86_shift op, enum x86_size size, enum x86_gpr r, u8 count)
{
	if (count == 1)
		return x86_put_rr(p, x86_ext_w(0xd0, size, op), size, r);
	p = x86_put_rr(p, x86_ext_w(0xc0, size, op), size, r);
	return x86_put_u8(p, count);
}

static inline u8 *x86_shift_mi(u8 *p, enum x86_shift op, enum x86_size size,
	struct x86_mem m, u8 count)
{
	if (count == 1)
		return x86_put_mem(p, x86_ext_w(0xd0, size, op), m);
	p = x86_put_mem(p, x86_ext_w(0xc0, size, op), m);
	return x86_put_u8(p, count);
}

static inline u8 *x86_shift_r_cl(
	u8 *p, enum x86_shift op, enum x86_size size, enum x86_gpr r)
{
	return x86_put_rr(p, x86_ext_w(0xd2, size, op), size, r);
}

static inline u8 *x86_shift_m_cl(
	u8 *p, enum x86_shift op, enum x86_size size, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext_w(0xd2, size, op), m);
}

/* shld: dst goes up and is filled from the top of src. */
static inline u8 *x86_shld_rri(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src, u8 count)
{
	p = x86_put_reg(p, x86_ext(0x0fa4, size, src), dst);
	return x86_put_u8(p, count);
}

static inline u8 *x86_shld_rr_cl(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_reg(p, x86_ext(0x0fa5, size, src), dst);
}

/* shrd: dst goes down and is filled from the bottom of src. */
static inline u8 *x86_shrd_rri(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src, u8 count)
{
	p = x86_put_reg(p, x86_ext(0x0fac, size, src), dst);
	return x86_put_u8(p, count);
}

static inline u8 *x86_shrd_rr_cl(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src)
{
	return x86_put_reg(p, x86_ext(0x0fad, size, src), dst);
}

/* bt, bts, btr, btc: the bit goes to CF. Sizes 2, 4, 8; the bit number counts
 * modulo the size. */
static inline u8 *x86_bit_rr(u8 *p, enum x86_bit op, enum x86_size size,
	enum x86_gpr r, enum x86_gpr bit)
{
	return x86_put_reg(p, x86_ext(0x0f83u | op << 3, size, bit), r);
}

static inline u8 *x86_bit_ri(
	u8 *p, enum x86_bit op, enum x86_size size, enum x86_gpr r, u8 bit)
{
	p = x86_put_reg(p, x86_ext(0x0fba, size, op), r);
	return x86_put_u8(p, bit);
}

static inline u8 *x86_bit_mi(
	u8 *p, enum x86_bit op, enum x86_size size, struct x86_mem m, u8 bit)
{
	p = x86_put_mem(p, x86_ext(0x0fba, size, op), m);
	return x86_put_u8(p, bit);
}

/* Reverses the bytes; SIZE_2 is rol by 8. */
static inline u8 *x86_bswap_r(u8 *p, enum x86_size size, enum x86_gpr r)
{
	if (size == X86_SIZE_2)
		return x86_shift_ri(p, X86_SH_ROL, size, r, 8);
	return x86_put_low(p, x86_ext(0x0fc8, size, 0), r);
}

/* ---- MOVBE, BMI1, BMI2: only where the CPU has them ---- */

/* Sizes 2, 4, 8. */
static inline u8 *x86_movbe_rm(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x0f38f0, size, dst), m);
}

static inline u8 *x86_movbe_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr src)
{
	return x86_put_mem(p, x86_ext(0x0f38f1, size, src), m);
}

/* The three-operand forms, sizes 4 and 8, flags untouched by the shifts:
 * dst = rm op v. */
enum x86_bmi {
	X86_BMI_SHLX,
	X86_BMI_SHRX,
	X86_BMI_SARX,
	X86_BMI_BEXTR, /* v: start in bits 7..0, length in bits 15..8 */
	X86_BMI_BZHI,  /* v: the number of low bits that stay */
	X86_BMI_ANDN,  /* rm & ~v */
};

static inline struct x86_vex x86_bmi(
	enum x86_bmi op, enum x86_size size, enum x86_gpr dst, enum x86_gpr v)
{
	static const struct {
		u8 pp, op;
	} row[] = {
		[X86_BMI_SHLX] = {1, 0xf7},
		[X86_BMI_SHRX] = {3, 0xf7},
		[X86_BMI_SARX] = {2, 0xf7},
		[X86_BMI_BEXTR] = {0, 0xf7},
		[X86_BMI_BZHI] = {0, 0xf5},
		[X86_BMI_ANDN] = {0, 0xf2},
	};

	return (struct x86_vex){.map = 2,
		.pp = row[op].pp,
		.op = row[op].op,
		.size = (u8)size,
		.reg = (u8)dst,
		.vreg = (u8)v};
}

static inline u8 *x86_bmi_rrr(u8 *p, enum x86_bmi op, enum x86_size size,
	enum x86_gpr dst, enum x86_gpr rm, enum x86_gpr v)
{
	return x86_put_vex_reg(p, x86_bmi(op, size, dst, v), rm);
}

static inline u8 *x86_bmi_rmr(u8 *p, enum x86_bmi op, enum x86_size size,
	enum x86_gpr dst, struct x86_mem m, enum x86_gpr v)
{
	return x86_put_vex_mem(p, x86_bmi(op, size, dst, v), m);
}

static inline struct x86_vex x86_rorx(enum x86_size size, enum x86_gpr dst)
{
	return (struct x86_vex){.map = 3,
		.pp = 3,
		.op = 0xf0,
		.size = (u8)size,
		.reg = (u8)dst};
}

/* dst = src rotated right; flags untouched. Sizes 4 and 8. */
static inline u8 *x86_rorx_rri(
	u8 *p, enum x86_size size, enum x86_gpr dst, enum x86_gpr src, u8 count)
{
	p = x86_put_vex_reg(p, x86_rorx(size, dst), src);
	return x86_put_u8(p, count);
}

static inline u8 *x86_rorx_rmi(
	u8 *p, enum x86_size size, enum x86_gpr dst, struct x86_mem m, u8 count)
{
	p = x86_put_vex_mem(p, x86_rorx(size, dst), m);
	return x86_put_u8(p, count);
}

/* ---- Atomics and fences ---- */

/* Each is a full fence. cmp sets no memory: not with lock. */
static inline u8 *x86_lock_alu_mr(u8 *p, enum x86_alu op, enum x86_size size,
	struct x86_mem m, enum x86_gpr src)
{
	return x86_put_mem(p, x86_ins_w(X86_LOCK | op * 8u, size, src), m);
}

static inline u8 *x86_lock_alu_mi(
	u8 *p, enum x86_alu op, enum x86_size size, struct x86_mem m, i32 imm)
{
	struct x86_ins i = x86_ext_w(X86_LOCK | 0x80, size, op);

	if (size != X86_SIZE_1 && x86_imm_short(size, imm)) {
		i.op = X86_LOCK | 0x83;
		return x86_put_u8(x86_put_mem(p, i, m), (u8)imm);
	}
	return x86_put_imm(x86_put_mem(p, i, m), size, imm);
}

/* not, neg, inc, dec. */
static inline u8 *x86_lock_un_m(
	u8 *p, enum x86_un op, enum x86_size size, struct x86_mem m)
{
	struct x86_ins i = x86_un(op, size);

	i.op |= X86_LOCK;
	return x86_put_mem(p, i, m);
}

/* m += r, r = old m. */
static inline u8 *x86_lock_xadd_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr r)
{
	return x86_put_mem(p, x86_ins_w(X86_LOCK | 0x0fc0, size, r), m);
}

/* If RAX == m: m = r, ZF = 1. Else RAX = m, ZF = 0; with SIZE_4 only then the
 * upper half of RAX is cleared. */
static inline u8 *x86_lock_cmpxchg_mr(
	u8 *p, enum x86_size size, struct x86_mem m, enum x86_gpr r)
{
	return x86_put_mem(p, x86_ins_w(X86_LOCK | 0x0fb0, size, r), m);
}

static inline u8 *x86_mfence(u8 *p)
{
	return x86_put_reg(p, x86_ext(0x0fae, X86_SIZE_4, 6), X86_RAX);
}

static inline u8 *x86_lfence(u8 *p)
{
	return x86_put_reg(p, x86_ext(0x0fae, X86_SIZE_4, 5), X86_RAX);
}

static inline u8 *x86_pause(u8 *p)
{
	return x86_put_u8(x86_put_u8(p, 0xf3), 0x90);
}

/* ---- Control flow ----
 * rel counts from the end of the instruction. rel32: relocation at end - 4. */

static inline u8 *x86_jmp_rel8(u8 *p, i8 rel)
{
	return x86_put_u8(x86_put_u8(p, 0xeb), (u8)rel);
}

static inline u8 *x86_jmp_rel32(u8 *p, i32 rel)
{
	return x86_put_i32(x86_put_u8(p, 0xe9), rel);
}

static inline u8 *x86_jcc_rel8(u8 *p, enum x86_cc cc, i8 rel)
{
	return x86_put_u8(x86_put_u8(p, 0x70u | cc), (u8)rel);
}

static inline u8 *x86_jcc_rel32(u8 *p, enum x86_cc cc, i32 rel)
{
	p = x86_put_head(p, x86_ext(0x0f80u | cc, X86_SIZE_4, 0), 0);
	return x86_put_i32(p, rel);
}

static inline u8 *x86_call_rel32(u8 *p, i32 rel)
{
	return x86_put_i32(x86_put_u8(p, 0xe8), rel);
}

static inline u8 *x86_jmp_r(u8 *p, enum x86_gpr r)
{
	return x86_put_reg(p, x86_ext(0xff, X86_SIZE_4, 4), r);
}

static inline u8 *x86_jmp_m(u8 *p, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0xff, X86_SIZE_4, 4), m);
}

/* To a target without endbr64, which IBT would not let be reached. */
static inline u8 *x86_notrack_jmp_r(u8 *p, enum x86_gpr r)
{
	return x86_jmp_r(x86_put_u8(p, X86_SEG_NOTRACK), r);
}

static inline u8 *x86_call_r(u8 *p, enum x86_gpr r)
{
	return x86_put_reg(p, x86_ext(0xff, X86_SIZE_4, 2), r);
}

static inline u8 *x86_call_m(u8 *p, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0xff, X86_SIZE_4, 2), m);
}

static inline u8 *x86_ret(u8 *p)
{
	return x86_put_u8(p, 0xc3);
}

static inline u8 *x86_leave(u8 *p)
{
	return x86_put_u8(p, 0xc9);
}

static inline u8 *x86_endbr64(u8 *p)
{
	put_le32(p, 0xfa1e0ff3); /* f3 0f 1e fa */
	return p + 4;
}

static inline u8 *x86_int3(u8 *p)
{
	return x86_put_u8(p, 0xcc);
}

static inline u8 *x86_ud2(u8 *p)
{
	return x86_put_u8(x86_put_u8(p, 0x0f), 0x0b);
}

/* One instruction of n bytes, 1 to 9: Intel SDM 2B, NOP, table 4-12. */
static inline u8 *x86_nop(u8 *p, unsigned n)
{
	static const u8 nops[9][9] = {
		{0x90},
		{0x66, 0x90},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x40, 0},
		{0x0f, 0x1f, 0x44, 0, 0},
		{0x66, 0x0f, 0x1f, 0x44, 0, 0},
		{0x0f, 0x1f, 0x80, 0, 0, 0, 0},
		{0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
		{0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
	};

	x86_must(n >= 1 && n <= 9);
	for (unsigned i = 0; i < n; i++)
		*p++ = nops[n - 1][i];
	return p;
}

/* n bytes of nops, as few as can be; needs n bytes of room. */
static inline u8 *x86_nops(u8 *p, size_t n)
{
	for (; n > 9; n -= 9)
		p = x86_nop(p, 9);
	return n ? x86_nop(p, (unsigned)n) : p;
}

/* ---- XMM 0 to 15 ---- */

/* 16 bytes, any alignment. */
static inline u8 *x86_movups_rm(u8 *p, unsigned xmm, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0x0f10, X86_SIZE_4, xmm), m);
}

static inline u8 *x86_movups_mr(u8 *p, struct x86_mem m, unsigned xmm)
{
	return x86_put_mem(p, x86_ext(0x0f11, X86_SIZE_4, xmm), m);
}

/* 8 bytes; the upper half becomes 0. */
static inline u8 *x86_movq_rm(u8 *p, unsigned xmm, struct x86_mem m)
{
	return x86_put_mem(p, x86_ext(0xf3000f7e, X86_SIZE_4, xmm), m);
}

static inline u8 *x86_movq_mr(u8 *p, struct x86_mem m, unsigned xmm)
{
	return x86_put_mem(p, x86_ext(0x0fd6, X86_SIZE_2, xmm), m);
}

/* The low 4 bytes, zero-extended to 64 bits. */
static inline u8 *x86_movd_rx(u8 *p, enum x86_gpr dst, unsigned xmm)
{
	return x86_put_reg(p, x86_ext(0x0f7e, X86_SIZE_2, xmm), dst);
}

/* xorps a, a is the idiom for zero. */
static inline u8 *x86_xorps_rr(u8 *p, unsigned dst, unsigned src)
{
	return x86_put_reg(
		p, x86_ext(0x0f57, X86_SIZE_4, dst), (enum x86_gpr)src);
}

#endif
