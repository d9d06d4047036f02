/*
 * Which functions are compiled and what their symbols are called.
 *
 * Starts with the programs asked for (all without --prog) and marks what they
 * reach through calls and taken addresses, and the maps and data that those
 * name. Then decides how symbols are bound: programs that the
 * source makes global are protected, their bodies and global subprograms
 * hidden, static ones local.
 */
#include <string.h>

#include "frontend/frontend.h"
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

/* A worklist: chains through data are as long as the input wants. */
struct mark {
	struct link *l;
	vec(u32) func, data, map; /* marked, not yet looked into */
};

static void mark_func(struct mark *k, u32 func)
{
	const struct func *f = &k->l->m.func.v[func];

	if (k->l->wanted[func])
		return;
	if (!f->is_used) {
		struct loc at = module_loc(&k->l->m, f, -1);

		diag_error(&k->l->diag, &at,
			"data or a map refers to it, but it is not among the "
			"programs to compile");
	}
	k->l->wanted[func] = true;
	*vec_push(&k->l->a, &k->func) = func;
}

static void mark_data(struct mark *k, u32 sec)
{
	if (k->l->data_used[sec])
		return;
	k->l->data_used[sec] = true;
	*vec_push(&k->l->a, &k->data) = sec;
}

static void mark_map(struct mark *k, u32 map)
{
	if (k->l->map_used[map])
		return;
	k->l->map_used[map] = true;
	*vec_push(&k->l->a, &k->map) = map;
}

static void mark_sym(struct mark *k, u32 sym)
{
	const struct sym *s = &k->l->m.sym.v[sym];

	switch (s->kind) {
	case SYM_DATA: mark_data(k, s->index); break;
	case SYM_MAP:
	case SYM_VALUES: mark_map(k, s->index); break;
	case SYM_PROG:
	case SYM_BODY:
	case SYM_SUBPROG: mark_func(k, s->index); break;
	default: break;
	}
}

static void scan_func(struct mark *k, const struct func *f)
{
	for (u32 i = 0; i < f->ncallee; i++)
		mark_func(k, f->callee[i]);
	for (u32 i = 0; i < f->n; i++) {
		u32 sym = k->l->m.insn.v[f->first + i].sym;

		if (sym != SYM_NONE && fe_is_live(f, i))
			mark_sym(k, sym);
	}
}

static void scan_data(struct mark *k, const struct datasec *d)
{
	for (u32 i = 0; i < d->rel.n; i++)
		mark_sym(k, d->rel.v[i].sym);
}

static void scan_map(struct mark *k, const struct mapdef *d)
{
	if (d->inner)
		mark_map(k, d->inner - 1);
	for (u32 i = 0; i < d->init.n; i++)
		mark_sym(k, d->init.v[i].sym);
}

static void mark_all(struct link *l)
{
	struct mark k = {.l = l};

	for (u32 i = 0; i < l->m.func.n; i++)
		if (is_asked(l, &l->m.func.v[i]))
			mark_func(&k, i);
	for (u32 i = 0; i < l->m.data.n && !l->o->progs; i++)
		if (l->m.data.v[i].is_ops)
			mark_data(&k, i);
	while (k.func.n || k.data.n || k.map.n) {
		if (k.func.n)
			scan_func(&k, &l->m.func.v[k.func.v[--k.func.n]]);
		else if (k.data.n)
			scan_data(&k, &l->m.data.v[k.data.v[--k.data.n]]);
		else
			scan_map(&k, &l->m.map.v[k.map.v[--k.map.n]]);
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

static void check_exports(struct link *l)
{
	const struct loc at = {.file = l->m.file[0], .insn = -1};

	for (u32 i = 0; l->o->exports && l->o->exports[i]; i++) {
		bool found = false;

		for (u32 k = 0; k < l->m.func.n && !found; k++)
			found = l->wanted[k] && l->m.func.v[k].is_prog &&
				l->m.func.v[k].is_global &&
				!strcmp(l->m.func.v[k].name, l->o->exports[i]);
		if (!found)
			diag_error(&l->diag, &at,
				"no global program named %s (--export)",
				l->o->exports[i]);
	}
}

bool lk_has_site(const struct link *l, const struct func *f)
{
	return l->cg.entry_sites && (f->is_prog || f->is_global) &&
	       !f->is_thunk;
}

static void name_func(struct link *l, u32 i)
{
	struct func *f = &l->m.func.v[i];
	struct sym *s = &l->m.sym.v[f->sym];

	if (s->bind == BIND_PROTECTED && !is_exported(l, f->name))
		s->bind = BIND_HIDDEN;
	f->body_sym = f->sym;
	if (f->is_prog && (f->needs_scope || lk_has_site(l, f)))
		f->body_sym = module_sym(&l->m, SYM_BODY,
			s->bind == BIND_LOCAL ? BIND_LOCAL : BIND_HIDDEN,
			arena_printf(&l->a, "%s" KILN_BODY_SUFFIX, f->name), i);
	l->m.sym.v[f->body_sym].counter = f->counter;
}

static bool is_wanted(const struct link *l, const struct sym *s)
{
	switch (s->kind) {
	case SYM_PROG:
	case SYM_SUBPROG: return l->wanted[s->index];
	case SYM_MAP: return l->map_used[s->index];
	case SYM_DATA: return l->data_used[s->index];
	default: return false;
	}
}

/* Hidden ones too: the linker binds the C library's own calls to them. */
static void warn_libc_names(struct link *l)
{
	const struct loc at = {.file = l->m.file[0], .insn = -1};

	for (u32 i = 0; i < l->m.sym.n && !*l->prefix; i++) {
		const struct sym *s = &l->m.sym.v[i];

		if (!is_wanted(l, s) || s->bind == BIND_LOCAL)
			continue;
		for (u32 k = 0; k < countof(libc_names); k++)
			if (!strcmp(s->name, libc_names[k]))
				diag_warn(&l->diag, &at,
					"the name %s is the C library's; "
					"--prefix gives it another",
					s->name);
	}
}

int lk_resolve(struct link *l)
{
	u32 n = l->m.func.n;

	l->wanted = arena_array(&l->a, bool, n);
	l->placed = arena_array(&l->a, struct placed, n);
	l->data_used = arena_array(&l->a, bool, l->m.data.n);
	l->map_used = arena_array(&l->a, bool, l->m.map.n);
	check_asked(l);
	mark_all(l);
	check_exports(l);
	for (u32 i = 0; i < n; i++)
		if (l->wanted[i])
			name_func(l, i);
	warn_libc_names(l);
	return l->diag.errors ? -1 : 0;
}
