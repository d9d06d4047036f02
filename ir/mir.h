/*
 * Machine IR: what a back end's selection makes, what register allocation
 * works on, what emission reads. Second audience of ir/: back ends, mir dumps.
 *
 * Before allocation a register operand is a virtual register; afterwards it
 * is a physical one (mreg_is_slot() false) or, where OPDF_SLOT allows it, a
 * spill slot. There is one register class: 64-bit general purpose. Blocks are
 * in their final order; blk[0] is the entry and has no predecessors.
 *
 * Before allocation it is SSA: a virtual register has one definition (a DEF
 * or EARLY operand, or a phi) which dominates its uses; two-address forms are
 * tied operands, not second definitions. Parameters are fixed DEFs of an
 * instruction of the entry block. Block b is ins[first .. first + n), blocks
 * follow each other in ins, each ends with one or more MINS_TERM, which have
 * no defs. Where a block is named n times in succ, it names that block n times
 * in pred, and the order of the two is the same.
 */
#ifndef KILN_IR_MIR_H
#define KILN_IR_MIR_H

#include "ir/ir.h"

enum { PREG_NONE = 0xff };

/* A spill slot after allocation. */
#define MREG_SLOT 0x80000000u

static inline bool mreg_is_slot(u32 r)
{
	return r & MREG_SLOT;
}

enum opd_role {
	OPD_USE,  /* read at the start of the instruction */
	OPD_LATE, /* read until its end: shares no register with a def */
	OPD_DEF,  /* written at its end: may share a register with an OPD_USE */
	OPD_EARLY, /* written while uses are still read, or a temporary */
};

enum opd_flags {
	OPDF_SLOT = 1, /* may be a spill slot: the instruction has a memory
			* form for this operand (one operand at most) */
};

struct mopd {
	u32 reg;
	u8 role;
	u8 fixed; /* the physical register it must be in, or PREG_NONE */
	u8 tied;  /* DEF: 1 + index of the USE operand of this instruction
		   * whose register it takes over (two-address); 0: free */
	u8 flags;
};

/* Operations that shared code makes; a target's own start at MOP_TARGET.
 * COPY: opd 0 DEF, opd 1 USE; either may be a slot after allocation, not
 * both; size says how much of the value counts. SWAP: exchanges two physical
 * registers (opd 0, 1: USE). JMP: to succ[0], nothing if that comes next; ends
 * the blocks that allocation makes on critical edges. A conditional branch's
 * two successors may both be elsewhere than in the next block, or either in
 * it: allocation may have put such a block behind it. */
enum mop { MOP_NOP, MOP_COPY, MOP_SWAP, MOP_JMP, MOP_TARGET };

enum mins_flags {
	MINS_CALL = 1, /* clobbers target->caller_saved except its fixed defs */
	MINS_TERM = 2, /* branch, jump, return: ends the block */
	MINS_REMAT = 4,	 /* one free def, no uses: cheaper to repeat than to
			  * spill; has a form that preserves flags */
	MINS_FAULT = 8,	 /* gets an __ex_table row */
	MINS_FLAGS = 16, /* sets condition flags that a later instruction of
			   * the block reads, or reads them. On a MINS_REMAT
			   * after allocation: flags are live here, so take
			   * the form that preserves them (mov, not xor).
			   * COPY, SWAP and JMP always preserve them */
};

struct mins {
	u16 op;
	u8 size; /* operand size in bytes, target's meaning */
	u8 cc;	 /* target's condition code */
	u8 nopd;
	u8 flags;
	u8 scale; /* memory operand: index scale; target's meaning */
	u8 aux;	  /* target's */
	u32 opd;  /* first operand in mfn->opd */
	u32 insn; /* BPF slot for source lines, or INSN_NONE */
	u32 sym;  /* symbol of an address or call, or SYM_NONE */
	i32 disp; /* displacement of a memory operand */
	i64 imm;
};

struct mphi {
	u32 def;
	u32 *src; /* one virtual register per predecessor */
};

struct mblk {
	u32 first, n; /* instructions in mfn->ins; the last are MINS_TERM */
	u32 nsucc, npred;
	u32 *succ, *pred;
	u32 depth;    /* loop nesting */
	u32 loop_end; /* header: last block of its loop in block order, else 0 */
	vec(struct mphi) phi; /* empty after allocation */
	bool made;	      /* by allocation, on a critical edge */
};

struct mvreg {
	u8 size;   /* 4 or 8: how much of a spill slot counts */
	u8 hint;   /* physical register liked, or PREG_NONE */
	u32 remat; /* 1 + instruction that can be repeated, or 0 */
};

struct mfn {
	struct arena *a;
	/* of the function: */
	const char *name;
	u32 sym;      /* or SYM_NONE */
	u32 frame;    /* bytes of the BPF frame that may be addressed */
	bool counter; /* it gets a pointer to the count of tail calls */
	struct mblk *blk;
	u32 nblk;
	vec(struct mins) ins;
	vec(struct mopd) opd;
	vec(struct mvreg) vreg; /* vreg 0 is none */
	/* After allocation: */
	bool allocated;	 /* operands are physical */
	u32 nslots;	 /* spill slots of 8 bytes */
	u64 used;	 /* physical registers written anywhere */
	bool has_calls;	 /* set by selection */
	bool uses_frame; /* set by selection: addresses the BPF frame */
	void *target;	 /* what a back end keeps between select and emit */
};

/* ---- mir.c: containers, text form ---------------------------------------- */

/* No blocks yet; f may be NULL and need not live on. */
struct mfn *mir_new(struct arena *a, const struct fn *f);
void mir_blocks(struct mfn *m, u32 n); /* makes blk[0..n), empty */
u32 mir_vreg(struct mfn *m, u8 size);
/* Appends to the block that is being filled (the last instructions): set its
 * first before, its n behind. Operands are free USEs of no register, insn and
 * sym none, all else 0. The result and mir_opd() pointers hold until the next
 * mir_add. */
struct mins *mir_add(struct mfn *m, u16 op, u32 nopd);
static inline struct mopd *mir_opd(const struct mfn *m, const struct mins *i)
{
	return m->opd.v + i->opd;
}

struct mfn *mir_clone(struct arena *a, const struct mfn *m);

struct target;
void mir_print(FILE *out, const struct mfn *m, const struct target *t);

/* ---- mircheck.c: is it well formed, is it allocated right? --------------- */

/* 0, or -1 with text in buf. after NULL: the rules above for `before`. Else
 * `before` is a clone taken before mir_regalloc(after): re-derives by which
 * path each value gets to each of its uses. */
int mir_verify(const struct mfn *before, const struct mfn *after,
	const struct target *t, char *buf, size_t size);

/* ---- register allocation: see ra.h --------------------------------------- */

/* Virtual -> physical registers. Near-linear in instructions + live ranges.
 * Adds blocks on critical edges where moves are needed. mask: the registers
 * that values may live in (stress builds give few); normally t->allocatable.
 * Fixed operands may be in others, and so may what a single instruction needs
 * beyond the mask. Where m->used has callee-saved registers, the back end saves
 * them. */
void mir_regalloc(struct mfn *m, const struct target *t, u64 mask);

#endif
