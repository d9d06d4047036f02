/*
 * Selection as the back ends share it: the walk over a function (select.c),
 * what it finds out before (selvalues.c), what instructions may swallow
 * (match.c), the blocks of the result (selblocks.c). Second audience of ir/.
 */
#ifndef KILN_IR_SELECT_H
#define KILN_IR_SELECT_H

#include "ir/target.h"

struct sel;

/* What selection asks of a target. */
struct sel_target {
	const u8 *arg_regs; /* of r1..r5 */
	u8 result;	    /* of r0 */
	u8 tail_target;	    /* of a tail call's target; no callee keeps it */
	u8 counter;	    /* of the pointer to the count of tail calls */
	/* Its operations. entry: defines the parameters; call: [def] uses, aux
	 * is the number of arguments; call_ptr: the same, the address before
	 * the arguments; tail, tail_jump: see lower_tail() in select.c; ret: one use. */
	u16 entry, call, call_ptr, tail, tail_jump, ret, jmp, trap;
	/* One instruction that is not a call or an end of a block other than
	 * BR: its machine instructions. */
	void (*lower)(struct sel *s, const struct ins *i);
	/* vreg = constant or address i */
	void (*make_float)(struct sel *s, const struct ins *i, u32 vreg);
	/* Only if it sets sel.want. A group that sets the flags as the value
	 * sel.want asks; the group g of instruction i has just been made before
	 * who reads them. */
	void (*make_test)(struct sel *s);
	void (*settle_flags)(struct sel *s, u32 g, u32 i);
};

/* What selection knows of one IR value. */
struct sel_val {
	u32 root;     /* value whose register holds this one: itself, or through
		    * width changes that cost nothing */
	u32 uses;     /* of a root: by instructions that make code */
	u32 addrs;    /* those of them that are the address of an access */
	u32 vreg;     /* of a root */
	u32 epoch;    /* load: state of its region (struct sel.epoch) */
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
	const struct sel_target *t;
	struct mfn *m;
	struct arena *tmp;
	struct sel_val *val;	     /* by ref */
	vec(struct sel_group) group; /* 0 is none */
	vec(struct sel_float) flt;
	u32 *head;    /* block -> first group */
	u32 *pend;    /* block -> 1 + first of the floating values made there */
	u32 *hoisted; /* header -> floating values made outside of its loop */
	u32 *index;   /* IR block -> MIR block */
	u32 blk;      /* IR block being selected */
	u32 ins;      /* IR instruction being selected */
	u32 cur;      /* its group */
	u32 term;     /* group of the block's terminator */
	u32 want;     /* value whose flags the terminator asks for, or 0 */
	/* Counts, per region, of what may have written to it from the start of
	 * the block to here. */
	u32 epoch[REGION_COUNT];
};

static inline struct ins *sel_root(const struct sel *s, ref r)
{
	return &s->f->ins[s->val[r.v].root];
}

static inline u8 ty_size(u8 ty)
{
	return ty == TY_I64 ? 8 : 4;
}

/* ---- select.c: the walk -------------------------------------------------- */

struct mfn *sel_run(struct fn *f, const struct cg *cg,
	const struct sel_target *t, struct arena *a);

/* Making machine instructions: sel_op starts one, the others add operands to
 * it in the order that the operation wants; what they return or set last
 * holds until the next. */
struct mins *sel_op(struct sel *s, u16 op, u8 size);
void sel_operand(struct sel *s, u32 vreg, u8 role);
void sel_d(struct sel *s, u32 vreg);
void sel_d_fixed(struct sel *s, u32 vreg, u8 r);
void sel_early(struct sel *s, u32 vreg, u8 fixed);
void sel_u(struct sel *s, u32 vreg);
void sel_u_slot(struct sel *s, u32 vreg); /* or from its spill slot */
void sel_u_fixed(struct sel *s, u32 vreg, u8 r);
void sel_u_late(struct sel *s, u32 vreg);
void sel_t(struct sel *s, u32 vreg); /* tied to operand 0 */
void sel_t_fixed(struct sel *s, u32 vreg, u8 r);
static inline struct mins *sel_last(struct sel *s)
{
	return &s->m->ins.v[s->m->ins.n - 1];
}

u32 sel_use(struct sel *s, ref r);   /* register of a value */
u32 sel_fresh(struct sel *s, ref r); /* the same; constants anew, here */
u32 sel_def(struct sel *s, u32 i);   /* register that i defines */
u32 sel_temp(struct sel *s);

u32 sel_group_begin(struct sel *s);
void sel_group_end(struct sel *s, u32 g);
/* Before everything of the block so far. */
void sel_group_prepend(struct sel *s, u32 g);

/* ---- selvalues.c: before the walk ---------------------------------------- */

void sel_prepare(struct sel *s, const u32 *rpo, u32 n);

/* ---- selblocks.c: blocks, before and after ------------------------------- */

void sel_make_blocks(struct sel *s);
void sel_finish_blocks(struct sel *s);

/* ---- match.c: what instructions may swallow ------------------------------ */

/* The constant behind r, sign-extended from size bytes. */
bool sel_is_const(const struct sel *s, ref r, u8 size, i64 *v);
/* Nothing selected so far reads r after this, nor does the next round of a
 * loop: its register may be overwritten. */
bool sel_dies(const struct sel *s, ref r);
/* A pure value of this block that only the current instruction uses. */
bool sel_is_private(const struct sel *s, ref r, enum op op);
/* A load of size bytes that may move down here, into its only user. */
bool sel_can_fold(const struct sel *s, ref r, u8 size);
/* r = *x + c, and x may stand for r: r is only computed for addresses. */
bool sel_is_offset(const struct sel *s, ref r, ref *x, i64 *c);
/* r without what does not change its low size bytes. */
ref sel_low(const struct sel *s, ref r, u8 size);
/* A shift count without the mask that CPUs apply themselves. */
ref sel_shift_count(const struct sel *s, ref count, u8 size);
/* Nothing above its low 16 bits is set. */
bool sel_is_short(const struct sel *s, ref r);
/* True if the address of sym comes from the GOT: it is not in this object, or
 * may be NULL. */
bool sel_sym_is_far(const struct cg *cg, u32 sym);
/* Regions that an instruction may write, as bits. */
u32 sel_writes(const struct ins *i);

#endif
