/*
 * Tables of struct_ops: a variable of .struct_ops or .struct_ops.link becomes
 * an ordinary variable of the same struct, which C fills its calls from. Where
 * the source names a program, C wants a function of the member's prototype, but
 * a program is called with the address of its arguments:
 *
 *     C: table.member(a, b)  ->  thunk(a, b) { u64 v[] = {a, b};
 *                                              return program(v); }
 *
 * So each such member gets a function of its own, made here as IR. As in the
 * kernel an argument is one word (a struct of up to 16 bytes two) with whatever
 * the caller leaves above its type; programs narrow it (BPF_PROG does). Members
 * of more than five words are refused: BPF has no more argument registers.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "frontend/code.h"
#include "frontend/obj.h"

enum { WORD = 8, MAX_DEPTH = 8 };

/* ---- members ------------------------------------------------------------- */

/* The prototype of the function pointer at off of a type, or 0, and its
 * name. */
static u32 find_member(
	const struct btf *b, u32 type, u64 off, u32 depth, const char **name)
{
	const struct btf_type *t = btf__type_by_id(b, fe_btf_strip(b, type));

	if (btf_is_ptr(t) && !off) {
		u32 to = fe_btf_strip(b, t->type);

		return btf_is_func_proto(btf__type_by_id(b, to)) ? to : 0;
	}
	if (!btf_is_struct(t) || depth == MAX_DEPTH)
		return 0;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		u64 at = btf_member_bit_offset(t, i) / 8;
		i64 size = btf__resolve_size(b, m->type);

		if (size <= 0 || off < at || off - at >= (u64)size)
			continue;
		*name = btf__name_by_offset(b, m->name_off);
		return find_member(b, m->type, off - at, depth + 1, name);
	}
	return 0;
}

static const struct data_var *find_var(const struct datasec *d, u64 off)
{
	for (u32 i = 0; i < d->var.n; i++)
		if (off >= d->var.v[i].off &&
			off - d->var.v[i].off < d->var.v[i].size)
			return &d->var.v[i];
	return NULL;
}

static u32 proto_of(
	const struct module *m, const struct ops_ref *r, const char **name)
{
	const struct data_var *v = find_var(&m->data.v[r->data], r->off);

	return v ? find_member(
			   m->btf_types, v->btf_type, r->off - v->off, 0, name)
		 : 0;
}

u32 fe_struct_ops_proto(const struct module *m, const struct func *f)
{
	const char *name;

	for (u32 i = 0; i < m->ops.n; i++)
		if (m->ops.v[i].sym == f->sym)
			return proto_of(m, &m->ops.v[i], &name);
	return 0;
}

/* ---- thunks -------------------------------------------------------------- */

static u32 add_thunk(struct module *m, const struct ops_ref *r,
	const char *name, const struct fe_proto *p)
{
	struct func *f = vec_push(m->a, &m->func);
	u32 *callee = arena_array(m->a, u32, 1);

	callee[0] = m->sym.v[r->sym].index;
	*f = (struct func){
		.name = name,
		.section = m->data.v[r->data].name,
		.first = m->insn.n,
		.is_used = true,
		.nparams = p->nargs,
		.callee = callee,
		.ncallee = 1,
		.thunk_of = r->sym,
		.is_thunk = true,
	};
	f->sym = module_sym(m, SYM_SUBPROG, BIND_LOCAL, name, m->func.n - 1);
	return f->sym;
}

static int settle_member(struct module *m, const struct ops_ref *r)
{
	struct datasec *d = &m->data.v[r->data];
	const struct data_var *v = find_var(d, r->off);
	const char *member = "", *why;
	struct loc at = {.file = m->file[r->file],
		.section = d->name,
		.prog = m->sym.v[r->sym].name,
		.insn = -1};
	struct fe_proto p = {0};
	u32 proto = proto_of(m, r, &member);

	if (m->sym.v[r->sym].kind != SYM_PROG) {
		diag_error(m->diag, &at,
			"offset %llu is no program (section struct_ops/%s)",
			(unsigned long long)r->off, at.prog);
		return -1;
	}
	if (!proto) {
		diag_error(m->diag, &at,
			"offset %llu of it is no pointer to a function",
			(unsigned long long)r->off);
		return -1;
	}
	why = fe_read_proto(
		m->btf_types, btf__type_by_id(m->btf_types, proto), &p);
	if (why) {
		diag_error(m->diag, &at, "member %s of %s %s", member, v->name,
			why);
		return -1;
	}
	u32 sym = add_thunk(
		m, r, arena_printf(m->a, "%s.%s", v->name, member), &p);
	*vec_push(m->a, &d->rel) =
		(struct data_rel){.off = r->off, .sym = sym, .file = r->file};
	return 0;
}

int fe_struct_ops(struct module *m)
{
	int err = 0;

	for (u32 i = 0; i < m->ops.n; i++)
		err |= settle_member(m, &m->ops.v[i]);
	return err ? -EINVAL : 0;
}

/* ---- their IR ------------------------------------------------------------ */

struct fn *fe_lower_thunk(struct module *m, u32 func, struct arena *a)
{
	const struct func *f = &m->func.v[func];
	struct fn *ir = ir_fn_new(a, f->name, f->nparams);
	i64 base = -WORD * (i64)f->nparams;
	struct access word = {.size = WORD, .region = REGION_STACK};
	struct call call = {.kind = CALL_FN,
		.sym = f->thunk_of,
		.nargs = 1,
		.effects = CALLF_READS | CALLF_WRITES | CALLF_ACQUIRE |
			   CALLF_RELEASE,
		.arg = {{.access = ARG_RW, .size_arg = -1, .hi = (i32)-base}}};

	ir->sym = f->sym;
	ir->module = m;
	ir->insn = INSN_NONE;
	ir_blk_new(ir);
	for (u32 k = 0; k < f->nparams; k++)
		ir_store(ir, 0, ir_fp(ir, base + WORD * (i64)k),
			ir_param(ir, k), &word);
	ref v = ir_fp(ir, base);
	ir_ret(ir, 0, ir_call(ir, 0, &call, TY_I64, &v, 1));
	return ir;
}
