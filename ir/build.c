/*
 * Making and changing functions. Builders only append and link; they neither
 * fold nor check. Growing fn->ins moves it: a struct ins * does not survive
 * the next builder call.
 *
 * Floating instructions (constants, symbol addresses, frame addresses,
 * parameters) are hash-consed: equal ones are one ref, so comparing refs
 * compares values.
 */
#include <assert.h>
#include <string.h>

#include "ir/ir.h"

const struct op_info op_info[OP_COUNT] = {
// clang-format off
#define V OP_VARARGS
#define C OPF_COMM
#define P OPF_PURE
#define R OPF_READ
#define W OPF_WRITE
#define T OPF_TERM
#define F OPF_FLOAT
#define OP(name, nargs, res, flags) [OP_##name] = { #name, nargs, RES_##res, flags },
#define RES_N TY_NONE
#define RES_S 0xff
#define RES_4 TY_I32
#define RES_8 TY_I64
#include "ir/ops.def"
#undef OP
#undef V
#undef C
#undef P
#undef R
#undef W
#undef T
#undef F
	// clang-format on
};

/* ---- conditions ---------------------------------------------------------- */

enum cc cc_swap(enum cc c)
{
	static const u8 swapped[CC_COUNT] = {
		[CC_EQ] = CC_EQ,
		[CC_NE] = CC_NE,
		[CC_ULT] = CC_UGT,
		[CC_UGE] = CC_ULE,
		[CC_UGT] = CC_ULT,
		[CC_ULE] = CC_UGE,
		[CC_SLT] = CC_SGT,
		[CC_SGE] = CC_SLE,
		[CC_SGT] = CC_SLT,
		[CC_SLE] = CC_SGE,
		[CC_TST] = CC_TST,
		[CC_NTST] = CC_NTST,
	};
	return (enum cc)swapped[c];
}

/* ---- functions and blocks ------------------------------------------------ */

static u32 ins_new(struct fn *f, enum op op, enum ty t)
{
	if (f->nins == f->cap)
		f->ins = vec_grow(
			f->a, f->ins, &f->cap, f->nins, sizeof(*f->ins));
	struct ins *i = &f->ins[f->nins];

	memset(i, 0, sizeof(*i));
	i->op = (u8)op;
	i->type = (u8)t;
	i->blk = BLK_NONE;
	i->insn = f->insn;
	return f->nins++;
}

struct fn *ir_fn_new(struct arena *a, const char *name, u32 nparams)
{
	struct fn *f = arena_new(a, struct fn);

	f->a = a;
	f->name = name;
	f->sym = SYM_NONE;
	f->nparams = nparams;
	f->insn = INSN_NONE;
	ins_new(f, OP_NOP, TY_NONE);
	return f;
}

void ir_reserve(struct fn *f, u32 nins, u32 nblk)
{
	f->ins =
		vec_room(f->a, f->ins, &f->cap, f->nins, nins, sizeof(*f->ins));
	f->blk = vec_room(
		f->a, f->blk, &f->blkcap, f->nblk, nblk, sizeof(*f->blk));
}

u32 ir_blk_new(struct fn *f)
{
	if (f->nblk == f->blkcap)
		f->blk = vec_grow(
			f->a, f->blk, &f->blkcap, f->nblk, sizeof(*f->blk));
	struct blk *b = &f->blk[f->nblk];

	memset(b, 0, sizeof(*b));
	b->idom = b->loop = b->outer = BLK_NONE;
	return f->nblk++;
}

/* ---- floating instructions ----------------------------------------------- */

static u32 float_hash(u32 op, u32 type, u32 aux, i64 imm)
{
	u64 h = (u64)imm * 0x9e3779b97f4a7c15u;

	h ^= ((u64)aux << 16 | op << 8 | type) * 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return (u32)(h * 0x9e3779b1u >> 8);
}

static void float_rehash(struct fn *f)
{
	u32 cap = f->floatcap ? f->floatcap * 2 : 64;
	u32 *t = arena_array(f->a, u32, cap);

	for (u32 k = 0; k < f->floatcap; k++) {
		u32 r = f->floats[k];

		if (!r)
			continue;
		const struct ins *i = &f->ins[r];
		u32 h = float_hash(i->op, i->type, i->aux, i->imm) & (cap - 1);
		while (t[h])
			h = (h + 1) & (cap - 1);
		t[h] = r;
	}
	f->floats = t;
	f->floatcap = cap;
}

static ref float_get(struct fn *f, enum op op, enum ty t, u32 aux, i64 imm)
{
	if (f->nfloats * 2 >= f->floatcap)
		float_rehash(f);
	u32 mask = f->floatcap - 1;
	u32 h = float_hash(op, t, aux, imm) & mask;

	for (; f->floats[h]; h = (h + 1) & mask) {
		const struct ins *i = &f->ins[f->floats[h]];

		if (i->op == op && i->type == t && i->aux == aux &&
			i->imm == imm)
			return (ref){f->floats[h]};
	}
	u32 r = ins_new(f, op, t);
	f->ins[r].aux = aux;
	f->ins[r].imm = imm;
	f->ins[r].insn = INSN_NONE;
	f->floats[h] = r;
	f->nfloats++;
	return (ref){r};
}

ref ir_const(struct fn *f, enum ty t, i64 imm)
{
	return float_get(f, OP_CONST, t, 0, t == TY_I32 ? (u32)imm : imm);
}

ref ir_sym(struct fn *f, u32 sym, i64 addend)
{
	return float_get(f, OP_SYM, TY_I64, sym, addend);
}

ref ir_fp(struct fn *f, i64 off)
{
	return float_get(f, OP_FP, TY_I64, 0, off);
}

ref ir_param(struct fn *f, u32 index)
{
	return float_get(f, OP_PARAM, TY_I64, 0, index);
}

/* ---- lists --------------------------------------------------------------- */

/* Links i in front of `at`; at 0: at the end of b. */
static void link_before(struct fn *f, u32 b, u32 i, u32 at)
{
	struct blk *blk = &f->blk[b];
	u32 prev = at ? f->ins[at].prev : blk->last;

	f->ins[i].blk = b;
	f->ins[i].prev = prev;
	f->ins[i].next = at;
	if (prev)
		f->ins[prev].next = i;
	else
		blk->first = i;
	if (at)
		f->ins[at].prev = i;
	else
		blk->last = i;
}

static void unlink_ins(struct fn *f, u32 i)
{
	struct ins *x = &f->ins[i];
	struct blk *blk = &f->blk[x->blk];

	if (x->prev)
		f->ins[x->prev].next = x->next;
	else
		blk->first = x->next;
	if (x->next)
		f->ins[x->next].prev = x->prev;
	else
		blk->last = x->prev;
	x->prev = x->next = 0;
	x->blk = BLK_NONE;
}

void ir_remove(struct fn *f, u32 i)
{
	if (f->ins[i].blk != BLK_NONE)
		unlink_ins(f, i);
	memset(&f->ins[i], 0, sizeof(f->ins[i]));
	f->ins[i].blk = BLK_NONE;
}

void ir_move_before(struct fn *f, u32 i, u32 at)
{
	if (i == at)
		return;
	unlink_ins(f, i);
	link_before(f, f->ins[at].blk, i, at);
}

/* ---- instructions -------------------------------------------------------- */

static ref add_at(
	struct fn *f, u32 b, u32 at, enum op op, enum ty t, ref a0, ref a1)
{
	u8 fixed = op_info[op].result;
	u32 i = ins_new(f, op, fixed == 0xff ? t : (enum ty)fixed);

	f->ins[i].arg[0] = a0;
	f->ins[i].arg[1] = a1;
	link_before(f, b, i, at);
	return (ref){i};
}

ref ir_add(struct fn *f, u32 b, enum op op, enum ty t, ref a0, ref a1)
{
	return add_at(f, b, 0, op, t, a0, a1);
}

ref ir_add_before(struct fn *f, u32 at, enum op op, enum ty t, ref a0, ref a1)
{
	ref r = add_at(f, f->ins[at].blk, at, op, t, a0, a1);

	f->ins[r.v].insn = f->ins[at].insn;
	return r;
}

static ref add_like(struct fn *f, u32 b, u32 at, const struct ins *like)
{
	struct ins copy = *like; /* `like` may point into f->ins */
	u32 i = ins_new(f, (enum op)copy.op, (enum ty)copy.type);

	f->ins[i] = copy;
	link_before(f, b, i, at);
	return (ref){i};
}

ref ir_add_like(struct fn *f, u32 b, const struct ins *like)
{
	return add_like(f, b, 0, like);
}

ref ir_add_like_before(struct fn *f, u32 at, const struct ins *like)
{
	return add_like(f, f->ins[at].blk, at, like);
}

ref ir_cmp(struct fn *f, u32 b, enum cc cc, ref a0, ref a1)
{
	ref r = ir_add(f, b, OP_CMP, TY_I32, a0, a1);

	f->ins[r.v].cc = (u8)cc;
	return r;
}

ref ir_mem(struct fn *f, u32 b, enum op op, enum ty t, const ref *arg,
	const struct access *m)
{
	ref r = add_at(f, b, 0, op, t, arg[0], (ref){0});
	struct ins *i = &f->ins[r.v];

	for (u32 k = 1; k < op_info[op].nargs; k++)
		i->arg[k] = arg[k];
	i->size = m->size;
	i->region = m->region;
	i->mem = m->mem;
	i->imm = m->off;
	return r;
}

ref ir_load(struct fn *f, u32 b, enum ty t, ref addr, const struct access *m)
{
	return ir_mem(f, b, OP_LOAD, t, &addr, m);
}

void ir_store(struct fn *f, u32 b, ref addr, ref v, const struct access *m)
{
	ref arg[2] = {addr, v};

	ir_mem(f, b, OP_STORE, TY_NONE, arg, m);
}

static u32 args_new(struct fn *f, u32 n)
{
	u32 first = f->args.n;

	for (u32 k = 0; k < n; k++)
		vec_push(f->a, &f->args)->v = 0;
	return first;
}

ref ir_phi(struct fn *f, u32 b, enum ty t, u32 nargs)
{
	u32 first = args_new(f, nargs);

	return add_at(
		f, b, f->blk[b].first, OP_PHI, t, (ref){first}, (ref){nargs});
}

ref ir_call(struct fn *f, u32 b, const struct call *c, enum ty t,
	const ref *args, u32 n)
{
	u32 first = args_new(f, n);
	enum op op = c->kind == CALL_PTR ? OP_CALLX : OP_CALL;

	for (u32 k = 0; k < n; k++)
		f->args.v[first + k] = args[k];
	ref r = add_at(f, b, 0, op, t, (ref){first}, (ref){n});
	f->ins[r.v].aux = f->calls.n;
	*vec_push(f->a, &f->calls) = *c;
	return r;
}

/* ---- ends of blocks ------------------------------------------------------ */

/* The capacity of pred is the power of two at or above npred, at least. */
static void pred_add(struct fn *f, u32 b, u32 from)
{
	struct blk *t = &f->blk[b];

	if (!(t->npred & (t->npred - 1))) {
		u32 *p = arena_array(f->a, u32, t->npred ? t->npred * 2 : 1);

		if (t->npred)
			memcpy(p, t->pred, t->npred * sizeof(*p));
		t->pred = p;
	}
	t->pred[t->npred++] = from;
}

static void succ_set(struct fn *f, u32 b, u32 n, u32 s0, u32 s1)
{
	u32 *s = arena_array(f->a, u32, 2);

	s[0] = s0;
	s[1] = s1;
	f->blk[b].succ = s;
	f->blk[b].nsucc = n;
	pred_add(f, s0, b);
	if (n > 1)
		pred_add(f, s1, b);
}

void ir_jmp(struct fn *f, u32 b, u32 to)
{
	ir_add(f, b, OP_JMP, TY_NONE, (ref){0}, (ref){0});
	succ_set(f, b, 1, to, 0);
}

void ir_br(struct fn *f, u32 b, enum cc cc, ref a0, ref a1, u32 yes, u32 no)
{
	ref r = ir_add(f, b, OP_BR, TY_NONE, a0, a1);

	f->ins[r.v].cc = (u8)cc;
	succ_set(f, b, 2, yes, no);
}

void ir_ret(struct fn *f, u32 b, ref v)
{
	ir_add(f, b, OP_RET, TY_NONE, v, (ref){0});
}

void ir_trap(struct fn *f, u32 b)
{
	ir_add(f, b, OP_TRAP, TY_NONE, (ref){0}, (ref){0});
}
