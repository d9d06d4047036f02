/*
 * The x86-64 back end: what its files share. Order of a function's stages:
 * legal.c (IR -> IR), select.c with match.c and arith.c (IR -> MIR), the
 * shared register allocator, emit.c with abi.c (MIR -> bytes). The files are
 * those of backend-arm64/, with the same sections in the same order
 * (tests/arm64/mirror.sh). Only here:
 *
 *	select.c: what the flags are asked for	arithmetic sets them anyway
 *	emit.c: short jumps inside an operation	division traps, so it is guarded
 *	emit.c: multiplication, division	they have fixed registers
 */
#ifndef KILN_BACKEND_X86_X86_H
#define KILN_BACKEND_X86_X86_H

#include "backend-x86/enc.h"
#include "ir/codegen.h"
#include "ir/module.h"
#include "ir/select.h"
#include "ir/target.h"

/* ---- target.c ------------------------------------------------------------- */

/* Relocation types, x86-64 psABI table 4.9. */
enum x86_rel {
	X86_R_64 = 1,
	X86_R_PC32 = 2,
	X86_R_PLT32 = 4,
	X86_R_32 = 10,
	X86_R_PC64 = 24,
	X86_R_REX_GOTPCRELX = 42,
};

/* Bits of cg->features, in the order of x86_target.feature_names. */
enum x86_feature { X86_F_BMI2 = 1, X86_F_MOVBE = 2 };

/* Argument registers of a call, in order; the result comes in RAX. */
extern const u8 x86_arg_regs[5];

enum x86_form {
	F_NONE,
	F_ALU_RR,
	F_ALU_RI,
	F_ALU_RM,
	F_ALU_MR,
	F_ALU_MI,
	F_CMP_RR,
	F_CMP_RI,
	F_CMP_RM,
	F_CMP_MR,
	F_CMP_MI,
	F_TEST_RR,
	F_TEST_RI,
	F_TEST_MR,
	F_TEST_MI,
	F_BT_RI,
	F_BIT_RI,
	F_UN_R,
	F_UN_M,
	F_BSWAP_R,
	F_IMUL_RR,
	F_IMUL_RM,
	F_IMUL_RRI,
	F_IMUL_RMI,
	F_MULHU,
	F_SHIFT_RI,
	F_SHIFT_RC,
	F_SHIFT_MI,
	F_SHX,
	F_RORX,
	F_DIV,
	F_MOV_RI,
	F_LEA,
	F_GOT,
	F_MOVZX_RR,
	F_MOVZX_RM,
	F_MOVSX_RR,
	F_MOVSX_RM,
	F_MOV_MR,
	F_MOV_MI,
	F_MOVBE_RM,
	F_MOVBE_MR,
	F_SETCC,
	F_CMOV_RR,
	F_CMOV_RM,
	F_LOCK_MR,
	F_LOCK_MI,
	F_XADD,
	F_XCHG,
	F_CMPXCHG,
	F_FETCH,
	F_ENTRY,
	F_CALL,
	F_CALL_R,
	F_TAIL,
	F_TAIL_JUMP,
	F_JCC,
	F_JMP,
	F_RET,
	F_UD2,
};

enum x86_mop {
	X86_MOP_FIRST = MOP_TARGET - 1,
#define MOP(name, text, form, code, flags) X86_##name,
#include "backend-x86/mops.def"
#undef MOP
	X86_MOP_END
};

enum x86_mop_flags { X86_MOP_C = 1, X86_MOP_S = 3, X86_MOP_R = 4 };

struct x86_mop_info {
	const char *name; /* unique, as in dumps: "add_rm" */
	u8 form, code, flags;
};

/* By op - MOP_TARGET. */
extern const struct x86_mop_info x86_mops[X86_MOP_END - MOP_TARGET];

static inline const struct x86_mop_info *x86_mop(u16 op)
{
	return &x86_mops[op - MOP_TARGET];
}

/* True if op overwrites the condition flags. COPY and SWAP do not. */
static inline bool x86_clobbers_flags(u16 op)
{
	return op >= MOP_TARGET && x86_mop(op)->flags & X86_MOP_C;
}

static inline bool x86_reads_flags(u16 op)
{
	return op >= MOP_TARGET && x86_mop(op)->flags & X86_MOP_R;
}

/* mins.aux: what the memory operand is made of. Registers are the last
 * operands of the instruction. */
enum x86_memop {
	X86_M_BASE = 1,
	X86_M_INDEX = 2,
	X86_M_FRAME = 4, /* base is r10 of the BPF frame; no M_BASE */
	X86_M_SYM = 8,	 /* RIP-relative; no other part */
};

/* ---- legal.c -------------------------------------------------------------- */

void x86_legalise(struct fn *f, const struct cg *cg);

/* ---- select.c ------------------------------------------------------------- */

struct mfn *x86_select(struct fn *f, const struct cg *cg, struct arena *a);

/* An address, matched. Values: ref 0 is absent. */
struct x86_addr {
	ref base, index;
	u8 scale;
	u8 parts; /* X86_M_FRAME, X86_M_SYM */
	u32 sym;
	i64 disp;
};

static inline struct mins *x86_op(struct sel *s, enum x86_mop op, u8 size)
{
	return sel_op(s, (u16)op, size);
}

/* The registers of a memory operand, and what else it has. */
void x86_m(struct sel *s, const struct x86_addr *a);
void x86_m_late(struct sel *s, const struct x86_addr *a);

/* ---- match.c: what instructions may swallow ------------------------------- */

/* The constant behind r, if it fits an imm32. */
bool x86_is_imm(const struct sel *s, ref r, u8 size, i32 *v);
/* Takes a load that sel_can_fold(): its address. */
struct x86_addr x86_fold(struct sel *s, ref r);
struct x86_addr x86_match(struct sel *s, ref addr, i64 off);

/* ---- compare.c: conditions ------------------------------------------------ */

void x86_lower_cmp(struct sel *s, const struct ins *i);
void x86_lower_sel(struct sel *s, const struct ins *i);
void x86_lower_br(struct sel *s, const struct ins *i);

/* ---- arith.c: values ------------------------------------------------------ */

void x86_lower_arith(struct sel *s, const struct ins *i);

/* ---- memory.c: accesses and atomics --------------------------------------- */

void x86_lower_memory(struct sel *s, const struct ins *i);

/* ---- abi.c ---------------------------------------------------------------- */

/* The frame of one function; drawing at the top of abi.c. */
struct x86_frame {
	u64 saved;	  /* callee-saved registers pushed */
	u32 npush;	  /* how many, the counter's pointer included */
	u32 size;	  /* bytes below the pushes */
	u32 fp;		  /* r10 = rsp + fp */
	bool counter;	  /* its pointer is at rsp + size */
	bool landing_pad; /* starts with endbr64 */
};

struct x86_frame x86_frame_make(const struct mfn *m, const struct cg *cg);
/* Each appends code and the CFI rows that belong to it. at: offset of p. */
u8 *x86_prologue(const struct x86_frame *f, u8 *p, u32 at, struct unit_fn *u);
u8 *x86_epilogue(
	const struct x86_frame *f, u8 *p, u32 at, bool last, struct unit_fn *u);
/* All of the epilogue but the end; then, if code follows, recall. */
u8 *x86_tear_down(
	const struct x86_frame *f, u8 *p, u32 at, bool last, struct unit_fn *u);
void x86_recall(const struct x86_frame *f, u32 at, struct unit_fn *u);
int x86_wrapper(const struct wrap *w, struct arena *a, struct unit_fn *out);

/* ---- emit.c --------------------------------------------------------------- */

int x86_emit(struct mfn *m, const struct cg *cg, struct unit_fn *out);

/* ---- tramp.c -------------------------------------------------------------- */

int x86_stub(const struct model *m, struct arena *a, struct unit_fn *out,
	struct stub_places *places);

/* ---- layout.c ------------------------------------------------------------- */

extern const struct jump_target x86_jumps;

#endif
