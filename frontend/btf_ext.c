/*
 * .BTF.ext: what lies where in the code: function types, source lines and
 * CO-RE relocations. Checked completely and kept; core.c applies CO-RE.
 * gcc writes the header and nothing behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"

#include <bpf/btf.h>

enum {
	EXT_HDR = 24,	   /* up to and with line_info_len */
	EXT_HDR_CORE = 32, /* with core_relo_off and core_relo_len */
	FUNC_REC = 8,	   /* struct bpf_func_info */
	LINE_REC = 16,	   /* struct bpf_line_info */
	CORE_REC = 16,	   /* struct bpf_core_relo */
	CORE_KINDS = 13,   /* enum bpf_core_relo_kind */
};

struct ext_view {
	struct fe_obj *o;
	const u32 *kind; /* BTF kinds by type id */
	u32 ntypes;
	const char *str;
	u32 str_len;
	const u8 *p; /* behind the header */
	u64 room;
};

/* One of the three tables. */
struct table {
	const char *name;
	u32 off, len;
	u32 rec_min;
	int (*rec)(struct ext_view *v, u32 sec, const u8 *rec);
};

#define ext_error(v, ...) fe_error((v)->o, ".BTF.ext", __VA_ARGS__)

static int bad_string(const struct ext_view *v, const char *what, u32 off)
{
	if (off < v->str_len)
		return 0;
	ext_error(v, "%s at %u, wanted below %u", what, off, v->str_len);
	return -1;
}

static int bad_insn(
	const struct ext_view *v, const char *what, u32 sec, u32 off)
{
	const struct fe_sec *s = &v->o->sec[sec];

	if (off % 8 == 0 && off < s->size)
		return 0;
	ext_error(v,
		"%s: offset %u in section %s, wanted an instruction below %llu",
		what, off, s->name, (unsigned long long)s->size);
	return -1;
}

/* ---- records ------------------------------------------------------------- */

static int read_func(struct ext_view *v, u32 sec, const u8 *rec)
{
	u32 off = get_le32(rec), type = get_le32(rec + 4);
	struct fe_func_type *f;

	if (bad_insn(v, "func_info", sec, off))
		return -1;
	if (!type || type > v->ntypes || v->kind[type] != BTF_KIND_FUNC) {
		ext_error(v, "func_info: type id %u, wanted a FUNC", type);
		return -1;
	}
	f = vec_push(v->o->m->a, &v->o->func_type);
	*f = (struct fe_func_type){sec, off, type};
	return 0;
}

static int read_line(struct ext_view *v, u32 sec, const u8 *rec)
{
	struct module *m = v->o->m;
	u32 off = get_le32(rec), file = get_le32(rec + 4);
	u32 text = get_le32(rec + 8), pos = get_le32(rec + 12);
	struct line *n;

	if (bad_insn(v, "line_info", sec, off) ||
		bad_string(v, "line_info: file name", file) ||
		bad_string(v, "line_info: source line", text))
		return -1;
	n = vec_push(m->a, &m->line);
	*n = (struct line){
		v->str + file, v->str + text, pos >> 10, pos & 0x3ff};
	*vec_push(m->a, &v->o->line) = (struct fe_line){sec, off, m->line.n};
	return 0;
}

static int read_core(struct ext_view *v, u32 sec, const u8 *rec)
{
	u32 type = get_le32(rec + 4), kind = get_le32(rec + 12);

	if (bad_insn(v, "core_relo", sec, get_le32(rec)) ||
		bad_string(v, "core_relo: access string", get_le32(rec + 8)))
		return -1;
	if (!type || type > v->ntypes) {
		ext_error(v, "core_relo: type id %u, wanted 1 to %u", type,
			v->ntypes);
		return -1;
	}
	if (kind >= CORE_KINDS) {
		ext_error(v, "core_relo: kind %u, wanted below %u", kind,
			CORE_KINDS);
		return -1;
	}
	*vec_push(v->o->m->a, &v->o->core) = (struct fe_core_rec){
		sec, get_le32(rec), type, v->str + get_le32(rec + 8), kind};
	return 0;
}

/* ---- tables -------------------------------------------------------------- */

/* {u32 section name; u32 count; records}: its length, 0 after a message. */
static u64 read_block(struct ext_view *v, const struct table *t, u32 rec_size,
	const u8 *p, u64 left)
{
	if (left < 8) {
		ext_error(v, "%s: %llu bytes left, wanted 8", t->name,
			(unsigned long long)left);
		return 0;
	}
	u32 name = get_le32(p), n = get_le32(p + 4);
	u64 len = 8 + (u64)n * rec_size;
	if (!n || len > left) {
		ext_error(v, "%s: %u records of %u bytes in %llu bytes",
			t->name, n, rec_size, (unsigned long long)left);
		return 0;
	}
	if (bad_string(v, "section name", name))
		return 0;
	u32 sec = fe_find_sec(v->o, v->str + name);
	if (!sec || v->o->sec[sec].role != ROLE_CODE) {
		ext_error(v, "%s: there is no code section %s", t->name,
			v->str + name);
		return 0;
	}
	for (u32 i = 0; i < n; i++)
		if (t->rec(v, sec, p + 8 + (u64)i * rec_size))
			return 0;
	return len;
}

static int read_table(struct ext_view *v, const struct table *t)
{
	const u8 *p = v->p + t->off;
	u64 at = 4;

	if (t->off % 4 || !range_inside(t->off, t->len, v->room)) {
		ext_error(v,
			"%s: %u bytes at offset %u, wanted them aligned and "
			"inside %llu bytes",
			t->name, t->len, t->off, (unsigned long long)v->room);
		return -1;
	}
	if (!t->len)
		return 0;
	if (t->len < 4) {
		ext_error(
			v, "%s: length %u, wanted at least 4", t->name, t->len);
		return -1;
	}
	u32 rec_size = get_le32(p);
	if (rec_size < t->rec_min || rec_size % 4) {
		ext_error(v,
			"%s: record size %u, wanted a multiple of 4 of at "
			"least %u",
			t->name, rec_size, t->rec_min);
		return -1;
	}
	while (at < t->len) {
		u64 n = read_block(v, t, rec_size, p + at, t->len - at);

		if (!n)
			return -1;
		at += n;
	}
	return 0;
}

static int check_header(struct ext_view *v, const struct fe_sec *s)
{
	const u8 *p = s->bytes;

	if (s->size < EXT_HDR) {
		ext_error(v, "size %llu, wanted at least %u",
			(unsigned long long)s->size, EXT_HDR);
		return -1;
	}
	if (get_le16(p) != BTF_MAGIC || p[2] != BTF_VERSION || p[3]) {
		ext_error(v,
			"magic %#x, version %u, flags %#x, wanted %#x, %u, 0",
			get_le16(p), p[2], p[3], BTF_MAGIC, BTF_VERSION);
		return -1;
	}
	u32 len = get_le32(p + 4);
	if (len < EXT_HDR || len > s->size || len % 4 ||
		(len > EXT_HDR && len < EXT_HDR_CORE)) {
		ext_error(v, "header length %u, wanted %u or %u", len, EXT_HDR,
			EXT_HDR_CORE);
		return -1;
	}
	for (u32 i = EXT_HDR_CORE; i < len; i++)
		if (p[i]) {
			ext_error(v, "unknown header field at %u is not 0", i);
			return -1;
		}
	v->p = p + len;
	v->room = s->size - len;
	return 0;
}

static int cmp_line(const void *a, const void *b)
{
	const struct fe_line *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static int cmp_func(const void *a, const void *b)
{
	const struct fe_func_type *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

int fe_btf_ext(struct fe_obj *o, const u32 *type_kind, u32 ntypes,
	const char *str, u32 str_len)
{
	struct ext_view v = {.o = o,
		.kind = type_kind,
		.ntypes = ntypes,
		.str = str,
		.str_len = str_len};
	const struct fe_sec *s = &o->sec[fe_find_sec(o, ".BTF.ext")];

	if (s == o->sec)
		return 0;
	if (!s->bytes || check_header(&v, s))
		return -1;
	const u8 *p = s->bytes;
	struct table t[] = {
		{"func_info", get_le32(p + 8), get_le32(p + 12), FUNC_REC,
			read_func},
		{"line_info", get_le32(p + 16), get_le32(p + 20), LINE_REC,
			read_line},
		{"core_relo", 0, 0, CORE_REC, read_core},
	};
	if (get_le32(p + 4) >= EXT_HDR_CORE) {
		t[2].off = get_le32(p + 24);
		t[2].len = get_le32(p + 28);
	}
	for (u32 i = 0; i < countof(t); i++)
		if (read_table(&v, &t[i]))
			return -1;
	if (o->line.n)
		qsort(o->line.v, o->line.n, sizeof(*o->line.v), cmp_line);
	if (o->func_type.n)
		qsort(o->func_type.v, o->func_type.n, sizeof(*o->func_type.v),
			cmp_func);
	return 0;
}
