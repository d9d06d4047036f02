/*
 * .BTF of an object: checked (btf_check.c), then opened by libbpf. The link's
 * types are those of all its objects one after the other (btf__add_btf).
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

/* ---- opening ------------------------------------------------------------- */

static int cmp_rel(const void *a, const void *b)
{
	const struct fe_rel *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

/* Compilers leave the places of variables to the linker, which we are. */
static void fill_datasecs(
	const struct fe_obj *o, const struct fe_btf_view *v, u8 *copy)
{
	u8 *types = copy + (v->type - o->sec[o->btf_sec].bytes);

	for (u32 id = 1; id <= v->n; id++) {
		u8 *t = types + v->off[id];
		u32 sec = 0, at_sec;
		u64 off;

		if (v->kind[id] != BTF_KIND_DATASEC)
			continue;
		for (u32 i = 0; i < get_le16(t + 4); i++) {
			if (!fe_btf_place(o, id, i, &at_sec, &off))
				continue;
			put_le32(t + sizeof(struct btf_type) + i * 12 + 4,
				(u32)off);
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
	struct fe_btf_view v = {.a = m->a,
		.diag = m->diag,
		.at = {.file = o->name, .section = ".BTF", .insn = -1}};
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
	if (!s->bytes || fe_btf_check(&v, s->bytes, s->size))
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
