/*
 * .BTF: the types of an object. libbpf's accessors trust what they read, so
 * everything they rely on is checked here first, in three rounds:
 *
 *   1. scan    walks the type section once: every record lies inside it, is
 *              of a known kind and as long as its kind says
 *   2. check   every id exists and is of a kind that may stand there, every
 *              name is a string, sizes are sane
 *   3. cycles  no type contains itself by value or is a chain of modifiers
 *              or pointers that never arrives (struct s { struct s *p; } is
 *              the only lawful way around)
 *
 * Only then libbpf opens it. The link's types are those of all its objects
 * one after the other (btf__add_btf).
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"

/* Statics with state: libbpf's print callback belongs to the process. */
static pthread_mutex_t libbpf_lock = PTHREAD_MUTEX_INITIALIZER;
static libbpf_print_fn_t libbpf_print;

enum {
	BTF_HDR = 24,	 /* struct btf_header */
	TYPE_SIZE = 12,	 /* struct btf_type */
	MAX_BYTES = 16,	 /* widest INT */
	MAX_LINKAGE = 2, /* extern */
};

struct btf_view {
	struct fe_obj *o;
	const u8 *type; /* the type section */
	const char *str;
	u32 type_len, str_len;
	u32 n;	    /* types, without void */
	u32 *off;   /* by id; 0 unused */
	u32 *kind;  /* by id; [0] is BTF_KIND_UNKN for void */
	u8 *colour; /* round 3 */
};

/* ---- libbpf -------------------------------------------------------------- */

static int print_nothing(
	enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

void fe_libbpf_enter(void)
{
	pthread_mutex_lock(&libbpf_lock);
	libbpf_print = libbpf_set_print(print_nothing);
}

void fe_libbpf_leave(void)
{
	libbpf_set_print(libbpf_print);
	pthread_mutex_unlock(&libbpf_lock);
}

/* ---- kinds --------------------------------------------------------------- */

/* What follows struct btf_type, and what its fields mean. */
static const struct kind_row {
	const char *name;
	u8 fixed;  /* bytes behind the record */
	u8 each;   /* bytes per vlen entry */
	u8 vlen;   /* vlen may be other than 0 */
	u8 kflag;  /* kind_flag may be set */
	u8 refers; /* size_or_type is a type id */
} kinds[] = {
	// clang-format off
	[BTF_KIND_INT]        = {"INT",        4, 0,  0, 0, 0},
	[BTF_KIND_PTR]        = {"PTR",        0, 0,  0, 0, 1},
	[BTF_KIND_ARRAY]      = {"ARRAY",      12, 0, 0, 0, 0},
	[BTF_KIND_STRUCT]     = {"STRUCT",     0, 12, 1, 1, 0},
	[BTF_KIND_UNION]      = {"UNION",      0, 12, 1, 1, 0},
	[BTF_KIND_ENUM]       = {"ENUM",       0, 8,  1, 1, 0},
	[BTF_KIND_FWD]        = {"FWD",        0, 0,  0, 1, 0},
	[BTF_KIND_TYPEDEF]    = {"TYPEDEF",    0, 0,  0, 0, 1},
	[BTF_KIND_VOLATILE]   = {"VOLATILE",   0, 0,  0, 0, 1},
	[BTF_KIND_CONST]      = {"CONST",      0, 0,  0, 0, 1},
	[BTF_KIND_RESTRICT]   = {"RESTRICT",   0, 0,  0, 0, 1},
	[BTF_KIND_FUNC]       = {"FUNC",       0, 0,  1, 0, 1}, /* linkage */
	[BTF_KIND_FUNC_PROTO] = {"FUNC_PROTO", 0, 8,  1, 0, 1},
	[BTF_KIND_VAR]        = {"VAR",        4, 0,  0, 0, 1},
	[BTF_KIND_DATASEC]    = {"DATASEC",    0, 12, 1, 0, 0},
	[BTF_KIND_FLOAT]      = {"FLOAT",      0, 0,  0, 0, 0},
	[BTF_KIND_DECL_TAG]   = {"DECL_TAG",   4, 0,  0, 1, 1},
	[BTF_KIND_TYPE_TAG]   = {"TYPE_TAG",   0, 0,  0, 1, 1},
	[BTF_KIND_ENUM64]     = {"ENUM64",     0, 12, 1, 1, 0},
	// clang-format on
};

#define btf_error(v, ...) fe_error((v)->o, ".BTF", __VA_ARGS__)

static u32 vlen_of(const struct btf_view *v, u32 id)
{
	return get_le32(v->type + v->off[id] + 4) & 0xffff;
}

static u32 size_of(const struct btf_view *v, u32 id)
{
	return get_le32(v->type + v->off[id] + 8);
}

/* Word w of entry i behind the record. */
static u32 word_of(const struct btf_view *v, u32 id, u32 i, u32 w)
{
	const struct kind_row *k = &kinds[v->kind[id]];
	u32 at = v->off[id] + TYPE_SIZE + i * k->each + w * 4;

	return get_le32(v->type + at);
}

/* ---- header -------------------------------------------------------------- */

static int check_header(struct btf_view *v, const struct fe_sec *s)
{
	const u8 *p = s->bytes;
	u32 hdr_len, type_off, str_off;

	if (s->size < BTF_HDR) {
		btf_error(v, "size %llu, wanted at least %u",
			(unsigned long long)s->size, BTF_HDR);
		return -1;
	}
	if (get_le16(p) != BTF_MAGIC || p[2] != BTF_VERSION || p[3]) {
		btf_error(v,
			"magic %#x, version %u, flags %#x, wanted %#x, %u, 0",
			get_le16(p), p[2], p[3], BTF_MAGIC, BTF_VERSION);
		return -1;
	}
	hdr_len = get_le32(p + 4);
	type_off = get_le32(p + 8);
	v->type_len = get_le32(p + 12);
	str_off = get_le32(p + 16);
	v->str_len = get_le32(p + 20);
	if (hdr_len < BTF_HDR || hdr_len > s->size || hdr_len % 4) {
		btf_error(v, "header length %u, wanted %u", hdr_len, BTF_HDR);
		return -1;
	}
	for (u32 i = BTF_HDR; i < hdr_len; i++)
		if (p[i]) {
			btf_error(v, "unknown header field at %u is not 0", i);
			return -1;
		}
	u64 room = s->size - hdr_len;
	if (type_off % 4 || !range_inside(type_off, v->type_len, room)) {
		btf_error(v,
			"types: %u bytes at offset %u, wanted them aligned "
			"and inside %llu bytes",
			v->type_len, type_off, (unsigned long long)room);
		return -1;
	}
	if (str_off < (u64)type_off + v->type_len ||
		!range_inside(str_off, v->str_len, room)) {
		btf_error(v,
			"strings: %u bytes at offset %u, wanted them behind "
			"the types and inside %llu bytes",
			v->str_len, str_off, (unsigned long long)room);
		return -1;
	}
	v->type = p + hdr_len + type_off;
	v->str = (const char *)p + hdr_len + str_off;
	if (!v->str_len || v->str[0] || v->str[v->str_len - 1]) {
		btf_error(v, "strings do not begin and end with NUL");
		return -1;
	}
	return 0;
}

/* ---- 1. scan ------------------------------------------------------------- */

/* The record at off: its length, or 0 after a message. */
static u32 scan_type(struct btf_view *v, u32 id, u32 off)
{
	u32 left = v->type_len - off;

	if (left < TYPE_SIZE) {
		btf_error(v, "type %u: %u bytes left, wanted %u", id, left,
			TYPE_SIZE);
		return 0;
	}
	u32 info = get_le32(v->type + off + 4);
	u32 kind = info >> 24 & 0x1f, vlen = info & 0xffff;
	if (!kind || kind >= countof(kinds) || !kinds[kind].name) {
		btf_error(v, "type %u: kind %u is unknown", id, kind);
		return 0;
	}
	const struct kind_row *k = &kinds[kind];
	if (info & 0x60ff0000 || (vlen && !k->vlen) ||
		(info >> 31 && !k->kflag)) {
		btf_error(v, "type %u: %s with info %#x", id, k->name, info);
		return 0;
	}
	u32 len = TYPE_SIZE + k->fixed + vlen * k->each;
	if (len > left) {
		btf_error(v, "type %u: %s of %u bytes, but %u are left", id,
			k->name, len, left);
		return 0;
	}
	v->off[id] = off;
	v->kind[id] = kind;
	return len;
}

static int scan_types(struct btf_view *v)
{
	u32 max = v->type_len / TYPE_SIZE + 2;

	v->off = arena_array(v->o->m->a, u32, max);
	v->kind = arena_array(v->o->m->a, u32, max);
	for (u32 off = 0; off < v->type_len;) {
		u32 len = scan_type(v, v->n + 1, off);

		if (!len)
			return -1;
		v->n++;
		off += len;
	}
	return 0;
}

/* ---- 2. check ------------------------------------------------------------ */

static int bad_name(const struct btf_view *v, u32 id, u32 name)
{
	if (name < v->str_len)
		return 0;
	btf_error(v, "type %u: %s: name at %u, wanted below %u", id,
		kinds[v->kind[id]].name, name, v->str_len);
	return -1;
}

static int bad_id(const struct btf_view *v, u32 id, u32 to)
{
	if (to <= v->n)
		return 0;
	btf_error(v, "type %u: %s: type id %u, wanted at most %u", id,
		kinds[v->kind[id]].name, to, v->n);
	return -1;
}

static const char *kind_name(const struct btf_view *v, u32 id)
{
	return id ? kinds[v->kind[id]].name : "void";
}

static int bad_kind(const struct btf_view *v, u32 id, u32 to, u32 wanted)
{
	if (to && v->kind[to] == wanted)
		return 0;
	btf_error(v, "type %u: %s: type %u is %s, wanted %s", id,
		kinds[v->kind[id]].name, to, kind_name(v, to),
		kinds[wanted].name);
	return -1;
}

/* A type that a value can have: no declaration. */
static int bad_value_type(const struct btf_view *v, u32 id, u32 to)
{
	u32 k;

	if (bad_id(v, id, to))
		return -1;
	k = v->kind[to];
	if (k != BTF_KIND_FUNC && k != BTF_KIND_VAR && k != BTF_KIND_DATASEC &&
		k != BTF_KIND_DECL_TAG)
		return 0;
	btf_error(v, "type %u: %s: type %u is %s, which no value has", id,
		kinds[v->kind[id]].name, to, kinds[k].name);
	return -1;
}

static int check_int(const struct btf_view *v, u32 id)
{
	u32 size = size_of(v, id), data = word_of(v, id, 0, 0);
	u32 bits = data & 0xff, shift = data >> 16 & 0xff;

	if (size && size <= MAX_BYTES && !(size & (size - 1)) && bits &&
		bits + shift <= size * 8)
		return 0;
	btf_error(v, "type %u: INT of %u bytes with %u bits at %u", id, size,
		bits, shift);
	return -1;
}

static int check_members(const struct btf_view *v, u32 id)
{
	u64 bits = (u64)size_of(v, id) * 8;
	bool kflag = get_le32(v->type + v->off[id] + 4) >> 31;
	int err = 0;

	for (u32 i = 0; i < vlen_of(v, id); i++) {
		u32 at = word_of(v, id, i, 2);

		err |= bad_name(v, id, word_of(v, id, i, 0));
		err |= bad_value_type(v, id, word_of(v, id, i, 1));
		if ((kflag ? at & 0xffffff : at) <= bits)
			continue;
		btf_error(v, "type %u: %s: member %u at bit %u of %llu", id,
			kinds[v->kind[id]].name, i, kflag ? at & 0xffffff : at,
			(unsigned long long)bits);
		err = -1;
	}
	return err;
}

static int check_enum(const struct btf_view *v, u32 id)
{
	u32 size = size_of(v, id);
	int err = 0;

	if (!size || size > 8 || size & (size - 1)) {
		btf_error(v, "type %u: %s of %u bytes, wanted 1, 2, 4 or 8", id,
			kinds[v->kind[id]].name, size);
		return -1;
	}
	for (u32 i = 0; i < vlen_of(v, id); i++)
		err |= bad_name(v, id, word_of(v, id, i, 0));
	return err;
}

static int check_proto(const struct btf_view *v, u32 id)
{
	int err = bad_value_type(v, id, size_of(v, id));

	for (u32 i = 0; i < vlen_of(v, id); i++) {
		err |= bad_name(v, id, word_of(v, id, i, 0));
		err |= bad_value_type(v, id, word_of(v, id, i, 1));
	}
	return err;
}

static int bad_linkage(const struct btf_view *v, u32 id, u32 linkage)
{
	if (linkage <= MAX_LINKAGE)
		return 0;
	btf_error(v, "type %u: %s: linkage %u, wanted at most %u", id,
		kinds[v->kind[id]].name, linkage, MAX_LINKAGE);
	return -1;
}

/* Variables, or functions in .ksyms. Offsets and the section's size are 0
 * until a linker fills them in. */
static int check_datasec(const struct btf_view *v, u32 id)
{
	int err = 0;

	for (u32 i = 0; i < vlen_of(v, id); i++) {
		u32 to = word_of(v, id, i, 0);

		if (bad_id(v, id, to))
			err = -1;
		else if (v->kind[to] != BTF_KIND_FUNC)
			err |= bad_kind(v, id, to, BTF_KIND_VAR);
	}
	return err;
}

static int check_float(const struct btf_view *v, u32 id)
{
	u32 size = size_of(v, id);

	if (size == 2 || size == 4 || size == 8 || size == 12 || size == 16)
		return 0;
	btf_error(v, "type %u: FLOAT of %u bytes", id, size);
	return -1;
}

static int check_decl_tag(const struct btf_view *v, u32 id)
{
	u32 to = size_of(v, id), n;
	i32 component = (i32)word_of(v, id, 0, 0);

	if (bad_id(v, id, to))
		return -1;
	if (!to || component == -1)
		return 0;
	if (v->kind[to] == BTF_KIND_FUNC) {
		to = size_of(v, to);
		if (bad_id(v, id, to) ||
			bad_kind(v, id, to, BTF_KIND_FUNC_PROTO))
			return -1;
	}
	n = kinds[v->kind[to]].each ? vlen_of(v, to) : 0;
	if (component >= 0 && (u32)component < n)
		return 0;
	btf_error(
		v, "type %u: DECL_TAG on component %d of %u", id, component, n);
	return -1;
}

static int check_type(const struct btf_view *v, u32 id)
{
	u32 to = size_of(v, id);

	if (bad_name(v, id, get_le32(v->type + v->off[id])))
		return -1;
	switch (v->kind[id]) {
	case BTF_KIND_INT: return check_int(v, id);
	case BTF_KIND_ARRAY:
		return bad_value_type(v, id, word_of(v, id, 0, 0)) |
		       bad_value_type(v, id, word_of(v, id, 0, 1));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return check_members(v, id);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64: return check_enum(v, id);
	case BTF_KIND_FWD: return 0;
	case BTF_KIND_FUNC:
		return bad_id(v, id, to) ||
		       bad_kind(v, id, to, BTF_KIND_FUNC_PROTO) ||
		       bad_linkage(v, id, vlen_of(v, id));
	case BTF_KIND_FUNC_PROTO: return check_proto(v, id);
	case BTF_KIND_VAR:
		return bad_value_type(v, id, to) |
		       bad_linkage(v, id, word_of(v, id, 0, 0));
	case BTF_KIND_DATASEC: return check_datasec(v, id);
	case BTF_KIND_FLOAT: return check_float(v, id);
	case BTF_KIND_DECL_TAG: return check_decl_tag(v, id);
	default: return bad_value_type(v, id, to); /* pointers, modifiers */
	}
}

/* ---- 3. cycles ----------------------------------------------------------- */

/* Two rounds of depth-first search. By value: through everything but
 * pointers and prototypes. By name: through everything but structs and
 * unions, for chains of pointers that never arrive. */
enum cycle_round { BY_VALUE, BY_NAME };

/* How many types the type refers to in this round. */
static u32 edges_of(const struct btf_view *v, u32 id, enum cycle_round r)
{
	switch (v->kind[id]) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return r == BY_VALUE ? vlen_of(v, id) : 0;
	case BTF_KIND_DATASEC: return vlen_of(v, id);
	case BTF_KIND_PTR: return r == BY_NAME;
	case BTF_KIND_FUNC_PROTO: return r == BY_NAME ? 1 + vlen_of(v, id) : 0;
	case BTF_KIND_ARRAY: return 2;
	default: return kinds[v->kind[id]].refers;
	}
}

static u32 edge_of(const struct btf_view *v, u32 id, u32 i)
{
	switch (v->kind[id]) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return word_of(v, id, i, 1);
	case BTF_KIND_DATASEC: return word_of(v, id, i, 0);
	case BTF_KIND_ARRAY: return word_of(v, id, 0, i);
	case BTF_KIND_FUNC_PROTO:
		return i ? word_of(v, id, i - 1, 1) : size_of(v, id);
	default: return size_of(v, id);
	}
}

enum { WHITE, GREY, BLACK };

struct step {
	u32 id, next;
};

/* Grey types are on the path (the stack); meeting one is a cycle. */
static int walk_from(
	struct btf_view *v, struct step *path, u32 root, enum cycle_round r)
{
	u32 depth = 0;

	path[depth++] = (struct step){root, 0};
	v->colour[root] = GREY;
	while (depth) {
		struct step *s = &path[depth - 1];

		if (s->next == edges_of(v, s->id, r)) {
			v->colour[s->id] = BLACK;
			depth--;
			continue;
		}
		u32 to = edge_of(v, s->id, s->next++);
		if (v->colour[to] == GREY) {
			btf_error(v, "type %u: %s: contains itself", to,
				kinds[v->kind[to]].name);
			return -1;
		}
		if (v->colour[to] == BLACK)
			continue;
		v->colour[to] = GREY;
		path[depth++] = (struct step){to, 0};
	}
	return 0;
}

static int check_cycles(struct btf_view *v, enum cycle_round r)
{
	struct step *path = arena_array(v->o->m->a, struct step, v->n + 1u);

	v->colour = arena_array(v->o->m->a, u8, v->n + 1u);
	v->colour[0] = BLACK;
	for (u32 id = 1; id <= v->n; id++)
		if (v->colour[id] == WHITE && walk_from(v, path, id, r))
			return -1;
	return 0;
}

/* ---- opening ------------------------------------------------------------- */

static int cmp_rel(const void *a, const void *b)
{
	const struct fe_rel *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static int check_btf(struct btf_view *v, const struct fe_sec *s)
{
	int err = 0;

	if (check_header(v, s) || scan_types(v))
		return -1;
	for (u32 id = 1; id <= v->n; id++)
		err |= check_type(v, id);
	return err || check_cycles(v, BY_VALUE) || check_cycles(v, BY_NAME);
}

/* Compilers leave the places of variables to the linker, which we are. */
static void fill_datasecs(
	const struct fe_obj *o, const struct btf_view *v, u8 *copy)
{
	u8 *types = copy + (v->type - o->sec[o->btf_sec].bytes);

	for (u32 id = 1; id <= v->n; id++) {
		u8 *t = types + v->off[id];
		u32 sec = 0, at_sec;
		u64 off;

		if (v->kind[id] != BTF_KIND_DATASEC)
			continue;
		for (u32 i = 0; i < vlen_of(v, id); i++) {
			if (!fe_btf_place(o, id, i, &at_sec, &off))
				continue;
			put_le32(t + TYPE_SIZE + i * 12 + 4, (u32)off);
			sec = at_sec;
		}
		if (sec)
			put_le32(t + 8, (u32)o->sec[sec].size);
	}
}

/* A second object's types go behind those of the first. */
static int add_to_link(struct fe_obj *o, const void *bytes, u32 size)
{
	struct module *m = o->m;
	int first = 1;
	u32 n;

	fe_libbpf_enter();
	struct btf *b = btf__new(bytes, size);
	if (b && m->btf_types) {
		first = btf__add_btf(m->btf_types, b);
		btf__free(b);
	} else {
		m->btf_types = o->btf_of_link = b;
	}
	const void *raw = b ? btf__raw_data(m->btf_types, &n) : NULL;
	fe_libbpf_leave();
	if (first < 0 || !raw) {
		fe_error(o, ".BTF", "libbpf cannot take over its types");
		return -1;
	}
	o->btf_shift = (u32)first - 1;
	m->btf = arena_dup(m->a, raw, n);
	m->btf_size = n;
	return 0;
}

int fe_btf(struct module *m, struct fe_obj *o)
{
	struct btf_view v = {.o = o};
	u32 idx = fe_find_sec(o, ".BTF");

	if (!idx) {
		if (!fe_find_sec(o, ".BTF.ext"))
			return 0;
		fe_error(o, ".BTF.ext", "there is no .BTF for it");
		return -1;
	}
	const struct fe_sec *s = &o->sec[idx];
	if (s->nrel)
		qsort(s->rel, s->nrel, sizeof(*s->rel), cmp_rel);
	if (!s->bytes || check_btf(&v, s))
		return -1;
	/* libbpf wants it aligned, which gcc does not */
	u8 *copy = arena_dup(m->a, s->bytes, s->size);
	fe_libbpf_enter();
	o->btf = btf__new(copy, (u32)s->size);
	fe_libbpf_leave();
	if (!o->btf || btf__type_cnt(o->btf) != v.n + 1) {
		fe_error(o, ".BTF", "libbpf does not read it");
		return -1;
	}
	o->btf_sec = idx;
	i32 kconfig =
		btf__find_by_name_kind(o->btf, ".kconfig", BTF_KIND_DATASEC);
	o->kconfig = kconfig > 0 ? (u32)kconfig : 0;
	fill_datasecs(o, &v, copy);
	if (add_to_link(o, copy, (u32)s->size))
		return -1;
	return fe_btf_ext(o, v.kind, v.n, v.str, v.str_len);
}

void fe_close(struct fe_obj *o)
{
	if (o->btf_of_link) {
		o->m->btf_types = NULL;
		btf__free(o->btf_of_link);
	}
	btf__free(o->btf);
}

/* ---- questions ----------------------------------------------------------- */

static bool is_modifier(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t);
}

u32 fe_btf_strip(const struct btf *b, u32 id)
{
	for (;;) {
		const struct btf_type *t = btf__type_by_id(b, id);

		if (!is_modifier(t))
			return id;
		id = t->type;
	}
}

bool fe_btf_is_knob(const struct btf *b, u32 id)
{
	bool is_const = false, is_volatile = false;

	for (;;) {
		const struct btf_type *t = btf__type_by_id(b, id);

		is_const |= btf_is_const(t);
		is_volatile |= btf_is_volatile(t);
		if (btf_is_array(t))
			id = btf_array(t)->type;
		else if (is_modifier(t))
			id = t->type;
		else
			return is_const && is_volatile;
	}
}

/* clang relocates the offset field of each variable; gcc leaves 0 there and
 * has no two variables of one name in a section. */
static bool place_by_rel(
	const struct fe_obj *o, u64 field, u32 value, u32 *sec, u64 *off)
{
	const struct fe_sec *s = &o->sec[o->btf_sec];
	const struct fe_rel key = {.off = field};
	const struct fe_rel *r =
		s->nrel ? bsearch(&key, s->rel, s->nrel, sizeof(key), cmp_rel)
			: NULL;
	const struct fe_sym *y = r ? &o->sym[r->sym] : NULL;

	if (!y || !y->sec || y->sec >= o->nsec)
		return false;
	*sec = y->sec;
	*off = y->value + value;
	return *off <= o->sec[*sec].size;
}

bool fe_btf_place(
	const struct fe_obj *o, u32 datasec, u32 i, u32 *sec, u64 *off)
{
	const struct btf_type *t = btf__type_by_id(o->btf, datasec);
	const struct btf_var_secinfo *vi = &btf_var_secinfos(t)[i];
	const struct btf_type *var = btf__type_by_id(o->btf, vi->type);
	const char *sec_name = btf__name_by_offset(o->btf, t->name_off);
	u32 size, sym;

	const u8 *raw = btf__raw_data(o->btf, &size);
	u64 field = (u64)((const u8 *)&vi->offset - raw);
	if (place_by_rel(o, field, vi->offset, sec, off))
		return true;
	sym = fe_find_sym(o, btf__name_by_offset(o->btf, var->name_off),
		fe_find_sec(o, sec_name));
	if (!sym || o->sym[sym].sec >= o->nsec)
		return false;
	*sec = o->sym[sym].sec;
	*off = o->sym[sym].value;
	return true;
}
