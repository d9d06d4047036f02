/*
 * Stubs of functions that programs attach to (kiln/format.h): how AAPCS64 passes
 * a model's values, and the code that hands them to programs.
 *
 * Arguments and results have places of at most 8 bytes each. The stub's frame
 * has words for them, in the order of the model; what the body gets and what is
 * returned comes from these words. Behind them are words of the stub's own:
 * what the body wants and is no argument, pointers to structs.
 *
 *	X29 + 16	|                     |	the caller's arguments: CFA
 *	X29 ->		| X29, X30            |
 *			| (padding)           |
 *			| x8, x10, pointers   |	the stub's own words
 *			| result              |
 *	args ->		| arguments           |
 *			| hook, seen, cookie  |	struct kiln_tramp_frame
 *			| copy of the stack's |	for the body
 *	SP ->		 ---------------------	16-aligned
 *
 * Before the body is jumped to, and before the return, the frame goes by
 *
 *	mov sp, x29; ldp x29, x30, [sp], 16; autiasp
 */
#include <errno.h>

#include "backend-arm64/a64.h"
#include "kiln/format.h"

/* ---- places of the psABI ------------------------------------------------- */

enum { WORD = 8, IN_REGISTERS = 16, NGPR = 8, NVEC = 8, HFA = 4 };

static u32 part_size(const struct model_value *v, u32 word)
{
	u32 left = v->size - WORD * word;

	return left < WORD ? left : WORD;
}

/* How many registers a float or homogeneous floating-point aggregate takes
 * (AAPCS64 5.9.5.1), each of *size bytes; 0: it is neither. */
static u32 count_vec(const struct model_value *v, u8 *size)
{
	*size = (u8)v->size;
	if (v->cls != MODEL_STRUCT)
		return v->cls == MODEL_FLOAT;
	if (!v->nscalar || v->size > MODEL_SCALARS_SIZE)
		return 0;
	*size = v->scalar[0].size;
	for (u32 k = 0; k < v->nscalar; k++)
		if (!v->scalar[k].is_float || v->scalar[k].size != *size)
			return 0;
	return v->size / *size <= HFA ? v->size / *size : 0;
}

static bool is_in_memory(const struct model_value *v)
{
	u8 size;

	return v->cls == MODEL_STRUCT && v->size > IN_REGISTERS &&
	       !count_vec(v, &size);
}

/* A word of v, without its place. */
static struct passed part(const struct model_value *v, u32 word)
{
	return (struct passed){
		.kind = PASSED_GPR,
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

/* 6.8.2 C.1 to C.5: if not all of it fits, later ones do not, either. */
static void add_vec(
	struct stub_plan *p, const struct model_value *v, u32 n, u8 size)
{
	if (p->nvec + n > NVEC) {
		p->nvec = NVEC;
		add_stack(p, v);
		return;
	}
	for (u32 k = 0; k < n; k++)
		*vec_push(p->a, &p->arg) = (struct passed){.kind = PASSED_VEC,
			.reg = (u8)p->nvec++,
			.size = size,
			.to = WORD * v->word + size * k};
}

/* 6.8.2 C.9 to C.15, none of them aligned to 16. */
static void add_gpr(struct stub_plan *p, const struct model_value *v)
{
	if (p->ngpr + v->nwords > NGPR) {
		p->ngpr = NGPR;
		add_stack(p, v);
		return;
	}
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.reg = (u8)p->ngpr++;
		*vec_push(p->a, &p->arg) = c;
	}
}

/* 6.8.2 B.4: a pointer is passed, here by a word of the stub's own. */
static void add_behind(struct stub_plan *p, const struct model_value *v)
{
	struct model_value pointer = {.cls = MODEL_INT,
		.size = WORD,
		.word = p->words++,
		.nwords = 1};

	add_gpr(p, &pointer);
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.kind = PASSED_BEHIND;
		c.via = WORD * pointer.word;
		c.from = WORD * k;
		*vec_push(p->a, &p->arg) = c;
	}
}

static void add_param(struct stub_plan *p, const struct model_value *v)
{
	u8 size;
	u32 nvec = count_vec(v, &size);

	if (nvec)
		add_vec(p, v, nvec, size);
	else if (is_in_memory(v))
		add_behind(p, v);
	else
		add_gpr(p, v);
}

/* A register that the body wants, in a word of the stub's own: which. */
static u32 add_own(struct stub_plan *p, u8 reg)
{
	*vec_push(p->a, &p->arg) = (struct passed){.kind = PASSED_GPR,
		.reg = reg,
		.size = WORD,
		.to = WORD * p->words};
	return p->words++;
}

/* What is wider than its words has its copy in some of the stub's own. */
static void add_vec_result(
	struct stub_plan *p, const struct model_value *v, u32 n, u8 size)
{
	u32 to = WORD * v->word;

	if (v->size > IN_REGISTERS) {
		*vec_push(p->a, &p->ret) =
			(struct passed){.kind = PASSED_ADDRESS,
				.from = WORD * p->words,
				.to = to};
		to = WORD * p->words;
		p->words += v->size / WORD;
	}
	for (u32 k = 0; k < n; k++)
		*vec_push(p->a, &p->ret) = (struct passed){.kind = PASSED_VEC,
			.reg = (u8)k,
			.size = size,
			.to = to + size * k};
}

/* memory: the own word that has the address of a result there. */
static void add_result(
	struct stub_plan *p, const struct model_value *v, u32 memory)
{
	u8 size;
	u32 nvec = count_vec(v, &size);

	if (nvec) {
		add_vec_result(p, v, nvec, size);
		return;
	}
	if (is_in_memory(v)) {
		*vec_push(p->a, &p->ret) = (struct passed){.kind = PASSED_WORD,
			.from = WORD * memory,
			.to = WORD * v->word};
		return;
	}
	for (u32 k = 0; k < v->nwords; k++) {
		struct passed c = part(v, k);

		c.reg = (u8)k;
		*vec_push(p->a, &p->ret) = c;
	}
}

static void make_plan(struct stub_plan *p, const struct model *m)
{
	u32 memory;

	p->words = m->nargs + m->ret.nwords;
	memory = add_own(p, A64_X8); /* 6.8.2: where a result goes */
	add_own(p, A64_X10);	     /* how many tail calls, of subprograms */
	for (u32 k = 0; k < m->nparam; k++)
		add_param(p, &m->param[k]);
	add_result(p, &m->ret, memory);
}

/* ---- the frame ----------------------------------------------------------- */

/* CFA - X29. */
enum { LINK = 16 };

/* From SP. */
static u32 frame_at(const struct stub_plan *p, size_t off)
{
	return p->stack + (u32)off;
}

static u32 word_at(const struct stub_plan *p, u32 to)
{
	return frame_at(p, offsetof(struct kiln_tramp_frame, args)) + to;
}

static u32 frame_size(const struct stub_plan *p)
{
	return (u32)align_up(word_at(p, WORD * p->words), 16);
}

/* ---- values to words and back -------------------------------------------- */

/* What is narrow goes through it; and where pointers are. */
#define VALUE	A64_X9
#define POINTER A64_X11

static void put(struct buf *b, u32 word)
{
	buf_u32(b, word);
}

static u32 at(const struct buf *b)
{
	return (u32)b->n;
}

static void put_word(
	struct buf *b, enum a64_ldst op, u8 reg, enum a64_gpr base, u32 off)
{
	put(b, a64_ldst_scaled(op, WORD, (enum a64_gpr)reg, base, off));
}

/* VALUE = the low bytes of reg. */
static void widen(struct buf *b, const struct passed *c, u8 reg)
{
	put(b, a64_bfm_ri(c->is_signed ? A64_SBFM : A64_UBFM, 8, VALUE,
		       (enum a64_gpr)reg, 0, 8u * c->size - 1));
}

/* VALUE = the struct's bytes at from; it has more than 8, and none of it is
 * read that it does not have. */
static void load_behind(
	const struct stub_plan *s, struct buf *b, const struct passed *c)
{
	u32 from = c->from + c->size - WORD;

	put_word(b, A64_LDR, POINTER, A64_SP, word_at(s, c->via));
	if (c->size == WORD) {
		put_word(b, A64_LDR, VALUE, POINTER, from);
		return;
	}
	put(b, a64_addsub_ri(A64_ADD, 8, POINTER, POINTER, from));
	put_word(b, A64_LDR, VALUE, POINTER, 0);
	put(b, a64_bfm_ri(A64_UBFM, 8, VALUE, VALUE, 64 - 8u * c->size, 63));
}

/* Of two floats in a word the first clears it. */
static void save_vec(
	const struct stub_plan *s, struct buf *b, const struct passed *c)
{
	u32 to = word_at(s, c->to);

	if (c->size < WORD && to % WORD == 0)
		put_word(b, A64_STR, A64_ZR, A64_SP, to);
	put(b, a64_ldst_vec(A64_STR, c->size, c->reg, A64_SP, to));
}

/* VALUE, or where it is. */
static u8 load_value(
	const struct stub_plan *s, struct buf *b, const struct passed *c)
{
	switch ((enum passed_kind)c->kind) {
	case PASSED_GPR:
		if (c->size == WORD)
			return c->reg;
		widen(b, c, c->reg);
		break;
	case PASSED_STACK: /* its slots are whole words */
		put_word(b, A64_LDR, VALUE, A64_X29, LINK + c->from);
		if (c->size < WORD)
			widen(b, c, VALUE);
		break;
	case PASSED_BEHIND: load_behind(s, b, c); break;
	case PASSED_WORD:
		put_word(b, A64_LDR, VALUE, A64_SP, word_at(s, c->from));
		break;
	case PASSED_ADDRESS:
		put(b, a64_addsub_ri(
			       A64_ADD, 8, VALUE, A64_SP, word_at(s, c->from)));
		break;
	case PASSED_VEC: break;
	}
	return VALUE;
}

static void save_all(
	const struct stub_plan *s, struct buf *b, const struct passed *c, u32 n)
{
	for (u32 k = 0; k < n; k++)
		if (c[k].kind == PASSED_VEC)
			save_vec(s, b, &c[k]);
		else
			put_word(b, A64_STR, load_value(s, b, &c[k]), A64_SP,
				word_at(s, c[k].to));
}

static void load_all(
	const struct stub_plan *s, struct buf *b, const struct passed *c, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		u32 from = word_at(s, c[k].to);

		if (c[k].kind == PASSED_VEC)
			put(b, a64_ldst_vec(A64_LDR, c[k].size, c[k].reg,
				       A64_SP, from));
		else if (c[k].kind == PASSED_GPR)
			put_word(b, A64_LDR, c[k].reg, A64_SP, from);
	}
}

static void copy_stack(const struct stub_plan *s, struct buf *b)
{
	for (u32 k = 0; k < s->stack; k += WORD) {
		put_word(b, A64_LDR, VALUE, A64_X29, LINK + k);
		put_word(b, A64_STR, VALUE, A64_SP, k);
	}
}

/* ---- the stub ------------------------------------------------------------ */

/* Instructions to be made when the rest is known. */
struct holes {
	u32 enter, exit; /* adr of the literals */
	u32 call, end;	 /* branches by the verdict */
};

static void prologue(
	const struct stub_plan *s, struct buf *b, struct unit_fn *u)
{
	put(b, a64_hint(A64_PACIASP));
	unit_add_cfi(u, at(b), CFI_NEGATE_RA, 0, 0);
	put(b, a64_pair_rr(A64_STP, A64_PRE, A64_X29, A64_X30, A64_SP, -LINK));
	unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0, LINK);
	unit_add_cfi(u, at(b), CFI_SAVED, A64_X29, -LINK);
	unit_add_cfi(u, at(b), CFI_SAVED, A64_X30, WORD - LINK);
	put(b, a64_mov_sp(A64_X29, A64_SP));
	unit_add_cfi(u, at(b), CFI_CFA_REG, A64_X29, LINK);
	u->stack = LINK + frame_size(s);
	put(b, a64_addsub_ri(A64_SUB, 8, A64_SP, A64_SP, frame_size(s)));
}

static void leave(struct buf *b, bool last, struct unit_fn *u)
{
	if (!last)
		unit_add_cfi(u, at(b), CFI_REMEMBER, 0, 0);
	put(b, a64_mov_sp(A64_SP, A64_X29));
	put(b, a64_pair_rr(A64_LDP, A64_POST, A64_X29, A64_X30, A64_SP, LINK));
	unit_add_cfi(u, at(b), CFI_CFA_REG, A64_SP, 0);
	unit_add_cfi(u, at(b), CFI_RESTORED, A64_X29, 0);
	unit_add_cfi(u, at(b), CFI_RESTORED, A64_X30, 0);
	put(b, a64_hint(A64_AUTIASP));
	unit_add_cfi(u, at(b), CFI_NEGATE_RA, 0, 0);
}

/* enter(frame) or exit(frame), which is in VALUE. */
static void call_runtime(const struct stub_plan *s, struct buf *b)
{
	put(b, a64_addsub_ri(A64_ADD, 8, A64_X0, A64_SP, frame_at(s, 0)));
	put(b, a64_blr(VALUE));
}

/* POINTER = the literals. */
static void put_adr(struct buf *b, u32 *hole)
{
	*hole = at(b);
	put(b, a64_adr(POINTER, 0));
}

/* Arguments to words; enter; by its verdict on, to `call` or to `end`. */
static void put_enter(const struct stub_plan *s, struct buf *b, struct holes *h)
{
	save_all(s, b, s->arg.v, s->arg.n);
	put_adr(b, &h->enter);
	put_word(b, A64_LDR, A64_X1, POINTER,
		offsetof(struct kiln_stub_lits, hook));
	put_word(b, A64_STR, A64_X1, A64_SP,
		frame_at(s, offsetof(struct kiln_tramp_frame, hook)));
	put_word(b, A64_LDR, VALUE, POINTER,
		offsetof(struct kiln_stub_lits, enter));
	call_runtime(s, b);
	put(b, a64_addsub_ri(A64_SUBS, 4, A64_ZR, A64_X0, KILN_TRAMP_CALL));
	h->call = at(b);
	put(b, 0);
	h->end = at(b); /* KILN_TRAMP_RETURN */
	put(b, 0);
}

static void put_jump(const struct stub_plan *s, struct buf *b,
	struct unit_fn *u, struct stub_places *places)
{
	load_all(s, b, s->arg.v, s->arg.n);
	leave(b, false, u);
	places->jump = at(b);
	put(b, a64_b(0));
	unit_add_cfi(u, at(b), CFI_RECALL, 0, 0);
}

static void put_call(const struct stub_plan *s, struct buf *b, struct holes *h,
	struct stub_places *places)
{
	put_le32(b->p + h->call, a64_bcc(A64_CC_EQ, at(b) - h->call));
	copy_stack(s, b);
	load_all(s, b, s->arg.v, s->arg.n);
	places->call = at(b);
	put(b, a64_bl(0));
	save_all(s, b, s->ret.v, s->ret.n);
	put_adr(b, &h->exit);
	put_word(b, A64_LDR, VALUE, POINTER,
		offsetof(struct kiln_stub_lits, exit));
	call_runtime(s, b);
}

static void put_return(const struct stub_plan *s, struct buf *b,
	struct holes *h, struct unit_fn *u, struct stub_places *places)
{
	put_le32(b->p + h->end, a64_bcc(A64_CC_HI, at(b) - h->end));
	load_all(s, b, s->ret.v, s->ret.n);
	leave(b, true, u);
	places->ret = at(b);
	put(b, a64_ret());
}

/* Zeroes, which the code refers to. */
static void put_lits(
	struct buf *b, const struct holes *h, struct stub_places *places)
{
	places->lits = (u32)buf_align(b, WORD, 0);
	put_le32(b->p + h->enter,
		a64_adr(POINTER, (i32)(places->lits - h->enter)));
	put_le32(b->p + h->exit,
		a64_adr(POINTER, (i32)(places->lits - h->exit)));
	buf_zero(b, sizeof(struct kiln_stub_lits));
}

int a64_stub(const struct model *m, struct arena *a, struct unit_fn *out,
	struct stub_places *places)
{
	struct stub_plan s = {.a = a};
	struct holes h = {0};
	struct buf *b = &out->code;

	make_plan(&s, m);
	out->align = 16;
	prologue(&s, b, out);
	put_enter(&s, b, &h);
	put_jump(&s, b, out, places);
	put_call(&s, b, &h, places);
	put_return(&s, b, &h, out, places);
	put_lits(b, &h, places);
	return places->lits > UINT16_MAX ? -E2BIG : 0;
}
