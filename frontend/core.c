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
 *   3. patch        the instruction gets the new value; a load or store whose
 *                   field became wider or narrower gets its size, where the
 *                   value stays right
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

/* enum bpf_core_relo_kind, and how the kinds are named. */
enum {
	FIELD_OFFSET,
	FIELD_SIZE,
	FIELD_EXISTS,
	FIELD_SIGNED,
	FIELD_LSHIFT,
	FIELD_RSHIFT,
	TYPE_ID_OWN,
	TYPE_ID_TARGET,
	TYPE_EXISTS,
	TYPE_SIZE,
	ENUM_EXISTS,
	ENUM_VALUE,
	TYPE_MATCHES,
};

enum what { A_FIELD, A_TYPE, AN_ENUMERATOR };

static const struct kind_row {
	const char *name;
	u8 of;	   /* enum what */
	bool asks; /* 0 if it is not there */
} kinds[] = {
	// clang-format off
	[FIELD_OFFSET]   = {"offset",         A_FIELD,       false},
	[FIELD_SIZE]     = {"size",           A_FIELD,       false},
	[FIELD_EXISTS]   = {"existence",      A_FIELD,       true},
	[FIELD_SIGNED]   = {"sign",           A_FIELD,       false},
	[FIELD_LSHIFT]   = {"left shift",     A_FIELD,       false},
	[FIELD_RSHIFT]   = {"right shift",    A_FIELD,       false},
	[TYPE_ID_OWN]    = {"id here",        A_TYPE,        false},
	[TYPE_ID_TARGET] = {"id",             A_TYPE,        true},
	[TYPE_EXISTS]    = {"existence",      A_TYPE,        true},
	[TYPE_SIZE]      = {"size",           A_TYPE,        true},
	[ENUM_EXISTS]    = {"existence",      AN_ENUMERATOR, true},
	[ENUM_VALUE]     = {"value",          AN_ENUMERATOR, false},
	[TYPE_MATCHES]   = {"match",          A_TYPE,        true},
	// clang-format on
};

/* How a memory access may follow its field's size. */
enum resize { RESIZE_NO, RESIZE_PTR, RESIZE_UNSIGNED };

struct value {
	u64 v;
	u64 size;   /* FIELD_OFFSET: bytes that an access covers; else 0 */
	u8 resize;  /* enum resize */
	bool loose; /* the instruction need not hold it: bit-fields */
};

/* One record at work. */
struct job {
	struct fe_obj *o;
	const struct fe_target *target; /* NULL: the object's own types */
	const struct fe_core_rec *rec;
	const struct kind_row *kind;
	struct core_pair types;
	struct core_path path; /* A_FIELD ... */
	struct core_place own; /* ... and where it leads in the own types */
	const char *enumerator;
	const char *text; /* what it is about, for people */
	struct loc at;
	u32 insn; /* in module->insn */
	u32 left; /* slots of the function from there on */
};

#define job_error(j, ...)                                           \
	({                                                          \
		diag_error((j)->o->m->diag, &(j)->at, __VA_ARGS__); \
		-1;                                                 \
	})

static const struct btf_type *type_of(const struct core_side *s, u32 id)
{
	return btf__type_by_id(s->b, id);
}

static const char *string_of(const struct core_side *s, u32 off)
{
	return btf__name_by_offset(s->b, off);
}

/* ---- text ---------------------------------------------------------------- */

static const char *type_text(struct job *j)
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
static const char *path_text(struct job *j)
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

static void note(struct job *j, enum core_state state, const char *text)
{
	u8 *now = &j->o->m->insn.v[j->insn].core;

	if (*now < state)
		*now = (u8)state;
	*vec_push(j->o->m->a, &j->o->m->core) =
		(struct core_note){j->insn, text, 0};
}

static int unresolved(struct job *j, const char *why)
{
	struct module *m = j->o->m;

	note(j, CORE_UNRESOLVED,
		arena_printf(m->a, "CO-RE: %s of %s %s %s", j->kind->name,
			j->text, why,
			j->target ? j->target->name
				  : "the object's own types"));
	return 0;
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

static enum resize resize_of(const struct btf_type *t)
{
	if (btf_is_ptr(t))
		return RESIZE_PTR;
	return btf_is_int(t) && !is_signed(t) ? RESIZE_UNSIGNED : RESIZE_NO;
}

static bool field_value(const struct core_side *s, u32 kind,
	const struct core_place *at, struct value *v)
{
	const struct btf_type *t = type_of(s, fe_btf_strip(s->b, at->type));
	u64 size = 0, byte = at->bit / 8, bits;
	bool sized = core_size(s, at->type, &size);

	*v = (struct value){.loose = at->bits};
	bits = at->bits ? at->bits : size * 8;
	switch (kind) {
	case FIELD_EXISTS: v->v = 1; return true;
	case FIELD_SIGNED: v->v = is_signed(t); return true;
	default: break;
	}
	if (at->bits && (!sized || !place_bits(at, &size, &byte)))
		return false;
	switch (kind) {
	case FIELD_OFFSET:
		v->v = byte;
		v->size = sized ? size : 0;
		v->resize = resize_of(t);
		return true;
	case FIELD_SIZE: v->v = size; return sized;
	case FIELD_LSHIFT:
		v->v = 64 - (at->bit + bits - byte * 8);
		return sized && bits && bits <= 64;
	default: /* FIELD_RSHIFT */
		v->v = 64 - bits;
		return sized && bits && bits <= 64;
	}
}

static bool enumerator_value(
	const struct btf_type *t, u32 i, u32 kind, struct value *v)
{
	*v = (struct value){.v = 1};
	if (kind == ENUM_VALUE)
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
	const struct core_side *s, u32 kind, u32 id, struct value *v)
{
	*v = (struct value){.v = 1};
	if (kind == TYPE_ID_OWN || kind == TYPE_ID_TARGET)
		v->v = id;
	return kind != TYPE_SIZE || core_size(s, id, &v->v);
}

/* ---- 1. the object's own value ------------------------------------------- */

/* *known is false where the object's types give no value: nothing to compare
 * the instruction with. */
static int own_field(struct job *j, struct value *v, bool *known)
{
	const char *why;

	if (!core_path_read(&j->types.own, j->rec->type, j->rec->access,
		    &j->path, &j->own, &why))
		return job_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": %s",
			j->kind->name, type_text(j), j->rec->access, why);
	j->text = path_text(j);
	*known = field_value(&j->types.own, j->rec->kind, &j->own, v);
	return 0;
}

static int own_enumerator(struct job *j, struct value *v)
{
	const struct core_side *s = &j->types.own;
	const struct btf_type *t = type_of(s, fe_btf_strip(s->b, j->rec->type));
	u32 idx[CORE_STEPS];

	if (core_access(j->rec->access, idx) != 1 || !btf_is_any_enum(t) ||
		idx[0] >= btf_vlen(t))
		return job_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": wanted the "
			"number of an enumerator",
			j->kind->name, type_text(j), j->rec->access);
	j->enumerator = enumerator_name(s, t, idx[0]);
	j->text = arena_printf(
		j->o->m->a, "enumerator %s of %s", j->enumerator, type_text(j));
	enumerator_value(t, idx[0], j->rec->kind, v);
	return 0;
}

static int own_value(struct job *j, struct value *v, bool *known)
{
	u32 idx[CORE_STEPS];

	*known = true;
	if (j->kind->of == A_FIELD)
		return own_field(j, v, known);
	if (j->kind->of == AN_ENUMERATOR)
		return own_enumerator(j, v);
	if (core_access(j->rec->access, idx) != 1 || idx[0])
		return job_error(j,
			"CO-RE relocation: %s of %s, access \"%s\": wanted "
			"\"0\"",
			j->kind->name, type_text(j), j->rec->access);
	j->text = arena_printf(j->o->m->a, "type %s", type_text(j));
	*known = type_value(&j->types.own, j->rec->kind, j->rec->type, v);
	return 0;
}

/* ---- 2. candidates ------------------------------------------------------- */

static bool find_enumerator(struct job *j, u32 id, struct value *v)
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
static bool value_in(struct job *j, u32 id, struct value *v)
{
	struct core_pair *c = &j->types;
	struct core_place at;

	c->fuel = CORE_FUEL;
	switch (j->kind->of) {
	case A_FIELD:
		return core_path_find(c, &j->path, id, &at) &&
		       field_value(&c->to, j->rec->kind, &at, v);
	case AN_ENUMERATOR: return find_enumerator(j, id, v);
	default:
		return (j->rec->kind == TYPE_MATCHES
				       ? core_types_match(c, j->rec->type, id)
				       : core_types_compatible(
						 c, j->rec->type, id)) &&
		       type_value(&c->to, j->rec->kind, id, v);
	}
}

/* A field of a context, or a part of one. */
static bool context_value(struct job *j, struct value *v)
{
	const struct core_side *s = &j->types.own;
	const char *of = string_of(s, type_of(s, j->rec->type)->name_off);
	struct core_pair same = {*s, *s, CORE_FUEL};
	struct core_path member = j->path;
	struct core_place first, at = j->own;
	u64 size;

	if (j->kind->of != A_FIELD || member.n < 2 || member.step[0].idx)
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

static enum outcome find_in_target(struct job *j, struct value *v)
{
	const struct btf_type *own = type_of(&j->types.own, j->rec->type);
	const char *name = string_of(&j->types.own, own->name_off);
	enum outcome found = NOT_THERE;

	for (u32 id = core_find(j->target, name, 0); id;
		id = core_find(j->target, name, id)) {
		struct value one;

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
static enum outcome find_here(struct job *j, struct value *v)
{
	const struct btf_type *t = type_of(&j->types.own, j->rec->type);

	if (j->kind->of == A_TYPE && btf_is_fwd(t) &&
		j->rec->kind != TYPE_ID_TARGET)
		return NOT_THERE;
	return value_in(j, j->rec->type, v) ? FOUND : NOT_THERE;
}

/* ---- 3. patch ------------------------------------------------------------ */

enum {
	CLASS_LD,
	CLASS_LDX,
	CLASS_ST,
	CLASS_STX,
	CLASS_ALU,
	CLASS_ALU64 = 7,
	CODE_LDDW = 0x18,
	MODE = 0xe0,
	MODE_MEM = 0x60,
	SIZE = 0x18,
};

static int not_meant(struct job *j, u64 got, u64 wanted)
{
	return job_error(j,
		"CO-RE relocation: its %s of %s is %lld, but the instruction "
		"has %lld",
		j->kind->name, j->text, (long long)wanted, (long long)got);
}

static void note_value(struct job *j, u64 from, u64 to)
{
	note(j, CORE_RELOCATED,
		arena_printf(j->o->m->a, "%s of %s: %lld -> %lld",
			j->kind->name, j->text, (long long)from,
			(long long)to));
}

static int patch_alu(struct job *j, struct insn *i, const struct value *own,
	const struct value *v)
{
	bool is32 = (i->code & 7) == CLASS_ALU;
	i64 new = (i64)v->v;

	if (i->code & 8)
		return job_error(j, "CO-RE relocation on an instruction "
				    "without an immediate");
	if (own && !own->loose && i->imm != (i32)own->v)
		return not_meant(j, (u64)(i64)i->imm, own->v);
	if (!fits_i32(new) && !(is32 && fits_u32(new)))
		return unresolved(j, "is too large for the instruction by");
	note_value(j, (u64)(i64)i->imm, v->v);
	i->imm = (i32) new;
	return 0;
}

/* An enumerator in BTF of 32 bits does not say whether its upper half is its
 * sign or 0, and old compilers cut wider ones off: the instruction knows. */
static bool widen(struct job *j, u64 now, const struct value *own, u64 *new)
{
	const struct btf_type *t = type_of(
		&j->types.own, fe_btf_strip(j->types.own.b, j->rec->type));

	if (!own || now == own->v)
		return true;
	if (j->rec->kind != ENUM_VALUE || !btf_is_enum(t) ||
		(u32)now != (u32)own->v)
		return false;
	if (now >> 32 && (u32) * new != (u32)now)
		return false;
	*new = now >> 32 ? now : (u32) * new;
	return true;
}

static int patch_lddw(struct job *j, struct insn *i, const struct value *own,
	const struct value *v)
{
	u64 now = (u32)i[0].imm, new = v->v;

	if (j->left < 2 || i[1].code)
		return job_error(
			j, "CO-RE relocation on half of a 64-bit load");
	if (i->sym != SYM_NONE)
		return job_error(j, "CO-RE relocation beside another one");
	now |= (u64)(u32)i[1].imm << 32;
	if (!widen(j, now, own, &new))
		return not_meant(j, now, own->v);
	note_value(j, now, new);
	i[0].imm = (i32)(u32) new;
	i[1].imm = (i32)(new >> 32);
	return 0;
}

static u64 width_of(u8 code)
{
	static const u8 size[] = {4, 2, 1, 8};

	return size[code >> 3 & 3];
}

static bool set_width(struct insn *i, u64 size)
{
	for (u8 k = 0; k < 4; k++)
		if (width_of((u8)(k << 3)) == size) {
			i->code = (u8)((i->code & ~SIZE) | k << 3);
			return true;
		}
	return false;
}

/* The field's size changed: so does the access, where the value stays. */
static bool resize(
	struct insn *i, const struct value *own, const struct value *v)
{
	if (own->size == v->size || !own->size || !v->size)
		return own->size == v->size;
	return own->resize && own->resize == v->resize &&
	       (i->code & MODE) == MODE_MEM && width_of(i->code) == own->size &&
	       set_width(i, v->size);
}

static int patch_mem(struct job *j, struct insn *i, const struct value *own,
	const struct value *v)
{
	if (j->rec->kind != FIELD_OFFSET)
		return job_error(j,
			"CO-RE relocation: %s of %s on a load or store",
			j->kind->name, j->text);
	if (own && !own->loose && (u64)(i64)i->off != own->v)
		return not_meant(j, (u64)(i64)i->off, own->v);
	if (v->v > INT16_MAX)
		return unresolved(j, "is too large for the instruction by");
	if (own && !resize(i, own, v))
		return unresolved(
			j, arena_printf(j->o->m->a,
				   "has %llu bytes instead of %llu, which this "
				   "load or store cannot follow, by",
				   (unsigned long long)v->size,
				   (unsigned long long)own->size));
	note_value(j, (u64)(i64)i->off, v->v);
	i->off = (i16)v->v;
	return 0;
}

static int patch(struct job *j, const struct value *own, const struct value *v)
{
	struct insn *i = &j->o->m->insn.v[j->insn];

	switch (i->code & 7) {
	case CLASS_ALU:
	case CLASS_ALU64: return patch_alu(j, i, own, v);
	case CLASS_LDX:
	case CLASS_ST:
	case CLASS_STX: return patch_mem(j, i, own, v);
	default: break;
	}
	if (i->code == CODE_LDDW)
		return patch_lddw(j, i, own, v);
	return job_error(j,
		"CO-RE relocation on opcode 0x%02x, wanted "
		"arithmetic, a load or a store",
		i->code);
}

/* Types get their last numbers when the inputs are linked. */
static int patch_own_type(struct job *j, const struct value *own)
{
	struct module *m = j->o->m;
	struct value v = {.v = j->rec->type + j->o->btf_shift};

	if (patch(j, own, &v))
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

static int apply(struct job *j)
{
	struct value own = {0}, v = {0};
	bool known;

	if (own_value(j, &own, &known))
		return -1;
	if (j->rec->kind == TYPE_ID_OWN)
		return patch_own_type(j, &own);
	const struct btf_type *t = type_of(&j->types.own, j->rec->type);
	if (j->target && !*string_of(&j->types.own, t->name_off))
		return job_error(j,
			"CO-RE relocation: %s of a type without "
			"a name",
			j->kind->name);
	enum outcome found = context_value(j, &v) ? FOUND
			     : j->target	  ? find_in_target(j, &v)
						  : find_here(j, &v);
	if (found == FOUND && !j->target && j->rec->kind == TYPE_ID_TARGET)
		return patch_own_type(j, &own);
	if (found == AMBIGUOUS)
		return unresolved(
			j, "is ambiguous: types of that name disagree in");
	if (found == NOT_THERE && !j->kind->asks)
		return unresolved(j, "is not known by");
	return patch(j, known ? &own : NULL, &v);
}

/* Where the record's instruction is; false: in no function (padding). */
static bool locate(struct job *j)
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
		struct job j = {.o = o,
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
