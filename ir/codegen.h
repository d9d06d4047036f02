/*
 * What back ends share besides selection: steps of legalisation, the rows of a
 * unit, the jumps between its blocks. Second audience of ir/.
 */
#ifndef KILN_IR_CODEGEN_H
#define KILN_IR_CODEGEN_H

#include "ir/ir.h"
#include "ir/unit.h"

/* ---- legal.c: IR -> IR --------------------------------------------------- */

/* Builds before instruction at; what it makes has type t. */
struct place {
	struct fn *f;
	u32 at;
	enum ty t;
};

ref ir_make(const struct place *p, enum op op, ref a, ref b);
ref ir_make_c(const struct place *p, enum op op, ref a, u64 c);

/* What no target has: MULHU of I32, unsigned division by a constant that is
 * multiplication and shifts, offsets beyond 32 bits. */
void legal_all(struct fn *f);

/* ---- unit.c: rows -------------------------------------------------------- */

void unit_add_rel(struct unit_fn *u, u32 off, u32 type, u32 sym, i64 addend);
/* Code from off on belongs to BPF slot insn. Offsets rise. */
void unit_add_line(struct unit_fn *u, u32 off, u32 insn);
/* A tail call, whose last `size` bytes jump. */
void unit_add_entry(struct unit_fn *u, u32 off, u8 size);
void unit_add_site(struct unit_fn *u, u32 off, u8 size, u32 sym, u32 key);
void unit_add_cfi(
	struct unit_fn *u, u32 off, enum unit_cfi_kind kind, u8 reg, i32 value);

/* ---- relax.c: jumps ------------------------------------------------------ */

/* The code of one block, before jumps have their size. At its end stands a
 * hole for the jumps, if it may need any. */
struct piece {
	u32 start, end; /* in the raw code; end includes the hole */
	bool hole;
	bool cond; /* ends in a branch to succ 0, else succ 1; else jmp succ 0 */
	u32 cc;	   /* of the branch; the target's, but bit 0 negates it */
	u32 to[2]; /* blocks */
};

/* The jumps of a target. Each has a short form and a long one that reaches
 * everywhere. off: from the start of the jump. */
struct jump_target {
	u8 hole; /* bytes of the longest branch and jump */
	u64 max; /* size of a function within which the long forms reach */
	u8 jcc_size[2], jmp_size[2]; /* short, long */
	bool (*jcc_reaches)(u32 cc, i64 off);
	bool (*jmp_reaches)(i64 off);
	u8 *(*put_jcc)(u8 *p, u32 cc, bool is_long, i64 off);
	u8 *(*put_jmp)(u8 *p, bool is_long, i64 off);
};

/* Raw code -> out->code: chooses the jumps and moves the rows of out, whose
 * offsets are raw, to where their code goes. -E2BIG if it is too long. */
int relax_jumps(struct arena *tmp, const struct buf *raw,
	const struct piece *piece, u32 n, const struct jump_target *t,
	struct unit_fn *out);

#endif
