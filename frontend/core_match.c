/*
 * When types of two programs are the same thing. Three answers, from loose to
 * strict (the names are libbpf's, the rules those of its documentation):
 *
 *   fields compatible  a member of that name can be accessed: both structs or
 *                      unions, both pointers, both integers of any width, ...
 *   types compatible   a type of that name exists: the kind counts, what is in
 *                      a struct does not; pointers, arrays and prototypes are
 *                      followed
 *   types match        the target's type has all that the program's has: each
 *                      member by name and type, each enumerator by name, sizes
 *                      and signs of integers; behind pointers kinds are enough
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/core.h"

enum { MAX_DEPTH = 32 };

struct two {
	const struct btf_type *own, *to;
};

bool core_same_name(const char *a, const char *b)
{
	size_t n = core_name_len(a);

	return core_name_len(b) == n && !memcmp(a, b, n);
}

bool core_same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) ||
	       (btf_is_any_enum(a) && btf_is_any_enum(b));
}

static struct two strip(const struct core_pair *c, u32 own, u32 to)
{
	return (struct two){
		btf__type_by_id(c->own.b, fe_btf_strip(c->own.b, own)),
		btf__type_by_id(c->to.b, fe_btf_strip(c->to.b, to))};
}

static const char *name_of(const struct btf *b, u32 off)
{
	return btf__name_by_offset(b, off);
}

/* An integer that is part of one: an old form of bit-fields. */
static bool is_partial(const struct btf_type *t)
{
	return btf_int_offset(t);
}

/* ---- compatible ---------------------------------------------------------- */

bool core_fields_compatible(struct core_pair *c, u32 own, u32 to)
{
	struct two t = strip(c, own, to);

	while (btf_is_array(t.own) && btf_is_array(t.to))
		t = strip(c, btf_array(t.own)->type, btf_array(t.to)->type);
	if (btf_is_composite(t.own) && btf_is_composite(t.to))
		return true;
	if (!core_same_kind(t.own, t.to))
		return false;
	switch (btf_kind(t.own)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FLOAT: return true;
	case BTF_KIND_INT: return !is_partial(t.own) && !is_partial(t.to);
	case BTF_KIND_FWD:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return !t.own->name_off || !t.to->name_off ||
		       core_same_name(name_of(c->own.b, t.own->name_off),
			       name_of(c->to.b, t.to->name_off));
	default: return false;
	}
}

static bool compatible(struct core_pair *c, u32 own, u32 to, u32 depth)
{
	struct two t = strip(c, own, to);
	const struct btf_param *p, *q;

	if (!c->fuel || depth == MAX_DEPTH || !core_same_kind(t.own, t.to))
		return false;
	c->fuel--;
	switch (btf_kind(t.own)) {
	case BTF_KIND_UNKN:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD: return true;
	case BTF_KIND_INT: return !is_partial(t.own) && !is_partial(t.to);
	case BTF_KIND_PTR:
		return compatible(c, t.own->type, t.to->type, depth + 1);
	case BTF_KIND_ARRAY:
		return compatible(c, btf_array(t.own)->type,
			btf_array(t.to)->type, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		if (btf_vlen(t.own) != btf_vlen(t.to))
			return false;
		p = btf_params(t.own), q = btf_params(t.to);
		for (u32 i = 0; i < btf_vlen(t.own); i++)
			if (!compatible(c, p[i].type, q[i].type, depth + 1))
				return false;
		return compatible(c, t.own->type, t.to->type, depth + 1);
	default: return false;
	}
}

bool core_types_compatible(struct core_pair *c, u32 own, u32 to)
{
	return compatible(c, own, to, 0);
}

/* ---- match --------------------------------------------------------------- */

static bool match(struct core_pair *c, u32 own, u32 to, bool by_ptr, u32 depth);

static u32 enumerator_name(const struct btf_type *t, u32 i)
{
	return btf_is_enum64(t) ? btf_enum64(t)[i].name_off
				: btf_enum(t)[i].name_off;
}

static bool has_enumerator(
	struct core_pair *c, const struct btf_type *t, const char *name)
{
	for (u32 i = 0; i < btf_vlen(t) && c->fuel; i++) {
		c->fuel--;
		if (core_same_name(
			    name_of(c->to.b, enumerator_name(t, i)), name))
			return true;
	}
	return false;
}

static bool match_enums(struct core_pair *c, struct two t)
{
	if (t.own->size != t.to->size)
		return false;
	for (u32 i = 0; i < btf_vlen(t.own); i++)
		if (!has_enumerator(c, t.to,
			    name_of(c->own.b, enumerator_name(t.own, i))))
			return false;
	return true;
}

static bool match_members(struct core_pair *c, struct two t, u32 depth)
{
	for (u32 i = 0; i < btf_vlen(t.own); i++) {
		const struct btf_member *m = &btf_members(t.own)[i];
		const char *name = name_of(c->own.b, m->name_off);
		bool found = false;

		for (u32 k = 0; k < btf_vlen(t.to) && !found && c->fuel; k++) {
			const struct btf_member *n = &btf_members(t.to)[k];

			c->fuel--;
			found = core_same_name(
					name, name_of(c->to.b, n->name_off)) &&
				match(c, m->type, n->type, false, depth + 1);
		}
		if (!found)
			return false;
	}
	return true;
}

/* Whether it is, or declares, a union. */
static bool is_union(const struct btf_type *t)
{
	return btf_is_fwd(t) ? btf_kflag(t) : btf_is_union(t);
}

static bool match_composites(
	struct core_pair *c, struct two t, bool by_ptr, u32 depth)
{
	bool own = !btf_is_fwd(t.own), to = !btf_is_fwd(t.to);

	if ((to && !btf_is_composite(t.to)) ||
		is_union(t.own) != is_union(t.to))
		return false;
	if (by_ptr)
		return true;
	return own == to && (!own || match_members(c, t, depth));
}

static bool match_protos(struct core_pair *c, struct two t, u32 depth)
{
	const struct btf_param *p = btf_params(t.own), *q = btf_params(t.to);

	if (btf_vlen(t.own) != btf_vlen(t.to))
		return false;
	for (u32 i = 0; i < btf_vlen(t.own); i++)
		if (!match(c, p[i].type, q[i].type, false, depth + 1))
			return false;
	return match(c, t.own->type, t.to->type, false, depth + 1);
}

static bool match_ints(const struct btf_type *a, const struct btf_type *b)
{
	return a->size == b->size &&
	       !((btf_int_encoding(a) ^ btf_int_encoding(b)) & BTF_INT_SIGNED);
}

static bool match(struct core_pair *c, u32 own, u32 to, bool by_ptr, u32 depth)
{
	struct two t = strip(c, own, to);

	if (!c->fuel || depth == MAX_DEPTH)
		return false;
	c->fuel--;
	if (!btf_is_int(t.own) && t.own->name_off &&
		!core_same_name(name_of(c->own.b, t.own->name_off),
			name_of(c->to.b, t.to->name_off)))
		return false;
	if (btf_is_composite(t.own) || btf_is_fwd(t.own))
		return match_composites(c, t, by_ptr, depth);
	if (!core_same_kind(t.own, t.to))
		return false;
	switch (btf_kind(t.own)) {
	case BTF_KIND_UNKN: return true;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64: return match_enums(c, t);
	case BTF_KIND_INT: return match_ints(t.own, t.to);
	case BTF_KIND_FLOAT: return t.own->size == t.to->size;
	case BTF_KIND_PTR:
		return match(c, t.own->type, t.to->type, true, depth + 1);
	case BTF_KIND_ARRAY:
		return btf_array(t.own)->nelems == btf_array(t.to)->nelems &&
		       match(c, btf_array(t.own)->type, btf_array(t.to)->type,
			       by_ptr, depth + 1);
	case BTF_KIND_FUNC_PROTO: return match_protos(c, t, depth);
	default: return false;
	}
}

bool core_types_match(struct core_pair *c, u32 own, u32 to)
{
	return match(c, own, to, false, 0);
}
