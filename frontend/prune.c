/*
 * Branches that constants decide lose the edge they never take, so that code
 * behind the answers of CO-RE, kconfig variables and fixed knobs is not there
 * for any later stage: what is wrong in it is no error, what it calls is not
 * linked. The optimiser folds the rest; this is only for functions that hold
 * such a value.
 *
 * Constants go forward over the edges that can be taken, from the entry until
 * nothing changes (Wegman and Zadeck's conditional constants): a block's state
 * is what all its edges agree on, so it only loses facts, and this ends. A
 * fact is a value in a register or in a spill slot: a number, an address in a
 * data section, or one in the frame.
 *
 * A spill slot keeps its value until something may write it: a store at a
 * known place in the frame, a helper that is given a pointer there and writes;
 * and, once a pointer into the frame is anywhere that is not followed here
 * (`loose`), every call and every store through an unknown pointer.
 */
#include <string.h>

#include "frontend/code.h"
#include "frontend/types.h"

enum val_kind { V_ANY, V_NUM, V_DATA, V_STACK };

struct val {
	u8 kind;
	u32 sec; /* V_DATA */
	i64 v;	 /* number, or offset in the section, or from r10 */
};

struct spill {
	i32 off;  /* from r10 */
	u32 size; /* 0: not used */
	struct val val;
};

enum { SPILLS = 8, REGS = 11 };

struct facts {
	struct val reg[REGS];
	struct spill slot[SPILLS];
	bool loose;
};

struct prune {
	struct module *m;
	const struct func *f;
	struct facts *in; /* per block */
	bool *reached;
};

static const struct val any = {V_ANY, 0, 0};

static struct val number(u64 v)
{
	return (struct val){V_NUM, 0, (i64)v};
}

static bool same(const struct val *a, const struct val *b)
{
	return a->kind == b->kind && a->sec == b->sec && a->v == b->v;
}

/* ---- slots --------------------------------------------------------------- */

static void forget(struct facts *s, i64 off, u64 size)
{
	for (u32 k = 0; k < SPILLS; k++) {
		struct spill *p = &s->slot[k];

		if (p->size && p->off < off + (i64)size &&
			off < p->off + (i64)p->size)
			p->size = 0;
	}
}

static void forget_all(struct facts *s)
{
	for (u32 k = 0; k < SPILLS; k++)
		s->slot[k].size = 0;
}

/* Where there is no room the value is not known later. */
static void remember(struct facts *s, i64 off, u32 size, struct val v)
{
	u32 k = 0;

	forget(s, off, size);
	if (v.kind == V_ANY || (v.kind != V_NUM && size != 8) ||
		off < -STACK_BYTES || off >= 0)
		return;
	while (k < SPILLS && s->slot[k].size)
		k++;
	if (k < SPILLS)
		s->slot[k] = (struct spill){(i32)off, size, v};
}

static u64 cut(u64 v, u32 size)
{
	return size < 8 ? v & ((1ull << size * 8) - 1) : v;
}

static struct val recall(const struct facts *s, i64 off, u32 size)
{
	for (u32 k = 0; k < SPILLS; k++) {
		const struct spill *p = &s->slot[k];

		if (p->off != off || p->size < size)
			continue;
		if (p->val.kind == V_NUM)
			return number(cut((u64)p->val.v, size));
		return p->size == size ? p->val : any;
	}
	return any;
}

/* ---- joins --------------------------------------------------------------- */

static const struct spill *slot_like(
	const struct facts *s, const struct spill *p)
{
	for (u32 k = 0; k < SPILLS; k++)
		if (s->slot[k].size == p->size && s->slot[k].off == p->off &&
			same(&s->slot[k].val, &p->val))
			return &s->slot[k];
	return NULL;
}

/* True when a lost something. */
static bool join(struct facts *a, const struct facts *b)
{
	bool changed = false, loose = a->loose || b->loose;

	for (u32 r = 0; r < REGS; r++) {
		if (a->reg[r].kind == V_ANY || same(&a->reg[r], &b->reg[r]))
			continue;
		loose |= a->reg[r].kind == V_STACK;
		a->reg[r] = any;
		changed = true;
	}
	for (u32 r = 0; r < REGS; r++)
		loose |= a->reg[r].kind == V_ANY && b->reg[r].kind == V_STACK;
	for (u32 k = 0; k < SPILLS; k++) {
		if (!a->slot[k].size || slot_like(b, &a->slot[k]))
			continue;
		a->slot[k].size = 0;
		changed = true;
	}
	changed |= loose != a->loose;
	a->loose = loose;
	return changed;
}

/* ---- instructions -------------------------------------------------------- */

static struct val alu(
	struct facts *s, const struct insn *i, struct val a, struct val b)
{
	const struct isa_row *r = isa_row(i);
	u32 bits = isa_is_32(i) ? 32 : 64;
	bool zero = (a.kind == V_NUM && !a.v) || (b.kind == V_NUM && !b.v);
	u64 v;

	if (a.kind == V_NUM && b.kind == V_NUM &&
		fe_alu(r->arg, bits, (u64)a.v, (u64)b.v, &v))
		return number(v);
	if (zero && (r->arg == ISA_A_AND || r->arg == ISA_A_MUL))
		return number(0);
	if (bits == 64 && r->arg == ISA_A_ADD && a.kind == V_NUM) {
		struct val t = a;

		a = b;
		b = t;
	}
	if (bits == 64 && b.kind == V_NUM && a.kind != V_ANY &&
		(r->arg == ISA_A_ADD || r->arg == ISA_A_SUB) &&
		fe_alu(r->arg, 64, (u64)a.v, (u64)b.v, &v)) {
		a.v = (i64)v;
		return a;
	}
	s->loose |= a.kind == V_STACK || b.kind == V_STACK;
	return any;
}

static struct val extend(struct val v, u32 bits, bool to32)
{
	if (v.kind != V_NUM)
		return any;
	u64 x = (u64)v.v << (64 - bits);
	x = (u64)((i64)x >> (64 - bits));
	return number(to32 ? (u32)x : x);
}

static struct val lddw(const struct module *m, const struct insn *i)
{
	if (i->sym == SYM_NONE)
		return number((u64)isa_imm64(i));
	if (m->sym.v[i->sym].kind != SYM_DATA)
		return any;
	return (struct val){V_DATA, m->sym.v[i->sym].index,
		(i64)m->sym.v[i->sym].off + i->addend};
}

static struct val load(const struct module *m, const struct facts *s,
	const struct insn *i, u32 size)
{
	struct val base = s->reg[i->src];
	i64 off;
	u64 v = 0;

	if (add_overflows(base.v, (i64)i->off, &off))
		return any;
	if (base.kind == V_STACK)
		return recall(s, off, size);
	if (base.kind != V_DATA || off < 0)
		return any;
	const struct datasec *d = &m->data.v[base.sec];
	if (!module_data_is_frozen(d, (u64)off, size))
		return any;
	for (u32 k = 0; d->bytes && k < size; k++)
		v |= (u64)d->bytes[off + k] << 8 * k;
	return number(v);
}

static void store(struct facts *s, const struct insn *i, u32 size, struct val v)
{
	struct val base = s->reg[i->dst];
	i64 off;

	s->loose |= v.kind == V_STACK;
	if (base.kind == V_STACK && !add_overflows(base.v, (i64)i->off, &off))
		remember(s, off, size, v);
	else if (base.kind != V_DATA && s->loose)
		forget_all(s);
}

static void memory(const struct module *m, struct facts *s,
	const struct insn *i, const struct mem_insn *a)
{
	struct val v;

	switch (isa_row(i)->kind) {
	case ISA_LDX: s->reg[i->dst] = load(m, s, i, a->size); return;
	case ISA_LDSX:
		v = load(m, s, i, a->size);
		s->reg[i->dst] = extend(v, a->size * 8, false);
		return;
	case ISA_LDACQ: s->reg[i->dst] = any; return;
	case ISA_ST:
		store(s, i, a->size, number(cut((u64)(i64)i->imm, a->size)));
		return;
	case ISA_STX:
		v = s->reg[i->src];
		if (v.kind == V_NUM)
			v = number(cut((u64)v.v, a->size));
		store(s, i, a->size, v);
		return;
	case ISA_FETCH:
		s->loose |= s->reg[i->src].kind == V_STACK;
		store(s, i, a->size, any);
		s->reg[i->src] = any;
		return;
	case ISA_CMPXCHG:
		s->loose |= s->reg[i->src].kind == V_STACK;
		store(s, i, a->size, any);
		s->reg[0] = any;
		return;
	default:
		s->loose |= s->reg[i->src].kind == V_STACK;
		store(s, i, a->size, any);
	}
}

/* What a helper may write behind its argument k, if it points to the frame. */
static void helper_arg(struct facts *s, const struct helper *h, u32 k)
{
	struct val p = s->reg[1 + k], size = any;

	if (p.kind != V_STACK)
		return;
	if (k < 4)
		size = s->reg[2 + k];
	switch (h->arg[k]) {
	case HARG_OUT4: forget(s, p.v, 4); return;
	case HARG_OUT8: forget(s, p.v, 8); return;
	case HARG_OUT:
	case HARG_INOUT:
		forget(s, p.v,
			size.kind == V_NUM && size.v >= 0 ? (u64)size.v
							  : STACK_BYTES);
		return;
	case HARG_KEY:
	case HARG_VALUE:
	case HARG_IN:
	case HARG_STR: return;
	default: s->loose = true;
	}
}

static void call(struct facts *s, const struct insn *i)
{
	const struct helper *h = NULL;

	if (isa_row(i)->kind == ISA_CALL && i->sym == SYM_NONE)
		h = fe_helper(i->imm);
	for (u32 k = 0; k < 5; k++) {
		if (!h)
			s->loose |= s->reg[1 + k].kind == V_STACK;
		else if (k < h->nargs)
			helper_arg(s, h, k);
	}
	if (s->loose)
		forget_all(s);
	for (u32 r = 0; r <= 5; r++)
		s->reg[r] = any;
}

static struct val operand(const struct facts *s, const struct insn *i)
{
	return isa_is_reg(i) ? s->reg[i->src] : number((u64)(i64)i->imm);
}

static void step(const struct module *m, struct facts *s, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);
	struct mem_insn a = types_mem(i);
	struct val *dst = &s->reg[i->dst], v;

	if (a.size) {
		memory(m, s, i, &a);
		return;
	}
	switch (r->kind) {
	case ISA_ALU: *dst = alu(s, i, *dst, operand(s, i)); return;
	case ISA_MOV:
		v = operand(s, i);
		*dst = isa_is_32(i) ? v.kind == V_NUM ? number((u32)v.v) : any
				    : v;
		return;
	case ISA_MOVSX:
		*dst = extend(s->reg[i->src], r->arg, isa_is_32(i));
		return;
	case ISA_LDDW: *dst = lddw(m, i); return;
	case ISA_CALL:
	case ISA_CALLFN:
	case ISA_KFUNC:
	case ISA_CALLX: call(s, i); return;
	case ISA_LDABS:
	case ISA_LDIND:
		for (u32 k = 0; k <= 5; k++)
			s->reg[k] = any;
		return;
	default:
		if (r->dst & ISA_F_W) {
			s->loose |= dst->kind == V_STACK;
			*dst = any;
		}
	}
}

/* ---- branches ------------------------------------------------------------ */

static bool compare(u8 op, u64 a, u64 b, u32 bits)
{
	i64 x = (i64)(a << (64 - bits)), y = (i64)(b << (64 - bits));

	a = (u64)x, b = (u64)y;
	switch (op) {
	case ISA_A_EQ: return a == b;
	case ISA_A_NE: return a != b;
	case ISA_A_UGT: return a > b;
	case ISA_A_UGE: return a >= b;
	case ISA_A_ULT: return a < b;
	case ISA_A_ULE: return a <= b;
	case ISA_A_SGT: return x > y;
	case ISA_A_SGE: return x >= y;
	case ISA_A_SLT: return x < y;
	case ISA_A_SLE: return x <= y;
	default: return a & b; /* ISA_A_TST */
	}
}

/* The one edge that the end of a block takes, or -1: any. */
static i32 only_edge(const struct module *m, const struct func *f,
	const struct facts *s, const struct fe_blk *b)
{
	const struct insn *i = fe_insn(m, f, b->end - 1);

	if (b->nsucc < 2 || i->second || isa_row(i)->kind != ISA_JCC)
		return -1;
	struct val x = s->reg[i->dst], y = operand(s, i);
	if (x.kind != V_NUM || y.kind != V_NUM)
		return -1;
	return compare(isa_row(i)->arg, (u64)x.v, (u64)y.v,
		       isa_is_32(i) ? 32 : 64)
		       ? 0
		       : 1;
}

static void run_block(const struct prune *p, u32 b, struct facts *s)
{
	const struct fe_blk *k = &p->f->fe->blk[b];

	*s = p->in[b];
	for (u32 slot = k->first; slot < k->end; slot++) {
		const struct insn *i = fe_insn(p->m, p->f, slot);

		if (!i->second)
			step(p->m, s, i);
	}
}

/* ---- one function -------------------------------------------------------- */

static void propagate(struct prune *p, u32 *queue, bool *queued)
{
	const struct fe_func *fe = p->f->fe;
	u32 n = 1; /* a stack; block 0 is on it */

	queue[0] = 0;
	while (n) {
		u32 b = queue[--n];
		struct facts s;

		queued[b] = false;
		run_block(p, b, &s);
		i32 only = only_edge(p->m, p->f, &s, &fe->blk[b]);
		for (u32 e = 0; e < fe->blk[b].nsucc; e++) {
			u32 to = fe->blk[b].succ[e];

			if (only >= 0 && (u32)only != e)
				continue;
			if (!p->reached[to])
				p->in[to] = s;
			else if (!join(&p->in[to], &s))
				continue;
			p->reached[to] = true;
			if (!queued[to])
				queue[n++] = to;
			queued[to] = true;
		}
	}
}

static void cut_edges(const struct prune *p)
{
	for (u32 b = 0; b < p->f->fe->nblk; b++) {
		struct fe_blk *k = &p->f->fe->blk[b];
		struct facts s;

		if (!p->reached[b] || k->nsucc < 2)
			continue;
		run_block(p, b, &s);
		i32 only = only_edge(p->m, p->f, &s, k);
		if (only < 0)
			continue;
		k->succ[0] = k->succ[only];
		k->nsucc = 1;
	}
}

/* It holds a value that was settled when it was compiled. */
static bool has_seed(const struct module *m, const struct func *f)
{
	for (u32 s = 0; s < f->n; s++) {
		const struct insn *i = fe_insn(m, f, s);

		if (i->core)
			return true;
		if (i->second || i->sym >= m->sym.n ||
			m->sym.v[i->sym].kind != SYM_DATA)
			continue;
		const struct datasec *d = &m->data.v[m->sym.v[i->sym].index];
		if (!d->writable || d->var.n)
			return true;
	}
	return false;
}

void fe_prune(struct module *m, const struct func *f)
{
	struct arena *a = arena_scratch(m->a);
	struct arena_mark mark = arena_mark(a);
	u32 n = f->fe->nblk;

	if (m->raw || n < 2 || !has_seed(m, f))
		return;
	struct prune p = {
		m, f, arena_array(a, struct facts, n), arena_array(a, bool, n)};
	p.in[0].reg[10] = (struct val){V_STACK, 0, 0};
	p.reached[0] = true;
	propagate(&p, arena_array(a, u32, n), arena_array(a, bool, n));
	cut_edges(&p);
	arena_release(a, mark);
}
