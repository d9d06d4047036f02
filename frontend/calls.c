/*
 * The functions together: who calls whom, how deep calls nest, which
 * registers a function reads as parameters, who needs a run scope, whose loops
 * share a budget. A function
 * whose address a function takes counts as its
 * callee: whoever calls the callback does it below this frame.
 */
#include <linux/bpf.h>
#include <string.h>

#include "frontend/code.h"

i64 fe_func_of_sym(const struct module *m, u32 sym)
{
	if (sym >= m->sym.n)
		return -1;
	const struct sym *s = &m->sym.v[sym];

	if (s->kind != SYM_PROG && s->kind != SYM_SUBPROG)
		return -1;
	return s->index < m->func.n ? (i64)s->index : -1;
}

/* ---- callees ------------------------------------------------------------- */

/* Each once, in order of first mention. seen[k] == f's number + 1: listed. */
static void find_callees(struct module *m, u32 number, u32 *seen)
{
	struct func *f = &m->func.v[number];
	vec(u32) callee = {0};

	for (u32 n = 0; n < f->n; n++) {
		const struct insn *i = fe_insn(m, f, n);
		i64 to;

		if (i->second || !f->fe->blk[f->fe->blk_of[n]].live)
			continue;
		to = fe_func_of_sym(m, i->sym);
		if (to < 0)
			continue;
		if (isa_row(i)->kind == ISA_LDDW)
			m->func.v[to].is_callback = true;
		if (seen[to] == number + 1)
			continue;
		seen[to] = number + 1;
		*vec_push(m->a, &callee) = (u32)to;
	}
	f->callee = callee.v;
	f->ncallee = callee.n;
}

/* ---- nesting ------------------------------------------------------------- */

struct chain {
	struct module *m;
	u32 v[MAX_FRAMES + 1]; /* callers, outermost first */
	u32 n;
	u32 *order, norder; /* callees before callers */
};

static const char *chain_text(const struct chain *c, u32 from)
{
	const char *s = c->m->func.v[c->v[from]].name;

	for (u32 k = from + 1; k < c->n; k++)
		s = arena_printf(
			c->m->a, "%s -> %s", s, c->m->func.v[c->v[k]].name);
	return s;
}

static bool too_deep(struct chain *c, u32 k)
{
	struct func *first = &c->m->func.v[c->n ? c->v[0] : k];
	u32 frames = c->n + (c->m->func.v[k].fe->frames ?: 1);

	c->v[c->n++] = k;
	fe_bad(c->m, first, -1, "calls nest %u deep, at most %u: %s", frames,
		MAX_FRAMES, chain_text(c, 0));
	return false;
}

/* Longest chain from function k; false after a diagnostic. The recursion
 * ends with the first chain that is too long. */
static bool nest(struct chain *c, u32 k)
{
	struct func *f = &c->m->func.v[k];
	u32 below = 0;

	for (u32 n = 0; n < c->n; n++)
		if (c->v[n] == k) {
			fe_bad(c->m, f, -1, "recursion: %s -> %s",
				chain_text(c, n), f->name);
			return false;
		}
	if (!f->fe->frames) {
		if (c->n == MAX_FRAMES)
			return too_deep(c, k);
		c->v[c->n++] = k;
		for (u32 n = 0; n < f->ncallee; n++) {
			if (!nest(c, f->callee[n]))
				return false;
			u32 frames = c->m->func.v[f->callee[n]].fe->frames;
			below = frames > below ? frames : below;
		}
		c->n--;
		f->fe->frames = (u8)(below + 1);
		c->order[c->norder++] = k;
	}
	return c->n + f->fe->frames <= MAX_FRAMES || too_deep(c, k);
}

/* ---- parameters ---------------------------------------------------------- */

struct usedef {
	u16 use, def; /* registers, a bit each */
};

static u16 bits(u32 n) /* r1..rn */
{
	return (u16)(((1u << n) - 1) << 1);
}

/* Registers that a function may pass on as optional arguments without having
 * written them: its own parameters. Of a program there is but the context. */
static u16 passed_on(const struct module *m, const struct func *f)
{
	return f->is_prog ? 0 : bits(fe_func_nargs(m, f->btf_type));
}

/* Registers that a call reads; opt: of those that are optional. */
static u16 call_uses(const struct module *m, const struct insn *i, u16 opt)
{
	const struct helper *h;
	i64 to = fe_func_of_sym(m, i->sym);
	u16 use = 0;

	if (to >= 0)
		return bits(m->func.v[to].nparams);
	switch (isa_row(i)->kind) {
	case ISA_CALL:
		h = fe_helper(i->imm);
		if (i->sym != SYM_NONE)
			return bits(fe_extern_nargs(m, i->sym));
		if (!h)
			return 0;
		for (u32 k = 0; k < h->nargs; k++)
			if (h->arg[k] == HARG_OPT)
				use |= (u16)(2u << k & opt);
			else if (h->arg[k] != HARG_REDIR)
				use |= (u16)(2u << k);
		return use;
	case ISA_CALLFN:
	case ISA_KFUNC: return bits(fe_extern_nargs(m, i->sym));
	default: return bits(5);
	}
}

static struct usedef insn_usedef(
	const struct module *m, const struct insn *i, u16 opt)
{
	const struct isa_row *r = isa_row(i);
	struct usedef u = {0, 0};

	if (r->dst & ISA_F_R)
		u.use |= (u16)(1u << i->dst);
	if (r->dst & ISA_F_W)
		u.def |= (u16)(1u << i->dst);
	if (r->src & ISA_F_R)
		u.use |= (u16)(1u << i->src);
	if (r->src & ISA_F_W)
		u.def |= (u16)(1u << i->src);
	switch (r->kind) {
	case ISA_EXIT: u.use |= 1; break;
	case ISA_CMPXCHG:
		u.use |= 1;
		u.def |= 1;
		break;
	case ISA_LDABS:
	case ISA_LDIND:
		u.use |= 1 << 6; /* r6 is the skb, as the kernel has it */
		u.def |= 1 | bits(5);
		break;
	case ISA_CALL:
	case ISA_CALLFN:
	case ISA_KFUNC:
	case ISA_CALLX:
		u.use |= call_uses(m, i, opt);
		u.def |= 1 | bits(5);
		break;
	default: break;
	}
	return u;
}

static struct usedef blk_usedef(const struct module *m, const struct func *f,
	const struct fe_blk *b, u16 opt)
{
	struct usedef sum = {0, 0};

	for (u32 s = b->first; s < b->end; s++) {
		const struct insn *i = fe_insn(m, f, s);

		if (i->second)
			continue;
		struct usedef u = insn_usedef(m, i, opt);
		sum.use |= (u16)(u.use & ~sum.def);
		sum.def |= u.def;
	}
	return sum;
}

/* Registers live on entry: backwards over the blocks until nothing changes;
 * a block is visited again at most once per register. */
static u16 entry_reads(struct module *m, const struct func *f)
{
	const struct fe_func *fe = f->fe;
	struct arena_mark mark = arena_mark(m->a);
	struct usedef *u = arena_array(m->a, struct usedef, fe->nblk);
	u16 *in = arena_array(m->a, u16, fe->nblk);
	u32 *queue = arena_array(m->a, u32, fe->nblk);
	u8 *queued = arena_array(m->a, u8, fe->nblk);
	u16 opt = passed_on(m, f);
	u32 n = 0;

	for (u32 k = 0; k < fe->nrpo; k++) {
		u32 b = fe->rpo[k];

		u[b] = blk_usedef(m, f, &fe->blk[b], opt);
		queue[n++] = b; /* a stack: last blocks first */
		queued[b] = 1;
	}
	while (n) {
		u32 b = queue[--n];
		const struct fe_blk *k = &fe->blk[b];
		u16 out = 0;

		queued[b] = 0;
		for (u32 e = 0; e < k->nsucc; e++)
			out |= in[k->succ[e]];
		u16 now = (u16)(u[b].use | (out & ~u[b].def));
		if (now == in[b])
			continue;
		in[b] = now;
		for (u32 p = 0; p < k->npred; p++) {
			u32 from = fe->pred[k->pred + p];

			if (!queued[from])
				queue[n++] = from;
			queued[from] = 1;
		}
	}
	u16 reads = in[0];
	arena_release(m->a, mark);
	return reads;
}

/* Whether callers see the low 32 bits of r0 only, as the kernel runs them. */
static bool returns_i32(const struct module *m, const struct func *f)
{
	if (m->raw || !f->is_prog)
		return false;
	switch (f->prog_type) {
	case BPF_PROG_TYPE_EXT: /* stands for any function */
	case BPF_PROG_TYPE_STRUCT_OPS: return false;
	case BPF_PROG_TYPE_UNSPEC: return fe_returns_int(m, f->btf_type);
	default: return !fe_returns_for(f);
	}
}

/* The context; of one that replaces a function, that function's. */
static u32 prog_params(const struct module *m, const struct func *f)
{
	const struct model *t = f->hook.own ? f->hook.own : f->hook.model;

	if (m->raw)
		return 2;
	return fe_replaces(f) && t ? t->nparam : 1;
}

static void count_params(struct module *m, struct func *f)
{
	f->fe->reads = entry_reads(m, f);
	for (u32 r = 1; r <= 5; r++)
		if (f->fe->reads & 1u << r)
			f->nparams = r;
	if (f->is_prog)
		f->nparams = prog_params(m, f);
	f->returns_i32 = returns_i32(m, f);
}

/* ---- scope --------------------------------------------------------------- */

static bool insn_needs_scope(const struct module *m, const struct insn *i)
{
	const struct helper *h;

	if (isa_row(i)->kind == ISA_LDDW && i->sym < m->sym.n &&
		m->sym.v[i->sym].kind == SYM_MAP)
		return fe_map_needs_scope(
			m->map.v[m->sym.v[i->sym].index].type);
	if (isa_row(i)->kind != ISA_CALL || i->sym != SYM_NONE)
		return false;
	h = fe_helper(i->imm);
	return h && h->scope;
}

static void find_scope(struct module *m, struct func *f)
{
	for (u32 s = 0; s < f->n; s++) {
		const struct insn *i = fe_insn(m, f, s);

		if (!i->second && fe_is_live(f, s))
			f->needs_scope |= insn_needs_scope(m, i);
	}
	for (u32 n = 0; n < f->ncallee; n++)
		f->needs_scope |= m->func.v[f->callee[n]].needs_scope;
}

/* ---- loop budgets -------------------------------------------------------- */

/*
 * All may_gotos of a run count down one budget, which begins with the program.
 * Where the program alone has may_gotos it is a variable of the program; else
 * it is a word of the runtime, which callbacks reach too (kiln_loop_budget()).
 * A call of a program counts as a run of its own.
 */
static bool has_kind(const struct module *m, const struct func *f, u8 kind)
{
	for (u32 s = 0; s < f->n; s++) {
		const struct insn *i = fe_insn(m, f, s);

		if (!i->second && isa_row(i)->kind == kind && fe_is_live(f, s))
			return true;
	}
	return false;
}

static bool has_budget(const struct func *f)
{
	return f->fe->may_goto || f->fe->run_budget;
}

/* Callees before callers. pointers: CALLX may reach a may_goto, too. */
static void find_budget(struct module *m, struct func *f, bool pointers)
{
	bool below = pointers && has_kind(m, f, ISA_CALLX);

	f->fe->may_goto = has_kind(m, f, ISA_MAYGOTO);
	for (u32 n = 0; n < f->ncallee; n++)
		below |= has_budget(&m->func.v[f->callee[n]]);
	f->fe->run_budget = below || (f->fe->may_goto && !f->is_prog);
	f->needs_scope |= f->fe->run_budget; /* the word is the CPU slot's */
}

/* A table of functions in some data section leads to a may_goto. */
static bool data_has_budget(const struct module *m)
{
	for (u32 d = 0; d < m->data.n; d++) {
		const struct datasec *s = &m->data.v[d];

		for (u32 r = 0; r < s->rel.n; r++) {
			i64 k = fe_func_of_sym(m, s->rel.v[r].sym);

			if (k >= 0 && has_budget(&m->func.v[k]))
				return true;
		}
	}
	return false;
}

static void find_budgets(struct module *m, const u32 *order, u32 n)
{
	for (u32 k = 0; k < n; k++)
		find_budget(m, &m->func.v[order[k]], false);
	if (!data_has_budget(m))
		return;
	for (u32 k = 0; k < n; k++)
		find_budget(m, &m->func.v[order[k]], true);
}

/* ---- who is used --------------------------------------------------------- */

static void mark_used(struct module *m, u32 k)
{
	struct func *f = &m->func.v[k];

	if (f->is_used)
		return;
	f->is_used = true;
	for (u32 n = 0; n < f->ncallee; n++)
		mark_used(m, f->callee[n]); /* at most MAX_FRAMES deep */
}

bool fe_is_asked(const struct module *m, const struct func *f)
{
	if (!f->is_prog || !m->progs)
		return f->is_prog;
	for (u32 k = 0; m->progs[k]; k++)
		if (!strcmp(m->progs[k], f->name))
			return true;
	return false;
}

static void mark_rooted(struct module *m, u32 sym)
{
	i64 k = fe_func_of_sym(m, sym);

	if (k < 0)
		return;
	m->func.v[k].is_callback |= !m->func.v[k].is_prog;
	mark_used(m, (u32)k);
}

static void mark_roots(struct module *m)
{
	for (u32 k = 0; k < m->func.n; k++)
		if (fe_is_asked(m, &m->func.v[k]))
			mark_used(m, k);
	for (u32 d = 0; d < m->data.n; d++) {
		const struct datasec *s = &m->data.v[d];

		for (u32 r = 0; r < s->rel.n; r++)
			mark_rooted(m, s->rel.v[r].sym);
	}
}

/* The programs in the maps that f names; true if there are any. */
static bool mark_values(struct module *m, const struct func *f)
{
	bool any = false;

	for (u32 s = 0; s < f->n; s++) {
		u32 sym = fe_insn(m, f, s)->sym;

		if (sym >= m->sym.n || m->sym.v[sym].kind != SYM_MAP)
			continue;
		const struct mapdef *d = &m->map.v[m->sym.v[sym].index];

		for (u32 i = 0; i < d->init.n; i++)
			mark_rooted(m, d->init.v[i].sym);
		any |= d->init.n != 0;
	}
	return any;
}

static void mark_all_values(struct module *m)
{
	bool *seen = arena_array(m->a, bool, m->func.n);

	for (bool again = true; again;) {
		again = false;
		for (u32 k = 0; k < m->func.n; k++) {
			if (!m->func.v[k].is_used || seen[k])
				continue;
			seen[k] = true;
			again |= mark_values(m, &m->func.v[k]);
		}
	}
}

void fe_calls(struct module *m)
{
	struct chain c = {.m = m};
	u32 *seen = arena_array(m->a, u32, m->func.n);

	c.order = arena_array(m->a, u32, m->func.n);
	for (u32 k = 0; k < m->func.n; k++)
		find_callees(m, k, seen);
	for (u32 k = 0; k < m->func.n; k++) {
		c.n = 0;
		if (!nest(&c, k))
			return;
	}
	find_budgets(m, c.order, c.norder);
	for (u32 n = 0; n < c.norder; n++) {
		count_params(m, &m->func.v[c.order[n]]);
		find_scope(m, &m->func.v[c.order[n]]);
	}
	mark_roots(m);
	mark_all_values(m);
}
