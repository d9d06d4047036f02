/*
 * Variables: the data sections of an object -> module->data, what BTF says
 * about them, the values that --set gives to const volatile ones (knobs) and
 * to kconfig variables. Relocations inside data are reloc.c's.
 */
#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/compile.h"

#define KCONFIG_SEC ".rodata.kconfig"

enum {
	MAX_KCONFIG = 4096, /* bytes; a line of a kernel config */
	MAX_DATA = 1 << 30, /* as of one section (elf.c) */
};

/* ---- sections ------------------------------------------------------------ */

static bool is_name_taken(const struct module *m, const char *name)
{
	for (u32 i = 0; i < m->data.n; i++)
		if (!strcmp(m->data.v[i].name, name))
			return true;
	return false;
}

static u32 add_datasec(struct module *m, const char *name, u64 size, u64 align)
{
	const char *unique = name;

	for (u32 i = m->data.n; is_name_taken(m, unique); i++)
		unique = arena_printf(m->a, "%s.%u", name, i);
	struct datasec *d = vec_push(m->a, &m->data);
	u32 idx = m->data.n - 1;
	d->name = unique;
	d->size = size;
	d->align = align;
	d->sym = module_sym(m, SYM_DATA, BIND_LOCAL, unique, idx);
	m->sym.v[d->sym].size = size;
	m->sym.v[d->sym].align = align < 16 ? (u32)align : 16;
	return idx;
}

/* 1 + the section of this name and kind that an earlier input began, or 0. */
static u32 find_like(const struct module *m, const char *name, bool writable)
{
	for (u32 i = 0; i < m->data.n; i++)
		if (!strcmp(m->data.v[i].name, name))
			return m->data.v[i].writable == writable ? i + 1 : 0;
	return 0;
}

/* Sections of one name become one, in the order of the inputs. */
static int append_section(struct fe_obj *o, struct datasec *d, struct fe_sec *s)
{
	u64 at = align_up(d->size, s->align), size = at + s->size;

	if (size > MAX_DATA) {
		fe_error(o, s->name,
			"%llu bytes with those of other inputs, wanted at most "
			"%u",
			(unsigned long long)size, MAX_DATA);
		return -1;
	}
	if (d->bytes || s->bytes) {
		u8 *p = arena_alloc(o->m->a, size);

		if (d->bytes)
			memcpy(p, d->bytes, d->size);
		if (s->bytes)
			memcpy(p + at, s->bytes, s->size);
		d->bytes = p;
	}
	d->size = o->m->sym.v[d->sym].size = size;
	d->align = s->align > d->align ? s->align : d->align;
	s->shift = at;
	return 0;
}

static int read_section(struct fe_obj *o, u32 sec)
{
	struct fe_sec *s = &o->sec[sec];
	struct module *m = o->m;
	bool writable =
		s->flags & SHF_WRITE && strncmp(s->name, ".rodata", 7) != 0;

	s->data = find_like(m, s->name, writable);
	if (s->data)
		return append_section(o, &m->data.v[s->data - 1], s);
	s->data = 1 + add_datasec(m, s->name, s->size, s->align);
	struct datasec *d = &m->data.v[s->data - 1];
	d->writable = writable;
	d->is_ops = !strncmp(s->name, ".struct_ops", 11);
	if (s->bytes)
		d->bytes = arena_dup(m->a, s->bytes, s->size);
	return 0;
}

/* Global variables keep their names, for the application's C. */
static void name_globals(struct fe_obj *o)
{
	for (u32 i = 1; i < o->nsym; i++) {
		struct fe_sym *y = &o->sym[i];

		if (y->bind == STB_LOCAL || y->sec >= o->nsec ||
			!o->sec[y->sec].data || y->type > STT_OBJECT ||
			!*y->name)
			continue;
		u32 id = module_sym(o->m, SYM_DATA, BIND_HIDDEN, y->name,
			o->sec[y->sec].data - 1);
		struct sym *s = &o->m->sym.v[id];
		s->off = o->sec[y->sec].shift + y->value;
		s->size = y->size;
		s->is_weak = y->bind == STB_WEAK;
		if (s->is_weak)
			y->ext = id + 1;
	}
}

/* ---- variables ----------------------------------------------------------- */

static int add_var(struct fe_obj *o, u32 datasec, u32 i)
{
	const struct btf *b = o->btf;
	const struct btf_type *ds = btf__type_by_id(b, datasec);
	const struct btf_var_secinfo *vi = &btf_var_secinfos(ds)[i];
	const struct btf_type *var = btf__type_by_id(b, vi->type);
	u32 sec;
	u64 off;

	if (!btf_is_var(var) || !fe_btf_place(o, datasec, i, &sec, &off) ||
		!o->sec[sec].data)
		return 0;
	i64 size = btf__resolve_size(b, var->type);
	const char *name = btf__name_by_offset(b, var->name_off);
	/* clang keeps the type of an array that it took apart */
	if (size < 0 || (vi->size && vi->size < size))
		size = vi->size;
	if (!range_inside(off, (u64)size, o->sec[sec].size)) {
		fe_error(o, o->sec[sec].name,
			"variable %s: %lld bytes at %llu end behind the "
			"section's %llu bytes",
			name, (long long)size, (unsigned long long)off,
			(unsigned long long)o->sec[sec].size);
		return -1;
	}
	struct datasec *d = &o->m->data.v[o->sec[sec].data - 1];
	*vec_push(o->m->a, &d->var) = (struct data_var){
		.name = name,
		.off = o->sec[sec].shift + off,
		.size = (u64)size,
		.btf_type = var->type + o->btf_shift,
		.knob = fe_btf_is_knob(b, var->type),
		.file = o->file,
	};
	return 0;
}

static int cmp_var(const void *a, const void *b)
{
	const struct data_var *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int read_vars(struct fe_obj *o)
{
	u32 n = o->btf ? btf__type_cnt(o->btf) : 0;
	int err = 0;

	for (u32 id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(o->btf, id);

		for (u32 i = 0; btf_is_datasec(t) && i < btf_vlen(t); i++)
			err |= add_var(o, id, i);
	}
	for (u32 i = 0; i < o->m->data.n; i++) {
		struct datasec *d = &o->m->data.v[i];

		if (d->var.n)
			qsort(d->var.v, d->var.n, sizeof(*d->var.v), cmp_var);
	}
	return err;
}

/* ---- values -------------------------------------------------------------- */

/* A value from --set or --kconfig, and the variable that it is for. */
struct setting {
	struct fe_obj *o;
	const char *name, *text;
	u32 type; /* id in o->btf */
	bool kconfig;
	const char *file; /* --kconfig's, or NULL */
};

#define set_error(s, fmt, ...)                                            \
	({                                                                \
		diag_error((s)->o->m->diag,                               \
			&(struct loc){.file = (s)->file ?: (s)->o->name,  \
				.insn = -1},                              \
			"%s%s" fmt, (s)->file ? "" : "--set ", (s)->name, \
			##__VA_ARGS__);                                   \
		-1;                                                       \
	})

static void put_value(u8 *p, u64 v, u64 size)
{
	for (u64 i = 0; i < size; i++)
		p[i] = (u8)(v >> 8 * i);
}

/* false and true; for kconfig variables y, n and m, which are answers: a char
 * gets the letter, an enum (libbpf_tristate) also knows m, a bool does not. */
static bool parse_word(
	const struct setting *s, const struct btf_type *t, u64 *v)
{
	bool is_bool = btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL;
	const char *letters = is_bool ? "ny" : "nym", *at;

	*v = !strcmp(s->text, "true");
	if (*v || !strcmp(s->text, "false"))
		return true;
	if (!s->kconfig || strlen(s->text) != 1)
		return false;
	if (btf_is_int(t) && t->size != 1)
		return false;
	at = strchr(letters, s->text[0]);
	if (!at)
		return false;
	*v = btf_is_int(t) && !is_bool ? (u64)s->text[0] : (u64)(at - letters);
	return true;
}

static int parse_number(const struct setting *s, const struct btf_type *t,
	u64 size, bool is_signed, u64 *v)
{
	bool negative = s->text[0] == '-';
	char *end;

	if (parse_word(s, t, v))
		return 0;
	errno = 0;
	*v = strtoull(s->text + negative, &end, 0);
	if (errno || end == s->text + negative || *end ||
		strchr("+- \t\n", s->text[negative]))
		return set_error(s, "=%s: wanted a number", s->text);
	u64 max = UINT64_MAX >> (64 - size * 8) >> is_signed;
	if (btf_is_int(t) && btf_int_encoding(t) & BTF_INT_BOOL)
		max = 1;
	if (negative && !is_signed && *v)
		return set_error(s, "=%s: the variable is unsigned", s->text);
	if (*v > max + (negative ? 1 : 0))
		return set_error(s, "=%s: does not fit its %llu bytes", s->text,
			(unsigned long long)size);
	if (negative)
		*v = -*v;
	return 0;
}

/* In a kernel configuration strings have quotes, and only they. */
static int set_string(const struct setting *s, u8 *p, u64 size)
{
	const char *text = s->text;
	size_t n = strlen(text);

	if (s->file && *text != '"')
		return set_error(s, "=%s: the variable is a string", text);
	if (s->file) {
		text++;
		n -= 2;
	}
	if (n >= size)
		return set_error(s,
			"=%s: %zu characters and NUL do not fit its %llu bytes",
			s->text, n, (unsigned long long)size);
	memset(p, 0, size);
	memcpy(p, text, n);
	return 0;
}

static bool is_char(const struct btf *b, u32 id)
{
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, id));

	return btf_is_int(t) && t->size == 1;
}

/* Writes the value of a variable of size bytes at p. */
static int apply_setting(const struct setting *s, u8 *p, u64 size)
{
	const struct btf *b = s->o->btf;
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, s->type));
	bool is_signed;
	u64 v;

	if (btf_is_array(t) && is_char(b, btf_array(t)->type))
		return set_string(s, p, size);
	if (btf_is_int(t))
		is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	else if (btf_is_any_enum(t))
		is_signed = btf_kflag(t);
	else
		return set_error(s, ": is neither a number nor a string");
	if (!size || size > 8)
		return set_error(s, ": a number of %llu bytes",
			(unsigned long long)size);
	if (parse_number(s, t, size, is_signed, &v))
		return -1;
	put_value(p, v, size);
	return 0;
}

static const char *option_for(const struct fe_opts *o, const char *name)
{
	const char *value = NULL;

	for (u32 i = 0; o->sets && o->sets[i].name; i++)
		if (!strcmp(o->sets[i].name, name))
			value = o->sets[i].value;
	return value;
}

static int set_knob(struct fe_obj *o, struct datasec *d, struct data_var *v,
	const char *text)
{
	struct setting s = {
		o, v->name, text, v->btf_type - o->btf_shift, false, NULL};

	if (!v->knob)
		return set_error(&s, ": is not const volatile");
	if (!d->bytes)
		d->bytes = arena_alloc(o->m->a, d->size);
	v->set = true;
	return apply_setting(&s, d->bytes + v->off, v->size);
}

/* The VAR of .kconfig of that name, or 0. */
static u32 find_kconfig(const struct fe_obj *o, const char *name)
{
	if (!o->kconfig)
		return 0;
	const struct btf_type *ds = btf__type_by_id(o->btf, o->kconfig);
	for (u32 i = 0; i < btf_vlen(ds); i++) {
		u32 var = btf_var_secinfos(ds)[i].type;
		const struct btf_type *t = btf__type_by_id(o->btf, var);

		if (btf_is_var(t) &&
			!strcmp(btf__name_by_offset(o->btf, t->name_off), name))
			return var;
	}
	return 0;
}

/* What --set says of one variable of this object. */
static int set_from_options(struct fe_obj *o, const struct fe_opts *opts,
	struct datasec *d, struct data_var *v)
{
	int err = 0;

	for (u32 k = 0; opts->sets && opts->sets[k].name; k++)
		if (!strcmp(v->name, opts->sets[k].name))
			err |= set_knob(o, d, v, opts->sets[k].value);
	return err;
}

static int set_knobs(struct fe_obj *o, const struct fe_opts *opts)
{
	int err = 0;

	for (u32 i = 0; i < o->m->data.n; i++) {
		struct datasec *d = &o->m->data.v[i];

		for (u32 j = 0; j < d->var.n; j++)
			if (d->var.v[j].file == o->file)
				err |= set_from_options(
					o, opts, d, &d->var.v[j]);
	}
	return err;
}

static bool is_variable(const struct module *m, const char *name)
{
	for (u32 i = 0; i < m->data.n; i++)
		for (u32 k = 0; k < m->data.v[i].var.n; k++)
			if (!strcmp(m->data.v[i].var.v[k].name, name))
				return true;
	return false;
}

int fe_check_sets(struct fe_obj *const *o, size_t n, const struct fe_opts *opts)
{
	int err = 0;

	for (u32 k = 0; opts->sets && opts->sets[k].name; k++) {
		const char *name = opts->sets[k].name;
		bool found = is_variable(o[0]->m, name);

		for (size_t i = 0; i < n; i++)
			found |= find_kconfig(o[i], name) != 0;
		if (found)
			continue;
		fe_error(o[0], NULL, "--set %s: there is no such variable",
			name);
		err = -1;
	}
	return err;
}

static void mark_knobs(struct module *m)
{
	for (u32 i = 0; i < m->data.n; i++) {
		struct datasec *d = &m->data.v[i];

		/* what gcc leaves in .data is written like the rest of it */
		for (u32 j = 0; j < d->var.n && !d->writable; j++)
			d->knobs |= d->var.v[j].knob && !d->var.v[j].set;
	}
}

int fe_data(struct fe_obj *o, const struct fe_opts *opts)
{
	int err = 0;

	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].role == ROLE_DATA && o->sec[i].size)
			err |= read_section(o, i);
	if (err)
		return -1;
	name_globals(o);
	if (read_vars(o) || set_knobs(o, opts))
		return -1;
	mark_knobs(o->m);
	return 0;
}

/* ---- kconfig ------------------------------------------------------------- */

/* Room for one more kconfig variable: its offset in *sec. */
static u64 add_kconfig(
	struct module *m, u32 sec, const char *name, u32 type, u64 size)
{
	struct datasec *d = &m->data.v[sec];
	u64 off = align_up(d->size, 8);
	u8 *p = arena_alloc(m->a, off + size);

	if (d->size)
		memcpy(p, d->bytes, d->size);
	d->bytes = p;
	d->size = off + size;
	m->sym.v[d->sym].size = d->size;
	*vec_push(m->a, &d->var) = (struct data_var){
		.name = name, .off = off, .size = size, .btf_type = type};
	return off;
}

int fe_kconfig(struct fe_obj *o, const struct fe_opts *opts, u32 sym,
	const struct loc *l, struct target_ref *out)
{
	const struct fe_sym *y = &o->sym[sym];
	const char *text = option_for(opts, y->name), *file = NULL;
	struct module *m = o->m;
	u32 var = find_kconfig(o, y->name), type, sec;

	if (!var)
		return 0;
	if (!text) {
		text = fe_kconfig_find(opts->kconfig, y->name);
		file = text ? fe_kconfig_file(opts->kconfig) : NULL;
	}
	if (!text && y->bind != STB_WEAK) {
		diag_error(m->diag, l,
			"kconfig variable %s has no value%s%s (give it one "
			"with --set %s=VALUE)",
			y->name, opts->kconfig ? " in " : "",
			opts->kconfig ? fe_kconfig_file(opts->kconfig) : "",
			y->name);
		return -1;
	}
	if (!o->kconfig_data)
		o->kconfig_data = 1 + add_datasec(m, KCONFIG_SEC, 0, 8);
	sec = o->kconfig_data - 1;
	out->sym = m->data.v[sec].sym;
	for (u32 i = 0; i < m->data.v[sec].var.n; i++)
		if (!strcmp(m->data.v[sec].var.v[i].name, y->name)) {
			out->addend = (i64)m->data.v[sec].var.v[i].off;
			return 1;
		}
	type = btf__type_by_id(o->btf, var)->type;
	i64 size = btf__resolve_size(o->btf, type);
	if (size <= 0 || size > MAX_KCONFIG) {
		diag_error(m->diag, l,
			"kconfig variable %s: size %lld, wanted 1 to %u",
			y->name, (long long)size, MAX_KCONFIG);
		return -1;
	}
	u64 off = add_kconfig(m, sec, y->name, type + o->btf_shift, (u64)size);
	struct setting s = {o, y->name, text, type, true, file};
	out->addend = (i64)off;
	if (text && apply_setting(&s, m->data.v[sec].bytes + off, (u64)size))
		return -1;
	return 1;
}
