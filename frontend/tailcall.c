/*
 * Tail calls and the functions together. A tail call in a subprogram takes
 * that subprogram's frame away, not its callers': each of at most 33 may leave
 * a chain of frames waiting. So, as in the kernel, such chains are short.
 *
 * Decides which functions get the count of tail calls (func.counter), which
 * context the programs of a prog_array have, and refuses
 *   - a tail call in a function that is called back or by address: its caller
 *     is no function that could hand on the count;
 *   - a tail call in a subprogram below more than 256 bytes of frames;
 *   - one prog_array for programs with two contexts, and a program with
 *     another one in it.
 */
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"

enum {
	FRAMES_MAX = 256, /* of the callers of a subprogram with tail calls */
	FRAME_ROUND = 32, /* the kernel counts frames so */
};

static struct sym *sym_of(const struct module *m, const struct func *f)
{
	return &m->sym.v[f->sym];
}

/* ---- the count ----------------------------------------------------------- */

/* Calls nest at most MAX_FRAMES deep. */
static void find_counter(struct module *m, struct func *f)
{
	if (f->counter)
		return;
	for (u32 k = 0; k < f->fe->calls.n; k++)
		f->tail_calls |= makes_tail_call(&f->fe->calls.v[k]);
	f->counter = f->tail_calls;
	for (u32 k = 0; k < f->ncallee; k++) {
		find_counter(m, &m->func.v[f->callee[k]]);
		f->counter |= m->func.v[f->callee[k]].counter;
	}
	sym_of(m, f)->counter = f->counter;
}

static void check_callback(const struct module *m, const struct func *f)
{
	if (f->is_callback && f->counter)
		fe_bad(m, f, -1,
			"its address is taken, and it %s: a function that is "
			"called back cannot",
			f->tail_calls ? "makes tail calls"
				      : "calls one that makes tail calls");
}

/* ---- frames -------------------------------------------------------------- */

static u32 frame_of(const struct func *f)
{
	return (u32)align_up(f->fe->stack ? f->fe->stack : 1, FRAME_ROUND);
}

static void check_frames(const struct module *m, const struct func *f, u32 up)
{
	for (u32 k = 0; up > FRAMES_MAX && k < f->fe->calls.n; k++)
		if (makes_tail_call(&f->fe->calls.v[k]))
			fe_bad(m, f, f->fe->calls.v[k].slot,
				"tail call in a subprogram below %u bytes of "
				"frames, wanted at most %u",
				up, FRAMES_MAX);
}

/* above[k]: bytes of the callers' frames at most. Chains have at most
 * MAX_FRAMES functions, so that after as many rounds nothing changes. */
static void find_above(const struct module *m, u32 *above)
{
	for (u32 round = 1; round < MAX_FRAMES; round++)
		for (u32 k = 0; k < m->func.n; k++) {
			const struct func *f = &m->func.v[k];

			for (u32 c = 0; f->is_used && c < f->ncallee; c++) {
				u32 *a = &above[f->callee[c]];
				u32 sum = above[k] + frame_of(f);

				*a = sum > *a ? sum : *a;
			}
		}
}

/* ---- contexts ------------------------------------------------------------ */

static void find_contexts(struct module *m)
{
	for (u32 k = 0; k < m->func.n; k++) {
		struct func *f = &m->func.v[k];

		if (f->is_used && f->is_prog)
			f->context = fe_context_text(m, f);
	}
}

static void use_map(const struct module *m, const struct func *f, u32 slot,
	struct mapdef *d, const char *context)
{
	if (d->context && !strcmp(d->context, context))
		return;
	if (d->context)
		fe_bad(m, f, slot,
			"prog_array %s: tail calls of programs whose context "
			"is "
			"%s, and before %s",
			d->name, context, d->context);
	d->context = context;
}

static void use_call(const struct module *m, const struct func *f,
	const struct fe_call *c, const char *context)
{
	for (u32 k = 0; makes_tail_call(c) && k < m->map.n; k++)
		if (rty_is_array(m, c->type[1], k))
			use_map(m, f, c->slot, &m->map.v[k], context);
}

/* What a program reaches; seen[k]: 1 + the program it was seen from. */
static void use_maps(
	const struct module *m, u32 k, const char *context, u32 *seen, u32 by)
{
	const struct func *f = &m->func.v[k];

	if (seen[k] == by || !f->counter)
		return;
	seen[k] = by;
	for (u32 c = 0; c < f->fe->calls.n; c++)
		use_call(m, f, &f->fe->calls.v[c], context);
	for (u32 c = 0; c < f->ncallee; c++)
		use_maps(m, f->callee[c], context, seen, by);
}

/* Who is not compiled (--prog) is in no slot. */
static void check_value(const struct module *m, struct mapdef *d,
	const struct map_init *v, const struct loc *at)
{
	i64 func = fe_func_of_sym(m, v->sym);
	const struct func *f = func < 0 ? NULL : &m->func.v[func];

	if (!f || !f->is_prog) {
		diag_error(m->diag, at, "map %s: value %u is no program",
			d->name, v->slot);
		return;
	}
	if (!f->context)
		return;
	if (!d->context)
		d->context = f->context;
	if (strcmp(f->context, d->context))
		diag_error(m->diag, at,
			"map %s: value %u: the context of program %s is %s, "
			"wanted %s",
			d->name, v->slot, f->name, f->context, d->context);
}

static void check_values(const struct module *m, struct mapdef *d)
{
	const struct loc at = {.file = m->file[d->file], .insn = -1};

	for (u32 k = 0; k < d->init.n; k++)
		check_value(m, d, &d->init.v[k], &at);
}

/* ---- all of it ----------------------------------------------------------- */

void types_tail_calls(struct module *m)
{
	u32 *above = arena_array(m->a, u32, m->func.n);
	u32 *seen = arena_array(m->a, u32, m->func.n);

	for (u32 k = 0; k < m->func.n; k++)
		if (m->func.v[k].is_used)
			find_counter(m, &m->func.v[k]);
	find_contexts(m);
	find_above(m, above);
	for (u32 k = 0; k < m->func.n; k++) {
		const struct func *f = &m->func.v[k];

		if (!f->is_used || !f->counter)
			continue;
		check_callback(m, f);
		check_frames(m, f, above[k]);
		if (f->is_prog)
			use_maps(m, k, f->context, seen, 1 + k);
	}
	for (u32 k = 0; k < m->map.n; k++)
		if (m->map.v[k].type == BPF_MAP_TYPE_PROG_ARRAY)
			check_values(m, &m->map.v[k]);
}
