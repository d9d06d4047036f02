/*
 * Where the bytes of a value come from: each is a constant or byte k of some
 * value. "Byte k of v" is always true of v itself, so what is not understood
 * is simply its own source.
 */
#include <string.h>

#include "ir/bytes_of.h"

enum { MAX_NODES = 40, MAX_DEPTH = 16 };

struct walk {
	const struct fn *f;
	const u32 *uses;
	u32 nuses;
	struct byte_tree *t;
};

static const struct byte_src ZERO = {0, 0};

static bool is_zero(struct byte_src s)
{
	return s.ref == 0 && s.at == 0;
}

static void opaque(u32 v, struct byte_src *b)
{
	for (u32 k = 0; k < 8; k++)
		b[k] = (struct byte_src){v, (u8)k};
}

/* Bytes moved up by n places (down, if negative) in a value of `width`. */
static void move(struct byte_src *b, i32 n, u32 width)
{
	struct byte_src old[8];

	memcpy(old, b, sizeof(old));
	for (u32 k = 0; k < 8; k++) {
		i32 from = (i32)k - n;

		b[k] = from >= 0 && from < (i32)width && k < width ? old[from]
								   : ZERO;
	}
}

static void swap(struct byte_src *b, u32 n)
{
	for (u32 k = 0; k < n / 2; k++) {
		struct byte_src t = b[k];

		b[k] = b[n - 1 - k];
		b[n - 1 - k] = t;
	}
}

static void zero_from(struct byte_src *b, u32 k)
{
	for (; k < 8; k++)
		b[k] = ZERO;
}

static void of_load(const struct ins *i, u32 v, struct byte_src *b)
{
	opaque(v, b);
	if (!(i->mem & MEM_SX))
		zero_from(b, i->size);
}

/* Byte by byte, where at most one operand can be other than 0. */
static void join(u32 v, struct byte_src *b, const struct byte_src *c, bool or)
{
	struct byte_src r[8];

	for (u32 k = 0; k < 8; k++) {
		bool same = or &&b[k].ref == c[k].ref && b[k].at == c[k].at;

		if (is_zero(c[k]) || same)
			r[k] = b[k];
		else if (is_zero(b[k]))
			r[k] = c[k];
		else if (or)
			r[k] = (struct byte_src){v, (u8)k};
		else /* a carry may go on into the bytes above */
			for (; k < 8; k++)
				r[k] = (struct byte_src){v, (u8)k};
	}
	memcpy(b, r, sizeof(r));
}

static void mask(u32 v, struct byte_src *b, u64 m)
{
	for (u32 k = 0; k < 8; k++) {
		u8 byte = (u8)(m >> 8 * k);

		if (byte == 0)
			b[k] = ZERO;
		else if (byte != 0xff)
			b[k] = (struct byte_src){v, (u8)k};
	}
}

static void find(struct walk *w, u32 v, struct byte_src *b, u32 depth);

static void find_arg(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	w->t->shared |= v < w->nuses && w->uses[v] > 1;
	find(w, v, b, depth + 1);
}

static bool find_shift(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	const struct ins *i = &w->f->ins[v];
	u32 width = i->type == TY_I32 ? 4 : 8;
	i64 c;

	if (!ir_is_const(w->f, i->arg[1], &c) || c % 8)
		return false;
	i32 n = (i32)(c & (8 * width - 1)) / 8;
	find_arg(w, i->arg[0].v, b, depth);
	if (i->op == OP_ROTL) {
		struct byte_src old[8];

		memcpy(old, b, sizeof(old));
		for (u32 k = 0; k < width; k++)
			b[(k + (u32)n) % width] = old[k];
	} else {
		move(b, i->op == OP_SHL ? n : -n, width);
	}
	return true;
}

static bool find_binary(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	const struct ins *i = &w->f->ins[v];
	struct byte_src c[8];
	i64 m;

	if (i->op == OP_AND) {
		if (!ir_is_const(w->f, i->arg[1], &m))
			return false;
		find_arg(w, i->arg[0].v, b, depth);
		mask(v, b, (u64)m);
		return true;
	}
	find_arg(w, i->arg[0].v, b, depth);
	find_arg(w, i->arg[1].v, c, depth);
	/* XOR has no carry, but x ^ x is not x */
	if (i->op == OP_XOR)
		for (u32 k = 0; k < 8; k++)
			if (!is_zero(b[k]) && !is_zero(c[k]))
				b[k] = c[k] = (struct byte_src){v, (u8)k};
	join(v, b, c, i->op != OP_ADD);
	return true;
}

static bool find_unary(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	const struct ins *i = &w->f->ins[v];
	u32 width = i->type == TY_I32 ? 4 : 8, keep = width;

	find_arg(w, i->arg[0].v, b, depth);
	switch (i->op) {
	case OP_ZEXT:
	case OP_TRUNC: zero_from(b, 4); return true;
	case OP_ZX8: zero_from(b, 1); return true;
	case OP_ZX16: zero_from(b, 2); return true;
	case OP_BSWAP: swap(b, width); return true;
	case OP_BSWAP16:
		zero_from(b, 2);
		swap(b, 2);
		return true;
	case OP_SX8: keep = 1; break;
	case OP_SX16: keep = 2; break;
	default: keep = 4; break; /* SEXT */
	}
	for (u32 k = keep; k < 8; k++)
		b[k] = (struct byte_src){v, (u8)k};
	return true;
}

static bool look_through(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	switch (w->f->ins[v].op) {
	case OP_SHL:
	case OP_SHR:
	case OP_ROTL: return find_shift(w, v, b, depth);
	case OP_AND:
	case OP_OR:
	case OP_ADD:
	case OP_XOR: return find_binary(w, v, b, depth);
	case OP_ZEXT:
	case OP_SEXT:
	case OP_TRUNC:
	case OP_ZX8:
	case OP_ZX16:
	case OP_SX8:
	case OP_SX16:
	case OP_BSWAP:
	case OP_BSWAP16: return find_unary(w, v, b, depth);
	default: return false;
	}
}

static void find(struct walk *w, u32 v, struct byte_src *b, u32 depth)
{
	const struct ins *i = &w->f->ins[v];

	if (i->op == OP_CONST) {
		for (u32 k = 0; k < 8; k++)
			b[k] = (struct byte_src){0, (u8)((u64)i->imm >> 8 * k)};
		return;
	}
	if (i->op == OP_LOAD) {
		of_load(i, v, b);
	} else {
		bool stop = depth >= MAX_DEPTH || v >= w->nuses ||
			    w->t->nodes >= MAX_NODES;

		if (!stop)
			w->t->nodes++;
		if (stop || !look_through(w, v, b, depth))
			opaque(v, b);
	}
	if (i->type == TY_I32)
		zero_from(b, 4);
}

void bytes_of(const struct fn *f, const u32 *uses, u32 nuses, ref v,
	struct byte_tree *t)
{
	struct walk w = {f, uses, nuses, t};

	t->nodes = 0;
	t->shared = false;
	find(&w, v.v, t->b, 0);
}
