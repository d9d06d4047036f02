/*
 * What callers may know about a function: its effects on shared memory, and
 * what it does with the memory behind its pointer parameters: for each the
 * range [lo, hi) of bytes around it that is read or written, or that it gets
 * out of sight. A caller who passes an address of its frame then knows which
 * bytes of it stay its own and can be optimised like locals.
 *
 * A forward walk in which a register is "parameter p plus off", or may be
 * derived from some parameters in an unknown way, or nothing. Whatever is done
 * with the first besides adding constants, comparing it and accessing memory
 * at it makes the parameter escape; of the second, any use. Once a parameter
 * has escaped nothing about it matters any more.
 *
 * Spilled to a slot of the function's own frame and filled again a value stays
 * what it was. That needs every access to the frame to be known: addresses of
 * the frame are followed like parameters, and once one is out of sight the walk
 * begins again with spilling as an escape.
 */
#include <string.h>

#include "frontend/types.h"

struct pval {
	u8 from;    /* bit p: maybe derived from parameter p; BASE_FRAME: r10 */
	bool exact; /* of one of these, and off from it */
	i32 off;
};

enum { BASE_FRAME = 1 << 5, FRAME_BYTES = 512, SLOTS = FRAME_BYTES / 8 };

struct pstate {
	struct pval reg[11];	 /* r10 never changes */
	struct pval slot[SLOTS]; /* 8 bytes each, from r10 - 512 up */
};

struct puse {
	struct module *m;
	const struct func *f;
	struct fe_func *fe;
	struct pstate *in;
	bool *reached;
	bool frame_lost; /* spilling is an escape */
};

enum {
	FAR = 4096,	    /* no frame reaches that far */
	MAX_FOLLOWED = 2048 /* blocks: states are large */
};

/* ---- parameters ---------------------------------------------------------- */

static void lose(struct puse *u, struct pval v)
{
	for (u32 p = 0; p < 5; p++)
		if (v.from & 1u << p)
			u->fe->param[p].access = ARG_ESCAPE;
	if (v.from & BASE_FRAME)
		u->frame_lost = true;
}

/* Bytes [lo, hi) of the own frame are accessed in some other way than as a
 * whole slot. */
static void touch_frame(struct puse *u, const struct pstate *s, i64 lo, i64 hi)
{
	for (i64 k = 0; k < SLOTS; k++)
		if (lo < 8 * (k + 1) - FRAME_BYTES && hi > 8 * k - FRAME_BYTES)
			lose(u, s->slot[k]);
}

/* Bytes [lo, hi) around v. */
static void touch(struct puse *u, const struct pstate *s, struct pval v, i64 lo,
	i64 hi, u8 access)
{
	struct arg_mem *a;

	if (!v.from)
		return;
	lo += v.off;
	hi += v.off;
	if (!v.exact || lo < -FAR || hi > FAR) {
		lose(u, v);
		return;
	}
	if (v.from == BASE_FRAME) {
		touch_frame(u, s, lo, hi);
		return;
	}
	a = &u->fe->param[__builtin_ctz(v.from)];
	if (a->access == ARG_ESCAPE)
		return;
	if (!a->access || lo < a->lo)
		a->lo = (i32)lo;
	if (!a->access || hi > a->hi)
		a->hi = (i32)hi;
	a->access |= access;
}

/* Two ways to one register. True when *a changed. */
static bool meet(struct pval *a, struct pval b)
{
	struct pval old = *a;

	if (a->exact && b.exact && a->from == b.from && a->off == b.off)
		return false;
	*a = (struct pval){.from = old.from | b.from};
	return a->from != old.from || old.exact;
}

/* ---- instructions -------------------------------------------------------- */

/* The slot that an access of size bytes at v + off is exactly, or NULL. */
static struct pval *slot_at(
	const struct puse *u, struct pstate *s, struct pval v, i64 off, u8 size)
{
	off += v.off;
	if (u->frame_lost || v.from != BASE_FRAME || !v.exact || size != 8 ||
		off < -FRAME_BYTES || off > -8 || off & 7)
		return NULL;
	return &s->slot[(off + FRAME_BYTES) / 8];
}

/* A plain load or store of a whole slot. */
static bool step_slot(struct puse *u, struct pstate *s, const struct insn *i,
	struct mem_insn a)
{
	u8 kind = isa_row(i)->kind;
	struct pval *slot = slot_at(u, s, s->reg[a.reg], i->off, a.size);

	if (!slot || a.atomic ||
		(kind != ISA_LDX && kind != ISA_STX && kind != ISA_ST))
		return false;
	if (kind == ISA_LDX)
		s->reg[i->dst] = *slot;
	else
		*slot = kind == ISA_STX ? s->reg[i->src] : (struct pval){0};
	return true;
}

static void step_mem(struct puse *u, const struct pstate *s,
	const struct insn *i, struct mem_insn a)
{
	u8 access = a.flags & CTX_LOAD ? ARG_READ : ARG_WRITE;
	u8 kind = isa_row(i)->kind;

	if (kind == ISA_ATOMIC || kind == ISA_FETCH || kind == ISA_CMPXCHG)
		access = ARG_RW;
	touch(u, s, s->reg[a.reg], i->off, (i64)i->off + a.size, access);
	if (!(a.flags & CTX_LOAD) && kind != ISA_ST)
		lose(u, s->reg[i->src]);
	if (kind == ISA_CMPXCHG)
		lose(u, s->reg[0]);
}

static void step_arg(struct puse *u, const struct pstate *s, struct pval v,
	const struct fe_call *c, const struct arg_mem *a)
{
	struct rty size;

	if (a->access == ARG_SCALAR)
		return;
	if (a->access == ARG_ESCAPE) {
		lose(u, v);
		return;
	}
	if (a->size_arg < 0) {
		touch(u, s, v, a->lo, a->hi, a->access);
		return;
	}
	size = c->type[a->size_arg];
	if (size.kind == RTY_SCALAR && size.fixed && size.off >= 0)
		touch(u, s, v, 0, size.off, a->access);
	else
		lose(u, v);
}

static void step_call(struct puse *u, struct pstate *s, u32 slot)
{
	const struct fe_call *c = &u->fe->calls.v[u->fe->use[slot].call - 1];

	for (u32 k = 0; k < c->nargs; k++)
		step_arg(u, s, s->reg[1 + k], c, &c->arg[k]);
	memset(s->reg, 0, 6 * sizeof(s->reg[0]));
}

/* dst + constant; false: the sum is not followed. */
static bool add_constant(struct pstate *s, const struct insn *i, u8 arg)
{
	struct pval *v = &s->reg[i->dst];

	if (!v->exact || isa_is_32(i) || isa_is_reg(i) || i->imm < -FAR ||
		i->imm > FAR)
		return false;
	if (arg != ISA_A_ADD && arg != ISA_A_SUB)
		return false;
	v->off += arg == ISA_A_ADD ? i->imm : -i->imm;
	return v->off >= -FAR && v->off <= FAR;
}

static void step(struct puse *u, struct pstate *s, u32 slot)
{
	const struct insn *i = fe_insn(u->m, u->f, slot);
	const struct isa_row *r = isa_row(i);
	struct mem_insn a = types_mem(i);

	if (u->fe->use[slot].call) {
		if (r->kind == ISA_CALLX)
			lose(u, s->reg[i->dst]);
		step_call(u, s, slot);
		return;
	}
	if (r->kind == ISA_MOV && !isa_is_32(i) && isa_is_reg(i)) {
		s->reg[i->dst] = s->reg[i->src];
		return;
	}
	if (r->kind == ISA_ALU && s->reg[i->dst].exact &&
		add_constant(s, i, r->arg))
		return;
	if (a.size && step_slot(u, s, i, a))
		return;
	if (a.size)
		step_mem(u, s, i, a);
	else if (r->kind == ISA_EXIT)
		lose(u, s->reg[0]);
	else if (r->kind != ISA_JCC) {
		if (r->dst & ISA_F_R)
			lose(u, s->reg[i->dst]);
		if (r->src & ISA_F_R)
			lose(u, s->reg[i->src]);
	}
	if (r->dst & ISA_F_W)
		s->reg[i->dst] = (struct pval){0};
	if (r->src & ISA_F_W)
		s->reg[i->src] = (struct pval){0};
	if (r->kind == ISA_CMPXCHG)
		s->reg[0] = (struct pval){0};
	if (r->kind == ISA_LDABS || r->kind == ISA_LDIND)
		memset(s->reg, 0, 6 * sizeof(s->reg[0]));
}

/* ---- one function -------------------------------------------------------- */

static bool flow_into(const struct puse *u, u32 to, const struct pstate *s)
{
	bool changed = false;

	if (!u->reached[to]) {
		u->reached[to] = true;
		u->in[to] = *s;
		return true;
	}
	for (u32 r = 0; r < countof(s->reg); r++)
		changed |= meet(&u->in[to].reg[r], s->reg[r]);
	for (u32 k = 0; k < SLOTS && !u->frame_lost; k++)
		changed |= meet(&u->in[to].slot[k], s->slot[k]);
	return changed;
}

/* A ring of blocks; each comes back a few times per register at most. */
static void solve(struct puse *u)
{
	const struct fe_func *fe = u->fe;
	u32 room = fe->nrpo + 1, head = 0, n = 1;
	u32 *queue = arena_array(u->m->a, u32, room);
	u8 *queued = arena_array(u->m->a, u8, fe->nblk);

	while (n) {
		u32 b = queue[head];
		struct pstate s = u->in[b];

		head = (head + 1) % room;
		n--;
		queued[b] = 0;
		for (u32 k = fe->blk[b].first; k < fe->blk[b].end; k++)
			if (!fe_insn(u->m, u->f, k)->second)
				step(u, &s, k);
		for (u32 e = 0; e < fe->blk[b].nsucc; e++) {
			u32 to = fe->blk[b].succ[e];

			if (!flow_into(u, to, &s) || queued[to])
				continue;
			queued[to] = 1;
			queue[(head + n++) % room] = to;
		}
	}
}

static void walk(struct puse *u)
{
	for (u32 k = 0; k < 5; k++)
		u->fe->param[k] = (struct arg_mem){.size_arg = -1};
	memset(u->reached, 0, u->fe->nblk);
	memset(&u->in[0], 0, sizeof(u->in[0]));
	u->reached[0] = true;
	for (u32 k = 1; k <= u->f->nparams && k <= 5; k++)
		u->in[0].reg[k] = (struct pval){
			.from = (u8)(1u << (k - 1)), .exact = true};
	u->in[0].reg[10] = (struct pval){.from = BASE_FRAME, .exact = true};
	solve(u);
}

static void find_uses(struct module *m, const struct func *f)
{
	struct puse u = {.m = m, .f = f, .fe = f->fe};
	struct arena_mark mark = arena_mark(m->a);

	u.in = arena_array(m->a, struct pstate, u.fe->nblk);
	u.reached = arena_array(m->a, bool, u.fe->nblk);
	u.frame_lost = u.fe->nblk > MAX_FOLLOWED;
	bool followed = !u.frame_lost;
	walk(&u);
	if (followed && u.frame_lost)
		walk(&u); /* what was spilled may be anywhere */
	arena_release(m->a, mark);
}

/* ---- calls --------------------------------------------------------------- */

/* A program that is called like a subprogram is not summarised. */
static void sharpen(struct arg_mem *a, const struct func *callee, u32 param)
{
	if (a->access != ARG_ESCAPE || callee->is_prog)
		return;
	if (param < callee->nparams)
		*a = callee->fe->param[param];
	else
		a->access = ARG_SCALAR; /* the callee does not look at it */
}

static void sharpen_call(const struct module *m, struct fe_call *c)
{
	const struct func *callee;

	if (c->to.to == TO_FUNC) {
		callee = &m->func.v[c->to.func];
		c->effects = callee->fe->effects;
		for (u32 k = 0; k < c->nargs; k++)
			sharpen(&c->arg[k], callee, k);
	}
	if (!c->callback)
		return;
	callee = &m->func.v[c->callback - 1];
	c->effects |= callee->fe->effects;
	for (u32 k = 0; k < c->nargs; k++) {
		i32 param = types_callback_any(c->to.helper);

		if (c->to.helper->arg[k] == HARG_ANY && param >= 0)
			sharpen(&c->arg[k], callee, (u32)param);
	}
}

/* Callees first; calls nest at most MAX_FRAMES deep. */
void types_summarise(struct module *m, u32 func)
{
	struct func *f = &m->func.v[func];

	if (f->fe->summarised || !f->fe->use)
		return;
	f->fe->summarised = true;
	for (u32 k = 0; k < f->ncallee; k++)
		types_summarise(m, f->callee[k]);
	for (u32 k = 0; k < f->fe->calls.n; k++) {
		sharpen_call(m, &f->fe->calls.v[k]);
		f->fe->effects |= f->fe->calls.v[k].effects;
	}
	if (!f->is_prog && f->nparams)
		find_uses(m, f);
}
