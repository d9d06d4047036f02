/* Statements with control flow: branches, loops, calls. */
#include <string.h>

#include "gen.h"

enum {
	NESTING = 3,
	COST = 30000, /* instructions of one call of one function, at most */
	COST_KERNEL = 4000,
	LOOP_HELPER = 181, /* bpf_loop */
};

/* What is known where two ways come together: what both agree on. */
static void meet_val(struct val *a, const struct val *b)
{
	if (a->kind != b->kind || a->align != b->align || a->res != b->res ||
		a->lo != b->lo || a->hi != b->hi)
		*a = (struct val){0};
}

static void meet(struct state *a, const struct state *b)
{
	for (int r = 0; r < 10; r++)
		meet_val(&a->reg[r], &b->reg[r]);
	for (int k = 0; k < GEN_SPILLS; k++)
		meet_val(&a->slot[k], &b->slot[k]);
}

static void body(struct fn *f, u32 most)
{
	f->depth++;
	statements(f, 1 + below(f->g, most));
	f->depth--;
}

/* ---- branches ------------------------------------------------------------ */

static bool stmt_if(struct fn *f)
{
	struct state before;
	u32 at;

	if (f->depth >= NESTING)
		return false;
	at = emit_branch(f);
	before = f->s;
	body(f, 5);
	meet(&f->s, &before);
	patch(f, at);
	return true;
}

static bool stmt_if_else(struct fn *f)
{
	struct state before, then;
	u32 at, end;

	if (f->depth >= NESTING)
		return false;
	at = emit_branch(f);
	before = f->s;
	body(f, 4);
	end = emit_goto(f);
	patch(f, at);
	then = f->s;
	f->s = before;
	body(f, 4);
	meet(&f->s, &then);
	patch(f, end);
	return true;
}

/* A forward jump over a few instructions, taken or not by a constant. */
static bool stmt_skip(struct fn *f)
{
	struct state before = f->s;
	u32 at;

	if (f->depth >= NESTING || f->g->opts->kernel) {
		emit(f, chance(f->g, 70) ? 0x05 : 0x06, 0, 0, 0,
			0); /* to the next */
		return true;
	}
	at = emit_goto(f);
	body(f, 2);
	f->s = before;
	patch(f, at);
	return true;
}

/* The same expression twice, with something between. */
static bool stmt_repeat(struct fn *f)
{
	static const u8 ops[] = {
		ALU_ADD, ALU_SUB, ALU_MUL, ALU_XOR, ALU_AND, ALU_DIV, ALU_RSH};
	int op = ops[below(f->g, countof(ops))];
	bool wide = chance(f->g, 50);
	u8 a = num_reg(f), b = num_reg(f), r;

	for (int n = 0; n < 2; n++) {
		f->pinned = (u16)(1 << a | 1 << b);
		if (f->s.reg[a].kind != K_NUM || f->s.reg[b].kind != K_NUM ||
			!take(f, 1, &r))
			return true;
		alu_r(f, true, ALU_MOV, r, a);
		alu_r(f, wide, op, r, b);
		if (!n && f->depth < NESTING)
			body(f, 2);
	}
	return true;
}

/* Tests of a value whose range is known, some of them redundant. */
static bool stmt_range(struct fn *f)
{
	static const i32 masks[] = {1, 7, 0xf, 0x3f, 0xff, 0xffff, 0x7fffffff};
	static const u8 ops[] = {JMP_JEQ, JMP_JGT, JMP_JGE, JMP_JNE, JMP_JSGT,
		JMP_JSGE, JMP_JLT, JMP_JLE, JMP_JSLT, JMP_JSLE};
	i32 mask = masks[below(f->g, countof(masks))];
	u32 at[3], n = 1 + below(f->g, 3);
	struct state out;
	u8 r;

	if (f->depth >= NESTING || !own_num(f, &r))
		return false;
	alu_i(f, chance(f->g, 50), ALU_AND, r, mask);
	out = f->s;
	for (u32 k = 0; k < n; k++) {
		u32 part = (u32)(mask / (i32)(1 + below(f->g, 4)));
		i32 bound = (i32)(part + below(f->g, 3) - 1); /* may wrap */
		int class = chance(f->g, 50) ? CLS_JMP : CLS_JMP32;

		at[k] = emit(f,
			(u8)(ops[below(f->g, countof(ops))] << 4 | class), r, 0,
			0, bound);
		meet(&out, &f->s);
		f->locked = (u16)(f->locked | 1 << r);
		body(f, 1);
		f->locked = (u16)(f->locked & ~(1 << r));
	}
	meet(&f->s, &out);
	for (u32 k = 0; k < n; k++)
		patch(f, at[k]);
	return true;
}

/* One arm of a switch; false when it falls into the next one. */
static bool switch_arm(struct fn *f, u8 result, struct state *out, u32 *end)
{
	emit_const(f, result, corner64(f->g));
	if (chance(f->g, 30))
		body(f, 2);
	if (chance(f->g, 15))
		return false;
	meet(out, &f->s);
	*end = emit_goto(f);
	return true;
}

/* A chain of comparisons of one value with constants. */
static bool stmt_switch(struct fn *f)
{
	u32 n = 2 + below(f->g, 6), test[8], end[8], ends = 0;
	u32 first = below(f->g, 8);
	bool wide = chance(f->g, 50), dense = chance(f->g, 70), leaves = true;
	struct state before, out;
	u8 r[2];

	if (f->depth >= NESTING || !take(f, 2, r))
		return false;
	alu_r(f, wide, ALU_MOV, r[0], num_reg(f));
	if (chance(f->g, 80))
		alu_i(f, wide, ALU_AND, r[0], 7);
	for (u32 k = 0; k < n; k++)
		test[k] = emit(f, wide ? 0x15 : 0x16, r[0], 0, 0,
			dense ? (i32)(first + k) : corner32(f->g));
	before = f->s;
	emit_const(f, r[1], corner64(f->g));
	out = f->s;
	end[ends++] = emit_goto(f);
	for (u32 k = 0; k < n; k++) {
		if (leaves)
			f->s = before;
		else
			meet(&f->s, &before);
		patch(f, test[k]);
		leaves = switch_arm(f, r[1], &out, &end[ends]);
		ends += leaves;
	}
	if (leaves)
		f->s = out;
	else
		meet(&f->s, &out);
	for (u32 k = 0; k < ends; k++)
		patch(f, end[k]);
	return true;
}

/* ---- loops --------------------------------------------------------------- */

/*
 * What holds at the head must hold at the end of the body too: a pointer that
 * stays known is locked, a number stays a number, and what a call in the body
 * destroys is given up before.
 */
static void enter_loop(struct fn *f)
{
	u16 call_regs = 0x3f & ~f->locked;

	f->no_calls = f->no_calls || (f->locked & 0x3f) || chance(f->g, 50);
	if (!f->no_calls)
		lose(f, call_regs);
	for (int r = 0; r < 10; r++) {
		if (is_ptr(&f->s.reg[r]) && !(f->locked >> r & 1) &&
			(chance(f->g, 70) ||
				__builtin_popcount(f->locked) >= 4))
			lose(f, (u16)(1 << r));
		if (is_ptr(&f->s.reg[r]))
			f->locked = (u16)(f->locked | 1 << r);
		else if (f->s.reg[r].kind == K_NUM)
			f->num_only = (u16)(f->num_only | 1 << r);
	}
	for (int k = 0; k < GEN_SPILLS; k++)
		if (f->s.slot[k].kind)
			f->locked_slot = (u16)(f->locked_slot | 1 << k);
}

struct counter {
	bool in_slot;
	u8 reg;
	i16 slot;
	bool wide;
	bool down;
	i32 n, step;
};

static bool place_counter(struct fn *f, struct counter *c)
{
	u16 set = writable(f) & ~f->num_only & 0x3c0;
	u32 k = f->spills ? below(f->g, (u32)f->spills / 8) : 0;
	int r;

	c->wide = chance(f->g, 50);
	c->down = chance(f->g, 40);
	c->step = chance(f->g, 70) ? 1 : 1 + (i32)below(f->g, 3);
	c->n = c->step * (1 + (i32)below(f->g, f->g->opts->kernel ? 4 : 7));
	c->in_slot = chance(f->g, 40) && f->spills && !f->s.slot[k].kind &&
		     !(f->locked_slot >> k & 1);
	if (c->in_slot) {
		c->slot = (i16)(-8 * (i32)(k + 1));
		f->s.slot[k].kind = K_NUM;
		return true;
	}
	if (__builtin_popcount(writable(f)) < 6)
		return false;
	r = pick_of(f->g, set);
	c->reg = (u8)r;
	return r >= 0;
}

static void start_counter(struct fn *f, const struct counter *c)
{
	i32 v = c->down ? c->n : 0;

	if (c->in_slot) {
		emit(f, 0x7a, R10, 0, c->slot, v);
		return;
	}
	alu_i(f, c->wide, ALU_MOV, c->reg, v);
	f->locked = (u16)(f->locked | 1 << c->reg);
}

/* Steps the counter; jumps back while it has not arrived. */
static void close_loop(struct fn *f, const struct counter *c, u32 head)
{
	static const u8 up[] = {JMP_JLT, JMP_JNE, JMP_JSLT};
	static const u8 down[] = {JMP_JNE, JMP_JSGT, JMP_JGT};
	int class = c->wide ? CLS_JMP : CLS_JMP32;
	int op = c->down ? down[below(f->g, 3)] : up[below(f->g, 3)];
	u8 r = c->reg;
	u32 at;

	if (c->in_slot)
		ldx(f, SIZE_DW, r, R10, c->slot);
	if (chance(f->g, 50))
		alu_i(f, c->wide, ALU_ADD, r, c->down ? -c->step : c->step);
	else
		alu_i(f, c->wide, ALU_SUB, r, c->down ? c->step : -c->step);
	if (c->in_slot)
		stx(f, SIZE_DW, R10, c->slot, r);
	at = emit(f, (u8)(op << 4 | class), r, 0, 0, c->down ? 0 : c->n);
	patch_to(f, at, head);
}

struct saved {
	u16 locked, num_only, locked_slot;
	bool no_calls;
	u32 brk[8], nbrk;
	struct state brk_state;
};

static struct saved save(const struct fn *f)
{
	struct saved s = {.locked = f->locked,
		.num_only = f->num_only,
		.locked_slot = f->locked_slot,
		.no_calls = f->no_calls,
		.nbrk = f->nbrk,
		.brk_state = f->brk_state};

	memcpy(s.brk, f->brk, sizeof(s.brk));
	return s;
}

static void restore(struct fn *f, const struct saved *s)
{
	f->locked = s->locked;
	f->num_only = s->num_only;
	f->locked_slot = s->locked_slot;
	f->no_calls = s->no_calls;
	f->nbrk = s->nbrk;
	f->brk_state = s->brk_state;
	memcpy(f->brk, s->brk, sizeof(f->brk));
}

static void add_break(struct fn *f, u32 at)
{
	if (!f->nbrk)
		f->brk_state = f->s;
	else
		meet(&f->brk_state, &f->s);
	f->brk[f->nbrk++] = at;
}

/*
 * Words that one round of a loop leaves to the next: written before it, read at
 * its head, written again somewhere in it, perhaps by a loop inside.
 */
static void pick_carry(struct fn *f)
{
	i32 words = (f->frame - f->spills) / 8;

	f->carry = 0;
	if (!words || chance(f->g, 50))
		return;
	f->carry = (i16)(-f->frame + 8 * (i32)below(f->g, (u32)words));
	if (chance(f->g, 40)) /* so that it stays in memory */
		emit(f, 0xdb, R10, num_reg(f), f->carry, ATOMIC_ADD);
	stx(f, SIZE_DW, R10, f->carry, num_reg(f));
}

static void read_carry(struct fn *f)
{
	u8 r;

	f->pinned = 0;
	if (f->carry && chance(f->g, 70) && take(f, 1, &r))
		ldx(f, SIZE_DW, r, R10, f->carry);
}

static void write_carry(struct fn *f, i16 carry)
{
	int size = chance(f->g, 70) ? SIZE_DW : SIZE_W;

	if (!regs_of_kind(f, K_NUM))
		return;
	if (carry && chance(f->g, 40))
		stx(f, size, R10, carry, num_reg(f));
}

static bool open_loops(const struct gen *g)
{
	return !g->opts->kernel || g->opts->kernel_loops;
}

static bool stmt_loop(struct fn *f)
{
	struct saved s = save(f);
	u64 limit = f->g->opts->kernel ? COST_KERNEL : COST, times = f->times;
	i16 outer = f->carry;
	struct counter c;
	u32 head;

	if (f->depth >= NESTING || f->loops >= 2 || f->cost > limit ||
		!place_counter(f, &c))
		return false;
	start_counter(f, &c);
	pick_carry(f);
	enter_loop(f);
	head = f->n;
	f->nbrk = 0;
	f->loops++;
	f->times *= (u64)(c.n / c.step);
	f->pinned = 0;
	if (chance(f->g, 20) && open_loops(f->g))
		add_break(f, emit(f, 0xe5, 0, 0, 0, 0)); /* may_goto */
	read_carry(f);
	write_carry(f, outer);
	body(f, 5);
	write_carry(f, f->carry);
	f->carry = outer;
	f->pinned = 0;
	if (c.in_slot && !take(f, 1, &c.reg))
		c.reg = 0; /* never: at least six are writable */
	close_loop(f, &c, head);
	if (f->nbrk)
		meet(&f->s, &f->brk_state);
	for (u32 k = 0; k < f->nbrk; k++)
		patch(f, f->brk[k]);
	f->loops--;
	f->times = times;
	restore(f, &s);
	if (c.in_slot)
		f->s.slot[-c.slot / 8 - 1] = (struct val){0};
	return true;
}

/* Loads or stores at this point of a nest of loops, now and then. */
static void touch(struct fn *f, u8 base, i16 off, u8 value, u8 acc)
{
	int size = chance(f->g, 70) ? SIZE_DW : (int)below(f->g, 3);

	switch (below(f->g, 6)) {
	case 0: stx(f, size, base, off, acc); break;
	case 1:
		ldx(f, size, value, base, off);
		alu_r(f, true, ALU_XOR, acc, value);
		break;
	case 2: alu_i(f, true, ALU_ADD, acc, 1); break;
	default: break;
	}
}

/*
 * Two loops and one word of memory: what one round, or the loop inside, leaves
 * there is what another one finds.
 */
static bool stmt_nest(struct fn *f)
{
	u8 r[4], base; /* accumulator, value, the two counters */
	u32 outer, inner, n = 1 + below(f->g, 3), m = 1 + below(f->g, 3);
	i16 off;

	if (f->depth >= NESTING || f->cost > COST_KERNEL ||
		!pick_place(f, 8, true, &base, &off) || !own_num(f, &r[0]) ||
		!take(f, 3, r + 1))
		return false;
	if (chance(f->g, 40)) /* so that it stays in memory */
		emit(f, 0xdb, base, r[0], off, ATOMIC_ADD);
	emit_const(f, r[1], corner64(f->g));
	stx(f, SIZE_DW, base, off, r[1]);
	alu_i(f, true, ALU_MOV, r[2], (i32)n);
	outer = f->n;
	touch(f, base, off, r[1], r[0]);
	touch(f, base, off, r[1], r[0]);
	alu_i(f, true, ALU_MOV, r[3], (i32)m);
	inner = f->n;
	touch(f, base, off, r[1], r[0]);
	touch(f, base, off, r[1], r[0]);
	alu_i(f, true, ALU_SUB, r[3], 1);
	patch_to(f, emit(f, 0x55, r[3], 0, 0, 0), inner);
	touch(f, base, off, r[1], r[0]);
	alu_i(f, true, ALU_SUB, r[2], 1);
	patch_to(f, emit(f, 0x55, r[2], 0, 0, 0), outer);
	f->cost += f->times * n * m * 12;
	return true;
}

/*
 * Two blocks that each go on to the other and are both entered from before, the
 * first perhaps a loop of its own: no natural loop has all that is in the cycle.
 */
static bool stmt_tangle(struct fn *f)
{
	u8 r[3], base; /* accumulator, value, rounds left */
	u32 first, into, out, n = 2 + below(f->g, 5);
	i16 off;

	if (f->depth >= NESTING || f->cost > COST_KERNEL ||
		!pick_place(f, 8, true, &base, &off) || !own_num(f, &r[0]) ||
		!take(f, 2, r + 1))
		return false;
	if (chance(f->g, 40)) /* so that it stays in memory */
		emit(f, 0xdb, base, r[0], off, ATOMIC_ADD);
	emit_const(f, r[1], corner64(f->g));
	stx(f, SIZE_DW, base, off, r[1]);
	alu_i(f, true, ALU_MOV, r[2], (i32)n);
	into = emit(f, 0x45, r[0], 0, 0, 1); /* if it is odd */
	first = f->n;
	if (chance(f->g, 70))
		ldx(f, SIZE_DW, r[1], base, off);
	alu_r(f, true, ALU_ADD, r[0], r[1]);
	touch(f, base, off, r[1], r[0]);
	if (chance(f->g, 60)) {
		alu_i(f, true, ALU_SUB, r[2], 1);
		patch_to(f, emit(f, 0x65, r[2], 0, 0, (i32)below(f->g, n)),
			first);
	}
	alu_i(f, true, ALU_SUB, r[2], 1);
	out = emit(f, 0xd5, r[2], 0, 0, 0);
	patch(f, into);
	touch(f, base, off, r[1], r[0]);
	if (chance(f->g, 50))
		stx(f, SIZE_DW, base, off, r[0]);
	alu_i(f, true, ALU_SUB, r[2], 1);
	patch_to(f, emit(f, 0x65, r[2], 0, 0, 0), first);
	patch(f, out);
	f->cost += f->times * n * 16;
	return true;
}

static bool stmt_break(struct fn *f)
{
	if (!f->loops || f->nbrk == countof(f->brk))
		return false;
	add_break(f, emit_branch(f));
	return true;
}

static bool stmt_exit(struct fn *f)
{
	u32 at = emit_branch(f);

	if (f->callback)
		emit(f, 0xb7, 0, 0, 0, (i32)below(f->g, 2));
	else
		emit(f, chance(f->g, 80) ? 0xbf : 0xbc, 0, num_reg(f), 0, 0);
	emit(f, 0x95, 0, 0, 0, 0);
	patch(f, at);
	return true;
}

/* ---- calls --------------------------------------------------------------- */

/* A pointer that allows what the callee's argument allows, into reg. */
static bool pass_pointer(struct fn *f, const struct val *want, u8 reg)
{
	u16 set = 1 << R10;
	struct val have;
	i32 by;
	int src;

	for (int r = 0; r < 10; r++)
		if (f->s.reg[r].kind == want->kind &&
			(r > 5 || r < 1 || r >= reg))
			set = (u16)(set | 1 << r);
	if (want->kind == K_BUF)
		set = (u16)(set & ~(1 << R10));
	src = pick_of(f->g, set);
	if (src < 0)
		return false;
	have = f->s.reg[src];
	if (have.align < want->align || have.hi - have.lo < want->hi - want->lo)
		return false;
	/* the first byte of the callee's window, anywhere in ours */
	by = have.lo + (i32)below(f->g, (u32)(have.hi - have.lo -
						(want->hi - want->lo) + 1));
	by -= want->lo;
	while ((have.res + (u32)by - want->res) & (want->align - 1u))
		by--;
	if (by + want->lo < have.lo)
		return false;
	if (src != reg)
		emit(f, 0xbf, reg, (u8)src, 0, 0);
	if (by)
		emit(f, 0x07, reg, 0, 0, by);
	f->s.reg[reg] = val_moved(have, by);
	return true;
}

static bool pass_arguments(
	struct fn *f, const struct fn *callee, u32 first, u32 from)
{
	for (u32 k = first; k < callee->nargs; k++) {
		u8 reg = (u8)(from + k - first);

		if (callee->arg[k].kind != K_NUM) {
			if (!pass_pointer(f, &callee->arg[k], reg))
				return false;
		} else if (chance(f->g, 50)) {
			u16 nums = regs_of_kind(f, K_NUM);
			int src = pick_of(f->g, (u16)(nums & ~0x3e));

			if (src < 0)
				emit_const(f, reg, corner64(f->g));
			else
				emit(f, 0xbf, reg, (u8)src, 0, 0);
			set_num(f, reg);
		} else {
			emit_const(f, reg, corner64(f->g));
		}
	}
	return true;
}

static struct fn *pick_callee(struct fn *f, bool callback)
{
	for (int tries = 0; tries < 4; tries++) {
		struct fn *c = f->g->fn[below(f->g, GEN_FNS)];

		if (c && c != f && c->level > f->level &&
			c->callback == callback && f->ncalls < countof(f->call))
			return c;
	}
	return NULL;
}

static u32 index_of(const struct gen *g, const struct fn *f)
{
	u32 k = 0;

	while (g->fn[k] != f)
		k++;
	return k;
}

static void note_call(struct fn *f, const struct fn *callee, u32 slot)
{
	f->call[f->ncalls++] = (struct call_site){slot, index_of(f->g, callee)};
}

static void after_call(struct fn *f)
{
	lose(f, 0x3e);
	set_num(f, 0);
}

/* Calls need r0 to r5 free and pay the callee's cost. */
static bool may_call(const struct fn *f, const struct fn *callee, u64 times)
{
	u64 limit = f->g->opts->kernel ? COST_KERNEL : COST;

	return callee && !(f->locked & 0x3f) &&
	       f->cost + f->times * times * callee->cost <= limit;
}

static bool stmt_call(struct fn *f)
{
	struct fn *c = pick_callee(f, false);

	if (f->no_calls || !may_call(f, c, 1))
		return false;
	if (!pass_arguments(f, c, 0, 1))
		return true;
	if (!f->g->opts->kernel && chance(f->g, 20) && !(f->locked >> 6 & 1) &&
		!(f->num_only >> 6 & 1)) {
		note_call(f, c, emit(f, 0x18, 6, LDDW_FUNC, 0, 0));
		emit(f, 0, 0, 0, 0, 0);
		emit(f, 0x8d, 6, 0, 0, 0); /* callx */
		lose(f, 1 << 6);
	} else {
		note_call(f, c, emit(f, 0x85, 0, CALL_LOCAL, 0, 0));
	}
	f->cost += f->times * c->cost;
	after_call(f);
	return true;
}

/* bpf_loop(n, callback, context, 0) */
static bool stmt_callback(struct fn *f)
{
	struct fn *c = pick_callee(f, true);
	u32 n = 1 + below(f->g, f->g->opts->kernel ? 5 : 9);

	if (f->g->opts->no_helpers || !open_loops(f->g) || f->no_calls ||
		!may_call(f, c, n))
		return false;
	if (!pass_arguments(f, c, 1, 3))
		return true;
	note_call(f, c, emit(f, 0x18, 2, LDDW_FUNC, 0, 0));
	emit(f, 0, 0, 0, 0, 0);
	lose(f, 1 << 2);
	emit(f, 0xb7, 1, 0, 0, (i32)n);
	emit(f, 0xb7, 4, 0, 0, chance(f->g, 98) ? 0 : 1);
	emit(f, 0x85, 0, CALL_HELPER, 0, LOOP_HELPER);
	f->cost += f->times * n * c->cost;
	after_call(f);
	return true;
}

bool flow_stmt(struct fn *f, enum stmt kind)
{
	switch (kind) {
	case ST_IF: return stmt_if(f);
	case ST_IF_ELSE: return stmt_if_else(f);
	case ST_SWITCH: return stmt_switch(f);
	case ST_LOOP: return stmt_loop(f);
	case ST_BREAK: return stmt_break(f);
	case ST_EXIT: return stmt_exit(f);
	case ST_REPEAT: return stmt_repeat(f);
	case ST_RANGE: return stmt_range(f);
	case ST_SKIP: return stmt_skip(f);
	case ST_NEST: return stmt_nest(f);
	case ST_TANGLE: return stmt_tangle(f);
	case ST_CALL: return stmt_call(f);
	case ST_CALLBACK: return stmt_callback(f);
	default: return false;
	}
}
