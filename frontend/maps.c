/*
 * Map definitions -> module->map. Two forms:
 *
 *   .maps          variables whose BTF type is the definition: __uint(name, n)
 *                  is a pointer to an array of n ints, __type(name, T) a
 *                  pointer to T, values[] what the map begins with
 *   maps, maps/x   struct bpf_map_def, five words and what each loader put
 *                  behind them, told apart by the size:
 *                  20  libbpf             28  kernel samples: inner map, node
 *                  16  without flags      36  iproute2: id, pinning, inner_id,
 *                                             inner_idx
 *
 * Every kind of map is read; whether kiln has it is asked by fe_map_check()
 * for the maps that compiled programs use.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"
#include "kiln/compile.h"
#include "kiln/format.h"
#include "kiln/map_size.h"

enum {
	LEGACY_MIN = 16,
	LEGACY_FLAGS = 20,
	LEGACY_KERNEL = 28,
	LEGACY_IPROUTE2 = 36,
	PIN_NONE = 0, /* enum libbpf_pin_type of bpf_helpers.h */
	PIN_BY_NAME = 1,
	PIN_REPLACE = 16, /* Cilium's: by name, instead of an older one */
};

bool fe_is_map_in_map(u32 type)
{
	const struct kiln_map_kind *k = kiln_map_kind(type);

	return k && k->traits & MAP_MAPS;
}

/* ---- adding -------------------------------------------------------------- */

static u32 add_map(struct fe_obj *o, const struct mapdef *def)
{
	struct module *m = o->m;
	enum sym_bind bind = def->is_static ? BIND_LOCAL : BIND_HIDDEN;
	struct mapdef *d = vec_push(m->a, &m->map);
	u32 idx = m->map.n - 1;

	*d = *def;
	d->file = o->file;
	d->sym = module_sym(m, SYM_MAP, bind, d->name, idx);
	d->values_sym = module_sym(m, SYM_VALUES, bind,
		arena_printf(m->a, "%s" KILN_VALUES_SUFFIX, d->name), idx);
	return idx;
}

static void place_map(
	struct fe_obj *o, u32 map, u32 sec, u64 off, u64 size, u64 values)
{
	struct fe_map *p = vec_push(o->m->a, &o->map);

	*p = (struct fe_map){sec, off, size, values, map};
}

/* ---- BTF-defined maps ---------------------------------------------------- */

struct def_parser {
	struct fe_obj *o;
	struct mapdef *d;
	const char *member; /* in work */
	bool inner;	    /* d is a template: no values of its own */
	u32 values;	    /* byte offset of `values`, or the struct's size */
};

#define def_error(p, ...)                                                  \
	({                                                                 \
		diag_error((p)->o->m->diag,                                \
			&(struct loc){.file = (p)->o->name,                \
				.section = arena_printf((p)->o->m->a,      \
					".maps: map %s: %s", (p)->d->name, \
					(p)->member),                      \
				.insn = -1},                               \
			__VA_ARGS__);                                      \
		-1;                                                        \
	})

/* __uint(name, n): the n of int (*name)[n]; __ulong: an enum of one value. */
static int read_uint(struct def_parser *p, u32 type, u64 *out)
{
	const struct btf *b = p->o->btf;
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, type));

	if (btf_is_enum(t) && btf_vlen(t) == 1) {
		*out = (u32)btf_enum(t)->val;
		return 0;
	}
	if (btf_is_enum64(t) && btf_vlen(t) == 1) {
		*out = btf_enum64_value(btf_enum64(t));
		return 0;
	}
	if (!btf_is_ptr(t))
		return def_error(p, "is no pointer, wanted __uint()");
	t = btf__type_by_id(b, fe_btf_strip(b, t->type));
	if (!btf_is_array(t))
		return def_error(p, "is no pointer to an array, wanted "
				    "__uint()");
	*out = btf_array(t)->nelems;
	return 0;
}

static int set_u32(struct def_parser *p, u32 type, u32 *field)
{
	u64 v;

	if (read_uint(p, type, &v))
		return -1;
	if (v > UINT32_MAX)
		return def_error(p, "%llu, wanted at most %u",
			(unsigned long long)v, UINT32_MAX);
	*field = (u32)v;
	return 0;
}

/* key_size and key, value_size and value may both be given, but must agree. */
static int set_size(struct def_parser *p, u32 *field, u64 size)
{
	if (size > UINT32_MAX || (*field && *field != size))
		return def_error(p, "size %llu, but %u was said before",
			(unsigned long long)size, *field);
	*field = (u32)size;
	return 0;
}

static int set_uint_size(struct def_parser *p, u32 type, u32 *field)
{
	u64 v;

	return read_uint(p, type, &v) ? -1 : set_size(p, field, v);
}

static int set_type(struct def_parser *p, u32 type, u32 *id, u32 *size_field)
{
	const struct btf *b = p->o->btf;
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, type));

	if (!btf_is_ptr(t))
		return def_error(p, "is no pointer, wanted __type()");
	i64 size = btf__resolve_size(b, t->type);
	if (size < 0)
		return def_error(p, "type %u has no size", t->type);
	*id = t->type + p->o->btf_shift;
	return set_size(p, size_field, (u64)size);
}

static int set_value(struct def_parser *p, u32 type)
{
	struct mapdef *d = p->d;

	if (set_type(p, type, &d->btf_value, &d->value_size))
		return -1;
	return fe_map_fields(p->o, d, d->btf_value - p->o->btf_shift);
}

static int set_pinning(struct def_parser *p, u32 type)
{
	if (set_u32(p, type, &p->d->pinning))
		return -1;
	if (p->d->pinning > PIN_BY_NAME && p->d->pinning != PIN_REPLACE)
		return def_error(p, "%u, wanted %u or %u", p->d->pinning,
			PIN_NONE, PIN_BY_NAME);
	return 0;
}

static int parse_def(struct def_parser *p, u32 type);

static int set_inner(struct def_parser *p, u32 type)
{
	struct mapdef inner = {
		.name = arena_printf(p->o->m->a, "%s.inner", p->d->name),
		.is_static = true,
		.is_template = true,
	};
	struct def_parser q = {
		.o = p->o, .d = &inner, .member = "values", .inner = true};

	if (parse_def(&q, type))
		return -1;
	p->d->inner = 1 + add_map(p->o, &inner);
	return 0;
}

/* values[]: pointers to maps of one definition, or to programs. */
static int set_values(struct def_parser *p, const struct btf_member *mb)
{
	const struct btf *b = p->o->btf;
	const struct btf_type *t =
		btf__type_by_id(b, fe_btf_strip(b, mb->type));
	u32 type = p->d->type, id;

	if (p->inner)
		return def_error(p, "a template has no values of its own");
	if (!fe_is_map_in_map(type) && type != BPF_MAP_TYPE_PROG_ARRAY)
		return def_error(p,
			"maps of type %u have none, wanted a map "
			"of maps or of programs",
			type);
	if (!btf_is_array(t))
		return def_error(p, "is no array");
	t = btf__type_by_id(b, fe_btf_strip(b, btf_array(t)->type));
	if (!btf_is_ptr(t))
		return def_error(p, "is no array of pointers");
	p->values = mb->offset / 8;
	if (set_size(p, &p->d->value_size, 4))
		return -1;
	id = fe_btf_strip(b, t->type);
	t = btf__type_by_id(b, id);
	if (!fe_is_map_in_map(type))
		return btf_is_func_proto(t)
			       ? 0
			       : def_error(p, "wanted pointers to functions");
	if (!btf_is_struct(t))
		return def_error(p, "wanted pointers to map definitions");
	return set_inner(p, id);
}

static int parse_member(
	struct def_parser *p, const struct btf_member *mb, bool last)
{
	struct mapdef *d = p->d;
	const char *s = p->member;
	u64 ignored;

	if (!strcmp(s, "type"))
		return set_u32(p, mb->type, &d->type);
	if (!strcmp(s, "key_size"))
		return set_uint_size(p, mb->type, &d->key_size);
	if (!strcmp(s, "value_size"))
		return set_uint_size(p, mb->type, &d->value_size);
	if (!strcmp(s, "key"))
		return set_type(p, mb->type, &d->btf_key, &d->key_size);
	if (!strcmp(s, "value"))
		return set_value(p, mb->type);
	if (!strcmp(s, "max_entries"))
		return set_u32(p, mb->type, &d->max_entries);
	if (!strcmp(s, "map_flags"))
		return set_u32(p, mb->type, &d->flags);
	if (!strcmp(s, "map_extra"))
		return read_uint(p, mb->type, &d->map_extra);
	if (!strcmp(s, "pinning"))
		return set_pinning(p, mb->type);
	if (!strcmp(s, "numa_node")) /* a hint about the kernel's memory */
		return read_uint(p, mb->type, &ignored);
	if (strcmp(s, "values"))
		return def_error(p, "unknown member of a map definition");
	if (!last)
		return def_error(p, "wanted as the last member");
	return set_values(p, mb);
}

static int parse_def(struct def_parser *p, u32 type)
{
	const struct btf_type *t = btf__type_by_id(p->o->btf, type);
	const struct btf_member *mb = btf_members(t);
	u32 n = btf_vlen(t);

	p->values = t->size;
	for (u32 i = 0; i < n; i++) {
		p->member = btf__name_by_offset(p->o->btf, mb[i].name_off);
		if (btf_member_bit_offset(t, i) % 8)
			return def_error(p, "is a bit-field");
		if (parse_member(p, &mb[i], i + 1 == n))
			return -1;
	}
	return 0;
}

/* From what the kernel's loader is told to what kiln's maps hold. */
static int own_sizes(struct fe_obj *o, struct mapdef *d)
{
	const struct kiln_map_kind *k = kiln_map_kind(d->type);

	/* loaders know these sizes better than sources, which leave them out
	 * or, for a ring buffer, say how large a record is */
	if (d->type == BPF_MAP_TYPE_RINGBUF ||
		d->type == KILN_MAP_TYPE_USER_RINGBUF)
		d->key_size = d->value_size = 0;
	if (d->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		d->key_size = d->value_size = 4;
	if (fe_is_map_in_map(d->type) && !d->value_size)
		d->value_size = 4;
	if (k && k->traits & MAP_PTR_VALUE && d->value_size == 4)
		d->value_size = 8;
	if (k && k->traits & MAP_PTR_KEY && d->key_size == 4)
		d->key_size = 8;
	if (k && k->traits & MAP_OPEN && k->traits & MAP_BARE &&
		d->max_entries) {
		fe_error(o, NULL, "map %s: max_entries %u, wanted 0", d->name,
			d->max_entries);
		return -1;
	}
	if (k && k->traits & MAP_OPEN && !d->max_entries)
		d->max_entries = MAP_OPEN_ENTRIES;
	return 0;
}

/* A map that another input defines. */
static int read_extern_map(struct fe_obj *o, const char *name, u32 type)
{
	struct mapdef d = {.name = name, .file = o->file};
	struct def_parser p = {.o = o, .d = &d, .member = ""};

	if (parse_def(&p, type))
		return -1;
	if (own_sizes(o, &d))
		return -1;
	*vec_push(o->m->a, &o->extern_map) = d;
	return 0;
}

static int read_btf_map(struct fe_obj *o, u32 datasec, u32 i, u32 maps)
{
	const struct btf *b = o->btf;
	const struct btf_type *ds = btf__type_by_id(b, datasec);
	const struct btf_type *var =
		btf__type_by_id(b, btf_var_secinfos(ds)[i].type);
	const char *name = btf__name_by_offset(b, var->name_off);
	u32 sec, type;
	u64 off;

	if (!btf_is_var(var) || !*name) {
		fe_error(o, ".maps", "entry %u is no variable with a name", i);
		return -1;
	}
	type = fe_btf_strip(b, var->type);
	const struct btf_type *t = btf__type_by_id(b, type);
	if (!btf_is_struct(t)) {
		fe_error(o, ".maps", "map %s: is no struct", name);
		return -1;
	}
	if (btf_var(var)->linkage == BTF_VAR_GLOBAL_EXTERN)
		return read_extern_map(o, name, type);
	if (!maps || !o->sec[maps].size) /* described, but not there */
		return 0;
	if (!fe_btf_place(o, datasec, i, &sec, &off) || sec != maps) {
		fe_error(o, ".maps", "map %s: has no place in the section",
			name);
		return -1;
	}
	if (!range_inside(off, t->size, o->sec[sec].size)) {
		fe_error(o, ".maps",
			"map %s: %u bytes at %llu end behind the section's "
			"%llu bytes",
			name, t->size, (unsigned long long)off,
			(unsigned long long)o->sec[sec].size);
		return -1;
	}
	struct mapdef d = {
		.name = name, .is_static = btf_var(var)->linkage == 0};
	struct def_parser p = {.o = o, .d = &d, .member = ""};
	if (parse_def(&p, type))
		return -1;
	/* the size of a struct does not count what values[] was given */
	u32 y = fe_find_sym(o, name, sec);
	u64 size = t->size;
	if (y && o->sym[y].value == off && o->sym[y].size > size)
		size = o->sym[y].size;
	u32 map = add_map(o, &d);
	o->m->sym.v[o->m->map.v[map].sym].is_weak =
		y && o->sym[y].bind == STB_WEAK;
	place_map(o, map, sec, off, size, p.values);
	return 0;
}

/* Maps of other inputs are declared without a section. */
static int read_btf_maps(struct fe_obj *o)
{
	u32 maps = fe_find_sec(o, ".maps");
	int err = 0;
	i32 ds = o->btf ? btf__find_by_name_kind(
				  o->btf, ".maps", BTF_KIND_DATASEC)
			: -1;

	if (ds < 0) {
		if (!maps || !o->sec[maps].size)
			return 0;
		fe_error(o, ".maps",
			"BTF does not describe it (compile with -g, bpf-gcc "
			"with -gbtf)");
		return -1;
	}
	btf__set_pointer_size(o->btf, 8);
	u32 n = btf_vlen(btf__type_by_id(o->btf, (u32)ds));
	for (u32 i = 0; i < n; i++)
		err |= read_btf_map(o, (u32)ds, i, maps);
	return err;
}

/* ---- legacy maps --------------------------------------------------------- */

struct legacy {
	u32 sym;
	u64 off, size;
	u32 id, inner_id, inner_idx; /* iproute2 */
	u32 inner_pos;		     /* kernel samples: position in section */
	bool by_pos;
};

/* The maps of a section by offset; each ends where the next begins. */
static int find_legacy(struct fe_obj *o, u32 sec, struct legacy *v, u32 *n)
{
	u32 nsyms;
	const u32 *at = fe_syms_of(o, sec, &nsyms);

	*n = 0;
	for (u32 i = 0; i < nsyms; i++) {
		const struct fe_sym *y = &o->sym[at[i]];

		if (y->type <= STT_OBJECT)
			v[(*n)++] = (struct legacy){
				.sym = at[i], .off = y->value, .size = y->size};
	}
	if (!*n && o->sec[sec].size) {
		fe_error(o, o->sec[sec].name, "no symbol names a map in it");
		return -1;
	}
	for (u32 i = 0; i < *n; i++) {
		u64 end = i + 1 < *n ? v[i + 1].off : o->sec[sec].size;
		u64 size = end - v[i].off;

		if (!v[i].size || v[i].size > size)
			v[i].size = size;
	}
	return 0;
}

static int check_tail(
	struct fe_obj *o, const struct legacy *l, const u8 *p, u64 from)
{
	for (u64 i = from; i < l->size; i++)
		if (p[i]) {
			fe_error(o, o->sec[o->sym[l->sym].sec].name,
				"map %s: %llu bytes, of which those behind "
				"%llu "
				"are unknown and not 0",
				o->sym[l->sym].name,
				(unsigned long long)l->size,
				(unsigned long long)from);
			return -1;
		}
	return 0;
}

static int read_legacy_map(struct fe_obj *o, struct legacy *l, u32 sec)
{
	const struct fe_sym *y = &o->sym[l->sym];
	const u8 *p = o->sec[sec].bytes + l->off;
	struct mapdef d = {.name = y->name, .is_static = y->bind == STB_LOCAL};

	if (l->size < LEGACY_MIN) {
		fe_error(o, o->sec[sec].name,
			"map %s: size %llu, wanted at least %u", y->name,
			(unsigned long long)l->size, LEGACY_MIN);
		return -1;
	}
	d.type = get_le32(p);
	d.key_size = get_le32(p + 4);
	d.value_size = get_le32(p + 8);
	d.max_entries = get_le32(p + 12);
	if (l->size >= LEGACY_FLAGS)
		d.flags = get_le32(p + 16);
	if (l->size == LEGACY_KERNEL) {
		l->by_pos = fe_is_map_in_map(d.type);
		l->inner_pos = get_le32(p + 20);
	} else if (l->size == LEGACY_IPROUTE2) {
		l->id = d.id = get_le32(p + 20);
		d.pinning = get_le32(p + 24) ? PIN_BY_NAME : 0;
		l->inner_id = get_le32(p + 28);
		l->inner_idx = get_le32(p + 32);
	} else if (l->size > LEGACY_FLAGS &&
		   check_tail(o, l, p, LEGACY_FLAGS)) {
		return -1;
	}
	place_map(o, add_map(o, &d), sec, l->off, l->size, l->size);
	return 0;
}

/* Kernel samples name the template by its position in the section. iproute2
 * names it by id, and a template with an inner_idx is also an element. */
static int link_legacy(
	struct fe_obj *o, const struct legacy *v, u32 n, u32 i, u32 first)
{
	struct mapdef *maps = o->m->map.v + first;
	struct mapdef *d = &maps[i];
	u32 found = n;

	if (!fe_is_map_in_map(d->type))
		return 0;
	if (v[i].by_pos) {
		found = v[i].inner_pos;
	} else {
		for (found = 0; found < n; found++)
			if (v[i].inner_id && v[found].id == v[i].inner_id)
				break;
	}
	if (found >= n || found == i || fe_is_map_in_map(maps[found].type)) {
		fe_error(o, o->sec[o->sym[v[i].sym].sec].name,
			"map %s: its inner map %u does not exist", d->name,
			v[i].by_pos ? v[i].inner_pos : v[i].inner_id);
		return -1;
	}
	d->inner = 1 + first + found;
	for (u32 k = 0; k < n && !v[i].by_pos; k++)
		if (v[k].id == v[i].inner_id && v[k].inner_idx < d->max_entries)
			*vec_push(o->m->a, &d->init) =
				(struct map_init){v[k].inner_idx, maps[k].sym};
	return 0;
}

static int read_legacy_maps(struct fe_obj *o, u32 sec)
{
	u32 first = o->m->map.n, n;

	fe_syms_of(o, sec, &n);
	struct legacy *v = arena_array(o->m->a, struct legacy, n);
	int err = find_legacy(o, sec, v, &n);

	for (u32 i = 0; i < n && !err; i++)
		err = read_legacy_map(o, &v[i], sec);
	for (u32 i = 0; i < n && !err; i++)
		err = link_legacy(o, v, n, i, first);
	return err;
}

/* ---- all of them --------------------------------------------------------- */

static int cmp_place(const void *a, const void *b)
{
	const struct fe_map *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->map > y->map) - (x->map < y->map);
}

static int check_overlap(struct fe_obj *o)
{
	if (o->map.n)
		qsort(o->map.v, o->map.n, sizeof(*o->map.v), cmp_place);
	for (u32 i = 1; i < o->map.n; i++) {
		const struct fe_map *a = &o->map.v[i - 1], *b = &o->map.v[i];

		if (a->sec != b->sec || a->off + a->size <= b->off)
			continue;
		fe_error(o, o->sec[b->sec].name, "maps %s and %s overlap",
			o->m->map.v[a->map].name, o->m->map.v[b->map].name);
		return -1;
	}
	return 0;
}

int fe_maps(struct module *m, struct fe_obj *o)
{
	u32 first = m->map.n;
	int err = read_btf_maps(o);

	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].role == ROLE_LEGACY)
			err |= read_legacy_maps(o, i);
	if (err || check_overlap(o))
		return -EINVAL;
	for (u32 i = first; i < m->map.n; i++)
		err |= own_sizes(o, &m->map.v[i]);
	return err ? -EINVAL : 0;
}

/* ---- options ------------------------------------------------------------- */

/* The source may fill entries that a smaller map has not. */
static int check_smaller(
	const struct module *m, const struct mapdef *d, const struct loc *at)
{
	for (u32 i = 0; i < d->init.n; i++) {
		if (d->init.v[i].slot < d->max_entries)
			continue;
		diag_error(m->diag, at,
			"--map %s=%u: the source gives a value to entry %u",
			d->name, d->max_entries, d->init.v[i].slot);
		return -1;
	}
	return 0;
}

static int set_entries(struct module *m, const struct kiln_name_value *v)
{
	struct loc at = {.file = m->file[0], .insn = -1};
	bool found = false;
	int err = 0;
	char *end;

	errno = 0;
	unsigned long long n = strtoull(v->value, &end, 0);
	if (errno || end == v->value || *end || n > UINT32_MAX || !n ||
		strchr(v->value, '-')) {
		diag_error(m->diag, &at,
			"--map %s=%s: wanted a number of entries", v->name,
			v->value);
		return -1;
	}
	for (u32 i = 0; i < m->map.n; i++)
		if (!strcmp(m->map.v[i].name, v->name)) {
			m->map.v[i].max_entries = (u32)n;
			err |= check_smaller(m, &m->map.v[i], &at);
			found = true;
		}
	if (found)
		return err;
	diag_error(m->diag, &at, "--map %s: there is no such map", v->name);
	return -1;
}

int fe_map_entries(struct module *m, const struct fe_opts *opts)
{
	int err = 0;

	for (u32 i = 0; opts->map_entries && opts->map_entries[i].name; i++)
		err |= set_entries(m, &opts->map_entries[i]);
	return err;
}

/* ---- maps of several inputs ---------------------------------------------- */

const char *fe_map_differs(
	const struct module *m, const struct mapdef *a, const struct mapdef *b)
{
	const char *what = a->type != b->type		      ? "type"
			   : a->key_size != b->key_size	      ? "key size"
			   : a->value_size != b->value_size   ? "value size"
			   : a->max_entries != b->max_entries ? "max_entries"
			   : a->flags != b->flags	      ? "map_flags"
			   : a->map_extra != b->map_extra     ? "map_extra"
			   : a->pinning != b->pinning	      ? "pinning"
			   : !a->inner != !b->inner	      ? "inner map"
			   : b->init.n			      ? "values"
							      : NULL;

	if (what || !a->inner)
		return what;
	what = fe_map_differs(
		m, &m->map.v[a->inner - 1], &m->map.v[b->inner - 1]);
	return what ? "inner map" : NULL;
}
