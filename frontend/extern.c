/*
 * Functions that the application gives to its programs: called by their BTF
 * prototype. C callees on both targets may rely on nothing above an argument's
 * own width, and leave anything above a result's; the caller extends.
 */
#include <bpf/btf.h>
#include <string.h>

#include "frontend/code.h"

enum { MAX_DEPTH = 32 };

/* The type behind typedefs and qualifiers, or NULL. */
static const struct btf_type *strip(const struct btf *btf, u32 id)
{
	for (u32 n = 0; n < MAX_DEPTH; n++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t || !(btf_is_mod(t) || btf_is_typedef(t)))
			return t;
		id = t->type;
	}
	return NULL;
}

static bool has_float(
	const struct btf *btf, const struct btf_type *t, u32 depth)
{
	if (!t || depth == MAX_DEPTH)
		return true; /* cannot say: treat it as one */
	if (btf_is_float(t))
		return true;
	if (btf_is_array(t))
		return has_float(
			btf, strip(btf, btf_array(t)->type), depth + 1);
	if (!btf_is_composite(t))
		return false;
	for (u32 n = 0; n < btf_vlen(t); n++)
		if (has_float(
			    btf, strip(btf, btf_members(t)[n].type), depth + 1))
			return true;
	return false;
}

/* Appends the registers of one value; the reason if it has none. */
static const char *add_value(
	const struct btf *btf, u32 id, struct fe_reg *reg, u8 *n, u32 max)
{
	const struct btf_type *t = strip(btf, id);
	struct fe_reg r = {8, false};
	u32 count = 1;

	if (!t)
		return "has a damaged type";
	if (btf_is_int(t) || btf_is_any_enum(t)) {
		if (t->size != 1 && t->size != 2 && t->size != 4 &&
			t->size != 8)
			return "has an integer wider than a register";
		r.size = (u8)t->size;
		r.sign = btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED
				       : btf_kflag(t);
	} else if (btf_is_composite(t)) {
		if (!t->size || t->size > 16 || has_float(btf, t, 0))
			return "passes a struct that fits no two registers";
		count = t->size > 8 ? 2 : 1;
	} else if (!btf_is_ptr(t)) {
		return "has a floating-point or array type";
	}
	if (*n + count > max)
		return "passes more than fits its registers";
	for (; count; count--)
		reg[(*n)++] = r;
	return NULL;
}

const char *fe_read_proto(
	const struct btf *btf, const struct btf_type *t, struct fe_proto *p)
{
	const struct btf_param *param = btf_params(t);
	const struct btf_type *ret = t->type ? strip(btf, t->type) : NULL;
	u8 one = 0;

	for (u32 n = 0; n < btf_vlen(t); n++) {
		if (!param[n].type)
			return "is variadic";
		const char *why =
			add_value(btf, param[n].type, p->arg, &p->nargs, 5);
		if (why)
			return why;
	}
	if (!t->type || (ret && btf_is_void(ret)))
		return NULL;
	p->returns = true;
	return add_value(btf, t->type, &p->ret, &one, 1);
}

bool fe_extern_proto(
	const struct module *m, u32 sym, struct fe_proto *p, const char **why)
{
	const char *name = m->sym.v[sym].name;
	const struct btf *btf = m->btf_types;
	const struct btf_type *t;
	i32 id = -1;

	memset(p, 0, sizeof(*p));
	if (btf)
		id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id <= 0 && fe_builtin_proto(name, p))
		return true;
	*why = "has no prototype in BTF";
	if (id <= 0)
		return false;
	t = btf__type_by_id(btf, (u32)id);
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t))
		return false;
	*why = fe_read_proto(btf, t, p);
	return !*why;
}

/* The prototype of a FUNC, or NULL. */
static const struct btf_type *proto_of(const struct module *m, u32 btf_func)
{
	const struct btf *btf = m->btf_types;
	const struct btf_type *t;

	if (!btf || !btf_func)
		return NULL;
	t = btf__type_by_id(btf, btf_func);
	t = t && btf_is_func(t) ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) ? t : NULL;
}

u32 fe_func_nargs(const struct module *m, u32 btf_func)
{
	const struct btf_type *t = proto_of(m, btf_func);

	return t && btf_vlen(t) < 5 ? btf_vlen(t) : 5;
}

bool fe_returns_int(const struct module *m, u32 btf_func)
{
	const struct btf_type *t = proto_of(m, btf_func);

	t = t && t->type ? strip(m->btf_types, t->type) : NULL;
	return t && (btf_is_int(t) || btf_is_any_enum(t)) && t->size <= 4;
}

u32 fe_extern_nargs(const struct module *m, u32 sym)
{
	struct fe_proto p;
	const char *why;

	if (sym >= m->sym.n || m->sym.v[sym].kind != SYM_EXTERN)
		return 0;
	return fe_extern_proto(m, sym, &p, &why) ? p.nargs : 0;
}
