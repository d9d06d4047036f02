/*
 * The x86-64 back end: what its files share. Order of a function's stages:
 * legal.c (IR -> IR), select.c with match.c and arith.c (IR -> MIR), the
 * shared register allocator, emit.c with abi.c (MIR -> bytes).
 */
#ifndef KILN_BACKEND_X86_X86_H
#define KILN_BACKEND_X86_X86_H

#include "backend-x86/enc.h"
#include "ir/module.h"
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

struct mfn *x86_select(struct fn *f, const struct cg *cg);

/* What selection knows of one IR value. */
struct sel_val {
	u32 root;     /* value whose register holds this one: itself, or through
		    * width changes that cost nothing */
	u32 uses;     /* of a root: by instructions that make code */
	u32 addrs;    /* those of them that are the address of an access */
	u32 vreg;     /* of a root */
	u32 epoch;    /* load: state of its region (struct sel.epoch) */
	u32 step;     /* phi: value that is the phi plus a constant, or 0 */
	u32 made;     /* floating: 1 + the latest struct sel_float, or 0 */
	bool zero_up; /* bits 32..63 of the register are zero */
	bool needed;  /* something selected so far reads the register */
	bool folded;  /* load: became part of its user */
};

/* Machine instructions of one IR instruction, in order. */
struct sel_group {
	u32 first, n; /* in mfn->ins while selecting */
	u32 pre;      /* group that must stand before this one, or 0 */
	u32 next;     /* next group of the block, or 0 */
};

/* A floating value that a block makes. */
struct sel_float {
	u32 value, vreg;
	u32 home;  /* the block */
	u32 group; /* before this group: the earliest user; 0: at its end */
	u32 next;  /* 1 + next of the block */
};

/* Selection goes backwards over blocks in reverse post-order: what nothing
 * asked for by then is not made. */
struct sel {
	struct fn *f;
	const struct cg *cg;
	struct mfn *m;
	struct arena *tmp;
	struct sel_val *val;	     /* by ref */
	vec(struct sel_group) group; /* 0 is none */
	vec(struct sel_float) flt;
	u32 *head;  /* block -> first group */
	u32 *pend;  /* block -> 1 + first of the floating values made there */
	u32 *index; /* IR block -> MIR block */
	u32 blk;    /* IR block being selected */
	u32 ins;    /* IR instruction being selected */
	u32 cur;    /* its group */
	u32 term;   /* group of the block's terminator */
	u32 want;   /* value whose flags the terminator asks for, or 0 */
	/* Counts, per region, of what may have written to it from the start of
	 * the block to here. */
	u32 epoch[REGION_COUNT];
};

/* An address, matched. Values: ref 0 is absent. */
struct x86_addr {
	ref base, index;
	u8 scale;
	u8 parts; /* X86_M_FRAME, X86_M_SYM */
	u32 sym;
	i64 disp;
};

static inline struct ins *sel_root(const struct sel *s, ref r)
{
	return &s->f->ins[s->val[r.v].root];
}

static inline u8 ty_size(u8 ty)
{
	return ty == TY_I64 ? 8 : 4;
}

/* Making machine instructions: x86_op starts one, the others add operands to
 * it in the order of mops.def; x86_imm and friends complete it. */
struct mins *x86_op(struct sel *s, enum x86_mop op, u8 size);
void sel_d(struct sel *s, u32 vreg);
void sel_d_fixed(struct sel *s, u32 vreg, enum x86_gpr r);
void sel_early(struct sel *s, u32 vreg, u8 fixed);
void sel_u(struct sel *s, u32 vreg);
void sel_u_slot(struct sel *s, u32 vreg); /* or from its spill slot */
void sel_u_fixed(struct sel *s, u32 vreg, enum x86_gpr r);
void sel_u_late(struct sel *s, u32 vreg);
void sel_t(struct sel *s, u32 vreg); /* tied to operand 0 */
void sel_t_fixed(struct sel *s, u32 vreg, enum x86_gpr r);
void x86_m(struct sel *s, const struct x86_addr *a);
void x86_m_late(struct sel *s, const struct x86_addr *a);
static inline struct mins *sel_last(struct sel *s)
{
	return &s->m->ins.v[s->m->ins.n - 1];
}

u32 sel_use(struct sel *s, ref r);   /* register of a value */
u32 sel_fresh(struct sel *s, ref r); /* the same; constants anew, here */
u32 sel_def(struct sel *s, u32 i);   /* register that i defines */
u32 sel_temp(struct sel *s);

/* ---- match.c: what instructions may swallow ------------------------------- */

/* The constant behind r, sign-extended from size bytes. */
bool sel_is_const(const struct sel *s, ref r, u8 size, i64 *v);
/* ... that fits an imm32. */
bool x86_is_imm(const struct sel *s, ref r, u8 size, i32 *v);
/* Nothing selected so far reads r after this, nor does the next round of a
 * loop: its register may be overwritten. */
bool sel_dies(const struct sel *s, ref r);
/* A pure value of this block that only the current instruction uses. */
bool sel_is_private(const struct sel *s, ref r, enum op op);
/* A load of size bytes that may move down here, into its only user. */
bool sel_can_fold(const struct sel *s, ref r, u8 size);
/* Takes it: its address. */
struct x86_addr x86_fold(struct sel *s, ref r);
struct x86_addr x86_match(struct sel *s, ref addr, i64 off);
/* r without what does not change its low size bytes. */
ref sel_low(const struct sel *s, ref r, u8 size);
/* Nothing above its low 16 bits is set. */
bool sel_is_short(const struct sel *s, ref r);
/* True if the address of sym comes from the GOT: it is not in this object, or
 * may be NULL. */
bool sel_sym_is_far(const struct cg *cg, u32 sym);
/* Regions that an instruction may write, as bits. */
u32 sel_writes(const struct ins *i);

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
	u32 npush;	  /* how many */
	u32 size;	  /* bytes below the pushes */
	u32 fp;		  /* r10 = rsp + fp */
	bool landing_pad; /* starts with endbr64 */
};

struct x86_frame x86_frame_make(const struct mfn *m, const struct cg *cg);
/* Each appends code and the CFI rows that belong to it. at: offset of p. */
u8 *x86_prologue(const struct x86_frame *f, u8 *p, u32 at, struct unit_fn *u);
u8 *x86_epilogue(
	const struct x86_frame *f, u8 *p, u32 at, bool last, struct unit_fn *u);
int x86_wrapper(const struct cg *cg, u32 body_sym, u32 enter_sym, u32 leave_sym,
	struct arena *a, struct unit_fn *out);

/* ---- emit.c --------------------------------------------------------------- */

/* The code of one block, before jumps have their size. At its end stands a
 * hole of X86_HOLE bytes for the jumps, if it may need any. */
struct x86_piece {
	u32 start, end; /* in the raw code; end includes the hole */
	bool hole;
	bool cond; /* ends in jcc to succ 0, else succ 1; else jmp succ 0 */
	u8 cc;
	u32 to[2]; /* blocks */
};

enum { X86_HOLE = 11 }; /* jcc rel32, jmp rel32 */

int x86_emit(struct mfn *m, const struct cg *cg, struct unit_fn *out);

/* ---- layout.c ------------------------------------------------------------- */

/* Raw code -> out->code: chooses the jumps and moves the rows of out, whose
 * offsets are raw, to where their code goes. -E2BIG if it is too long. */
int x86_layout(struct arena *tmp, const struct buf *raw,
	struct x86_piece *piece, u32 n, struct unit_fn *out);

#endif
