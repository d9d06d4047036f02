/*
 * Sections, symbols and relocations -> functions, instructions and symbolic
 * operands. Where this ends, nothing refers to the object any more: an
 * address is a symbol of the module and an addend.
 *
 * What a compiler leaves at the place of a relocation is part of the target:
 *
 *                           clang            gcc, symbol defined here
 *   lddw, data              addend           offset in the section
 *   call, section symbol    slots - 1        slots - 1
 *   call, other symbol      -1               offset in the section - 1
 *
 * so that for clang the target is symbol value + contents, and for gcc the
 * contents alone (section symbols have value 0 everywhere).
 *
 * Objects of old compilers have no symbols of type FUNC: there any global
 * symbol of a code section begins a function, and a section without any is
 * one function.
 */
#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"
#include "kiln/compile.h"

enum {
	SLOT = 8,
	CODE_LDDW = 0x18,
	SRC_CALL = 1,	 /* BPF_PSEUDO_CALL */
	SRC_FUNC = 4,	 /* BPF_PSEUDO_FUNC */
	REL_NONE = 0,	 /* Open vSwitch's object: by the instruction */
	REL_64 = 1,	 /* lddw; data, from clang before 13 */
	REL_ABS64 = 2,	 /* data */
	REL_CALL = 10,	 /* R_BPF_64_32 */
	REL_GCC_64 = 12, /* data, from gcc: R_BPF_DATA_64 */
};

/* ---- functions ----------------------------------------------------------- */

static bool starts_function(const struct fe_sym *y, bool by_type)
{
	return by_type ? y->type == STT_FUNC
		       : y->type == STT_NOTYPE && y->bind != STB_LOCAL;
}

/* Global names win over local ones at the same place. */
static void keep_function(
	struct fe_obj *o, struct fe_sec *s, u32 *names, u32 sym)
{
	const struct fe_sym *y = &o->sym[sym];
	struct fe_fn *last = s->nfn ? &s->fn[s->nfn - 1] : NULL;

	if (last && last->off == y->value) {
		if (o->sym[names[s->nfn - 1]].bind == STB_LOCAL)
			names[s->nfn - 1] = sym;
		if (y->size > last->size)
			last->size = y->size;
		return;
	}
	names[s->nfn] = sym;
	s->fn[s->nfn++] = (struct fe_fn){.off = y->value, .size = y->size};
}

/* A name for a whole section, and not that of a basic block. */
static bool is_label_of_all(const struct fe_sym *y)
{
	return !y->value && y->type == STT_NOTYPE &&
	       strncmp(y->name, "LBB", 3) && y->name[0] != '.';
}

/* Symbols that begin a function of the section -> s->fn and their names. */
static u32 *find_functions(struct fe_obj *o, u32 sec)
{
	struct fe_sec *s = &o->sec[sec];
	bool by_type = false;
	u32 n;
	const u32 *at = fe_syms_of(o, sec, &n);
	u32 *names = arena_array(o->m->a, u32, n + 1u);

	for (u32 i = 0; i < n; i++)
		by_type |= o->sym[at[i]].type == STT_FUNC;
	s->fn = arena_array(o->m->a, struct fe_fn, n + 1u);
	for (u32 i = 0; i < n; i++)
		if (starts_function(&o->sym[at[i]], by_type))
			keep_function(o, s, names, at[i]);
	if (!s->nfn && s->size) {
		/* no such symbol: the section is one function */
		names[0] = n && is_label_of_all(&o->sym[at[0]]) ? at[0] : 0;
		s->fn[s->nfn++] = (struct fe_fn){.size = s->size};
	}
	return names;
}

static int check_function(
	struct fe_obj *o, const struct fe_sec *s, u32 i, const char *name)
{
	struct fe_fn *f = &s->fn[i];
	u64 end = i + 1 < s->nfn ? s->fn[i + 1].off : s->size;

	if (f->off % SLOT || f->size % SLOT) {
		fe_error(o, s->name,
			"function %s: %llu bytes at %llu, wanted whole "
			"instructions of 8 bytes",
			name, (unsigned long long)f->size,
			(unsigned long long)f->off);
		return -1;
	}
	if (!f->size)
		f->size = end - f->off;
	if (!f->size || f->off + f->size > end) {
		fe_error(o, s->name,
			"function %s: %llu bytes at %llu, but %s at %llu", name,
			(unsigned long long)f->size, (unsigned long long)f->off,
			i + 1 < s->nfn ? "another one begins"
				       : "the section ends",
			(unsigned long long)end);
		return -1;
	}
	return 0;
}

/* The FUNC that describes a function: by its place, else by its name. */
static u32 func_type_of(
	const struct fe_obj *o, u32 sec, u64 off, const char *name)
{
	u32 lo = 0, hi = o->func_type.n;
	i32 id;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct fe_func_type *f = &o->func_type.v[mid];

		if (f->sec < sec || (f->sec == sec && f->off < off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < o->func_type.n && o->func_type.v[lo].sec == sec &&
		o->func_type.v[lo].off == off)
		return o->func_type.v[lo].type + o->btf_shift;
	id = o->btf ? btf__find_by_name_kind(o->btf, name, BTF_KIND_FUNC) : -1;
	return id > 0 ? (u32)id + o->btf_shift : 0;
}

static int add_function(struct fe_obj *o, u32 sec, u32 i, u32 sym)
{
	struct fe_sec *s = &o->sec[sec];
	struct module *m = o->m;
	const struct fe_sym *y = sym ? &o->sym[sym] : NULL;
	const char *name = y ? y->name : s->name;
	bool is_global = !y || y->bind != STB_LOCAL;
	struct func *f;

	if (check_function(o, s, i, name))
		return -1;
	f = vec_push(m->a, &m->func);
	f->name = name;
	f->section = s->name;
	f->n = (u32)(s->fn[i].size / SLOT);
	f->is_global = is_global;
	f->btf_type = func_type_of(o, sec, s->fn[i].off, name);
	s->fn[i].func = m->func.n - 1;
	f->sym = module_sym(m, SYM_SUBPROG,
		is_global ? BIND_HIDDEN : BIND_LOCAL, name, m->func.n - 1);
	m->sym.v[f->sym].is_weak = y && y->bind == STB_WEAK;
	m->sym.v[f->sym].is_hidden = y && y->vis == STV_HIDDEN;
	return 0;
}

/* ---- instructions -------------------------------------------------------- */

static void read_insn(struct insn *i, const u8 *p, u32 file)
{
	i->code = p[0];
	i->dst = p[1] & 15;
	i->src = p[1] >> 4;
	i->off = (i16)get_le16(p + 2);
	i->imm = (i32)get_le32(p + 4);
	i->sym = SYM_NONE;
	i->file = file;
}

/* The first line record at or behind a place. */
static u32 find_line(const struct fe_obj *o, u32 sec, u64 off)
{
	u32 lo = 0, hi = o->line.n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct fe_line *n = &o->line.v[mid];

		if (n->sec < sec || (n->sec == sec && n->off < off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void copy_insns(struct fe_obj *o, u32 sec, const struct fe_fn *fn)
{
	struct module *m = o->m;
	u32 next = find_line(o, sec, fn->off), line = 0;

	m->func.v[fn->func].first = m->insn.n;
	for (u64 at = fn->off; at < fn->off + fn->size; at += SLOT) {
		struct insn *i = vec_push(m->a, &m->insn);

		read_insn(i, o->sec[sec].bytes + at, o->file);
		for (; next < o->line.n && o->line.v[next].sec == sec &&
			o->line.v[next].off <= at;
			next++)
			line = o->line.v[next].line;
		i->src_line = line;
	}
}

static void reserve_insns(struct fe_obj *o)
{
	struct module *m = o->m;
	u64 n = m->insn.n;

	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].role == ROLE_CODE)
			n += o->sec[i].size / SLOT;
	if (n <= UINT32_MAX) /* what is too much is found out on the way */
		vec_reserve(m->a, &m->insn, (u32)n);
}

static int read_code(struct fe_obj *o, u32 sec)
{
	u32 *names = find_functions(o, sec);
	struct fe_sec *s = &o->sec[sec];
	int err = 0;

	for (u32 i = 0; i < s->nfn; i++)
		err |= add_function(o, sec, i, names[i]);
	for (u32 i = 0; i < s->nfn && !err; i++)
		copy_insns(o, sec, &s->fn[i]);
	return err;
}

const struct fe_fn *fe_fn_at(const struct fe_sec *s, u64 off)
{
	u32 lo = 0, hi = s->nfn;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (s->fn[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || off - s->fn[lo - 1].off >= s->fn[lo - 1].size)
		return NULL;
	return &s->fn[lo - 1];
}

/* ---- targets ------------------------------------------------------------- */

static int ref_function(struct fe_obj *o, u32 sec, i64 off, const struct loc *l,
	struct target_ref *out)
{
	const struct fe_sec *s = &o->sec[sec];
	const struct fe_fn *f = off < 0 ? NULL : fe_fn_at(s, (u64)off);

	if (!f || f->off != (u64)off) {
		diag_error(o->m->diag, l,
			"target %s%+lld is not the start of a function",
			s->name, (long long)off);
		return -1;
	}
	*out = (struct target_ref){o->m->func.v[f->func].sym, 0};
	return 0;
}

/* The last map that begins at or before a place of its section, or NULL. */
static const struct fe_map *map_before(const struct fe_obj *o, u32 sec, u64 off)
{
	u32 lo = 0, hi = o->map.n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct fe_map *p = &o->map.v[mid];

		if (p->sec < sec || (p->sec == sec && p->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && o->map.v[lo - 1].sec == sec ? &o->map.v[lo - 1] : NULL;
}

static int ref_map(struct fe_obj *o, u32 sec, i64 off, const struct loc *l,
	struct target_ref *out)
{
	const struct fe_map *p = off < 0 ? NULL : map_before(o, sec, (u64)off);

	if (!p || p->off != (u64)off) {
		diag_error(o->m->diag, l,
			"target %s%+lld is not the start of a map",
			o->sec[sec].name, (long long)off);
		return -1;
	}
	*out = (struct target_ref){o->m->map.v[p->map].sym, 0};
	return 0;
}

static int ref_data(struct fe_obj *o, const struct fe_sym *y, i64 off,
	const struct loc *l, struct target_ref *out)
{
	const struct fe_sec *s = &o->sec[y->sec];

	/* one past the end is an address that C may form */
	if (off < 0 || (u64)off > s->size) {
		diag_error(o->m->diag, l,
			"target %s%+lld lies outside the section's %llu bytes",
			s->name, (long long)off, (unsigned long long)s->size);
		return -1;
	}
	*out = (struct target_ref){
		o->m->data.v[s->data - 1].sym, (i64)s->shift + off};
	if (y->ext) /* another input may have a better one */
		*out = (struct target_ref){y->ext - 1, off - (i64)y->value};
	return 0;
}

/* A kconfig variable and an offset in it. */
static int add_offset(
	struct fe_obj *o, struct target_ref *t, i64 addend, const struct loc *l)
{
	const struct sym *s = &o->m->sym.v[t->sym];

	if (addend < 0 || (u64)addend > s->size - (u64)t->addend) {
		diag_error(o->m->diag, l, "offset %lld lies outside %s",
			(long long)addend, s->name);
		return -1;
	}
	t->addend += addend;
	return 0;
}

static int ref_undefined(struct fe_obj *o, u32 sym, i64 addend,
	const struct loc *l, const struct fe_opts *opts, struct target_ref *out)
{
	struct fe_sym *y = &o->sym[sym];

	if (!*y->name) {
		diag_error(o->m->diag, l,
			"relocation against symbol %u, which "
			"has no name",
			sym);
		return -1;
	}
	if (!y->ext) {
		int kconfig = fe_kconfig(o, opts, sym, l, out);

		if (kconfig < 0)
			return -1;
		if (kconfig)
			return add_offset(o, out, addend, l);
		u32 n = o->m->sym.n;
		u32 id = module_undef(o->m, SYM_EXTERN, y->name);
		struct sym *s = &o->m->sym.v[id];

		/* weak if it is weak in all inputs */
		if (id == n || y->bind != STB_WEAK)
			s->bind = y->bind == STB_WEAK ? BIND_WEAK_UNDEF
						      : BIND_UNDEF;
		y->ext = id + 1;
	}
	*out = (struct target_ref){y->ext - 1, addend};
	return 0;
}

/* Symbol + addend (already with the symbol's value) as a target. */
static int ref_symbol(struct fe_obj *o, u32 sym, i64 off, const struct loc *l,
	const struct fe_opts *opts, struct target_ref *out)
{
	const struct fe_sym *y = &o->sym[sym];

	if (y->sec == SHN_UNDEF)
		return ref_undefined(o, sym, off, l, opts, out);
	if (y->sec < o->nsec) {
		const struct fe_sec *s = &o->sec[y->sec];

		if (s->role == ROLE_CODE)
			return ref_function(o, y->sec, off, l, out);
		if (s->role == ROLE_MAPS || s->role == ROLE_LEGACY)
			return ref_map(o, y->sec, off, l, out);
		if (s->data)
			return ref_data(o, y, off, l, out);
	}
	diag_error(o->m->diag, l,
		"target %s lies in %s, which programs cannot "
		"refer to",
		*y->name ? y->name : "(unnamed)",
		y->sec == SHN_ABS      ? "no section (absolute)"
		: y->sec == SHN_COMMON ? "no section (common)"
				       : o->sec[y->sec].name);
	return -1;
}

/* What stands at the place -> offset in the symbol's section, or addend. */
static i64 with_value(const struct fe_obj *o, const struct fe_rel *r, i64 place)
{
	const struct fe_sym *y = &o->sym[r->sym];

	if (r->has_addend)
		return (i64)((u64)r->addend + y->value);
	if (o->is_gcc || y->sec == SHN_UNDEF)
		return place;
	return (i64)((u64)place + y->value);
}

/* ---- relocations of instructions ----------------------------------------- */

void fe_mark_taken(struct module *m, u32 sym)
{
	const struct sym *s = &m->sym.v[sym];

	if (s->kind == SYM_SUBPROG)
		m->func.v[s->index].is_callback = true;
}

static int reloc_lddw(struct fe_obj *o, const struct fe_rel *r, struct insn *i,
	const struct loc *l, const struct fe_opts *opts)
{
	struct target_ref t;
	i64 v = i[1].imm ? (i64)((u64)(u32)i[0].imm | (u64)(u32)i[1].imm << 32)
			 : i[0].imm;

	if (ref_symbol(o, r->sym, with_value(o, r, v), l, opts, &t))
		return -1;
	if (o->m->sym.v[t.sym].kind == SYM_EXTERN && !fits_i32(t.addend)) {
		diag_error(o->m->diag, l, "addend %lld of %s is too large",
			(long long)t.addend, o->m->sym.v[t.sym].name);
		return -1;
	}
	fe_mark_taken(o->m, t.sym);
	i[0].sym = t.sym;
	i[0].addend = t.addend;
	i[0].imm = i[1].imm = 0;
	return 0;
}

static int reloc_call(struct fe_obj *o, const struct fe_rel *r, struct insn *i,
	const struct loc *l, const struct fe_opts *opts)
{
	const struct fe_sym *y = &o->sym[r->sym];
	bool bytes = o->is_gcc && y->type != STT_SECTION;
	i64 v = ((i64)i->imm + 1) * (bytes ? 1 : SLOT);
	struct target_ref t;

	if (i->src != SRC_CALL) {
		diag_error(o->m->diag, l,
			"relocated call with source register %u, wanted %u",
			i->src, SRC_CALL);
		return -1;
	}
	if (y->sec == SHN_UNDEF)
		v = 0;
	if (ref_symbol(o, r->sym, with_value(o, r, v), l, opts, &t))
		return -1;
	u8 kind = o->m->sym.v[t.sym].kind;
	if (kind != SYM_SUBPROG && kind != SYM_EXTERN) {
		diag_error(o->m->diag, l, "call of %s, which is no function",
			y->name);
		return -1;
	}
	i->sym = t.sym;
	return 0;
}

static int reloc_insn(struct fe_obj *o, const struct fe_sec *s,
	const struct fe_rel *r, const struct fe_opts *opts)
{
	struct module *m = o->m;
	const struct fe_fn *fn = fe_fn_at(s, r->off);

	if (!fn) /* padding is nobody's code */
		return 0;
	const struct func *f = &m->func.v[fn->func];
	u32 slot = (u32)((r->off - fn->off) / SLOT);
	struct insn *i = &m->insn.v[f->first + slot];
	struct loc l = module_loc(m, f, slot);
	if (i->sym != SYM_NONE) {
		diag_error(m->diag, &l, "a second relocation at this place");
		return -1;
	}
	bool none = r->type == REL_NONE;
	if ((none || r->type == REL_64) && i->code == CODE_LDDW &&
		slot + 1 < f->n)
		return reloc_lddw(o, r, i, &l, opts);
	if ((none || r->type == REL_CALL) && i->code == FE_CALL)
		return reloc_call(o, r, i, &l, opts);
	diag_error(m->diag, &l,
		"relocation of type %u on opcode 0x%02x, wanted %u on a 64-bit "
		"load or %u on a call",
		r->type, i->code, REL_64, REL_CALL);
	return -1;
}

/* Calls inside a section need no relocation. */
static int link_calls(struct fe_obj *o, u32 sec, const struct fe_fn *fn)
{
	struct module *m = o->m;
	const struct func *f = &m->func.v[fn->func];
	int err = 0;

	for (u32 k = 0; k < f->n; k++) {
		struct insn *i = &m->insn.v[f->first + k];
		struct target_ref t;

		if (i->code == CODE_LDDW)
			k++; /* the second slot is data */
		if (i->code != FE_CALL || i->src != SRC_CALL ||
			i->sym != SYM_NONE)
			continue;
		struct loc l = module_loc(m, f, k);
		i64 off = (i64)fn->off + ((i64)k + 1 + i->imm) * SLOT;
		if (ref_function(o, sec, off, &l, &t))
			err = -1;
		else
			i->sym = t.sym;
	}
	return err;
}

static int reloc_code(struct fe_obj *o, u32 sec, const struct fe_opts *opts)
{
	const struct fe_sec *s = &o->sec[sec];
	int err = 0;

	for (u32 i = 0; i < s->nrel; i++)
		err |= reloc_insn(o, s, &s->rel[i], opts);
	for (u32 i = 0; i < s->nfn && !err; i++)
		err = link_calls(o, sec, &s->fn[i]);
	return err;
}

/* ---- relocations of data and maps ---------------------------------------- */

static bool is_data_rel(u32 type)
{
	return type == REL_ABS64 || type == REL_64 || type == REL_GCC_64;
}

static int data_target(struct fe_obj *o, const struct fe_sec *s,
	const struct fe_rel *r, const struct fe_opts *opts,
	struct target_ref *t)
{
	struct loc l = {.file = o->name,
		.section = arena_printf(o->m->a, "%s: offset %llu", s->name,
			(unsigned long long)r->off),
		.insn = -1};
	i64 v = (i64)get_le64(s->bytes + r->off);

	if (!is_data_rel(r->type)) {
		diag_error(o->m->diag, &l, "relocation of type %u, wanted %u",
			r->type, REL_ABS64);
		return -1;
	}
	return ref_symbol(o, r->sym, with_value(o, r, v), &l, opts, t);
}

static int cmp_data_rel(const void *a, const void *b)
{
	const struct data_rel *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

/* A function in a table of struct_ops is a program. */
static bool is_ops_ref(const struct module *m, u32 data, u32 sym)
{
	return m->data.v[data].is_ops &&
	       (m->sym.v[sym].kind == SYM_SUBPROG ||
		       m->sym.v[sym].kind == SYM_EXTERN);
}

static int reloc_data(
	struct fe_obj *o, struct fe_sec *s, const struct fe_opts *opts)
{
	struct module *m = o->m;
	u32 idx = s->data - 1;
	int err = 0;

	if (s->nrel && !s->bytes) {
		fe_error(o, s->name, "relocations of a section without bytes");
		return -1;
	}
	for (u32 i = 0; i < s->nrel; i++) {
		struct target_ref t;

		if (s->rel[i].type == REL_NONE)
			continue;
		if (data_target(o, s, &s->rel[i], opts, &t)) {
			err = -1;
			continue;
		}
		u64 off = s->shift + s->rel[i].off;
		memset(m->data.v[idx].bytes + off, 0, 8);
		if (is_ops_ref(m, idx, t.sym)) {
			*vec_push(m->a, &m->ops) =
				(struct ops_ref){idx, off, t.sym, o->file};
			continue;
		}
		fe_mark_taken(m, t.sym);
		*vec_push(m->a, &m->data.v[idx].rel) =
			(struct data_rel){off, t.sym, t.addend, o->file};
	}
	struct datasec *d = &m->data.v[idx];
	if (d->rel.n)
		qsort(d->rel.v, d->rel.n, sizeof(*d->rel.v), cmp_data_rel);
	for (u32 i = 1; i < d->rel.n && !err; i++)
		if (d->rel.v[i].off - d->rel.v[i - 1].off < 8) {
			fe_error(o, s->name,
				"relocations at %llu and %llu overlap",
				(unsigned long long)d->rel.v[i - 1].off,
				(unsigned long long)d->rel.v[i].off);
			err = -1;
		}
	return err;
}

/* One element of `values`: its slot begins with this map or program. */
static int init_map(struct fe_obj *o, u32 sec, const struct fe_rel *r,
	const struct fe_opts *opts)
{
	const struct fe_sec *s = &o->sec[sec];
	const struct fe_map *p = map_before(o, sec, r->off);
	struct target_ref t;

	if (r->type == REL_NONE)
		return 0;
	if (!p || r->off - p->off >= p->size || r->off - p->off < p->values ||
		(r->off - p->off - p->values) % 8) {
		fe_error(o, s->name,
			"relocation at %llu is not in the values of a map",
			(unsigned long long)r->off);
		return -1;
	}
	if (data_target(o, s, r, opts, &t))
		return -1;
	struct mapdef *d = &o->m->map.v[p->map];
	u64 slot = (r->off - p->off - p->values) / 8;
	u8 kind = o->m->sym.v[t.sym].kind;
	if (slot >= d->max_entries) {
		fe_error(o, s->name,
			"map %s: value %llu, but it has %u entries", d->name,
			(unsigned long long)slot, d->max_entries);
		return -1;
	}
	if (t.addend || (kind != (d->inner ? SYM_MAP : SYM_SUBPROG) &&
				kind != SYM_EXTERN)) {
		fe_error(o, s->name, "map %s: value %llu is no %s", d->name,
			(unsigned long long)slot, d->inner ? "map" : "program");
		return -1;
	}
	*vec_push(o->m->a, &d->init) = (struct map_init){(u32)slot, t.sym};
	return 0;
}

static int init_maps(struct fe_obj *o, u32 sec, const struct fe_opts *opts)
{
	const struct fe_sec *s = &o->sec[sec];
	int err = 0;

	for (u32 i = 0; i < s->nrel; i++)
		err |= init_map(o, sec, &s->rel[i], opts);
	return err;
}

/* ---- the rest of an object ----------------------------------------------- */

/* Inputs that say a license or a kernel version must say the same, as libbpf's
 * linker wants it. */
static int disagree(struct fe_obj *o, const char *sec, u32 other)
{
	fe_error(o, sec, "differs from that of %s", o->m->file[other]);
	return -1;
}

static int read_license(struct fe_obj *o)
{
	const struct fe_sec *s = &o->sec[fe_find_sec(o, "license")];
	const char *text = (const char *)s->bytes;
	struct module *m = o->m;

	if (!text || !s->size)
		return 0;
	if (!memchr(text, 0, s->size)) {
		fe_error(o, s->name, "does not end with NUL");
		return -1;
	}
	if (*m->license && strcmp(m->license, text))
		return disagree(o, s->name, m->license_file);
	m->license = text;
	m->license_file = o->file;
	return 0;
}

static int read_version(struct fe_obj *o)
{
	const struct fe_sec *s = &o->sec[fe_find_sec(o, "version")];
	struct module *m = o->m;

	if (!s->bytes || !s->size)
		return 0;
	if (s->size < 4) {
		fe_error(o, s->name, "size %llu, wanted 4",
			(unsigned long long)s->size);
		return -1;
	}
	if (m->kern_version && m->kern_version != get_le32(s->bytes))
		return disagree(o, s->name, m->version_file);
	m->kern_version = get_le32(s->bytes);
	m->version_file = o->file;
	return 0;
}

/* ---- all of it ----------------------------------------------------------- */

int fe_reloc(struct module *m, struct fe_obj *o, const struct fe_opts *opts)
{
	(void)m;
	int err = read_license(o) | read_version(o) | fe_data(o, opts);

	reserve_insns(o);
	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].role == ROLE_CODE)
			err |= read_code(o, i);
	if (err)
		return -EINVAL;
	for (u32 i = 1; i < o->nsec; i++) {
		if (o->sec[i].role == ROLE_CODE)
			err |= reloc_code(o, i, opts);
		if (o->sec[i].data)
			err |= reloc_data(o, &o->sec[i], opts);
		if (o->sec[i].role == ROLE_MAPS)
			err |= init_maps(o, i, opts);
	}
	return err ? -EINVAL : 0;
}

/* ---- bare instructions --------------------------------------------------- */

int fe_raw(struct module *m, const char *name, const u8 *bytes, size_t size)
{
	struct loc l = {.file = name, .insn = -1};
	u32 file = m->nfile - 1;

	fe_digest(m, file, bytes, size);
	if (!size || size % SLOT || size / SLOT > UINT32_MAX / 2) {
		diag_error(m->diag, &l,
			"%zu bytes, wanted whole instructions of 8 bytes",
			size);
		return -EINVAL;
	}
	vec_reserve(m->a, &m->insn, (u32)(size / SLOT));
	for (size_t at = 0; at < size; at += SLOT)
		read_insn(vec_push(m->a, &m->insn), bytes + at, file);
	struct func *f = vec_push(m->a, &m->func);
	f->name = "raw";
	f->n = m->insn.n;
	f->is_prog = f->is_global = true;
	f->sym = module_sym(m, SYM_PROG, BIND_PROTECTED, f->name, 0);
	return 0;
}
