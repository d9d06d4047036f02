/* Random choices of operands, and single instructions. */
#include "gen.h"

const u8 bytes_of[4] = {4, 2, 1, 8};

/* ---- numbers ------------------------------------------------------------- */

/* splitmix64 */
static u64 random64(struct gen *g)
{
	u64 z = g->rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

u32 below(struct gen *g, u32 n)
{
	return (u32)(random64(g) >> 33) % n;
}

bool chance(struct gen *g, u32 percent)
{
	return below(g, 100) < percent;
}

static const u64 corners[] = {
	0,
	1,
	2,
	3,
	7,
	8,
	31,
	32,
	33,
	63,
	64,
	65,
	100,
	0x7f,
	0x80,
	0xff,
	0x100,
	0x7fff,
	0x8000,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000000000001,
	0xffffffff00000000,
	0xffffffff80000000,
	0xffffffff7fffffff,
	0x8080808080808080,
	0x0102030405060708,
};

u64 corner64(struct gen *g)
{
	u64 v = corners[below(g, countof(corners))];

	switch (below(g, 8)) {
	case 0: return random64(g);
	case 1: return random64(g) >> below(g, 64);
	case 2: return 0 - v;
	case 3: return ~v;
	case 4: return (1ull << below(g, 64)) - below(g, 3);
	default: return v;
	}
}

i32 corner32(struct gen *g)
{
	return (i32)(u32)corner64(g);
}

/* ---- registers ----------------------------------------------------------- */

struct val val_num(void)
{
	return (struct val){.kind = K_NUM};
}

u16 writable(const struct fn *f)
{
	return (u16)(0x3ff & ~f->locked & ~f->pinned);
}

u16 regs_of_kind(const struct fn *f, u8 kind)
{
	u16 set = 0;

	for (int r = 0; r < 10; r++)
		if (f->s.reg[r].kind == kind)
			set = (u16)(set | 1 << r);
	return set;
}

/* -1 for the empty set. */
int pick_of(struct gen *g, u16 set)
{
	u32 n = (u32)__builtin_popcount(set), skip;

	if (!n)
		return -1;
	for (skip = below(g, n); skip; skip--)
		set = (u16)(set & (set - 1));
	return __builtin_ctz(set);
}

static void pin(struct fn *f, int reg)
{
	f->pinned = (u16)(f->pinned | 1 << reg);
}

bool take(struct fn *f, int n, u8 *reg)
{
	for (int k = 0; k < n; k++) {
		int r = pick_of(f->g, writable(f));

		if (r < 0)
			return false;
		reg[k] = (u8)r;
		pin(f, r);
	}
	return true;
}

/* The last number is kept. */
bool take_for_ptr(struct fn *f, u8 *reg)
{
	u16 nums = regs_of_kind(f, K_NUM);
	u16 set = (u16)(writable(f) & ~f->num_only);
	int r;

	if (!(nums & (nums - 1)))
		set = (u16)(set & ~nums);
	r = pick_of(f->g, set);
	if (r < 0)
		return false;
	*reg = (u8)r;
	pin(f, r);
	return true;
}

void set_num(struct fn *f, u8 reg)
{
	f->s.reg[reg] = val_num();
}

void lose(struct fn *f, u16 set)
{
	for (int r = 0; r < 10; r++)
		if (set >> r & 1)
			f->s.reg[r] = (struct val){0};
}

u8 num_reg(struct fn *f)
{
	return (u8)pick_of(f->g, regs_of_kind(f, K_NUM));
}

bool own_num(struct fn *f, u8 *reg)
{
	u16 ready = regs_of_kind(f, K_NUM) & writable(f);
	u8 from = num_reg(f);

	if (ready && chance(f->g, 70)) {
		*reg = (u8)pick_of(f->g, ready);
		pin(f, *reg);
		return true;
	}
	if (!take(f, 1, reg))
		return false;
	if (*reg != from)
		emit(f, 0xbf, *reg, from, 0, 0);
	set_num(f, *reg);
	return true;
}

/* ---- places -------------------------------------------------------------- */

bool is_ptr(const struct val *v)
{
	return v->kind == K_BUF || v->kind == K_STACK;
}

/* Some offset of [lo, hi - size] that an instruction can hold. */
static bool pick_offset(
	struct fn *f, const struct val *v, u32 size, bool aligned, i16 *off)
{
	i32 lo = v->lo < -32768 ? -32768 : v->lo;
	i32 hi = v->hi - (i32)size > 32767 ? 32767 : v->hi - (i32)size;
	i32 o, step = (i32)size;

	if (v->kind == K_STACK && (f->g->opts->kernel || !f->g->wild_stack))
		aligned = true;
	if (lo > hi || (aligned && v->align < size))
		return false;
	switch (below(f->g, 6)) {
	case 0: o = lo; break;
	case 1: o = hi; break;
	default: o = lo + (i32)below(f->g, (u32)(hi - lo + 1));
	}
	if (aligned || chance(f->g, 50))
		while (o < hi && (o + v->res) & (step - 1))
			o++;
	if (aligned && (o + v->res) & (step - 1))
		o -= (o + v->res) & (step - 1);
	if (o < lo)
		return false;
	*off = (i16)o;
	return true;
}

/* A pointer out of a spill slot, in some register. */
static bool reload_ptr(struct fn *f, u8 *reg)
{
	int k = (int)below(f->g, GEN_SPILLS);

	for (int n = 0; n < GEN_SPILLS; n++, k = (k + 1) % GEN_SPILLS) {
		if (!is_ptr(&f->s.slot[k]) || !take_for_ptr(f, reg))
			continue;
		ldx(f, SIZE_DW, *reg, R10, (i16)(-8 * (k + 1)));
		f->s.reg[*reg] = f->s.slot[k];
		return true;
	}
	return false;
}

static u16 pointers(const struct fn *f)
{
	return (u16)((regs_of_kind(f, K_BUF) | regs_of_kind(f, K_STACK)) &
		     ~f->pinned);
}

u8 any_ptr(struct fn *f)
{
	return (u8)pick_of(f->g, (u16)(pointers(f) | 1 << R10));
}

struct val val_moved(struct val v, i32 by)
{
	v.lo -= by;
	v.hi -= by;
	v.res = (u8)((v.res + (u32)by) & (v.align - 1u));
	return v;
}

bool pick_place(struct fn *f, u32 size, bool aligned, u8 *base, i16 *off)
{
	for (int tries = 0; tries < 4; tries++) {
		*base = any_ptr(f);
		if (*base == R10 && chance(f->g, 50))
			*base = any_ptr(f);
		if (*base == R10 && chance(f->g, 30))
			reload_ptr(f, base);
		if (!pick_offset(f, &f->s.reg[*base], size, aligned, off))
			continue;
		pin(f, *base);
		return true;
	}
	return false;
}

/* ---- instructions -------------------------------------------------------- */

u32 emit(struct fn *f, u8 code, u8 dst, u8 src, i16 off, i32 imm)
{
	if (f->n < GEN_FN_SLOTS)
		f->code[f->n++] = (struct insn){code, dst, src, off, imm};
	f->cost += f->times;
	return f->n - 1;
}

void emit_const(struct fn *f, u8 dst, u64 v)
{
	set_num(f, dst);
	if (v == (u64)(i64)(i32)v && chance(f->g, 90)) {
		emit(f, 0xb7, dst, 0, 0, (i32)v);
	} else if (!(v >> 32) && chance(f->g, 70)) {
		emit(f, 0xb4, dst, 0, 0, (i32)(u32)v);
	} else {
		emit(f, 0x18, dst, 0, 0, (i32)(u32)v);
		emit(f, 0, 0, 0, 0, (i32)(u32)(v >> 32));
	}
}

void alu_r(struct fn *f, bool wide, int op, u8 dst, u8 src)
{
	emit(f, (u8)(op << 4 | 8 | (wide ? CLS_ALU64 : CLS_ALU)), dst, src, 0,
		0);
	set_num(f, dst);
}

void alu_i(struct fn *f, bool wide, int op, u8 dst, i32 imm)
{
	emit(f, (u8)(op << 4 | (wide ? CLS_ALU64 : CLS_ALU)), dst, 0, 0, imm);
	set_num(f, dst);
}

void ldx(struct fn *f, int size, u8 dst, u8 base, i16 off)
{
	emit(f, (u8)(MODE_MEM << 5 | size << 3 | CLS_LDX), dst, base, off, 0);
	set_num(f, dst);
}

void stx(struct fn *f, int size, u8 base, i16 off, u8 src)
{
	emit(f, (u8)(MODE_MEM << 5 | size << 3 | CLS_STX), base, src, off, 0);
}

void drop(struct fn *f, u8 reg)
{
	if (f->num_only >> reg & 1)
		emit_const(f, reg, corner64(f->g));
	else
		lose(f, (u16)(1 << reg));
}

int pick_condition(struct gen *g)
{
	static const u8 ops[] = {JMP_JEQ, JMP_JGT, JMP_JGE, JMP_JSET, JMP_JNE,
		JMP_JSGT, JMP_JSGE, JMP_JLT, JMP_JLE, JMP_JSLT, JMP_JSLE};

	return ops[below(g, countof(ops))];
}

u32 emit_branch(struct fn *f)
{
	u8 class = chance(f->g, 50) ? CLS_JMP : CLS_JMP32;
	u8 code = (u8)(pick_condition(f->g) << 4 | class);
	u8 a = num_reg(f);

	if (chance(f->g, 50))
		return emit(f, code, a, 0, 0, corner32(f->g));
	return emit(f, code | 8, a, num_reg(f), 0, 0);
}

u32 emit_goto(struct fn *f)
{
	return emit(f, chance(f->g, 80) ? 0x05 : 0x06, 0, 0, 0, 0);
}

void patch_to(struct fn *f, u32 at, u32 target)
{
	i32 rel = (i32)target - (i32)at - 1;

	if (f->code[at].code == 0x06)
		f->code[at].imm = rel;
	else
		f->code[at].off = (i16)rel;
}

void patch(struct fn *f, u32 at)
{
	patch_to(f, at, f->n);
}
