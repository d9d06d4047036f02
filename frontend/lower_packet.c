/*
 * LD_ABS and LD_IND: big-endian loads from the packet of a socket buffer, whose
 * context is in r6. What the packet does not have ends the function with
 * r0 = 0.
 *
 *	constant offset >= 0      variable offset           constant offset < 0
 *	(and any alignment)
 *
 *	off + size <= len ?       off + size <= len ?             call
 *	    /       \                 /       \                 /      \
 *	load, swap   ret 0        load, swap    call         result    ret 0
 *	                             \        /    \
 *	                               (join)      ret 0
 *
 * The called function does all cases; a variable offset with its sign set,
 * taken as a positive number, is behind the end of any packet.
 */
#include "frontend/lower.h"
#include "kiln/context.h"

static ref load_pointer(struct lower *l, ref ctx, i64 member)
{
	const struct access a = {
		.size = 8, .region = REGION_CTX, .off = member};

	return ir_load(l->f, l->blk, TY_I64, ctx, &a);
}

static void give_up(struct lower *l, u32 blk)
{
	ssa_seal(l->ssa, blk);
	lower_return(l, blk, lower_imm(l, 0));
}

/* off (constant or I64) is inside: the bytes there, swapped. */
static void load_place(struct lower *l, ref data, ref off, u8 size)
{
	struct access a = {.size = size, .region = REGION_PACKET};
	ref p = data, v;

	if (!ir_is_const(l->f, off, &a.off))
		p = lower_op(l, OP_ADD, TY_I64, data, off);
	v = ir_load(l->f, l->blk, TY_I32, p, &a);
	if (size > 1)
		v = lower_op(l, size == 2 ? OP_BSWAP16 : OP_BSWAP, TY_I32, v,
			(ref){0});
	lower_set32(l, 0, v);
	lower_lose_registers(l);
}

/* The rest of the packet's length behind off, and whether size fits: goes on
 * in a new block if so, to `outside` if not. */
static void load_inside(struct lower *l, ref off, u8 size, u32 outside)
{
	ref ctx = lower_get(l, 6);
	u32 inside = ir_blk_new(l->f);
	ref data = load_pointer(l, ctx, offsetof(struct kiln_sk_buff, data));
	ref end = load_pointer(l, ctx, offsetof(struct kiln_sk_buff, data_end));
	ref len = lower_op(l, OP_SUB, TY_I64, end, data);
	i64 at;
	ref need =
		ir_is_const(l->f, off, &at)
			? lower_imm(l, at + size)
			: lower_op(l, OP_ADD, TY_I64, off, lower_imm(l, size));

	ir_br(l->f, l->blk, CC_ULE, need, len, inside, outside);
	ssa_seal(l->ssa, inside);
	l->blk = inside;
	load_place(l, data, off, size);
}

/* By the runtime; its answer is negative where nothing is. */
static void load_by_call(struct lower *l, ref off, u8 size)
{
	const struct call call = {
		.kind = CALL_HELPER,
		.sym = l->fe->packet_sym,
		.nargs = 3,
		.effects = CALLF_READS,
		.arg = {{.size_arg = -1}, {.size_arg = -1}, {.size_arg = -1}},
	};
	ref args[] = {lower_get(l, 6), off, lower_imm(l, size)};
	ref v = ir_call(l->f, l->blk, &call, TY_I64, args, countof(args));
	u32 there = ir_blk_new(l->f), missing = ir_blk_new(l->f);

	ir_br(l->f, l->blk, CC_SLT, v, lower_imm(l, 0), missing, there);
	give_up(l, missing);
	ssa_seal(l->ssa, there);
	l->blk = there;
	lower_set(l, 0, v);
	lower_lose_registers(l);
}

static void lower_ind(struct lower *l, const struct insn *i, u8 size)
{
	ref sum = lower_op(l, OP_ADD, TY_I32,
		lower_trunc(l, lower_get(l, i->src)),
		ir_const(l->f, TY_I32, i->imm));
	ref off = lower_op(l, OP_ZEXT, TY_I64, sum, (ref){0});
	u32 outside, join;

	if (l->strict_align) {
		load_by_call(l, off, size);
		return;
	}
	outside = ir_blk_new(l->f);
	join = ir_blk_new(l->f);
	load_inside(l, off, size, outside);
	ir_jmp(l->f, l->blk, join);
	ssa_seal(l->ssa, outside);
	l->blk = outside;
	load_by_call(l, off, size);
	ir_jmp(l->f, l->blk, join);
	ssa_seal(l->ssa, join);
	l->blk = join;
}

void lower_packet(struct lower *l, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);
	u8 size = r->arg;
	u32 missing;

	if (r->kind == ISA_LDIND) {
		lower_ind(l, i, size);
		return;
	}
	if (i->imm < 0 || (l->strict_align && size > 1)) {
		load_by_call(l, lower_imm(l, i->imm), size);
		return;
	}
	missing = ir_blk_new(l->f);
	load_inside(l, lower_imm(l, i->imm), size, missing);
	give_up(l, missing);
}
