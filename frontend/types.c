/*
 * Abstract types over the control flow. A worklist over the blocks of one
 * function; a call analyses its callee for the types of its arguments first
 * (calls do not recurse: calls.c), and each function keeps one result per
 * combination of contexts that it is called with (a spec). When a shared
 * callee's result changes after a caller has used it, everything is run
 * again; types only go up, so this ends.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"

/* ---- frames -------------------------------------------------------------- */

const struct frame *types_frame_join(
	struct types *t, const struct frame *a, const struct frame *b)
{
	struct frame *out = NULL;

	if (a == b || !b)
		return a;
	if (!a)
		return b;
	for (u32 k = 0; k < countof(a->slot); k++) {
		if (rty_eq(a->slot[k], b->slot[k]))
			continue;
		struct rty j = rty_join(t->m, a->slot[k], b->slot[k]);
		if (rty_eq(j, a->slot[k]))
			continue;
		if (!out)
			out = arena_dup(t->tmp, a, sizeof(*a));
		out->slot[k] = j;
	}
	return out ? out : a;
}

/* True when a changed. */
bool types_state_join(struct types *t, struct state *a, const struct state *b)
{
	bool changed = false;

	for (u32 r = 0; r < countof(a->reg); r++) {
		if (rty_eq(a->reg[r], b->reg[r]))
			continue;
		struct rty j = rty_join(t->m, a->reg[r], b->reg[r]);
		changed |= !rty_eq(j, a->reg[r]);
		a->reg[r] = j;
	}
	for (u32 k = 0; k < MAX_FRAMES; k++) {
		if (a->frame[k] == b->frame[k])
			continue;
		const struct frame *j =
			types_frame_join(t, a->frame[k], b->frame[k]);
		changed |= j != a->frame[k];
		a->frame[k] = j;
	}
	return changed;
}

static struct rty slot_get(const struct state *s, u32 up, u32 k)
{
	struct rty none = {0};

	return s->frame[up] ? s->frame[up]->slot[k] : none;
}

void types_slot_set(
	struct types *t, struct state *s, u32 up, u32 k, struct rty v)
{
	if (rty_eq(slot_get(s, up, k), v))
		return;
	if (!(s->fresh & 1u << up)) {
		struct frame *copy = arena_new(t->tmp, struct frame);

		if (s->frame[up])
			*copy = *s->frame[up];
		s->frame[up] = copy;
		s->fresh |= (u8)(1u << up);
	}
	((struct frame *)s->frame[up])->slot[k] = v;
}

/* ---- memory -------------------------------------------------------------- */

struct mem_insn types_mem(const struct insn *i)
{
	const struct isa_row *r = isa_row(i);
	struct mem_insn a = {.reg = i->dst, .flags = CTX_STORE};

	switch (r->kind) {
	case ISA_LDX: a.flags = CTX_LOAD; break;
	case ISA_LDSX: a.flags = CTX_LOAD | CTX_SX; break;
	case ISA_LDACQ:
		a.flags = CTX_LOAD;
		a.atomic = true;
		break;
	case ISA_ST:
	case ISA_STX: break;
	case ISA_STREL:
	case ISA_ATOMIC:
	case ISA_FETCH:
	case ISA_CMPXCHG: a.atomic = true; break;
	default: return (struct mem_insn){0};
	}
	if (a.flags & CTX_LOAD)
		a.reg = i->src;
	static const u8 size[] = {4, 2, 1, 8};
	a.size = size[i->code >> 3 & 3];
	return a;
}

/* Where a stack access lands; false if that is not known or outside. */
static bool stack_place(
	struct rty base, i64 off, u32 size, u32 *first, u32 *last)
{
	i64 at = (i64)base.off + off + STACK_BYTES;

	if (base.kind != RTY_STACK || !base.fixed || base.id >= MAX_FRAMES)
		return false;
	if (at < 0 || at + size > STACK_BYTES || !size)
		return false;
	*first = (u32)at / 8;
	*last = (u32)(at + size - 1) / 8;
	return true;
}

/* What was tracked in [base + off, + size) is gone. */
void types_stack_clobber(struct types *t, struct spec *sp, struct state *s,
	struct rty base, i64 off, u32 size, struct rty v)
{
	u32 first, last;

	if (!stack_place(base, off, size, &first, &last))
		return;
	for (u32 k = first; k <= last; k++) {
		types_slot_set(t, s, base.id, k, v);
		if (base.id)
			sp->wrote[base.id] |= 1ull << k;
	}
}

static struct rty load_type(struct module *m, const struct state *s,
	struct rty base, i64 off, u32 size)
{
	u32 first, last;
	char why[160];

	if (base.kind == RTY_CTX && base.fixed) {
		const struct ctx_type *c = ctx_type(base.id);
		const struct ctx_field *f = ctx_access(
			c, base.off + off, size, CTX_LOAD, why, sizeof(why));

		return f ? f->type : rty_of(RTY_SCALAR, 0);
	}
	if (base.kind == RTY_PLAIN || base.kind == RTY_BTF ||
		base.kind == RTY_REACHED)
		return fe_pointee_load(m, base, off, size);
	if (size != 8)
		return rty_of(RTY_SCALAR, 0);
	if (!((base.off + off) & 7) &&
		stack_place(base, off, size, &first, &last)) {
		struct rty v = slot_get(s, base.id, first);

		if (v.kind != RTY_NONE)
			return v;
	}
	return rty_of(RTY_UNKNOWN, 0);
}

static void store_type(struct types *t, struct spec *sp, struct state *s,
	const struct insn *i, const struct mem_insn *a)
{
	struct rty base = s->reg[a->reg];
	struct rty v = {0};
	u8 kind = isa_row(i)->kind;

	if (base.kind != RTY_STACK)
		return;
	if (a->size == 8 && (kind == ISA_STX || kind == ISA_STREL) &&
		base.fixed && !(((i64)base.off + i->off) & 7))
		v = s->reg[i->src];
	if (v.kind == RTY_SCALAR)
		v.kind = RTY_NONE; /* numbers are not tracked in memory */
	if (v.kind == RTY_NONE)
		v = (struct rty){0};
	types_stack_clobber(t, sp, s, base, i->off, a->size, v);
}

static void step_mem(struct types *t, struct spec *sp, struct state *s,
	const struct insn *i, const struct mem_insn *a)
{
	const struct isa_row *r = isa_row(i);
	struct rty base = s->reg[a->reg];
	struct rty old =
		a->size == 8 ? rty_of(RTY_UNKNOWN, 0) : rty_of(RTY_SCALAR, 0);

	switch (r->kind) {
	case ISA_LDX:
	case ISA_LDACQ:
		s->reg[i->dst] = load_type(t->m, s, base, i->off, a->size);
		return;
	case ISA_LDSX: s->reg[i->dst] = rty_of(RTY_SCALAR, 0); return;
	default: store_type(t, sp, s, i, a);
	}
	if (r->kind == ISA_FETCH)
		s->reg[i->src] = old;
	if (r->kind == ISA_CMPXCHG)
		s->reg[0] = old;
}

/* ---- instructions -------------------------------------------------------- */

static struct rty lddw_type(const struct module *m, const struct insn *i)
{
	i64 func = fe_func_of_sym(m, i->sym);
	const struct sym *s;

	if (i->sym == SYM_NONE)
		return rty_number(isa_imm64(i));
	if (func >= 0 && func < RTY_ANY_FN)
		return rty_of(RTY_FN, (u16)func);
	s = &m->sym.v[i->sym];
	if (s->index >= UINT16_MAX)
		return rty_of(RTY_UNKNOWN, 0);
	switch (s->kind) {
	case SYM_MAP: return rty_of(RTY_MAP, (u16)s->index);
	case SYM_DATA: return rty_of(RTY_DATA, (u16)s->index);
	default: return rty_of(RTY_UNKNOWN, 0);
	}
}

/* The context has 32 bits of a packet pointer: compilers that extend these once
 * more, or move them alone, mean the pointer, which has 64 here. */
bool types_mov_whole(const struct insn *i, struct rty src)
{
	return isa_is_32(i) && isa_is_reg(i) && src.kind == RTY_PACKET;
}

static struct rty mov_type(const struct state *s, const struct insn *i)
{
	struct rty v = isa_is_reg(i) ? s->reg[i->src] : rty_number(i->imm);

	if (v.kind == RTY_NONE) /* one complaint is enough */
		return rty_of(RTY_SCALAR, 0);
	if (!isa_is_32(i) || types_mov_whole(i, v))
		return v;
	if (v.kind == RTY_SCALAR && v.fixed)
		return rty_number((u32)v.off);
	return rty_of(RTY_SCALAR, 0);
}

static void note_exit(struct types *t, struct spec *sp, const struct state *s)
{
	struct rty ret = rty_join(t->m, sp->ret, s->reg[0]);
	bool changed = !rty_eq(ret, sp->ret);

	sp->ret = ret;
	for (u32 k = 1; k < MAX_FRAMES; k++) {
		const struct frame *j =
			sp->wrote[k]
				? types_frame_join(t, sp->out[k], s->frame[k])
				: sp->out[k];

		changed |= j != sp->out[k];
		sp->out[k] = j;
	}
	t->again |= changed && sp->asked;
}

/* A packet load: what is not there ends the function with r0 = 0. */
static void step_packet(struct types *t, u32 func, struct state *s)
{
	bool raw = t->m->raw;

	s->reg[0] = rty_number(0);
	note_exit(t, &t->spec.v[func], s);
	s->reg[0] = rty_of(RTY_SCALAR, 0);
	for (u32 k = 1; k <= 5; k++)
		s->reg[k] = rty_of(raw ? RTY_SCALAR : RTY_NONE, 0);
}

/* Where a tail call succeeds it ends the function: another program's result
 * is this one's. */
static void step_call(
	struct types *t, u32 func, struct state *s, const struct insn *i)
{
	const struct call_to c = types_callee(t, s, i);

	if (is_tail_call(&c)) {
		s->reg[0] = rty_of(RTY_SCALAR, 0);
		note_exit(t, &t->spec.v[func], s);
	}
	types_call(t, func, s, i);
}

void types_step(struct types *t, u32 func, struct state *s, u32 slot)
{
	const struct module *m = t->m;
	const struct insn *i = fe_insn(m, &m->func.v[func], slot);
	const struct isa_row *r = isa_row(i);
	struct rty src = isa_is_reg(i) ? s->reg[i->src] : rty_number(i->imm);
	struct mem_insn a = types_mem(i);

	if (a.size) {
		step_mem(t, &t->spec.v[func], s, i, &a);
		return;
	}
	switch (r->kind) {
	case ISA_MOV: s->reg[i->dst] = mov_type(s, i); return;
	case ISA_ALU:
		s->reg[i->dst] =
			rty_alu(r, isa_is_32(i), s->reg[i->dst], src, m->raw);
		return;
	case ISA_LDDW: s->reg[i->dst] = lddw_type(m, i); return;
	case ISA_CALL:
	case ISA_CALLFN:
	case ISA_KFUNC:
	case ISA_CALLX: step_call(t, func, s, i); return;
	case ISA_LDABS:
	case ISA_LDIND: step_packet(t, func, s); return;
	default:
		if (r->dst & ISA_F_W)
			s->reg[i->dst] = rty_of(RTY_SCALAR, 0);
	}
}

/* ---- one function -------------------------------------------------------- */

/* Runs block b from its entry state; the state at its end goes to s. */
static void run_block(struct types *t, u32 func, u32 b, struct state *s)
{
	const struct fe_blk *k = &t->m->func.v[func].fe->blk[b];
	u64 wrote[MAX_FRAMES];

	memcpy(wrote, t->spec.v[func].wrote, sizeof(wrote));
	*s = t->spec.v[func].in[b];
	s->fresh = 0;
	for (u32 slot = k->first; slot < k->end; slot++)
		if (!fe_insn(t->m, &t->m->func.v[func], slot)->second)
			types_step(t, func, s, slot);
	s->fresh = 0;
	if (t->spec.v[func].asked &&
		memcmp(wrote, t->spec.v[func].wrote, sizeof(wrote)))
		t->again = true;
}

void types_analyse(struct types *t, u32 func)
{
	const struct fe_func *fe = t->m->func.v[func].fe;
	struct spec *sp = &t->spec.v[func];
	u32 *queue = arena_array(t->tmp, u32, fe->nrpo + 1);
	u8 *queued = arena_array(t->tmp, u8, fe->nblk);
	u32 head = 0, n = 0;

	if (!sp->in) {
		sp->in = arena_array(t->tmp, struct state, fe->nblk);
		sp->reached = arena_array(t->tmp, bool, fe->nblk);
	}
	sp->done = true;
	if (sp->reached[0])
		types_state_join(t, &sp->in[0], &sp->entry);
	else
		sp->in[0] = sp->entry;
	sp->reached[0] = true;
	/* A ring: first all blocks in reverse post-order, later what has
	 * changed. */
	for (u32 k = 0; k < fe->nrpo; k++) {
		queue[n++] = fe->rpo[k];
		queued[fe->rpo[k]] = 1;
	}
	while (n) {
		u32 b = queue[head];
		struct state s;

		head = head == fe->nrpo ? 0 : head + 1;
		n--;
		queued[b] = 0;
		if (!sp->reached[b])
			continue;
		run_block(t, func, b, &s);
		sp = &t->spec.v[func]; /* calls may have made specs */
		if (!fe->blk[b].nsucc)
			note_exit(t, sp, &s);
		for (u32 e = 0; e < fe->blk[b].nsucc; e++) {
			u32 to = fe->blk[b].succ[e];
			bool changed = !sp->reached[to];

			if (changed)
				sp->in[to] = s;
			else
				changed = types_state_join(t, &sp->in[to], &s);
			sp->reached[to] = true;
			if (!changed || queued[to])
				continue;
			queued[to] = 1;
			queue[(head + n++) % (fe->nrpo + 1)] = to;
		}
	}
}

/* ---- stage --------------------------------------------------------------- */

static u32 context_of(const struct func *f)
{
	return ctx_find(
		f->prog_type == BPF_PROG_TYPE_EXT ? f->ext_type : f->prog_type,
		f->attach_type);
}

/* Types of programs that a newer libbpf has names for. */
static void check_contexts(struct module *m)
{
	for (u32 k = 0; k < m->func.n; k++) {
		const struct func *f = &m->func.v[k];

		if (f->is_prog && f->is_used && context_of(f) == CTX_UNKNOWN)
			fe_bad(m, f, 0, "program type %u (%s) is not supported",
				f->prog_type, ctx_prog_name(f->prog_type));
	}
}

static struct state entry_state(struct module *m, const struct func *f)
{
	struct state e = {0};
	u32 ctx;

	e.reg[10] = (struct rty){RTY_STACK, true, 0, 0};
	if (m->raw) {
		for (u32 r = 0; r < 10; r++)
			e.reg[r] = rty_number(0);
		e.reg[1] = rty_of(RTY_UNKNOWN, 0);
		e.reg[2] = rty_of(RTY_SCALAR, 0);
		return e;
	}
	if (!f->is_prog) { /* a callback: nothing is known */
		for (u32 r = 1; r <= 5; r++)
			e.reg[r] = rty_of(RTY_UNKNOWN, 0);
		return e;
	}
	if (fe_replaces(f)) {
		for (u32 k = 0; k < f->nparams; k++)
			e.reg[1 + k] = fe_program_param(m, f, k);
		return e;
	}
	ctx = context_of(f);
	if (ctx_type(ctx)->of)
		e.reg[1] = (struct rty){RTY_CTX, true, (u16)ctx, 0};
	else
		e.reg[1] = fe_context(m, f);
	return e;
}

/* What is called from outside: programs; callbacks that no analysed helper
 * call has reached. */
static void run_roots(struct types *t)
{
	u32 n = t->m->func.n; /* specs are reached from their callers */

	for (u32 k = 0; k < n; k++) {
		const struct func *f = &t->m->func.v[k];

		if (!f->is_prog || !f->is_used)
			continue;
		t->spec.v[k].entry = entry_state(t->m, f);
		t->spec.v[k].known = true;
		types_analyse(t, k);
	}
	for (u32 k = 0; k < n; k++) {
		const struct func *f = &t->m->func.v[k];

		if (!f->is_used || t->spec.v[k].done)
			continue;
		t->spec.v[k].entry = entry_state(t->m, f);
		t->spec.v[k].known = true;
		types_analyse(t, k);
	}
}

int fe_types(struct module *m)
{
	struct arena *tmp = arena_scratch(m->a);
	struct arena_mark mark = arena_mark(tmp);
	struct types t = {.m = m, .tmp = tmp};
	u32 errors = m->diag->errors;

	check_contexts(m);
	if (m->diag->errors != errors)
		return -EINVAL;
	t.helper_sym = arena_array(m->a, u32, fe_nhelpers);
	t.map_checked = arena_array(m->a, bool, m->map.n);
	for (u32 k = 0; k < m->func.n; k++)
		vec_push(m->a, &t.spec)->home = k;
	do {
		t.again = false;
		for (u32 k = 0; k < t.spec.n; k++)
			t.spec.v[k].done = t.spec.v[k].asked = false;
		run_roots(&t);
	} while (t.again);
	for (u32 k = 0; k < m->func.n; k++) {
		m->func.v[k].is_used = t.spec.v[k].done;
		if (t.spec.v[k].done)
			types_record(&t, k);
	}
	arena_release(tmp, mark);
	types_tail_calls(m);
	for (u32 k = 0; m->diag->errors == errors && k < m->func.n; k++)
		types_summarise(m, k);
	return m->diag->errors == errors ? 0 : -EINVAL;
}
