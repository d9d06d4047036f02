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
	s->file = m->nfile ? m->nfile - 1 : 0; /* the input being read */
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

bool module_data_is_frozen(const struct datasec *d, u64 off, u64 size)
{
	bool frozen = !d->writable;

	if (!range_inside(off, size, d->size))
		return false;
	for (u32 i = 0; i < d->rel.n; i++)
		if (d->rel.v[i].off < off + size && off < d->rel.v[i].off + 8)
			return false;
	for (u32 i = 0; i < d->var.n; i++) {
		const struct data_var *v = &d->var.v[i];

		if (v->set && range_inside(off - v->off, size, v->size) &&
			off >= v->off)
			frozen = true;
		else if (v->knob && !v->set && v->off < off + size &&
			 off < v->off + v->size)
			return false;
	}
	return frozen;
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
