/*
 * FUNC_PROTO of BTF -> struct model (ir/model.h): how a function is called, or
 * why that cannot be known.
 *
 * BTF says sizes and offsets, not alignments, so a struct by value is laid out
 * again by the alignments that its members have by nature. Where that is not what
 * BTF says it is packed or aligned by hand, or has members that BTF leaves out,
 * and an ABI may pass it in another way. A struct that is only aligned more than
 * it shows ({long a, b;} aligned to 16) cannot be told from one that is not.
 *
 * The text of a model is its canonical form:
 *
 *	s32 (u64, s8, f64, {16: u64@0 f64@8}, {40/8})
 *
 * u, s and f with bits (pointers are u64); a struct by its size and scalars, or
 * size and alignment where it is too large for any ABI's registers.
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/code.h"
#include "frontend/obj.h"
#include "kiln/format.h"

enum { WORD = 8, IN_REGISTERS = 16, MAX_DEPTH = 16, FUEL = 4096 };

/* A value at work. */
struct lay {
	struct arena *a;
	const struct btf *b;
	const char *what; /* "parameter x" */
	const char *why;  /* what is wrong, or NULL */
	u32 fuel;
	bool collect; /* into scalar */
	vec(struct model_scalar) scalar;
};

struct extent {
	u64 size;
	u32 align;
};

static bool refuse(struct lay *l, const char *fmt, ...) printf_like(2, 3);

/* Always false. */
static bool refuse(struct lay *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->why = arena_strndup(l->a, text, strlen(text));
	return false;
}

static const char *name_of(const struct lay *l, u32 name)
{
	const char *s = btf__name_by_offset(l->b, name);

	return *s ? s : "{...}";
}

/* ---- scalars ------------------------------------------------------------- */

static bool is_power(u64 size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool add_scalar(struct lay *l, u64 off, u64 size, bool is_float)
{
	if (!l->collect)
		return true;
	if (!range_inside(off, size, MODEL_SCALARS_SIZE))
		return refuse(l, "%s is larger inside than outside", l->what);
	*vec_push(l->a, &l->scalar) =
		(struct model_scalar){(u32)off, (u8)size, is_float};
	return true;
}

static bool is_whole_int(const struct btf_type *t)
{
	return !btf_is_int(t) ||
	       (btf_int_bits(t) == 8 * t->size && !btf_int_offset(t));
}

/* gcc's complex float has the size of a double. */
static bool is_complex(const struct lay *l, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(l->b, t->name_off);

	return btf_is_float(t) && strstr(name, "complex");
}

/* INT, enums, pointers and FLOAT. */
static bool scalar_extent(
	struct lay *l, const struct btf_type *t, struct extent *e)
{
	e->size = btf_is_ptr(t) ? WORD : t->size;
	e->align = (u32)e->size;
	if (btf_is_float(t) &&
		(is_complex(l, t) || (e->size != 4 && e->size != 8)))
		return refuse(l,
			"%s has a %s, wanted float or double: pass a "
			"pointer to it",
			l->what, name_of(l, t->name_off));
	if (!is_power(e->size) || !is_whole_int(t))
		return refuse(l,
			"%s has an integer of %llu bits, wanted 8, 16, 32 or "
			"64: pass a pointer to it",
			l->what,
			btf_is_int(t) ? (unsigned long long)btf_int_bits(t)
				      : 8 * (unsigned long long)e->size);
	return true;
}

/* ---- structs ------------------------------------------------------------- */

static bool lay_type(
	struct lay *l, u32 id, u64 off, u32 depth, struct extent *e);

static const char *struct_text(const struct lay *l, const struct btf_type *t)
{
	return arena_printf(l->a, "%s %s", btf_is_union(t) ? "union" : "struct",
		name_of(l, t->name_off));
}

static bool lay_array(struct lay *l, const struct btf_type *t, u64 off,
	u32 depth, struct extent *e)
{
	const struct btf_array *a = btf_array(t);
	u64 n = a->nelems;

	if (!n)
		return refuse(l, "%s has an array without length", l->what);
	if (!lay_type(l, a->type, off, depth + 1, e))
		return false;
	for (u64 k = 1; l->collect && k < n; k++)
		if (!lay_type(l, a->type, off + k * e->size, depth + 1, e))
			return false;
	if (e->size > UINT32_MAX / n)
		return refuse(l, "%s is too large", l->what);
	e->size *= n;
	return true;
}

/* Where the struct's members end so far, in bits, and its alignment. */
struct filled {
	u64 bits;
	u32 align;
};

/* The bits [at, at + width) as the smallest integer of its own alignment. */
static bool add_bit_field(struct lay *l, u64 at, u64 width)
{
	u64 size = 1;

	while (at / (8 * size) != (at + width - 1) / (8 * size))
		size *= 2;
	return add_scalar(l, at / (8 * size) * size, size, false);
}

/* Bit-fields begin where the last member ends, unless they would lie in two
 * integers of their type. */
static bool lay_bit_field(struct lay *l, const struct btf_type *t, u32 i,
	u64 off, struct filled *f)
{
	const struct btf_type *type = btf__type_by_id(
		l->b, fe_btf_strip(l->b, btf_members(t)[i].type));
	u64 width = btf_member_bitfield_size(t, i), unit;
	struct extent e;

	if (!btf_is_int(type) && !btf_is_any_enum(type))
		return refuse(l, "%s: a bit-field of %s is no integer", l->what,
			struct_text(l, t));
	if (!scalar_extent(l, type, &e))
		return false;
	unit = 8 * e.size;
	if (width > unit)
		return refuse(l, "%s: a bit-field of %s is wider than its type",
			l->what, struct_text(l, t));
	if (f->bits / unit != (f->bits + width - 1) / unit)
		f->bits = align_up(f->bits, unit);
	if (btf_member_bit_offset(t, i) == f->bits &&
		!add_bit_field(l, 8 * off + f->bits, width))
		return false;
	f->align = e.align > f->align ? e.align : f->align;
	return true;
}

/* Brings f->bits to the place where member i belongs; *bits is its width. */
static bool lay_member(struct lay *l, const struct btf_type *t, u32 i, u64 off,
	u32 depth, struct filled *f, u64 *bits)
{
	struct extent e;

	*bits = btf_member_bitfield_size(t, i);
	if (*bits)
		return lay_bit_field(l, t, i, off, f);
	/* scalars are where BTF says; where they belong is seen after it */
	if (!lay_type(l, btf_members(t)[i].type,
		    off + btf_member_bit_offset(t, i) / 8, depth + 1, &e))
		return false;
	f->bits = align_up(f->bits, 8ull * e.align);
	f->align = e.align > f->align ? e.align : f->align;
	*bits = 8 * e.size;
	return true;
}

static bool lay_struct(struct lay *l, const struct btf_type *t, u64 off,
	u32 depth, struct extent *e)
{
	struct filled f = {0, 1};
	u64 end = 0, bits;

	if (!btf_vlen(t))
		return refuse(
			l, "%s: %s has no members", l->what, struct_text(l, t));
	for (u32 i = 0; i < btf_vlen(t); i++) {
		f.bits = btf_is_union(t) ? 0 : end;
		if (!lay_member(l, t, i, off, depth, &f, &bits))
			return false;
		if (f.bits != btf_member_bit_offset(t, i))
			return refuse(l,
				"%s: member %s of %s is at bit %u, by its type "
				"it would be at %llu (packed, or aligned by "
				"hand): pass a pointer to it",
				l->what, name_of(l, btf_members(t)[i].name_off),
				struct_text(l, t), btf_member_bit_offset(t, i),
				(unsigned long long)f.bits);
		end = f.bits + bits > end ? f.bits + bits : end;
	}
	*e = (struct extent){align_up(align_up(end, 8) / 8, f.align), f.align};
	if (e->size != t->size)
		return refuse(l,
			"%s: %s has %u bytes, by its members it would have "
			"%llu (packed, or aligned by hand): pass a pointer to "
			"it",
			l->what, struct_text(l, t), t->size,
			(unsigned long long)e->size);
	return true;
}

/* Size and alignment of a type at off of the value; its scalars are added. */
static bool lay_type(
	struct lay *l, u32 id, u64 off, u32 depth, struct extent *e)
{
	const struct btf_type *t =
		btf__type_by_id(l->b, fe_btf_strip(l->b, id));

	if (depth > MAX_DEPTH || !l->fuel)
		return refuse(l, "%s is a struct that nests too deep", l->what);
	l->fuel--;
	if (btf_is_composite(t))
		return lay_struct(l, t, off, depth, e);
	if (btf_is_array(t))
		return lay_array(l, t, off, depth, e);
	if (btf_is_fwd(t))
		return refuse(l, "%s is of %s, which BTF does not describe",
			l->what, struct_text(l, t));
	if (btf_is_int(t) || btf_is_any_enum(t) || btf_is_ptr(t) ||
		btf_is_float(t))
		return scalar_extent(l, t, e) &&
		       add_scalar(l, off, e->size, btf_is_float(t));
	return refuse(l,
		"%s is of a type that BTF does not describe (a vector, or a "
		"complex number): pass a pointer to it",
		l->what);
}

/* ---- values -------------------------------------------------------------- */

/* GCC 12 does not say that an enum is signed. With less than 32 bits a negative
 * value does: and there callees rely on how their arguments are extended. */
static bool has_negative(const struct btf_type *t)
{
	const struct btf_enum *e = btf_enum(t), *end = e + btf_vlen(t);

	while (e < end && e->val >= 0)
		e++;
	return e < end;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_is_int(t))
		return btf_int_encoding(t) & BTF_INT_SIGNED;
	return btf_is_any_enum(t) &&
	       (btf_kflag(t) ||
		       (btf_is_enum(t) && t->size < 4 && has_negative(t)));
}

static u8 class_of(const struct btf_type *t)
{
	if (btf_is_composite(t))
		return MODEL_STRUCT;
	return btf_is_float(t) ? MODEL_FLOAT : MODEL_INT;
}

static bool make_value(struct lay *l, u32 id, struct model_value *v)
{
	const struct btf_type *t =
		btf__type_by_id(l->b, fe_btf_strip(l->b, id));
	struct extent e;

	memset(&l->scalar, 0, sizeof(l->scalar));
	l->collect = btf_is_composite(t) && t->size <= MODEL_SCALARS_SIZE;
	if (btf_is_array(t)) /* C has no such values: a vector */
		id = 0;
	if (!lay_type(l, id, 0, 0, &e))
		return false;
	*v = (struct model_value){
		.cls = class_of(t),
		.is_signed = is_signed(t),
		.size = (u32)e.size,
		.align = e.align,
		.scalar = l->scalar.v,
		.nscalar = l->scalar.n,
		.nwords = (u32)(e.size + WORD - 1) / WORD,
		.name = "",
	};
	return true;
}

static bool make_param(
	struct lay *l, const struct btf_param *p, u32 i, struct model_value *v)
{
	const char *name = btf__name_by_offset(l->b, p->name_off);

	l->what = *name ? arena_printf(l->a, "parameter %s", name)
			: arena_printf(l->a, "parameter %u", i + 1);
	if (!make_value(l, p->type, v))
		return false;
	if (v->nwords > KILN_TRAMP_WORDS)
		return refuse(l, "%s has %u bytes, wanted at most %u", l->what,
			v->size, KILN_TRAMP_WORDS * WORD);
	v->name = arena_strndup(l->a, name, strlen(name));
	return true;
}

/* In memory it is a pointer. */
static bool make_result(struct lay *l, u32 id, struct model_value *v)
{
	*v = (struct model_value){.cls = MODEL_VOID, .align = 1, .name = ""};
	l->what = "the result";
	if (!id) /* a typedef of nothing is a vector's */
		return true;
	if (!make_value(l, id, v))
		return false;
	if (v->cls == MODEL_STRUCT && v->size > IN_REGISTERS)
		v->nwords = 1;
	return true;
}

/* ---- text ---------------------------------------------------------------- */

static const char *value_text(struct arena *a, const struct model_value *v)
{
	const char *s;

	switch (v->cls) {
	case MODEL_VOID: return "void";
	case MODEL_INT:
		return arena_printf(
			a, "%c%u", v->is_signed ? 's' : 'u', 8 * v->size);
	case MODEL_FLOAT: return arena_printf(a, "f%u", 8 * v->size);
	default: break;
	}
	if (v->size > MODEL_SCALARS_SIZE)
		return arena_printf(a, "{%u/%u}", v->size, v->align);
	s = arena_printf(a, "{%u:", v->size);
	for (u32 k = 0; k < v->nscalar; k++)
		s = arena_printf(a, "%s %c%u@%u", s,
			v->scalar[k].is_float ? 'f' : 'u',
			8 * v->scalar[k].size, v->scalar[k].off);
	return arena_printf(a, "%s}", s);
}

static const char *model_text(struct arena *a, const struct model *m)
{
	const char *s = arena_printf(a, "%s (", value_text(a, &m->ret));

	for (u32 k = 0; k < m->nparam; k++)
		s = arena_printf(a, "%s%s%s", s, k ? ", " : "",
			value_text(a, &m->param[k]));
	return arena_printf(a, "%s)", s);
}

/* ---- functions ----------------------------------------------------------- */

/* They return twice, or with the stack that they were called with in use. */
static bool returns_twice(const char *func)
{
	static const char *const names[] = {"setjmp", "_setjmp", "__setjmp",
		"sigsetjmp", "__sigsetjmp", "savectx", "vfork", "__vfork",
		"getcontext", "swapcontext"};

	for (u32 k = 0; k < countof(names); k++)
		if (!strcmp(names[k], func))
			return true;
	return false;
}

static bool is_variadic(const struct btf_type *t)
{
	u32 n = btf_vlen(t);

	return n && !btf_params(t)[n - 1].type &&
	       !btf_params(t)[n - 1].name_off;
}

static bool make_params(
	struct lay *l, const struct btf_type *t, struct model *m)
{
	u32 n = btf_vlen(t);
	struct model_value *param;

	/* before anything is as long as the input wants */
	if (n > KILN_TRAMP_WORDS)
		return refuse(l, "it has %u parameters, wanted at most %u", n,
			KILN_TRAMP_WORDS);
	param = arena_array(l->a, struct model_value, n);
	for (u32 i = 0; i < n; i++) {
		if (!make_param(l, &btf_params(t)[i], i, &param[i]))
			return false;
		param[i].word = m->nargs;
		m->nargs += param[i].nwords;
	}
	m->param = param;
	m->nparam = n;
	return true;
}

const struct model *fe_model(struct arena *a, const struct btf *b, u32 proto,
	const char *func, const char **why)
{
	const struct btf_type *t = btf__type_by_id(b, proto);
	struct lay l = {.a = a, .b = b, .fuel = FUEL};
	struct model *m = arena_new(a, struct model);

	*why = NULL;
	m->func = func;
	if (returns_twice(func))
		refuse(&l, "it returns more than once");
	else if (is_variadic(t))
		refuse(&l, "it takes any number of arguments (...)");
	else if (make_params(&l, t, m) && make_result(&l, t->type, &m->ret) &&
		 m->nargs + m->ret.nwords > KILN_TRAMP_WORDS)
		refuse(&l,
			"its arguments and result have %u words, wanted at "
			"most %u",
			m->nargs + m->ret.nwords, KILN_TRAMP_WORDS);
	*why = l.why;
	if (l.why)
		return NULL;
	m->ret.word = m->nargs;
	m->text = model_text(a, m);
	return m;
}
