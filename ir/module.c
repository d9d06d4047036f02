/* The symbol table of a link and positions in it for diagnostics. */
#include <string.h>

#include "ir/module.h"

u32 module_sym(struct module *m, enum sym_kind kind, enum sym_bind bind,
	const char *name, u32 index)
{
	struct sym *s = vec_push(m->a, &m->sym);

	s->name = name;
	s->kind = (u8)kind;
	s->bind = (u8)bind;
	s->index = index;
	return m->sym.n - 1;
}

u32 module_undef(struct module *m, enum sym_kind kind, const char *name)
{
	for (u32 i = 0; i < m->sym.n; i++)
		if (m->sym.v[i].kind == kind &&
			m->sym.v[i].bind >= BIND_UNDEF &&
			!strcmp(m->sym.v[i].name, name))
			return i;
	return module_sym(m, kind, BIND_UNDEF,
		arena_strndup(m->a, name, strlen(name)), 0);
}

struct loc module_loc(const struct module *m, const struct func *f, i64 slot)
{
	struct loc l = {.insn = -1};

	if (!f)
		return l;
	l.section = f->section;
	l.prog = f->name;
	if (f->first >= m->insn.n)
		return l;
	l.file = m->file[m->insn.v[f->first].file];
	if (slot < 0 || slot >= f->n)
		return l;
	const struct insn *i = &m->insn.v[f->first + slot];
	l.insn = slot;
	if (i->src_line) {
		const struct line *n = &m->line.v[i->src_line - 1];

		l.source = arena_printf(m->a, "%s:%u", n->file, n->line);
	}
	return l;
}
