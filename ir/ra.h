/*
 * Register allocation: what its files share. Nobody else includes this.
 *
 *   live.c     positions, uses, live ranges, reserved registers
 *   bundle.c   live ranges that want one register are merged into bundles
 *   regmap.c   who is in a physical register, by position
 *   regalloc.c the queue: bundles and their pieces get registers
 *   spill.c    where pieces are cut, what goes to memory, slots
 *   moves.c    the moves that all this needs
 *   rewrite.c  the final instructions and blocks
 *   parmove.c  one set of parallel moves -> instructions
 *
 * Positions. Every block has a label, every instruction follows; both are
 * numbered from 0 in block order: num(label of b) = first(b) + b, num(ins i of
 * b) = i + b + 1. Number n has two points: 2n, where uses are read and early
 * defs written, and 2n + 1, where defs are written and late uses still read.
 * Boundary n is the place before number n, at point 2n: moves go there.
 *
 *      boundary n          boundary n+1
 *          | 2n      2n+1   | 2n+2
 *      ----+---use---def----+---use---
 *
 * A range [from, to) is a set of points. A fixed operand is no part of the
 * virtual register's range: the instruction reserves the register for its
 * points, and a move at the boundary before (use) or behind (def) connects
 * the two. So a range ends at 2n for a fixed use in n and starts at 2n + 2
 * for a fixed def. The owner of a reservation may sit in that register too.
 */
#ifndef KILN_IR_RA_H
#define KILN_IR_RA_H

#include "ir/target.h"

#define RA_NONE	 UINT32_MAX
#define RA_NREGS 64

/* Where a value is: a physical register, MREG_SLOT | slot, or: */
#define LOC_NONE  UINT32_MAX
#define LOC_REMAT (UINT32_MAX - 1) /* nowhere: its def is repeated */

static inline bool loc_is_reg(u32 loc)
{
	return loc < RA_NREGS;
}

static inline bool loc_is_slot(u32 loc)
{
	return mreg_is_slot(loc) && loc < LOC_REMAT;
}

/* ---- live.c ---------------------------------------------------------------- */

struct range {
	u32 from, to;
	u32 vreg;
	/* Of a bundle only: points of its ranges before this one; where the
	 * run of touching ranges that this one is in ends, and the first range
	 * behind that run. */
	u32 len, run_to, run_next;
};

enum use_kind {
	USE_REG,  /* must be in a register at this point */
	USE_SLOT, /* may be a slot */
	USE_MOVE, /* a move reads or writes it: any place will do */
};

struct use {
	u32 pos;
	u8 kind;
	u8 preg;    /* the register that a USE_MOVE goes to or from */
	u32 hard;   /* USE_REG uses of the bundle before this one */
	u64 weight; /* until finished its own, then that of those before */
};

/* What is to know of a virtual register. */
struct vinfo {
	u32 range, nrange; /* in ra->range */
	u32 use, nuse;	   /* in ra->use */
	u32 def;	   /* number of its def; its label for a phi */
	u32 def_pos;	   /* where its range starts there */
	u32 bundle;	   /* RA_NONE: its range is empty */
	u8 def_preg;	   /* fixed, or PREG_NONE */
	bool remat;
	bool stored;	/* its slot is written behind its def */
	u64 store_cost; /* of the stores that this would save */
};

struct loop {
	u32 from, to; /* points */
	u32 parent;   /* index in ra->loop; 0 is none */
};

/* A reservation. */
struct fix {
	u32 from, to;
	u32 owner;
};

/* ---- bundle.c -------------------------------------------------------------- */

struct bundle {
	u32 range, nrange; /* in ra->brange, by position, disjoint */
	u32 use, nuse;	   /* in ra->buse, by position */
	u32 piece;	   /* list; array in ra->order after allocation */
	u32 npiece;
	u32 near; /* in ra->order: where the last search ended */
	u32 slot; /* or RA_NONE */
	u8 preg;  /* the one last given to a piece, or PREG_NONE */
};

/* ---- regalloc.c ------------------------------------------------------------ */

enum piece_state { PIECE_QUEUED, PIECE_REG, PIECE_MEM, PIECE_GONE };

/* A stretch [from, to) of a bundle that has one place. Cuts are boundaries. */
struct piece {
	u32 bundle;
	u32 from, to;
	u32 r0, r1; /* ranges, the outer ones clipped by from and to */
	u32 u0, u1; /* uses */
	u32 next;   /* of the bundle */
	u32 len;    /* points */
	u32 call;   /* the first point that a call clobbers, or to */
	float weight;
	u8 state;
	u8 preg;
	bool minimal; /* within one instruction that needs it in a register */
	bool seen;    /* by the search under way */
};

struct queued {
	u64 key;
	u32 piece;
};

/* A register that a piece may be in. */
struct cand {
	u8 preg;
	u8 rank;    /* in the target's order */
	float wish; /* what moves it would save */
	float score;
};

struct choice {
	u32 n;
	struct cand c[32]; /* best first */
};

/* ---- regmap.c -------------------------------------------------------------- */

enum { LEAF_MAX = 60 };

struct reg_ent {
	u32 from, to;
	u32 piece;
};

struct reg_leaf {
	u32 n;
	struct reg_ent e[LEAF_MAX];
};

struct reg_cur {
	u32 leaf, i;
};

/* Disjoint stretches by position: a sorted array cut in leaves. */
struct regmap {
	u32 n, cap;
	u32 *key; /* from of a leaf's first entry */
	struct reg_leaf **leaf;
	/* The last answer, which holds for all of [lo, hi): searches come in
	 * the order of the code, several for one place. */
	u32 lo, hi;
	struct reg_cur at;
};

/* The first entry that ends behind pos. */
struct reg_cur regmap_find(struct regmap *r, u32 pos);
static inline const struct reg_ent *regmap_at(
	const struct regmap *r, struct reg_cur c)
{
	return c.leaf < r->n ? &r->leaf[c.leaf]->e[c.i] : NULL;
}
static inline struct reg_cur regmap_next(
	const struct regmap *r, struct reg_cur c)
{
	if (++c.i == r->leaf[c.leaf]->n) {
		c.leaf++;
		c.i = 0;
	}
	return c;
}
void regmap_add(struct arena *a, struct regmap *r, const struct reg_ent *e);
void regmap_del(struct regmap *r, u32 from);

/* ---- moves ----------------------------------------------------------------- */

struct move {
	u32 dst, src;
	u32 vreg;
	u32 next;   /* of the same place */
	bool store; /* not needed if vreg is stored behind its def */
};

/* ---- the whole ------------------------------------------------------------- */

struct ra {
	struct arena *a;
	struct mfn *m;
	const struct target *t;
	u64 mask;
	u32 nalloc; /* length of t->alloc_order */

	/* live.c */
	u32 nnum;
	u32 *blk_of; /* number -> block */
	struct vinfo *v;
	vec(struct range) range; /* per virtual register */
	struct use *use;
	u32 *loop_of; /* block -> innermost loop */
	vec(struct loop) loop;
	vec(struct fix) fix[RA_NREGS];
	vec(u32) call; /* numbers */
	/* out-edges: for block b, edges [edge0[b], edge0[b+1]) in the order
	 * of succ: the index in the successor's pred */
	u32 *edge0, *edge_pred;

	/* bundle.c */
	vec(struct bundle) bundle;
	struct range *brange;
	struct use *buse;

	/* regalloc.c */
	vec(struct piece) piece;
	vec(struct queued) heap;
	struct regmap *map; /* by register */
	u64 used;	    /* registers given to pieces */
	/* what a piece without wishes chooses from plain_mask while
	 * plain_used are used */
	struct choice plain;
	u64 plain_mask, plain_used;
	u32 *order; /* pieces by bundle and position */

	/* moves.c: lists of moves; 0 ends */
	vec(struct move) move;
	u32 *at_boundary; /* by number; a label's: from the only predecessor */
	u32 *at_end;	  /* by block: to the only successor */
	u32 *at_edge;	  /* by edge: critical */
	/* rewrite.c, parmove.c */
	vec(struct mins) out;
	u64 written;	     /* registers, by anything */
	u32 scratch_slot[2]; /* parmove's, or RA_NONE */
	struct parmove_tab *tab;
};

static inline u32 ra_label(const struct ra *ra, u32 b)
{
	return ra->m->blk[b].first + b;
}

/* The number behind the last instruction of b. */
static inline u32 ra_end(const struct ra *ra, u32 b)
{
	return ra->m->blk[b].first + ra->m->blk[b].n + b + 1;
}

/* Estimated executions of what has this number. */
static inline u64 ra_freq(const struct ra *ra, u32 num)
{
	u32 depth = ra->m->blk[ra->blk_of[num]].depth;

	return 1ull << 3 * (depth < 10 ? depth : 10);
}

static inline struct mins *ra_ins(const struct ra *ra, u32 num)
{
	return &ra->m->ins.v[num - ra->blk_of[num] - 1];
}

static inline bool ra_is_label(const struct ra *ra, u32 num)
{
	return num == ra_label(ra, ra->blk_of[num]);
}

static inline bool opd_is_def(const struct mopd *o)
{
	return o->role == OPD_DEF || o->role == OPD_EARLY;
}

/* A tied def that takes over its use's register, in one bundle with it. Other
 * tied defs get their value by a move: both are fixed, or the use lives on and
 * the def's range starts where uses are read (live.c). */
static inline bool ra_is_tied(const struct ra *ra, const struct mopd *o)
{
	return o->tied && o->fixed == PREG_NONE && ra->v[o->reg].def_pos % 2;
}

/* live.c */
void ra_live(struct ra *ra);
u32 ra_first_term(const struct ra *ra, u32 b); /* its number */
/* The nearest point at or behind (before) pos where a cut may be: even, not
 * between the terminators of a block. */
u32 ra_boundary_up(const struct ra *ra, u32 pos);
u32 ra_boundary_down(const struct ra *ra, u32 pos);
/* bundle.c */
void ra_bundles(struct ra *ra);
/* regalloc.c */
void ra_queue(struct ra *ra, u32 piece);
/* The first of the uses lo..hi at or behind pos. */
u32 ra_use_from(const struct ra *ra, u32 lo, u32 hi, u32 pos);
/* Forgets the uses outside of the piece: fixed defs, one point before a range.
 * They state wishes, but the move that they stand for can go anywhere. */
bool ra_drop_uses(struct ra *ra, u32 piece);
/* The first point of p at which a call clobbers, or its end. */
u32 ra_first_call(const struct ra *ra, const struct piece *p);
/* Cuts a piece at pos inside it; returns the new one behind. */
u32 ra_cut(struct ra *ra, u32 piece, u32 pos);
/* The point from which on p cannot be in preg; p's end if it is free. */
u32 ra_conflict(const struct ra *ra, const struct piece *p, u8 preg);
void ra_place(struct ra *ra, u32 piece, u8 preg);
/* spill.c */
void ra_split(struct ra *ra, u32 piece, u32 conflict);
void ra_gap(struct ra *ra, u32 piece);
void ra_sort_pieces(const struct ra *ra, u32 *p, u32 n);
void ra_slots(struct ra *ra);
/* moves.c */
u32 ra_loc(const struct ra *ra, u32 vreg, u32 pos);
/* The terminators of b read no register: moves may stand before them. */
bool ra_bare_end(const struct ra *ra, u32 b);
void ra_moves(struct ra *ra);
/* Where a set of parallel moves takes place. */
struct move_place {
	u32 p0, p1;	 /* points on both sides: who lives at one of them */
	u32 insn;	 /* BPF slot for source lines */
	bool keep_flags; /* remats must preserve flags */
};

/* rewrite.c */
void ra_rewrite(struct ra *ra);
/* An instruction without operands is appended to ra->out. */
struct mins *ra_out(struct ra *ra, u16 op, const struct move_place *pl);
void ra_out_opd(struct ra *ra, u8 role, u32 reg); /* to the last one */
/* vreg's definition once more, to dst. */
void ra_remat(struct ra *ra, u32 vreg, u32 dst, const struct move_place *pl);
/* parmove.c */
/* Appends to ra->out what does the moves of the list, all at once. Their
 * destinations are distinct. */
void parmove(struct ra *ra, u32 list, const struct move_place *pl);

#endif
