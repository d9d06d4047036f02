/*
 * Values: arithmetic, logic, shifts, widths.
 *
 * x86 overwrites its first operand. Where that operand dies here the register
 * is free to be taken; where it does not, lea (three operands) is preferred,
 * and else register allocation copies. Of two operands of a commutative
 * operation the dying one goes first.
 */
#include "backend-x86/x86.h"

/* ---- two operands ---------------------------------------------------------------- */

struct alu {
	enum x86_mop rr, ri, rm;
};

static void alu_ri(struct sel *s, enum x86_mop op, u8 size, ref a, i64 imm)
{
	u32 va = sel_use(s, a);

	x86_op(s, op, size)->imm = imm;
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, va);
}

static void alu_rm(struct sel *s, enum x86_mop op, u8 size, ref a, ref load)
{
	struct x86_addr m = x86_fold(s, load);
	u32 va = sel_use(s, a);

	x86_op(s, op, size);
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, va);
	x86_m(s, &m);
}

static void alu_rr(struct sel *s, enum x86_mop op, u8 size, ref a, ref b)
{
	u32 va = sel_fresh(s, a), vb = sel_use(s, b);

	x86_op(s, op, size);
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, va);
	sel_u_slot(s, vb);
}

/* The better first operand: the one that dies, of two the phi. */
static bool prefer_second(const struct sel *s, ref a, ref b)
{
	bool da = sel_dies(s, a), db = sel_dies(s, b);

	if (da != db)
		return db;
	return sel_root(s, a)->op != OP_PHI && sel_root(s, b)->op == OP_PHI;
}

static void swap_refs(ref *a, ref *b)
{
	ref t = *a;

	*a = *b;
	*b = t;
}

/* Register or memory as the second operand; no constant fits. */
static void alu_values(
	struct sel *s, const struct alu *o, const struct ins *i, u8 size)
{
	ref a = i->arg[0], b = i->arg[1];
	bool comm = op_info[i->op].flags & OPF_COMM;

	if (comm && !sel_can_fold(s, b, size) &&
		(sel_can_fold(s, a, size) || prefer_second(s, a, b)))
		swap_refs(&a, &b);
	if (sel_can_fold(s, b, size))
		alu_rm(s, o->rm, size, a, b);
	else
		alu_rr(s, o->rr, size, a, b);
}

/* ---- addition ---------------------------------------------------------------------- */

static void lea(struct sel *s, u8 size, const struct x86_addr *a)
{
	x86_op(s, X86_LEA, size);
	sel_d(s, sel_def(s, s->ins));
	x86_m(s, a);
}

/* r = *x << 1..3, used here only. */
static bool is_scaled(const struct sel *s, ref r, u8 size, ref *x, u8 *scale)
{
	const struct ins *i = sel_root(s, r);
	i64 c;

	if (!sel_is_private(s, r, OP_SHL) || ty_size(i->type) != size ||
		s->val[s->val[r.v].root].needed ||
		!sel_is_const(s, i->arg[1], size, &c))
		return false;
	c &= size * 8 - 1;
	if (c < 1 || c > 3)
		return false;
	*x = i->arg[0];
	*scale = (u8)(1u << c);
	return true;
}

static void add_const(struct sel *s, u8 size, ref x, i32 c)
{
	struct x86_addr a = {.base = x, .disp = c};

	if (s->want == s->ins || sel_dies(s, x))
		alu_ri(s, X86_ADD_RI, size, x, c);
	else
		lea(s, size, &a);
}

static void lower_add(struct sel *s, const struct ins *i, u8 size)
{
	static const struct alu add = {X86_ADD_RR, X86_ADD_RI, X86_ADD_RM};
	struct x86_addr a = {.scale = 1};
	ref x = i->arg[0], y = i->arg[1];
	i32 c;

	if (x86_is_imm(s, x, size, &c))
		swap_refs(&x, &y);
	if (x86_is_imm(s, y, size, &c)) {
		add_const(s, size, x, c);
		return;
	}
	if (s->want == s->ins || sel_can_fold(s, x, size) ||
		sel_can_fold(s, y, size)) {
		alu_values(s, &add, i, size);
		return;
	}
	if (is_scaled(s, x, size, &a.index, &a.scale))
		swap_refs(&x, &y);
	else if (!is_scaled(s, y, size, &a.index, &a.scale)) {
		if (sel_dies(s, x) || sel_dies(s, y)) {
			alu_values(s, &add, i, size);
			return;
		}
		a.index = y;
	}
	a.base = x;
	lea(s, size, &a);
}

static void lower_sub(struct sel *s, const struct ins *i, u8 size)
{
	static const struct alu sub = {X86_SUB_RR, X86_SUB_RI, X86_SUB_RM};
	i32 c;
	i64 zero;

	if (x86_is_imm(s, i->arg[1], size, &c) && c != INT32_MIN) {
		if (s->want == s->ins)
			alu_ri(s, X86_SUB_RI, size, i->arg[0], c);
		else
			add_const(s, size, i->arg[0], -c);
		return;
	}
	if (sel_is_const(s, i->arg[0], size, &zero) && zero == 0)
		alu_ri(s, X86_NEG_R, size, i->arg[1], 0);
	else
		alu_values(s, &sub, i, size);
}

/* ---- logic -------------------------------------------------------------------------- */

static const struct alu alu_and = {X86_AND_RR, X86_AND_RI, X86_AND_RM};
static const struct alu alu_or = {X86_OR_RR, X86_OR_RI, X86_OR_RM};
static const struct alu alu_xor = {X86_XOR_RR, X86_XOR_RI, X86_XOR_RM};

static void widen(struct sel *s, enum x86_mop rr, u8 from, u8 to, ref a)
{
	u32 va = sel_use(s, a);

	x86_op(s, rr, from)->cc = to;
	sel_d(s, sel_def(s, s->ins));
	sel_u_slot(s, va);
}

/* Masks that a move does; a 64-bit mask without upper half cuts by itself. */
static bool and_const(struct sel *s, u8 size, ref a, i64 v)
{
	u64 mask = size == 8 ? (u64)v : (u32)v;

	if (mask == 0xff || mask == 0xffff || mask == UINT32_MAX) {
		u8 from = mask == 0xff ? 1 : mask == 0xffff ? 2 : 4;

		widen(s, X86_MOVZX_RR, from, 4, a);
		return true;
	}
	if (fits_i32(v)) {
		alu_ri(s, X86_AND_RI, size, a, v);
		return true;
	}
	if (fits_u32(v)) {
		alu_ri(s, X86_AND_RI, 4, a, (i32)v);
		return true;
	}
	if (~mask & (~mask - 1))
		return false;
	alu_ri(s, X86_BTR_RI, size, a, __builtin_ctzll(~mask));
	return true;
}

static bool or_xor_const(
	struct sel *s, const struct ins *i, u8 size, ref a, i64 v)
{
	bool or = i->op == OP_OR;

	if (! or &&v == -1) {
		alu_ri(s, X86_NOT_R, size, a, 0);
		return true;
	}
	if (fits_i32(v)) {
		alu_ri(s, or ? X86_OR_RI : X86_XOR_RI, size, a, v);
		return true;
	}
	if (v & (i64)((u64)v - 1))
		return false;
	alu_ri(s, or ? X86_BTS_RI : X86_BTC_RI, size, a,
		__builtin_ctzll((u64)v));
	return true;
}

/* A 64-bit result without upper half: the 32-bit operation has it, too, and
 * needs no REX.W. Its sign flag is another one. */
static u8 narrow(const struct sel *s, u8 size)
{
	return s->val[s->ins].zero_up && s->want != s->ins ? 4 : size;
}

static void lower_logic(struct sel *s, const struct ins *i, u8 size)
{
	const struct alu *o = i->op == OP_AND  ? &alu_and
			      : i->op == OP_OR ? &alu_or
					       : &alu_xor;
	ref a = i->arg[0], b = i->arg[1];
	i64 v;

	size = narrow(s, size);
	if (sel_is_const(s, a, size, &v))
		swap_refs(&a, &b);
	if (sel_is_const(s, b, size, &v) &&
		(i->op == OP_AND ? and_const(s, size, a, v)
				 : or_xor_const(s, i, size, a, v)))
		return;
	alu_values(s, o, i, size);
}

/* ---- multiplication, division --------------------------------------------------------- */

static bool mul_const(struct sel *s, u8 size, ref a, i64 v)
{
	struct x86_addr m = {.base = a, .index = a};

	if (v == 3 || v == 5 || v == 9) {
		m.scale = (u8)(v - 1);
		lea(s, size, &m);
		return true;
	}
	if (!fits_i32(v))
		return false;
	if (sel_can_fold(s, a, size)) {
		m = x86_fold(s, a);
		x86_op(s, X86_IMUL_RMI, size)->imm = v;
		sel_d(s, sel_def(s, s->ins));
		x86_m(s, &m);
		return true;
	}
	u32 va = sel_use(s, a);

	x86_op(s, X86_IMUL_RRI, size)->imm = v;
	sel_d(s, sel_def(s, s->ins));
	sel_u_slot(s, va);
	return true;
}

static void lower_mul(struct sel *s, const struct ins *i, u8 size)
{
	static const struct alu mul = {X86_IMUL_RR, X86_MOP_END, X86_IMUL_RM};
	ref a = i->arg[0], b = i->arg[1];
	i64 v;

	if (sel_is_const(s, a, size, &v))
		swap_refs(&a, &b);
	if (!sel_is_const(s, b, size, &v) || !mul_const(s, size, a, v))
		alu_values(s, &mul, i, size);
}

/* legal.c left the 64-bit one only. */
static void lower_mulhu(struct sel *s, const struct ins *i)
{
	u32 a = sel_fresh(s, i->arg[0]), b = sel_use(s, i->arg[1]);

	x86_op(s, X86_MULHU, 8);
	sel_d_fixed(s, sel_def(s, s->ins), X86_RDX);
	sel_d_fixed(s, sel_temp(s), X86_RAX);
	sel_u_fixed(s, a, X86_RAX);
	sel_u_slot(s, b);
}

/* The divisor may be 0, or -1 where that matters. */
static bool needs_guard(const struct sel *s, const struct ins *i, u8 size)
{
	const struct ins *d = sel_root(s, i->arg[1]);
	bool is_signed = i->op == OP_SDIV || i->op == OP_SMOD;
	i64 v;

	if (sel_is_const(s, i->arg[1], size, &v))
		return v == 0 || (is_signed && v == -1);
	return is_signed || d->op != OP_OR || ty_size(d->type) != size ||
	       !sel_is_const(s, d->arg[1], size, &v) || v == 0;
}

/* Which of RAX and RDX holds the result, and who dies: emit.c "Division". */
static void lower_div(struct sel *s, const struct ins *i, u8 size)
{
	bool guard = needs_guard(s, i, size);
	bool in_rdx = i->op == OP_UMOD || i->op == OP_SMOD;
	u32 a = sel_fresh(s, i->arg[0]), b = sel_use(s, i->arg[1]);
	u32 def = sel_def(s, s->ins);

	x86_op(s,
		X86_UDIV + (i->op == OP_UDIV	      ? 0
				   : i->op == OP_UMOD ? 1
				   : i->op == OP_SDIV ? 2
						      : 3),
		size)
		->imm = guard;
	if (in_rdx) {
		sel_early(s, def, X86_RDX);
		sel_d_fixed(s, sel_temp(s), X86_RAX);
	} else {
		sel_d_fixed(s, def, X86_RAX);
		sel_early(s, sel_temp(s), X86_RDX);
	}
	sel_u_fixed(s, a, X86_RAX);
	sel_u_slot(s, b);
}

/* ---- shifts ------------------------------------------------------------------------------ */

struct shift {
	enum x86_mop ri, rc, x;
};

static const struct shift *shift_ops(u8 op)
{
	static const struct shift shl = {X86_SHL_RI, X86_SHL_RC, X86_SHLX};
	static const struct shift shr = {X86_SHR_RI, X86_SHR_RC, X86_SHRX};
	static const struct shift sar = {X86_SAR_RI, X86_SAR_RC, X86_SARX};
	static const struct shift rol = {X86_ROL_RI, X86_ROL_RC, X86_MOP_END};

	return op == OP_SHL   ? &shl
	       : op == OP_SHR ? &shr
	       : op == OP_SAR ? &sar
			      : &rol;
}

static void shift_const(struct sel *s, const struct ins *i, u8 size, u8 count)
{
	struct x86_addr twice = {
		.base = i->arg[0], .index = i->arg[0], .scale = 1};

	if (i->op == OP_SHL && count == 1 && !sel_dies(s, i->arg[0])) {
		lea(s, size, &twice);
		return;
	}
	if (i->op == OP_ROTL && s->cg->features & X86_F_BMI2 &&
		!sel_dies(s, i->arg[0])) {
		u32 va = sel_use(s, i->arg[0]);

		x86_op(s, X86_RORX, size)->imm =
			-(unsigned)count & (size * 8u - 1);
		sel_d(s, sel_def(s, s->ins));
		sel_u_slot(s, va);
		return;
	}
	alu_ri(s, shift_ops(i->op)->ri, size, i->arg[0], count);
}

static void lower_shift(struct sel *s, const struct ins *i, u8 size)
{
	const struct shift *o = shift_ops(i->op);
	i64 v;

	if (sel_is_const(s, i->arg[1], size, &v)) {
		shift_const(s, i, size, (u8)(v & (size * 8 - 1)));
		return;
	}
	ref c = sel_shift_count(s, i->arg[1], size);
	bool x = o->x != X86_MOP_END && s->cg->features & X86_F_BMI2;
	u32 va = x ? sel_use(s, i->arg[0]) : sel_fresh(s, i->arg[0]);
	u32 vc = sel_use(s, c);

	x86_op(s, x ? o->x : o->rc, size);
	sel_d(s, sel_def(s, s->ins));
	if (x) {
		sel_u_slot(s, va);
		sel_u(s, vc);
	} else {
		sel_t(s, va);
		sel_u_fixed(s, vc, X86_RCX);
	}
}

/* ---- widths and bytes ----------------------------------------------------------------------- */

/* SEXT, SX8, SX16: from memory in one go. */
static void sign_extend(struct sel *s, ref a, u8 from, u8 to)
{
	if (sel_can_fold(s, a, from)) {
		struct x86_addr m = x86_fold(s, a);

		x86_op(s, X86_MOVSX_RM, from)->cc = to;
		sel_d(s, sel_def(s, s->ins));
		x86_m(s, &m);
		return;
	}
	widen(s, X86_MOVSX_RR, from, to, sel_low(s, a, from));
}

static bool fold_movbe(struct sel *s, ref a, u8 size)
{
	if (!(s->cg->features & X86_F_MOVBE) || !sel_can_fold(s, a, size))
		return false;
	struct x86_addr m = x86_fold(s, a);

	x86_op(s, X86_MOVBE_RM, size);
	sel_d(s, sel_def(s, s->ins));
	x86_m(s, &m);
	return true;
}

/* rol r16, 8 leaves the rest alone; else both swaps, then down with it. */
static void lower_bswap16(struct sel *s, const struct ins *i)
{
	ref a = i->arg[0];

	if (sel_is_short(s, a)) {
		alu_ri(s, X86_ROL_RI, 2, a, 8);
		return;
	}
	u32 va = sel_use(s, sel_low(s, a, 2)), t = sel_temp(s);

	x86_op(s, X86_BSWAP_R, 4);
	sel_d(s, t);
	sel_t(s, va);
	x86_op(s, X86_SHR_RI, 4)->imm = 16;
	sel_d(s, sel_def(s, s->ins));
	sel_t(s, t);
}

/* ---- the table ------------------------------------------------------------------------------- */

void x86_lower_arith(struct sel *s, const struct ins *i)
{
	u8 size = ty_size(i->type);
	ref a = i->arg[0];

	switch (i->op) {
	case OP_ADD: lower_add(s, i, size); break;
	case OP_SUB: lower_sub(s, i, size); break;
	case OP_MUL: lower_mul(s, i, size); break;
	case OP_MULHU: lower_mulhu(s, i); break;
	case OP_UDIV:
	case OP_UMOD:
	case OP_SDIV:
	case OP_SMOD: lower_div(s, i, size); break;
	case OP_AND:
	case OP_OR:
	case OP_XOR: lower_logic(s, i, size); break;
	case OP_SHL:
	case OP_SHR:
	case OP_SAR:
	case OP_ROTL: lower_shift(s, i, size); break;
	case OP_NEG: alu_ri(s, X86_NEG_R, size, a, 0); break;
	case OP_ZEXT: widen(s, X86_MOVZX_RR, 4, 4, a); break;
	case OP_ZX8: widen(s, X86_MOVZX_RR, 1, 4, sel_low(s, a, 1)); break;
	case OP_ZX16: widen(s, X86_MOVZX_RR, 2, 4, sel_low(s, a, 2)); break;
	case OP_SEXT: sign_extend(s, a, 4, 8); break;
	case OP_SX8: sign_extend(s, a, 1, size); break;
	case OP_SX16: sign_extend(s, a, 2, size); break;
	case OP_BSWAP16: lower_bswap16(s, i); break;
	case OP_BSWAP:
		if (!fold_movbe(s, a, size))
			alu_ri(s, X86_BSWAP_R, size, a, 0);
		break;
	default: unreachable();
	}
}
