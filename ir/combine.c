/*
 * Combining: neighbouring narrow loads joined by shifts and ors become one
 * wide load; neighbouring stores of the pieces of a value (or of constants,
 * or of neighbouring loads) one wide store; byte-swapped ones get a BSWAP.
 * Compilers for BPF split every access that may be unaligned into bytes.
 *
 * Memory contract (ir.h):
 *   - a combined access covers exactly bytes that the narrow ones covered;
 *   - accesses that may fault are left alone;
 *   - no call, atomic, fence or edge lies between the narrow accesses (one
 *     block), nor anything that may alias them;
 *   - loads of shared memory combine only if nothing else uses them: no load
 *     is made twice.
 * A wide load stands where the last narrow one stood, a wide store likewise,
 * so none moves up past a check.
 *
 * Parts of a value are described in bytes (bytes_of.c); a run is a maximal
 * stretch of them that is consecutive in one source:
 *
 *   byte of the value    7  6  5  4 | 3  2  1  0
 *   comes from           .  .  .  . | p+3 p+2 p+1 p      load4 [p]
 *                        .  .  .  . | p p+1 p+2 p+3      BSWAP load4 [p]
 *                        .  .  .  . | v3 v2 v1 v0        ZEXT TRUNC v
 *
 * With strict_align only accesses to the own frame combine, where aligned.
 */
#include <assert.h>
#include <string.h>

#include "ir/alias.h"
#include "ir/bytes_of.h"
#include "ir/frame.h"

enum { MAX_STORES = 32, MAX_PARTS = 3, MAX_SCAN = 64 };

struct part {
	u8 at, n;  /* bytes [at, at + n) of the value */
	bool swap; /* the source has them in the other order */
	bool load; /* source: n bytes at a place, else a value */
	u32 src;   /* value, or the narrow load with the lowest address */
	u8 first;  /* lowest byte of src, or offset from src's own place */
	u32 last;  /* of the narrow loads, the last one in the block */
};

struct store {
	u32 ins;
	struct place at;
};

struct combine {
	struct fn *f;
	struct arena *a;
	u32 nold;    /* refs below existed when the pass began */
	u32 *uses;   /* by ref: at least as many as there are */
	u32 *pos;    /* by ref: position in the block */
	u32 *writes; /* by ref: operations before it in the block that write */
	bool frame_lost;
	vec(u32) dead;
	struct store store[MAX_STORES]; /* no two of them alias */
	u32 nstores;
};

/* ---- uses ---------------------------------------------------------------- */

static void count(struct combine *c)
{
	struct fn *f = c->f;

	c->uses = arena_array(c->a, u32, f->nins);
	c->pos = arena_array(c->a, u32, f->nins);
	c->writes = arena_array(c->a, u32, f->nins);
	ir_each_blk (f, b) {
		u32 pos = 0, writes = 0;

		ir_each_ins (f, b, i) {
			u32 n;
			const ref *arg = ir_args(f, &f->ins[i], &n);

			for (u32 k = 0; k < n; k++)
				c->uses[arg[k].v]++;
			c->pos[i] = pos++;
			c->writes[i] = writes;
			writes += place_writes(f, &f->ins[i]) != 0;
		}
	}
}

/* One use of r less; what nobody needs any more goes. */
static void release(struct combine *c, ref r)
{
	struct fn *f = c->f;

	c->dead.n = 0;
	*vec_push(c->a, &c->dead) = r.v;
	while (c->dead.n) {
		u32 v = c->dead.v[--c->dead.n];
		const struct ins *i = &f->ins[v];
		u32 nargs = op_info[i->op].nargs;

		if (v >= c->nold || --c->uses[v] || i->blk == BLK_NONE)
			continue;
		if (!(op_info[i->op].flags & OPF_PURE) && i->op != OP_LOAD)
			continue;
		for (u32 k = 0; k < nargs; k++)
			*vec_push(c->a, &c->dead) = i->arg[k].v;
		ir_remove(f, v);
	}
}

/* ---- runs ---------------------------------------------------------------- */

static bool is_plain_load(const struct combine *c, u32 v)
{
	const struct ins *i = &c->f->ins[v];

	return v && v < c->nold && i->op == OP_LOAD && !(i->mem & MEM_FAULT);
}

/* The address of a loaded byte as a place of size 1. */
static bool byte_place(
	const struct combine *c, struct byte_src s, struct place *p)
{
	if (!is_plain_load(c, s.ref) || s.at >= c->f->ins[s.ref].size)
		return false;
	*p = place_of(c->f, &c->f->ins[s.ref]);
	p->off += s.at;
	p->size = 1;
	return true;
}

/* +1 or -1: the byte b comes right behind or before a in its source; 0. */
static i32 direction(
	const struct combine *c, struct byte_src a, struct byte_src b)
{
	struct place p, q;

	if (a.ref == 0 || b.ref == 0)
		return 0;
	if (a.ref == b.ref)
		return b.at == a.at + 1 ? 1 : a.at == b.at + 1 ? -1 : 0;
	if (!byte_place(c, a, &p) || !byte_place(c, b, &q))
		return 0;
	if (c->f->ins[a.ref].blk != c->f->ins[b.ref].blk)
		return 0;
	if (p.own != q.own || p.base != q.base || p.region != q.region)
		return 0;
	return q.off == p.off + 1 ? 1 : p.off == q.off + 1 ? -1 : 0;
}

static u32 run_length(
	const struct combine *c, const struct byte_src *b, u32 n, i32 *dir)
{
	u32 k = 1;

	*dir = n > 1 ? direction(c, b[0], b[1]) : 0;
	while (*dir && k < n && direction(c, b[k - 1], b[k]) == *dir)
		k++;
	return k;
}

/* ---- may the loads of a run be one? -------------------------------------- */

static bool is_aligned(const struct combine *c, const struct place *p)
{
	return !c->f->strict_align || (p->own && p->off % p->size == 0);
}

/* Nothing between the loads `from` and `to` of one block touches p. */
static bool nothing_between(
	const struct combine *c, u32 from, u32 to, const struct place *p)
{
	const struct fn *f = c->f;
	u32 n = 0;

	if (c->writes[from] == c->writes[to])
		return true;
	for (u32 i = from; i != to; i = f->ins[i].next) {
		const struct ins *x = &f->ins[i];

		if (!place_writes(f, x))
			continue;
		if (n++ == MAX_SCAN || x->op != OP_STORE)
			return false;
		struct place q = place_of(f, x);
		if (place_alias(&q, p, c->frame_lost))
			return false;
	}
	return true;
}

/* The bytes b[0..n) are loaded from consecutive addresses. */
static bool loads_combine(const struct combine *c, const struct byte_src *b,
	u32 n, bool lone, struct part *out)
{
	u32 first = b[0].ref, last = b[0].ref;
	struct byte_src low = out->swap ? b[n - 1] : b[0];
	struct place p;

	for (u32 k = 0; k < n; k++) {
		/* not the sign that a load spreads over the bytes above */
		if (!byte_place(c, b[k], &p))
			return false;
		if (c->pos[b[k].ref] < c->pos[first])
			first = b[k].ref;
		if (c->pos[b[k].ref] > c->pos[last])
			last = b[k].ref;
	}
	if (!byte_place(c, low, &p))
		return false;
	p.size = (u8)n;
	if (!lone && place_is_shared(&p, c->frame_lost))
		return false;
	out->src = low.ref;
	out->first = low.at;
	out->last = last;
	return is_aligned(c, &p) && nothing_between(c, first, last, &p);
}

/* ---- from bytes to parts ------------------------------------------------- */

/* The longest part at b, a power of two in size; false if there is none. */
static bool find_part(const struct combine *c, const struct byte_src *b, u32 n,
	bool lone, struct part *out)
{
	i32 dir;
	u32 run = run_length(c, b, n, &dir);

	for (u32 size = 8; size; size /= 2) {
		bool one = true;

		if (size > run)
			continue;
		for (u32 k = 1; k < size; k++)
			one = one && b[k].ref == b[0].ref;
		out->n = (u8)size;
		out->swap = size > 1 && dir < 0;
		out->load = !one;
		out->src = b[0].ref;
		out->first = out->swap ? b[size - 1].at : b[0].at;
		if (one || loads_combine(c, b, size, lone, out))
			return true;
	}
	return false;
}

/* A load that part p makes anew gives other bytes of b[0..n), too. */
static bool loads_twice(const struct byte_src *b, u32 n, const struct part *p)
{
	for (u32 k = p->at; k < p->at + p->n; k++)
		for (u32 j = 0; j < n; j++)
			if ((j < p->at || j >= p->at + p->n) &&
				b[j].ref == b[k].ref)
				return true;
	return false;
}

/* All of b[0..n) as parts; constant zeroes lie between them. 0: not possible. */
static u32 find_parts(const struct combine *c, const struct byte_src *b, u32 n,
	bool lone, struct part *part)
{
	u32 parts = 0;

	for (u32 k = 0; k < n;) {
		if (b[k].ref == 0) {
			if (b[k++].at)
				return 0;
			continue;
		}
		if (parts == MAX_PARTS ||
			!find_part(c, b + k, n - k, lone, &part[parts]))
			return 0;
		part[parts].at = (u8)k;
		if (part[parts].load && loads_twice(b, n, &part[parts]))
			return 0;
		k += part[parts++].n;
	}
	return parts;
}

/* ---- building ------------------------------------------------------------ */

static void use(struct combine *c, ref r)
{
	if (r.v < c->nold)
		c->uses[r.v]++;
}

static ref add(struct combine *c, u32 at, enum op op, enum ty t, ref a, i64 imm)
{
	ref b = {0};

	use(c, a);

	if (op_info[op].nargs > 1)
		b = ir_const(c->f, t, imm);
	return ir_add_before(c->f, at, op, t, a, b);
}

static ref build_load(struct combine *c, const struct part *p)
{
	struct ins x = c->f->ins[p->src];

	x.insn = c->f->ins[p->last].insn;
	x.imm += p->first;
	x.size = p->n;
	x.mem = 0;
	x.type = TY_I64;
	use(c, x.arg[0]);
	return ir_add_like_before(c->f, p->last, &x);
}

/* The part as an I64, its lowest byte in bit 0, zero-extended. */
static ref build_part(struct combine *c, u32 at, const struct part *p)
{
	ref v = {p->src};
	bool clean = p->load; /* no other bytes above */

	if (p->load)
		v = build_load(c, p);
	else if (ir_ins(c->f, v)->type == TY_I32)
		v = add(c, at, OP_ZEXT, TY_I64, v, 0);
	if (!p->load && p->first)
		v = add(c, at, OP_SHR, TY_I64, v, 8 * p->first);
	if (p->n == 8)
		return p->swap ? add(c, at, OP_BSWAP, TY_I64, v, 0) : v;
	if (p->swap || (p->n == 4 && !clean))
		v = add(c, at, OP_TRUNC, TY_I32, v, 0);
	if (p->swap)
		v = add(c, at, p->n == 4 ? OP_BSWAP : OP_BSWAP16, TY_I32, v, 0);
	if (p->swap || (p->n == 4 && !clean))
		return add(c, at, OP_ZEXT, TY_I64, v, 0);
	if (p->n == 4 || clean)
		return v;
	return add(c, at, p->n == 2 ? OP_ZX16 : OP_ZX8, TY_I64, v, 0);
}

static ref build(struct combine *c, u32 at, const struct part *p, u32 n)
{
	ref v = {0};

	for (u32 k = 0; k < n; k++) {
		ref x = build_part(c, at, &p[k]);

		if (p[k].at)
			x = add(c, at, OP_SHL, TY_I64, x, 8 * p[k].at);
		if (v.v) {
			use(c, v);
			use(c, x);
			x = ir_add_before(c->f, at, OP_OR, TY_I64, v, x);
		}
		v = x;
	}
	return v;
}

/* ---- trees of loads ------------------------------------------------------ */

/* Loads become fewer, or the whole is a swapped or moved value; and fewer
 * operations do it than before. */
static bool is_better(const struct part *p, u32 n, u32 nodes)
{
	u32 ops = n - 1;
	bool gain = n == 1;

	for (u32 k = 0; k < n; k++) {
		ops += (p[k].at != 0) + p[k].swap + !p[k].load;
		gain |= p[k].load;
	}
	return gain && ops < nodes;
}

static bool is_byte_shift(const struct combine *c, ref r)
{
	const struct ins *i = ir_ins(c->f, r);
	i64 n;

	return i->op == OP_SHL && ir_is_const(c->f, i->arg[1], &n) &&
	       n % 8 == 0;
}

static bool may_be_root(const struct combine *c, const struct ins *i)
{
	if (i->op != OP_OR && i->op != OP_ADD && i->op != OP_XOR)
		return false;
	return is_byte_shift(c, i->arg[0]) || is_byte_shift(c, i->arg[1]) ||
	       (i->op == OP_OR &&
		       (ir_ins(c->f, i->arg[0])->op == OP_OR ||
			       ir_ins(c->f, i->arg[1])->op == OP_OR));
}

/* Turns instruction i into a copy of the I64 v: "or v, 0" or a TRUNC. */
static void become_copy(struct combine *c, u32 i, ref v)
{
	struct fn *f = c->f;
	ref old[2] = {f->ins[i].arg[0], f->ins[i].arg[1]};
	bool narrow = f->ins[i].type == TY_I32;
	ref zero = ir_const(f, TY_I64, 0);

	f->ins[i].op = narrow ? OP_TRUNC : OP_OR;
	f->ins[i].arg[0] = v;
	f->ins[i].arg[1] = narrow ? (ref){0} : zero;
	use(c, v);
	release(c, old[0]);
	release(c, old[1]);
}

static void try_root(struct combine *c, u32 i)
{
	struct part part[MAX_PARTS];
	struct byte_tree t;

	if (!may_be_root(c, &c->f->ins[i]))
		return;
	bytes_of(c->f, c->uses, c->nold, (ref){i}, &t);
	for (u32 k = 0; k < 8; k++)
		if (t.b[k].ref == i)
			return;
	u32 n = find_parts(c, t.b, 8, !t.shared, part);
	if (n && is_better(part, n, t.nodes))
		become_copy(c, i, build(c, i, part, n));
}

/* ---- runs of stores ------------------------------------------------------ */

/* The bytes that stores [k, ...) write from off on, if they fill w exactly. */
static u32 store_bytes(
	struct combine *c, u32 k, u32 w, struct byte_src *b, bool *lone)
{
	u32 n = 0, from = k;
	const struct place *first = &c->store[k].at;

	*lone = true;
	while (n < w && k < c->nstores) {
		const struct place *p = &c->store[k].at;
		ref v = c->f->ins[c->store[k].ins].arg[1];
		struct byte_tree t;

		if (p->own != first->own || p->base != first->base ||
			p->region != first->region ||
			p->off != first->off + n || n + p->size > w)
			return 0;
		bytes_of(c->f, c->uses, c->nold, v, &t);
		if (t.shared || v.v >= c->nold || c->uses[v.v] > 1)
			*lone = false;
		memcpy(b + n, t.b, p->size * sizeof(*b));
		n += p->size;
		k++;
	}
	return n == w && k - from >= 2 ? k - from : 0;
}

static bool all_constant(const struct byte_src *b, u32 n, i64 *v)
{
	u64 r = 0;

	for (u32 k = 0; k < n; k++) {
		if (b[k].ref)
			return false;
		r |= (u64)b[k].at << 8 * k;
	}
	*v = (i64)r;
	return true;
}

static u32 last_of(const struct combine *c, u32 k, u32 n)
{
	u32 last = c->store[k].ins;

	for (u32 j = k + 1; j < k + n; j++)
		if (c->pos[c->store[j].ins] > c->pos[last])
			last = c->store[j].ins;
	return last;
}

static void widen(struct combine *c, u32 k, u32 n, u32 w, u32 last, ref v)
{
	struct fn *f = c->f;
	struct ins x = f->ins[c->store[k].ins]; /* the lowest address */

	x.insn = f->ins[last].insn;
	x.size = (u8)w;
	x.arg[1] = v;
	ir_add_like_before(f, last, &x);
	use(c, v);
	for (u32 j = k; j < k + n; j++) {
		ref old = f->ins[c->store[j].ins].arg[1];

		ir_remove(f, c->store[j].ins);
		release(c, old);
	}
}

/* Makes one store of w bytes out of those from k on; how many it took. */
static u32 try_widen(struct combine *c, u32 k, u32 w)
{
	struct byte_src b[8];
	struct part part;
	struct place p = c->store[k].at;
	bool lone;
	i64 value;
	u32 n = store_bytes(c, k, w, b, &lone);

	p.size = (u8)w;
	if (!n || !is_aligned(c, &p))
		return 0;
	u32 last = last_of(c, k, n);
	if (all_constant(b, w, &value)) {
		widen(c, k, n, w, last, ir_const(c->f, TY_I64, value));
		return n;
	}
	if (b[0].ref == 0 || !find_part(c, b, w, lone, &part) || part.n != w)
		return 0;
	part.at = 0;
	widen(c, k, n, w, last, build(c, last, &part, 1));
	return n;
}

static bool store_before(const struct place *a, const struct place *b)
{
	if (a->own != b->own)
		return a->own;
	if (a->region != b->region)
		return a->region < b->region;
	if (a->base != b->base)
		return a->base < b->base;
	return a->off < b->off;
}

static void sort_stores(struct combine *c)
{
	for (u32 k = 1; k < c->nstores; k++) {
		struct store s = c->store[k];
		u32 j = k;

		for (; j && store_before(&s.at, &c->store[j - 1].at); j--)
			c->store[j] = c->store[j - 1];
		c->store[j] = s;
	}
}

static void flush(struct combine *c)
{
	if (c->nstores < 2) {
		c->nstores = 0;
		return;
	}
	sort_stores(c);
	for (u32 k = 0; k < c->nstores;) {
		u32 n = 0;

		for (u32 w = 8; w >= 2 && !n; w /= 2)
			n = try_widen(c, k, w);
		k += n ? n : 1;
	}
	c->nstores = 0;
}

static void flush_if_alias(struct combine *c, const struct place *p)
{
	for (u32 k = 0; k < c->nstores; k++)
		if (place_alias(&c->store[k].at, p, c->frame_lost)) {
			flush(c);
			return;
		}
}

static void collect_store(struct combine *c, u32 i)
{
	const struct ins *x = &c->f->ins[i];
	struct place p = place_of(c->f, x);

	if (i >= c->nold || (x->mem & MEM_FAULT)) {
		flush(c);
		return;
	}
	flush_if_alias(c, &p);
	if (c->nstores == MAX_STORES)
		flush(c);
	c->store[c->nstores++] = (struct store){i, p};
}

static void collect(struct combine *c, u32 i)
{
	const struct ins *x = &c->f->ins[i];

	if (x->op == OP_STORE) {
		collect_store(c, i);
	} else if (x->op == OP_LOAD) {
		struct place p = place_of(c->f, x);

		flush_if_alias(c, &p);
	} else if (place_writes(c->f, x)) {
		flush(c);
	}
}

/* ---- the pass ------------------------------------------------------------ */

void pass_combine(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct combine *c = arena_new(tmp, struct combine);
	struct frame_use use;

	c->f = f;
	c->a = tmp;
	c->nold = f->nins;
	frame_scan(f, tmp, &use);
	c->frame_lost = use.lost;
	count(c);
	ir_each_blk (f, b) {
		/* backwards: the whole tree before its parts */
		for (u32 i = f->blk[b].last; i; i = f->ins[i].prev)
			try_root(c, i);
		ir_each_ins (f, b, i)
			collect(c, i);
		flush(c);
	}
	arena_release(tmp, m);
}
