/*
 * Machine IR: its containers and its text form.
 *
 * One line per instruction; a virtual register is v7, a physical one has the
 * target's name, a spill slot is s3. Behind a register operand:
 *   :rcx   must be in that register      !   late use, early def
 *   =1     takes over operand 1          ~   may be a slot
 *
 *   b1: depth 1 <- b0 b1 -> b1 b2
 *	v3 = phi v1 v5
 *	add.8 v5=1, v3, v4~
 *	jcc.8 cc 2 term flags
 */
#include "ir/target.h"

struct mfn *mir_new(struct arena *a, const struct fn *f)
{
	struct mfn *m = arena_new(a, struct mfn);

	m->a = a;
	m->name = f ? f->name : "?";
	m->sym = f ? f->sym : SYM_NONE;
	m->frame = f ? f->frame : 0;
	m->counter = f && f->counter;
	vec_push(a, &m->vreg);
	m->vreg.v[0].hint = PREG_NONE;
	return m;
}

void mir_blocks(struct mfn *m, u32 n)
{
	m->blk = arena_array(m->a, struct mblk, n);
	m->nblk = n;
}

u32 mir_vreg(struct mfn *m, u8 size)
{
	struct mvreg *v = vec_push(m->a, &m->vreg);

	v->size = size;
	v->hint = PREG_NONE;
	return m->vreg.n - 1;
}

struct mins *mir_add(struct mfn *m, u16 op, u32 nopd)
{
	struct mins *i = vec_push(m->a, &m->ins);

	i->op = op;
	i->nopd = (u8)nopd;
	i->opd = m->opd.n;
	i->insn = INSN_NONE;
	i->sym = SYM_NONE;
	while (nopd--)
		vec_push(m->a, &m->opd)->fixed = PREG_NONE;
	return i;
}

static void clone_blk(struct arena *a, struct mblk *b)
{
	u32 nphi = b->phi.n;

	b->succ = arena_dup(a, b->succ, b->nsucc * sizeof(u32));
	b->pred = arena_dup(a, b->pred, b->npred * sizeof(u32));
	b->phi.v = arena_dup(a, b->phi.v, nphi * sizeof(*b->phi.v));
	b->phi.cap = nphi;
	for (u32 k = 0; k < nphi; k++)
		b->phi.v[k].src =
			arena_dup(a, b->phi.v[k].src, b->npred * sizeof(u32));
}

struct mfn *mir_clone(struct arena *a, const struct mfn *m)
{
	struct mfn *c = arena_dup(a, m, sizeof(*m));

	c->a = a;
	c->ins.v = arena_dup(a, m->ins.v, m->ins.n * sizeof(*m->ins.v));
	c->opd.v = arena_dup(a, m->opd.v, m->opd.n * sizeof(*m->opd.v));
	c->vreg.v = arena_dup(a, m->vreg.v, m->vreg.n * sizeof(*m->vreg.v));
	c->ins.cap = m->ins.n;
	c->opd.cap = m->opd.n;
	c->vreg.cap = m->vreg.n;
	c->blk = arena_dup(a, m->blk, m->nblk * sizeof(*m->blk));
	for (u32 b = 0; b < m->nblk; b++)
		clone_blk(a, &c->blk[b]);
	return c;
}

/* ---- Printing ---- */

struct printer {
	FILE *out;
	const struct target *t;
	bool physical; /* allocated: no virtual registers left */
};

static void print_preg(const struct printer *p, u32 r)
{
	if (p->t && r < p->t->npregs)
		fputs(p->t->preg_names[r], p->out);
	else
		fprintf(p->out, "r%u", r);
}

static void print_opd(const struct printer *p, const struct mopd *o)
{
	if (mreg_is_slot(o->reg))
		fprintf(p->out, "s%u", o->reg & ~MREG_SLOT);
	else if (p->physical)
		print_preg(p, o->reg);
	else
		fprintf(p->out, "v%u", o->reg);
	if (o->fixed != PREG_NONE) {
		fputc(':', p->out);
		print_preg(p, o->fixed);
	}
	if (o->tied)
		fprintf(p->out, "=%u", o->tied - 1u);
	if (o->role == OPD_LATE || o->role == OPD_EARLY)
		fputc('!', p->out);
	if (o->flags & OPDF_SLOT)
		fputc('~', p->out);
}

static void print_op(const struct printer *p, const struct mins *i)
{
	static const char *const shared[MOP_TARGET] = {
		[MOP_NOP] = "nop",
		[MOP_COPY] = "copy",
		[MOP_SWAP] = "swap",
		[MOP_JMP] = "jmp",
	};
	const char *name = NULL;

	if (i->op < MOP_TARGET)
		name = shared[i->op];
	else if (p->t && p->t->mop_name)
		name = p->t->mop_name(i->op);
	if (name)
		fprintf(p->out, "\t%s", name);
	else
		fprintf(p->out, "\top%u", i->op);
	if (i->size)
		fprintf(p->out, ".%u", i->size);
}

static bool is_def(const struct mopd *o)
{
	return o->role == OPD_DEF || o->role == OPD_EARLY;
}

static void print_opds(
	const struct printer *p, const struct mfn *m, const struct mins *i)
{
	const struct mopd *o = mir_opd(m, i);
	const char *sep = " ";

	for (u32 k = 0; k < i->nopd; k++) {
		fputs(sep, p->out);
		print_opd(p, &o[k]);
		bool last_def = is_def(&o[k]) &&
				(k + 1 == i->nopd || !is_def(&o[k + 1]));
		sep = last_def ? " <- " : ", ";
	}
}

static void print_ins(
	const struct printer *p, const struct mfn *m, const struct mins *i)
{
	static const char *const flag[] = {
		"call", "term", "remat", "fault", "flags"};

	print_op(p, i);
	print_opds(p, m, i);
	if (i->imm)
		fprintf(p->out, " imm %lld", (long long)i->imm);
	if (i->disp)
		fprintf(p->out, " disp %d", i->disp);
	if (i->scale)
		fprintf(p->out, " scale %u", i->scale);
	if (i->sym != SYM_NONE)
		fprintf(p->out, " @%u", i->sym);
	if (i->cc)
		fprintf(p->out, " cc %u", i->cc);
	if (i->aux)
		fprintf(p->out, " aux %u", i->aux);
	for (u32 k = 0; k < countof(flag); k++)
		if (i->flags >> k & 1)
			fprintf(p->out, " %s", flag[k]);
	fputc('\n', p->out);
}

static void print_edges(FILE *out, const char *arrow, const u32 *b, u32 n)
{
	if (n)
		fprintf(out, " %s", arrow);
	for (u32 k = 0; k < n; k++)
		fprintf(out, " b%u", b[k]);
}

static void print_blk(const struct printer *p, const struct mfn *m, u32 n)
{
	const struct mblk *b = &m->blk[n];

	fprintf(p->out, "b%u: depth %u", n, b->depth);
	print_edges(p->out, "<-", b->pred, b->npred);
	print_edges(p->out, "->", b->succ, b->nsucc);
	fputs(b->made ? " made\n" : "\n", p->out);
	for (u32 k = 0; k < b->phi.n; k++) {
		fprintf(p->out, "\tv%u = phi", b->phi.v[k].def);
		for (u32 j = 0; j < b->npred; j++)
			fprintf(p->out, " v%u", b->phi.v[k].src[j]);
		fputc('\n', p->out);
	}
	for (u32 k = 0; k < b->n; k++)
		print_ins(p, m, &m->ins.v[b->first + k]);
}

void mir_print(FILE *out, const struct mfn *m, const struct target *t)
{
	struct printer p = {out, t, m->allocated};

	fprintf(out, "fn %s", m->name);
	if (m->nslots)
		fprintf(out, " slots %u", m->nslots);
	fputc('\n', out);
	for (u32 b = 0; b < m->nblk; b++)
		print_blk(&p, m, b);
}
