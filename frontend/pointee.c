/*
 * What typed pointers point to: structs of the kernel or the application,
 * known by BTF. A program comes to them from its context:
 *
 *   fentry, fexit, fmod_ret,  an array of words: the arguments of the function
 *   tp_btf, lsm, struct_ops   that the section names (fexit, fmod_ret: and its
 *                             result), by that function's prototype
 *   iter                      struct bpf_iter__NAME
 *   a section without type    the struct that the parameter points to
 *
 * and from helpers that return objects, and follows their members from there.
 * Types are those of the target (--btf) where it has them: CO-RE has made the
 * offsets its. Else they are the object's own.
 *
 * As in the kernel only pointers to structs and unions are followed. In an
 * application's own struct other pointers are plain memory as in C; elsewhere
 * what they point to is an object of unknown type (RTY_REACHED), and so is
 * everywhere what BTF does not describe: clang leaves out what is behind a
 * pointer in a struct, unless CO-RE asks for it.
 *
 * A type carries the C expression that it came from, for people (kiln
 * inspect). Where two of them meet the type stays and the expression goes, so
 * walking a list ends.
 */
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/core.h"
#include "frontend/types.h"

enum { OWN, TARGET, SIDES };
enum { HASH = 1024, MAX_POINTEES = RTY_APP - 1, WORD = 8 };

struct pointee {
	u8 side;     /* whose types: OWN, TARGET */
	bool args;   /* an array of arguments, else a struct or union */
	bool result; /* args: the function's result comes behind them */
	bool app;    /* the application's: programs may store to it */
	u8 skip;     /* args: parameters that are not passed on */
	const struct model *model; /* args: of a function that is attached to */
	u16 plain;		   /* the same without an expression */
	u32 type;	  /* struct, union or FUNC_PROTO; 0: not known */
	const char *path; /* expression, or NULL */
	u32 next;	  /* in its chain of the hash table */
};

/* What a load yields, so that each is looked up once. */
struct seen {
	struct rty base, result;
	i32 off;
	u32 size, next;
};

struct fe_pointees {
	const struct btf *btf[SIDES];
	vec(struct pointee) v; /* [0] is unused */
	vec(struct seen) seen;
	u32 head[HASH], seen_head[HASH];
};

static struct fe_pointees *table(struct module *m)
{
	if (m->pointee)
		return m->pointee;
	m->pointee = arena_new(m->a, struct fe_pointees);
	m->pointee->btf[OWN] = m->btf_types;
	if (m->target)
		m->pointee->btf[TARGET] = m->target->side.b;
	vec_push(m->a, &m->pointee->v);
	vec_push(m->a, &m->pointee->seen);
	return m->pointee;
}

static const struct pointee *pointee(const struct module *m, struct rty t)
{
	return &m->pointee->v.v[t.id & ~RTY_APP];
}

/* ---- making them --------------------------------------------------------- */

static bool same(const struct pointee *a, const struct pointee *b)
{
	if (!a->path != !b->path || (a->path && strcmp(a->path, b->path)))
		return false;
	return a->side == b->side && a->args == b->args && a->app == b->app &&
	       a->result == b->result && a->skip == b->skip &&
	       a->model == b->model && a->type == b->type;
}

/* Its number; 0 if there are too many. */
static u16 intern(struct module *m, struct pointee p)
{
	struct fe_pointees *all = table(m);
	u32 h = p.type * 2654435761u + p.app;

	for (const char *s = p.path; s && *s; s++)
		h = (h ^ (u8)*s) * 16777619;
	h = (h ^ h >> 16) % HASH;
	for (u32 k = all->head[h]; k; k = all->v.v[k].next)
		if (same(&all->v.v[k], &p))
			return (u16)k;
	if (all->v.n > MAX_POINTEES)
		return 0;
	if (p.path) {
		struct pointee plain = p;

		plain.path = NULL;
		p.plain = intern(m, plain);
	}
	if (all->v.n > MAX_POINTEES)
		return p.plain;
	p.next = all->head[h];
	all->head[h] = all->v.n;
	if (!p.path)
		p.plain = (u16)all->v.n;
	*vec_push(m->a, &all->v) = p;
	return (u16)(all->v.n - 1);
}

/* A value of which nothing is known. */
static struct rty reached(bool app)
{
	return app ? rty_of(RTY_UNKNOWN, 0) : rty_of(RTY_REACHED, 0);
}

static struct rty typed(struct module *m, enum rty_kind kind, struct pointee p)
{
	u16 id = intern(m, p);

	if (!id)
		return kind == RTY_PLAIN ? rty_of(RTY_UNKNOWN, 0)
					 : rty_of(RTY_REACHED, 0);
	return (struct rty){
		(u8)kind, true, (u16)(id | (p.app ? RTY_APP : 0)), 0};
}

/* ---- types by name ------------------------------------------------------- */

static const char *name_of(const struct btf *b, const struct btf_type *t)
{
	return btf__name_by_offset(b, t->name_off);
}

/* The target's type of that name and kind, or 0. */
static u32 find_target(const struct module *m, const char *name, u32 kind)
{
	if (!m->target || !*name)
		return 0;
	for (u32 id = core_find(m->target, name, 0); id;
		id = core_find(m->target, name, id))
		if (btf_kind(btf__type_by_id(m->target->side.b, id)) == kind)
			return id;
	return 0;
}

static u32 find_own(const struct module *m, const char *name, u32 kind)
{
	i32 id = m->btf_types && *name
			 ? btf__find_by_name_kind(m->btf_types, name, kind)
			 : 0;

	return id > 0 ? (u32)id : 0;
}

static u32 find_named(
	const struct module *m, const char *name, u32 kind, u8 *side)
{
	u32 id = find_target(m, name, kind);

	*side = id ? TARGET : OWN;
	return id ? id : find_own(m, name, kind);
}

/* Whom a pointer of this type points to: a struct or union, else 0. *side is
 * whose type it is and changes where the target has it, too. */
static u32 struct_behind(const struct module *m, u8 *side, u32 ptr)
{
	const struct btf *b = m->pointee->btf[*side];
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, ptr));
	u32 id, kind, other;

	if (!btf_is_ptr(t))
		return 0;
	id = fe_btf_strip(b, t->type);
	t = btf__type_by_id(b, id);
	kind = btf_is_fwd(t) ? btf_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT
			     : btf_kind(t);
	if (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION)
		return 0;
	if (*side == OWN && (other = find_target(m, name_of(b, t), kind))) {
		*side = TARGET;
		return other;
	}
	if (!btf_is_fwd(t))
		return id;
	other = *side == OWN ? find_own(m, name_of(b, t), kind)
			     : find_target(m, name_of(b, t), kind);
	return other ? other : id;
}

/* ---- members ------------------------------------------------------------- */

enum { PATH_MAX_LEN = 256, WALK_FUEL = 4096, WALK_DEPTH = 32 };

/* On the way to a member. */
struct walk {
	struct core_side side;
	u32 fuel;
	char path[PATH_MAX_LEN];
	size_t len;
	u32 type; /* of exactly these bytes, or 0 */
};

static void say(struct walk *w, const char *fmt, ...) printf_like(2, 3);

static void say(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(w->path + w->len, sizeof(w->path) - w->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n;
	if (w->len >= sizeof(w->path))
		w->len = sizeof(w->path) - 1;
}

static bool is_struct_pointer(const struct walk *w)
{
	const struct btf *b = w->side.b;
	const struct btf_type *t;

	if (!w->type)
		return false;
	t = btf__type_by_id(b, fe_btf_strip(b, w->type));
	if (!btf_is_ptr(t))
		return false;
	t = btf__type_by_id(b, fe_btf_strip(b, t->type));
	return btf_is_composite(t) || btf_is_fwd(t);
}

static bool walk_to(struct walk *w, u32 id, u64 off, u64 size, u32 depth);

/* Of members that lie on each other a pointer to a struct goes first. */
static bool walk_members(
	struct walk *w, const struct btf_type *t, u64 off, u64 size, u32 depth)
{
	struct walk best = {0};
	bool found = false;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		u64 at = btf_member_bit_offset(t, i) / 8, bytes = 0;
		const char *name = btf__name_by_offset(w->side.b, m->name_off);

		if (!w->fuel)
			break;
		w->fuel--;
		core_size(&w->side, m->type, &bytes);
		/* an array without length ends its struct */
		if (off < at ||
			(bytes ? off - at >= bytes : i + 1 < btf_vlen(t)))
			continue;
		struct walk try = *w;
		if (*name)
			say(&try, "%s%s", try.len ? "." : "", name);
		try.fuel = w->fuel;
		bool ok = walk_to(&try, m->type, off - at, size, depth + 1);
		w->fuel = try.fuel;
		if (!ok || (found && !is_struct_pointer(&try)))
			continue;
		best = try;
		found = true;
		if (btf_is_struct(t) || is_struct_pointer(&try))
			break;
	}
	if (!found)
		return false;
	best.fuel = w->fuel;
	*w = best;
	return true;
}

/* From a type to the bytes [off, off + size) of it. */
static bool walk_to(struct walk *w, u32 id, u64 off, u64 size, u32 depth)
{
	u32 at = fe_btf_strip(w->side.b, id);
	const struct btf_type *t = btf__type_by_id(w->side.b, at);
	u64 bytes;

	if (depth > WALK_DEPTH || btf_is_fwd(t))
		return false;
	if (btf_is_composite(t))
		return walk_members(w, t, off, size, depth);
	if (btf_is_array(t)) {
		const struct btf_array *a = btf_array(t);

		if (!core_size(&w->side, a->type, &bytes) || !bytes)
			return false;
		say(w, "[%llu]", (unsigned long long)(off / bytes));
		return walk_to(w, a->type, off % bytes, size, depth + 1);
	}
	if (!off && core_size(&w->side, at, &bytes) && bytes == size)
		w->type = at;
	return true;
}

/* From a pointer to a struct; a pointer may point into an array of them. */
static bool walk_struct(struct walk *w, u32 id, i64 off, u64 size)
{
	u64 bytes = 0;

	if (off < 0)
		return false;
	core_size(&w->side, id, &bytes);
	if (bytes && (u64)off >= bytes)
		say(w, "[%llu]", (unsigned long long)off / bytes);
	return walk_to(w, id, bytes ? (u64)off % bytes : (u64)off, size, 0);
}

/* ---- arguments ----------------------------------------------------------- */

/* Parameter, or result, in word k of the array; *name: "" if it has none. */
static u32 argument(const struct module *m, const struct pointee *p, u64 k,
	const char **name)
{
	const struct btf *b = m->pointee->btf[p->side];
	const struct btf_type *t = btf__type_by_id(b, p->type);
	struct core_side side = core_side_of(b);

	for (u32 i = p->skip; i < btf_vlen(t); i++) {
		u64 size = WORD, words;

		core_size(&side, btf_params(t)[i].type, &size);
		words = size > WORD ? 2 : 1;
		*name = btf__name_by_offset(b, btf_params(t)[i].name_off);
		if (k < words)
			return words == 1 ? btf_params(t)[i].type : 0;
		k -= words;
	}
	*name = "result";
	return p->result && !k ? t->type : 0;
}

/* The same of a function that is attached to, whose structs by value take as
 * many words as they need. */
static const struct model_value *value_at(
	const struct module *m, const struct pointee *p, u64 k, u32 *type)
{
	const struct btf_type *t =
		btf__type_by_id(m->pointee->btf[p->side], p->type);
	const struct model *f = p->model;

	for (u32 i = 0; i < f->nparam; i++) {
		*type = btf_params(t)[i].type;
		if (k - f->param[i].word < f->param[i].nwords)
			return &f->param[i];
	}
	*type = t->type;
	return p->result && k - f->nargs < f->ret.nwords ? &f->ret : NULL;
}

/* Word k of that function: what it is of, where in a struct. */
static bool walk_word(
	const struct module *m, const struct pointee *p, u64 k, struct walk *w)
{
	u32 type;
	const struct model_value *v = value_at(m, p, k, &type);

	if (!v)
		return false;
	say(w, "%s", v == &p->model->ret ? "result" : v->name);
	if (!w->len)
		say(w, "arg%llu", (unsigned long long)k);
	if (v->cls != MODEL_STRUCT) {
		w->type = type;
		return true;
	}
	struct walk in = *w;
	in.side = core_side_of(m->pointee->btf[p->side]);
	/* one word for more: its address */
	if (v->nwords * WORD >= v->size &&
		walk_struct(&in, type, WORD * (i64)(k - v->word), WORD))
		*w = in;
	return true;
}

/* ---- loads --------------------------------------------------------------- */

/* Only what is wide enough to be an address can be one. */
static struct rty number_or_reached(
	const struct module *m, const struct pointee *p, u8 side, u32 type)
{
	const struct btf *b = m->pointee->btf[side];
	const struct btf_type *t;

	if (!type || p->app)
		return reached(p->app);
	t = btf__type_by_id(b, fe_btf_strip(b, type));
	return btf_is_int(t) || btf_is_any_enum(t) ? rty_of(RTY_SCALAR, 0)
						   : reached(false);
}

static struct rty type_of_value(struct module *m, const struct pointee *from,
	u32 type, const char *path)
{
	u8 side = from->side;
	u32 to = type ? struct_behind(m, &side, type) : 0;
	struct pointee p = {.side = side, .app = from->app, .type = to};

	if (!to)
		return number_or_reached(m, from, from->side, type);
	p.path = path;
	return typed(m, RTY_BTF, p);
}

static const char *type_text(struct module *m, const struct pointee *p)
{
	const struct btf *b = m->pointee->btf[p->side];
	const struct btf_type *t = btf__type_by_id(b, p->type);
	const char *name = name_of(b, t);

	return arena_printf(m->a, "%s %s", btf_is_union(t) ? "union" : "struct",
		*name ? name : "{...}");
}

/* "task->mm" of "task" and "mm"; NULL if it is too long. */
static const char *join_path(
	struct module *m, const struct pointee *p, const char *member)
{
	const char *arrow = *member == '[' ? "" : "->";

	if (p->args)
		return arena_printf(m->a, "%s", member);
	if (!p->path)
		return arena_printf(
			m->a, "(%s)%s%s", type_text(m, p), arrow, member);
	if (strlen(p->path) + strlen(member) >= PATH_MAX_LEN)
		return NULL;
	return arena_printf(m->a, "%s%s%s", p->path, arrow, member);
}

/* Where p[off, off + size) is and what it is of. */
static bool find_member(struct module *m, const struct pointee *p, i64 off,
	u32 size, struct walk *w)
{
	const char *name = "";

	*w = (struct walk){.fuel = WALK_FUEL};
	if (!p->args) {
		w->side = core_side_of(m->pointee->btf[p->side]);
		return walk_struct(w, p->type, off, size);
	}
	if (off < 0 || off % WORD || !p->type)
		return false;
	if (p->model)
		return walk_word(m, p, (u64)off / WORD, w);
	w->type = argument(m, p, (u64)off / WORD, &name);
	if (*name)
		say(w, "%s", name);
	else
		say(w, "arg%lld", (long long)off / WORD);
	return true;
}

static struct rty load(struct module *m, struct rty base, i64 off)
{
	/* a copy: typed() may move the table */
	struct pointee p = *pointee(m, base);
	struct walk w;

	if (!base.fixed || !find_member(m, &p, base.off + off, WORD, &w))
		return rty_of(RTY_REACHED, base.id & RTY_APP);
	return type_of_value(m, &p, w.type, join_path(m, &p, w.path));
}

struct rty fe_pointee_load(struct module *m, struct rty base, i64 off, u32 size)
{
	struct fe_pointees *all = m->pointee;
	u32 h;

	if (size != WORD)
		return rty_of(RTY_SCALAR, 0);
	if (base.kind == RTY_REACHED)
		return base;
	h = (base.id * 31u + (u32)base.off + (u32)off) % HASH;
	for (u32 k = all->seen_head[h]; k; k = all->seen.v[k].next) {
		const struct seen *s = &all->seen.v[k];

		if (rty_eq(s->base, base) && s->off == off)
			return s->result;
	}
	struct seen new = {
		base, load(m, base, off), (i32)off, size, all->seen_head[h]};
	all->seen_head[h] = all->seen.n;
	*vec_push(m->a, &all->seen) = new;
	return new.result;
}

struct rty fe_pointee_join(const struct module *m, struct rty a, struct rty b)
{
	u16 app = (a.id | b.id) & RTY_APP;

	/* the context of a program may be the head of a list */
	if (a.kind != RTY_BTF || b.kind != RTY_BTF ||
		pointee(m, a)->plain != pointee(m, b)->plain)
		return rty_of(RTY_REACHED, app);
	struct rty t = rty_of(RTY_BTF, (u16)(pointee(m, a)->plain | app));
	t.fixed = a.fixed && b.fixed && a.off == b.off;
	t.off = t.fixed ? a.off : 0;
	return t;
}

/* ---- contexts ------------------------------------------------------------ */

const char *fe_attach_name(struct module *m, const struct func *f)
{
	const char *slash = strchr(f->section, '/');
	size_t n = slash ? strcspn(slash + 1, "+") : 0;

	return n ? arena_strndup(m->a, slash + 1, n) : "";
}

/* FUNC, or typedef of a pointer to a function -> FUNC_PROTO, or 0. */
static u32 proto_behind(const struct btf *b, u32 id)
{
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, id));

	if (btf_is_func(t) || btf_is_ptr(t))
		id = fe_btf_strip(b, t->type);
	else
		return 0;
	return btf_is_func_proto(btf__type_by_id(b, id)) ? id : 0;
}

static struct pointee args_of(
	struct module *m, const char *prefix, const char *name, u32 kind)
{
	struct pointee p = {.args = true};
	u32 id;

	if (!*name)
		return p;
	id = find_named(
		m, arena_printf(m->a, "%s%s", prefix, name), kind, &p.side);
	if (id)
		p.type = proto_behind(table(m)->btf[p.side], id);
	return p;
}

static struct pointee tracing_args(struct module *m, const struct func *f)
{
	const char *name = fe_attach_name(m, f);
	struct pointee p;

	if (f->attach_type == BPF_TRACE_RAW_TP) {
		p = args_of(m, "btf_trace_", name, BTF_KIND_TYPEDEF);
		p.skip = 1; /* void *__data */
		return p;
	}
	p = (struct pointee){
		.args = true,
		.side = f->hook.of_target ? TARGET : OWN,
		.type = f->hook.model ? f->hook.proto : 0,
		.model = f->hook.model,
		.result = f->attach_type != BPF_TRACE_FENTRY,
	};
	table(m);
	return p;
}

/* What the program's first parameter points to. */
static struct pointee parameter(struct module *m, const struct func *f)
{
	const struct btf *b = table(m)->btf[OWN];
	struct pointee p = {0};
	const struct btf_type *t;

	if (!f->btf_type)
		return p;
	t = btf__type_by_id(b, btf__type_by_id(b, f->btf_type)->type);
	if (!btf_vlen(t))
		return p;
	p.path = btf__name_by_offset(b, btf_params(t)[0].name_off);
	if (!*p.path)
		p.path = "ctx";
	p.type = struct_behind(m, &p.side, btf_params(t)[0].type);
	return p;
}

const struct btf *fe_parameter(struct module *m, const struct func *f, u32 *id)
{
	const struct pointee p = parameter(m, f);

	*id = p.type;
	return m->pointee->btf[p.side];
}

struct rty fe_context(struct module *m, const struct func *f)
{
	struct pointee p = {0};

	switch (f->prog_type) {
	case BPF_PROG_TYPE_UNSPEC:
		p = parameter(m, f);
		p.app = true;
		break;
	case BPF_PROG_TYPE_TRACING:
		p = f->attach_type == BPF_TRACE_ITER ? parameter(m, f)
						     : tracing_args(m, f);
		break;
	case BPF_PROG_TYPE_LSM:
		p = args_of(m, "bpf_lsm_", fe_attach_name(m, f), BTF_KIND_FUNC);
		p.result = true;
		break;
	case BPF_PROG_TYPE_STRUCT_OPS:
		p.args = true;
		p.app = true;
		p.side = OWN;
		p.type = fe_struct_ops_proto(m, f);
		break;
	default: return rty_of(RTY_UNKNOWN, 0);
	}
	if (!p.type && !p.args)
		return rty_of(RTY_UNKNOWN, 0);
	return typed(m, RTY_PLAIN, p);
}

struct rty fe_program_param(struct module *m, const struct func *f, u32 k)
{
	const struct btf *b = table(m)->btf[OWN];
	const struct pointee from = {.side = OWN, .app = true};
	const struct btf_type *t;
	const char *name;

	if (!f->hook.own)
		return rty_of(RTY_UNKNOWN, 0);
	t = btf__type_by_id(b, btf__type_by_id(b, f->btf_type)->type);
	name = btf__name_by_offset(b, btf_params(t)[k].name_off);
	if (f->hook.own->param[k].size < WORD)
		return rty_of(RTY_SCALAR, 0);
	return type_of_value(m, &from, btf_params(t)[k].type,
		*name ? name : arena_printf(m->a, "arg%u", k));
}

const struct model *fe_arguments(
	const struct module *m, struct rty t, bool *result)
{
	const struct pointee *p;

	if (t.kind != RTY_PLAIN)
		return NULL;
	p = pointee(m, t);
	*result = p->result;
	return p->model;
}

struct rty fe_helper_object(struct module *m, u32 helper)
{
	static const struct {
		u32 helper;
		const char *type;
	} objects[] = {
		{BPF_FUNC_get_current_task_btf, "task_struct"},
		{BPF_FUNC_task_pt_regs, "pt_regs"},
		{BPF_FUNC_skc_to_tcp6_sock, "tcp6_sock"},
		{BPF_FUNC_skc_to_tcp_sock, "tcp_sock"},
		{BPF_FUNC_skc_to_tcp_timewait_sock, "tcp_timewait_sock"},
		{BPF_FUNC_skc_to_tcp_request_sock, "tcp_request_sock"},
		{BPF_FUNC_skc_to_udp6_sock, "udp6_sock"},
		{BPF_FUNC_skc_to_unix_sock, "unix_sock"},
		{BPF_FUNC_sock_from_file, "socket"},
	};

	for (u32 k = 0; k < countof(objects); k++) {
		struct pointee p = {0};

		if (objects[k].helper != helper)
			continue;
		table(m);
		p.type = find_named(
			m, objects[k].type, BTF_KIND_STRUCT, &p.side);
		p.path =
			arena_printf(m->a, "bpf_%s()", fe_helper(helper)->name);
		return p.type ? typed(m, RTY_BTF, p) : rty_of(RTY_REACHED, 0);
	}
	return rty_of(RTY_UNKNOWN, 0);
}

/* ---- text ---------------------------------------------------------------- */

const char *fe_pointee_path(
	struct module *m, struct rty base, i64 off, u32 size)
{
	const struct pointee *p;
	const char *member = "?", *path;
	struct walk w;

	if (base.kind != RTY_BTF)
		return "";
	p = pointee(m, base);
	if (base.fixed && find_member(m, p, base.off + off, size, &w))
		member = w.path;
	path = join_path(m, p, member);
	return path ? path : "";
}

const char *fe_pointee_name(
	const struct module *m, struct rty t, char *buf, size_t size)
{
	const struct pointee *p = pointee(m, t);
	const struct btf *b = m->pointee->btf[p->side];

	if (p->args)
		return "arguments";
	const struct btf_type *of = btf__type_by_id(b, p->type);
	snprintf(buf, size, "%s%s %s", t.kind == RTY_BTF ? "object " : "",
		btf_is_union(of) ? "union" : "struct", name_of(b, of));
	return buf;
}
