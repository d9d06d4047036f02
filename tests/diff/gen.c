/*
 * The program as a whole: the mixture of statements, functions from the
 * innermost callees to main, and their layout.
 */
#include <stdlib.h>
#include <string.h>

#include "gen.h"

static const struct val whole_frame = {.kind = K_STACK, .align = 8};

/* Every program leaves some kinds of statement out and repeats others. */
static void pick_mixture(struct gen *g)
{
	static const u8 weights[] = {0, 0, 1, 2, 4, 8};

	for (int k = 0; k < ST_END; k++) {
		g->weight[k] = weights[below(g, countof(weights))];
		g->total += g->weight[k];
	}
	g->weight[ST_ALU] += 2;
	g->weight[ST_LOAD] += 1;
	g->weight[ST_STORE] += 1;
	g->total += 4;
	g->zero_regs = !g->opts->kernel && chance(g, 30);
	g->wild_stack = chance(g, 40);
}

static enum stmt pick_stmt(struct gen *g)
{
	u32 at = below(g, g->total), k = 0;

	while (at >= g->weight[k])
		at -= g->weight[k++];
	return (enum stmt)k;
}

/* A value that nobody reads again: the last use of it was its last. */
static void forget(struct fn *f)
{
	u16 nums = regs_of_kind(f, K_NUM);
	int r = pick_of(f->g, (u16)(nums & ~f->num_only & ~f->locked));

	if (r >= 0 && (nums & (nums - 1)))
		lose(f, (u16)(1 << r));
}

void statements(struct fn *f, u32 n)
{
	for (u32 k = 0; k < n && f->n < GEN_FN_SLOTS / 2; k++) {
		f->pinned = 0;
		if (!regs_of_kind(f, K_NUM)) {
			int r = pick_of(f->g, writable(f));

			emit_const(f, (u8)r, corner64(f->g));
		}
		data_stmt(f, pick_stmt(f->g));
		if (chance(f->g, 25))
			forget(f);
	}
	f->pinned = 0;
	if (!regs_of_kind(f, K_NUM))
		emit_const(f, (u8)pick_of(f->g, writable(f)), corner64(f->g));
}

/* ---- functions ----------------------------------------------------------- */

/*
 * A pointer argument survives calls in a register that is the function's to
 * keep, or in a spill slot.
 */
static void keep_pointer(struct fn *f, u8 arg)
{
	u32 k = below(f->g, (u32)f->spills / 8);
	int home = pick_of(f->g, (u16)(0x3c0 & ~f->locked));

	if (__builtin_popcount(f->locked) < 2 && chance(f->g, 50)) {
		emit(f, 0xbf, (u8)home, arg, 0, 0);
		f->s.reg[home] = f->s.reg[arg];
		f->locked = (u16)(f->locked | 1 << home);
	} else if (!f->s.slot[k].kind) {
		stx(f, SIZE_DW, R10, (i16)(-8 * (i32)(k + 1)), arg);
		f->s.slot[k] = f->s.reg[arg];
		f->locked_slot = (u16)(f->locked_slot | 1 << k);
	}
}

static void begin_function(struct fn *f)
{
	f->times = 1;
	f->s.reg[R10] = whole_frame;
	f->s.reg[R10].lo = -f->frame;
	f->s.reg[R10].hi = -f->spills;
	if (f->g->opts->kernel)
		for (i32 off = -f->frame; off < -f->spills; off += 8)
			emit(f, 0x7a, R10, 0, (i16)off, 0);
	for (u32 k = 0; k < f->nargs; k++)
		f->s.reg[k + 1] = f->arg[k];
	if (f->g->zero_regs)
		for (int r = 0; r < 10; r++)
			if (!f->s.reg[r].kind && (r > 5 || !r || !f->level))
				f->s.reg[r] = val_num();
	for (u8 k = 0; k < f->nargs; k++)
		if (is_ptr(&f->arg[k]))
			keep_pointer(f, (u8)(k + 1));
}

/* All numbers at hand go into r0, and perhaps the whole frame. */
static void fold_state(struct fn *f)
{
	u16 nums = regs_of_kind(f, K_NUM), left;
	u8 r0 = 0;

	f->pinned = 0;
	if (!(nums & 1))
		emit_const(f, r0, corner64(f->g));
	for (left = nums & ~1u; left; left &= (u16)(left - 1)) {
		alu_i(f, true, ALU_MUL, r0, 31);
		alu_r(f, true, ALU_ADD, r0, (u8)__builtin_ctz(left));
	}
	if (chance(f->g, 40) || f->frame == f->spills)
		return;
	for (i32 off = -f->frame; off < -f->spills; off += 8) {
		ldx(f, SIZE_DW, 1, R10, (i16)off);
		alu_i(f, true, ALU_MUL, r0, 31);
		alu_r(f, true, ALU_XOR, r0, 1);
	}
}

static void end_function(struct fn *f)
{
	f->locked = 0;
	if (f->callback)
		emit(f, 0xbf, 0, num_reg(f), 0, 0);
	else if (!f->level || chance(f->g, 30))
		fold_state(f);
	else
		emit(f, chance(f->g, 80) ? 0xbf : 0xbc, 0, num_reg(f), 0, 0);
	if (f->callback)
		alu_i(f, chance(f->g, 50), ALU_AND, 0,
			chance(f->g, 90) ? 0 : 1);
	emit(f, 0x95, 0, 0, 0, 0);
}

/* ---- signatures ---------------------------------------------------------- */

static struct val random_pointer(struct gen *g)
{
	struct val v = {.kind = chance(g, 50) ? K_BUF : K_STACK};
	i32 size = 8 + (i32)below(g, 40);

	v.align = (u8)(1u << below(g, 4));
	if (g->opts->kernel || chance(g, 60))
		v.align = 8;
	v.res = chance(g, 70) ? 0 : (u8)below(g, v.align);
	v.lo = chance(g, 50) ? 0 : -(i32)below(g, (u32)size);
	v.hi = v.lo + size;
	return v;
}

static void pick_signature(struct gen *g, struct fn *f)
{
	f->callback = chance(g, 35);
	f->nargs = f->callback ? 2 : below(g, 6);
	if (f->callback && g->opts->kernel) {
		/* bpf_loop's context is a pointer into a frame there */
		f->arg[0] = val_num();
		f->arg[1] = random_pointer(g);
		f->arg[1].kind = K_STACK;
		return;
	}
	for (u32 k = 0; k < f->nargs; k++)
		f->arg[k] = chance(g, 50) && (!f->callback || k)
				    ? random_pointer(g)
				    : val_num();
}

/* The kernel wants 512 bytes for a whole chain of calls. */
static void pick_frame(struct gen *g, struct fn *f)
{
	i32 most = g->opts->kernel ? (f->level ? 80 : 192) : 512;
	i32 data = 8 * (1 + (i32)below(g, (u32)(most - 48) / 8));

	if (chance(g, 30))
		data = most - 48;
	f->spills = f->level && chance(g, 50) ? 24 : 40;
	f->frame = data + f->spills;
}

static struct fn *new_fn(struct gen *g, u32 level)
{
	struct fn *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->g = g;
	f->level = level;
	pick_frame(g, f);
	return f;
}

/* ---- the program --------------------------------------------------------- */

static void mark_used(struct gen *g, u32 k)
{
	struct fn *f = g->fn[k];

	if (f->used)
		return;
	f->used = true;
	for (u32 c = 0; c < f->ncalls; c++)
		mark_used(g, f->call[c].fn);
}

/* Main first, then what it reaches; calls get their distances. */
static void lay_out(struct gen *g, struct gen_prog *out)
{
	u32 start[GEN_FNS] = {0}, n = 0;

	for (u32 k = 0; k < GEN_FNS; k++) {
		start[k] = n;
		if (g->fn[k] && g->fn[k]->used)
			n += g->fn[k]->n;
	}
	for (u32 k = 0; k < GEN_FNS; k++) {
		struct fn *f = g->fn[k];

		if (!f || !f->used)
			continue;
		for (u32 c = 0; c < f->ncalls; c++) {
			u32 slot = f->call[c].slot;

			f->code[slot].imm = (i32)start[f->call[c].fn] -
					    (i32)(start[k] + slot) - 1;
		}
		for (u32 s = 0; s < f->n; s++)
			put_insn(out->bytes + 8 * (size_t)(start[k] + s),
				f->code[s]);
	}
	out->slots = n;
}

static void fill_memory(struct gen *g, struct gen_prog *out)
{
	out->mem_size = g->mem_size;
	for (u32 k = 0; k < GEN_MEM; k += 8)
		put_le64(out->mem + k, corner64(g));
}

/* Callees are made before callers: level 2, level 1, main. */
static void make_functions(struct gen *g, u32 size)
{
	u32 n = below(g, GEN_FNS);

	for (u32 k = n; k > 0; k--) {
		struct fn *f = g->fn[k] = new_fn(g, k > 3 ? 2 : 1);

		pick_signature(g, f);
		begin_function(f);
		statements(f, 1 + below(g, 10));
		end_function(f);
	}
	g->fn[0] = new_fn(g, 0);
	g->fn[0]->nargs = 2;
	g->fn[0]->arg[0] =
		(struct val){.kind = K_BUF, .align = 8, .hi = (i32)g->mem_size};
	g->fn[0]->arg[1] = val_num();
	begin_function(g->fn[0]);
	statements(g->fn[0], size);
	end_function(g->fn[0]);
}

void gen_program(const struct gen_opts *opts, struct gen_prog *out)
{
	struct gen g = {
		.opts = opts, .rng = opts->seed * 0x2545f4914f6cdd1d + 1};
	u32 size;

	pick_mixture(&g);
	size = opts->size ? opts->size
			  : 3 + below(&g, chance(&g, 80) ? 30 : 120);
	g.mem_size = GEN_MEM - (chance(&g, 50) ? below(&g, 128) : 0);
	out->written_only = opts->kernel;
	fill_memory(&g, out);
	make_functions(&g, size);
	mark_used(&g, 0);
	lay_out(&g, out);
	for (u32 k = 0; k < GEN_FNS; k++)
		free(g.fn[k]);
}
