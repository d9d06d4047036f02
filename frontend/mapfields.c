/*
 * What in a map's value belongs to nobody's copy: spin locks, timers, pointers
 * to kernel objects, lists. Found by the BTF type of the value, as the kernel
 * finds them, in nested structs and arrays too.
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/format.h"

enum { MAX_FIELDS = 11, MAX_DEPTH = 8 }; /* the kernel's: BTF_FIELDS_MAX */

static const struct {
	const char *name;
	u32 kind;
} special[] = {
	{"bpf_spin_lock", KILN_FIELD_LOCK},
	{"bpf_res_spin_lock", KILN_FIELD_OTHER},
	{"bpf_timer", KILN_FIELD_TIMER},
	{"bpf_wq", KILN_FIELD_OTHER},
	{"bpf_task_work", KILN_FIELD_OTHER},
	{"bpf_list_head", KILN_FIELD_OTHER},
	{"bpf_list_node", KILN_FIELD_OTHER},
	{"bpf_rb_root", KILN_FIELD_OTHER},
	{"bpf_rb_node", KILN_FIELD_OTHER},
	{"bpf_refcount", KILN_FIELD_OTHER},
};

struct search {
	struct fe_obj *o;
	struct mapdef *d;
};

static int add(struct search *s, u32 kind, u64 off, u64 size)
{
	if (s->d->field.n >= MAX_FIELDS || size > UINT16_MAX) {
		fe_error(s->o, NULL,
			"map %s: more than %d locks, timers and kernel "
			"pointers in its value",
			s->d->name, MAX_FIELDS);
		return -1;
	}
	*vec_push(s->o->m->a, &s->d->field) =
		(struct map_field){(u32)off, (u16)size, (u16)kind};
	return 0;
}

static u32 kind_of(const char *name)
{
	for (u32 i = 0; i < countof(special); i++)
		if (!strcmp(special[i].name, name))
			return special[i].kind;
	return 0;
}

/* A pointer to a type with the tag kptr, kptr_untrusted or percpu_kptr. */
static bool is_kptr(const struct btf *b, const struct btf_type *t)
{
	t = btf__type_by_id(b, t->type);
	return btf_is_type_tag(t) &&
	       strstr(btf__name_by_offset(b, t->name_off), "kptr");
}

static int find(struct search *s, u32 type, u64 off, u32 depth);

static int find_members(
	struct search *s, const struct btf_type *t, u64 off, u32 depth)
{
	const struct btf_member *mb = btf_members(t);
	int err = 0;

	for (u32 i = 0; i < btf_vlen(t) && !err; i++)
		if (!btf_member_bitfield_size(t, i))
			err = find(s, mb[i].type,
				off + btf_member_bit_offset(t, i) / 8,
				depth + 1);
	return err;
}

static int find_elements(
	struct search *s, const struct btf_type *t, u64 off, u32 depth)
{
	const struct btf_array *a = btf_array(t);
	i64 size = btf__resolve_size(s->o->btf, a->type);
	u32 before = s->d->field.n;
	int err = 0;

	/* what has none in its first element has none at all */
	for (u32 i = 0; i < a->nelems && !err && size > 0; i++) {
		err = find(s, a->type, off + i * (u64)size, depth + 1);
		if (s->d->field.n == before)
			break;
	}
	return err;
}

static int find(struct search *s, u32 type, u64 off, u32 depth)
{
	const struct btf *b = s->o->btf;
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, type));
	u32 kind;

	if (depth > MAX_DEPTH)
		return 0;
	if (btf_is_ptr(t))
		return is_kptr(b, t) ? add(s, KILN_FIELD_KPTR, off, 8) : 0;
	if (btf_is_array(t))
		return find_elements(s, t, off, depth);
	if (!btf_is_struct(t))
		return 0;
	kind = kind_of(btf__name_by_offset(b, t->name_off));
	return kind ? add(s, kind, off, t->size)
		    : find_members(s, t, off, depth);
}

int fe_map_fields(struct fe_obj *o, struct mapdef *d, u32 type)
{
	struct search s = {o, d};

	d->field.n = 0;
	return find(&s, type, 0, 0);
}
