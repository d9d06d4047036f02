/* Statements without control flow: arithmetic, memory, patterns, atomics. */
#include "gen.h"

static int random_size(struct gen *g)
{
	return (int)below(g, 4);
}

/* ---- arithmetic ---------------------------------------------------------- */

static i32 pick_imm(struct fn *f, int op, u32 width)
{
	bool is_shift = op == ALU_LSH || op == ALU_RSH || op == ALU_ARSH;
	i32 imm = corner32(f->g);
	static const i32 small[] = {2, 3, 5, 7, 9, 10, 12, 100, 255, 641, 1000,
		10000, -2, -3, -5, -7, -10, 0x55555556, 0x7ffffffe};

	if (is_shift && (f->g->opts->kernel || chance(f->g, 80)))
		return (i32)(below(f->g, 4) ? below(f->g, width)
					    : (u32)imm & (width - 1));
	if ((op == ALU_DIV || op == ALU_MOD || op == ALU_MUL) &&
		chance(f->g, 40))
		return small[below(f->g, countof(small))];
	if ((op == ALU_DIV || op == ALU_MOD) && !imm && f->g->opts->kernel)
		return 3;
	return imm;
}

static bool stmt_alu(struct fn *f)
{
	static const u8 ops[] = {ALU_ADD, ALU_SUB, ALU_MUL, ALU_DIV, ALU_OR,
		ALU_AND, ALU_LSH, ALU_RSH, ALU_MOD, ALU_XOR, ALU_ARSH, ALU_ADD,
		ALU_DIV, ALU_MOD, ALU_LSH, ALU_RSH, ALU_ARSH};
	bool wide = chance(f->g, 50);
	int op = ops[below(f->g, countof(ops))];
	u8 dst, src;

	if (!own_num(f, &dst))
		return false;
	if (chance(f->g, 50)) {
		alu_i(f, wide, op, dst, pick_imm(f, op, wide ? 64 : 32));
	} else {
		src = num_reg(f);
		alu_r(f, wide, op, dst, src);
	}
	if (op == ALU_DIV || op == ALU_MOD)
		f->code[f->n - 1].off = (i16)below(f->g, 2);
	return true;
}

/* Operand pairs where the operation has something to get wrong. */
static const struct {
	u8 op, off;
	u64 a, b;
} pairs[] = {
	{ALU_DIV, 1, 1ull << 63, ~0ull},
	{ALU_MOD, 1, 1ull << 63, ~0ull},
	{ALU_DIV, 1, 0x80000000, 0xffffffff},
	{ALU_MOD, 1, 0x80000000, 0xffffffff},
	{ALU_DIV, 1, 0xffffffff80000000, ~0ull},
	{ALU_MOD, 1, 0xffffffff80000000, ~0ull},
	{ALU_DIV, 1, 0x1122334480000000, 0x55667788ffffffff},
	{ALU_MOD, 1, 0x1122334480000000, 0x55667788ffffffff},
	{ALU_DIV, 0, 0xffffffff00000005, 0},
	{ALU_MOD, 0, 0xffffffff00000005, 0},
	{ALU_MOD, 1, 0xffffffff00000005, 0},
	{ALU_DIV, 0, 0xffffffff00000005, 0xffffffff00000000},
	{ALU_MOD, 0, 0xffffffff00000005, 0xffffffff00000000},
	{ALU_MOD, 1, (u64)-7, 3},
	{ALU_DIV, 1, (u64)-7, 2},
	{ALU_DIV, 0, ~0ull, ~0ull},
	{ALU_LSH, 0, 0x8000000080000001, 64},
	{ALU_LSH, 0, 0x8000000080000001, 32},
	{ALU_RSH, 0, 0x8000000080000001, 64 + 31},
	{ALU_RSH, 0, 0x8000000080000001, 0x100000000},
	{ALU_ARSH, 0, 0x8000000080000001, 63},
	{ALU_ARSH, 0, 0x7fffffff80000001, 33},
	{ALU_MUL, 0, 0xffffffff80000000, ~0ull},
	{ALU_ADD, 0, 0xffffffff7fffffff, 1},
	{ALU_SUB, 0, 0xffffffff80000000, 1},
};

/* The pair as constants, or through the frame so that nobody knows them. */
static bool stmt_corner(struct fn *f)
{
	u32 k = below(f->g, countof(pairs));
	bool wide = chance(f->g, 50), is_imm;
	u8 r[2];

	if (!take(f, 2, r))
		return false;
	emit_const(f, r[0], pairs[k].a);
	emit_const(f, r[1], pairs[k].b);
	if (chance(f->g, 70))
		for (u32 n = 0; n < 2 && f->frame > f->spills; n++) {
			stx(f, SIZE_DW, R10, (i16)-f->frame, r[n]);
			ldx(f, SIZE_DW, r[n], R10, (i16)-f->frame);
		}
	is_imm = pairs[k].b == ~0ull || (pairs[k].b && pairs[k].b < 32);
	if (is_imm && chance(f->g, 50))
		alu_i(f, wide, pairs[k].op, r[0], (i32)(u32)pairs[k].b);
	else
		alu_r(f, wide, pairs[k].op, r[0], r[1]);
	f->code[f->n - 1].off = pairs[k].off;
	return true;
}

/* What a branch jumps over: changes x, if that may be. */
static void emit_guarded(struct fn *f, u8 x)
{
	if (!(f->locked >> x & 1))
		alu_i(f, true, ALU_XOR, x, 0x55);
}

static bool stmt_const(struct fn *f)
{
	u8 dst;

	if (!take(f, 1, &dst))
		return false;
	emit_const(f, dst, corner64(f->g));
	return true;
}

/* Moves of all kinds, negation. */
static bool stmt_copy(struct fn *f)
{
	static const u8 bits[] = {0, 8, 16, 32};
	bool wide = chance(f->g, 50);
	u8 dst, src = num_reg(f);

	if (chance(f->g, 20)) {
		if (!own_num(f, &dst))
			return false;
		alu_i(f, wide, ALU_NEG, dst, 0);
		return true;
	}
	if (!take(f, 1, &dst))
		return false;
	alu_r(f, wide, ALU_MOV, dst, src);
	f->code[f->n - 1].off = bits[below(f->g, wide ? 4 : 3)];
	return true;
}

static bool stmt_swap(struct fn *f)
{
	static const u8 code[] = {0xd4, 0xdc, 0xd7};
	u8 dst;

	if (!own_num(f, &dst))
		return false;
	emit(f, code[below(f->g, 3)], dst, 0, 0, 16 << below(f->g, 3));
	return true;
}

/* A half is extended, shifted, and cut to a half again. */
static void extend_and_cut(struct fn *f, u8 dst)
{
	bool sign = chance(f->g, 50);

	alu_r(f, sign, ALU_MOV, dst, dst);
	if (sign)
		f->code[f->n - 1].off = 32;
	alu_i(f, true, chance(f->g, 50) ? ALU_RSH : ALU_ARSH, dst,
		(i32)below(f->g, 64));
	alu_r(f, false, ALU_MOV, dst, dst);
}

/* "r1 <<= 32; r1 >>= 32" of BPF v1 and its relatives; sometimes not quite. */
static bool stmt_extend(struct fn *f)
{
	static const u8 counts[] = {32, 48, 56, 32, 16, 24, 63, 33};
	bool wide = chance(f->g, 80);
	i32 n = counts[below(f->g, countof(counts))];
	i32 m = chance(f->g, 85) ? n : (i32)below(f->g, 64);
	u8 dst;

	if (!wide) {
		n &= 31;
		m &= 31;
	}
	if (!own_num(f, &dst))
		return false;
	if (chance(f->g, 20)) {
		extend_and_cut(f, dst);
		return true;
	}
	alu_i(f, wide, ALU_LSH, dst, n);
	alu_i(f, wide, chance(f->g, 50) ? ALU_RSH : ALU_ARSH, dst, m);
	return true;
}

/* The same by a number: x << n | x >> (width - n), where -n will do. */
static bool rotate_by_number(struct fn *f)
{
	bool wide = chance(f->g, 50);
	u32 width = wide ? 64 : 32;
	u8 r[4];

	if (!take(f, 4, r))
		return false;
	alu_r(f, true, ALU_MOV, r[2], num_reg(f));
	alu_r(f, wide, ALU_MOV, r[0], num_reg(f));
	alu_r(f, true, ALU_MOV, r[1], r[0]);
	emit_const(f, r[3], chance(f->g, 80) ? width : below(f->g, 100));
	if (chance(f->g, 30))
		alu_i(f, wide, ALU_AND, r[2], (i32)width - 1);
	alu_r(f, wide, ALU_LSH, r[0], r[2]);
	if (chance(f->g, 50))
		alu_i(f, wide, ALU_NEG, r[2], 0);
	else
		alu_r(f, wide, ALU_SUB, r[3], r[2]);
	alu_r(f, wide, ALU_RSH, r[1], chance(f->g, 50) ? r[3] : r[2]);
	alu_r(f, wide, ALU_OR, r[0], r[1]);
	for (u32 k = 1; k < 4; k++)
		drop(f, r[k]);
	return true;
}

/* x << k | x >> (width - k), or nearly. */
static bool stmt_rotate(struct fn *f)
{
	bool wide = chance(f->g, 50);
	u32 width = wide ? 64 : 32, k = below(f->g, width);
	u32 j = chance(f->g, 80) ? (width - k) & (width - 1)
				 : below(f->g, width);
	static const u8 joins[] = {ALU_OR, ALU_OR, ALU_ADD, ALU_XOR};
	u8 r[2];

	if (chance(f->g, 30))
		return rotate_by_number(f);
	if (!take(f, 2, r))
		return false;
	alu_r(f, wide || chance(f->g, 50), ALU_MOV, r[0], num_reg(f));
	alu_r(f, wide || chance(f->g, 50), ALU_MOV, r[1], r[0]);
	alu_i(f, wide, ALU_LSH, r[0], (i32)k);
	alu_i(f, wide, ALU_RSH, r[1], (i32)j);
	alu_r(f, wide || chance(f->g, 50), joins[below(f->g, 4)], r[0], r[1]);
	return true;
}

/* A bit field: shift and mask, in either order. */
static bool stmt_field(struct fn *f)
{
	static const i32 masks[] = {1, 3, 0xf, 0xff, 0xfff, 0xffff, 0x7fffffff,
		-1, -2, -256, 0xff00, 0xf0, -0x10000, 0x10000};
	bool wide = chance(f->g, 50);
	i32 shift = (i32)below(f->g, wide ? 64 : 32);
	i32 mask = masks[below(f->g, countof(masks))];
	int op = chance(f->g, 60)   ? ALU_RSH
		 : chance(f->g, 50) ? ALU_LSH
				    : ALU_ARSH;
	u8 dst;

	if (!own_num(f, &dst))
		return false;
	if (chance(f->g, 30))
		alu_i(f, wide, ALU_AND, dst, mask);
	alu_i(f, wide, op, dst, shift);
	if (chance(f->g, 70))
		alu_i(f, wide || chance(f->g, 50), ALU_AND, dst, mask);
	return true;
}

/* r = a < b, as compilers write it. */
static bool stmt_bool(struct fn *f)
{
	i32 no = chance(f->g, 70) ? 0 : corner32(f->g);
	i32 yes = chance(f->g, 70) ? 1 : corner32(f->g);
	u8 dst;
	u32 at;

	if (!take(f, 1, &dst))
		return false;
	if (f->s.reg[dst].kind == K_NUM && chance(f->g, 30)) {
		/* keep the old value on one way */
		at = emit_branch(f);
		alu_i(f, true, ALU_MOV, dst, no);
	} else {
		alu_i(f, chance(f->g, 70), ALU_MOV, dst, yes);
		at = emit_branch(f);
		alu_i(f, chance(f->g, 70), ALU_MOV, dst, no);
	}
	patch(f, at);
	return true;
}

/* ---- memory -------------------------------------------------------------- */

static bool stmt_load(struct fn *f)
{
	int size = random_size(f->g);
	u8 dst, base;
	i16 off;

	if (!pick_place(f, bytes_of[size], false, &base, &off) ||
		!take(f, 1, &dst))
		return false;
	if (base != R10 && !(f->locked >> base & 1) && chance(f->g, 10))
		dst = base;
	ldx(f, size, dst, base, off);
	if (size != SIZE_DW && chance(f->g, 30))
		f->code[f->n - 1].code =
			(u8)(MODE_MEMSX << 5 | size << 3 | CLS_LDX);
	return true;
}

static void store_any(struct fn *f, int size, u8 base, i16 off)
{
	if (chance(f->g, 30))
		emit(f, (u8)(MODE_MEM << 5 | size << 3 | CLS_ST), base, 0, off,
			corner32(f->g));
	else
		stx(f, size, base, off, num_reg(f));
}

static bool stmt_store(struct fn *f)
{
	int size = random_size(f->g);
	u8 base;
	i16 off;

	if (!pick_place(f, bytes_of[size], false, &base, &off))
		return false;
	store_any(f, size, base, off);
	return true;
}

/* Overlapping accesses of different sizes close together. */
static bool stmt_alias(struct fn *f)
{
	u32 n = 2 + below(f->g, 4);
	struct val *v;
	u8 base, dst;
	i16 off;

	if (!pick_place(f, 8, chance(f->g, 50), &base, &off))
		return false;
	v = &f->s.reg[base];
	for (u32 k = 0; k < n; k++) {
		int size = k ? random_size(f->g) : SIZE_DW;
		i32 o = off + (k ? (i32)below(f->g, 8) : 0);
		i32 mask = bytes_of[size] - 1;
		bool strict = v->kind == K_STACK &&
			      (f->g->opts->kernel || !f->g->wild_stack);

		if (strict || chance(f->g, 50))
			o -= (o + v->res) & mask;
		if (o < v->lo || o + mask >= v->hi || o != (i16)o ||
			(strict && v->align <= mask))
			continue;
		if (k + 1 < n && chance(f->g, 70)) {
			store_any(f, size, base, (i16)o);
			continue;
		}
		if (!take(f, 1, &dst))
			continue;
		ldx(f, size, dst, base, (i16)o);
	}
	return true;
}

/* Many values live at once: words of the frame set here, read in gather. */
static bool stmt_scatter(struct fn *f)
{
	i32 words = (f->frame - f->spills) / 8;
	u32 n = 2 + below(f->g, 12);
	u8 r;

	for (u32 k = 0; k < n && words; k++) {
		i32 off = -f->frame + 8 * (i32)below(f->g, (u32)words);

		if (!own_num(f, &r))
			return false;
		alu_i(f, true, chance(f->g, 50) ? ALU_ADD : ALU_XOR, r,
			corner32(f->g));
		stx(f, SIZE_DW, R10, (i16)off, r);
	}
	return true;
}

static bool stmt_gather(struct fn *f)
{
	i32 words = (f->frame - f->spills) / 8;
	u32 n = 2 + below(f->g, 12);
	u8 r[2];

	if (!words || !take(f, 2, r))
		return false;
	emit_const(f, r[0], corner64(f->g));
	for (u32 k = 0; k < n; k++) {
		i32 off = -f->frame + 8 * (i32)below(f->g, (u32)words);

		ldx(f, SIZE_DW, r[1], R10, (i16)off);
		alu_r(f, true, chance(f->g, 50) ? ALU_ADD : ALU_XOR, r[0],
			r[1]);
		if (chance(f->g, 50))
			alu_i(f, true, ALU_MUL, r[0], 31);
	}
	return true;
}

/* ---- pointers ------------------------------------------------------------ */

/* dst = ptr + constant, near or as far as an offset can lead back. */
static bool stmt_pointer(struct fn *f)
{
	u8 src = any_ptr(f);
	struct val v = f->s.reg[src];
	i32 by = (i32)below(f->g, 64) - 16;
	u8 dst;

	if (!take_for_ptr(f, &dst))
		return false;
	if (chance(f->g, 20))
		by = (i32)below(f->g, 65000) - 32500;
	if (chance(f->g, 50))
		by &= -8;
	if (v.lo - by < -40000 || v.hi - by > 40000)
		by = 0;
	if (dst != src)
		emit(f, 0xbf, dst, src, 0, 0);
	if (by && chance(f->g, 80))
		emit(f, 0x07, dst, 0, 0, by);
	else if (by && v.kind == K_BUF)
		emit(f, 0x17, dst, 0, 0, -by);
	else
		by = 0;
	f->s.reg[dst] = val_moved(v, by);
	return true;
}

/* t becomes some number with these bits: masked, or masked and scaled. */
static void mask_index(struct fn *f, u8 t, u8 mask)
{
	i32 scale = __builtin_ctz(mask);
	bool wide = chance(f->g, 50);

	if (!scale || chance(f->g, 40)) {
		alu_i(f, wide, ALU_AND, t, mask);
		return;
	}
	alu_i(f, wide, ALU_AND, t, mask >> scale);
	alu_i(f, true, ALU_LSH, t, scale);
}

/* dst = ptr + masked number. */
static bool stmt_index(struct fn *f)
{
	static const u8 masks[] = {1, 3, 7, 15, 31, 63, 8, 24, 56, 4, 12, 0x3e};
	u8 mask = masks[below(f->g, countof(masks))], dst, t;
	u8 src = any_ptr(f);
	struct val v = f->s.reg[src];
	u32 low = mask & (0u - mask);

	if (v.kind == K_STACK && !f->g->wild_stack)
		return false;
	if (v.kind == K_STACK && f->g->opts->kernel && mask < 8)
		return false;
	if (v.hi - mask - v.lo < 8 || !own_num(f, &t) || !take_for_ptr(f, &dst))
		return false;
	if (dst == t || src == t)
		return false;
	mask_index(f, t, mask);
	if (dst != src)
		emit(f, 0xbf, dst, src, 0, 0);
	emit(f, 0x0f, dst, t, 0, 0);
	v.hi -= mask;
	if (v.align > low) {
		v.align = (u8)low;
		v.res &= (u8)(low - 1);
	}
	f->s.reg[dst] = v;
	return true;
}

/* A pointer to a slot of the frame and back out of it later. */
static bool stmt_spill(struct fn *f)
{
	u32 n = (u32)f->spills / 8, k;
	u8 src = any_ptr(f);
	u8 dst;

	if (!n)
		return false;
	k = below(f->g, n);
	if (is_ptr(&f->s.slot[k]) && chance(f->g, 60)) {
		if (!take_for_ptr(f, &dst))
			return false;
		ldx(f, SIZE_DW, dst, R10, (i16)(-8 * (i32)(k + 1)));
		f->s.reg[dst] = f->s.slot[k];
		return true;
	}
	if (f->locked_slot >> k & 1)
		return false;
	stx(f, SIZE_DW, R10, (i16)(-8 * (i32)(k + 1)), src);
	f->s.slot[k] = f->s.reg[src];
	return true;
}

/* The distance of two pointers into the buffer is a number. */
static bool stmt_ptr_diff(struct fn *f)
{
	u16 set = 0;
	u8 dst;
	int a, b;

	for (int r = 0; r < 10; r++)
		if (f->s.reg[r].kind == K_BUF)
			set = (u16)(set | 1 << r);
	a = pick_of(f->g, set);
	b = pick_of(f->g, set);
	if (a < 0 || !take(f, 1, &dst) || dst == b)
		return false;
	if (dst != a)
		emit(f, 0xbf, dst, (u8)a, 0, 0);
	alu_r(f, true, ALU_SUB, dst, (u8)b);
	return true;
}

/* ---- atomics ------------------------------------------------------------- */

/* r0 equal to what is in memory; of 32 bits, something else above them. */
static void make_equal(struct fn *f, int size, u8 base, i16 off, u8 src)
{
	ldx(f, size, 0, base, off);
	if (size == SIZE_DW || !src || chance(f->g, 30))
		return;
	alu_i(f, true, ALU_LSH, src, 32);
	alu_r(f, true, ALU_OR, 0, src);
	emit_const(f, src, corner64(f->g));
}

/* r0 must be there for it, and not be the base. */
static bool prepare_cmpxchg(struct fn *f)
{
	if (f->locked & 1)
		return false;
	if (f->s.reg[0].kind != K_NUM)
		emit_const(f, 0, corner64(f->g));
	f->pinned |= 1;
	return true;
}

/*
 * Linux 6.18 loses the precision of what an atomic operation fetches from a
 * frame: its verifier then takes a branch for dead that is not.
 */
static bool may_fetch(const struct fn *f, u8 base)
{
	return !f->g->opts->kernel || f->s.reg[base].kind != K_STACK;
}

static bool stmt_atomic(struct fn *f)
{
	static const u8 ops[] = {ATOMIC_ADD, ATOMIC_OR, ATOMIC_AND, ATOMIC_XOR,
		ATOMIC_ADD | ATOMIC_FETCH, ATOMIC_OR | ATOMIC_FETCH,
		ATOMIC_AND | ATOMIC_FETCH, ATOMIC_XOR | ATOMIC_FETCH,
		ATOMIC_XCHG, ATOMIC_CMPXCHG, ATOMIC_CMPXCHG};
	u8 op = ops[below(f->g, countof(ops))], src, base;
	int size = chance(f->g, 50) ? SIZE_W : SIZE_DW;
	i16 off;

	if (!own_num(f, &src))
		return false;
	if (op == ATOMIC_CMPXCHG && !prepare_cmpxchg(f))
		return false;
	if (!pick_place(f, bytes_of[size], true, &base, &off))
		return false;
	if ((op & ATOMIC_FETCH) && !may_fetch(f, base))
		return false;
	if (op == ATOMIC_CMPXCHG && chance(f->g, 60))
		make_equal(f, size, base, off, src);
	emit(f, (u8)(MODE_ATOMIC << 5 | size << 3 | CLS_STX), base, src, off,
		op);
	/*
	 * Linux 6.18 forgets to zero-extend r0 behind a 32-bit cmpxchg when its
	 * verifier reaches the read of r0 only on a path that it prunes.
	 */
	if (op == ATOMIC_CMPXCHG && size == SIZE_W && f->g->opts->kernel)
		emit(f, 0xbc, 0, 0, 0, 0);
	return true;
}

/* load_acquire, store_release */
static bool stmt_ordered(struct fn *f)
{
	int size = random_size(f->g);
	u8 reg, base, code = (u8)(MODE_ATOMIC << 5 | size << 3 | CLS_STX);
	i16 off;

	if (!pick_place(f, bytes_of[size], true, &base, &off))
		return false;
	if (chance(f->g, 50)) {
		emit(f, code, base, num_reg(f), off, ATOMIC_STORE_REL);
		return true;
	}
	if (!may_fetch(f, base) || !take(f, 1, &reg))
		return false;
	emit(f, code, reg, base, off, ATOMIC_LOAD_ACQ);
	set_num(f, reg);
	return true;
}

/* A shift by a masked count; the mask may be the machine's own. */
static bool stmt_count(struct fn *f)
{
	static const u8 ops[] = {ALU_LSH, ALU_RSH, ALU_ARSH};
	static const u8 masks[] = {7, 15, 31, 31, 63, 63, 62, 127};
	u8 r[2];

	if (!own_num(f, &r[0]) || !take(f, 1, &r[1]))
		return false;
	alu_r(f, chance(f->g, 70), ALU_MOV, r[1], num_reg(f));
	alu_i(f, chance(f->g, 50), ALU_AND, r[1], masks[below(f->g, 8)]);
	if (chance(f->g, 20))
		alu_i(f, chance(f->g, 50), ALU_ADD, r[1], 32);
	alu_r(f, chance(f->g, 50), ops[below(f->g, 3)], r[0], r[1]);
	if (chance(f->g, 80))
		drop(f, r[1]);
	return true;
}

/* What is loaded is used once, right here: an operand in memory. */
static bool stmt_once(struct fn *f)
{
	static const u8 ops[] = {
		ALU_ADD, ALU_SUB, ALU_AND, ALU_OR, ALU_XOR, ALU_MUL, ALU_NEG};
	int size = random_size(f->g), op = ops[below(f->g, countof(ops))];
	bool wide = chance(f->g, 50);
	u8 base, t, x = num_reg(f);
	u32 at, class = chance(f->g, 50) ? CLS_JMP : CLS_JMP32;
	i16 off;

	f->pinned = (u16)(1 << x);
	if (!pick_place(f, bytes_of[size], false, &base, &off) ||
		!take(f, 1, &t))
		return false;
	ldx(f, size, t, base, off);
	if (size != SIZE_DW && chance(f->g, 20))
		f->code[f->n - 1].code =
			(u8)(MODE_MEMSX << 5 | size << 3 | CLS_LDX);
	switch (below(f->g, 4)) {
	case 0: /* load, operate, store */
		if (op == ALU_NEG)
			alu_i(f, wide, op, t, 0);
		else if (chance(f->g, 50))
			alu_i(f, wide, op, t, corner32(f->g));
		else
			alu_r(f, wide, op, t, x);
		stx(f, size, base, off, t);
		break;
	case 1: /* an operand of arithmetic */
		if (f->locked >> x & 1)
			break;
		alu_r(f, wide, op == ALU_NEG ? ALU_ADD : op, x, t);
		break;
	case 2: /* of a comparison, on either side */
		at = emit(f, (u8)(pick_condition(f->g) << 4 | 8 | class),
			chance(f->g, 50) ? t : x, 0, 0, 0);
		f->code[at].src = f->code[at].dst == t ? x : t;
		emit_guarded(f, x);
		patch(f, at);
		break;
	default: /* with a constant */
		at = emit(f, (u8)(pick_condition(f->g) << 4 | class), t, 0, 0,
			chance(f->g, 50) ? (i32)below(f->g, 256)
					 : corner32(f->g));
		emit_guarded(f, x);
		patch(f, at);
	}
	drop(f, t);
	return true;
}

/* Values change places: the copies at a loop's end must not overtake. */
static bool stmt_permute(struct fn *f)
{
	u16 set = regs_of_kind(f, K_NUM) & writable(f);
	u8 r[5];
	u32 n = 0;

	if (!take(f, 1, &r[0]))
		return false;
	set = (u16)(set & ~(1 << r[0]));
	for (n = 1; n < countof(r) && set; n++) {
		r[n] = (u8)pick_of(f->g, set);
		set = (u16)(set & ~(1 << r[n]));
	}
	if (n < 3)
		return false;
	alu_r(f, true, ALU_MOV, r[0], r[1]);
	for (u32 k = 1; k + 1 < n; k++)
		alu_r(f, true, ALU_MOV, r[k], r[k + 1]);
	alu_r(f, chance(f->g, 80), ALU_MOV, r[n - 1], r[0]);
	return true;
}

bool data_stmt(struct fn *f, enum stmt kind)
{
	switch (kind) {
	case ST_ALU: return stmt_alu(f);
	case ST_CONST: return stmt_const(f);
	case ST_COUNT: return stmt_count(f);
	case ST_ONCE: return stmt_once(f);
	case ST_PERMUTE: return stmt_permute(f);
	case ST_CORNER: return stmt_corner(f);
	case ST_COPY: return stmt_copy(f);
	case ST_LOAD: return stmt_load(f);
	case ST_STORE: return stmt_store(f);
	case ST_POINTER: return stmt_pointer(f);
	case ST_INDEX: return stmt_index(f);
	case ST_SPILL: return stmt_spill(f);
	case ST_PTR_DIFF: return stmt_ptr_diff(f);
	case ST_JOIN_LOAD: return stmt_join_load(f);
	case ST_SPLIT_STORE: return stmt_split_store(f);
	case ST_DRAIN: return stmt_drain(f);
	case ST_MOVE_PIECES: return stmt_move_pieces(f);
	case ST_EXTEND: return stmt_extend(f);
	case ST_ROTATE: return stmt_rotate(f);
	case ST_SWAP: return stmt_swap(f);
	case ST_FIELD: return stmt_field(f);
	case ST_BOOL: return stmt_bool(f);
	case ST_ALIAS: return stmt_alias(f);
	case ST_SCATTER: return stmt_scatter(f);
	case ST_GATHER: return stmt_gather(f);
	case ST_ATOMIC: return stmt_atomic(f);
	case ST_ORDERED: return stmt_ordered(f);
	default: return flow_stmt(f, kind);
	}
}
