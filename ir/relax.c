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

#include "ir/codegen.h"

struct spot {
	u32 start;    /* final offset */
	u32 body;     /* bytes before the jumps */
	u32 jcc, jmp; /* targets, or NONE */
	u32 cc;
	u8 jcc_size, jmp_size;
	bool jcc_long, jmp_long;
	bool gone;
};

#define NONE UINT32_MAX

struct layout {
	const struct jump_target *t;
	const struct piece *piece;
	struct spot *at;
	u32 n;
};

/* ---- where blocks end ---------------------------------------------------- */

static bool only_jumps(const struct layout *l, u32 b)
{
	const struct piece *p = &l->piece[b];

	return p->hole && !p->cond && p->end - p->start == l->t->hole;
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
		l->at[b].gone = only_jumps(l, b);
	for (u32 b = 1; b < l->n; b++) {
		u32 t = final_target(l, b);

		l->at[t].gone = false;
	}
}

static void choose(struct layout *l, u32 b, u32 next)
{
	const struct piece *p = &l->piece[b];
	struct spot *at = &l->at[b];

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
		at->jcc_size = l->t->jcc_size[0];
	}
	if (no != next) {
		at->jmp = no;
		at->jmp_size = l->t->jmp_size[0];
	}
}

static void choose_all(struct layout *l)
{
	u32 next = NONE;

	for (u32 b = l->n; b-- > 0;) {
		struct spot *at = &l->at[b];

		at->jcc = at->jmp = NONE;
		if (at->gone)
			continue;
		at->body = l->piece[b].end - l->piece[b].start -
			   (l->piece[b].hole ? l->t->hole : 0);
		choose(l, b, next);
		next = b;
	}
}

/* ---- sizes --------------------------------------------------------------- */

static u32 size_of(const struct spot *at)
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
	return off < l->t->max;
}

static bool grow_jcc(const struct layout *l, struct spot *at, bool all)
{
	i64 from = (i64)at->start + at->body;

	if (at->jcc == NONE || at->jcc_long ||
		(!all && l->t->jcc_reaches(
				 at->cc, (i64)l->at[at->jcc].start - from)))
		return false;
	at->jcc_long = true;
	at->jcc_size = l->t->jcc_size[1];
	return true;
}

static bool grow_jmp(const struct layout *l, struct spot *at, bool all)
{
	i64 from = (i64)at->start + at->body + at->jcc_size;

	if (at->jmp == NONE || at->jmp_long ||
		(!all && l->t->jmp_reaches((i64)l->at[at->jmp].start - from)))
		return false;
	at->jmp_long = true;
	at->jmp_size = l->t->jmp_size[1];
	return true;
}

/* Lets jumps grow that do not reach (all: every one); true if any did. */
static bool grow_all(struct layout *l, bool all)
{
	bool any = false;

	for (u32 b = 0; b < l->n; b++) {
		any |= grow_jcc(l, &l->at[b], all);
		any |= grow_jmp(l, &l->at[b], all);
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

/* ---- bytes --------------------------------------------------------------- */

static u8 *put_jumps(const struct layout *l, const struct spot *at, u8 *p)
{
	i64 from = (i64)at->start + at->body;

	if (at->jcc != NONE)
		p = l->t->put_jcc(p, at->cc, at->jcc_long,
			(i64)l->at[at->jcc].start - from);
	if (at->jmp != NONE)
		p = l->t->put_jmp(p, at->jmp_long,
			(i64)l->at[at->jmp].start - from - at->jcc_size);
	return p;
}

static void put_code(
	const struct layout *l, const struct buf *raw, struct buf *out)
{
	for (u32 b = 0; b < l->n; b++) {
		const struct spot *at = &l->at[b];
		u8 *p;

		if (at->gone)
			continue;
		p = buf_room(out, size_of(at));
		memcpy(p, raw->p + l->piece[b].start, at->body);
		put_jumps(l, at, p + at->body);
		out->n += size_of(at);
	}
}

/* ---- rows ---------------------------------------------------------------- */

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
	for (u32 k = 0; k < u->site.n; k++)
		u->site.v[k].off = move(l, u->site.v[k].off, &b);
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

int relax_jumps(struct arena *tmp, const struct buf *raw,
	const struct piece *piece, u32 n, const struct jump_target *t,
	struct unit_fn *out)
{
	struct layout l = {.t = t, .piece = piece, .n = n};
	int err;

	l.at = arena_array(tmp, struct spot, n);
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
