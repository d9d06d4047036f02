/*
 * The complete check of BTF: that of an object, and that of a target given by
 * --btf. libbpf's accessors trust what they read, so everything they rely on
 * is checked here first, in three rounds:
 *
 *   1. scan    walks the type section once: every record lies inside it, is
 *              of a known kind and as long as its kind says
 *   2. check   every id exists and is of a kind that may stand there, every
 *              name is a string, sizes are sane
 *   3. cycles  no type contains itself by value or is a chain of modifiers
 *              or pointers that never arrives (struct s { struct s *p; } is
 *              the only lawful way around)
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"

enum {
	BTF_HDR = 24,	 /* struct btf_header */
	TYPE_SIZE = 12,	 /* struct btf_type */
	MAX_BYTES = 16,	 /* widest INT */
	MAX_LINKAGE = 2, /* extern */
};

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

#define btf_error(v, ...) diag_error((v)->diag, &(v)->at, __VA_ARGS__)

static u32 vlen_of(const struct fe_btf_view *v, u32 id)
{
	return get_le32(v->type + v->off[id] + 4) & 0xffff;
}

static u32 size_of(const struct fe_btf_view *v, u32 id)
{
	return get_le32(v->type + v->off[id] + 8);
}

/* Word w of entry i behind the record. */
static u32 word_of(const struct fe_btf_view *v, u32 id, u32 i, u32 w)
{
	const struct kind_row *k = &kinds[v->kind[id]];
	u32 at = v->off[id] + TYPE_SIZE + i * k->each + w * 4;

	return get_le32(v->type + at);
}

/* ---- header -------------------------------------------------------------- */

static int check_header(struct fe_btf_view *v, const u8 *p, u64 size)
{
	u32 hdr_len, type_off, str_off;

	if (size < BTF_HDR) {
		btf_error(v, "size %llu, wanted at least %u",
			(unsigned long long)size, BTF_HDR);
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
	if (hdr_len < BTF_HDR || hdr_len > size || hdr_len % 4) {
		btf_error(v, "header length %u, wanted %u", hdr_len, BTF_HDR);
		return -1;
	}
	for (u32 i = BTF_HDR; i < hdr_len; i++)
		if (p[i]) {
			btf_error(v, "unknown header field at %u is not 0", i);
			return -1;
		}
	u64 room = size - hdr_len;
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
static u32 scan_type(struct fe_btf_view *v, u32 id, u32 off)
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

static int scan_types(struct fe_btf_view *v)
{
	u32 max = v->type_len / TYPE_SIZE + 2;

	v->off = arena_array(v->a, u32, max);
	v->kind = arena_array(v->a, u32, max);
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

static int bad_name(const struct fe_btf_view *v, u32 id, u32 name)
{
	if (name < v->str_len)
		return 0;
	btf_error(v, "type %u: %s: name at %u, wanted below %u", id,
		kinds[v->kind[id]].name, name, v->str_len);
	return -1;
}

static int bad_id(const struct fe_btf_view *v, u32 id, u32 to)
{
	if (to <= v->n)
		return 0;
	btf_error(v, "type %u: %s: type id %u, wanted at most %u", id,
		kinds[v->kind[id]].name, to, v->n);
	return -1;
}

static const char *kind_name(const struct fe_btf_view *v, u32 id)
{
	return id ? kinds[v->kind[id]].name : "void";
}

static int bad_kind(const struct fe_btf_view *v, u32 id, u32 to, u32 wanted)
{
	if (to && v->kind[to] == wanted)
		return 0;
	btf_error(v, "type %u: %s: type %u is %s, wanted %s", id,
		kinds[v->kind[id]].name, to, kind_name(v, to),
		kinds[wanted].name);
	return -1;
}

/* A type that a value can have: no declaration. */
static int bad_value_type(const struct fe_btf_view *v, u32 id, u32 to)
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

static int check_int(const struct fe_btf_view *v, u32 id)
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

static int check_members(const struct fe_btf_view *v, u32 id)
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

static int check_enum(const struct fe_btf_view *v, u32 id)
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

static int check_proto(const struct fe_btf_view *v, u32 id)
{
	int err = bad_value_type(v, id, size_of(v, id));

	for (u32 i = 0; i < vlen_of(v, id); i++) {
		err |= bad_name(v, id, word_of(v, id, i, 0));
		err |= bad_value_type(v, id, word_of(v, id, i, 1));
	}
	return err;
}

static int bad_linkage(const struct fe_btf_view *v, u32 id, u32 linkage)
{
	if (linkage <= MAX_LINKAGE)
		return 0;
	btf_error(v, "type %u: %s: linkage %u, wanted at most %u", id,
		kinds[v->kind[id]].name, linkage, MAX_LINKAGE);
	return -1;
}

/* Variables, or functions in .ksyms. Offsets and the section's size are 0
 * until a linker fills them in. */
static int check_datasec(const struct fe_btf_view *v, u32 id)
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

static int check_float(const struct fe_btf_view *v, u32 id)
{
	u32 size = size_of(v, id);

	if (size == 2 || size == 4 || size == 8 || size == 12 || size == 16)
		return 0;
	btf_error(v, "type %u: FLOAT of %u bytes", id, size);
	return -1;
}

static int check_decl_tag(const struct fe_btf_view *v, u32 id)
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

static int check_type(const struct fe_btf_view *v, u32 id)
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
static u32 edges_of(const struct fe_btf_view *v, u32 id, enum cycle_round r)
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

static u32 edge_of(const struct fe_btf_view *v, u32 id, u32 i)
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
	struct fe_btf_view *v, struct step *path, u32 root, enum cycle_round r)
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

static int check_cycles(struct fe_btf_view *v, enum cycle_round r)
{
	struct step *path = arena_array(v->a, struct step, v->n + 1u);

	v->colour = arena_array(v->a, u8, v->n + 1u);
	v->colour[0] = BLACK;
	for (u32 id = 1; id <= v->n; id++)
		if (v->colour[id] == WHITE && walk_from(v, path, id, r))
			return -1;
	return 0;
}

/* ---- all of it ----------------------------------------------------------- */

int fe_btf_check(struct fe_btf_view *v, const u8 *p, u64 size)
{
	int err = 0;

	if (check_header(v, p, size) || scan_types(v))
		return -1;
	for (u32 id = 1; id <= v->n; id++)
		err |= check_type(v, id);
	return err || check_cycles(v, BY_VALUE) || check_cycles(v, BY_NAME) ? -1
									    : 0;
}
