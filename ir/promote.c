/*
 * Promotion: bytes of the own frame that nobody else can see become values.
 *
 * What stays in memory (frame.c knows): everything, if an address of the frame
 * gets lost; otherwise the ranges behind call arguments, atomics and accesses
 * that may fault, and what overlaps them through other accesses.
 *
 * The rest is cut into atoms at every place where an access begins or ends.
 * No access covers part of an atom, so an atom is one variable:
 *
 *     fp-16      fp-12      fp-8
 *       | store8            |         two atoms: the store writes both halves,
 *       | load4   |         |         the load reads the first
 *       | atom 0  | atom 1  |
 *
 * A variable is an I64 that holds the bytes of its atom, zero-extended. A byte
 * that was never written reads 0, so 0 is what an undefined variable is.
 *
 * Starts with any valid SSA; best after fold, which brings addresses into the
 * form r10 + constant. Loads become copies ("or x, 0") that fold removes.
 */
#include <string.h>

#include "ir/frame.h"

struct atom {
	i64 off;
	u32 size;
};

struct promote {
	struct fn *f;
	struct arena *a;
	const u32 *rpo;
	u32 nlive;
	struct atom atom[FRAME_MAX];
	u32 natoms;
	u16 atom_at[FRAME_MAX]; /* by byte: 1 + atom, 0: stays in memory */
	/* the batch of atoms that is being done */
	struct ssa *s;
	u32 first, n;
};

/* ---- atoms --------------------------------------------------------------- */

struct shape {
	struct frame_set joined; /* byte k and k + 1 are in one access */
	struct frame_set cut;	 /* an access begins here or ended before */
};

static bool simple_access(const struct fn *f, const struct ins *i, i64 *off)
{
	if ((i->op != OP_LOAD && i->op != OP_STORE) || (i->mem & MEM_FAULT))
		return false;
	return frame_address(f, i->arg[0], off) &&
	       !add_overflows(*off, i->imm, off) && frame_inside(*off, i->size);
}

static void find_shape(const struct fn *f, struct shape *s)
{
	memset(s, 0, sizeof(*s));
	for (u32 i = 1; i < f->nins; i++) {
		i64 off;

		if (!simple_access(f, &f->ins[i], &off))
			continue;
		u32 k = frame_bit(off), end = k + f->ins[i].size;

		frame_put(&s->cut, k);
		if (end < FRAME_MAX)
			frame_put(&s->cut, end);
		for (; k + 1 < end; k++)
			frame_put(&s->joined, k);
	}
}

/* Cuts the bytes [k, end), which hang together and can be promoted. */
static void add_atoms(struct promote *p, const struct shape *s, u32 k, u32 end)
{
	while (k < end) {
		u32 from = k++;

		while (k < end && !frame_has(&s->cut, k))
			k++;
		struct atom *a = &p->atom[p->natoms++];
		a->off = (i64)from - FRAME_MAX;
		a->size = k - from;
		for (u32 j = from; j < k; j++)
			p->atom_at[j] = (u16)p->natoms;
	}
}

static void find_atoms(struct promote *p, const struct frame_use *u)
{
	struct shape s;

	find_shape(p->f, &s);
	for (u32 k = 0; k < FRAME_MAX;) {
		u32 from = k++;
		bool pinned = frame_has(&u->pinned, from);

		if (!frame_has(&u->touched, from))
			continue;
		while (k < FRAME_MAX && frame_has(&s.joined, k - 1))
			pinned |= frame_has(&u->pinned, k++);
		if (!pinned)
			add_atoms(p, &s, from, k);
	}
}

/* ---- pieces of values ---------------------------------------------------- */

static ref add(struct promote *p, u32 at, enum op op, enum ty t, ref a, ref b)
{
	return ir_add_before(p->f, at, op, t, a, b);
}

static ref imm(struct promote *p, i64 v)
{
	return ir_const(p->f, TY_I64, v);
}

/* The low `size` bytes of v, zero-extended. */
static ref low_bytes(struct promote *p, u32 at, ref v, u32 size)
{
	ref none = {0};

	switch (size) {
	case 8: return v;
	case 4:
		v = add(p, at, OP_TRUNC, TY_I32, v, none);
		return add(p, at, OP_ZEXT, TY_I64, v, none);
	case 2: return add(p, at, OP_ZX16, TY_I64, v, none);
	case 1: return add(p, at, OP_ZX8, TY_I64, v, none);
	default:
		return add(p, at, OP_AND, TY_I64, v,
			imm(p, (1ll << 8 * size) - 1));
	}
}

static void store_atoms(struct promote *p, u32 b, u32 i, i64 off)
{
	struct ins x = p->f->ins[i];
	ref v = x.arg[1], none = {0};

	if (ir_ins(p->f, v)->type == TY_I32)
		v = add(p, i, OP_ZEXT, TY_I64, v, none);
	for (i64 at = off; at < off + x.size;) {
		u32 k = p->atom_at[frame_bit(at)] - 1u;
		const struct atom *a = &p->atom[k];
		ref piece = v;

		if (at > off)
			piece = add(p, i, OP_SHR, TY_I64, v,
				imm(p, 8 * (at - off)));
		/* an 8-byte value shifted to its last byte has no more */
		if (at + a->size != off + 8)
			piece = low_bytes(p, i, piece, a->size);
		ssa_write(p->s, b, k - p->first, piece);
		at += a->size;
	}
	ir_remove(p->f, i);
}

/* Turns the load into a copy of v, which has its bytes zero-extended. */
static void become_copy(struct promote *p, u32 i, ref v)
{
	struct fn *f = p->f;
	struct ins *x = &f->ins[i];
	bool sx = x->mem & MEM_SX;
	u32 size = x->size;
	enum ty t = (enum ty)x->type;
	ref none = {0};

	if (t == TY_I32 && size < 4 && sx)
		v = add(p, i, OP_TRUNC, TY_I32, v, none);
	if (t == TY_I64 && size == 4 && sx)
		v = add(p, i, OP_TRUNC, TY_I32, v, none);
	x = &f->ins[i];
	x->arg[0] = v;
	x->arg[1] = none;
	if (sx && size == 1) {
		x->op = OP_SX8;
	} else if (sx && size == 2) {
		x->op = OP_SX16;
	} else if (sx && size == 4 && t == TY_I64) {
		x->op = OP_SEXT;
	} else if (t == TY_I32) {
		x->op = OP_TRUNC;
	} else {
		ref zero = imm(p, 0);

		x = &f->ins[i];
		x->op = OP_OR;
		x->arg[1] = zero;
	}
	x->size = x->region = x->mem = 0;
	x->imm = 0;
}

static void load_atoms(struct promote *p, u32 b, u32 i, i64 off)
{
	u32 size = p->f->ins[i].size;
	ref v = {0};

	for (i64 at = off; at < off + size;) {
		u32 k = p->atom_at[frame_bit(at)] - 1u;
		ref piece = ssa_read(p->s, b, k - p->first);

		if (at > off)
			piece = add(p, i, OP_SHL, TY_I64, piece,
				imm(p, 8 * (at - off)));
		v = v.v ? add(p, i, OP_OR, TY_I64, v, piece) : piece;
		at += p->atom[k].size;
	}
	become_copy(p, i, v);
}

/* ---- one batch ----------------------------------------------------------- */

static ref never_written(void *ctx, u32 var, u32 blk)
{
	struct promote *p = ctx;

	(void)var;
	(void)blk;
	return imm(p, 0);
}

static bool in_batch(const struct promote *p, i64 off)
{
	u32 k = p->atom_at[frame_bit(off)];

	return k && k - 1 >= p->first && k - 1 < p->first + p->n;
}

static void do_block(struct promote *p, u32 b)
{
	struct fn *f = p->f;

	ir_each_ins (f, b, i) {
		i64 off;

		if (!simple_access(f, &f->ins[i], &off) || !in_batch(p, off))
			continue;
		if (f->ins[i].op == OP_STORE)
			store_atoms(p, b, i, off);
		else
			load_atoms(p, b, i, off);
	}
}

/* A block can be sealed once all blocks before it are done. */
static void seal_ready(struct promote *p, u32 *left, u32 b)
{
	for (u32 k = 0; k < p->f->blk[b].nsucc; k++)
		if (--left[p->f->blk[b].succ[k]] == 0)
			ssa_seal(p->s, p->f->blk[b].succ[k]);
}

static void do_batch(struct promote *p)
{
	struct arena *tmp = p->a;
	struct arena_mark m = arena_mark(tmp);
	u8 *types = arena_array(tmp, u8, p->n);
	u32 *left = arena_array(tmp, u32, p->f->nblk);

	memset(types, TY_I64, p->n);
	p->s = ssa_begin_in(tmp, p->f, p->n, types, never_written, p);
	ir_each_blk (p->f, b)
		left[b] = p->f->blk[b].npred;
	ssa_seal(p->s, 0);
	for (u32 k = 0; k < p->nlive; k++) {
		do_block(p, p->rpo[k]);
		seal_ready(p, left, p->rpo[k]);
	}
	ssa_end(p->s);
	arena_release(tmp, m);
}

/* The last atom of a batch is not cut off from others of its accesses. */
static u32 batch_size(const struct promote *p, u32 max)
{
	u32 n = p->natoms - p->first;

	if (n <= max)
		return n;
	for (n = max; n < p->natoms - p->first; n++) {
		const struct atom *a = &p->atom[p->first + n - 1];

		/* a gap of untouched or pinned bytes, or 8 bytes on */
		if (a->off + a->size != p->atom[p->first + n].off)
			break;
	}
	return n;
}

void pass_promote(struct fn *f)
{
	enum { TABLE_MAX = 4 << 20 }; /* variables x blocks of one batch */
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct promote *p = arena_new(tmp, struct promote);
	struct frame_use use;

	p->f = f;
	p->a = tmp;
	frame_scan(f, tmp, &use);
	if (!use.lost) {
		p->rpo = cfg_rpo(f, tmp, &p->nlive);
		find_atoms(p, &use);
		u32 max = TABLE_MAX / f->nblk;
		for (; p->first < p->natoms; p->first += p->n) {
			p->n = batch_size(p, max < 16 ? 16 : max);
			do_batch(p);
		}
	}
	arena_release(tmp, m);
}
