/*
 * Stubs of functions that programs attach to (kiln/format.h): how the x86-64
 * psABI passes a model's values, and the code that hands them to programs.
 *
 * Arguments and results have places of at most 8 bytes each. The stub's frame has a
 * word for each, in the order of the model; what the body gets and what is
 * returned comes from these words. Behind them are words of the stub's own:
 * registers that the body wants and that are no argument.
 *
 *	RBP + 16	|                     |	the caller's arguments: CFA
 *			| return address      |
 *	RBP ->		| RBP                 |
 *			| rax, r10, [rdi]     |	the stub's own words
 *			| result              |
 *	args ->		| arguments           |
 *			| hook, seen, cookie  |	struct kiln_tramp_frame
 *			| (padding)           |
 *			| copy of the stack's |	for the body
 *	RSP ->		 ---------------------	16-aligned
 *
 * Before the body is jumped to, and before the return, the frame goes by
 * leave, one byte.
 */
#include <errno.h>

#include "backend-x86/x86.h"
#include "kiln/format.h"

/* ---- places of the psABI ------------------------------------------------- */

enum { WORD = 8, IN_REGISTERS = 16, NGPR = 6, NVEC = 8 };

/* psABI 3.2.3: parameter passing, figure 3.4. */
static const u8 gpr[NGPR] = {
	X86_RDI, X86_RSI, X86_RDX, X86_RCX, X86_R8, X86_R9};
static const u8 ret_gpr[2] = {X86_RAX, X86_RDX};

static u32 part_size(const struct model_value *v, u32 word)
{
	u32 left = v->size - WORD * word;

	return left < WORD ? left : WORD;
}

/* The class of one of its words is SSE; else it is INTEGER. */
static bool is_vec(const struct model_value *v, u32 word)
{
	if (v->cls != MODEL_STRUCT)
		return v->cls == MODEL_FLOAT;
	for (u32 k = 0; k < v->nscalar; k++)
		if (v->scalar[k].off / WORD == word && !v->scalar[k].is_float)
			return false;
	return true;
}

static bool is_in_memory(const struct model_value *v)
{
	return v->cls == MODEL_STRUCT && v->size > IN_REGISTERS;
}

/* A word of v, without its place. */
static struct passed part(const struct model_value *v, u32 word)
{
	return (struct passed){
		.kind = is_vec(v, word) ? PASSED_VEC : PASSED_GPR,
		.size = (u8)part_size(v, word),
		.is_signed = v->is_signed,
		.to = WORD * (v->word + word),
	};
}

/* On the stack, all words of it. */
static void add_stack(struct stub_plan *p, const struct model_value *v)
{
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.kind = PASSED_STACK;
		c.from = p->stack;
		p->stack += WORD;
		*vec_push(p->a, &p->arg) = c;
	}
}

/* A value is in registers as a whole or not at all; later ones may be, again
 * (3.2.3, passing, at the end). */
static void add_param(struct stub_plan *p, const struct model_value *v)
{
	u32 nvec = 0;

	for (u32 k = 0; k < v->nwords && !is_in_memory(v); k++)
		nvec += is_vec(v, k);
	if (is_in_memory(v) || p->nvec + nvec > NVEC ||
		p->ngpr + v->nwords - nvec > NGPR) {
		add_stack(p, v);
		return;
	}
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.reg = c.kind == PASSED_VEC ? (u8)p->nvec++ : gpr[p->ngpr++];
		*vec_push(p->a, &p->arg) = c;
	}
}

/* In memory its address is returned. */
static void add_result(struct stub_plan *p, const struct model_value *v)
{
	u32 ngpr = 0, nvec = 0;

	if (is_in_memory(v)) {
		*vec_push(p->a, &p->ret) = (struct passed){.kind = PASSED_GPR,
			.reg = X86_RAX,
			.size = WORD,
			.to = WORD * v->word};
		return;
	}
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.reg = c.kind == PASSED_VEC ? (u8)nvec++ : ret_gpr[ngpr++];
		*vec_push(p->a, &p->ret) = c;
	}
}

/* A register that the body wants, in a word of the stub's own. */
static void add_own(struct stub_plan *p, u8 reg)
{
	*vec_push(p->a, &p->arg) = (struct passed){.kind = PASSED_GPR,
		.reg = reg,
		.size = WORD,
		.to = WORD * p->words++};
}

/* RAX first: what is narrow goes through it. */
static void make_plan(struct stub_plan *p, const struct model *m)
{
	p->words = m->nargs + m->ret.nwords;
	add_own(p, X86_RAX); /* how many tail calls, of subprograms */
	add_own(p, X86_R10); /* static chain */
	if (is_in_memory(&m->ret))
		add_own(p, gpr[p->ngpr++]);
	for (u32 k = 0; k < m->nparam; k++)
		add_param(p, &m->param[k]);
	add_result(p, &m->ret);
}

/* ---- the frame ----------------------------------------------------------- */

/* CFA - RBP. */
enum { LINK = 16 };

static struct x86_mem word_at(const struct stub_plan *p, u32 to)
{
	return x86_at(X86_RBP, (i32)to - (i32)(WORD * p->words));
}

static struct x86_mem frame_at(const struct stub_plan *p, size_t off)
{
	struct x86_mem m = word_at(p, 0);

	m.disp += (i32)off - (i32)sizeof(struct kiln_tramp_frame);
	return m;
}

static u32 frame_size(const struct stub_plan *p)
{
	u32 size = (u32)sizeof(struct kiln_tramp_frame) + WORD * p->words;

	return (u32)align_up(size + p->stack, 16);
}

/* ---- values to words and back -------------------------------------------- */

/* 3, 5, 6 or 7 bytes of RAX: the end of a struct. */
static u8 *clear_above(u8 *p, u8 size)
{
	u8 by = (u8)(64 - 8 * size);

	p = x86_shift_ri(p, X86_SH_SHL, X86_SIZE_8, X86_RAX, by);
	return x86_shift_ri(p, X86_SH_SHR, X86_SIZE_8, X86_RAX, by);
}

static u8 *widen_reg(u8 *p, const struct passed *c)
{
	if (c->size & (c->size - 1)) {
		p = x86_mov_rr(p, X86_SIZE_8, X86_RAX, (enum x86_gpr)c->reg);
		return clear_above(p, c->size);
	}
	if (c->is_signed)
		return x86_movsx_rr(p, X86_SIZE_8, (enum x86_size)c->size,
			X86_RAX, (enum x86_gpr)c->reg);
	return x86_movzx_rr(
		p, (enum x86_size)c->size, X86_RAX, (enum x86_gpr)c->reg);
}

/* Slots of the stack are whole words. */
static u8 *widen_mem(u8 *p, const struct passed *c, struct x86_mem m)
{
	if (c->size & (c->size - 1)) {
		p = x86_mov_rm(p, X86_SIZE_8, X86_RAX, m);
		return clear_above(p, c->size);
	}
	if (c->is_signed && c->size < WORD)
		return x86_movsx_rm(
			p, X86_SIZE_8, (enum x86_size)c->size, X86_RAX, m);
	return x86_movzx_rm(p, (enum x86_size)c->size, X86_RAX, m);
}

static u8 *save(const struct stub_plan *s, u8 *p, const struct passed *c)
{
	struct x86_mem to = word_at(s, c->to);

	if (c->kind != PASSED_STACK && c->size == WORD)
		return c->kind == PASSED_VEC ? x86_movq_mr(p, to, c->reg)
					     : x86_mov_mr(p, X86_SIZE_8, to,
						       (enum x86_gpr)c->reg);
	if (c->kind == PASSED_VEC)
		p = x86_movd_rx(p, X86_RAX, c->reg);
	else if (c->kind == PASSED_GPR)
		p = widen_reg(p, c);
	else
		p = widen_mem(p, c, x86_at(X86_RBP, LINK + (i32)c->from));
	return x86_mov_mr(p, X86_SIZE_8, to, X86_RAX);
}

static u8 *save_all(
	const struct stub_plan *s, u8 *p, const struct passed *c, u32 n)
{
	for (u32 k = 0; k < n; k++)
		p = save(s, p, &c[k]);
	return p;
}

static u8 *load_all(
	const struct stub_plan *s, u8 *p, const struct passed *c, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		struct x86_mem from = word_at(s, c[k].to);

		if (c[k].kind == PASSED_VEC)
			p = x86_movq_rm(p, c[k].reg, from);
		else if (c[k].kind == PASSED_GPR)
			p = x86_mov_rm(
				p, X86_SIZE_8, (enum x86_gpr)c[k].reg, from);
	}
	return p;
}

static u8 *copy_stack(const struct stub_plan *s, u8 *p)
{
	for (i32 at = 0; at < (i32)s->stack; at += WORD) {
		p = x86_mov_rm(
			p, X86_SIZE_8, X86_RAX, x86_at(X86_RBP, LINK + at));
		p = x86_mov_mr(p, X86_SIZE_8, x86_at(X86_RSP, at), X86_RAX);
	}
	return p;
}

/* ---- the stub ------------------------------------------------------------ */

/* Fields to be filled when the rest is known. */
struct holes {
	u8 *hook, *enter, *exit; /* displacements of literals */
	u8 *call, *end;		 /* of jumps: by the verdict */
};

static void fill(u8 *field, const u8 *target)
{
	put_le32(field, (u32)(target - (field + 4)));
}

static u8 *prologue(
	const struct stub_plan *s, u8 *p, const u8 *start, struct unit_fn *u)
{
	p = x86_push_r(x86_endbr64(p), X86_RBP);
	unit_add_cfi(u, (u32)(p - start), CFI_CFA_OFFSET, 0, LINK);
	unit_add_cfi(u, (u32)(p - start), CFI_SAVED, X86_RBP, -LINK);
	p = x86_mov_rr(p, X86_SIZE_8, X86_RBP, X86_RSP);
	unit_add_cfi(u, (u32)(p - start), CFI_CFA_REG, X86_RBP, LINK);
	u->stack = LINK + frame_size(s);
	return x86_alu_ri(
		p, X86_ALU_SUB, X86_SIZE_8, X86_RSP, (i32)frame_size(s));
}

static u8 *leave(u8 *p, const u8 *start, bool last, struct unit_fn *u)
{
	if (!last)
		unit_add_cfi(u, (u32)(p - start), CFI_REMEMBER, 0, 0);
	p = x86_leave(p);
	unit_add_cfi(u, (u32)(p - start), CFI_CFA_REG, X86_RSP, 8);
	unit_add_cfi(u, (u32)(p - start), CFI_RESTORED, X86_RBP, 0);
	return p;
}

/* enter(frame, hook) or exit(frame), by a literal. */
static u8 *call_runtime(const struct stub_plan *s, u8 *p, u8 **lit)
{
	p = x86_lea(p, X86_SIZE_8, X86_RDI, frame_at(s, 0));
	return x86_call_m(p, x86_at_sym(lit));
}

/* Arguments to words; enter; by its verdict on, to `call` or to `end`. */
static u8 *put_enter(const struct stub_plan *s, u8 *p, struct holes *h)
{
	p = save_all(s, p, s->arg.v, s->arg.n);
	p = x86_mov_rm(p, X86_SIZE_8, X86_RSI, x86_at_sym(&h->hook));
	p = x86_mov_mr(p, X86_SIZE_8,
		frame_at(s, offsetof(struct kiln_tramp_frame, hook)), X86_RSI);
	p = call_runtime(s, p, &h->enter);
	p = x86_alu_ri(p, X86_ALU_CMP, X86_SIZE_4, X86_RAX, KILN_TRAMP_CALL);
	p = x86_jcc_rel32(p, X86_CC_E, 0);
	h->call = p - 4;
	p = x86_jcc_rel32(p, X86_CC_A, 0); /* KILN_TRAMP_RETURN */
	h->end = p - 4;
	return p;
}

static u8 *put_jump(const struct stub_plan *s, u8 *p, const u8 *start,
	struct unit_fn *u, struct stub_places *places)
{
	p = load_all(s, p, s->arg.v, s->arg.n);
	p = leave(p, start, false, u);
	places->jump = (u32)(p - start);
	p = x86_jmp_rel32(p, 0);
	unit_add_cfi(u, (u32)(p - start), CFI_RECALL, 0, 0);
	return p;
}

static u8 *put_call(const struct stub_plan *s, u8 *p, const u8 *start,
	struct holes *h, struct stub_places *places)
{
	fill(h->call, p);
	p = copy_stack(s, p);
	p = load_all(s, p, s->arg.v, s->arg.n);
	places->call = (u32)(p - start);
	p = x86_call_rel32(p, 0);
	p = save_all(s, p, s->ret.v, s->ret.n);
	return call_runtime(s, p, &h->exit);
}

static u8 *put_return(const struct stub_plan *s, u8 *p, const u8 *start,
	struct holes *h, struct unit_fn *u, struct stub_places *places)
{
	fill(h->end, p);
	p = load_all(s, p, s->ret.v, s->ret.n);
	p = leave(p, start, true, u);
	places->ret = (u32)(p - start);
	return x86_ret(p);
}

/* Zeroes, which the code refers to. */
static u8 *put_lits(u8 *p, const u8 *start, const struct holes *h,
	struct stub_places *places)
{
	while ((p - start) % WORD)
		p = x86_int3(p);
	places->lits = (u32)(p - start);
	fill(h->hook, p + offsetof(struct kiln_stub_lits, hook));
	fill(h->enter, p + offsetof(struct kiln_stub_lits, enter));
	fill(h->exit, p + offsetof(struct kiln_stub_lits, exit));
	memset(p, 0, sizeof(struct kiln_stub_lits));
	return p + sizeof(struct kiln_stub_lits);
}

/* Bytes that no stub exceeds. */
static size_t bound(const struct stub_plan *s)
{
	return 256 + 64 * (size_t)(s->arg.n + s->ret.n) + 4 * s->stack;
}

int x86_stub(const struct model *m, struct arena *a, struct unit_fn *out,
	struct stub_places *places)
{
	struct stub_plan s = {.a = a};
	struct holes h = {0};
	u8 *start, *p;

	make_plan(&s, m);
	out->align = 16;
	start = buf_room(&out->code, bound(&s));
	p = prologue(&s, start, start, out);
	p = put_enter(&s, p, &h);
	p = put_jump(&s, p, start, out, places);
	p = put_call(&s, p, start, &h, places);
	p = put_return(&s, p, start, &h, out, places);
	p = put_lits(p, start, &h, places);
	out->code.n += (size_t)(p - start);
	return places->lits > UINT16_MAX ? -E2BIG : 0;
}
