/*
 * The inputs of a link -> one program. Each was read for itself; what another
 * one defines is an undefined symbol so far, and each may define a name that
 * others define, too.
 *
 *   1. names    functions, variables and maps that are not static, by name:
 *               a definition that is not weak wins, else the first one. Two
 *               that are not weak are an error, but for maps of one definition
 *   2. refs     instructions, data and values of maps refer to the winners.
 *               Afterwards a variable is always section and offset
 *   3. options  --set, --map and --type name something in one of the inputs
 *   4. programs (programs.c), types (btf_link.c)
 *
 * As for any linker hidden names are visible to all inputs, static ones only
 * to their own.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"

struct links {
	struct module *m;
	struct fe_obj *const *o;
	size_t n;
	struct target_ref *to; /* by symbol: what it stands for */
	u32 *name;	       /* symbols by name */
	u32 nnames;
};

/* ---- 1. names ------------------------------------------------------------ */

/* A name that all inputs share: the sections' own symbols are local. */
static bool is_shared(const struct sym *s)
{
	if (s->kind == SYM_EXTERN)
		return true;
	return s->bind != BIND_LOCAL &&
	       (s->kind == SYM_SUBPROG || s->kind == SYM_MAP ||
		       s->kind == SYM_DATA);
}

static int cmp_name(const void *a, const void *b, void *syms)
{
	const struct sym *s = syms;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	int c = strcmp(s[x].name, s[y].name);

	return c ? c : (x > y) - (x < y);
}

static void index_names(struct links *k)
{
	struct module *m = k->m;

	k->to = arena_array(m->a, struct target_ref, m->sym.n);
	k->name = arena_array(m->a, u32, m->sym.n);
	for (u32 i = 0; i < m->sym.n; i++) {
		const struct sym *s = &m->sym.v[i];

		k->to[i] = (struct target_ref){i, 0};
		if (!is_shared(s))
			continue;
		k->name[k->nnames++] = i;
		if (s->kind == SYM_DATA)
			k->to[i] = (struct target_ref){
				m->data.v[s->index].sym, (i64)s->off};
	}
	if (k->nnames)
		qsort_r(k->name, k->nnames, sizeof(*k->name), cmp_name,
			m->sym.v);
}

static const char *kind_name(const struct sym *s)
{
	return s->kind == SYM_SUBPROG ? "function"
	       : s->kind == SYM_MAP   ? "map"
				      : "variable";
}

/* Both define a name and neither is weak, or they are different things. */
static int conflict(struct links *k, u32 a, u32 b)
{
	struct module *m = k->m;
	const struct sym *x = &m->sym.v[a], *y = &m->sym.v[b];
	struct loc at = {.file = m->file[y->file], .insn = -1};
	const char *first = m->file[x->file];

	if (x->kind != y->kind) {
		diag_error(m->diag, &at, "%s is a %s, but %s has a %s %s",
			y->name, kind_name(y), first, kind_name(x), x->name);
		return -1;
	}
	if (x->is_weak || y->is_weak)
		return 0;
	const char *field = x->kind == SYM_MAP
				    ? fe_map_differs(m, &m->map.v[x->index],
					      &m->map.v[y->index])
				    : NULL;
	if (x->kind == SYM_MAP && !field)
		return 0;
	if (field)
		diag_error(m->diag, &at,
			"map %s: differs in %s from that of %s", y->name, field,
			first);
	else
		diag_error(m->diag, &at, "%s %s is defined in %s, too",
			kind_name(y), y->name, first);
	return -1;
}

/* The symbols sym[0..n) have one name. */
static int resolve_name(struct links *k, const u32 *sym, u32 n)
{
	struct sym *s = k->m->sym.v;
	u32 win = SYM_NONE;
	int err = 0;

	for (u32 i = 0; i < n; i++) {
		if (s[sym[i]].kind == SYM_EXTERN)
			continue;
		if (win != SYM_NONE)
			err |= conflict(k, win, sym[i]);
		if (win == SYM_NONE || (s[win].is_weak && !s[sym[i]].is_weak))
			win = sym[i];
	}
	if (win == SYM_NONE)
		return err;
	for (u32 i = 0; i < n; i++) {
		if (sym[i] == win)
			continue;
		k->to[sym[i]] = k->to[win];
		s[sym[i]].is_replaced = true;
		s[win].is_hidden |= s[sym[i]].is_hidden;
	}
	return err;
}

static int resolve_names(struct links *k)
{
	const struct sym *s = k->m->sym.v;
	int err = 0;

	for (u32 i = 0, n; i < k->nnames; i += n) {
		for (n = 1; i + n < k->nnames; n++)
			if (strcmp(s[k->name[i]].name, s[k->name[i + n]].name))
				break;
		err |= resolve_name(k, k->name + i, n);
	}
	return err;
}

/* A variable that gave way is no variable any more. */
static void drop_variables(struct module *m)
{
	for (u32 i = 0; i < m->sym.n; i++) {
		const struct sym *s = &m->sym.v[i];
		u32 kept = 0;

		if (s->kind != SYM_DATA || !s->is_replaced)
			continue;
		struct datasec *d = &m->data.v[s->index];
		for (u32 v = 0; v < d->var.n; v++)
			if (d->var.v[v].off != s->off ||
				strcmp(d->var.v[v].name, s->name))
				d->var.v[kept++] = d->var.v[v];
		d->var.n = kept;
	}
}

/* The definition that won, or SYM_NONE. */
static u32 find_definition(const struct links *k, const char *name)
{
	const struct sym *s = k->m->sym.v;
	u32 lo = 0, hi = k->nnames;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (strcmp(s[k->name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < k->nnames && !strcmp(s[k->name[lo]].name, name); lo++)
		if (s[k->name[lo]].kind != SYM_EXTERN &&
			!s[k->name[lo]].is_replaced)
			return k->name[lo];
	return SYM_NONE;
}

static int check_extern_map(
	struct links *k, const struct fe_obj *o, const struct mapdef *d)
{
	struct module *m = k->m;
	u32 sym = find_definition(k, d->name);
	const char *field;

	if (sym == SYM_NONE) {
		fe_error(o, ".maps", "map %s: no input defines it", d->name);
		return -1;
	}
	if (m->sym.v[sym].kind != SYM_MAP) {
		fe_error(o, ".maps", "map %s: is a %s in %s", d->name,
			kind_name(&m->sym.v[sym]), m->file[m->sym.v[sym].file]);
		return -1;
	}
	field = fe_map_differs(m, &m->map.v[m->sym.v[sym].index], d);
	if (!field)
		return 0;
	fe_error(o, ".maps", "map %s: differs in %s from that of %s", d->name,
		field, m->file[m->sym.v[sym].file]);
	return -1;
}

static int check_extern_maps(struct links *k)
{
	int err = 0;

	for (size_t i = 0; i < k->n; i++)
		for (u32 j = 0; j < k->o[i]->extern_map.n; j++)
			err |= check_extern_map(
				k, k->o[i], &k->o[i]->extern_map.v[j]);
	return err;
}

/* ---- 2. references ------------------------------------------------------- */

static int bad_place(struct links *k, u32 sym, i64 off, const struct loc *l)
{
	const struct sym *s = &k->m->sym.v[sym];

	if (s->kind == SYM_DATA)
		diag_error(k->m->diag, l,
			"target %s%+lld lies outside the section's %llu bytes",
			s->name, (long long)off,
			(unsigned long long)k->m->data.v[s->index].size);
	else
		diag_error(k->m->diag, l,
			"target %s%+lld is not the start of a %s", s->name,
			(long long)off, kind_name(s));
	return -1;
}

/* What a reference stands for. */
static int settle(struct links *k, u32 *sym, i64 *addend, const struct loc *l)
{
	struct target_ref t = k->to[*sym];
	const struct sym *s = &k->m->sym.v[t.sym];
	i64 off;

	if (s->kind == SYM_EXTERN)
		return 0;
	if (__builtin_add_overflow(t.addend, *addend, &off) || off < 0 ||
		(u64)off >
			(s->kind == SYM_DATA ? k->m->data.v[s->index].size : 0))
		return bad_place(k, t.sym, off, l);
	*sym = t.sym;
	*addend = off;
	return 0;
}

static bool stands_for_another(const struct links *k, u32 sym)
{
	return sym != SYM_NONE && k->to[sym].sym != sym;
}

static int settle_insn(struct links *k, const struct func *f, u32 slot)
{
	struct module *m = k->m;
	struct insn *i = &m->insn.v[f->first + slot];
	struct loc l = module_loc(m, f, slot);
	const char *name = m->sym.v[i->sym].name;

	if (settle(k, &i->sym, &i->addend, &l))
		return -1;
	if (i->code != FE_CALL) {
		fe_mark_taken(m, i->sym);
		return 0;
	}
	if (m->sym.v[i->sym].kind == SYM_SUBPROG)
		return 0;
	diag_error(m->diag, &l, "call of %s, which is no function", name);
	return -1;
}

static int settle_insns(struct links *k)
{
	struct module *m = k->m;
	int err = 0;

	for (u32 i = 0; i < m->func.n; i++) {
		const struct func *f = &m->func.v[i];

		for (u32 s = 0; s < f->n; s++)
			if (stands_for_another(k, m->insn.v[f->first + s].sym))
				err |= settle_insn(k, f, s);
	}
	return err;
}

static int settle_data(struct links *k)
{
	struct module *m = k->m;
	int err = 0;

	for (u32 i = 0; i < m->data.n; i++)
		for (u32 r = 0; r < m->data.v[i].rel.n; r++) {
			struct data_rel *p = &m->data.v[i].rel.v[r];
			struct loc l = {.file = m->file[p->file],
				.section = m->data.v[i].name,
				.insn = -1};

			if (!stands_for_another(k, p->sym))
				continue;
			err |= settle(k, &p->sym, &p->addend, &l);
			fe_mark_taken(m, p->sym);
		}
	return err;
}

static int settle_maps(struct links *k)
{
	struct module *m = k->m;
	int err = 0;

	for (u32 i = 0; i < m->map.n; i++)
		for (u32 r = 0; r < m->map.v[i].init.n; r++) {
			const struct mapdef *d = &m->map.v[i];
			struct map_init *p = &d->init.v[r];

			p->sym = k->to[p->sym].sym;
			if (m->sym.v[p->sym].kind ==
				(d->inner ? SYM_MAP : SYM_SUBPROG))
				continue;
			struct loc l = {.file = m->file[d->file], .insn = -1};
			diag_error(m->diag, &l, "map %s: value %u is no %s",
				d->name, p->slot, d->inner ? "map" : "program");
			err = -1;
		}
	return err;
}

static int settle_ops(struct links *k)
{
	struct module *m = k->m;
	int err = 0;

	for (u32 i = 0; i < m->ops.n; i++) {
		struct ops_ref *r = &m->ops.v[i];
		struct loc l = {.file = m->file[r->file],
			.section = m->data.v[r->data].name,
			.insn = -1};

		r->sym = k->to[r->sym].sym;
		if (m->sym.v[r->sym].kind == SYM_SUBPROG)
			continue;
		diag_error(m->diag, &l, "%s: no input defines it as a program",
			m->sym.v[r->sym].name);
		err = -1;
	}
	return err;
}

/* ---- all of it ----------------------------------------------------------- */

int fe_link(struct module *m, struct fe_obj *const *o, size_t n,
	const struct fe_opts *opts)
{
	struct links k = {.m = m, .o = o, .n = n};

	index_names(&k);
	if (resolve_names(&k) | check_extern_maps(&k))
		return -EINVAL;
	drop_variables(m);
	if (settle_insns(&k) | settle_data(&k) | settle_maps(&k) |
		settle_ops(&k))
		return -EINVAL;
	if (fe_check_sets(o, n, opts) | fe_map_entries(m, opts) |
		fe_programs(m, o, n, opts))
		return -EINVAL;
	return n > 1 && m->btf ? fe_btf_link(m, o, n) : 0;
}
