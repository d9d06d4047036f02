/*
 * Programs that attach to a function: which one, and how it is called
 * (model.c). Its prototype is that of --btf, or one that the inputs bring
 * themselves: of another program or an extern function.
 *
 * A program whose function nobody describes is compiled all the same, but has
 * no row in kiln_hooks: it can be called, not attached. With --btf that is an
 * error, unless the source says that the function may be missing (SEC("?...")).
 */
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/core.h"
#include "frontend/types.h"
#include "kiln/format.h"

enum { MAX_NAMED = 4, MAX_ARGS = 5 };

#define hook_error(m, f, ...) fe_bad(m, f, -1, __VA_ARGS__)

/* ---- sections ------------------------------------------------------------ */

static u8 hook_kind(const struct func *f)
{
	if (f->prog_type == BPF_PROG_TYPE_EXT)
		return KILN_HOOK_FREPLACE;
	if (f->prog_type != BPF_PROG_TYPE_TRACING)
		return 0;
	switch (f->attach_type) {
	case BPF_TRACE_FENTRY: return KILN_HOOK_FENTRY;
	case BPF_TRACE_FEXIT: return KILN_HOOK_FEXIT;
	case BPF_MODIFY_RETURN: return KILN_HOOK_FMOD_RET;
	default: return 0;
	}
}

bool fe_replaces(const struct func *f)
{
	return f->hook.kind == KILN_HOOK_FREPLACE && !f->ext_type;
}

bool fe_returns_for(const struct func *f)
{
	return fe_replaces(f) ||
	       (f->hook.kind == KILN_HOOK_FMOD_RET && f->hook.model);
}

bool fe_returns_void(const struct func *f)
{
	const struct model *t = f->hook.model ? f->hook.model : f->hook.own;

	return fe_replaces(f) && t && t->ret.cls == MODEL_VOID;
}

/* ---- prototypes ---------------------------------------------------------- */

/* FUNC -> FUNC_PROTO, or 0. */
static u32 proto_of(const struct btf *b, u32 func)
{
	const struct btf_type *t = btf__type_by_id(b, func);
	u32 id = t && btf_is_func(t) ? t->type : 0;

	return id && btf_is_func_proto(btf__type_by_id(b, id)) ? id : 0;
}

/* Functions of one name, static ones, must be called alike. */
static const struct model *in_target(
	struct module *m, struct func_hook *h, const char **why)
{
	const struct btf *b = m->target ? m->target->side.b : NULL;
	const struct model *first = NULL;

	if (!b)
		return NULL;
	for (u32 id = core_find(m->target, h->name, 0); id;
		id = core_find(m->target, h->name, id)) {
		const struct btf_type *t = btf__type_by_id(b, id);

		if (!btf_is_func(t) ||
			strcmp(btf__name_by_offset(b, t->name_off), h->name))
			continue;
		const struct model *now =
			fe_model(m->a, b, proto_of(b, id), h->name, why);
		if (!now)
			return NULL;
		if (first && strcmp(first->text, now->text)) {
			*why = arena_printf(m->a,
				"%s has functions of that name with several "
				"prototypes: %s and %s",
				m->target->name, first->text, now->text);
			return NULL;
		}
		if (first)
			continue;
		first = now;
		h->proto = proto_of(b, id);
		h->of_target = true;
	}
	return first;
}

/* A program often has the name of the function that it, or another one, attaches
 * to: it is not meant. */
static bool is_attaching(const struct module *m, u32 func_type)
{
	for (u32 i = 0; i < m->func.n; i++)
		if (m->func.v[i].is_prog &&
			m->func.v[i].btf_type == func_type &&
			hook_kind(&m->func.v[i]))
			return true;
	return false;
}

static const struct model *in_inputs(
	struct module *m, struct func_hook *h, const char **why)
{
	i32 id = m->btf_types ? btf__find_by_name_kind(
					m->btf_types, h->name, BTF_KIND_FUNC)
			      : -1;

	if (id <= 0 || is_attaching(m, (u32)id))
		return NULL;
	h->proto = proto_of(m->btf_types, (u32)id);
	return h->proto ? fe_model(m->a, m->btf_types, h->proto, h->name, why)
			: NULL;
}

/* ---- what programs may be -------------------------------------------------- */

static const char *value_kind(const struct model_value *v)
{
	static const char *const kind[] = {[MODEL_VOID] = "void",
		[MODEL_INT] = "an integer or pointer",
		[MODEL_FLOAT] = "a float or double",
		[MODEL_STRUCT] = "a struct or union by value"};

	return kind[v->cls];
}

static int check_fmod_ret(
	const struct module *m, const struct func *f, const struct model *t)
{
	if (t->ret.cls == MODEL_INT)
		return 0;
	hook_error(m, f,
		"the result of %s is %s, wanted an integer or pointer: "
		"fexit sees it, too",
		t->func, value_kind(&t->ret));
	return -1;
}

static const char *param_name(struct module *m, const struct model *t, u32 k)
{
	return *t->param[k].name ? t->param[k].name
				 : arena_printf(m->a, "%u", k + 1);
}

/* BPF functions take numbers and pointers in five registers. */
static int check_replaceable(
	struct module *m, const struct func *f, const struct model *t)
{
	if (t->nparam > MAX_ARGS) {
		hook_error(m, f, "%s has %u parameters, wanted at most %u",
			t->func, t->nparam, MAX_ARGS);
		return -1;
	}
	for (u32 k = 0; k < t->nparam; k++)
		if (t->param[k].cls != MODEL_INT) {
			hook_error(m, f,
				"parameter %s of %s is %s, wanted an integer "
				"or pointer",
				param_name(m, t, k), t->func,
				value_kind(&t->param[k]));
			return -1;
		}
	if (t->ret.cls == MODEL_INT || t->ret.cls == MODEL_VOID)
		return 0;
	hook_error(m, f,
		"the result of %s is %s, wanted an integer, a pointer or void",
		t->func, value_kind(&t->ret));
	return -1;
}

/* The program stands for the function: callers must not see a difference.
 * Whether a number is signed it decides itself. */
static int check_agrees(struct module *m, const struct func *f,
	const struct model *own, const struct model *t)
{
	if (own->nparam != t->nparam) {
		hook_error(m, f, "it has %u parameters, wanted %u as %s has",
			own->nparam, t->nparam, t->func);
		return -1;
	}
	for (u32 k = 0; k < t->nparam; k++)
		if (own->param[k].cls != t->param[k].cls ||
			own->param[k].size != t->param[k].size) {
			hook_error(m, f,
				"parameter %s has %u bytes, wanted %u as "
				"parameter %s of %s has",
				param_name(m, own, k), own->param[k].size,
				t->param[k].size, param_name(m, t, k), t->func);
			return -1;
		}
	if (t->ret.cls == MODEL_VOID || own->ret.size == t->ret.size)
		return 0;
	hook_error(m, f, "its result has %u bytes, wanted %u as that of %s has",
		own->ret.size, t->ret.size, t->func);
	return -1;
}

static int read_own(struct module *m, struct func *f)
{
	u32 proto = f->btf_type ? proto_of(m->btf_types, f->btf_type) : 0;
	const char *why = NULL;

	if (!proto)
		return 0;
	f->hook.own = fe_model(m->a, m->btf_types, proto, f->name, &why);
	if (f->hook.own)
		return f->hook.kind == KILN_HOOK_FREPLACE
			       ? check_replaceable(m, f, f->hook.own)
			       : 0;
	hook_error(m, f, "%s", why);
	return -1;
}

static int check_kind(struct module *m, struct func *f)
{
	const struct model *t = f->hook.model, *own = f->hook.own;

	if (f->hook.kind == KILN_HOOK_FMOD_RET)
		return check_fmod_ret(m, f, t);
	if (f->hook.kind != KILN_HOOK_FREPLACE)
		return 0;
	if (check_replaceable(m, f, t))
		return -1;
	return own ? check_agrees(m, f, own, t) : 0;
}

/* ---- stage --------------------------------------------------------------- */

static int not_found(const struct module *m, const struct func *f)
{
	if (!m->target || f->hook.optional)
		return 0;
	hook_error(m, f,
		"%s is no function of %s (if it may be missing: SEC(\"?%s\"))",
		f->hook.name, m->target->name, f->section);
	return -1;
}

static int settle(struct module *m, struct func *f)
{
	struct func_hook *h = &f->hook;
	const char *why = NULL;

	h->name = fe_attach_name(m, f);
	h->optional = f->section[0] == '?';
	if (h->kind >= KILN_HOOK_FMOD_RET && read_own(m, f))
		return -1;
	if (!*h->name)
		return 0;
	h->model = in_target(m, h, &why);
	if (!h->model && !why)
		h->model = in_inputs(m, h, &why);
	if (!h->model && !why && f->ext_type && h->own) {
		/* both have one context */
		h->proto = proto_of(m->btf_types, f->btf_type);
		h->model =
			fe_model(m->a, m->btf_types, h->proto, h->name, &why);
	}
	if (!why && h->of_target)
		why = fe_not_hookable(m->a, m->target, h->name);
	if (why) {
		hook_error(m, f, "%s cannot be attached to: %s", h->name, why);
		return -1;
	}
	return h->model ? check_kind(m, f) : not_found(m, f);
}

/* It has a function that nobody describes, as nobody of that input before. */
static bool is_unknown(const struct module *m, u32 func, u32 file)
{
	const struct func *f = &m->func.v[func];

	if (!f->hook.kind || f->hook.model || f->hook.optional ||
		!*f->hook.name || m->sym.v[f->sym].file != file)
		return false;
	for (u32 i = 0; i < func; i++)
		if (m->func.v[i].hook.kind &&
			!strcmp(m->func.v[i].hook.name, f->hook.name))
			return false;
	return true;
}

/* One line for each input. */
static void warn_unknown(struct module *m, u32 file)
{
	const char *list = "";
	u32 n = 0;

	for (u32 i = 0; i < m->func.n; i++) {
		if (!is_unknown(m, i, file))
			continue;
		if (n++ < MAX_NAMED)
			list = arena_printf(m->a, "%s%s%s", list,
				n > 1 ? ", " : "", m->func.v[i].hook.name);
	}
	if (n)
		diag_warn(m->diag,
			&(struct loc){.file = m->file[file], .insn = -1},
			"no prototype of %s%s is known (--btf FILE): programs "
			"cannot be attached to %s",
			list, n > MAX_NAMED ? ", ..." : "",
			n > 1 ? "them" : "it");
}

int fe_hooks(struct module *m)
{
	int err = 0;

	for (u32 i = 0; i < m->func.n; i++) {
		struct func *f = &m->func.v[i];

		if (!fe_is_asked(m, f))
			continue;
		f->hook.kind = hook_kind(f);
		if (f->hook.kind)
			err |= settle(m, f);
	}
	for (u32 k = 0; k < m->nfile && !err; k++)
		warn_unknown(m, k);
	return err ? -EINVAL : 0;
}
