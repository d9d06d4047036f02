/*
 * Accesses in pieces: how compilers for BPF write what may be unaligned, and
 * what optimisers make whole again. Loads and stores of mixed width and
 * signedness whose pieces are shifted to their places, in either byte order,
 * and copies; now and then with a mistake, so that what looks like one access
 * is none.
 */
#include "gen.h"

enum { PIECES = 8, REGS = 4 };

struct whole {
	struct piece {
		u8 size;  /* SIZE_* */
		u8 at;	  /* bytes from the place */
		u8 shift; /* bits from the bottom of the value */
	} piece[PIECES];
	u32 n;
	u32 bytes;
	bool wide; /* put together in 64 bits */
	u8 base;
	i16 off;
};

/* ---- what and where ------------------------------------------------------ */

/* The next piece at `at`: not beyond the end, aligned where it must be. */
static u8 piece_size(
	struct gen *g, const struct whole *w, u32 at, u8 usual, bool strict)
{
	static const u8 sizes[] = {SIZE_B, SIZE_H, SIZE_W, SIZE_B};
	u8 size = chance(g, 60) ? usual : sizes[below(g, 4)];

	while (size != SIZE_B && (at + bytes_of[size] > w->bytes ||
					 (strict && at % bytes_of[size])))
		size = size == SIZE_W ? SIZE_H : SIZE_B;
	return size;
}

static void cut(struct gen *g, struct whole *w, bool strict)
{
	u8 usual = chance(g, 70) ? SIZE_B : chance(g, 70) ? SIZE_H : SIZE_W;
	bool big = chance(g, 40);
	u32 at = 0;

	for (w->n = 0; at < w->bytes; w->n++) {
		u8 size = piece_size(g, w, at, usual, strict);
		u32 n = bytes_of[size];

		w->piece[w->n] = (struct piece){
			size, (u8)at, (u8)(8 * (big ? w->bytes - at - n : at))};
		at += n;
	}
}

/* Upwards, downwards or anyhow. */
static void order(struct gen *g, struct whole *w)
{
	u32 how = below(g, 5);

	for (u32 k = 0; k < w->n && how > 1; k++) {
		u32 j = how == 2 ? below(g, w->n) : w->n - 1 - k;
		struct piece p = w->piece[k];

		if (how > 2 && j <= k)
			break;
		w->piece[k] = w->piece[j];
		w->piece[j] = p;
	}
}

static void spoil(struct gen *g, struct whole *w)
{
	struct piece *p = &w->piece[below(g, w->n)];
	u32 room = w->bytes - bytes_of[p->size] + 1;

	switch (below(g, 3)) {
	case 0: p->at = (u8)below(g, room); break;
	case 1: p->shift ^= 8; break;
	default: p->shift = (u8)below(g, 64); break;
	}
}

static bool is_strict(const struct fn *f, u8 base)
{
	return f->s.reg[base].kind == K_STACK &&
	       (f->g->opts->kernel || !f->g->wild_stack);
}

static bool pick_whole(struct fn *f, struct whole *w)
{
	static const u8 sizes[] = {2, 4, 8, 4, 8, 3, 5, 6, 7, 8};
	u32 room = 2;

	w->bytes = sizes[below(f->g, countof(sizes))];
	while (room < w->bytes)
		room *= 2;
	if (!pick_place(f, room, false, &w->base, &w->off))
		return false;
	cut(f->g, w, is_strict(f, w->base));
	order(f->g, w);
	if (chance(f->g, 20) && !is_strict(f, w->base))
		spoil(f->g, w);
	w->wide = w->bytes > 4 || chance(f->g, 60);
	return true;
}

static i16 place_of(const struct whole *w, const struct piece *p)
{
	return (i16)(w->off + p->at);
}

/* ---- loads --------------------------------------------------------------- */

static void load_piece(
	struct fn *f, const struct whole *w, const struct piece *p, u8 to)
{
	ldx(f, p->size, to, w->base, place_of(w, p));
	if (chance(f->g, 12))
		f->code[f->n - 1].code =
			(u8)(MODE_MEMSX << 5 | p->size << 3 | CLS_LDX);
}

static void swap_piece(struct fn *f, const struct piece *p, u8 reg)
{
	emit(f, chance(f->g, 50) ? 0xdc : 0xd7, reg, 0, 0,
		8 * bytes_of[p->size]);
}

static void shift_piece(
	struct fn *f, const struct whole *w, const struct piece *p, u8 reg)
{
	i32 count = p->shift & (w->wide ? 63 : 31);

	if (p->size != SIZE_B && chance(f->g, 15))
		swap_piece(f, p, reg);
	if (count)
		alu_i(f, w->wide, ALU_LSH, reg, count);
}

static void join(struct fn *f, const struct whole *w, u8 a, u8 b)
{
	static const u8 joins[] = {ALU_OR, ALU_OR, ALU_OR, ALU_ADD, ALU_XOR};

	alu_r(f, w->wide || chance(f->g, 30), joins[below(f->g, 5)], a, b);
	if (chance(f->g, 85))
		drop(f, b);
}

/* A store that may or may not hit what is being loaded. */
static void disturb(struct fn *f, const struct whole *w)
{
	const struct piece *p = &w->piece[below(f->g, w->n)];

	stx(f, p->size, w->base, place_of(w, p), num_reg(f));
}

/* In a chain or a tree: the pieces are a stack of up to REGS registers. */
bool stmt_join_load(struct fn *f)
{
	struct whole w;
	u8 r[REGS];
	u32 depth = 0, most = 2 + below(f->g, REGS - 1);
	bool disturbed = chance(f->g, 25);

	if (!take(f, (int)most, r) || !pick_whole(f, &w))
		return false;
	for (u32 k = 0; k < w.n; k++) {
		if (depth == most) {
			join(f, &w, r[depth - 2], r[depth - 1]);
			depth--;
		}
		load_piece(f, &w, &w.piece[k], r[depth]);
		shift_piece(f, &w, &w.piece[k], r[depth++]);
		if (disturbed && chance(f->g, 30))
			disturb(f, &w);
		for (; depth > 1 && chance(f->g, 50); depth--)
			join(f, &w, r[depth - 2], r[depth - 1]);
	}
	for (; depth > 1; depth--)
		join(f, &w, r[depth - 2], r[depth - 1]);
	if (chance(f->g, 15))
		emit(f, 0xd7, r[0], 0, 0, 16 << below(f->g, 3));
	return true;
}

/* ---- stores -------------------------------------------------------------- */

static void store_piece(struct fn *f, const struct whole *w,
	const struct piece *p, u8 from, u8 tmp)
{
	i32 count = p->shift & (w->wide ? 63 : 31);

	alu_r(f, w->wide || chance(f->g, 30), ALU_MOV, tmp, from);
	if (count)
		alu_i(f, w->wide, chance(f->g, 85) ? ALU_RSH : ALU_ARSH, tmp,
			count);
	if (p->size != SIZE_B && chance(f->g, 15))
		swap_piece(f, p, tmp);
	stx(f, p->size, w->base, place_of(w, p), tmp);
}

static void store_constant(
	struct fn *f, const struct whole *w, const struct piece *p)
{
	emit(f, (u8)(MODE_MEM << 5 | p->size << 3 | CLS_ST), w->base, 0,
		place_of(w, p), corner32(f->g));
}

/* A value in pieces, some of them constants, perhaps all. */
bool stmt_split_store(struct fn *f)
{
	u32 constants = chance(f->g, 80) ? 4 : chance(f->g, 50) ? 40 : 100;
	struct whole w;
	u8 r[3]; /* value, piece, what a load between finds */

	if (!take(f, 3, r))
		return false;
	alu_r(f, true, ALU_MOV, r[0], num_reg(f));
	if (!pick_whole(f, &w))
		return false;
	for (u32 k = 0; k < w.n; k++) {
		if (chance(f->g, constants))
			store_constant(f, &w, &w.piece[k]);
		else
			store_piece(f, &w, &w.piece[k], r[0], r[1]);
		if (chance(f->g, 8))
			ldx(f, SIZE_B, r[2], w.base, place_of(&w, w.piece));
	}
	if (f->s.reg[r[1]].kind == K_NUM && chance(f->g, 80))
		drop(f, r[1]);
	return true;
}

/* A value that is shifted down as its bytes go out, upwards or downwards. */
bool stmt_drain(struct fn *f)
{
	int size = chance(f->g, 80) ? SIZE_B : SIZE_H;
	i32 step = bytes_of[size], n = 2 << below(f->g, size == SIZE_B ? 3 : 2);
	bool down = chance(f->g, 40), wide = n * step > 4 || chance(f->g, 50);
	u8 base, r;
	i16 off;

	if (!pick_place(f, (u32)(n * step), false, &base, &off) ||
		!own_num(f, &r))
		return false;
	for (i32 k = 0; k < n; k++) {
		stx(f, size, base, (i16)(off + step * (down ? n - 1 - k : k)),
			r);
		alu_i(f, wide, ALU_RSH, r, 8 * step);
	}
	return true;
}

/* ---- copies -------------------------------------------------------------- */

/* The pieces of a place go to another, which may overlap it: one by one, or
 * some loads first; perhaps reversed, or stored wider or narrower. */
bool stmt_move_pieces(struct fn *f)
{
	struct whole w;
	u8 r[REGS], base;
	i16 to;
	bool back = chance(f->g, 30);
	u32 held = 1 + below(f->g, REGS);

	if (!take(f, (int)held, r) || !pick_whole(f, &w) ||
		!pick_place(f, 8, false, &base, &to))
		return false;
	for (u32 k = 0; k < w.n; k += held) {
		for (u32 j = k; j < w.n && j < k + held; j++)
			load_piece(f, &w, &w.piece[j], r[j - k]);
		for (u32 j = k; j < w.n && j < k + held; j++) {
			const struct piece *p = &w.piece[j];
			u32 n = bytes_of[p->size];
			u32 at = back ? w.bytes - p->at - n : p->at;

			if (!is_strict(f, base) || at % n == 0)
				stx(f, p->size, base, (i16)(to + (i32)at),
					r[j - k]);
		}
	}
	for (u32 k = 0; k < held; k++)
		if (f->s.reg[r[k]].kind == K_NUM && chance(f->g, 80))
			drop(f, r[k]);
	return true;
}
