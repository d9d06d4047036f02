/*
 * Blocks and edges of every function, then what can be said of the functions
 * together (calls.c). Blocks are in slot order; what the entry does not reach
 * once decided branches are cut (prune.c) is marked dead and goes no further. May_goto is a branch: its target is
 * where control goes when the budget is spent.
 */
#include <errno.h>
#include <string.h>

#include "frontend/code.h"

/* ---- blocks -------------------------------------------------------------- */

static bool ends_block(const struct isa_row *r)
{
	return r->kind == ISA_JA || r->kind == ISA_JCC ||
	       r->kind == ISA_MAYGOTO || r->kind == ISA_EXIT;
}

/* leader[s]: a block starts at slot s. Has room for the slot past the end. */
static void mark_leaders(
	const struct module *m, const struct func *f, u8 *leader)
{
	leader[0] = 1;
	for (u32 s = 0; s < f->n; s++) {
		const struct insn *i = fe_insn(m, f, s);

		if (i->second || !ends_block(isa_row(i)))
			continue;
		leader[s + 1] = 1;
		if (isa_row(i)->kind != ISA_EXIT)
			leader[s + 1 + isa_jump(i)] = 1;
	}
}

static void cut_blocks(
	struct module *m, const struct func *f, struct fe_func *fe)
{
	u8 *leader = arena_array(m->a, u8, (size_t)f->n + 1);

	mark_leaders(m, f, leader);
	fe->blk_of = arena_array(m->a, u32, f->n);
	for (u32 s = 0; s < f->n; s++) {
		fe->nblk += leader[s];
		fe->blk_of[s] = fe->nblk - 1;
	}
	fe->blk = arena_array(m->a, struct fe_blk, fe->nblk);
	for (u32 s = 0; s < f->n; s++) {
		struct fe_blk *b = &fe->blk[fe->blk_of[s]];

		if (leader[s])
			b->first = s;
		b->end = s + 1;
	}
}

static void link_blocks(
	struct module *m, const struct func *f, struct fe_func *fe)
{
	for (u32 b = 0; b < fe->nblk; b++) {
		struct fe_blk *k = &fe->blk[b];
		u32 s = k->end - 1;

		if (fe_insn(m, f, s)->second)
			s--;
		const struct insn *i = fe_insn(m, f, s);
		const struct isa_row *r = isa_row(i);
		if (r->kind == ISA_EXIT)
			continue;
		if (ends_block(r))
			k->succ[k->nsucc++] = fe->blk_of[s + 1 + isa_jump(i)];
		if (r->kind != ISA_JA)
			k->succ[k->nsucc++] = b + 1;
		if (k->nsucc == 2 && k->succ[0] == k->succ[1])
			k->nsucc = 1;
	}
}

/* ---- order --------------------------------------------------------------- */

/* Live blocks in reverse post-order, without recursion. */
static void order_blocks(struct module *m, struct fe_func *fe)
{
	u32 *rpo = arena_array(m->a, u32, fe->nblk);
	struct arena_mark mark = arena_mark(m->a);
	u32 *stack = arena_array(m->a, u32, fe->nblk);
	u8 *next = arena_array(m->a, u8, fe->nblk);
	u32 depth = 1, at = fe->nblk;

	fe->blk[0].live = true; /* stack[0] is block 0 */
	while (depth) {
		u32 b = stack[depth - 1];
		const struct fe_blk *k = &fe->blk[b];

		if (next[b] == k->nsucc) {
			rpo[--at] = b;
			depth--;
			continue;
		}
		/* Fall-through first: it then comes last, next to b. */
		u32 to = k->succ[next[b]++];
		if (fe->blk[to].live)
			continue;
		fe->blk[to].live = true;
		stack[depth++] = to;
	}
	arena_release(m->a, mark);
	fe->rpo = rpo + at;
	fe->nrpo = fe->nblk - at;
}

static void link_preds(struct module *m, struct fe_func *fe)
{
	u32 total = 0;

	for (u32 n = 0; n < fe->nrpo; n++) {
		const struct fe_blk *k = &fe->blk[fe->rpo[n]];

		for (u32 e = 0; e < k->nsucc; e++)
			fe->blk[k->succ[e]].npred++;
	}
	for (u32 b = 0; b < fe->nblk; b++) {
		fe->blk[b].pred = total;
		total += fe->blk[b].npred;
		fe->blk[b].npred = 0;
	}
	fe->pred = arena_array(m->a, u32, total);
	for (u32 n = 0; n < fe->nrpo; n++) {
		u32 b = fe->rpo[n];

		for (u32 e = 0; e < fe->blk[b].nsucc; e++) {
			struct fe_blk *to = &fe->blk[fe->blk[b].succ[e]];

			fe->pred[to->pred + to->npred++] = b;
		}
	}
}

bool fe_is_live(const struct func *f, u32 slot)
{
	return f->fe->blk[f->fe->blk_of[slot]].live;
}

/* ---- stage --------------------------------------------------------------- */

int fe_flow(struct module *m)
{
	u32 errors = m->diag->errors;

	for (u32 k = 0; k < m->func.n; k++) {
		struct func *f = &m->func.v[k];

		f->fe = arena_new(m->a, struct fe_func);
		cut_blocks(m, f, f->fe);
		link_blocks(m, f, f->fe);
		fe_prune(m, f);
		order_blocks(m, f->fe);
		link_preds(m, f->fe);
	}
	fe_calls(m);
	return m->diag->errors == errors ? 0 : -EINVAL;
}

/* ---- dump ---------------------------------------------------------------- */

static void dump_func(FILE *out, const struct module *m, const struct func *f)
{
	const struct fe_func *fe = f->fe;

	fprintf(out, "%s: params %u frames %u%s%s%s\n", f->name, f->nparams,
		fe->frames, f->needs_scope ? " scope" : "",
		f->is_callback ? " callback" : "", f->is_used ? "" : " unused");
	if (f->ncallee)
		fprintf(out, "  calls");
	for (u32 c = 0; c < f->ncallee; c++)
		fprintf(out, " %s", m->func.v[f->callee[c]].name);
	if (f->ncallee)
		fprintf(out, "\n");
	for (u32 b = 0; b < fe->nblk; b++) {
		const struct fe_blk *k = &fe->blk[b];

		fprintf(out, "  b%u: %u..%u", b, k->first, k->end - 1);
		for (u32 e = 0; e < k->nsucc; e++)
			fprintf(out, "%s b%u", e ? "," : " ->", k->succ[e]);
		fprintf(out, "%s\n", k->live ? "" : " unreachable");
	}
}

void fe_dump_flow(FILE *out, const struct module *m)
{
	for (u32 k = 0; k < m->func.n; k++)
		dump_func(out, m, &m->func.v[k]);
}
