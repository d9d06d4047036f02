/*
 * Instruction selection: IR -> MIR. This file walks the function and knows
 * which value lives in which register; match.c, compare.c, arith.c and
 * memory.c know the instructions.
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
 * once per block, and outside of loops for uses inside of them. Only calls,
 * returns and phis get copies of their own.
 *
 * Upper halves. A 32-bit operation clears bits 32..63 of its register, so
 * ZEXT mostly is no instruction. What does not: TRUNC (no instruction either),
 * calls, cmpxchg, and phis of such. val.zero_up keeps the account; a value of
 * type I32 is never trusted beyond it.
 */
#include <assert.h>
#include <string.h>

#include "backend-x86/x86.h"

/* ---- machine instructions --------------------------------------------------- */

struct mins *x86_op(struct sel *s, enum x86_mop op, u8 size)
{
	struct mins *i = mir_add(s->m, (u16)op, 0);

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

void sel_d_fixed(struct sel *s, u32 vreg, enum x86_gpr r)
{
	operand(s, vreg, OPD_DEF, (u8)r, 0);
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

void sel_u_fixed(struct sel *s, u32 vreg, enum x86_gpr r)
{
	operand(s, vreg, OPD_USE, (u8)r, 0);
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

void sel_t_fixed(struct sel *s, u32 vreg, enum x86_gpr r)
{
	sel_u_fixed(s, vreg, r);
	tie(s);
}

static void mem_operand(struct sel *s, const struct x86_addr *a, u8 role)
{
	u32 base = a->base.v ? sel_use(s, a->base) : 0;
	u32 index = a->index.v ? sel_use(s, a->index) : 0;
	struct mins *i = sel_last(s);

	i->aux = a->parts;
	i->disp = (i32)a->disp;
	if (a->parts & X86_M_SYM)
		i->sym = a->sym;
	if (a->parts & X86_M_FRAME)
		s->m->uses_frame = true;
	if (base) {
		i->aux |= X86_M_BASE;
		operand(s, base, role, PREG_NONE, 0);
	}
	if (index) {
		i->aux |= X86_M_INDEX;
		i->scale = a->scale;
		operand(s, index, role, PREG_NONE, 0);
	}
}

void x86_m(struct sel *s, const struct x86_addr *a)
{
	mem_operand(s, a, OPD_USE);
}

void x86_m_late(struct sel *s, const struct x86_addr *a)
{
	mem_operand(s, a, OPD_LATE);
}

/* ---- groups ------------------------------------------------------------------- */

static u32 group_begin(struct sel *s)
{
	struct sel_group *g = vec_push(s->tmp, &s->group);

	g->first = s->m->ins.n;
	return s->group.n - 1;
}

static void group_end(struct sel *s, u32 g)
{
	s->group.v[g].n = s->m->ins.n - s->group.v[g].first;
}

/* Before everything of the block so far. */
static void group_prepend(struct sel *s, u32 g)
{
	s->group.v[g].next = s->head[s->blk];
	s->head[s->blk] = g;
}

/* ---- values ------------------------------------------------------------------- */

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

/* The block that makes a floating value for users in b: out of the loops. */
static u32 float_home(const struct sel *s, u32 b)
{
	while (s->f->blk[b].depth)
		b = s->f->blk[b].idom;
	return b;
}

static u32 float_use(struct sel *s, u32 root, u8 size)
{
	struct sel_val *v = &s->val[root];
	u32 home = float_home(s, s->blk);

	if (!v->made || s->flt.v[v->made - 1].home != home) {
		struct sel_float *new = vec_push(s->tmp, &s->flt);

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

/* ---- floating values ------------------------------------------------------------ */

static void make_rematable(struct sel *s, enum x86_mop op, u32 vreg)
{
	x86_op(s, op, 8)->flags |= MINS_REMAT;
	sel_d(s, vreg);
}

static void make_const(struct sel *s, i64 v, u32 vreg)
{
	make_rematable(s, X86_MOV_RI, vreg);
	sel_last(s)->imm = v;
}

/* vreg = base + off, whatever off is, without touching the flags. */
static void make_sum(struct sel *s, u32 base, i64 off, u32 vreg)
{
	u32 big = fits_i32(off) ? 0 : sel_temp(s);

	if (big)
		make_const(s, off, big);
	struct mins *i = x86_op(s, X86_LEA, 8);

	i->aux = big ? X86_M_BASE | X86_M_INDEX : X86_M_BASE;
	i->scale = 1;
	i->disp = big ? 0 : (i32)off;
	sel_d(s, vreg);
	sel_u(s, base);
	if (big)
		sel_u(s, big);
}

/* Appends the making of a floating value. */
static void make_float(struct sel *s, const struct ins *i, u32 vreg)
{
	enum { NEAR = 1 << 30 }; /* leaves room for what emission adds */
	bool far = i->op == OP_SYM && sel_sym_is_far(s->cg, i->aux);
	bool split = far ? i->imm : i->imm <= -NEAR || i->imm >= NEAR;

	if (i->op == OP_CONST) {
		make_const(
			s, i->type == TY_I32 ? (i64)(u32)i->imm : i->imm, vreg);
		return;
	}
	u32 base = split ? sel_temp(s) : vreg;

	make_rematable(s, far ? X86_GOT : X86_LEA, base);
	struct mins *m = sel_last(s);

	if (i->op == OP_SYM) {
		m->sym = i->aux;
		m->aux = far ? 0 : X86_M_SYM;
	} else {
		m->aux = X86_M_FRAME;
		s->m->uses_frame = true;
	}
	if (split)
		make_sum(s, base, i->imm, vreg);
	else
		m->disp = (i32)i->imm;
}

u32 sel_fresh(struct sel *s, ref r)
{
	const struct ins *i = sel_root(s, r);

	if (!is_floating(i))
		return sel_use(s, r);
	u32 vreg = mir_vreg(s->m, ty_size(i->type));

	make_float(s, i, vreg);
	return vreg;
}

/* The floating values whose home is the current block. */
static void make_pending(struct sel *s)
{
	for (u32 p = s->pend[s->blk]; p; p = s->flt.v[p - 1].next) {
		struct sel_float f = s->flt.v[p - 1];
		u32 at = f.group ? f.group : s->term;
		u32 g = group_begin(s);

		make_float(s, &s->f->ins[f.value], f.vreg);
		group_end(s, g);
		s->group.v[g].pre = s->group.v[at].pre;
		s->group.v[at].pre = g;
	}
}

/* ---- what the flags are asked for -------------------------------------------------- */

static void make_test(struct sel *s)
{
	const struct ins *i = &s->f->ins[s->want];
	u32 g = group_begin(s);

	x86_op(s, X86_TEST_RR, ty_size(i->type));
	sel_u(s, sel_use(s, (ref){s->want}));
	sel_u(s, sel_use(s, (ref){s->want}));
	sel_last(s)->flags |= MINS_FLAGS;
	group_end(s, g);
	group_prepend(s, g);
	s->want = 0;
}

/* The group g, just made, comes before a terminator that wants the flags of
 * s->want. If g computes it in the end, they are there. */
static void settle_flags(struct sel *s, u32 g, u32 i)
{
	const struct sel_group *grp = &s->group.v[g];
	struct mins *last = sel_last(s);
	bool clobbers = false;

	if (i == s->want && grp->n && x86_mop(last->op)->flags == X86_MOP_S &&
		last->size == ty_size(s->f->ins[i].type)) {
		last->flags |= MINS_FLAGS;
		s->want = 0;
		return;
	}
	for (u32 k = 0; k < grp->n; k++)
		clobbers |= x86_clobbers_flags(s->m->ins.v[grp->first + k].op);
	if (clobbers || i == s->want)
		make_test(s);
}

/* ---- calls and returns ------------------------------------------------------------- */

static void lower_call(struct sel *s, const struct ins *i)
{
	const struct call *c = &s->f->calls.v[i->aux];
	bool ptr = i->op == OP_CALLX;
	u32 n, vreg[6];
	const ref *arg = ir_args(s->f, i, &n);

	for (u32 k = 0; k < n; k++)
		vreg[k] = ptr && !k ? sel_use(s, arg[k]) : sel_fresh(s, arg[k]);
	struct mins *m = x86_op(s, ptr ? X86_CALL_R : X86_CALL, 8);

	m->flags |= MINS_CALL;
	m->sym = ptr ? SYM_NONE : c->sym;
	if (s->val[s->ins].needed)
		sel_d_fixed(s, sel_def(s, s->ins), X86_RAX);
	if (ptr)
		sel_u(s, vreg[0]);
	for (u32 k = ptr; k < n; k++)
		sel_u_fixed(s, vreg[k], (enum x86_gpr)x86_arg_regs[k - ptr]);
	sel_last(s)->aux = (u8)(n - ptr);
	s->m->has_calls = true;
}

static void lower_ret(struct sel *s, const struct ins *i)
{
	u32 vreg = sel_fresh(s, i->arg[0]);

	x86_op(s, X86_RET, 8)->flags |= MINS_TERM;
	sel_u_fixed(s, vreg, X86_RAX);
}

/* Parameters are defined at the entry, which is selected last. */
static void lower_entry(struct sel *s)
{
	u32 g = group_begin(s);

	s->ins = 0;
	x86_op(s, X86_ENTRY, 8)->insn = INSN_NONE;
	for (u32 i = 1; i < s->f->nins; i++) {
		const struct ins *p = &s->f->ins[i];

		if (p->op == OP_PARAM && s->val[i].needed)
			sel_d_fixed(s, sel_def(s, i),
				(enum x86_gpr)x86_arg_regs[p->imm]);
	}
	group_end(s, g);
	if (sel_last(s)->nopd)
		group_prepend(s, g);
}

/* ---- one instruction ----------------------------------------------------------------- */

static void lower(struct sel *s, const struct ins *i)
{
	switch (i->op) {
	case OP_CMP: x86_lower_cmp(s, i); break;
	case OP_SEL: x86_lower_sel(s, i); break;
	case OP_BR: x86_lower_br(s, i); break;
	case OP_JMP: x86_op(s, X86_JMP, 0)->flags |= MINS_TERM; break;
	case OP_TRAP: x86_op(s, X86_UD2, 0)->flags |= MINS_TERM; break;
	case OP_RET: lower_ret(s, i); break;
	case OP_CALL:
	case OP_CALLX: lower_call(s, i); break;
	default:
		if (op_is_mem((enum op)i->op))
			x86_lower_memory(s, i);
		else
			x86_lower_arith(s, i);
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
	u32 g = group_begin(s);

	s->ins = i;
	s->cur = g;
	if (is_term)
		s->term = g;
	lower(s, &s->f->ins[i]);
	group_end(s, g);
	if (s->want && !is_term)
		settle_flags(s, g, i);
	group_prepend(s, g);
}

/* ---- blocks ------------------------------------------------------------------------------ */

/* Constants and addresses that go into the phis of the successors. */
static void lower_phi_args(struct sel *s)
{
	const struct blk *b = &s->f->blk[s->blk];
	u32 g = group_begin(s);

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
	group_end(s, g);
	group_prepend(s, g);
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
		make_test(s);
	make_pending(s);
	if (b == 0)
		lower_entry(s);
}

/* ---- before: uses, registers, upper halves -------------------------------------------------- */

static bool arg_zero(const struct sel *s, ref r)
{
	return s->val[r.v].zero_up;
}

/* Bits 32..63 of the register of ins i are zero, if those of phis are what
 * val says. */
static bool zero_up(const struct sel *s, const struct ins *i)
{
	u32 n;
	const ref *arg = ir_args(s->f, i, &n);
	i64 c;

	switch (i->op) {
	case OP_CONST: return i->type == TY_I32 || fits_u32(i->imm);
	case OP_CALL:
	case OP_CALLX:
	case OP_CMPXCHG:
	case OP_SYM:
	case OP_FP:
	case OP_PARAM: return false;
	case OP_TRUNC: return arg_zero(s, arg[0]);
	case OP_PHI:
		for (u32 k = 0; k < n; k++)
			if (!arg_zero(s, arg[k]))
				return false;
		return true;
	case OP_ZEXT:
	case OP_ZX8:
	case OP_ZX16: return true;
	case OP_LOADACQ:
	case OP_LOAD:
		return i->type == TY_I32 || (i->size < 8 && !(i->mem & MEM_SX));
	case OP_AND:
		return i->type == TY_I32 || arg_zero(s, arg[0]) ||
		       arg_zero(s, arg[1]);
	case OP_OR:
	case OP_XOR:
		return i->type == TY_I32 ||
		       (arg_zero(s, arg[0]) && arg_zero(s, arg[1]));
	case OP_SHR:
		return i->type == TY_I32 || arg_zero(s, arg[0]) ||
		       (ir_is_const(s->f, arg[1], &c) && (c & 63) >= 32);
	case OP_SEL:
		return i->type == TY_I32 ||
		       (arg_zero(s, arg[2]) && arg_zero(s, arg[3]));
	default: return i->type == TY_I32;
	}
}

/* Greatest solution: phis start as true and fall; each round is linear and
 * rounds are as many as phis fall one after the other, so they are cut and
 * the least solution of phis taken then. */
static void solve_zero_up(struct sel *s, const u32 *rpo, u32 n)
{
	enum { ROUNDS = 4 };
	bool changed = true;

	for (u32 i = 1; i < s->f->nins; i++)
		s->val[i].zero_up =
			s->f->ins[i].op == OP_PHI || zero_up(s, &s->f->ins[i]);
	for (u32 round = 0; changed; round++) {
		changed = false;
		for (u32 k = 0; k < n; k++)
			ir_each_ins (s->f, rpo[k], i) {
				const struct ins *ins = &s->f->ins[i];
				bool z = zero_up(s, ins);

				if (ins->op == OP_PHI && round >= ROUNDS)
					z = false;
				changed |= z != s->val[i].zero_up;
				s->val[i].zero_up = z;
			}
	}
}

static u32 find_root(const struct sel *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	bool alias = ins->op == OP_TRUNC ||
		     (ins->op == OP_ZEXT && arg_zero(s, ins->arg[0]));

	return alias ? s->val[ins->arg[0].v].root : i;
}

/* i = phi(.., i + c) */
static void find_step(struct sel *s, u32 phi, u32 add)
{
	const struct ins *i = &s->f->ins[add];

	if (i->op == OP_ADD && i->arg[0].v == phi &&
		ir_is_const(s->f, i->arg[1], &(i64){0}))
		s->val[phi].step = add;
}

static void count_uses(struct sel *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	u32 n;
	const ref *arg = ir_args(s->f, ins, &n);

	for (u32 k = 0; k < n; k++) {
		struct sel_val *v = &s->val[s->val[arg[k].v].root];

		v->uses++;
		v->addrs += op_is_mem((enum op)ins->op) && k == 0;
		if (ins->op == OP_PHI) {
			v->needed = true;
			find_step(s, i, arg[k].v);
		}
	}
}

static void prepare(struct sel *s, const u32 *rpo, u32 n)
{
	solve_zero_up(s, rpo, n);
	for (u32 i = 1; i < s->f->nins; i++)
		s->val[i].root = i;
	for (u32 k = 0; k < n; k++)
		ir_each_ins (s->f, rpo[k], i)
			s->val[i].root = find_root(s, i);
	for (u32 k = 0; k < n; k++)
		ir_each_ins (s->f, rpo[k], i) {
			if (s->val[i].root == i)
				count_uses(s, i);
		}
}

/* ---- MIR blocks: before and after ------------------------------------------------------------- */

static void make_phis(struct sel *s, u32 b, struct mblk *mb)
{
	ir_each_phi (s->f, b, i) {
		struct mphi *p = vec_push(s->m->a, &mb->phi);

		p->def = sel_def(s, i);
		p->src = arena_array(s->m->a, u32, mb->npred);
	}
}

static u32 *map_blocks(const struct sel *s, const u32 *list, u32 n)
{
	u32 *out = arena_array(s->m->a, u32, n);

	for (u32 k = 0; k < n; k++)
		out[k] = s->index[list[k]];
	return out;
}

static void make_blocks(struct sel *s)
{
	u32 n = 0;

	ir_each_blk (s->f, b)
		s->index[b] = n++;
	mir_blocks(s->m, n);
	ir_each_blk (s->f, b) {
		const struct blk *blk = &s->f->blk[b];
		struct mblk *mb = &s->m->blk[s->index[b]];

		mb->nsucc = blk->nsucc;
		mb->npred = blk->npred;
		mb->succ = map_blocks(s, blk->succ, blk->nsucc);
		mb->pred = map_blocks(s, blk->pred, blk->npred);
		mb->depth = blk->depth;
		make_phis(s, b, mb);
	}
}

/* The loop around header h: its dominators' loops, inside out. */
static u32 outer_loop(const struct fn *f, const u32 *outer, u32 h)
{
	u32 l = f->blk[h].idom == BLK_NONE ? BLK_NONE
					   : f->blk[f->blk[h].idom].loop;

	while (l != BLK_NONE && f->blk[l].depth >= f->blk[h].depth)
		l = outer[l];
	return l;
}

static void mark_loops(struct sel *s, const u32 *rpo, u32 n)
{
	const struct fn *f = s->f;
	u32 *outer = arena_array(s->tmp, u32, f->nblk);
	struct mblk *mb = s->m->blk;

	for (u32 k = 0; k < n; k++)
		if (f->blk[rpo[k]].loop == rpo[k])
			outer[rpo[k]] = outer_loop(f, outer, rpo[k]);
	ir_each_blk (f, b) {
		u32 i = s->index[b];

		for (u32 h = f->blk[b].loop; h != BLK_NONE; h = outer[h]) {
			u32 *end = &mb[s->index[h]].loop_end;

			if (i <= *end)
				break;
			*end = i;
		}
		/* Loops of more than one entry have no header. */
		for (u32 e = 0; e < mb[i].nsucc; e++) {
			u32 to = mb[i].succ[e];

			if (to <= i && mb[to].loop_end < i)
				mb[to].loop_end = i;
		}
	}
}

/* True if some size changed. */
static bool widen_phi(struct mfn *m, const struct mphi *p, u32 n, bool all)
{
	u8 size = all ? 8 : m->vreg.v[p->def].size;
	bool changed;

	for (u32 k = 0; k < n; k++)
		if (m->vreg.v[p->src[k]].size > size)
			size = 8;
	changed = m->vreg.v[p->def].size != size;
	m->vreg.v[p->def].size = size;
	for (u32 k = 0; k < n; k++) {
		changed |= m->vreg.v[p->src[k]].size != size;
		m->vreg.v[p->src[k]].size = size;
	}
	return changed;
}

/* What meets in a phi may share a spill slot: one size for all of it. After a
 * few rounds, 8 is right for whatever is left. */
static void widen_phis(struct mfn *m)
{
	enum { ROUNDS = 4 };
	bool changed = true;

	for (u32 round = 0; changed; round++) {
		changed = false;
		for (u32 b = 0; b < m->nblk; b++)
			for (u32 k = 0; k < m->blk[b].phi.n; k++)
				changed |= widen_phi(m, &m->blk[b].phi.v[k],
					m->blk[b].npred, round >= ROUNDS);
	}
}

static void copy_group(struct sel *s, u32 g, struct mins *out, u32 *n)
{
	const struct sel_group *grp = &s->group.v[g];

	for (u32 k = 0; k < grp->n; k++) {
		const struct mins *i = &s->m->ins.v[grp->first + k];

		if (i->flags & MINS_REMAT) {
			u32 def = mir_opd(s->m, i)->reg;

			s->m->vreg.v[def].remat = *n + 1;
		}
		out[(*n)++] = *i;
	}
}

static void flatten(struct sel *s)
{
	u32 cap = s->m->ins.n, n = 0;
	struct mins *out = arena_array(s->m->a, struct mins, cap);

	ir_each_blk (s->f, b) {
		struct mblk *mb = &s->m->blk[s->index[b]];

		mb->first = n;
		for (u32 g = s->head[b]; g; g = s->group.v[g].next) {
			u32 p = s->group.v[g].pre;

			for (; p; p = s->group.v[p].pre)
				copy_group(s, p, out, &n);
			copy_group(s, g, out, &n);
		}
		mb->n = n - mb->first;
	}
	s->m->ins.v = out;
	s->m->ins.n = n;
	s->m->ins.cap = cap;
}

/* Room for about what a function of this size becomes. */
static void reserve(struct sel *s)
{
	u32 n = s->f->nins + 64;
	struct mfn *m = s->m;

	m->ins.cap = n;
	m->ins.v = arena_array(m->a, struct mins, n);
	m->opd.cap = 2 * n;
	m->opd.v = arena_array(m->a, struct mopd, 2 * n);
	s->group.cap = n;
	s->group.v = arena_array(s->tmp, struct sel_group, n);
}

/* ---- the function ------------------------------------------------------------------------------ */

struct mfn *x86_select(struct fn *f, const struct cg *cg)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark mark = arena_mark(tmp);
	struct sel s = {.f = f, .cg = cg, .tmp = tmp};
	u32 n;

	cfg_analyse(f);
	u32 *rpo = cfg_rpo(f, tmp, &n);

	s.m = mir_new(f->a, f);
	reserve(&s);
	s.val = arena_array(tmp, struct sel_val, f->nins);
	s.head = arena_array(tmp, u32, f->nblk);
	s.pend = arena_array(tmp, u32, f->nblk);
	s.index = arena_array(tmp, u32, f->nblk);
	vec_push(tmp, &s.group); /* number 0 */
	prepare(&s, rpo, n);
	make_blocks(&s);
	for (u32 k = n; k-- > 0;)
		lower_blk(&s, rpo[k]);
	mark_loops(&s, rpo, n);
	widen_phis(s.m);
	flatten(&s);
	arena_release(tmp, mark);
	return s.m;
}
