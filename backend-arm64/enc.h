/*
 * AArch64 instruction encoders. Pure and freestanding: code generation and the
 * runtime's patching share them.
 *
 * An encoder returns one instruction word. Names: a64_<mnemonic>_<operands>,
 * destination first: r register, i immediate, s shifted, x extended. Sizes are
 * operand sizes in bytes; where no size is given it is 8. Register 31 is SP or
 * the zero register, as the instruction has it (A64_SP, A64_ZR say which).
 *
 * Every field goes through a64_put(), which cuts it to its width: callers
 * check ranges first, with the predicates that stand beside the encoders.
 * Distances of branches are in bytes from the branch.
 *
 * Numbers: Arm Architecture Reference Manual for A-profile, C4.1 (encoding
 * index) and C6.2.
 */
#ifndef KILN_BACKEND_ARM64_ENC_H
#define KILN_BACKEND_ARM64_ENC_H

#include "kiln/bytes.h"

/* ---- Operands ------------------------------------------------------------ */

// clang-format off
enum a64_gpr {
	A64_X0,  A64_X1,  A64_X2,  A64_X3,  A64_X4,  A64_X5,  A64_X6,  A64_X7,
	A64_X8,  A64_X9,  A64_X10, A64_X11, A64_X12, A64_X13, A64_X14, A64_X15,
	A64_X16, A64_X17, A64_X18, A64_X19, A64_X20, A64_X21, A64_X22, A64_X23,
	A64_X24, A64_X25, A64_X26, A64_X27, A64_X28, A64_X29, A64_X30,
	A64_LR = A64_X30,
	A64_SP = 31,
	A64_ZR = 31,
};

/* Condition codes, in the order of the hardware; cc ^ 1 is the inverse. */
enum a64_cc {
	A64_CC_EQ, A64_CC_NE, A64_CC_HS, A64_CC_LO,
	A64_CC_MI, A64_CC_PL, A64_CC_VS, A64_CC_VC,
	A64_CC_HI, A64_CC_LS, A64_CC_GE, A64_CC_LT,
	A64_CC_GT, A64_CC_LE,
};
// clang-format on

enum a64_shift { A64_LSL, A64_LSR, A64_ASR, A64_ROR };

/* How an index or second operand is widened. */
enum a64_extend {
	A64_UXTB,
	A64_UXTH,
	A64_UXTW,
	A64_UXTX, /* no change; index registers: lsl */
	A64_SXTB,
	A64_SXTH,
	A64_SXTW,
	A64_SXTX,
};

/* ---- Fields -------------------------------------------------------------- */

static inline u32 a64_put(u64 v, unsigned width, unsigned at)
{
	return (u32)((v & ((1ull << width) - 1)) << at);
}

static inline u32 a64_rd(enum a64_gpr r)
{
	return a64_put((u64)r, 5, 0);
}

static inline u32 a64_rn(enum a64_gpr r)
{
	return a64_put((u64)r, 5, 5);
}

static inline u32 a64_ra(enum a64_gpr r)
{
	return a64_put((u64)r, 5, 10);
}

static inline u32 a64_rm(enum a64_gpr r)
{
	return a64_put((u64)r, 5, 16);
}

/* Bit 31: 64 bits. */
static inline u32 a64_sf(unsigned size)
{
	return a64_put(size == 8, 1, 31);
}

/* Bits 30 and 31: log2 of an access size. */
static inline u32 a64_access(unsigned size)
{
	return a64_put((u64)__builtin_ctz(size), 2, 30);
}

static inline u32 a64_rrr(
	u32 op, enum a64_gpr d, enum a64_gpr n, enum a64_gpr m)
{
	return op | a64_rd(d) | a64_rn(n) | a64_rm(m);
}

/* ---- Addition and subtraction -------------------------------------------- */

enum a64_addsub { A64_ADD, A64_ADDS, A64_SUB, A64_SUBS };

/* An immediate of add and sub: 12 bits, or those times 4096. */
static inline bool a64_is_add_imm(u64 v)
{
	return v < 1u << 12 || (v < 1u << 24 && !(v & 0xfff));
}

/* d, n: SP is register 31, but the d of ADDS and SUBS is ZR */
static inline u32 a64_addsub_ri(enum a64_addsub op, unsigned size,
	enum a64_gpr d, enum a64_gpr n, u32 imm)
{
	bool high = imm >= 1u << 12;

	return 0x11000000 | a64_sf(size) | a64_put((u64)op, 2, 29) |
	       a64_put(high, 1, 22) | a64_put(high ? imm >> 12 : imm, 12, 10) |
	       a64_rn(n) | a64_rd(d);
}

/* 31 is ZR; no ROR */
static inline u32 a64_addsub_rs(enum a64_addsub op, unsigned size,
	enum a64_gpr d, enum a64_gpr n, enum a64_gpr m, enum a64_shift sh,
	unsigned by)
{
	return a64_rrr(0x0b000000, d, n, m) | a64_sf(size) |
	       a64_put((u64)op, 2, 29) | a64_put((u64)sh, 2, 22) |
	       a64_put(by, 6, 10);
}

/* d, n as in addsub_ri; by: 0 to 4 */
static inline u32 a64_addsub_rx(enum a64_addsub op, unsigned size,
	enum a64_gpr d, enum a64_gpr n, enum a64_gpr m, enum a64_extend x,
	unsigned by)
{
	return a64_rrr(0x0b200000, d, n, m) | a64_sf(size) |
	       a64_put((u64)op, 2, 29) | a64_put((u64)x, 3, 13) |
	       a64_put(by, 3, 10);
}

/* ---- Logic --------------------------------------------------------------- */

/* Bit 0: the second operand is inverted; with an immediate it is not. */
enum a64_logic {
	A64_AND,
	A64_BIC,
	A64_ORR,
	A64_ORN,
	A64_EOR,
	A64_EON,
	A64_ANDS,
	A64_BICS,
};

static inline u32 a64_logic_rs(enum a64_logic op, unsigned size, enum a64_gpr d,
	enum a64_gpr n, enum a64_gpr m, enum a64_shift sh, unsigned by)
{
	return a64_rrr(0x0a000000, d, n, m) | a64_sf(size) |
	       a64_put((u64)op >> 1, 2, 29) | a64_put((u64)op & 1, 1, 21) |
	       a64_put((u64)sh, 2, 22) | a64_put(by, 6, 10);
}

/*
 * A logical immediate is an element of 2, 4, ... 64 bits, repeated; the
 * element is a run of ones, rotated. *field gets N:immr:imms (Arm ARM
 * DecodeBitMasks). Neither all zeros nor all ones.
 */
static inline bool a64_logic_field(u64 v, unsigned size, u32 *field)
{
	unsigned width = 64, ones, at;
	u64 mask;

	if (size == 4)
		v = (v & UINT32_MAX) | v << 32;
	if (v == 0 || v == UINT64_MAX)
		return false;
	while (width > 2) {
		unsigned half = width / 2;

		mask = (1ull << half) - 1;
		if ((v & mask) != (v >> half & mask))
			break;
		width = half;
	}
	mask = width == 64 ? UINT64_MAX : (1ull << width) - 1;
	v &= mask;
	ones = (unsigned)__builtin_popcountll(v);
	/* Bit `at` starts the run: the lowest one, or, if the run goes around
	 * the top, the one above the zeros. */
	if (v & 1)
		at = (unsigned)__builtin_ctzll(~v) == ones
			     ? 0
			     : width - (ones - (unsigned)__builtin_ctzll(~v));
	else
		at = (unsigned)__builtin_ctzll(v);
	u64 run = ones == 64 ? UINT64_MAX : (1ull << ones) - 1;
	u64 turned = at ? (run << at | run >> (width - at)) & mask : run;

	if (turned != v)
		return false;
	*field = a64_put(width == 64, 1, 12) |
		 a64_put((width - at) & (width - 1), 6, 6) |
		 a64_put((~(u64)(2 * width - 1) & 0x3f) | (ones - 1), 6, 0);
	return true;
}

/* op: AND, ORR, EOR, ANDS. d is SP where 31, but ZR for ANDS. */
static inline u32 a64_logic_ri(enum a64_logic op, unsigned size, enum a64_gpr d,
	enum a64_gpr n, u32 field)
{
	return 0x12000000 | a64_sf(size) | a64_put((u64)op >> 1, 2, 29) |
	       a64_put(field, 13, 10) | a64_rn(n) | a64_rd(d);
}

/* ---- Moves --------------------------------------------------------------- */

enum a64_movw { A64_MOVN = 0, A64_MOVZ = 2, A64_MOVK = 3 };

/* by: 0, 16, 32, 48 */
static inline u32 a64_movw_i(
	enum a64_movw op, unsigned size, enum a64_gpr d, u16 imm, unsigned by)
{
	return 0x12800000 | a64_sf(size) | a64_put((u64)op, 2, 29) |
	       a64_put(by / 16, 2, 21) | a64_put(imm, 16, 5) | a64_rd(d);
}

static inline u32 a64_mov_rr(unsigned size, enum a64_gpr d, enum a64_gpr m)
{
	return a64_logic_rs(A64_ORR, size, d, A64_ZR, m, A64_LSL, 0);
}

/* From and to SP. */
static inline u32 a64_mov_sp(enum a64_gpr d, enum a64_gpr n)
{
	return a64_addsub_ri(A64_ADD, 8, d, n, 0);
}

/* Words to make v: at most 4. The upper half of a 32-bit constant is 0. */
static inline unsigned a64_mov_ri(u32 out[4], enum a64_gpr d, u64 v)
{
	unsigned zeros = 0, ones = 0, n = 0, size = v >> 32 ? 8 : 4;
	u32 field;

	for (unsigned k = 0; k < size * 8; k += 16) {
		zeros += (u16)(v >> k) == 0;
		ones += (u16)(v >> k) == 0xffff;
	}
	bool inverse = ones > zeros;
	u16 skip = inverse ? 0xffff : 0;

	if (size / 2 - (inverse ? ones : zeros) > 1 &&
		a64_logic_field(v, size, &field)) {
		out[0] = a64_logic_ri(A64_ORR, size, d, A64_ZR, field);
		return 1;
	}
	for (unsigned k = 0; k < size * 8; k += 16) {
		u16 part = (u16)(v >> k);

		if (part == skip)
			continue;
		if (n)
			out[n++] = a64_movw_i(A64_MOVK, size, d, part, k);
		else if (inverse)
			out[n++] = a64_movw_i(A64_MOVN, size, d, (u16)~part, k);
		else
			out[n++] = a64_movw_i(A64_MOVZ, size, d, part, k);
	}
	if (!n)
		out[n++] = a64_movw_i(
			inverse ? A64_MOVN : A64_MOVZ, size, d, 0, 0);
	return n;
}

/* ---- Bit fields ---------------------------------------------------------- */

enum a64_bfm { A64_SBFM, A64_BFM, A64_UBFM };

static inline u32 a64_bfm_ri(enum a64_bfm op, unsigned size, enum a64_gpr d,
	enum a64_gpr n, unsigned immr, unsigned imms)
{
	return 0x13000000 | a64_sf(size) | a64_put((u64)op, 2, 29) |
	       a64_put(size == 8, 1, 22) | a64_put(immr, 6, 16) |
	       a64_put(imms, 6, 10) | a64_rn(n) | a64_rd(d);
}

/* Low bits from m, high bits from n; n == m rotates right. */
static inline u32 a64_extr(unsigned size, enum a64_gpr d, enum a64_gpr n,
	enum a64_gpr m, unsigned by)
{
	return a64_rrr(0x13800000, d, n, m) | a64_sf(size) |
	       a64_put(size == 8, 1, 22) | a64_put(by, 6, 10);
}

/* ---- Multiplication, division, shifts ------------------------------------ */

/* d = a + n * m, d = a - n * m */
static inline u32 a64_madd(unsigned size, enum a64_gpr d, enum a64_gpr n,
	enum a64_gpr m, enum a64_gpr a)
{
	return a64_rrr(0x1b000000, d, n, m) | a64_sf(size) | a64_ra(a);
}

static inline u32 a64_msub(unsigned size, enum a64_gpr d, enum a64_gpr n,
	enum a64_gpr m, enum a64_gpr a)
{
	return a64_rrr(0x1b008000, d, n, m) | a64_sf(size) | a64_ra(a);
}

static inline u32 a64_umulh(enum a64_gpr d, enum a64_gpr n, enum a64_gpr m)
{
	return a64_rrr(0x9bc07c00, d, n, m);
}

enum a64_dp2 {
	A64_UDIV = 2,
	A64_SDIV,
	A64_LSLV = 8,
	A64_LSRV,
	A64_ASRV,
	A64_RORV,
};

static inline u32 a64_dp2_rr(enum a64_dp2 op, unsigned size, enum a64_gpr d,
	enum a64_gpr n, enum a64_gpr m)
{
	return a64_rrr(0x1ac00000, d, n, m) | a64_sf(size) |
	       a64_put((u64)op, 6, 10);
}

enum a64_dp1 { A64_RBIT, A64_REV16, A64_REV32, A64_REV64, A64_CLZ };

/* REV32 swaps the bytes of each word: all of them if size is 4. */
static inline u32 a64_dp1_r(
	enum a64_dp1 op, unsigned size, enum a64_gpr d, enum a64_gpr n)
{
	return 0x5ac00000 | a64_sf(size) | a64_put((u64)op, 6, 10) | a64_rn(n) |
	       a64_rd(d);
}

/* ---- Conditions ---------------------------------------------------------- */

enum a64_csel { A64_CSEL, A64_CSINC, A64_CSINV, A64_CSNEG };

/* d = cc ? n : op(m) */
static inline u32 a64_csel_rr(enum a64_csel op, unsigned size, enum a64_gpr d,
	enum a64_gpr n, enum a64_gpr m, enum a64_cc cc)
{
	return a64_rrr(0x1a800000, d, n, m) | a64_sf(size) |
	       a64_put((u64)op >> 1, 1, 30) | a64_put((u64)op & 1, 1, 10) |
	       a64_put((u64)cc, 4, 12);
}

static inline u32 a64_cset(enum a64_gpr d, enum a64_cc cc)
{
	return a64_csel_rr(
		A64_CSINC, 4, d, A64_ZR, A64_ZR, (enum a64_cc)(cc ^ 1));
}

enum a64_ccmp { A64_CCMN, A64_CCMP };

/* Flags of n - m if cc, else nzcv. */
static inline u32 a64_ccmp_rr(enum a64_ccmp op, unsigned size, enum a64_gpr n,
	enum a64_gpr m, unsigned nzcv, enum a64_cc cc)
{
	return 0x3a400000 | a64_sf(size) | a64_put((u64)op, 1, 30) | a64_rm(m) |
	       a64_put((u64)cc, 4, 12) | a64_rn(n) | a64_put(nzcv, 4, 0);
}

static inline u32 a64_ccmp_ri(enum a64_ccmp op, unsigned size, enum a64_gpr n,
	unsigned imm, unsigned nzcv, enum a64_cc cc)
{
	return 0x3a400800 | a64_sf(size) | a64_put((u64)op, 1, 30) |
	       a64_put(imm, 5, 16) | a64_put((u64)cc, 4, 12) | a64_rn(n) |
	       a64_put(nzcv, 4, 0);
}

/* ---- Loads and stores ---------------------------------------------------- */

/* LDRS to 64 or 32 bits: sizes 1, 2 and, to 64 only, 4. */
enum a64_ldst { A64_STR, A64_LDR, A64_LDRS8, A64_LDRS4 };

/* [n, off], off a multiple of size */
static inline bool a64_is_scaled(i64 off, unsigned size)
{
	return off >= 0 && off <= 4095 * (i64)size && !(off & (size - 1));
}

static inline bool a64_is_unscaled(i64 off)
{
	return off >= -256 && off <= 255;
}

static inline u32 a64_ldst_scaled(enum a64_ldst op, unsigned size,
	enum a64_gpr t, enum a64_gpr n, u32 off)
{
	return 0x39000000 | a64_access(size) | a64_put((u64)op, 2, 22) |
	       a64_put(off / size, 12, 10) | a64_rn(n) | a64_rd(t);
}

static inline u32 a64_ldst_unscaled(enum a64_ldst op, unsigned size,
	enum a64_gpr t, enum a64_gpr n, i32 off)
{
	return 0x38000000 | a64_access(size) | a64_put((u64)op, 2, 22) |
	       a64_put((u64)(i64)off, 9, 12) | a64_rn(n) | a64_rd(t);
}

/* x: UXTW, UXTX, SXTW, SXTX; scaled: the index counts accesses. */
static inline u32 a64_ldst_index(enum a64_ldst op, unsigned size,
	enum a64_gpr t, enum a64_gpr n, enum a64_gpr m, enum a64_extend x,
	bool scaled)
{
	return 0x38200800 | a64_access(size) | a64_put((u64)op, 2, 22) |
	       a64_rm(m) | a64_put((u64)x, 3, 13) | a64_put(scaled, 1, 12) |
	       a64_rn(n) | a64_rd(t);
}

/* Vector register t of 4 or 8 bytes (s, d), [n, off]; the load clears the rest.
 * op: A64_STR, A64_LDR */
static inline u32 a64_ldst_vec(
	enum a64_ldst op, unsigned size, unsigned t, enum a64_gpr n, u32 off)
{
	return 0x3d000000 | a64_access(size) | a64_put((u64)op, 2, 22) |
	       a64_put(off / size, 12, 10) | a64_rn(n) | a64_put(t, 5, 0);
}

enum a64_pair { A64_STP, A64_LDP };
enum a64_index { A64_POST = 1, A64_OFFSET, A64_PRE };

/* 64-bit pairs: off is a multiple of 8. */
static inline bool a64_is_pair(i64 off)
{
	return off >= -512 && off <= 504 && !(off & 7);
}

static inline u32 a64_pair_rr(enum a64_pair op, enum a64_index x,
	enum a64_gpr t, enum a64_gpr t2, enum a64_gpr n, i32 off)
{
	return 0xa8000000 | a64_put((u64)x, 2, 23) | a64_put((u64)op, 1, 22) |
	       a64_put((u64)((i64)off / 8), 7, 15) | a64_ra(t2) | a64_rn(n) |
	       a64_rd(t);
}

/* str t, [n, off]!; ldr t, [n], off: -256 to 255 */
static inline u32 a64_str_pre(enum a64_gpr t, enum a64_gpr n, i32 off)
{
	return 0xf8000c00 | a64_put((u64)(i64)off, 9, 12) | a64_rn(n) |
	       a64_rd(t);
}

static inline u32 a64_ldr_post(enum a64_gpr t, enum a64_gpr n, i32 off)
{
	return 0xf8400400 | a64_put((u64)(i64)off, 9, 12) | a64_rn(n) |
	       a64_rd(t);
}

/* ---- Addresses ----------------------------------------------------------- */

static inline u32 a64_page(u32 op, enum a64_gpr d, i64 n)
{
	return op | a64_put((u64)n, 2, 29) | a64_put((u64)(n >> 2), 19, 5) |
	       a64_rd(d);
}

static inline u32 a64_adr(enum a64_gpr d, i32 off)
{
	return a64_page(0x10000000, d, off);
}

static inline u32 a64_adrp(enum a64_gpr d, i32 pages)
{
	return a64_page(0x90000000, d, pages);
}

/* ---- Order, exclusives, atomics ------------------------------------------ */

enum a64_excl {
	A64_STXR = 0x0000,
	A64_STLXR = 0x8000,
	A64_LDXR = 0x5f0000,
	A64_LDAXR = 0x5f8000,
	A64_STLR = 0x9f8000,
	A64_LDAR = 0xdf8000,
};

/* t, [n]; s: status of the two stores, which is neither t nor n. */
static inline u32 a64_excl_r(enum a64_excl op, unsigned size, enum a64_gpr s,
	enum a64_gpr t, enum a64_gpr n)
{
	bool store = op == A64_STXR || op == A64_STLXR;

	return 0x08007c00 | a64_access(size) | (u32)op |
	       (store ? a64_rm(s) : 0) | a64_rn(n) | a64_rd(t);
}

/* LSE (Armv8.1): t = old [n]; [n] = old op s. CLR is and with ~s. */
enum a64_lse {
	A64_LDADD = 0x00,
	A64_LDCLR = 0x01,
	A64_LDEOR = 0x02,
	A64_LDSET = 0x03,
	A64_SWP = 0x08,
};

/* ordered: acquire and release */
static inline u32 a64_lse_r(enum a64_lse op, unsigned size, bool ordered,
	enum a64_gpr s, enum a64_gpr t, enum a64_gpr n)
{
	return 0x38200000 | a64_access(size) | a64_put(ordered ? 3 : 0, 2, 22) |
	       a64_rm(s) | a64_put((u64)op, 4, 12) | a64_rn(n) | a64_rd(t);
}

/* casal: if [n] == s then [n] = t; s = old [n] */
static inline u32 a64_casal(
	unsigned size, enum a64_gpr s, enum a64_gpr t, enum a64_gpr n)
{
	return 0x08e0fc00 | a64_access(size) | a64_rm(s) | a64_rn(n) |
	       a64_rd(t);
}

/* ---- Branches ------------------------------------------------------------ */

/* Reach of a field of that many bits, counting words. */
static inline bool a64_reaches(i64 off, unsigned bits)
{
	i64 max = (i64)1 << (bits + 1);

	return off >= -max && off < max && !(off & 3);
}

enum { A64_REACH_B = 26, A64_REACH_COND = 19, A64_REACH_TBZ = 14 };

static inline u32 a64_b(i64 off)
{
	return 0x14000000 | a64_put((u64)(off >> 2), 26, 0);
}

static inline u32 a64_bl(i64 off)
{
	return 0x94000000 | a64_put((u64)(off >> 2), 26, 0);
}

static inline u32 a64_bcc(enum a64_cc cc, i64 off)
{
	return 0x54000000 | a64_put((u64)(off >> 2), 19, 5) |
	       a64_put((u64)cc, 4, 0);
}

/* nonzero: cbnz, tbnz */
static inline u32 a64_cbz(unsigned size, bool nonzero, enum a64_gpr t, i64 off)
{
	return 0x34000000 | a64_sf(size) | a64_put(nonzero, 1, 24) |
	       a64_put((u64)(off >> 2), 19, 5) | a64_rd(t);
}

static inline u32 a64_tbz(unsigned bit, bool nonzero, enum a64_gpr t, i64 off)
{
	return 0x36000000 | a64_put(bit >> 5, 1, 31) | a64_put(nonzero, 1, 24) |
	       a64_put(bit, 5, 19) | a64_put((u64)(off >> 2), 14, 5) |
	       a64_rd(t);
}

static inline u32 a64_br(enum a64_gpr n)
{
	return 0xd61f0000 | a64_rn(n);
}

static inline u32 a64_blr(enum a64_gpr n)
{
	return 0xd63f0000 | a64_rn(n);
}

static inline u32 a64_ret(void)
{
	return 0xd65f0000 | a64_rn(A64_LR);
}

/* ---- System -------------------------------------------------------------- */

enum a64_hint {
	A64_NOP = 0,
	A64_YIELD = 1,
	A64_PACIASP = 25,
	A64_AUTIASP = 29,
	A64_BTI_C = 34,
	A64_BTI_J = 36,
	A64_BTI_JC = 38,
};

static inline u32 a64_hint(enum a64_hint op)
{
	return 0xd503201f | a64_put((u64)op, 7, 5);
}

static inline u32 a64_dmb_ish(void)
{
	return 0xd5033bbf;
}

static inline u32 a64_isb(void)
{
	return 0xd5033fdf;
}

static inline u32 a64_brk(u16 imm)
{
	return 0xd4200000 | a64_put(imm, 16, 5);
}

static inline u32 a64_udf(u16 imm)
{
	return imm;
}

#endif
