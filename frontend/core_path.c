/*
 * Paths to fields. An access string such as "0:2:1" counts members and
 * elements in the object's types; in the target's the same path is followed
 * by the names of the members. Anonymous structs and unions have no name to
 * follow: they are left out of a path, and a member is looked for in them.
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/core.h"

/* ---- sizes --------------------------------------------------------------- */

bool core_size(const struct core_side *s, u32 id, u64 *size)
{
	u64 n = 1;

	for (;;) {
		const struct btf_type *t =
			btf__type_by_id(s->b, fe_btf_strip(s->b, id));

		switch (btf_kind(t)) {
		case BTF_KIND_ARRAY:
			if (mul_overflows(n, btf_array(t)->nelems, &n))
				return false;
			id = btf_array(t)->type;
			break;
		case BTF_KIND_PTR: return !mul_overflows(n, s->ptr, size);
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT: return !mul_overflows(n, t->size, size);
		default: return false;
		}
	}
}

/* Element idx of an array of this type begins so many bits behind. */
static bool add_elements(
	const struct core_side *s, u32 type, u32 idx, struct core_place *at)
{
	u64 size, bits;

	if (!idx)
		return true;
	return core_size(s, type, &size) && !mul_overflows(size, idx, &bits) &&
	       !mul_overflows(bits, 8, &bits) &&
	       !add_overflows(at->bit, bits, &at->bit);
}

/* An array without length is as long as one asks for. */
static bool enter_element(
	const struct core_side *s, u32 array, u32 idx, struct core_place *at)
{
	const struct btf_array *a = btf_array(btf__type_by_id(s->b, array));

	if ((a->nelems && idx >= a->nelems) ||
		!add_elements(s, a->type, idx, at))
		return false;
	at->type = a->type;
	at->bits = 0;
	return true;
}

static bool enter_member(
	const struct btf_type *t, u32 idx, struct core_place *at)
{
	at->type = btf_members(t)[idx].type;
	at->bits = btf_member_bitfield_size(t, idx);
	return !add_overflows(at->bit, btf_member_bit_offset(t, idx), &at->bit);
}

/* ---- access strings ------------------------------------------------------ */

u32 core_access(const char *s, u32 *idx)
{
	for (u32 n = 0; n < CORE_STEPS; s++) {
		u64 v = 0;

		if (*s < '0' || *s > '9')
			return 0;
		for (; *s >= '0' && *s <= '9'; s++)
			if ((v = v * 10 + (u64)(*s - '0')) > INT32_MAX)
				return 0;
		idx[n++] = (u32)v;
		if (!*s)
			return n;
		if (*s != ':')
			return 0;
	}
	return 0;
}

static bool is_anonymous(const struct btf *b, const struct btf_member *m)
{
	return !*btf__name_by_offset(b, m->name_off);
}

static bool is_composite(const struct btf *b, u32 id)
{
	return btf_is_composite(btf__type_by_id(b, fe_btf_strip(b, id)));
}

/* One number of the access string, from the type at->type. */
static const char *read_step(const struct core_side *s, u32 idx,
	struct core_path *p, struct core_place *at)
{
	u32 id = fe_btf_strip(s->b, at->type);
	const struct btf_type *t = btf__type_by_id(s->b, id);
	struct core_step *step = &p->step[p->n];

	if (btf_is_array(t)) {
		if (!enter_element(s, id, idx, at))
			return "an element outside of its array";
		*step = (struct core_step){NULL, idx, at->type};
		p->n++;
		return NULL;
	}
	if (!btf_is_composite(t))
		return "a member of something that has none";
	if (idx >= btf_vlen(t))
		return "a member that its type does not have";
	if (!enter_member(t, idx, at))
		return "a member out of reach";
	const struct btf_member *m = &btf_members(t)[idx];
	if (is_anonymous(s->b, m))
		return is_composite(s->b, at->type) ? NULL
						    : "a member without a name";
	*step = (struct core_step){
		btf__name_by_offset(s->b, m->name_off), idx, at->type};
	p->n++;
	return NULL;
}

bool core_path_read(const struct core_side *s, u32 root, const char *access,
	struct core_path *p, struct core_place *at, const char **why)
{
	u32 idx[CORE_STEPS], n = core_access(access, idx);

	*why = "not a list of numbers";
	if (!n)
		return false;
	*at = (struct core_place){.type = root};
	*p = (struct core_path){.n = 1};
	p->step[0] = (struct core_step){NULL, idx[0], root};
	*why = "an element out of reach";
	if (!add_elements(s, root, idx[0], at))
		return false;
	*why = NULL;
	for (u32 i = 1; i < n && !*why; i++)
		*why = read_step(s, idx[i], p, at);
	if (!*why && p->step[p->n - 1].type != at->type)
		*why = "a member without a name";
	return !*why;
}

/* ---- in the target ------------------------------------------------------- */

/* The member of that name, directly or in anonymous members. */
static bool find_member(struct core_pair *c, u32 id, const char *name,
	struct core_place *at, u32 depth)
{
	const struct btf *b = c->to.b;
	const struct btf_type *t = btf__type_by_id(b, id);

	for (u32 i = 0; i < btf_vlen(t) && c->fuel; i++) {
		const struct btf_member *m = &btf_members(t)[i];
		struct core_place in = *at;

		c->fuel--;
		if (!enter_member(t, i, &in))
			continue;
		if (!is_anonymous(b, m)) {
			if (strcmp(btf__name_by_offset(b, m->name_off), name))
				continue;
			*at = in;
			return true;
		}
		if (!is_composite(b, in.type) || depth == CORE_STEPS)
			continue;
		if (find_member(c, fe_btf_strip(b, in.type), name, &in,
			    depth + 1)) {
			*at = in;
			return true;
		}
	}
	return false;
}

static bool find_step(
	struct core_pair *c, const struct core_step *s, struct core_place *at)
{
	u32 id = fe_btf_strip(c->to.b, at->type);
	const struct btf_type *t = btf__type_by_id(c->to.b, id);

	if (!s->name)
		return btf_is_array(t) && enter_element(&c->to, id, s->idx, at);
	return btf_is_composite(t) && find_member(c, id, s->name, at, 0) &&
	       core_fields_compatible(c, s->type, at->type);
}

bool core_path_find(struct core_pair *c, const struct core_path *p, u32 root,
	struct core_place *at)
{
	*at = (struct core_place){.type = root};
	if (!add_elements(&c->to, root, p->step[0].idx, at))
		return false;
	for (u32 i = 1; i < p->n; i++)
		if (!find_step(c, &p->step[i], at))
			return false;
	return true;
}
