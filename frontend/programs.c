/*
 * Which functions of all inputs are programs, and of which type.
 *
 * A code section other than .text holds programs. A function that is local
 * there and is called is a subprogram; one that nobody calls is a program all
 * the same (Cilium's are static). In .text a function is a program if an array
 * of programs begins with it; if the inputs have nothing but .text, also if it
 * is global and nobody calls it.
 */
#include <errno.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/compile.h"

enum { MAX_NAMED = 4 }; /* sections in a warning */

/* ---- options ------------------------------------------------------------- */

static bool is_section(struct fe_obj *const *o, size_t n, const char *pattern)
{
	for (size_t i = 0; i < n; i++)
		for (u32 k = 1; k < o[i]->nsec; k++)
			if (o[i]->sec[k].role == ROLE_CODE &&
				!fnmatch(pattern, o[i]->sec[k].name, 0))
				return true;
	return false;
}

static int check_options(
	struct fe_obj *const *o, size_t n, const struct fe_opts *opts)
{
	int err = 0;

	for (u32 i = 0; opts->types && opts->types[i].name; i++) {
		const struct kiln_name_value *v = &opts->types[i];

		if (!is_section(o, n, v->name)) {
			fe_error(o[0], NULL,
				"--type %s: there is no such section", v->name);
			err = -1;
		}
		if (!fe_prog_type_known(v->value)) {
			fe_error(o[0], NULL,
				"--type %s=%s: unknown program type", v->name,
				v->value);
			err = -1;
		}
	}
	return err;
}

/* ---- use ----------------------------------------------------------------- */

/* Of a function; IS_TAIL: a map or a table of struct_ops has it. */
enum { IS_CALLED = 1, IS_TAIL = 2, IS_ENTRY = 4 };

static void mark_use(const struct module *m, u8 *use, u32 sym, u8 how)
{
	if (sym != SYM_NONE && m->sym.v[sym].kind == SYM_SUBPROG)
		use[m->sym.v[sym].index] |= how;
}

static void mark_entries(const struct fe_obj *o, u8 *use)
{
	for (u32 i = 1; i < o->nsec; i++)
		for (u32 k = 0; k < o->sec[i].nfn && !o->sec[i].is_text; k++)
			use[o->sec[i].fn[k].func] |= IS_ENTRY;
}

/* How the functions of the module are used, by number. */
static u8 *find_uses(const struct module *m, struct fe_obj *const *o, size_t n)
{
	u8 *use = arena_array(m->a, u8, m->func.n);

	for (u32 i = 0; i < m->insn.n; i++)
		mark_use(m, use, m->insn.v[i].sym, IS_CALLED);
	for (u32 i = 0; i < m->data.n; i++)
		for (u32 k = 0; k < m->data.v[i].rel.n; k++)
			mark_use(m, use, m->data.v[i].rel.v[k].sym, IS_CALLED);
	for (u32 i = 0; i < m->map.n; i++)
		for (u32 k = 0; k < m->map.v[i].init.n; k++)
			mark_use(m, use, m->map.v[i].init.v[k].sym, IS_TAIL);
	for (u32 i = 0; i < m->ops.n; i++)
		mark_use(m, use, m->ops.v[i].sym, IS_TAIL);
	for (size_t i = 0; i < n; i++)
		mark_entries(o[i], use);
	return use;
}

static bool is_program(const struct func *f, u8 use, bool only_text)
{
	if (use & IS_TAIL)
		return true;
	if (use & IS_ENTRY)
		return f->is_global || !(use & IS_CALLED);
	return only_text && f->is_global && !(use & IS_CALLED);
}

/* Sections of one input whose names say no type. */
struct nameless {
	u32 n;
	const char *first[MAX_NAMED];
};

static void note_nameless(struct nameless *v, const char *section)
{
	u32 seen = v->n < MAX_NAMED ? v->n : MAX_NAMED;

	for (u32 i = 0; i < seen; i++)
		if (!strcmp(v->first[i], section))
			return;
	if (seen < MAX_NAMED)
		v->first[seen] = section;
	v->n++;
}

/* One line for all of them: their programs' contexts are the application's
 * own structs. */
static void warn_nameless(const struct fe_obj *o, const struct nameless *v)
{
	struct arena *a = o->m->a;
	const char *list = "", *more = "";

	for (u32 i = 0; i < v->n && i < MAX_NAMED; i++)
		list = arena_printf(
			a, "%s%s%s", list, i ? ", " : "", v->first[i]);
	if (v->n > MAX_NAMED)
		more = arena_printf(a, " and %u more", v->n - MAX_NAMED);
	if (v->n)
		fe_warn(o, NULL,
			"no type of program is named by section %s%s: their "
			"context is plain memory (--type SECTION=TYPE)",
			list, more);
}

static bool makes_tail_calls(const struct module *m, const struct func *f)
{
	for (u32 k = 0; k < f->n; k++) {
		const struct insn *i = &m->insn.v[f->first + k];

		if (i->code == FE_CALL && !i->src &&
			i->imm == BPF_FUNC_tail_call)
			return true;
	}
	return false;
}

/* Whom programs reach by tail calls is of their type: that of all programs of
 * an input that make some, or UNSPEC if they are of several or none. The same
 * of where they are attached. */
static u32 tail_type(const struct module *m, u32 file, u32 *attach)
{
	u32 type = BPF_PROG_TYPE_UNSPEC;

	*attach = 0;
	for (u32 i = 0; i < m->func.n; i++) {
		const struct func *f = &m->func.v[i];

		if (!f->is_prog || !f->is_typed ||
			m->sym.v[f->sym].file != file ||
			!makes_tail_calls(m, f))
			continue;
		if (type != BPF_PROG_TYPE_UNSPEC && type != f->prog_type)
			return BPF_PROG_TYPE_UNSPEC;
		if (type == BPF_PROG_TYPE_UNSPEC)
			*attach = f->attach_type;
		else if (*attach != f->attach_type)
			*attach = 0;
		type = f->prog_type;
	}
	return type;
}

static void settle(struct fe_obj *o, struct func *f, const struct fe_opts *opts)
{
	struct sym *s = &o->m->sym.v[f->sym];

	s->kind = SYM_PROG;
	if (f->is_global && !s->is_hidden)
		s->bind = BIND_PROTECTED;
	f->is_typed = fe_prog_type(o, f, opts);
}

/* Programs of input o whose type nothing says. */
static void settle_nameless(const struct fe_obj *o)
{
	struct module *m = o->m;
	u32 attach, type = tail_type(m, o->file, &attach);
	struct nameless v = {0};

	for (u32 i = 0; i < m->func.n; i++) {
		struct func *f = &m->func.v[i];

		if (!f->is_prog || f->is_typed ||
			m->sym.v[f->sym].file != o->file)
			continue;
		f->prog_type = type;
		f->attach_type = attach;
		if (type == BPF_PROG_TYPE_UNSPEC)
			note_nameless(&v, f->section);
	}
	warn_nameless(o, &v);
}

int fe_programs(struct module *m, struct fe_obj *const *o, size_t n,
	const struct fe_opts *opts)
{
	u8 *use = find_uses(m, o, n);
	bool only_text = true;

	if (check_options(o, n, opts))
		return -EINVAL;
	for (u32 i = 0; i < m->func.n; i++)
		only_text &= !(use[i] & IS_ENTRY);
	for (u32 i = 0; i < m->func.n; i++) {
		struct func *f = &m->func.v[i];
		u32 file = m->sym.v[f->sym].file;

		f->is_prog = !m->sym.v[f->sym].is_replaced &&
			     is_program(f, use[i], only_text);
		if (f->is_prog)
			settle(o[file], f, opts);
	}
	for (size_t i = 0; i < n; i++)
		settle_nameless(o[i]);
	return fe_section_slots(m) ? -EINVAL : 0;
}
