/*
 * Jumps. Each block's code ends in a hole (emit.c); here it becomes nothing,
 * one jump or two, short or long, and the rows move along.
 *
 * Blocks that only jump on vanish. All jumps start short; those that do not
 * reach grow and never shrink again, so the rounds end; after a few of them
 * whatever is left grows at once.
 */
#include <errno.h>
#include <string.h>

#include "backend-x86/x86.h"

enum { SHORT = 2, LONG_JCC = 6, LONG_JMP = 5 };

struct place {
	u32 start;    /* final offset */
	u32 body;     /* bytes before the jumps */
	u32 jcc, jmp; /* targets, or NONE */
	u8 cc;
	u8 jcc_size, jmp_size;
	bool gone;
};

#define NONE UINT32_MAX

struct layout {
	const struct x86_piece *piece;
	struct place *at;
	u32 n;
};

/* ---- where blocks end ------------------------------------------------------------ */

static bool only_jumps(const struct x86_piece *p)
{
	return p->hole && !p->cond && p->end - p->start == X86_HOLE;
}

/* Follows blocks that only jump; a cycle of such is entered somewhere. */
static u32 final_target(const struct layout *l, u32 b)
{
	enum { STEPS = 16 };

	for (u32 k = 0; k < STEPS && l->at[b].gone; k++)
		b = l->piece[b].to[0];
	return b;
}

/* Keeps the entry, and of each cycle of empty blocks one. */
static void drop_empty(struct layout *l)
{
	for (u32 b = 1; b < l->n; b++)
		l->at[b].gone = only_jumps(&l->piece[b]);
	for (u32 b = 1; b < l->n; b++) {
		u32 t = final_target(l, b);

		l->at[t].gone = false;
	}
}

static void choose(struct layout *l, u32 b, u32 next)
{
	const struct x86_piece *p = &l->piece[b];
	struct place *at = &l->at[b];

	at->jcc = at->jmp = NONE;
	if (!p->hole)
		return;
	u32 yes = final_target(l, p->to[0]);
	u32 no = p->cond ? final_target(l, p->to[1]) : yes;

	at->cc = p->cc;
	if (yes != no && yes == next) {
		at->cc ^= 1;
		yes = no;
		no = next;
	}
	if (yes != no) {
		at->jcc = yes;
		at->jcc_size = SHORT;
	}
	if (no != next) {
		at->jmp = no;
		at->jmp_size = SHORT;
	}
}

static void choose_all(struct layout *l)
{
	u32 next = NONE;

	for (u32 b = l->n; b-- > 0;) {
		struct place *at = &l->at[b];

		at->jcc = at->jmp = NONE;
		if (at->gone)
			continue;
		at->body = l->piece[b].end - l->piece[b].start -
			   (l->piece[b].hole ? X86_HOLE : 0);
		choose(l, b, next);
		next = b;
	}
}

/* ---- sizes ------------------------------------------------------------------------- */

static u32 size_of(const struct place *at)
{
	return at->gone ? 0 : at->body + at->jcc_size + at->jmp_size;
}

/* False if the code does not fit the reach of a jump. */
static bool place_all(struct layout *l)
{
	u64 off = 0;

	for (u32 b = 0; b < l->n; b++) {
		l->at[b].start = (u32)off;
		off += size_of(&l->at[b]);
	}
	return off < INT32_MAX;
}

static bool grow(
	const struct layout *l, u32 to, u32 end, u8 *size, u8 large, bool all)
{
	if (to == NONE || *size != SHORT ||
		(!all && fits_i8((i64)l->at[to].start - (i64)end)))
		return false;
	*size = large;
	return true;
}

/* Lets jumps grow that do not reach (all: every one); true if any did. */
static bool grow_all(struct layout *l, bool all)
{
	bool any = false;

	for (u32 b = 0; b < l->n; b++) {
		struct place *at = &l->at[b];
		u32 end = at->start + at->body + at->jcc_size;

		any |= grow(l, at->jcc, end, &at->jcc_size, LONG_JCC, all);
		end += at->jmp_size;
		any |= grow(l, at->jmp, end, &at->jmp_size, LONG_JMP, all);
	}
	return any;
}

static int relax(struct layout *l)
{
	enum { ROUNDS = 12 };

	for (u32 round = 0;; round++) {
		if (!place_all(l))
			return -E2BIG;
		if (!grow_all(l, round >= ROUNDS))
			return 0;
	}
}

/* ---- bytes -------------------------------------------------------------------------- */

static u8 *put_jumps(const struct layout *l, const struct place *at, u8 *p)
{
	i64 end = (i64)at->start + at->body + at->jcc_size;
	enum x86_cc cc = (enum x86_cc)at->cc;

	if (at->jcc != NONE) {
		i32 rel = (i32)(l->at[at->jcc].start - end);

		p = at->jcc_size == SHORT ? x86_jcc_rel8(p, cc, (i8)rel)
					  : x86_jcc_rel32(p, cc, rel);
	}
	if (at->jmp != NONE) {
		i32 rel = (i32)(l->at[at->jmp].start - end - at->jmp_size);

		p = at->jmp_size == SHORT ? x86_jmp_rel8(p, (i8)rel)
					  : x86_jmp_rel32(p, rel);
	}
	return p;
}

static void put_code(
	const struct layout *l, const struct buf *raw, struct buf *out)
{
	for (u32 b = 0; b < l->n; b++) {
		const struct place *at = &l->at[b];
		u8 *p;

		if (at->gone)
			continue;
		p = buf_room(out, size_of(at));
		memcpy(p, raw->p + l->piece[b].start, at->body);
		put_jumps(l, at, p + at->body);
		out->n += size_of(at);
	}
}

/* ---- rows ---------------------------------------------------------------------------- */

/* Raw offset -> final one; *b is the block of the offset before. Offsets
 * rise. What lies in the hole is at its start. */
static u32 move(const struct layout *l, u32 off, u32 *b)
{
	while (*b + 1 < l->n && off >= l->piece[*b + 1].start)
		(*b)++;
	u32 in = off - l->piece[*b].start;

	return l->at[*b].start +
	       (l->at[*b].gone || in > l->at[*b].body ? l->at[*b].body : in);
}

static void move_rows(const struct layout *l, struct unit_fn *u)
{
	u32 b = 0;

	for (u32 k = 0; k < u->rel.n; k++)
		u->rel.v[k].off = move(l, u->rel.v[k].off, &b);
	b = 0;
	for (u32 k = 0; k < u->line.n; k++)
		u->line.v[k].off = move(l, u->line.v[k].off, &b);
	b = 0;
	for (u32 k = 0; k < u->cfi.n; k++)
		u->cfi.v[k].off = move(l, u->cfi.v[k].off, &b);
	b = 0;
	for (u32 k = 0; k < u->fault.n; k++) {
		u32 end = b;

		u->fault.v[k].insn = move(l, u->fault.v[k].insn, &b);
		end = b;
		u->fault.v[k].fixup = move(l, u->fault.v[k].fixup, &end);
	}
}

/* Of rows at one offset the last counts; jumps that vanished leave some. */
static void merge_lines(struct unit_fn *u)
{
	u32 n = 0;

	for (u32 k = 0; k < u->line.n; k++) {
		struct unit_line row = u->line.v[k];

		if (n && u->line.v[n - 1].off == row.off)
			n--;
		if (n && u->line.v[n - 1].insn == row.insn)
			continue;
		u->line.v[n++] = row;
	}
	while (n && u->line.v[n - 1].off >= u->code.n)
		n--;
	u->line.n = n;
}

int x86_layout(struct arena *tmp, const struct buf *raw,
	struct x86_piece *piece, u32 n, struct unit_fn *out)
{
	struct layout l = {.piece = piece, .n = n};
	int err;

	l.at = arena_array(tmp, struct place, n);
	drop_empty(&l);
	choose_all(&l);
	err = relax(&l);
	if (err)
		return err;
	put_code(&l, raw, &out->code);
	move_rows(&l, out);
	merge_lines(out);
	return 0;
}
