/*
 * Machine IR -> bytes. Each block's code goes into one raw buffer with a hole
 * where its jumps will be; relax_jumps() then decides what the jumps are, closes
 * the holes and moves the rows. Branches occur at the ends of blocks only;
 * the loops and skips inside one machine operation are emitted as they are.
 *
 * Division. The hardware faults where RFC 9669 has a value: x / 0 = 0,
 * x % 0 = x, INT_MIN / -1 = INT_MIN, INT_MIN % -1 = 0. With a divisor b that
 * may be such (imm is 1), x in RAX:
 *
 *	UDIV to RAX    xor edx, edx; test b, b; cmovz rax, rdx; jz 1f; div b; 1:
 *	UMOD to RDX    mov rdx, rax; test b, b; jz 1f; xor edx, edx; div b; 1:
 *	SDIV to RAX    lea rdx, [b + 1]; cmp rdx, 1; ja 1f;
 *		       imul rax, b; jmp 2f; 1: cqo; idiv b; 2:
 *	SMOD to RDX    lea rdx, [b + 1]; cmp rdx, 1; ja 1f;
 *		       imul rdx, rax; jmp 2f; 1: cqo; idiv b; 2:
 *
 * since x / -1 = x * b and x / 0 = x * b, x % -1 = x * (b + 1) and
 * x % 0 = x * (b + 1). Without: xor edx, edx or cqo, and div. RDX is written
 * before b is read, so b is never in it.
 */
#include <errno.h>

#include "backend-x86/x86.h"
#include "kiln/format.h"

struct code {
	struct mfn *m;
	const struct cg *cg;
	struct x86_frame frame;
	struct unit_fn *out;
	struct buf raw;
	u32 blk;
	u8 *start;		   /* of the instruction being emitted */
	u32 at;			   /* its raw offset */
	const struct mins *zeroed; /* setcc whose register is 0 already */
};

/* Bytes of the longest operation: a tear-down is 7 + 6 * 2, a tail call 24
 * more; guarded division and loops stay below 48. */
enum { ROOM = 64 };

enum { SITE_JUMP = 5, SITE_UD2 = 2 }; /* bytes: jmp rel32, ud2 */

/* ---- operands ------------------------------------------------------------------ */

static const struct mopd *opd(const struct code *c, const struct mins *i, u32 k)
{
	return &c->m->opd.v[i->opd + k];
}

static enum x86_gpr reg(const struct code *c, const struct mins *i, u32 k)
{
	return (enum x86_gpr)opd(c, i, k)->reg;
}

static bool is_slot(const struct code *c, const struct mins *i, u32 k)
{
	return mreg_is_slot(opd(c, i, k)->reg);
}

static struct x86_mem slot(const struct code *c, const struct mins *i, u32 k)
{
	return x86_at(X86_RSP, (i32)(opd(c, i, k)->reg & ~MREG_SLOT) * 8);
}

static enum x86_size size_of(const struct mins *i)
{
	return (enum x86_size)i->size;
}

/* The memory operand, whose registers start at operand k. */
static struct x86_mem mem(
	const struct code *c, const struct mins *i, u32 k, u8 **fix)
{
	struct x86_mem m = x86_at(X86_NOREG, i->disp);

	if (i->aux & X86_M_SYM)
		return x86_at_sym(fix);
	if (i->aux & X86_M_FRAME) {
		m.base = X86_RSP;
		m.disp += (i32)c->frame.fp;
	}
	if (i->aux & X86_M_BASE)
		m.base = (u8)reg(c, i, k++);
	if (i->aux & X86_M_INDEX) {
		m.index = (u8)reg(c, i, k);
		m.scale = i->scale;
	}
	return m;
}

/* ---- rows ----------------------------------------------------------------------- */

static u32 offset(const struct code *c, const u8 *p)
{
	return c->at + (u32)(p - c->start);
}

static void reloc(
	struct code *c, const u8 *field, u32 type, u32 sym, i64 addend)
{
	unit_add_rel(c->out, offset(c, field), type, sym, addend);
}

/* The instruction at p may fault; then everything up to `end` is skipped and
 * dst, if any, is 0. */
static void add_fault(struct code *c, const struct mins *i, const u8 *p,
	const u8 *end, u8 dst)
{
	bool load = dst != PREG_NONE;

	*vec_push(c->out->a, &c->out->fault) = (struct unit_fault){
		.insn = offset(c, p),
		.fixup = offset(c, end),
		.type = load ? KILN_EX_ZERO : KILN_EX_SKIP,
		.data = load ? dst : 0,
		.bpf = i->insn,
	};
}

/* ---- short jumps inside an operation --------------------------------------------- */

static u8 *jcc_ahead(u8 *p, enum x86_cc cc)
{
	return x86_jcc_rel8(p, cc, 0);
}

/* The jump that ends at `end` goes to p. */
static void land(u8 *end, const u8 *p)
{
	end[-1] = (u8)(p - end);
}

/* ---- moves ------------------------------------------------------------------------ */

static u8 *emit_copy(const struct code *c, const struct mins *i, u8 *p)
{
	enum x86_size n = i->size == 4 ? X86_SIZE_4 : X86_SIZE_8;

	if (is_slot(c, i, 0))
		return x86_mov_mr(p, n, slot(c, i, 0), reg(c, i, 1));
	if (is_slot(c, i, 1))
		return x86_mov_rm(p, n, reg(c, i, 0), slot(c, i, 1));
	if (reg(c, i, 0) == reg(c, i, 1))
		return p;
	return x86_mov_rr(p, n, reg(c, i, 0), reg(c, i, 1));
}

/* MINS_FLAGS: the flags are needed here. */
static u8 *emit_mov_ri(const struct code *c, const struct mins *i, u8 *p)
{
	enum x86_gpr r = reg(c, i, 0);

	if (i->imm == 0 && !(i->flags & MINS_FLAGS))
		return x86_alu_rr(p, X86_ALU_XOR, X86_SIZE_4, r, r);
	return x86_mov_ri(p, r, i->imm);
}

static u8 *add_imm(u8 *p, const struct mins *i, enum x86_gpr r)
{
	if (i->imm == 1 || i->imm == -1)
		return x86_un_r(p, i->imm == 1 ? X86_UN_INC : X86_UN_DEC,
			size_of(i), r);
	if (i->imm == 128 && !(i->flags & MINS_FLAGS))
		return x86_alu_ri(p, X86_ALU_SUB, size_of(i), r, -128);
	return x86_alu_ri(p, X86_ALU_ADD, size_of(i), r, (i32)i->imm);
}

/* mov or add where that does it and the flags are free. */
static u8 *emit_lea(struct code *c, const struct mins *i, u8 *p)
{
	u8 *fix = NULL;
	enum x86_gpr d = reg(c, i, 0);
	struct x86_mem m = mem(c, i, 1, &fix);
	bool free = !(i->flags & MINS_FLAGS);

	if (i->aux & X86_M_SYM) {
		p = x86_lea(p, X86_SIZE_8, d, m);
		return p;
	}
	if (!m.scale && !m.disp)
		return d == m.base && i->size == 8
			       ? p
			       : x86_mov_rr(p, size_of(i), d,
					 (enum x86_gpr)m.base);
	if (free && !m.scale && d == m.base) {
		struct mins add = {.size = i->size, .imm = m.disp};

		return add_imm(p, &add, d);
	}
	if (free && m.scale == 1 && !m.disp && (d == m.base || d == m.index))
		return x86_alu_rr(p, X86_ALU_ADD, size_of(i), d,
			(enum x86_gpr)(d == m.base ? m.index : m.base));
	return x86_lea(p, size_of(i), d, m);
}

static u8 *emit_got(struct code *c, const struct mins *i, u8 *p)
{
	u8 *fix = NULL;
	u8 *end = x86_mov_rm(p, X86_SIZE_8, reg(c, i, 0), x86_at_sym(&fix));

	reloc(c, fix, X86_R_REX_GOTPCRELX, i->sym,
		x86_pcrel_addend(fix, end, 0));
	return end;
}

static u8 *emit_setcc(const struct code *c, const struct mins *i, u8 *p)
{
	enum x86_gpr d = reg(c, i, 0);

	p = x86_set_r(p, (enum x86_cc)i->cc, d);
	return c->zeroed == i ? p : x86_movzx_rr(p, X86_SIZE_1, d, d);
}

/* ---- two operands -------------------------------------------------------------------- */

static u8 *emit_alu_rr(
	const struct code *c, const struct mins *i, u8 *p, enum x86_alu op)
{
	if (is_slot(c, i, 2))
		return x86_alu_rm(
			p, op, size_of(i), reg(c, i, 0), slot(c, i, 2));
	return x86_alu_rr(p, op, size_of(i), reg(c, i, 0), reg(c, i, 2));
}

static u8 *emit_alu_ri(
	const struct code *c, const struct mins *i, u8 *p, enum x86_alu op)
{
	if (op == X86_ALU_ADD)
		return add_imm(p, i, reg(c, i, 0));
	return x86_alu_ri(p, op, size_of(i), reg(c, i, 0), (i32)i->imm);
}

static u8 *emit_alu_mi(
	const struct mins *i, u8 *p, enum x86_alu op, struct x86_mem m)
{
	if (op == X86_ALU_ADD && (i->imm == 1 || i->imm == -1))
		return x86_un_m(p, i->imm == 1 ? X86_UN_INC : X86_UN_DEC,
			size_of(i), m);
	return x86_alu_mi(p, op, size_of(i), m, (i32)i->imm);
}

static u8 *emit_cmp_rr(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 1))
		return x86_alu_rm(p, X86_ALU_CMP, size_of(i), reg(c, i, 0),
			slot(c, i, 1));
	return x86_alu_rr(
		p, X86_ALU_CMP, size_of(i), reg(c, i, 0), reg(c, i, 1));
}

static u8 *emit_cmp_ri(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 0))
		return x86_alu_mi(
			p, X86_ALU_CMP, size_of(i), slot(c, i, 0), (i32)i->imm);
	return x86_alu_ri(
		p, X86_ALU_CMP, size_of(i), reg(c, i, 0), (i32)i->imm);
}

static u8 *emit_test_rr(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 0))
		return x86_test_mr(p, size_of(i), slot(c, i, 0), reg(c, i, 1));
	return x86_test_rr(p, size_of(i), reg(c, i, 0), reg(c, i, 1));
}

static u8 *emit_imul_rr(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 2))
		return x86_imul_rm(p, size_of(i), reg(c, i, 0), slot(c, i, 2));
	return x86_imul_rr(p, size_of(i), reg(c, i, 0), reg(c, i, 2));
}

static u8 *emit_imul_rri(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 1))
		return x86_imul_rmi(p, size_of(i), reg(c, i, 0), slot(c, i, 1),
			(i32)i->imm);
	return x86_imul_rri(
		p, size_of(i), reg(c, i, 0), reg(c, i, 1), (i32)i->imm);
}

static u8 *emit_movzx_rr(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 1))
		return x86_movzx_rm(p, size_of(i), reg(c, i, 0), slot(c, i, 1));
	return x86_movzx_rr(p, size_of(i), reg(c, i, 0), reg(c, i, 1));
}

static u8 *emit_movsx_rr(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 1))
		return x86_movsx_rm(p, (enum x86_size)i->cc, size_of(i),
			reg(c, i, 0), slot(c, i, 1));
	return x86_movsx_rr(p, (enum x86_size)i->cc, size_of(i), reg(c, i, 0),
		reg(c, i, 1));
}

static u8 *emit_cmov_rr(const struct code *c, const struct mins *i, u8 *p)
{
	enum x86_cc cc = (enum x86_cc)i->cc;

	if (is_slot(c, i, 2))
		return x86_cmov_rm(
			p, cc, size_of(i), reg(c, i, 0), slot(c, i, 2));
	return x86_cmov_rr(p, cc, size_of(i), reg(c, i, 0), reg(c, i, 2));
}

static u8 *emit_shx(
	const struct code *c, const struct mins *i, u8 *p, enum x86_bmi op)
{
	if (is_slot(c, i, 1))
		return x86_bmi_rmr(p, op, size_of(i), reg(c, i, 0),
			slot(c, i, 1), reg(c, i, 2));
	return x86_bmi_rrr(
		p, op, size_of(i), reg(c, i, 0), reg(c, i, 1), reg(c, i, 2));
}

static u8 *emit_rorx(const struct code *c, const struct mins *i, u8 *p)
{
	if (is_slot(c, i, 1))
		return x86_rorx_rmi(
			p, size_of(i), reg(c, i, 0), slot(c, i, 1), (u8)i->imm);
	return x86_rorx_rri(
		p, size_of(i), reg(c, i, 0), reg(c, i, 1), (u8)i->imm);
}

/* ---- multiplication, division ------------------------------------------------------------ */

/* op with the operand k, a register or slot. */
static u8 *unary(const struct code *c, const struct mins *i, u8 *p,
	enum x86_un op, u32 k)
{
	if (is_slot(c, i, k))
		return x86_un_m(p, op, size_of(i), slot(c, i, k));
	return x86_un_r(p, op, size_of(i), reg(c, i, k));
}

static u8 *test_zero(const struct code *c, const struct mins *i, u8 *p, u32 k)
{
	if (is_slot(c, i, k))
		return x86_alu_mi(p, X86_ALU_CMP, size_of(i), slot(c, i, k), 0);
	return x86_test_rr(p, size_of(i), reg(c, i, k), reg(c, i, k));
}

enum { DIVISOR = 3 }; /* operands: result, clobbered, x, b */

static u8 *zero_rdx(u8 *p)
{
	return x86_alu_rr(p, X86_ALU_XOR, X86_SIZE_4, X86_RDX, X86_RDX);
}

static u8 *emit_unsigned(const struct code *c, const struct mins *i, u8 *p)
{
	bool mod = i->op == X86_UMOD;
	u8 *skip;

	if (!i->imm)
		return unary(c, i, zero_rdx(p), X86_UN_DIV, DIVISOR);
	p = mod ? x86_mov_rr(p, size_of(i), X86_RDX, X86_RAX) : zero_rdx(p);
	p = test_zero(c, i, p, DIVISOR);
	if (!mod)
		p = x86_cmov_rr(p, X86_CC_E, size_of(i), X86_RAX, X86_RDX);
	p = skip = jcc_ahead(p, X86_CC_E);
	p = unary(c, i, mod ? zero_rdx(p) : p, X86_UN_DIV, DIVISOR);
	land(skip, p);
	return p;
}

/* rdx = b + 1 */
static u8 *next_of_divisor(const struct code *c, const struct mins *i, u8 *p)
{
	if (!is_slot(c, i, DIVISOR))
		return x86_lea(
			p, size_of(i), X86_RDX, x86_at(reg(c, i, DIVISOR), 1));
	p = x86_mov_rm(p, size_of(i), X86_RDX, slot(c, i, DIVISOR));
	return x86_un_r(p, X86_UN_INC, size_of(i), X86_RDX);
}

static u8 *emit_signed(const struct code *c, const struct mins *i, u8 *p)
{
	u8 *usual, *done = NULL;

	if (i->imm) {
		p = next_of_divisor(c, i, p);
		p = x86_alu_ri(p, X86_ALU_CMP, size_of(i), X86_RDX, 1);
		p = usual = jcc_ahead(p, X86_CC_A);
		if (i->op == X86_SMOD)
			p = x86_imul_rr(p, size_of(i), X86_RDX, X86_RAX);
		else if (is_slot(c, i, DIVISOR))
			p = x86_imul_rm(
				p, size_of(i), X86_RAX, slot(c, i, DIVISOR));
		else
			p = x86_imul_rr(
				p, size_of(i), X86_RAX, reg(c, i, DIVISOR));
		p = done = x86_jmp_rel8(p, 0);
		land(usual, p);
	}
	p = unary(c, i, x86_cqo(p, size_of(i)), X86_UN_IDIV, DIVISOR);
	if (done)
		land(done, p);
	return p;
}

/* ---- atomics --------------------------------------------------------------------------- */

/* mov rax, [m]; 1: mov t, rax; op t, v; lock cmpxchg [m], t; jne 1b */
static u8 *emit_fetch(
	struct code *c, const struct mins *i, u8 *p, enum x86_alu op)
{
	u8 *fix = NULL, *load = p, *loop, *swap;
	enum x86_gpr t = reg(c, i, 1);
	struct x86_mem m = mem(c, i, 3, &fix);

	p = loop = x86_mov_rm(p, size_of(i), X86_RAX, m);
	if (fix)
		reloc(c, fix, X86_R_PC32, i->sym,
			x86_pcrel_addend(fix, p, i->disp));
	p = x86_mov_rr(p, size_of(i), t, X86_RAX);
	p = x86_alu_rr(p, op, size_of(i), t, reg(c, i, 2));
	swap = p;
	p = x86_lock_cmpxchg_mr(p, size_of(i), m, t);
	if (fix)
		reloc(c, fix, X86_R_PC32, i->sym,
			x86_pcrel_addend(fix, p, i->disp));
	p = x86_jcc_rel8(p, X86_CC_NE, 0);
	land(p, loop);
	if (i->flags & MINS_FAULT) {
		add_fault(c, i, load, p, X86_RAX);
		add_fault(c, i, swap, p, X86_RAX);
	}
	return p;
}

/* ---- instructions with a memory operand ---------------------------------------------------- */

/* Where the memory operand's registers start. */
static u32 mem_at(const struct mins *i)
{
	return i->nopd - !!(i->aux & X86_M_BASE) - !!(i->aux & X86_M_INDEX);
}

static u8 *put_mem(
	const struct code *c, const struct mins *i, u8 *p, struct x86_mem m)
{
	const struct x86_mop_info *o = x86_mop(i->op);
	enum x86_size n = size_of(i);
	i32 imm = (i32)i->imm;

	switch (o->form) {
	case F_ALU_RM: return x86_alu_rm(p, o->code, n, reg(c, i, 0), m);
	case F_CMP_RM: return x86_alu_rm(p, o->code, n, reg(c, i, 0), m);
	case F_ALU_MR:
	case F_CMP_MR: return x86_alu_mr(p, o->code, n, m, reg(c, i, 0));
	case F_ALU_MI: return emit_alu_mi(i, p, o->code, m);
	case F_CMP_MI: return x86_alu_mi(p, o->code, n, m, imm);
	case F_TEST_MR: return x86_test_mr(p, n, m, reg(c, i, 0));
	case F_TEST_MI: return x86_test_mi(p, n, m, imm);
	case F_UN_M: return x86_un_m(p, o->code, n, m);
	case F_IMUL_RM: return x86_imul_rm(p, n, reg(c, i, 0), m);
	case F_IMUL_RMI: return x86_imul_rmi(p, n, reg(c, i, 0), m, imm);
	case F_MOVZX_RM: return x86_movzx_rm(p, n, reg(c, i, 0), m);
	case F_MOVSX_RM:
		return x86_movsx_rm(
			p, (enum x86_size)i->cc, n, reg(c, i, 0), m);
	case F_MOV_MR: return x86_mov_mr(p, n, m, reg(c, i, 0));
	case F_MOV_MI: return x86_mov_mi(p, n, m, imm);
	case F_MOVBE_RM: return x86_movbe_rm(p, n, reg(c, i, 0), m);
	case F_MOVBE_MR: return x86_movbe_mr(p, n, m, reg(c, i, 0));
	case F_CMOV_RM:
		return x86_cmov_rm(p, (enum x86_cc)i->cc, n, reg(c, i, 0), m);
	case F_LOCK_MR: return x86_lock_alu_mr(p, o->code, n, m, reg(c, i, 0));
	case F_LOCK_MI: return x86_lock_alu_mi(p, o->code, n, m, imm);
	case F_XADD: return x86_lock_xadd_mr(p, n, m, reg(c, i, 0));
	case F_XCHG: return x86_xchg_mr(p, n, m, reg(c, i, 0));
	case F_CMPXCHG: return x86_lock_cmpxchg_mr(p, n, m, reg(c, i, 2));
	default: unreachable();
	}
}

static u8 *emit_mem(struct code *c, const struct mins *i, u8 *p)
{
	u8 *fix = NULL;
	u8 *end = put_mem(c, i, p, mem(c, i, mem_at(i), &fix));

	if (fix)
		reloc(c, fix, X86_R_PC32, i->sym,
			x86_pcrel_addend(fix, end, i->disp));
	if (i->flags & MINS_FAULT) {
		bool has_def = i->nopd && opd(c, i, 0)->role == OPD_DEF;

		add_fault(c, i, p, end,
			has_def ? (u8)reg(c, i, 0) : (u8)PREG_NONE);
	}
	return end;
}

/* ---- calls, ends of blocks -------------------------------------------------------------- */

/* The count of tail calls is behind this pointer. */
static u8 *load_counter(const struct code *c, u8 *p)
{
	return x86_mov_rm(
		p, X86_SIZE_8, X86_RAX, x86_at(X86_RSP, (i32)c->frame.size));
}

static u8 *emit_call(struct code *c, const struct mins *i, u8 *p)
{
	if (x86_mop(i->op)->form == F_CALL_R)
		return x86_call_r(p, reg(c, i, i->nopd - i->aux - 1u));
	if (i->sym < c->cg->nsyms && c->cg->syms[i->sym].counter)
		p = load_counter(c, p);
	p = x86_call_rel32(p, 0);
	reloc(c, p - 4, X86_R_PLT32, i->sym, -4);
	return p;
}

/* mov rax, count; cmp [rax], 33; jae *many; inc [rax]; tear down */
static u8 *begin_tail(struct code *c, u8 *p, u8 **many)
{
	struct x86_mem count = x86_at(X86_RAX, 0);

	p = load_counter(c, p);
	p = x86_alu_mi(p, X86_ALU_CMP, X86_SIZE_4, count, KILN_MAX_TAIL_CALLS);
	p = *many = jcc_ahead(p, X86_CC_AE);
	p = x86_un_m(p, X86_UN_INC, X86_SIZE_4, count);
	return x86_tear_down(&c->frame, p, offset(c, p), false, c->out);
}

/* Behind the jump goes on who makes no tail call. */
static u8 *end_tail(struct code *c, u8 *p, u8 *many)
{
	x86_recall(&c->frame, offset(c, p), c->out);
	land(many, p);
	return p;
}

/* test rdx, rdx; jz 1f; begin; jmp rdx; 1: */
static u8 *emit_tail(struct code *c, u8 *p)
{
	u8 *none, *many;

	p = x86_test_rr(p, X86_SIZE_8, X86_RDX, X86_RDX);
	p = none = jcc_ahead(p, X86_CC_E);
	p = x86_jmp_r(begin_tail(c, p, &many), X86_RDX);
	p = end_tail(c, p, many);
	land(none, p);
	return p;
}

/* begin; jmp sym, or what becomes a jump once there is a program: ud2, nop */
static u8 *emit_tail_jump(struct code *c, const struct mins *i, u8 *p)
{
	bool fixed = cg_is_func(c->cg, i->sym);
	u8 *many;

	p = begin_tail(c, p, &many);
	unit_add_site(c->out, offset(c, p), SITE_JUMP, i->sym, (u32)i->imm);
	p = fixed ? x86_jmp_rel32(p, 0)
		  : x86_nop(x86_ud2(p), SITE_JUMP - SITE_UD2);
	if (fixed)
		reloc(c, p - 4, X86_R_PLT32, i->sym, -4);
	return end_tail(c, p, many);
}

static u8 *emit_ret(struct code *c, u8 *p)
{
	bool last = c->blk + 1 == c->m->nblk;

	return x86_epilogue(&c->frame, p, offset(c, p), last, c->out);
}

/* ---- one instruction -------------------------------------------------------------------- */

static u8 *emit_target(struct code *c, const struct mins *i, u8 *p)
{
	const struct x86_mop_info *o = x86_mop(i->op);
	enum x86_size n = size_of(i);
	u8 *fix = NULL, *end;

	switch (o->form) {
	case F_ALU_RR: return emit_alu_rr(c, i, p, o->code);
	case F_ALU_RI: return emit_alu_ri(c, i, p, o->code);
	case F_CMP_RR: return emit_cmp_rr(c, i, p);
	case F_CMP_RI: return emit_cmp_ri(c, i, p);
	case F_TEST_RR: return emit_test_rr(c, i, p);
	case F_TEST_RI: return x86_test_ri(p, n, reg(c, i, 0), (i32)i->imm);
	case F_BT_RI:
	case F_BIT_RI:
		return x86_bit_ri(p, o->code, n, reg(c, i, 0), (u8)i->imm);
	case F_UN_R: return x86_un_r(p, o->code, n, reg(c, i, 0));
	case F_BSWAP_R: return x86_bswap_r(p, n, reg(c, i, 0));
	case F_IMUL_RR: return emit_imul_rr(c, i, p);
	case F_IMUL_RRI: return emit_imul_rri(c, i, p);
	case F_MULHU: return unary(c, i, p, X86_UN_MUL, 3);
	case F_SHIFT_RI:
		return x86_shift_ri(p, o->code, n, reg(c, i, 0), (u8)i->imm);
	case F_SHIFT_RC: return x86_shift_r_cl(p, o->code, n, reg(c, i, 0));
	case F_SHX: return emit_shx(c, i, p, o->code);
	case F_RORX: return emit_rorx(c, i, p);
	case F_DIV:
		return i->op == X86_UDIV || i->op == X86_UMOD
			       ? emit_unsigned(c, i, p)
			       : emit_signed(c, i, p);
	case F_MOV_RI: return emit_mov_ri(c, i, p);
	case F_LEA:
		if (!(i->aux & X86_M_SYM))
			return emit_lea(c, i, p);
		end = x86_lea(p, n, reg(c, i, 0), mem(c, i, 1, &fix));
		reloc(c, fix, X86_R_PC32, i->sym,
			x86_pcrel_addend(fix, end, i->disp));
		return end;
	case F_GOT: return emit_got(c, i, p);
	case F_MOVZX_RR: return emit_movzx_rr(c, i, p);
	case F_MOVSX_RR: return emit_movsx_rr(c, i, p);
	case F_SETCC: return emit_setcc(c, i, p);
	case F_CMOV_RR: return emit_cmov_rr(c, i, p);
	case F_FETCH: return emit_fetch(c, i, p, o->code);
	case F_CALL:
	case F_CALL_R: return emit_call(c, i, p);
	case F_TAIL: return emit_tail(c, p);
	case F_TAIL_JUMP: return emit_tail_jump(c, i, p);
	case F_RET: return emit_ret(c, p);
	case F_UD2: return x86_ud2(p);
	case F_ENTRY:
	case F_JCC:
	case F_JMP: return p;
	default: return emit_mem(c, i, p);
	}
}

static u8 *emit_ins(struct code *c, const struct mins *i, u8 *p)
{
	switch (i->op) {
	case MOP_NOP:
	case MOP_JMP: return p;
	case MOP_COPY: return emit_copy(c, i, p);
	case MOP_SWAP:
		return x86_xchg_rr(p, X86_SIZE_8, reg(c, i, 0), reg(c, i, 1));
	default: return emit_target(c, i, p);
	}
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* Marks, with MINS_FLAGS, the constants and leas that must keep the flags. */
static void mark_flags(struct code *c, const struct mblk *b)
{
	bool live = false;

	for (u32 k = b->n; k-- > 0;) {
		struct mins *i = &c->m->ins.v[b->first + k];

		if (i->op == X86_MOV_RI || i->op == X86_LEA)
			i->flags = live ? i->flags | MINS_FLAGS
					: i->flags & ~MINS_FLAGS;
		if (x86_reads_flags(i->op))
			live = true;
		else if (x86_clobbers_flags(i->op))
			live = false;
	}
}

/* cmp i with setcc next behind it: the register is cleared before, unless
 * the comparison reads it. */
static u8 *clear_for_setcc(
	struct code *c, const struct mins *i, const struct mins *next, u8 *p)
{
	u32 d = opd(c, next, 0)->reg;

	for (u32 k = 0; k < i->nopd; k++)
		if (opd(c, i, k)->reg == d)
			return p;
	c->zeroed = next;
	return x86_alu_rr(
		p, X86_ALU_XOR, X86_SIZE_4, (enum x86_gpr)d, (enum x86_gpr)d);
}

static bool is_compare(const struct mins *i)
{
	if (i->op < MOP_TARGET)
		return false;
	u8 form = x86_mop(i->op)->form;

	return form >= F_CMP_RR && form <= F_BT_RI;
}

static void emit_one(struct code *c, const struct mins *i, bool more)
{
	u8 *p = buf_room(&c->raw, ROOM);

	c->start = p;
	c->at = (u32)c->raw.n;
	unit_add_line(c->out, c->at, i->insn);
	if (more && i[1].op == X86_SETCC && is_compare(i))
		p = clear_for_setcc(c, i, i + 1, p);
	p = emit_ins(c, i, p);
	c->raw.n += (size_t)(p - c->start);
}

static void emit_blk(struct code *c, u32 n, struct piece *piece)
{
	const struct mblk *b = &c->m->blk[n];
	const struct mins *last = &c->m->ins.v[b->first + b->n - 1];

	c->blk = n;
	mark_flags(c, b);
	for (u32 k = 0; k < b->n; k++)
		emit_one(c, &c->m->ins.v[b->first + k], k + 1 < b->n);
	piece->hole = b->nsucc > 0;
	piece->cond = b->nsucc > 1;
	piece->cc = piece->cond ? last->cc : 0;
	for (u32 e = 0; e < b->nsucc; e++)
		piece->to[e] = b->succ[e];
	if (piece->hole)
		buf_zero(&c->raw, x86_jumps.hole);
	piece->end = (u32)c->raw.n;
}

static void emit_prologue(struct code *c)
{
	u8 *p = buf_room(&c->raw, ROOM);

	c->raw.n += (size_t)(x86_prologue(&c->frame, p, 0, c->out) - p);
}

int x86_emit(struct mfn *m, const struct cg *cg, struct unit_fn *out)
{
	struct arena *tmp = arena_scratch(m->a);
	struct arena_mark mark = arena_mark(tmp);
	struct code c = {.m = m, .cg = cg, .out = out};
	struct piece *piece = arena_array(tmp, struct piece, m->nblk);
	int err;

	c.frame = x86_frame_make(m, cg);
	out->align = 16;
	out->stack = 8 + 8 * c.frame.npush + c.frame.size;
	out->ret = (i32)out->stack - 8;
	buf_init(&c.raw, tmp);
	emit_prologue(&c);
	for (u32 b = 0; b < m->nblk; b++) {
		piece[b].start = b ? (u32)c.raw.n : 0;
		emit_blk(&c, b, &piece[b]);
	}
	err = relax_jumps(tmp, &c.raw, piece, m->nblk, &x86_jumps, out);
	arena_release(tmp, mark);
	return err;
}
