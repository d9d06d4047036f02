/*
 * CO-RE: instructions whose operand is an offset, a size, a shift, a number of
 * a type or an enumerator, relocated from the object's types to those of the
 * target (--btf), else to the object's own. For each record of .BTF.ext:
 *
 *   1. own value    what the object's types say; the instruction holds it, or
 *                   the record is not meant for it
 *   2. candidates   types of the target of the same name (flavours aside) and
 *                   kind; those in which the field, type or enumerator is not
 *                   found drop out, the others must agree
 *   3. patch        (core_patch.c) the instruction gets the new value; a load
 *                   or store whose field became wider or narrower gets its
 *                   size, where the value stays right
 *
 * Contexts are kiln's: fields of struct xdp_md and its like stand where kiln
 * has them, whatever types are given, and whatever part of the struct the
 * program declares.
 *
 * What the target does not have is 0 if the program asks whether it is there.
 * Anything else leaves the instruction unresolved: that is an error where
 * control reaches it (typeuse.c) and nothing where a branch on the answer
 * keeps control away (prune.c).
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/code.h"
#include "frontend/core.h"
#include "frontend/types.h"

static const struct core_kind kinds[] = {
	// clang-format off
	[CORE_FIELD_OFFSET]   = {"offset",         CORE_A_FIELD,       false},
	[CORE_FIELD_SIZE]     = {"size",           CORE_A_FIELD,       false},
	[CORE_FIELD_EXISTS]   = {"existence",      CORE_A_FIELD,       true},
	[CORE_FIELD_SIGNED]   = {"sign",           CORE_A_FIELD,       false},
	[CORE_FIELD_LSHIFT]   = {"left shift",     CORE_A_FIELD,       false},
	[CORE_FIELD_RSHIFT]   = {"right shift",    CORE_A_FIELD,       false},
	[CORE_TYPE_ID_OWN]    = {"id here",        CORE_A_TYPE,        false},
	[CORE_TYPE_ID_TARGET] = {"id",             CORE_A_TYPE,        true},
	[CORE_TYPE_EXISTS]    = {"existence",      CORE_A_TYPE,        true},
	[CORE_TYPE_SIZE]      = {"size",           CORE_A_TYPE,        true},
	[CORE_ENUM_EXISTS]    = {"existence",      CORE_AN_ENUMERATOR, true},
	[CORE_ENUM_VALUE]     = {"value",          CORE_AN_ENUMERATOR, false},
	[CORE_TYPE_MATCHES]   = {"match",          CORE_A_TYPE,        true},
	// clang-format on
};

static const struct btf_type *type_of(const struct core_side *s, u32 id)
{
	return btf__type_by_id(s->b, id);
}

static const char *string_of(const struct core_side *s, u32 off)
{
	return btf__name_by_offset(s->b, off);
}

/* ---- text ---------------------------------------------------------------- */

static const char *type_text(struct core_job *j)
{
	static const char *const word[] = {[BTF_KIND_STRUCT] = "struct ",
		[BTF_KIND_UNION] = "union ",
		[BTF_KIND_ENUM] = "enum ",
		[BTF_KIND_ENUM64] = "enum ",
		[BTF_KIND_FWD] = "struct "};
	const struct btf_type *t = type_of(&j->types.own, j->rec->type);
	u32 k = btf_kind(t);

	return arena_printf(j->o->m->a, "%s%s",
		k < countof(word) && word[k] ? word[k] : "",
		string_of(&j->types.own, t->name_off));
}

/* "field struct s.a.b[2]", as C writes it. */
static const char *path_text(struct core_job *j)
{
	struct arena *a = j->o->m->a;
	const char *s = arena_printf(a, "field %s", type_text(j));

	if (j->path.step[0].idx)
		s = arena_printf(a, "%s[%u]", s, j->path.step[0].idx);
	for (u32 i = 1; i < j->path.n; i++) {
		const struct core_step *step = &j->path.step[i];

		s = step->name ? arena_printf(a, "%s.%s", s, step->name)
			       : arena_printf(a, "%s[%u]", s, step->idx);
	}
	return s;
}

/* ---- values -------------------------------------------------------------- */

/* Bytes that an access to a bit-field covers: its type's size, doubled until
 * the field lies in one aligned piece. */
static bool place_bits(const struct core_place *at, u64 *size, u64 *byte)
{
	for (; *size && *size <= 8; *size *= 2) {
		*byte = at->bit / 8 / *size * *size;
		if (at->bit + at->bits <= (*byte + *size) * 8)
			return true;
	}
	return false;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_is_int(t))
		return btf_int_encoding(t) & BTF_INT_SIGNED;
	return btf_is_any_enum(t) && btf_kflag(t);
}

static enum core_resize resize_of(const struct btf_type *t)
{
	if (btf_is_ptr(t))
		return CORE_RESIZE_PTR;
	return btf_is_int(t) && !is_signed(t) ? CORE_RESIZE_UNSIGNED
					      : CORE_RESIZE_NO;
}

static bool field_value(const struct core_side *s, u32 kind,
	const struct core_place *at, struct core_value *v)
{
	const struct btf_type *t = type_of(s, fe_btf_strip(s->b, at->type));
	u64 size = 0, byte = at->bit / 8, bits;
	bool sized = core_size(s, at->type, &size);

	*v = (struct core_value){.loose = at->bits};
	bits = at->bits ? at->bits : size * 8;
	switch (kind) {
	case CORE_FIELD_EXISTS: v->v = 1; return true;
	case CORE_FIELD_SIGNED: v->v = is_signed(t); return true;
	default: break;
	}
	if (at->bits && (!sized || !place_bits(at, &size, &byte)))
		return false;
	switch (kind) {
	case CORE_FIELD_OFFSET:
		v->v = byte;
		v->size = sized ? size : 0;
		v->resize = resize_of(t);
		return true;
	case CORE_FIELD_SIZE: v->v = size; return sized;
	case CORE_FIELD_LSHIFT:
		v->v = 64 - (at->bit + bits - byte * 8);
		return sized && bits && bits <= 64;
	default: /* CORE_FIELD_RSHIFT */
		v->v = 64 - bits;
		return sized && bits && bits <= 64;
	}
}

static bool enumerator_value(
	const struct btf_type *t, u32 i, u32 kind, struct core_value *v)
{
	*v = (struct core_value){.v = 1};
	if (kind == CORE_ENUM_VALUE)
		v->v = btf_is_enum64(t) ? btf_enum64_value(&btf_enum64(t)[i])
					: (u64)(i64)btf_enum(t)[i].val;
	return true;
}

static const char *enumerator_name(
	const struct core_side *s, const struct btf_type *t, u32 i)
{
	return string_of(s, btf_is_enum64(t) ? btf_enum64(t)[i].name_off
					     : btf_enum(t)[i].name_off);
}

static bool type_value(
	const struct core_side *s, u32 kind, u32 id, struct core_value *v)
{
	*v = (struct core_value){.v = 1};
	if (kind == CORE_TYPE_ID_OWN || kind == CORE_TYPE_ID_TARGET)
		v->v = id;
	return kind != CORE_TYPE_SIZE || core_size(s, id, &v->v);
}

/* ---- 1. the object's own value ------------------------------------------- */

/* *known is false where the object's types give no value: nothing to compare
 * the instruction with. */
static int own_field(struct core_job *j, struct core_value *v, bool *known)
{
	const char *why;

	if (!core_path_read(&j->types.own, j->rec->type, j->rec->access,
		    &j->path, &j->own, &why))
		return core_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": %s",
			j->kind->name, type_text(j), j->rec->access, why);
	j->text = path_text(j);
	*known = field_value(&j->types.own, j->rec->kind, &j->own, v);
	return 0;
}

static int own_enumerator(struct core_job *j, struct core_value *v)
{
	const struct core_side *s = &j->types.own;
	const struct btf_type *t = type_of(s, fe_btf_strip(s->b, j->rec->type));
	u32 idx[CORE_STEPS];

	if (core_access(j->rec->access, idx) != 1 || !btf_is_any_enum(t) ||
		idx[0] >= btf_vlen(t))
		return core_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": wanted the "
			"number of an enumerator",
			j->kind->name, type_text(j), j->rec->access);
	j->enumerator = enumerator_name(s, t, idx[0]);
	j->text = arena_printf(
		j->o->m->a, "enumerator %s of %s", j->enumerator, type_text(j));
	enumerator_value(t, idx[0], j->rec->kind, v);
	return 0;
}

static int own_value(struct core_job *j, struct core_value *v, bool *known)
{
	u32 idx[CORE_STEPS];

	*known = true;
	if (j->kind->of == CORE_A_FIELD)
		return own_field(j, v, known);
	if (j->kind->of == CORE_AN_ENUMERATOR)
		return own_enumerator(j, v);
	if (core_access(j->rec->access, idx) != 1 || idx[0])
		return core_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": wanted "
			"\"0\"",
			j->kind->name, type_text(j), j->rec->access);
	j->text = arena_printf(j->o->m->a, "type %s", type_text(j));
	*known = type_value(&j->types.own, j->rec->kind, j->rec->type, v);
	return 0;
}

/* ---- 2. candidates ------------------------------------------------------- */

static bool find_enumerator(struct core_job *j, u32 id, struct core_value *v)
{
	const struct core_side *s = &j->types.to;
	const struct btf_type *t = type_of(s, fe_btf_strip(s->b, id));

	if (!btf_is_any_enum(t))
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (core_same_name(j->enumerator, enumerator_name(s, t, i)))
			return enumerator_value(t, i, j->rec->kind, v);
	return false;
}

/* The value by one candidate; false: it is none, or does not have it. */
static bool value_in(struct core_job *j, u32 id, struct core_value *v)
{
	struct core_pair *c = &j->types;
	struct core_place at;

	c->fuel = CORE_FUEL;
	switch (j->kind->of) {
	case CORE_A_FIELD:
		return core_path_find(c, &j->path, id, &at) &&
		       field_value(&c->to, j->rec->kind, &at, v);
	case CORE_AN_ENUMERATOR: return find_enumerator(j, id, v);
	default:
		return (j->rec->kind == CORE_TYPE_MATCHES
				       ? core_types_match(c, j->rec->type, id)
				       : core_types_compatible(
						 c, j->rec->type, id)) &&
		       type_value(&c->to, j->rec->kind, id, v);
	}
}

/* A field of a context, or a part of one. */
static bool context_value(struct core_job *j, struct core_value *v)
{
	const struct core_side *s = &j->types.own;
	const char *of = string_of(s, type_of(s, j->rec->type)->name_off);
	struct core_pair same = {*s, *s, CORE_FUEL};
	struct core_path member = j->path;
	struct core_place first, at = j->own;
	u64 size;

	if (j->kind->of != CORE_A_FIELD || member.n < 2 || member.step[0].idx)
		return false;
	member.n = 2;
	const struct ctx_field *f =
		ctx_field_named(of, core_name_len(of), member.step[1].name);
	if (!f || !core_path_find(&same, &member, j->rec->type, &first) ||
		!core_size(s, first.type, &size) || size != f->size)
		return false;
	at.bit += (u64)f->off * 8 - first.bit;
	return field_value(s, j->rec->kind, &at, v);
}

enum outcome { NOT_THERE, FOUND, AMBIGUOUS };

static enum outcome find_in_target(struct core_job *j, struct core_value *v)
{
	const struct btf_type *own = type_of(&j->types.own, j->rec->type);
	const char *name = string_of(&j->types.own, own->name_off);
	enum outcome found = NOT_THERE;

	for (u32 id = core_find(j->target, name, 0); id;
		id = core_find(j->target, name, id)) {
		struct core_value one;

		if (!core_same_kind(own, type_of(&j->types.to, id)) ||
			!value_in(j, id, &one))
			continue;
		if (found && (one.v != v->v || one.size != v->size))
			return AMBIGUOUS;
		*v = one;
		found = FOUND;
	}
	return found;
}

/* Without a target the type is itself, flavour and all; one that is only
 * declared is not there. */
static enum outcome find_here(struct core_job *j, struct core_value *v)
{
	const struct btf_type *t = type_of(&j->types.own, j->rec->type);

	if (j->kind->of == CORE_A_TYPE && btf_is_fwd(t) &&
		j->rec->kind != CORE_TYPE_ID_TARGET)
		return NOT_THERE;
	return value_in(j, j->rec->type, v) ? FOUND : NOT_THERE;
}

/* Types get their last numbers when the inputs are linked. */
static int patch_own_type(struct core_job *j, const struct core_value *own)
{
	struct module *m = j->o->m;
	struct core_value v = {.v = j->rec->type + j->o->btf_shift};

	if (core_patch(j, own, &v))
		return -1;
	m->core.v[m->core.n - 1].own_type = (u32)v.v;
	return 0;
}

void fe_core_types(struct module *m)
{
	for (u32 i = 0; i < m->core.n; i++)
		if (m->core.v[i].own_type)
			m->insn.v[m->core.v[i].insn].imm =
				(i32)m->core.v[i].own_type;
}

/* ---- a record ------------------------------------------------------------ */

static int apply(struct core_job *j)
{
	struct core_value own = {0}, v = {0};
	bool known;

	if (own_value(j, &own, &known))
		return -1;
	if (j->rec->kind == CORE_TYPE_ID_OWN)
		return patch_own_type(j, &own);
	const struct btf_type *t = type_of(&j->types.own, j->rec->type);
	if (j->target && !*string_of(&j->types.own, t->name_off))
		return core_error(j,
			"CO-RE relocation: %s of a type without "
			"a name",
			j->kind->name);
	enum outcome found = context_value(j, &v) ? FOUND
			     : j->target	  ? find_in_target(j, &v)
						  : find_here(j, &v);
	if (found == FOUND && !j->target && j->rec->kind == CORE_TYPE_ID_TARGET)
		return patch_own_type(j, &own);
	if (found == AMBIGUOUS)
		return core_unresolved(
			j, "is ambiguous: types of that name disagree in");
	if (found == NOT_THERE && !j->kind->asks)
		return core_unresolved(j, "is not known by");
	return core_patch(j, known ? &own : NULL, &v);
}

/* Where the record's instruction is; false: in no function (padding). */
static bool locate(struct core_job *j)
{
	const struct fe_sec *s = &j->o->sec[j->rec->sec];
	const struct fe_fn *fn = fe_fn_at(s, j->rec->off);
	u32 slot;

	if (!fn)
		return false;
	const struct func *f = &j->o->m->func.v[fn->func];
	slot = (u32)((j->rec->off - fn->off) / 8);
	j->insn = f->first + slot;
	j->left = f->n - slot;
	j->at = module_loc(j->o->m, f, slot);
	return true;
}

static int cmp_note(const void *a, const void *b)
{
	const struct core_note *x = a, *y = b;

	return (x->insn > y->insn) - (x->insn < y->insn);
}

int fe_core(struct module *m, struct fe_obj *o, const struct fe_opts *opts)
{
	struct core_side own;
	int err = 0;

	if (!o->core.n)
		return 0;
	own = core_side_of(o->btf);
	for (u32 i = 0; i < o->core.n; i++) {
		struct core_job j = {.o = o,
			.target = opts->target,
			.rec = &o->core.v[i],
			.kind = &kinds[o->core.v[i].kind],
			.types = {own, opts->target ? opts->target->side : own,
				CORE_FUEL}};

		if (locate(&j))
			err |= apply(&j);
	}
	if (m->core.n)
		qsort(m->core.v, m->core.n, sizeof(*m->core.v), cmp_note);
	return err ? -EINVAL : 0;
}
