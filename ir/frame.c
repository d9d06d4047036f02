/*
 * The own BPF frame: who touches it (frame_scan), and the last word on it
 * before the back end (pass_frame).
 *
 * A stack byte that was never written reads 0. Once everything that does not
 * escape is in SSA values, what is left in memory keeps that promise like
 * this: a forward dataflow of 512 bits over the blocks computes which bytes
 * have been written on every way to a place; a read (a load, an atomic, a call
 * that may read) of a byte that may be unwritten puts it on the list, and the
 * bytes of the list are stored 0 at the entry. A program that fills its keys
 * before it passes them pays nothing. An address that got lost may read all
 * of the frame, but for arrays whose index is bounded (frame_index.c).
 *
 * pass_frame also computes fn->frame: how far down the frame is addressed.
 */
#include <string.h>

#include "ir/frame.h"

/* ---- addresses ----------------------------------------------------------- */

bool frame_address(const struct fn *f, ref v, i64 *off)
{
	enum { MAX_CHAIN = 8 };
	i64 sum = 0, c;

	for (u32 n = 0; n < MAX_CHAIN; n++) {
		const struct ins *i = ir_ins(f, v);

		if (i->op == OP_FP)
			return !add_overflows(sum, i->imm, off);
		if (i->op != OP_ADD || !ir_is_const(f, i->arg[1], &c) ||
			add_overflows(sum, c, &sum))
			return false;
		v = i->arg[0];
	}
	return false;
}

bool frame_inside(i64 off, i64 size)
{
	return off >= -FRAME_MAX && off <= 0 && size >= 0 && size <= -off;
}

int frame_call_arg(
	const struct fn *f, const struct ins *call, u32 k, i64 *lo, i64 *hi)
{
	const struct call *c = &f->calls.v[call->aux];
	u32 n, skip = call->op == OP_CALLX;
	const ref *arg = ir_args(f, call, &n);
	const struct arg_mem *m;
	i64 base;

	if (k < skip)
		return 0;
	m = &c->arg[k - skip];
	if (!frame_address(f, arg[k], &base))
		return 0;
	if (m->access == ARG_SCALAR)
		return 0;
	if (m->access == ARG_ESCAPE)
		return -1;
	*lo = base + m->lo;
	*hi = base + m->hi;
	if (m->size_arg >= 0) {
		i64 size;

		if ((u32)m->size_arg + skip >= n ||
			!ir_is_const(f, arg[(u32)m->size_arg + skip], &size))
			return -1;
		*lo = base;
		*hi = size < 0 || size > FRAME_MAX ? 1 : base + size;
	}
	return frame_inside(*lo, *hi - *lo) ? 1 : -1;
}

/* ---- scan ---------------------------------------------------------------- */

static void put_range(struct frame_set *s, i64 lo, i64 hi)
{
	for (i64 k = lo; k < hi; k++)
		frame_put(s, frame_bit(k));
}

static bool mem_loses(
	const struct fn *f, const struct ins *i, struct frame_use *u)
{
	i64 off;

	if (!frame_address(f, i->arg[0], &off) ||
		add_overflows(off, i->imm, &off) || !frame_inside(off, i->size))
		return true;
	put_range(&u->touched, off, off + i->size);
	if ((i->op != OP_LOAD && i->op != OP_STORE) || (i->mem & MEM_FAULT))
		put_range(&u->pinned, off, off + i->size);
	return false;
}

static bool call_loses(
	const struct fn *f, const struct ins *i, u32 k, struct frame_use *u)
{
	i64 lo, hi;

	if (!frame_address(f, f->args.v[i->arg[0].v + k], &lo))
		return true;
	int known = frame_call_arg(f, i, k, &lo, &hi);
	if (known == 1) {
		put_range(&u->touched, lo, hi);
		put_range(&u->pinned, lo, hi);
	}
	return known < 0;
}

/* Argument k of i is an address in the frame: does it get lost here? */
static bool loses(
	const struct fn *f, const struct ins *i, u32 k, struct frame_use *u)
{
	if (op_is_mem((enum op)i->op)) /* else the address itself is stored */
		return k != 0 || mem_loses(f, i, u);
	switch (i->op) {
	case OP_CALL:
	case OP_CALLX: return call_loses(f, i, k, u);
	case OP_CMP:
	case OP_BR:
	case OP_RET: return false;
	case OP_SEL: return k >= 2;
	case OP_ADD: /* followed, if the other one is a constant */
		return k == 1 || ir_ins(f, i->arg[1])->op != OP_CONST;
	default: return true;
	}
}

/* Anybody computes with r10; after promotion often nobody does. */
static bool is_used(const struct fn *f, const u8 *derived)
{
	for (u32 i = 1; i < f->nins; i++) {
		u32 n;
		const ref *arg = ir_args(f, &f->ins[i], &n);

		for (u32 k = 0; k < n; k++)
			if (derived[arg[k].v])
				return true;
	}
	return false;
}

void frame_scan(const struct fn *f, struct arena *a, struct frame_use *u)
{
	u32 n;
	const u32 *rpo;
	u8 *derived;

	memset(u, 0, sizeof(*u));
	u->derived = derived = arena_array(a, u8, f->nins);
	u->loses = arena_array(a, u8, f->nins);
	u->lost = f->frame_escapes;
	for (u32 k = 0; k < f->floatcap; k++) /* or [0], which nothing is */
		derived[f->floats[k]] = f->ins[f->floats[k]].op == OP_FP;
	if (!is_used(f, derived))
		return;
	rpo = cfg_rpo(f, a, &n);
	for (u32 b = 0; b < n; b++)
		ir_each_ins (f, rpo[b], i) {
			const struct ins *x = &f->ins[i];
			u32 nargs;
			const ref *arg = ir_args(f, x, &nargs);

			for (u32 k = 0; k < nargs; k++) {
				if (!derived[arg[k].v])
					continue;
				derived[i] |= x->op == OP_ADD;
				u->loses[i] |= loses(f, x, k, u);
			}
			u->lost |= u->loses[i];
		}
}

/* ---- what is written on every way ---------------------------------------- */

struct zero {
	struct fn *f;
	struct arena *a;
	struct frame_use use;
	struct frame_index *index; /* by instruction */
	struct frame_set *out;	   /* by block: written at its end */
	struct frame_set need;	   /* read while possibly unwritten */
	struct frame_set all;	   /* 1 for every byte: top of the lattice */
};

static void read_range(
	struct zero *z, const struct frame_set *written, i64 lo, i64 hi)
{
	for (i64 k = lo; k < hi; k++)
		if (!frame_has(written, frame_bit(k)))
			frame_put(&z->need, frame_bit(k));
}

static void step_mem(
	struct zero *z, const struct ins *i, struct frame_set *w, bool reads)
{
	i64 off;

	if (!frame_address(z->f, i->arg[0], &off))
		return;
	off += i->imm; /* in range: frame_scan looked at it */
	if (reads && i->op != OP_STORE && i->op != OP_STOREREL)
		read_range(z, w, off, off + i->size);
	if (i->op == OP_STORE || i->op == OP_STOREREL)
		put_range(w, off, off + i->size);
}

/* A callee's write may stop early, so it does not count. */
static void step_call(
	struct zero *z, const struct ins *i, struct frame_set *w, bool reads)
{
	u32 n;
	i64 lo, hi;

	ir_args(z->f, i, &n);
	for (u32 k = 0; reads && k < n; k++)
		if (frame_call_arg(z->f, i, k, &lo, &hi) == 1)
			read_range(z, w, lo, hi);
}

/* An access, and nothing else, at an address with a bounded index: what it may
 * read is known where the index is added. */
static bool is_indexed(const struct zero *z, u32 i)
{
	const struct ins *x = &z->f->ins[i];
	ref v = x->arg[0];
	i64 c;

	if (!op_is_mem((enum op)x->op))
		return false;
	for (u32 k = 1; k < op_info[x->op].nargs; k++)
		if (z->use.derived[x->arg[k].v])
			return false;
	while (ir_ins(z->f, v)->op == OP_ADD && !z->index[v.v].known &&
		ir_is_const(z->f, ir_ins(z->f, v)->arg[1], &c))
		v = ir_ins(z->f, v)->arg[0];
	return z->index[v.v].known;
}

/* Here an address gets lost. */
static void step_lost(struct zero *z, u32 i, const struct frame_set *w)
{
	if (z->index[i].known)
		read_range(z, w, z->index[i].lo, z->index[i].hi);
	else if (!is_indexed(z, i))
		read_range(z, w, -FRAME_MAX, 0);
}

static void step_block(struct zero *z, u32 b, struct frame_set *w, bool reads)
{
	ir_each_ins (z->f, b, i) {
		const struct ins *x = &z->f->ins[i];

		if (reads && z->use.loses[i])
			step_lost(z, i, w);
		if (op_is_mem((enum op)x->op))
			step_mem(z, x, w, reads);
		else if (x->op == OP_CALL || x->op == OP_CALLX)
			step_call(z, x, w, reads);
	}
}

static struct frame_set at_entry(const struct zero *z, u32 b)
{
	const struct blk *blk = &z->f->blk[b];
	struct frame_set s = {0};

	if (b == 0)
		return s;
	s = z->all;
	for (u32 k = 0; k < blk->npred; k++)
		for (u32 j = 0; j < countof(s.w); j++)
			s.w[j] &= z->out[blk->pred[k]].w[j];
	return s;
}

/* The greatest fixed point. A block is looked at again when one before it
 * lost bytes, so at most 512 times; ordinary functions need two rounds. */
static void solve(struct zero *z, const u32 *rpo, u32 n)
{
	struct fn *f = z->f;
	struct frame_set *gen = arena_array(z->a, struct frame_set, f->nblk);
	u32 *queue = arena_array(z->a, u32, n + 1);
	u8 *queued = arena_array(z->a, u8, f->nblk);
	u32 head = 0, tail = n;

	for (u32 k = 0; k < n; k++) {
		step_block(z, rpo[k], &gen[rpo[k]], false);
		z->out[rpo[k]] = z->all;
		queue[k] = rpo[k];
		queued[rpo[k]] = 1;
	}
	while (head != tail) {
		u32 b = queue[head];
		struct frame_set s = at_entry(z, b);

		head = head == n ? 0 : head + 1;
		queued[b] = 0;
		for (u32 j = 0; j < countof(s.w); j++)
			s.w[j] |= gen[b].w[j];
		if (!memcmp(&s, &z->out[b], sizeof(s)))
			continue;
		z->out[b] = s;
		for (u32 k = 0; k < f->blk[b].nsucc; k++) {
			u32 to = f->blk[b].succ[k];

			if (queued[to])
				continue;
			queued[to] = 1;
			queue[tail] = to;
			tail = tail == n ? 0 : tail + 1;
		}
	}
	for (u32 k = 0; k < n; k++) {
		struct frame_set s = at_entry(z, rpo[k]);

		step_block(z, rpo[k], &s, true);
	}
}

/* ---- zeroing ------------------------------------------------------------- */

static u32 entry_place(const struct fn *f)
{
	return f->blk[0].first;
}

static void store_zero(struct fn *f, u32 at, i64 off, u32 size)
{
	struct ins x = {
		.op = OP_STORE,
		.size = (u8)size,
		.region = REGION_STACK,
		.insn = INSN_NONE,
		.imm = off,
	};

	x.arg[0] = ir_fp(f, 0);
	x.arg[1] = ir_const(f, TY_I64, 0);
	ir_add_like_before(f, at, &x);
}

/* The widest aligned stores that stay inside the set. */
static void zero_bytes(struct fn *f, const struct frame_set *s)
{
	u32 at = entry_place(f);

	for (u32 k = 0; k < FRAME_MAX;) {
		u32 size = 8;

		if (!frame_has(s, k)) {
			k++;
			continue;
		}
		for (; size > 1; size /= 2) {
			u32 n = 0;

			while (n < size && k + n < FRAME_MAX &&
				frame_has(s, k + n))
				n++;
			if (n == size && k % size == 0)
				break;
		}
		store_zero(f, at, (i64)k - FRAME_MAX, size);
		k += size;
	}
}

static u32 lowest(const struct frame_set *s)
{
	for (u32 k = 0; k < FRAME_MAX; k++)
		if (frame_has(s, k))
			return FRAME_MAX - k;
	return 0;
}

void pass_frame(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct zero z = {.f = f, .a = tmp};
	u32 n;
	const u32 *rpo = cfg_rpo(f, tmp, &n);
	bool known_to_others = f->frame_escapes; /* before it started */

	memset(&z.all, 0xff, sizeof(z.all));
	frame_scan(f, tmp, &z.use);
	f->frame_escapes = z.use.lost;
	f->frame = z.use.lost ? FRAME_MAX : lowest(&z.use.touched);
	if (f->frame) {
		z.out = arena_array(tmp, struct frame_set, f->nblk);
		z.index = arena_array(tmp, struct frame_index, f->nins);
		if (z.use.lost)
			frame_indexes(f, tmp, z.index);
		solve(&z, rpo, n);
		zero_bytes(f, known_to_others ? &z.all : &z.need);
	}
	arena_release(tmp, m);
}
