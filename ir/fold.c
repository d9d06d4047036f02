/*
 * Folding: copies, constants, algebra, known bits, branches.
 *
 * One pass over the blocks in reverse post-order, so that arguments are
 * simplified before their users. Each instruction is offered to the rules
 * with its arguments resolved; a rule answers with a value that takes its
 * place, which may be an old one or one built in front of it. Rules build
 * with builders that apply the rules again, to a bounded depth.
 *
 * Starts and ends with valid SSA. Never adds or moves a memory access,
 * and removes none but loads of data that is frozen; changes of one stay within
 * what it was (offset moved into the instruction, a sign extension moved into a
 * load). Dead values remain (dce).
 */
#include <assert.h>
#include <string.h>

#include "ir/fold.h"
#include "ir/module.h"

enum { MAX_DEPTH = 6 };

/* ---- tables by ref ------------------------------------------------------- */

static void *regrow(struct arena *a, void *old, u32 n, u32 cap, size_t size)
{
	void *p = arena_alloc_n(a, cap, size);

	if (n)
		memcpy(p, old, n * size);
	return p;
}

/* Room for every ref that exists, and known bits of floating ones. */
void fold_room(struct folder *F)
{
	u32 cap = F->f->cap;

	if (F->f->nins <= F->cap)
		return;
	F->repl = regrow(F->tmp, F->repl, F->cap, cap, sizeof(*F->repl));
	F->uses = regrow(F->tmp, F->uses, F->cap, cap, sizeof(*F->uses));
	F->known = regrow(F->tmp, F->known, F->cap, cap, sizeof(*F->known));
	F->cap = cap;
}

static ref resolve(struct folder *F, ref r)
{
	while (F->repl[r.v].v) {
		ref next = F->repl[r.v];

		if (F->repl[next.v].v)
			F->repl[r.v] = F->repl[next.v];
		r = next;
	}
	return r;
}

const struct ins *fold_is(const struct folder *F, ref r, enum op op)
{
	const struct ins *i = ir_ins(F->f, r);

	return i->op == op ? i : NULL;
}

bool fold_one_use(const struct folder *F, ref r)
{
	return F->uses[r.v] <= 1;
}

/* ---- builders ------------------------------------------------------------ */

ref fold_const(struct folder *F, enum ty t, u64 v)
{
	ref r = ir_const(F->f, t, (i64)v);

	fold_room(F);
	F->known[r.v] = known_bits(F, ir_ins(F->f, r));
	return r;
}

static ref emit(struct folder *F, const struct ins *x)
{
	ref r = ir_add_like_before(F->f, F->at, x);
	u32 n;

	fold_room(F);
	F->known[r.v] = known_bits(F, ir_ins(F->f, r));
	const ref *arg = ir_args(F->f, ir_ins(F->f, r), &n);
	for (u32 k = 0; k < n; k++)
		F->uses[arg[k].v]++;
	return r;
}

static ref build(struct folder *F, const struct ins *x)
{
	ref r = {0};

	if (F->depth < MAX_DEPTH) {
		F->depth++;
		r = fold_arith(F, x);
		F->depth--;
	}
	return r.v ? r : emit(F, x);
}

static struct ins template(const struct folder *F, enum op op, enum ty t)
{
	u8 fixed = op_info[op].result;

	return (struct ins){
		.op = (u8)op,
		.type = fixed == 0xff ? (u8)t : fixed,
		.insn = F->f->ins[F->at].insn,
	};
}

ref fold_bin(struct folder *F, enum op op, enum ty t, ref a, ref b)
{
	struct ins x = template(F, op, t);

	x.arg[0] = a;
	x.arg[1] = b;
	return build(F, &x);
}

ref fold_un(struct folder *F, enum op op, enum ty t, ref a)
{
	return fold_bin(F, op, t, a, (ref){0});
}

ref fold_bin_imm(struct folder *F, enum op op, enum ty t, ref a, i64 imm)
{
	return fold_bin(F, op, t, a, fold_const(F, t, (u64)imm));
}

ref fold_cmp(struct folder *F, enum cc cc, ref a, ref b)
{
	struct ins x = template(F, OP_CMP, TY_I32);

	x.cc = (u8)cc;
	x.arg[0] = a;
	x.arg[1] = b;
	return build(F, &x);
}

ref fold_sel(struct folder *F, enum ty t, const struct ins *cond, ref a, ref b)
{
	struct ins x = template(F, OP_SEL, t);

	x.cc = cond->cc;
	x.arg[0] = cond->arg[0];
	x.arg[1] = cond->arg[1];
	x.arg[2] = a;
	x.arg[3] = b;
	return build(F, &x);
}

ref fold_trunc(struct folder *F, ref a)
{
	return fold_un(F, OP_TRUNC, TY_I32, a);
}

ref fold_zext(struct folder *F, ref a)
{
	return fold_un(F, OP_ZEXT, TY_I64, a);
}

/* ---- memory operations --------------------------------------------------- */

/* base + c: the offset moves into the instruction while it fits 32 bits. */
static void fold_address(struct folder *F, struct ins *x)
{
	struct fn *f = F->f;

	for (u32 n = 0; n < MAX_DEPTH; n++) {
		const struct ins *b = ir_ins(f, x->arg[0]);
		i64 off = 0, sum;
		ref base = {0};

		if (b->op == OP_ADD && ir_is_const(f, b->arg[1], &off))
			base = b->arg[0];
		else if ((b->op == OP_FP || b->op == OP_SYM) && b->imm)
			off = b->imm;
		else
			return;
		if (add_overflows(x->imm, off, &sum) || !fits_i32(sum))
			return;
		if (!base.v)
			base = b->op == OP_FP ? ir_fp(f, 0)
					      : ir_sym(f, b->aux, 0);
		fold_room(F);
		x->arg[0] = base;
		x->imm = sum;
	}
}

static void fold_memory(struct folder *F, struct ins *x)
{
	fold_address(F, x);
	if (x->op == OP_STORE || x->op == OP_STOREREL)
		x->arg[1] = fold_low_bits(F, x->arg[1], 8u * x->size);
}

/* A load of bytes that nobody changes any more: knobs fixed for good, .rodata.
 * Their value, or 0. */
static ref fold_frozen(struct folder *F, const struct ins *x)
{
	const struct module *m = F->f->module;
	const struct ins *base = fold_is(F, x->arg[0], OP_SYM);
	const struct datasec *d;
	u64 v = 0;
	i64 off;

	if (x->op != OP_LOAD || !m || !base ||
		m->sym.v[base->aux].kind != SYM_DATA)
		return (ref){0};
	if (add_overflows(base->imm, x->imm, &off) ||
		add_overflows(off, (i64)m->sym.v[base->aux].off, &off) ||
		off < 0)
		return (ref){0};
	d = &m->data.v[m->sym.v[base->aux].index];
	if (!module_data_is_frozen(d, (u64)off, x->size))
		return (ref){0};
	for (u32 k = x->size; d->bytes && k-- > 0;)
		v = v << 8 | d->bytes[(u64)off + k];
	if (x->mem & MEM_SX)
		v = (u64)((i64)(v << (64 - 8 * x->size)) >> (64 - 8 * x->size));
	return fold_const(F, (enum ty)x->type, v);
}

/* A sign extension of what a load alone feeds moves into the load. */
static ref fold_sx_load(struct folder *F, const struct ins *x, u32 bits)
{
	ref r = x->arg[0];
	const struct ins *narrow = fold_is(F, r, OP_TRUNC);

	if (narrow && x->op == OP_SEXT && fold_one_use(F, r))
		r = narrow->arg[0];
	struct ins *l = ir_ins(F->f, r);
	if (l->op != OP_LOAD || l->size * 8u != bits || (l->mem & MEM_SX) ||
		!fold_one_use(F, r))
		return (ref){0};
	l->type = x->type;
	l->mem |= MEM_SX;
	F->known[r.v] = known_bits(F, l);
	return r;
}

static ref fold_sx(struct folder *F, const struct ins *x)
{
	switch (x->op) {
	case OP_SEXT: return fold_sx_load(F, x, 32);
	case OP_SX16: return fold_sx_load(F, x, 16);
	case OP_SX8: return fold_sx_load(F, x, 8);
	default: return (ref){0};
	}
}

/* ---- ends of blocks ------------------------------------------------------ */

static void fold_branch(struct folder *F, u32 b, struct ins *x)
{
	int known = fold_cond(F, x);

	if (known < 0 || F->f->blk[b].cut)
		return;
	cfg_cut(F->f, b, (u32)known); /* 1: the edge to "no" goes */
	F->cut = true;
}

/* ---- the pass ------------------------------------------------------------ */

/* All arguments are one value, or the phi itself. */
static ref fold_phi(struct folder *F, u32 i)
{
	u32 n;
	const ref *arg = ir_args(F->f, &F->f->ins[i], &n);
	ref same = {0};

	for (u32 k = 0; k < n; k++) {
		if (arg[k].v == i || arg[k].v == same.v)
			continue;
		if (same.v)
			return (ref){0};
		same = arg[k];
	}
	return same;
}

/* x is a copy of instruction i with resolved arguments: what replaces i, or
 * 0 after x was brought into its best form. */
static ref visit(struct folder *F, u32 i, struct ins *x)
{
	ref r = {0};

	if (x->op == OP_PHI)
		return fold_phi(F, i);
	if (op_is_mem((enum op)x->op)) {
		fold_memory(F, x);
		return fold_frozen(F, x);
	}
	if (x->op == OP_BR)
		fold_branch(F, x->blk, x);
	else if (op_info[x->op].flags & OPF_PURE)
		r = fold_sx(F, x);
	if (!r.v && (op_info[x->op].flags & OPF_PURE))
		r = fold_arith(F, x);
	return r;
}

static void resolve_args(struct folder *F, struct ins *x)
{
	u32 n;
	ref *arg = ir_args(F->f, x, &n);

	for (u32 k = 0; k < n; k++)
		if (F->repl[arg[k].v].v)
			arg[k] = resolve(F, arg[k]);
}

/* One use of v less; true if nobody needs it any more. */
static bool drop_use(struct folder *F, u32 v)
{
	const struct ins *i = &F->f->ins[v];

	return !--F->uses[v] && i->blk != BLK_NONE &&
	       (op_info[i->op].flags & OPF_PURE);
}

/* One use of r less. What becomes unused on the way goes at once, so that the
 * counts stay sharp. */
static void release(struct folder *F, ref r)
{
	struct fn *f = F->f;

	if (!drop_use(F, r.v))
		return;
	F->dead.n = 0;
	*vec_push(F->tmp, &F->dead) = r.v;
	while (F->dead.n) {
		u32 v = F->dead.v[--F->dead.n];
		struct ins i = f->ins[v];

		ir_remove(f, v);
		for (u32 k = op_info[i.op].nargs; k-- > 0;)
			if (drop_use(F, i.arg[k].v))
				*vec_push(F->tmp, &F->dead) = i.arg[k].v;
	}
}

static void replace(struct folder *F, u32 i, ref r)
{
	struct ins old = F->f->ins[i];
	u32 n;
	const ref *arg = ir_args(F->f, &old, &n);

	F->repl[i] = r;
	F->uses[r.v] += F->uses[i];
	ir_remove(F->f, i);
	for (u32 k = 0; k < n; k++)
		release(F, arg[k]);
}

/* Puts x in the place of i; the operation is the same. */
static void update(struct folder *F, u32 i, struct ins *x)
{
	struct ins *to = &F->f->ins[i];
	u32 n = op_info[x->op].nargs, prev = to->prev, next = to->next;
	ref old[countof(x->arg)];

	memcpy(old, to->arg, sizeof(old));
	*to = *x;
	/* the builders may have linked new instructions in front of it */
	to->prev = prev;
	to->next = next;
	if (x->type != TY_NONE)
		F->known[i] = known_bits(F, x);
	if (n == OP_VARARGS)
		return;
	if (!memcmp(x->arg, old, sizeof(old)))
		return;
	for (u32 k = 0; k < n; k++)
		F->uses[x->arg[k].v]++;
	for (u32 k = 0; k < n; k++)
		release(F, old[k]);
}

static void visit_ins(struct folder *F, u32 i)
{
	struct fn *f = F->f;

	resolve_args(F, &f->ins[i]);
	struct ins x = f->ins[i];

	F->at = i;
	F->depth = 0;
	ref r = visit(F, i, &x);
	if (r.v)
		replace(F, i, r);
	else
		update(F, i, &x);
}

/* What was built for user was offered to the rules at some depth only. */
static void visit_new(struct folder *F, u32 user, u32 first)
{
	u32 from = first, to = F->f->nins;

	if (from == to)
		return;
	for (u32 round = 0; round < 2; round++) {
		for (u32 i = from; i < to; i++)
			if (F->f->ins[i].blk != BLK_NONE)
				visit_ins(F, i);
		from = to;
		to = F->f->nins;
	}
	resolve_args(F, &F->f->ins[user]);
	for (u32 i = first; i < to; i++)
		resolve_args(F, &F->f->ins[i]);
}

static void scan_ins(struct folder *F)
{
	struct fn *f = F->f;

	for (u32 i = 1; i < f->nins; i++) {
		u32 n;
		const ref *arg = ir_args(f, &f->ins[i], &n);

		for (u32 k = 0; k < n; k++)
			F->uses[arg[k].v]++;
		if (op_info[f->ins[i].op].flags & OPF_FLOAT)
			F->known[i] = known_bits(F, &f->ins[i]);
	}
}

/* All others came behind what they use. */
static void finish_phis(struct folder *F)
{
	struct fn *f = F->f;

	ir_each_blk (f, b)
		ir_each_phi (f, b, i)
			resolve_args(F, &f->ins[i]);
}

void pass_fold(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct folder F = {.f = f, .tmp = tmp};
	u32 n;
	const u32 *rpo = cfg_rpo(f, tmp, &n);

	fold_room(&F);
	scan_ins(&F);
	for (u32 k = 0; k < n; k++)
		ir_each_ins (f, rpo[k], i) {
			u32 from = f->nins;

			visit_ins(&F, i);
			visit_new(&F, i, from);
		}
	finish_phis(&F);
	if (F.cut)
		cfg_prune(f);
	arena_release(tmp, m);
}
