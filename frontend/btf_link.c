/*
 * The types of several inputs -> one set, as one object would have them.
 * module->btf_types holds them one behind the other (btf.c). Here
 *
 *   1. functions and variables that another input defines become what they
 *      are there
 *   2. sections (DATASEC) are taken out and built again at the end, one of
 *      each name, with the variables of all inputs at their final places
 *   3. equal types merge (btf__dedup). It does not say what became of a type,
 *      so a VAR of every type that the module knows by number stands behind
 *      them all: VARs never merge and keep their order
 *   4. these are cut off again, having told the new numbers
 *
 * What goes in was checked (btf.c); only the records' lengths are looked at.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"

enum { MARK_SIZE = sizeof(struct btf_type) + sizeof(struct btf_var) };

/* One variable of a section of the result. */
struct entry {
	u32 type, size;
	u64 off;
};

struct section {
	const char *name;
	u32 name_off;
	u64 size;
	vec(struct entry) entry;
};

struct merge {
	struct module *m;
	struct fe_obj *const *o;
	size_t n;
	struct btf *all; /* module->btf_types */
	u32 ntypes;	 /* of it, with void */
	bool *stays;	 /* by type: it is in the result ... */
	u32 *id;	 /* ... under this number */
	vec(struct section) section;
	vec(u32 *) mark; /* type numbers that the module keeps */
	struct buf types;
};

static u32 type_len(const struct btf_type *t)
{
	static const struct {
		u8 fixed, each;
	} extra[] = {
		[BTF_KIND_INT] = {4, 0},
		[BTF_KIND_ARRAY] = {sizeof(struct btf_array), 0},
		[BTF_KIND_STRUCT] = {0, sizeof(struct btf_member)},
		[BTF_KIND_UNION] = {0, sizeof(struct btf_member)},
		[BTF_KIND_ENUM] = {0, sizeof(struct btf_enum)},
		[BTF_KIND_FUNC_PROTO] = {0, sizeof(struct btf_param)},
		[BTF_KIND_VAR] = {sizeof(struct btf_var), 0},
		[BTF_KIND_DATASEC] = {0, sizeof(struct btf_var_secinfo)},
		[BTF_KIND_DECL_TAG] = {sizeof(struct btf_decl_tag), 0},
		[BTF_KIND_ENUM64] = {0, sizeof(struct btf_enum64)},
	};
	u32 k = btf_kind(t), len = sizeof(*t);

	if (k < countof(extra))
		len += extra[k].fixed + (u32)btf_vlen(t) * extra[k].each;
	return len;
}

static const struct btf_type *type_of(const struct merge *k, u32 id)
{
	return btf__type_by_id(k->all, id);
}

static const char *name_of(const struct merge *k, const struct btf_type *t)
{
	return btf__name_by_offset(k->all, t->name_off);
}

/* ---- 1. declarations ------------------------------------------------------- */

/* The function of that name that some input defines, or NULL. */
static const struct func *find_func(const struct module *m, const char *name)
{
	for (u32 i = 0; i < m->func.n; i++) {
		const struct func *f = &m->func.v[i];

		if (f->is_global && !m->sym.v[f->sym].is_replaced &&
			!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

static int nparams(const struct merge *k, const struct btf_type *func)
{
	return btf_vlen(type_of(k, func->type));
}

/* libbpf hands its types out as const, but they are this link's. */
static void become(const struct btf_type *t, const struct btf_type *def)
{
	*(struct btf_type *)(uintptr_t)t = *def;
}

static int settle_func(
	struct merge *k, const struct fe_obj *o, const struct btf_type *t)
{
	const struct func *f = find_func(k->m, name_of(k, t));
	const struct btf_type *def;

	if (!f || !f->btf_type)
		return 0;
	def = type_of(k, f->btf_type);
	if (nparams(k, t) != nparams(k, def)) {
		fe_error(o, ".BTF",
			"function %s has %d parameters, but %d in %s", f->name,
			nparams(k, t), nparams(k, def),
			k->m->file[k->m->sym.v[f->sym].file]);
		return -1;
	}
	become(t, def);
	return 0;
}

static u32 first_of(const struct merge *k, size_t i)
{
	return k->o[i]->btf_shift + 1;
}

/* Types of input i are [first, end); none without .BTF. */
static u32 end_of(const struct merge *k, size_t i)
{
	const struct fe_obj *o = k->o[i];

	return o->btf ? o->btf_shift + btf__type_cnt(o->btf) : o->btf_shift + 1;
}

static bool is_extern_var(const struct btf_type *t)
{
	return btf_is_var(t) && btf_var(t)->linkage == BTF_VAR_GLOBAL_EXTERN;
}

/* The variable that some input defines under the name of var, or var. */
static u32 find_var(const struct merge *k, u32 var)
{
	const char *name = name_of(k, type_of(k, var));

	for (u32 id = 1; id < k->ntypes; id++) {
		const struct btf_type *t = type_of(k, id);

		if (btf_is_var(t) &&
			btf_var(t)->linkage == BTF_VAR_GLOBAL_ALLOCATED &&
			!strcmp(name_of(k, t), name))
			return id;
	}
	return var;
}

static int settle_funcs(struct merge *k)
{
	int err = 0;

	for (size_t i = 0; i < k->n; i++)
		for (u32 id = first_of(k, i); id < end_of(k, i); id++) {
			const struct btf_type *t = type_of(k, id);

			if (btf_is_func(t) && btf_vlen(t) == BTF_FUNC_EXTERN)
				err |= settle_func(k, k->o[i], t);
		}
	return err;
}

/* Bytes of a variable; 0 if its type does not say, as of int v[]. */
static i64 var_size(const struct merge *k, u32 var)
{
	i64 size = btf__resolve_size(k->all, type_of(k, var)->type);

	return size < 0 ? 0 : size;
}

static int check_var(struct merge *k, size_t file, u32 var)
{
	u32 def = find_var(k, var);
	i64 here = var_size(k, var), there = var_size(k, def);
	size_t i = 0;

	if (!here || !there || here == there)
		return 0;
	while (def >= end_of(k, i))
		i++;
	fe_error(k->o[file], ".BTF",
		"variable %s has %lld bytes, but %lld in %s",
		name_of(k, type_of(k, var)), (long long)here, (long long)there,
		k->o[i]->name);
	return -1;
}

static int check_vars(struct merge *k)
{
	int err = 0;

	for (size_t i = 0; i < k->n; i++)
		for (u32 id = first_of(k, i); id < end_of(k, i); id++)
			if (is_extern_var(type_of(k, id)))
				err |= check_var(k, i, id);
	return err;
}

/* ---- 2. sections --------------------------------------------------------- */

static struct section *find_section(
	struct merge *k, const struct btf_type *datasec)
{
	const char *name = name_of(k, datasec);

	for (u32 i = 0; i < k->section.n; i++)
		if (!strcmp(k->section.v[i].name, name))
			return &k->section.v[i];
	struct section *s = vec_push(k->m->a, &k->section);
	s->name = name;
	s->name_off = datasec->name_off;
	return s;
}

/* A name without a place (kconfig, ksyms, extern maps) counts once, and not
 * at all where it has a place. */
static bool is_there(
	const struct merge *k, const struct section *s, const char *name)
{
	for (u32 i = 0; i < s->entry.n; i++)
		if (!strcmp(name_of(k, type_of(k, s->entry.v[i].type)), name))
			return true;
	for (u32 i = 0; i < k->m->sym.n; i++) {
		const struct sym *y = &k->m->sym.v[i];

		if (y->kind != SYM_EXTERN && y->bind != BIND_LOCAL &&
			y->bind < BIND_UNDEF && !strcmp(y->name, name))
			return true;
	}
	return false;
}

/* Another input's definition took its place. */
static bool gave_way(const struct merge *k, size_t file, const char *name)
{
	for (u32 i = 0; i < k->m->sym.n; i++) {
		const struct sym *y = &k->m->sym.v[i];

		if (y->file == file && y->is_replaced &&
			y->kind != SYM_EXTERN && !strcmp(y->name, name))
			return true;
	}
	return false;
}

/* Entry i of a DATASEC of input `file`; local is its number there. base is
 * where sections that kiln does not keep (maps) go on. */
static void add_entry(struct merge *k, size_t file, u32 local, u32 i,
	struct section *s, u64 base)
{
	const struct fe_obj *o = k->o[file];
	const struct btf_type *t = type_of(k, local + o->btf_shift);
	const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];
	const char *name = name_of(k, type_of(k, v->type));
	struct entry e = {.type = v->type, .size = v->size};
	u32 sec;
	u64 off;

	if (fe_btf_place(o, local, i, &sec, &off)) {
		if (gave_way(k, file, name) ||
			(o->sec[sec].role == ROLE_OTHER && s->entry.n))
			return; /* one license is enough */
		e.off = off + (o->sec[sec].data ? o->sec[sec].shift : base);
	} else if (is_there(k, s, name)) {
		return;
	}
	if (e.off + e.size > s->size)
		s->size = e.off + e.size;
	*vec_push(k->m->a, &s->entry) = e;
}

static void take_sections(struct merge *k, size_t file)
{
	const struct fe_obj *o = k->o[file];

	for (u32 id = first_of(k, file); id < end_of(k, file); id++) {
		const struct btf_type *t = type_of(k, id);

		if (!btf_is_datasec(t))
			continue;
		struct section *s = find_section(k, t);
		u64 base = align_up(s->size, 8);

		for (u32 i = 0; i < btf_vlen(t); i++)
			add_entry(k, file, id - o->btf_shift, i, s, base);
	}
}

static int add_section(struct merge *k, const struct section *s)
{
	if (s->entry.n > BTF_MAX_VLEN || s->size > UINT32_MAX) {
		fe_error(k->o[0], ".BTF",
			"section %s of all inputs has %u variables, wanted at "
			"most %u",
			s->name, s->entry.n, BTF_MAX_VLEN);
		return -1;
	}
	buf_u32(&k->types, s->name_off);
	buf_u32(&k->types, (u32)BTF_KIND_DATASEC << 24 | s->entry.n);
	buf_u32(&k->types, (u32)s->size);
	for (u32 i = 0; i < s->entry.n; i++) {
		buf_u32(&k->types, k->id[s->entry.v[i].type]);
		buf_u32(&k->types, (u32)s->entry.v[i].off);
		buf_u32(&k->types, s->entry.v[i].size);
	}
	return 0;
}

static void number_types(struct merge *k)
{
	u32 next = 1;

	k->id = arena_array(k->m->a, u32, k->ntypes);
	k->stays = arena_array(k->m->a, bool, k->ntypes);
	for (u32 id = 1; id < k->ntypes; id++) {
		const struct btf_type *t = type_of(k, id);

		k->stays[id] = !btf_is_datasec(t) &&
			       !(is_extern_var(t) && find_var(k, id) != id);
		if (k->stays[id])
			k->id[id] = next++;
	}
	for (u32 id = 1; id < k->ntypes; id++)
		if (is_extern_var(type_of(k, id)))
			k->id[id] = k->id[find_var(k, id)];
}

static void put_id(const struct merge *k, u8 *p)
{
	put_le32(p, k->id[get_le32(p)]);
}

/* The record at p refers to types by the numbers without sections. */
static void renumber(const struct merge *k, const struct btf_type *t, u8 *p)
{
	u32 n = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		put_id(k, p + sizeof(*t) + offsetof(struct btf_array, type));
		put_id(k, p + sizeof(*t) +
				  offsetof(struct btf_array, index_type));
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (u32 i = 0; i < n; i++)
			put_id(k, p + sizeof(*t) +
					  i * sizeof(struct btf_member) +
					  offsetof(struct btf_member, type));
		break;
	case BTF_KIND_FUNC_PROTO:
		for (u32 i = 0; i < n; i++)
			put_id(k, p + sizeof(*t) +
					  i * sizeof(struct btf_param) +
					  offsetof(struct btf_param, type));
		fallthrough;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		put_id(k, p + offsetof(struct btf_type, type));
		break;
	default: break;
	}
}

static void copy_types(struct merge *k)
{
	for (u32 id = 1; id < k->ntypes; id++) {
		const struct btf_type *t = type_of(k, id);

		if (!k->stays[id])
			continue;
		size_t at = buf_put(&k->types, t, type_len(t));
		renumber(k, t, k->types.p + at);
	}
}

/* ---- 3., 4. equal types -------------------------------------------------- */

static void keep_number(struct merge *k, u32 *id)
{
	if (*id)
		*vec_push(k->m->a, &k->mark) = id;
}

static void find_numbers(struct merge *k)
{
	struct module *m = k->m;

	for (u32 i = 0; i < m->func.n; i++)
		keep_number(k, &m->func.v[i].btf_type);
	for (u32 i = 0; i < m->map.n; i++) {
		keep_number(k, &m->map.v[i].btf_key);
		keep_number(k, &m->map.v[i].btf_value);
	}
	for (u32 i = 0; i < m->data.n; i++)
		for (u32 v = 0; v < m->data.v[i].var.n; v++)
			keep_number(k, &m->data.v[i].var.v[v].btf_type);
	for (u32 i = 0; i < m->core.n; i++)
		keep_number(k, &m->core.v[i].own_type);
}

static void add_marks(struct merge *k)
{
	for (u32 i = 0; i < k->mark.n; i++) {
		buf_u32(&k->types, 0);
		buf_u32(&k->types, (u32)BTF_KIND_VAR << 24);
		buf_u32(&k->types, k->id[*k->mark.v[i]]);
		buf_u32(&k->types, BTF_VAR_STATIC);
	}
}

/* Types of the given bytes and strings as a .BTF section. */
static void *make_blob(struct arena *a, const u8 *types, u32 len,
	const void *str, u32 str_len, u32 *size)
{
	struct btf_header h = {.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = len,
		.str_off = len,
		.str_len = str_len};
	u8 *p = arena_alloc(a, sizeof(h) + len + str_len);

	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), types, len);
	memcpy(p + sizeof(h) + len, str, str_len);
	*size = (u32)sizeof(h) + len + str_len;
	return p;
}

static const u8 *strings_of(const struct btf *b, u32 *len)
{
	u32 size;
	const u8 *raw = btf__raw_data(b, &size);
	const struct btf_header *h = (const void *)raw;

	*len = raw ? h->str_len : 0;
	return raw ? raw + h->hdr_len + h->str_off : NULL;
}

/* Equal types merged, marks read and cut off; NULL if libbpf cannot. */
static struct btf *dedup(struct merge *k)
{
	struct module *m = k->m;
	u32 len, size;
	const u8 *str = strings_of(k->all, &len);
	void *blob =
		make_blob(m->a, k->types.p, (u32)k->types.n, str, len, &size);
	struct btf *b = btf__new(blob, size);

	if (!b || btf__dedup(b, NULL)) {
		btf__free(b);
		return NULL;
	}
	u32 first = btf__type_cnt(b) - k->mark.n;
	for (u32 i = 0; i < k->mark.n; i++)
		*k->mark.v[i] = btf__type_by_id(b, first + i)->type;
	const u8 *raw = btf__raw_data(b, &size);
	const struct btf_header *h = (const void *)raw;
	if (!raw) {
		btf__free(b);
		return NULL;
	}
	m->btf = make_blob(m->a, raw + h->hdr_len + h->type_off,
		h->type_len - k->mark.n * (u32)MARK_SIZE,
		raw + h->hdr_len + h->str_off, h->str_len, &m->btf_size);
	btf__free(b);
	return btf__new(m->btf, m->btf_size);
}

/* The input that owns module->btf_types owns what takes their place. */
static int replace_types(struct merge *k)
{
	fe_libbpf_enter();
	struct btf *b = dedup(k);
	fe_libbpf_leave();

	if (!b) {
		fe_error(k->o[0], ".BTF", "libbpf cannot merge its types");
		return -1;
	}
	for (size_t i = 0; i < k->n; i++)
		if (k->o[i]->btf_of_link)
			k->o[i]->btf_of_link = b;
	btf__free(k->all);
	k->m->btf_types = b;
	return 0;
}

int fe_btf_link(struct module *m, struct fe_obj *const *o, size_t n)
{
	struct merge k = {.m = m, .o = o, .n = n, .all = m->btf_types};
	int err = 0;

	k.ntypes = btf__type_cnt(k.all);
	buf_init(&k.types, m->a);
	if (settle_funcs(&k) | check_vars(&k))
		return -EINVAL;
	number_types(&k);
	for (size_t i = 0; i < n; i++)
		take_sections(&k, i);
	copy_types(&k);
	for (u32 i = 0; i < k.section.n; i++)
		err |= add_section(&k, &k.section.v[i]);
	find_numbers(&k);
	add_marks(&k);
	if (err || replace_types(&k))
		return -EINVAL;
	fe_core_types(m);
	return 0;
}
