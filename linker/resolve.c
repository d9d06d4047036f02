/*
 * Which functions are compiled and what their symbols are called.
 *
 * Starts with the programs asked for (all without --prog) and marks what they
 * reach through calls and taken addresses, and the maps and data that those
 * name. Then gives the symbols of DESIGN.md 3 "Symbols": programs that the
 * source makes global are protected, their bodies and global subprograms
 * hidden, static ones local.
 */
#include <string.h>

#include "kiln/format.h"
#include "linker/linker.h"

/* Names that a C program surely has already. */
static const char *const libc_names[] = {
	"abort",
	"accept",
	"bind",
	"close",
	"connect",
	"exit",
	"fork",
	"free",
	"kill",
	"listen",
	"main",
	"malloc",
	"memcmp",
	"memcpy",
	"memmove",
	"memset",
	"open",
	"pipe",
	"poll",
	"read",
	"recv",
	"select",
	"send",
	"signal",
	"socket",
	"stat",
	"strlen",
	"time",
	"wait",
	"write",
};

/* ---- what is asked for --------------------------------------------------- */

static bool is_asked(const struct link *l, const struct func *f)
{
	if (!f->is_prog)
		return false;
	if (!l->o->progs)
		return true;
	for (u32 i = 0; l->o->progs[i]; i++)
		if (!strcmp(l->o->progs[i], f->name))
			return true;
	return false;
}

static void check_asked(struct link *l)
{
	for (u32 i = 0; l->o->progs && l->o->progs[i]; i++) {
		bool found = false;

		for (u32 k = 0; k < l->m.func.n; k++)
			found |= l->m.func.v[k].is_prog &&
				 !strcmp(l->m.func.v[k].name, l->o->progs[i]);
		if (!found)
			diag_error(&l->diag,
				&(struct loc){.file = l->m.file[0], .insn = -1},
				"no program named %s (--prog)", l->o->progs[i]);
	}
}

/* ---- what that reaches --------------------------------------------------- */

static void mark_sym(struct link *l, u32 sym);

static void mark_data(struct link *l, u32 sec)
{
	struct datasec *d = &l->m.data.v[sec];

	if (l->data_used[sec])
		return;
	l->data_used[sec] = true;
	for (u32 i = 0; i < d->rel.n; i++)
		mark_sym(l, d->rel.v[i].sym);
}

static void mark_map(struct link *l, u32 map)
{
	struct mapdef *d = &l->m.map.v[map];

	if (l->map_used[map])
		return;
	l->map_used[map] = true;
	if (d->inner)
		mark_map(l, d->inner - 1);
	for (u32 i = 0; i < d->init.n; i++)
		mark_sym(l, d->init.v[i].sym);
}

/* Depth is bounded: data -> data chains end at the first mark, functions are
 * marked by the worklist in mark_funcs. */
static void mark_sym(struct link *l, u32 sym)
{
	const struct sym *s = &l->m.sym.v[sym];

	switch (s->kind) {
	case SYM_DATA: mark_data(l, s->index); break;
	case SYM_MAP:
	case SYM_VALUES: mark_map(l, s->index); break;
	case SYM_PROG:
	case SYM_BODY:
	case SYM_SUBPROG: l->wanted[s->index] = true; break;
	default: break;
	}
}

static void mark_func(struct link *l, const struct func *f)
{
	for (u32 i = 0; i < f->ncallee; i++)
		l->wanted[f->callee[i]] = true;
	for (u32 i = f->first; i < f->first + f->n; i++)
		if (l->m.insn.v[i].sym != SYM_NONE)
			mark_sym(l, l->m.insn.v[i].sym);
}

static void mark_all(struct link *l)
{
	u32 n = l->m.func.n;
	bool *done = arena_array(&l->a, bool, n);
	bool again = true;

	while (again) {
		again = false;
		for (u32 i = 0; i < n; i++) {
			if (!l->wanted[i] || done[i])
				continue;
			done[i] = again = true;
			mark_func(l, &l->m.func.v[i]);
		}
	}
}

/* ---- names --------------------------------------------------------------- */

static bool is_exported(const struct link *l, const char *name)
{
	if (!l->o->exports)
		return true;
	for (u32 i = 0; l->o->exports[i]; i++)
		if (!strcmp(l->o->exports[i], name))
			return true;
	return false;
}

static void warn_libc_name(struct link *l, const struct func *f)
{
	for (u32 i = 0; i < countof(libc_names); i++)
		if (!*l->prefix && !strcmp(f->name, libc_names[i])) {
			struct loc at = module_loc(&l->m, f, -1);

			diag_warn(&l->diag, &at,
				"the name %s is the C library's; "
				"--prefix gives it another",
				f->name);
		}
}

static void name_func(struct link *l, u32 i)
{
	struct func *f = &l->m.func.v[i];
	bool global = f->is_global && is_exported(l, f->name);

	l->placed[i].body_sym = f->sym;
	if (f->is_prog && f->is_global)
		warn_libc_name(l, f);
	if (f->is_prog && f->needs_scope) {
		char *name =
			arena_printf(&l->a, "%s" KILN_BODY_SUFFIX, f->name);

		l->placed[i].body_sym = module_sym(&l->m, SYM_BODY,
			f->is_global ? BIND_HIDDEN : BIND_LOCAL, name, i);
	}
	struct sym *s = &l->m.sym.v[f->sym];
	s->bind = !f->is_global		 ? BIND_LOCAL
		  : f->is_prog && global ? BIND_PROTECTED
					 : BIND_HIDDEN;
}

int lk_resolve(struct link *l)
{
	u32 n = l->m.func.n;

	l->wanted = arena_array(&l->a, bool, n);
	l->placed = arena_array(&l->a, struct placed, n);
	l->data_used = arena_array(&l->a, bool, l->m.data.n);
	l->map_used = arena_array(&l->a, bool, l->m.map.n);
	check_asked(l);
	for (u32 i = 0; i < n; i++)
		l->wanted[i] = is_asked(l, &l->m.func.v[i]);
	mark_all(l);
	for (u32 i = 0; i < n; i++)
		if (l->wanted[i])
			name_func(l, i);
	return l->diag.errors ? -1 : 0;
}
