/*
 * Machine IR -> bytes. Each block's code goes into one raw buffer with a hole
 * where its jumps will be; relax_jumps() then decides what the jumps are,
 * closes the holes and moves the rows. Branches occur at the ends of blocks
 * only; the loops inside one machine operation are emitted as they are.
 *
 * X16 and X17 are no values' registers: an operation may use them within
 * itself, for an offset that no form has or for what a loop computes.
 *
 * Atomics without LSE. A loop of load- and store-exclusive with no other
 * access to memory in it (Arm ARM B2.9.5), v and the result in registers:
 *
 *	1:	ldaxr old, [a]; op x17, old, v; stlxr w16, x17, [a];
 *		cbnz w16, 1b; dmb ish
 *
 * The store-release keeps what comes before from passing the store, the
 * barrier keeps what comes behind: together a full barrier. Relaxed: ldxr,
 * stxr, no barrier. A cmpxchg that finds another value leaves the loop before
 * the store, towards the barrier.
 */
#include <errno.h>

#include "backend-arm64/a64.h"
#include "kiln/bytes.h"
#include "kiln/format.h"

struct code {
	struct mfn *m;
	const struct cg *cg;
	struct a64_frame frame;
	struct unit_fn *out;
	struct buf raw;
	u32 blk;
};

/* ---- operands ------------------------------------------------------------ */

static const struct mopd *opd(const struct code *c, const struct mins *i, u32 k)
{
	return &c->m->opd.v[i->opd + k];
}

static enum a64_gpr reg(const struct code *c, const struct mins *i, u32 k)
{
	return (enum a64_gpr)opd(c, i, k)->reg;
}

static bool is_slot(const struct code *c, const struct mins *i, u32 k)
{
	return mreg_is_slot(opd(c, i, k)->reg);
}

static i64 slot(const struct code *c, const struct mins *i, u32 k)
{
	return (i64)c->frame.slots + (i64)(opd(c, i, k)->reg & ~MREG_SLOT) * 8;
}

static void put(struct code *c, u32 word)
{
	buf_u32(&c->raw, word);
}

static u32 here(const struct code *c)
{
	return (u32)c->raw.n;
}

/* ---- rows ---------------------------------------------------------------- */

/* Of the word that comes next. */
static void reloc(struct code *c, u32 type, const struct mins *i)
{
	unit_add_rel(c->out, here(c), type, i->sym, i->disp);
}

/* The word at `off` may fault; then everything up to here is skipped and dst,
 * if any, is 0. */
static void add_fault(struct code *c, const struct mins *i, u32 off, u8 dst)
{
	bool has_dst = dst != PREG_NONE;

	*vec_push(c->out->a, &c->out->fault) = (struct unit_fault){
		.insn = off,
		.fixup = here(c),
		.type = has_dst ? KILN_EX_ZERO : KILN_EX_SKIP,
		.data = has_dst ? dst : 0,
		.bpf = i->insn,
	};
}

/* ---- moves --------------------------------------------------------------- */

static void mov_ri(struct code *c, enum a64_gpr d, i64 v)
{
	u32 word[4];
	unsigned n = a64_mov_ri(word, d, (u64)v);

	for (unsigned k = 0; k < n; k++)
		put(c, word[k]);
}

/* t and [n, off], whatever off is */
static void ldst(struct code *c, enum a64_ldst op, u8 size, enum a64_gpr t,
	enum a64_gpr n, i64 off)
{
	if (a64_is_scaled(off, size)) {
		put(c, a64_ldst_scaled(op, size, t, n, (u32)off));
	} else if (a64_is_unscaled(off)) {
		put(c, a64_ldst_unscaled(op, size, t, n, (i32)off));
	} else {
		mov_ri(c, A64_X16, off);
		put(c, a64_ldst_index(
			       op, size, t, n, A64_X16, A64_UXTX, false));
	}
}

/* d = sp + off */
static void add_sp(struct code *c, enum a64_gpr d, i64 off)
{
	if (a64_is_add_imm((u64)off)) {
		put(c, a64_addsub_ri(A64_ADD, 8, d, A64_SP, (u32)off));
		return;
	}
	mov_ri(c, A64_X16, off);
	put(c, a64_addsub_rx(A64_ADD, 8, d, A64_SP, A64_X16, A64_UXTX, 0));
}

static void emit_copy(struct code *c, const struct mins *i)
{
	u8 n = i->size == 4 ? 4 : 8;

	if (is_slot(c, i, 0))
		ldst(c, A64_STR, n, reg(c, i, 1), A64_SP, slot(c, i, 0));
	else if (is_slot(c, i, 1))
		ldst(c, A64_LDR, n, reg(c, i, 0), A64_SP, slot(c, i, 1));
	else if (reg(c, i, 0) != reg(c, i, 1))
		put(c, a64_mov_rr(n, reg(c, i, 0), reg(c, i, 1)));
}

static void emit_swap(struct code *c, const struct mins *i)
{
	enum a64_gpr a = reg(c, i, 0), b = reg(c, i, 1);

	put(c, a64_mov_rr(8, A64_X16, a));
	put(c, a64_mov_rr(8, a, b));
	put(c, a64_mov_rr(8, b, A64_X16));
}

static void emit_adr(struct code *c, const struct mins *i)
{
	enum a64_gpr d = reg(c, i, 0);

	reloc(c, A64_R_ADR_PREL_PG_HI21, i);
	put(c, a64_adrp(d, 0));
	reloc(c, A64_R_ADD_ABS_LO12_NC, i);
	put(c, a64_addsub_ri(A64_ADD, 8, d, d, 0));
}

static void emit_got(struct code *c, const struct mins *i)
{
	enum a64_gpr d = reg(c, i, 0);

	reloc(c, A64_R_ADR_GOT_PAGE, i);
	put(c, a64_adrp(d, 0));
	reloc(c, A64_R_LD64_GOT_LO12_NC, i);
	put(c, a64_ldst_scaled(A64_LDR, 8, d, d, 0));
}

/* ---- two operands -------------------------------------------------------- */

/* d, op and the operands from `first` on: [n] and m, shifted or extended. */
static void emit_second(struct code *c, const struct mins *i, enum a64_gpr d,
	u32 first, bool logic)
{
	u32 code = a64_mop(i->op)->code;
	bool zr = i->aux & A64_2_ZR;
	enum a64_gpr n = zr ? A64_ZR : reg(c, i, first);
	enum a64_gpr m = reg(c, i, first + !zr);
	u8 kind = i->aux & A64_2_KIND;

	if (logic)
		put(c, a64_logic_rs((enum a64_logic)code, i->size, d, n, m,
			       (enum a64_shift)kind, i->scale));
	else if (kind & A64_2_EXTEND)
		put(c, a64_addsub_rx((enum a64_addsub)code, i->size, d, n, m,
			       (enum a64_extend)(kind & 7), i->scale));
	else
		put(c, a64_addsub_rs((enum a64_addsub)code, i->size, d, n, m,
			       (enum a64_shift)kind, i->scale));
}

/* Selection made sure that the immediates can be encoded. */
static void emit_logic_i(
	struct code *c, const struct mins *i, enum a64_gpr d, enum a64_gpr n)
{
	u32 field = 0;

	a64_logic_field((u64)i->imm, i->size, &field);
	put(c, a64_logic_ri((enum a64_logic)a64_mop(i->op)->code, i->size, d, n,
		       field));
}

static void emit_csel(struct code *c, const struct mins *i)
{
	u32 k = 1;
	enum a64_gpr n = i->aux & A64_Z_FIRST ? A64_ZR : reg(c, i, k++);
	enum a64_gpr m = i->aux & A64_Z_SECOND ? A64_ZR : reg(c, i, k);

	put(c, a64_csel_rr((enum a64_csel)a64_mop(i->op)->code, i->size,
		       reg(c, i, 0), n, m, (enum a64_cc)i->cc));
}

/* ---- atomics ------------------------------------------------------------- */

/* x17 = what is stored */
static enum a64_gpr loop_value(
	struct code *c, const struct mins *i, enum a64_gpr old, enum a64_gpr v)
{
	static const u8 logic[RMW_COUNT] = {
		[RMW_OR] = A64_ORR, [RMW_AND] = A64_AND, [RMW_XOR] = A64_EOR};
	u32 rmw = a64_mop(i->op)->code;

	if (rmw == RMW_XCHG)
		return v;
	if (rmw == RMW_ADD)
		put(c, a64_addsub_rs(
			       A64_ADD, i->size, A64_X17, old, v, A64_LSL, 0));
	else
		put(c, a64_logic_rs((enum a64_logic)logic[rmw], i->size,
			       A64_X17, old, v, A64_LSL, 0));
	return A64_X17;
}

/* The store of v to [base] and, if it fails, back to `loop`. */
static u32 close_loop(struct code *c, const struct mins *i, enum a64_gpr v,
	enum a64_gpr base, u32 loop)
{
	u32 at = here(c);

	put(c, a64_excl_r(i->imm ? A64_STLXR : A64_STXR, i->size, A64_X16, v,
		       base));
	put(c, a64_cbz(4, true, A64_X16, (i64)loop - here(c)));
	return at;
}

static void loop_faults(
	struct code *c, const struct mins *i, u32 loop, u32 store)
{
	if (!(i->flags & MINS_FAULT))
		return;
	add_fault(c, i, loop, (u8)reg(c, i, 0));
	add_fault(c, i, store, (u8)reg(c, i, 0));
}

static void emit_llsc(struct code *c, const struct mins *i)
{
	enum a64_gpr old = reg(c, i, 0), base = reg(c, i, 2), v;
	u32 loop = here(c), store;

	put(c, a64_excl_r(i->imm ? A64_LDAXR : A64_LDXR, i->size, A64_ZR, old,
		       base));
	v = loop_value(c, i, old, reg(c, i, 1));
	store = close_loop(c, i, v, base, loop);
	if (i->imm)
		put(c, a64_dmb_ish());
	loop_faults(c, i, loop, store);
}

static void emit_xcas(struct code *c, const struct mins *i)
{
	enum a64_gpr old = reg(c, i, 0), base = reg(c, i, 3);
	u32 loop = here(c), store;

	put(c, a64_excl_r(A64_LDAXR, i->size, A64_ZR, old, base));
	put(c, a64_addsub_rs(A64_SUBS, i->size, A64_ZR, old, reg(c, i, 1),
		       A64_LSL, 0));
	put(c, a64_bcc(A64_CC_NE, 12)); /* behind cbnz */
	store = close_loop(c, i, reg(c, i, 2), base, loop);
	put(c, a64_dmb_ish());
	loop_faults(c, i, loop, store);
}

/* ---- instructions with a memory operand ---------------------------------- */

static void emit_sym_ldst(
	struct code *c, const struct mins *i, enum a64_ldst op, enum a64_gpr t)
{
	static const u32 lo12[] = {A64_R_LDST8_ABS_LO12_NC,
		A64_R_LDST16_ABS_LO12_NC, A64_R_LDST32_ABS_LO12_NC,
		A64_R_LDST64_ABS_LO12_NC};

	reloc(c, A64_R_ADR_PREL_PG_HI21, i);
	put(c, a64_adrp(A64_X16, 0));
	reloc(c, lo12[__builtin_ctz(i->size)], i);
	put(c, a64_ldst_scaled(op, i->size, t, A64_X16, 0));
}

static void emit_ldst(struct code *c, const struct mins *i)
{
	enum a64_ldst op = (enum a64_ldst)a64_mop(i->op)->code;
	bool zr = i->aux & A64_MEM_ZR;
	enum a64_gpr t = zr ? A64_ZR : reg(c, i, 0);
	u32 k = !zr;

	if (op == A64_LDRS8 && i->cc == 4)
		op = A64_LDRS4;
	if (i->aux & A64_MEM_SYM)
		emit_sym_ldst(c, i, op, t);
	else if (i->aux & A64_MEM_INDEX)
		put(c, a64_ldst_index(op, i->size, t, reg(c, i, k),
			       reg(c, i, k + 1), (enum a64_extend)i->scale,
			       i->aux & A64_MEM_SCALED));
	else if (i->aux & A64_MEM_FRAME)
		ldst(c, op, i->size, t, A64_SP, (i64)c->frame.fp + i->disp);
	else
		ldst(c, op, i->size, t, reg(c, i, k), i->disp);
}

/* The last word is the one that accesses memory. */
static void emit_mem(struct code *c, const struct mins *i)
{
	const struct a64_mop_info *o = a64_mop(i->op);

	switch (o->form) {
	case F_ORDERED:
		put(c, a64_excl_r((enum a64_excl)o->code, i->size, A64_ZR,
			       reg(c, i, 0), reg(c, i, 1)));
		break;
	case F_LSE:
		put(c, a64_lse_r((enum a64_lse)o->code, i->size, i->imm,
			       reg(c, i, 1), reg(c, i, 0), reg(c, i, 2)));
		break;
	case F_CAS:
		put(c, a64_casal(i->size, reg(c, i, 0), reg(c, i, 2),
			       reg(c, i, 3)));
		break;
	default: emit_ldst(c, i);
	}
	if (i->flags & MINS_FAULT) {
		bool has_def = i->nopd && opd(c, i, 0)->role == OPD_DEF;

		add_fault(c, i, here(c) - 4,
			has_def ? (u8)reg(c, i, 0) : (u8)PREG_NONE);
	}
}

/* ---- calls, ends of blocks ----------------------------------------------- */

/* The count of tail calls is behind this pointer. */
static void load_counter(struct code *c)
{
	put(c, a64_ldst_scaled(A64_LDR, 8, A64_X10, A64_SP, c->frame.counter));
}

/* ldr x10, count; ldr w17, [x10]; cmp w17, 33; b.hs (the word at the result);
 * add w17, w17, 1; str w17, [x10]; tear down */
static u32 begin_tail(struct code *c)
{
	u32 many;

	load_counter(c);
	put(c, a64_ldst_scaled(A64_LDR, 4, A64_X17, A64_X10, 0));
	put(c, a64_addsub_ri(
		       A64_SUBS, 4, A64_ZR, A64_X17, KILN_MAX_TAIL_CALLS));
	many = here(c);
	put(c, 0);
	put(c, a64_addsub_ri(A64_ADD, 4, A64_X17, A64_X17, 1));
	put(c, a64_ldst_scaled(A64_STR, 4, A64_X17, A64_X10, 0));
	a64_tear_down(&c->frame, &c->raw, false, c->out);
	return many;
}

/* Behind the jump goes on who makes no tail call. */
static void end_tail(struct code *c, u32 many)
{
	a64_recall(&c->frame, &c->raw, c->out);
	put_le32(c->raw.p + many, a64_bcc(A64_CC_HS, (i64)here(c) - many));
}

/* mov x16, x9; cbz x16, 1f; begin; br x16; 1: */
static void emit_tail(struct code *c)
{
	u32 none, many;

	put(c, a64_mov_rr(8, A64_X16, A64_X9));
	none = here(c);
	put(c, 0);
	many = begin_tail(c);
	put(c, a64_br(A64_X16));
	end_tail(c, many);
	put_le32(c->raw.p + none,
		a64_cbz(8, false, A64_X16, (i64)here(c) - none));
}

/* begin; b sym, or what becomes a jump once there is a program: udf */
static void emit_tail_jump(struct code *c, const struct mins *i)
{
	bool fixed = cg_is_func(c->cg, i->sym);
	u32 many = begin_tail(c);

	unit_add_site(c->out, here(c), 4, i->sym, (u32)i->imm);
	if (fixed)
		reloc(c, A64_R_JUMP26, i);
	put(c, fixed ? a64_b(0) : a64_udf(0));
	end_tail(c, many);
}

static void emit_call(struct code *c, const struct mins *i)
{
	if (a64_mop(i->op)->form == F_CALL_R) {
		put(c, a64_blr(reg(c, i, i->nopd - i->aux - 1u)));
		return;
	}
	if (i->sym < c->cg->nsyms && c->cg->syms[i->sym].counter)
		load_counter(c);
	reloc(c, A64_R_CALL26, i);
	put(c, a64_bl(0));
}

static void emit_ret(struct code *c)
{
	bool last = c->blk + 1 == c->m->nblk;

	a64_epilogue(&c->frame, &c->raw, last, c->out);
}

/* ---- one instruction ----------------------------------------------------- */

static void emit_target(struct code *c, const struct mins *i)
{
	const struct a64_mop_info *o = a64_mop(i->op);
	u8 n = i->size;
	enum a64_gpr r[4] = {A64_ZR, A64_ZR, A64_ZR, A64_ZR};

	for (u32 k = 0; k < 4 && k < i->nopd; k++)
		r[k] = reg(c, i, k);
	switch (o->form) {
	case F_ADDSUB_R: emit_second(c, i, r[0], 1, false); break;
	case F_LOGIC_R: emit_second(c, i, r[0], 1, true); break;
	case F_CMP_R: emit_second(c, i, A64_ZR, 0, false); break;
	case F_TST_R: emit_second(c, i, A64_ZR, 0, true); break;
	case F_ADDSUB_I:
		put(c, a64_addsub_ri((enum a64_addsub)o->code, n, r[0], r[1],
			       (u32)i->imm));
		break;
	case F_CMP_I:
		put(c, a64_addsub_ri((enum a64_addsub)o->code, n, A64_ZR, r[0],
			       (u32)i->imm));
		break;
	case F_LOGIC_I: emit_logic_i(c, i, r[0], r[1]); break;
	case F_TST_I: emit_logic_i(c, i, A64_ZR, r[0]); break;
	case F_MOV_RI: mov_ri(c, r[0], i->imm); break;
	case F_BFM:
		put(c, a64_bfm_ri((enum a64_bfm)o->code, n, r[0], r[1],
			       (unsigned)i->imm, (unsigned)i->disp));
		break;
	case F_EXTR:
		put(c, a64_extr(n, r[0], r[1], r[2], (unsigned)i->imm));
		break;
	case F_MUL: put(c, a64_madd(n, r[0], r[1], r[2], A64_ZR)); break;
	case F_MADD: put(c, a64_madd(n, r[0], r[1], r[2], r[3])); break;
	case F_MSUB: put(c, a64_msub(n, r[0], r[1], r[2], r[3])); break;
	case F_UMULH: put(c, a64_umulh(r[0], r[1], r[2])); break;
	case F_DP2:
		put(c, a64_dp2_rr((enum a64_dp2)o->code, n, r[0], r[1], r[2]));
		break;
	case F_DP1:
		put(c, a64_dp1_r((enum a64_dp1)o->code, n, r[0], r[1]));
		break;
	case F_CSEL: emit_csel(c, i); break;
	case F_LEA: add_sp(c, r[0], (i64)c->frame.fp + i->disp); break;
	case F_ADR: emit_adr(c, i); break;
	case F_GOT: emit_got(c, i); break;
	case F_LLSC: emit_llsc(c, i); break;
	case F_XCAS: emit_xcas(c, i); break;
	case F_CALL:
	case F_CALL_R: emit_call(c, i); break;
	case F_TAIL: emit_tail(c); break;
	case F_TAIL_JUMP: emit_tail_jump(c, i); break;
	case F_RET: emit_ret(c); break;
	case F_UDF: put(c, a64_udf(0)); break;
	case F_ENTRY:
	case F_BRANCH:
	case F_JMP: break;
	default: emit_mem(c, i);
	}
}

static void emit_ins(struct code *c, const struct mins *i)
{
	switch (i->op) {
	case MOP_NOP:
	case MOP_JMP: break;
	case MOP_COPY: emit_copy(c, i); break;
	case MOP_SWAP: emit_swap(c, i); break;
	default: emit_target(c, i);
	}
}

/* ---- blocks -------------------------------------------------------------- */

static u32 branch_of(const struct code *c, const struct mins *i)
{
	u32 kind = a64_mop(i->op)->code;

	switch (kind) {
	case A64_BR_ZERO:
		return kind | i->cc | (u32)reg(c, i, 0) << 1 |
		       (u32)i->size << 8;
	case A64_BR_BIT:
		return kind | i->cc | (u32)reg(c, i, 0) << 1 | (u32)i->imm << 8;
	default: return kind | i->cc;
	}
}

static void emit_blk(struct code *c, u32 n, struct piece *piece)
{
	const struct mblk *b = &c->m->blk[n];
	const struct mins *last = &c->m->ins.v[b->first + b->n - 1];

	c->blk = n;
	for (u32 k = 0; k < b->n; k++) {
		const struct mins *i = &c->m->ins.v[b->first + k];

		unit_add_line(c->out, here(c), i->insn);
		emit_ins(c, i);
	}
	piece->hole = b->nsucc > 0;
	piece->cond = b->nsucc > 1;
	piece->cc = piece->cond ? branch_of(c, last) : 0;
	for (u32 e = 0; e < b->nsucc; e++)
		piece->to[e] = b->succ[e];
	if (piece->hole)
		buf_zero(&c->raw, a64_jumps.hole);
	piece->end = here(c);
}

int a64_emit(struct mfn *m, const struct cg *cg, struct unit_fn *out)
{
	enum { MAX_FRAME = 1 << 24 }; /* two adds */
	struct arena *tmp = arena_scratch(m->a);
	struct arena_mark mark = arena_mark(tmp);
	struct code c = {.m = m, .cg = cg, .out = out};
	struct piece *piece = arena_array(tmp, struct piece, m->nblk);
	int err = -E2BIG;

	c.frame = a64_frame_make(m);
	out->align = 16;
	out->stack = c.frame.size;
	out->ret = c.frame.sign_ra ? 0 : -1;
	buf_init(&c.raw, tmp);
	if (c.frame.size < MAX_FRAME) {
		a64_prologue(&c.frame, &c.raw, out);
		for (u32 b = 0; b < m->nblk; b++) {
			piece[b].start = b ? here(&c) : 0;
			emit_blk(&c, b, &piece[b]);
		}
		err = relax_jumps(tmp, &c.raw, piece, m->nblk, &a64_jumps, out);
	}
	arena_release(tmp, mark);
	return err;
}
