/*
 * kiln_frames: how the runtime gets from a load that faults in a subprogram to
 * the program that runs. A row for each subprogram in or below which a load may
 * fault, grouped and link-ordered with its code. None if no load may.
 *
 * A program that another program calls runs, itself: chains end there.
 */
#include <elf.h>

#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

enum { NOBODY = 0, SEVERAL = UINT32_MAX }; /* else 1 + func */

struct frames {
	struct link *l;
	u32 *user;    /* by func: the program that reaches it */
	u32 *seen;    /* by func: 1 + the last program that was seen to */
	bool *faults; /* by func: a load in or below it may fault */
};

/* Chains are at most 8 long (frontend/calls.c). */
static void visit(struct frames *w, u32 prog, u32 i)
{
	const struct func *f = &w->l->m.func.v[i];
	const struct unit_fn *u = w->l->placed[i].unit;

	if (w->seen[i] == prog + 1)
		return;
	w->seen[i] = prog + 1;
	w->user[i] = w->user[i] == NOBODY ? prog + 1 : (u32)SEVERAL;
	w->faults[i] |= u->fault.n != 0;
	for (u32 c = 0; c < f->ncallee; c++) {
		if (w->l->m.func.v[f->callee[c]].is_prog)
			continue;
		visit(w, prog, f->callee[c]);
		w->faults[i] |= w->faults[f->callee[c]];
	}
}

static void add_frame(struct frames *w, u32 i)
{
	struct link *l = w->l;
	const struct placed *p = &l->placed[i];
	sec_id s = row_sec(l, KILN_SEC_FRAMES, p->sec);
	struct buf *b = &img_sec(&l->img, s)->bytes;
#define FIELD(x) offsetof(struct kiln_frame_row, x)

	buf_zero(b, sizeof(struct kiln_frame_row));
	put_le32(b->p + FIELD(code), (u32)p->unit->code.n);
	put_le32(b->p + FIELD(size), p->unit->stack);
	put_le32(b->p + FIELD(ret), (u32)p->unit->ret);
	row_text(l, s, FIELD(func), p->sec, p->off);
	if (w->user[i] != SEVERAL) {
		const struct placed *q = &l->placed[w->user[i] - 1];

		row_text(l, s, FIELD(prog), q->sec, q->entry);
	}
#undef FIELD
}

void lk_frame_rows(struct link *l)
{
	u32 n = l->m.func.n;
	struct frames w = {l, arena_array(&l->a, u32, n),
		arena_array(&l->a, u32, n), arena_array(&l->a, bool, n)};
	bool any = false;

	for (u32 i = 0; i < n; i++)
		any |= l->wanted[i] && l->placed[i].unit->fault.n;
	for (u32 i = 0; any && i < n; i++)
		if (l->wanted[i] && l->m.func.v[i].is_prog)
			visit(&w, i, i);
	for (u32 i = 0; i < n; i++)
		if (w.faults[i] && !l->m.func.v[i].is_prog)
			add_frame(&w, i);
}
