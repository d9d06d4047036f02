/*
 * The arm64 back end: what its files share. Order of a function's stages:
 * legal.c (IR -> IR), select.c with match.c and arith.c (IR -> MIR), the
 * shared register allocator, emit.c with abi.c (MIR -> bytes). The files are
 * those of backend-x86/, with the same sections in the same order
 * (tests/arm64/mirror.sh). Only here:
 *
 *	legal.c: alignment	x86 has no mode that wants it
 *	match.c: second operands	they are shifted or extended for nothing
 *	memory.c: ordered	acquire and release are plain moves on x86
 */
#ifndef KILN_BACKEND_ARM64_A64_H
#define KILN_BACKEND_ARM64_A64_H

#include "backend-arm64/enc.h"
#include "ir/codegen.h"
#include "ir/module.h"
#include "ir/select.h"
#include "ir/target.h"

/* ---- target.c ------------------------------------------------------------ */

/* Relocation types, ELF for the Arm 64-bit Architecture 5.7. */
enum a64_rel {
	A64_R_ABS64 = 257,
	A64_R_ABS32 = 258,
	A64_R_PREL64 = 260,
	A64_R_PREL32 = 261,
	A64_R_ADR_PREL_PG_HI21 = 275,
	A64_R_ADD_ABS_LO12_NC = 277,
	A64_R_LDST8_ABS_LO12_NC = 278,
	A64_R_JUMP26 = 282,
	A64_R_CALL26 = 283,
	A64_R_LDST16_ABS_LO12_NC = 284,
	A64_R_LDST32_ABS_LO12_NC = 285,
	A64_R_LDST64_ABS_LO12_NC = 286,
	A64_R_ADR_GOT_PAGE = 311,
	A64_R_LD64_GOT_LO12_NC = 312,
};

/* Bits of cg->features, in the order of a64_target.feature_names. */
enum a64_feature { A64_F_LSE = 1 };

/* Argument registers of a call, in order; the result comes in X0. */
extern const u8 a64_arg_regs[5];

enum a64_form {
	F_NONE,
	F_ADDSUB_R,
	F_ADDSUB_I,
	F_LOGIC_R,
	F_LOGIC_I,
	F_CMP_R,
	F_CMP_I,
	F_TST_R,
	F_TST_I,
	F_MOV_RI,
	F_BFM,
	F_EXTR,
	F_MUL,
	F_MADD,
	F_MSUB,
	F_UMULH,
	F_DP2,
	F_DP1,
	F_CSEL,
	F_LEA,
	F_ADR,
	F_GOT,
	F_LDST,
	F_ORDERED,
	F_LLSC,
	F_XCAS,
	F_LSE,
	F_CAS,
	F_ENTRY,
	F_CALL,
	F_CALL_R,
	F_TAIL,
	F_TAIL_JUMP,
	F_BRANCH,
	F_JMP,
	F_RET,
	F_UDF,
};

enum a64_mop {
	A64_MOP_FIRST = MOP_TARGET - 1,
#define MOP(name, text, form, code, flags) A64_M_##name,
#include "backend-arm64/mops.def"
#undef MOP
	A64_MOP_END
};

enum a64_mop_flags { A64_MOP_S = 1, A64_MOP_R = 2 };

struct a64_mop_info {
	const char *name; /* unique, as in dumps: "add_rr" */
	u8 form;
	u32 code;
	u8 flags;
};

/* By op - MOP_TARGET. */
extern const struct a64_mop_info a64_mops[A64_MOP_END - MOP_TARGET];

static inline const struct a64_mop_info *a64_mop(u16 op)
{
	return &a64_mops[op - MOP_TARGET];
}

/* mins.aux of a second operand: what is done to it, by mins.scale. */
enum a64_second {
	A64_2_SHIFT = 0,   /* + enum a64_shift */
	A64_2_EXTEND = 16, /* + enum a64_extend */
	A64_2_KIND = 31,
	A64_2_ZR = 32, /* the first operand is the zero register */
};

/* mins.aux of CSEL. */
enum a64_zeros { A64_Z_FIRST = 1, A64_Z_SECOND = 2 };

/* mins.aux: what the memory operand is made of. Registers are the last
 * operands of the instruction; mins.scale is the enum a64_extend of the
 * index. */
enum a64_memop {
	A64_MEM_BASE = 1,
	A64_MEM_INDEX = 2,
	A64_MEM_FRAME = 4, /* base is r10 of the BPF frame; no MEM_BASE */
	A64_MEM_SYM = 8,   /* page and low 12 bits; no other part */
	A64_MEM_SCALED = 16,
	A64_MEM_ZR = 32, /* what is stored is the zero register */
};

/* ---- legal.c ------------------------------------------------------------- */

void a64_legalise(struct fn *f, const struct cg *cg);
/* What a symbol's address is certainly a multiple of. */
u32 a64_sym_align(const struct cg *cg, u32 sym);

/* ---- select.c ------------------------------------------------------------ */

struct mfn *a64_select(struct fn *f, const struct cg *cg, struct arena *a);

/* An address, matched. Values: ref 0 is absent. */
struct a64_addr {
	ref base, index;
	u8 parts;  /* A64_MEM_FRAME, _SYM, _SCALED */
	u8 extend; /* of the index */
	u32 sym;
	i64 disp;
};

/* A second operand, matched. */
struct a64_opnd {
	ref r;
	u8 aux; /* enum a64_second */
	u8 by;
};

/* Making machine instructions: ir/select.h, and of ours: */
static inline struct mins *a64_op(struct sel *s, enum a64_mop op, u8 size)
{
	return sel_op(s, (u16)op, size);
}

/* The registers of a memory operand, and what else it has. */
void a64_m(struct sel *s, const struct a64_addr *a);
/* vreg = v; vreg = base + off, whatever they are. */
void a64_make_const(struct sel *s, i64 v, u32 vreg);
void a64_make_sum(struct sel *s, u32 base, i64 off, u32 vreg);

/* ---- match.c: what instructions may swallow ------------------------------ */

/* Only the current instruction uses r, which is op with a constant, of that
 * size: its value is *x op *c. */
bool a64_is_const_op(
	const struct sel *s, ref r, enum op op, u8 size, ref *x, i64 *c);
/* r as a second operand: shifted; of additions and comparisons extended, too;
 * of logic rotated, too. */
struct a64_opnd a64_opnd_add(const struct sel *s, ref r, u8 size);
struct a64_opnd a64_opnd_logic(const struct sel *s, ref r, u8 size);
/* Takes a load that sel_can_fold(): its address. */
struct a64_addr a64_fold(struct sel *s, ref r);
struct a64_addr a64_match(struct sel *s, ref addr, i64 off, u8 size);

/* ---- compare.c: conditions ----------------------------------------------- */

void a64_lower_cmp(struct sel *s, const struct ins *i);
void a64_lower_sel(struct sel *s, const struct ins *i);
void a64_lower_br(struct sel *s, const struct ins *i);

/* ---- arith.c: values ----------------------------------------------------- */

void a64_lower_arith(struct sel *s, const struct ins *i);

/* ---- memory.c: accesses and atomics -------------------------------------- */

void a64_lower_memory(struct sel *s, const struct ins *i);

/* ---- abi.c --------------------------------------------------------------- */

/* The frame of one function; drawing at the top of abi.c. */
struct a64_frame {
	u64 saved;    /* registers stored, X30 and X10 among them */
	u32 size;     /* bytes, 16-aligned */
	u32 slots;    /* spill slot k is at sp + slots + 8 * k */
	u32 fp;	      /* r10 = sp + fp */
	u32 counter;  /* its pointer is at sp + counter, if it is kept */
	bool sign_ra; /* X30 is saved, and signed */
};

struct a64_frame a64_frame_make(const struct mfn *m);
/* Each appends code and the CFI rows that belong to it. */
void a64_prologue(const struct a64_frame *f, struct buf *b, struct unit_fn *u);
void a64_epilogue(
	const struct a64_frame *f, struct buf *b, bool last, struct unit_fn *u);
/* All of the epilogue but the end; then, if code follows, recall. */
void a64_tear_down(
	const struct a64_frame *f, struct buf *b, bool last, struct unit_fn *u);
void a64_recall(
	const struct a64_frame *f, const struct buf *b, struct unit_fn *u);
int a64_wrapper(const struct wrap *w, struct arena *a, struct unit_fn *out);

/* ---- emit.c -------------------------------------------------------------- */

int a64_emit(struct mfn *m, const struct cg *cg, struct unit_fn *out);

/* ---- tramp.c ------------------------------------------------------------- */

int a64_stub(const struct model *m, struct arena *a, struct unit_fn *out,
	struct stub_places *places);

/* ---- layout.c ------------------------------------------------------------ */

/* struct piece.cc: bit 0 negates; the kind in the upper half. */
enum a64_branch {
	A64_BR_CC = 0,	       /* bits 0 to 3: enum a64_cc */
	A64_BR_ZERO = 1 << 16, /* register at 1, size at 8 */
	A64_BR_BIT = 2 << 16,  /* register at 1, bit at 8 */
	A64_BR_KIND = 3 << 16,
};

extern const struct jump_target a64_jumps;

#endif
