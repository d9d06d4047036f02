/*
 * What must hold of a function, said in code. Debug builds run it between
 * passes; tests use the predicate. It trusts nothing but the array bounds of
 * struct fn and computes its own dominators.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ir.h"

struct checker {
	const struct fn *f;
	struct dom_tree dom;
	u32 *pos;  /* position in its block, by instruction */
	u32 *seen; /* by block: how often in the current list of preds */
	char *buf;
	size_t size;
	bool failed;
};

/* Keeps the first complaint. */
static void fail(struct checker *c, u32 b, u32 i, const char *what)
{
	if (c->failed)
		return;
	c->failed = true;
	if (c->buf && c->size)
		snprintf(c->buf, c->size, "b%" PRIu32 ": v%" PRIu32 ": %s", b,
			i, what);
}

#define want(c, b, i, cond)                   \
	do {                                  \
		if (!(cond))                  \
			fail(c, b, i, #cond); \
	} while (0)

/* ---- shape: lists, edges, arguments in range ----------------------------- */

static u32 count_edges(const struct blk *from, u32 to)
{
	u32 n = 0;

	for (u32 k = 0; k < from->nsucc; k++)
		n += from->succ[k] == to;
	return n;
}

static void check_edges(struct checker *c, u32 b)
{
	const struct fn *f = c->f;
	const struct blk *blk = &f->blk[b];

	want(c, b, 0, !blk->cut);
	for (u32 k = 0; k < blk->nsucc; k++) {
		want(c, b, k, blk->succ[k] < f->nblk);
		want(c, b, k, !f->blk[blk->succ[k]].dead);
		want(c, b, k, blk->succ[k] != 0); /* entry: no predecessors */
	}
	for (u32 k = 0; k < blk->npred && !c->failed; k++) {
		want(c, b, k, blk->pred[k] < f->nblk);
		want(c, b, k, !f->blk[blk->pred[k]].dead);
		if (!c->failed)
			c->seen[blk->pred[k]]++;
	}
	for (u32 k = 0; k < blk->npred && !c->failed; k++) {
		u32 p = blk->pred[k];

		if (c->seen[p])
			want(c, b, k, c->seen[p] == count_edges(&f->blk[p], b));
		c->seen[p] = 0;
	}
}

/* Every successor edge has its predecessor entry: sums per block. */
static void check_edge_counts(struct checker *c, struct arena *a)
{
	const struct fn *f = c->f;
	u32 *in = arena_array(a, u32, f->nblk);

	ir_each_blk (f, b)
		for (u32 k = 0; k < f->blk[b].nsucc; k++)
			in[f->blk[b].succ[k]]++;
	ir_each_blk (f, b)
		want(c, b, 0, in[b] == f->blk[b].npred);
}

static void check_term(struct checker *c, u32 b, u32 i)
{
	const struct fn *f = c->f;
	u32 nsucc = f->blk[b].nsucc;

	switch (f->ins[i].op) {
	case OP_JMP: want(c, b, i, nsucc == 1); break;
	case OP_BR: want(c, b, i, nsucc == 2); break;
	default: want(c, b, i, nsucc == 0);
	}
}

static void check_list(struct checker *c, u32 b)
{
	const struct fn *f = c->f;
	u32 prev = 0, n = 0;
	bool body = false;

	want(c, b, 0, f->blk[b].last != 0);
	for (u32 i = f->blk[b].first; i && !c->failed; i = f->ins[i].next) {
		want(c, b, i, i < f->nins && n < f->nins);
		if (c->failed)
			return;
		const struct ins *x = &f->ins[i];
		bool term = op_info[x->op].flags & OPF_TERM;

		want(c, b, i, x->op < OP_COUNT && x->op != OP_NOP);
		want(c, b, i, !(op_info[x->op].flags & OPF_FLOAT));
		want(c, b, i, x->blk == b && x->prev == prev);
		want(c, b, i, term == (i == f->blk[b].last));
		want(c, b, i, x->op != OP_PHI || !body);
		body = body || x->op != OP_PHI;
		c->pos[i] = ++n;
		prev = i;
		if (term)
			check_term(c, b, i);
	}
	want(c, b, prev, prev == f->blk[b].last);
}

/* ---- types --------------------------------------------------------------- */

static enum ty ty_of(struct checker *c, ref r)
{
	return (enum ty)c->f->ins[r.v].type;
}

static bool is_value(enum ty t)
{
	return t == TY_I32 || t == TY_I64;
}

static void check_mem(struct checker *c, u32 b, u32 i)
{
	const struct ins *x = &c->f->ins[i];

	want(c, b, i,
		x->size == 1 || x->size == 2 || x->size == 4 || x->size == 8);
	want(c, b, i, x->region < REGION_COUNT);
	want(c, b, i, ty_of(c, x->arg[0]) == TY_I64);
	want(c, b, i, x->type != TY_I32 || x->size <= 4);
	want(c, b, i, !(x->mem & ~(MEM_SX | MEM_FAULT)));
	want(c, b, i, !(x->mem & MEM_SX) || x->op == OP_LOAD);
	if (op_info[x->op].nargs > 1)
		want(c, b, i, x->size < 8 || ty_of(c, x->arg[1]) == TY_I64);
	if (x->op == OP_FETCH || x->op == OP_CMPXCHG)
		want(c, b, i, ty_of(c, x->arg[1]) == (enum ty)x->type);
	if (x->op == OP_CMPXCHG)
		want(c, b, i, ty_of(c, x->arg[2]) == (enum ty)x->type);
	if (op_has_rmw((enum op)x->op))
		want(c, b, i, x->size >= 4 && x->cc < RMW_COUNT);
	if (x->op == OP_CMPXCHG)
		want(c, b, i, x->size >= 4);
}

static void check_arith(struct checker *c, u32 b, u32 i)
{
	const struct ins *x = &c->f->ins[i];

	for (u32 k = 0; k < op_info[x->op].nargs; k++)
		want(c, b, i, ty_of(c, x->arg[k]) == (enum ty)x->type);
}

static void check_call(struct checker *c, u32 b, u32 i)
{
	const struct ins *x = &c->f->ins[i];

	want(c, b, i, x->aux < c->f->calls.n);
	if (c->failed)
		return;
	const struct call *call = &c->f->calls.v[x->aux];
	want(c, b, i, (x->op == OP_CALLX) == (call->kind == CALL_PTR));
	want(c, b, i, x->arg[1].v - (x->op == OP_CALLX) == call->nargs);
	want(c, b, i, call->nargs <= 5);
	if (call->kind == CALL_TAIL)
		want(c, b, i,
			c->f->counter &&
				call->nargs == (call->sym == SYM_NONE) + 1);
}

static void check_types(struct checker *c, u32 b, u32 i)
{
	const struct fn *f = c->f;
	const struct ins *x = &f->ins[i];
	u8 res = op_info[x->op].result;
	u32 n;
	const ref *arg = ir_args(f, x, &n);

	if (res == 0xff)
		want(c, b, i,
			is_value((enum ty)x->type) || x->op == OP_CALL ||
				x->op == OP_CALLX);
	else
		want(c, b, i, x->type == res);
	if (op_is_mem((enum op)x->op))
		check_mem(c, b, i);
	switch (x->op) {
	case OP_PHI:
		want(c, b, i, n == f->blk[b].npred);
		for (u32 k = 0; k < n; k++)
			want(c, b, i, ty_of(c, arg[k]) == (enum ty)x->type);
		break;
	case OP_ZEXT:
	case OP_SEXT:
	case OP_BSWAP16: want(c, b, i, ty_of(c, arg[0]) == TY_I32); break;
	case OP_TRUNC:
	case OP_RET: want(c, b, i, ty_of(c, arg[0]) == TY_I64); break;
	case OP_SEL:
		want(c, b, i, ty_of(c, arg[2]) == (enum ty)x->type);
		want(c, b, i, ty_of(c, arg[3]) == (enum ty)x->type);
		fallthrough;
	case OP_CMP:
	case OP_BR:
		want(c, b, i, ty_of(c, arg[0]) == ty_of(c, arg[1]));
		want(c, b, i, x->cc < CC_COUNT);
		break;
	case OP_CALL:
	case OP_CALLX: check_call(c, b, i); break;
	default:
		if ((op_info[x->op].flags & OPF_PURE) && n)
			check_arith(c, b, i);
	}
}

/* ---- dominance ----------------------------------------------------------- */

static bool dominates(const struct checker *c, u32 a, u32 b)
{
	return c->dom.first[a] <= c->dom.first[b] &&
	       c->dom.first[b] <= c->dom.last[a];
}

/* v is available in front of position pos of block b. */
static bool available(const struct checker *c, ref v, u32 b, u32 pos)
{
	const struct ins *x = &c->f->ins[v.v];

	if (op_info[x->op].flags & OPF_FLOAT)
		return true;
	if (x->blk == BLK_NONE)
		return false;
	return x->blk == b ? c->pos[v.v] < pos : dominates(c, x->blk, b);
}

static void check_uses(struct checker *c, u32 b, u32 i)
{
	const struct fn *f = c->f;
	const struct ins *x = &f->ins[i];
	u32 n;
	const ref *arg = ir_args(f, x, &n);

	for (u32 k = 0; k < n; k++) {
		want(c, b, i, arg[k].v && arg[k].v < f->nins);
		if (c->failed)
			return;
		want(c, b, i, is_value(ty_of(c, arg[k])));
		if (x->op != OP_PHI)
			want(c, b, i, available(c, arg[k], b, c->pos[i]));
		else if (k < f->blk[b].npred)
			want(c, b, i,
				available(c, arg[k], f->blk[b].pred[k],
					UINT32_MAX));
	}
}

static void check_floats(struct checker *c)
{
	const struct fn *f = c->f;

	for (u32 i = 1; i < f->nins; i++) {
		const struct ins *x = &f->ins[i];

		if (op_info[x->op].flags & OPF_FLOAT)
			want(c, 0, i, x->blk == BLK_NONE);
		if (x->op == OP_CONST && x->type == TY_I32)
			want(c, 0, i, x->imm == (i64)(u32)x->imm);
		if (x->op == OP_FP)
			want(c, 0, i, x->imm <= 0);
		if (x->op == OP_PARAM)
			want(c, 0, i, x->imm >= 0 && x->imm < f->nparams);
	}
}

/* ---- all ----------------------------------------------------------------- */

static void check_all(struct checker *c, struct arena *a)
{
	const struct fn *f = c->f;

	want(c, 0, 0, f->nblk && !f->blk[0].dead && !f->blk[0].npred);
	want(c, 0, 0, f->frame <= 512);
	c->pos = arena_array(a, u32, f->nins);
	c->seen = arena_array(a, u32, f->nblk);
	ir_each_blk (f, b) {
		if (c->failed)
			return;
		check_edges(c, b);
		check_list(c, b);
	}
	if (c->failed)
		return;
	check_edge_counts(c, a);
	cfg_dom_tree(f, a, &c->dom);
	ir_each_blk (f, b)
		want(c, b, 0, c->dom.order[b] != BLK_NONE);
	check_floats(c);
	ir_each_blk (f, b)
		ir_each_ins (f, b, i) {
			if (c->failed)
				return;
			check_uses(c, b, i);
			if (!c->failed)
				check_types(c, b, i);
		}
}

int ir_verify(const struct fn *f, char *buf, size_t size)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct checker c = {.f = f, .buf = buf, .size = size};

	check_all(&c, tmp);
	arena_release(tmp, m);
	return c.failed ? -1 : 0;
}

void ir_check(const struct fn *f, const char *after)
{
#ifdef NDEBUG
	(void)f;
	(void)after;
#else
	char buf[256];

	if (!ir_verify(f, buf, sizeof(buf)))
		return;
	fprintf(stderr, "IR broken after %s: %s\n", after, buf);
	ir_print(stderr, f, NULL, NULL);
	abort();
#endif
}
