/*
 * Instruction selection: IR -> MIR. This file walks the function and knows
 * which value lives in which register; the target (struct sel_target) knows
 * the instructions, with the help of match.c. selvalues.c comes before the
 * walk, selblocks.c before and after.
 *
 * The walk goes backwards: blocks in reverse of reverse post-order, in each
 * from the terminator up. All uses of a value (but those of phis, which count
 * as needed from the start) are therefore selected before its definition, and
 * a definition whose users all swallowed it is never made.
 *
 * Each IR instruction yields a group of machine instructions; groups are
 * chained in front of each other and copied into their final order at the
 * end (flatten).
 *
 * Floating values (constants, addresses) are made where they are first used:
 * once per block, and outside of loops for uses inside of them, a few per loop.
 * Only calls, returns and phis get copies of their own.
 *
 * Upper halves. A 32-bit operation clears bits 32..63 of its register, so
 * ZEXT mostly is no instruction. What does not: TRUNC (no instruction either),
 * calls, cmpxchg, and phis of such. val.zero_up keeps the account; a value of
 * type I32 is never trusted beyond it.
 */
#include <assert.h>
#include <string.h>

#include "ir/select.h"

/* ---- machine instructions ------------------------------------------------ */

struct mins *sel_op(struct sel *s, u16 op, u8 size)
{
	struct mins *i = mir_add(s->m, op, 0);

	i->size = size;
	i->insn = s->f->ins[s->ins].insn;
	return i;
}

static void operand(struct sel *s, u32 vreg, u8 role, u8 fixed, u8 flags)
{
	struct mopd *o = vec_push(s->m->a, &s->m->opd);

	o->reg = vreg;
	o->role = role;
	o->fixed = fixed;
	o->flags = flags;
	sel_last(s)->nopd++;
}

void sel_d(struct sel *s, u32 vreg)
{
	operand(s, vreg, OPD_DEF, PREG_NONE, 0);
}

void sel_d_fixed(struct sel *s, u32 vreg, u8 r)
{
	operand(s, vreg, OPD_DEF, r, 0);
}

void sel_early(struct sel *s, u32 vreg, u8 fixed)
{
	operand(s, vreg, OPD_EARLY, fixed, 0);
}

void sel_u(struct sel *s, u32 vreg)
{
	operand(s, vreg, OPD_USE, PREG_NONE, 0);
}

void sel_u_slot(struct sel *s, u32 vreg)
{
	operand(s, vreg, OPD_USE, PREG_NONE, OPDF_SLOT);
}

void sel_u_fixed(struct sel *s, u32 vreg, u8 r)
{
	operand(s, vreg, OPD_USE, r, 0);
}

void sel_u_late(struct sel *s, u32 vreg)
{
	operand(s, vreg, OPD_LATE, PREG_NONE, 0);
}

static void tie(struct sel *s)
{
	struct mins *i = sel_last(s);

	s->m->opd.v[i->opd].tied = i->nopd;
}

void sel_t(struct sel *s, u32 vreg)
{
	sel_u(s, vreg);
	tie(s);
}

void sel_operand(struct sel *s, u32 vreg, u8 role)
{
	operand(s, vreg, role, PREG_NONE, 0);
}

void sel_t_fixed(struct sel *s, u32 vreg, u8 r)
{
	sel_u_fixed(s, vreg, r);
	tie(s);
}

/* ---- groups -------------------------------------------------------------- */

u32 sel_group_begin(struct sel *s)
{
	struct sel_group *g = vec_push(s->tmp, &s->group);

	g->first = s->m->ins.n;
	return s->group.n - 1;
}

void sel_group_end(struct sel *s, u32 g)
{
	s->group.v[g].n = s->m->ins.n - s->group.v[g].first;
}

/* Before everything of the block so far. */
void sel_group_prepend(struct sel *s, u32 g)
{
	s->group.v[g].next = s->head[s->blk];
	s->head[s->blk] = g;
}

/* ---- values -------------------------------------------------------------- */

static u32 value_vreg(struct sel *s, u32 root, u8 size)
{
	struct sel_val *v = &s->val[root];

	if (!v->vreg)
		v->vreg = mir_vreg(s->m, size);
	if (size > s->m->vreg.v[v->vreg].size)
		s->m->vreg.v[v->vreg].size = size;
	return v->vreg;
}

u32 sel_temp(struct sel *s)
{
	return mir_vreg(s->m, 8);
}

static bool is_floating(const struct ins *i)
{
	return i->op == OP_CONST || i->op == OP_SYM || i->op == OP_FP;
}

/* A loop's constants compete for registers, and live all over it: more than a
 * few are better made where they are used, and a loop of n blocks with n
 * constants would take n * n steps to allocate. */
enum {
	MAX_HOISTED = 32, /* values that are made outside of one loop */
	MAX_LEFT = 16,	  /* loops that are left to find a home */
};

/* The block that makes floating value v for users in b: out of the loops that
 * have room for it, or where it is already. */
static u32 float_home(const struct sel *s, const struct sel_val *v, u32 b)
{
	const struct blk *blk = s->f->blk;
	u32 made = v->made ? s->flt.v[v->made - 1].home : BLK_NONE, home = b;
	bool room = true;

	for (u32 n = 0; n < MAX_LEFT && blk[b].loop != BLK_NONE; n++) {
		room = room && s->hoisted[blk[b].loop] < MAX_HOISTED;
		b = blk[blk[b].loop].idom;
		if (room || b == made)
			home = b;
	}
	return home;
}

static void count_hoisted(struct sel *s, u32 b, u32 home)
{
	while (b != home) {
		u32 loop = s->f->blk[b].loop;

		s->hoisted[loop]++;
		b = s->f->blk[loop].idom;
	}
}

static u32 float_use(struct sel *s, u32 root, u8 size)
{
	struct sel_val *v = &s->val[root];
	u32 home = float_home(s, v, s->blk);

	if (!v->made || s->flt.v[v->made - 1].home != home) {
		struct sel_float *new = vec_push(s->tmp, &s->flt);

		count_hoisted(s, s->blk, home);
		new->value = root;
		new->vreg = mir_vreg(s->m, size);
		new->home = home;
		new->next = s->pend[home];
		s->pend[home] = v->made = s->flt.n;
	}
	struct sel_float *f = &s->flt.v[v->made - 1];

	if (home == s->blk)
		f->group = s->cur;
	if (size > s->m->vreg.v[f->vreg].size)
		s->m->vreg.v[f->vreg].size = size;
	return f->vreg;
}

u32 sel_use(struct sel *s, ref r)
{
	u32 root = s->val[r.v].root;
	u8 size = ty_size(s->f->ins[r.v].type);

	s->val[root].needed = true;
	if (is_floating(&s->f->ins[root]))
		return float_use(s, root, size);
	return value_vreg(s, root, size);
}

u32 sel_def(struct sel *s, u32 i)
{
	return value_vreg(s, i, ty_size(s->f->ins[i].type));
}

u32 sel_fresh(struct sel *s, ref r)
{
	const struct ins *i = sel_root(s, r);

	if (!is_floating(i))
		return sel_use(s, r);
	u32 vreg = mir_vreg(s->m, ty_size(i->type));

	s->t->make_float(s, i, vreg);
	return vreg;
}

/* The floating values whose home is the current block. */
static void make_pending(struct sel *s)
{
	for (u32 p = s->pend[s->blk]; p; p = s->flt.v[p - 1].next) {
		struct sel_float f = s->flt.v[p - 1];
		u32 at = f.group ? f.group : s->term;
		u32 g = sel_group_begin(s);

		s->t->make_float(s, &s->f->ins[f.value], f.vreg);
		sel_group_end(s, g);
		s->group.v[g].pre = s->group.v[at].pre;
		s->group.v[at].pre = g;
	}
}

/* ---- calls and returns --------------------------------------------------- */

/* tail: E(counter) U(context) U(target). tail_jump: without a target, sym is
 * the program or the prog_array, imm the key. Nothing else changes where it
 * falls through. */
static void lower_tail(struct sel *s, const struct ins *i)
{
	u32 n;
	const ref *arg = ir_args(s->f, i, &n);
	u32 ctx = sel_fresh(s, arg[0]);
	u32 target = n > 1 ? sel_fresh(s, arg[1]) : 0;
	const struct call *c = &s->f->calls.v[i->aux];
	struct mins *m = sel_op(s, target ? s->t->tail : s->t->tail_jump, 8);

	m->sym = c->sym;
	m->imm = c->key;
	sel_early(s, sel_temp(s), s->t->counter);
	sel_u_fixed(s, ctx, s->t->arg_regs[0]);
	if (target)
		sel_u_fixed(s, target, s->t->tail_target);
}

static void lower_call(struct sel *s, const struct ins *i)
{
	const struct call *c = &s->f->calls.v[i->aux];
	bool ptr = i->op == OP_CALLX;
	u32 n, vreg[6];
	const ref *arg = ir_args(s->f, i, &n);

	if (c->kind == CALL_TAIL) {
		lower_tail(s, i);
		return;
	}
	for (u32 k = 0; k < n; k++)
		vreg[k] = ptr && !k ? sel_use(s, arg[k]) : sel_fresh(s, arg[k]);
	struct mins *m = sel_op(s, ptr ? s->t->call_ptr : s->t->call, 8);

	m->flags |= MINS_CALL;
	m->sym = ptr ? SYM_NONE : c->sym;
	if (s->val[s->ins].needed)
		sel_d_fixed(s, sel_def(s, s->ins), s->t->result);
	if (ptr)
		sel_u(s, vreg[0]);
	for (u32 k = ptr; k < n; k++)
		sel_u_fixed(s, vreg[k], s->t->arg_regs[k - ptr]);
	sel_last(s)->aux = (u8)(n - ptr);
	s->m->has_calls = true;
}

static void lower_ret(struct sel *s, const struct ins *i)
{
	u32 vreg = sel_fresh(s, i->arg[0]);

	sel_op(s, s->t->ret, 8)->flags |= MINS_TERM;
	sel_u_fixed(s, vreg, s->t->result);
}

/* Parameters are defined at the entry, which is selected last. */
static void lower_entry(struct sel *s)
{
	u32 g = sel_group_begin(s);

	s->ins = 0;
	sel_op(s, s->t->entry, 8)->insn = INSN_NONE;
	for (u32 i = 1; i < s->f->nins; i++) {
		const struct ins *p = &s->f->ins[i];

		if (p->op == OP_PARAM && s->val[i].needed)
			sel_d_fixed(s, sel_def(s, i), s->t->arg_regs[p->imm]);
	}
	sel_group_end(s, g);
	if (sel_last(s)->nopd)
		sel_group_prepend(s, g);
}

/* ---- one instruction ----------------------------------------------------- */

static void lower(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_JMP: sel_op(s, s->t->jmp, 0)->flags |= MINS_TERM; break;
	case OP_TRAP: sel_op(s, s->t->trap, 0)->flags |= MINS_TERM; break;
	case OP_RET: lower_ret(s, i); break;
	case OP_CALL:
	case OP_CALLX: lower_call(s, i); break;
	default: s->t->lower(s, i);
	}
}

/* Loads of shared memory happen even if nobody looks at them. */
static bool is_wanted(const struct sel *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	const struct sel_val *v = &s->val[i];

	if (op_info[ins->op].flags & (OPF_WRITE | OPF_TERM))
		return true;
	if (ins->op == OP_LOAD)
		return v->needed ||
		       (!v->folded && region_is_shared(ins->region));
	return v->needed && v->root == i;
}

static void lower_ins(struct sel *s, u32 i)
{
	u32 w = sel_writes(&s->f->ins[i]);

	for (u32 r = 0; w; r++, w >>= 1)
		s->epoch[r] -= w & 1;
	if (!is_wanted(s, i))
		return;
	bool is_term = op_info[s->f->ins[i].op].flags & OPF_TERM;
	u32 g = sel_group_begin(s);

	s->ins = i;
	s->cur = g;
	if (is_term)
		s->term = g;
	lower(s, &s->f->ins[i]);
	sel_group_end(s, g);
	if (s->want && !is_term)
		s->t->settle_flags(s, g, i);
	sel_group_prepend(s, g);
}

/* ---- blocks -------------------------------------------------------------- */

/* Constants and addresses that go into the phis of the successors. */
static void lower_phi_args(struct sel *s)
{
	const struct blk *b = &s->f->blk[s->blk];
	u32 g = sel_group_begin(s);

	s->cur = g;
	s->ins = b->last;
	for (u32 e = 0; e < b->nsucc; e++) {
		u32 to = b->succ[e], nth = 0, k = 0;
		struct mblk *mb = &s->m->blk[s->index[to]];

		if (!mb->phi.n)
			continue;
		/* The edge's place: n-th naming here is the n-th there. */
		for (u32 p = 0; p < e; p++)
			nth += b->succ[p] == to;
		while (s->f->blk[to].pred[k] != s->blk || nth--)
			k++;
		u32 q = 0;

		ir_each_phi (s->f, to, i) {
			u32 n;
			ref a = ir_args(s->f, &s->f->ins[i], &n)[k];

			mb->phi.v[q++].src[k] = sel_fresh(s, a);
		}
	}
	sel_group_end(s, g);
	sel_group_prepend(s, g);
}

static void count_epochs(struct sel *s)
{
	memset(s->epoch, 0, sizeof(s->epoch));
	ir_each_ins (s->f, s->blk, i) {
		const struct ins *ins = &s->f->ins[i];
		u32 w = sel_writes(ins);

		if (ins->op == OP_LOAD)
			s->val[i].epoch = s->epoch[ins->region];
		for (u32 r = 0; w; r++, w >>= 1)
			s->epoch[r] += w & 1;
	}
}

static void lower_blk(struct sel *s, u32 b)
{
	const struct blk *blk = &s->f->blk[b];

	s->blk = b;
	s->want = 0;
	count_epochs(s);
	for (u32 i = blk->last; i && s->f->ins[i].op != OP_PHI;
		i = s->f->ins[i].prev) {
		lower_ins(s, i);
		if (i == blk->last)
			lower_phi_args(s);
	}
	if (s->want)
		s->t->make_test(s);
	make_pending(s);
	if (b == 0)
		lower_entry(s);
}

/* ---- the function -------------------------------------------------------- */

/* The walk makes its instructions in tmp, with room for about what a function
 * of this size becomes. */
static void begin_walk(struct sel *s)
{
	u32 n = s->f->nins + 64;
	struct mfn *m = s->m;

	m->a = s->tmp;
	vec_reserve(m->a, &m->ins, n);
	vec_reserve(m->a, &m->opd, 2 * n);
	vec_reserve(s->tmp, &s->group, n);
	vec_push(s->tmp, &s->group); /* number 0 */
}

/* What outlives the walk gets the room that it needs; sel_finish_blocks does
 * that for the instructions. */
static void end_walk(struct sel *s, struct arena *a)
{
	struct mfn *m = s->m;

	m->a = a;
	m->opd.cap = m->opd.n;
	m->opd.v = arena_dup(m->a, m->opd.v, m->opd.n * sizeof(*m->opd.v));
	m->vreg.cap = m->vreg.n;
	m->vreg.v = arena_dup(m->a, m->vreg.v, m->vreg.n * sizeof(*m->vreg.v));
}

struct mfn *sel_run(struct fn *f, const struct cg *cg,
	const struct sel_target *t, struct arena *a)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark mark = arena_mark(tmp);
	struct sel s = {.f = f, .cg = cg, .t = t, .tmp = tmp};
	u32 n;

	cfg_analyse(f);
	u32 *rpo = cfg_rpo(f, tmp, &n);

	s.m = mir_new(a, f);
	s.val = arena_array(tmp, struct sel_val, f->nins);
	s.head = arena_array(tmp, u32, f->nblk);
	s.pend = arena_array(tmp, u32, f->nblk);
	s.hoisted = arena_array(tmp, u32, f->nblk);
	s.index = arena_array(tmp, u32, f->nblk);
	sel_prepare(&s, rpo, n);
	sel_make_blocks(&s);
	begin_walk(&s);
	for (u32 k = n; k-- > 0;)
		lower_blk(&s, rpo[k]);
	end_walk(&s, a);
	sel_finish_blocks(&s);
	arena_release(tmp, mark);
	return s.m;
}
