/*
 * One walk over a function whose types are known: says what is wrong with it
 * and writes down, per instruction, what lowering needs.
 */
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"
#include "kiln/context.h"
#include "kiln/format.h"
#include "kiln/map_size.h"

struct walk {
	struct types *t;
	struct module *m;
	u32 func;
	struct func *f;
	struct fe_func *fe;
	const struct state *s; /* before the instruction */
	u32 slot;
};

#define bad(w, ...) fe_bad((w)->m, (w)->f, (w)->slot, __VA_ARGS__)

/* A call whose argument is wrong for sure: it is only unsafe, so it compiles,
 * but not to what it would do to memory. */
#define leave_out(w, c, format, ...)                               \
	((c)->left_out = true,                                     \
		fe_unsafe((w)->m, (w)->f, (w)->slot,               \
			format "; the call is left out and fails", \
			__VA_ARGS__))

/* ---- registers ----------------------------------------------------------- */

static void check_read(const struct walk *w, u32 reg)
{
	if (w->s->reg[reg].kind == RTY_NONE)
		bad(w, "reads r%u, which was not written%s", reg,
			reg >= 1 && reg <= 5 ? " or was lost in a call" : "");
}

static void check_reads(
	const struct walk *w, const struct insn *i, const struct isa_row *r)
{
	if (r->dst & ISA_F_R)
		check_read(w, i->dst);
	if ((r->src & ISA_F_R) && !(i->src == i->dst && (r->dst & ISA_F_R)))
		check_read(w, i->src);
	if (r->kind == ISA_CMPXCHG || (r->kind == ISA_EXIT && w->f->is_prog &&
					      !fe_returns_void(w->f)))
		check_read(w, 0);
}

/* ---- memory -------------------------------------------------------------- */

u8 types_region(const struct module *m, struct rty base)
{
	switch (base.kind) {
	case RTY_CTX: return REGION_CTX;
	case RTY_STACK: return REGION_STACK;
	case RTY_VALUE: return REGION_MAP;
	case RTY_PACKET: return REGION_PACKET;
	case RTY_BTF:
	case RTY_REACHED:
		return base.id & RTY_APP ? REGION_UNKNOWN : REGION_BTF;
	case RTY_DATA:
		return m->data.v[base.id].writable ? REGION_GLOBAL
						   : REGION_RODATA;
	default: return REGION_UNKNOWN;
	}
}

static bool is_in_stack(struct rty base, i64 off, i64 size)
{
	i64 at = (i64)base.off + off;

	return !base.fixed || size <= 0 ||
	       (at >= -STACK_BYTES && at + size <= 0);
}

#define STACK_WANTED \
	"access of %lld bytes at %lld of the stack, wanted -%d to -1"

/* Frames as the kernel counts them: down to the lowest byte that an address
 * or an access names; a variable address may be anywhere. */
static void note_stack(const struct walk *w, i64 off)
{
	if (off < -STACK_BYTES)
		off = -STACK_BYTES;
	if (-off > w->fe->stack)
		w->fe->stack = (u16)-off;
}

static void use_ctx(struct walk *w, struct fe_use *u, struct mem_insn a)
{
	const struct ctx_type *c = ctx_type(u->base.id);
	const struct ctx_field *f;
	i64 at = (i64)u->base.off + u->off;
	char why[160];

	if (a.atomic) {
		bad(w, "atomic access to struct %s", c->of->name);
		return;
	}
	if (!u->base.fixed) {
		bad(w, "access to struct %s at a variable offset", c->of->name);
		return;
	}
	f = ctx_access(c, at, a.size, a.flags, why, sizeof(why));
	if (!f) {
		bad(w, "%s", why);
		return;
	}
	u->ctx = f->flags;
	if (!f->member)
		return;
	u->off += (i32)f->member - (i32)at;
	u->size = 8;
}

/* Maps that the source made read-only or write-only for programs. */
static void check_value(
	const struct walk *w, const struct mapdef *d, struct mem_insn a)
{
	bool loads = a.flags & CTX_LOAD || a.atomic;
	bool stores = a.flags & CTX_STORE || a.atomic;

	if (stores && d->flags & F_RDONLY_PROG)
		bad(w,
			"store to a value of map %s, which programs only read "
			"(BPF_F_RDONLY_PROG)",
			d->name);
	if (loads && d->flags & F_WRONLY_PROG)
		bad(w,
			"load from a value of map %s, which programs only "
			"write (BPF_F_WRONLY_PROG)",
			d->name);
}

static void use_object(
	const struct walk *w, struct mem_insn a, struct fe_use *u)
{
	char name[96];

	if (!(a.flags & CTX_STORE)) {
		u->path = fe_pointee_path(w->m, u->base, u->off, u->size);
	} else if (!(u->base.id & RTY_APP)) {
		bad(w, "%s %s, which programs only read",
			a.atomic ? "atomic access to" : "store to",
			rty_name(u->base, w->m, name, sizeof(name)));
	}
}

/* The words of a function's arguments, and of its result. */
static void use_words(
	const struct walk *w, const struct fe_use *u, struct mem_insn a)
{
	bool result;
	const struct model *t = fe_arguments(w->m, u->base, &result);
	i64 at = (i64)u->base.off + u->off;
	u32 words = t ? t->nargs + (result ? t->ret.nwords : 0) : 0;

	if (!t)
		return;
	if (a.flags & CTX_STORE)
		bad(w, "store to the arguments of %s, which programs only read",
			t->func);
	else if (u->base.fixed && (at < 0 || at + a.size > 8ll * words))
		bad(w,
			"access of %u bytes at %lld of the arguments of %s, "
			"which has %u words of arguments and %s",
			a.size, (long long)at, t->func, t->nargs,
			!result		? "no result yet"
			: t->ret.nwords ? "its result"
					: "no result");
}

static void use_mem(struct walk *w, const struct insn *i, struct mem_insn a,
	struct fe_use *u)
{
	char name[96];

	u->base = w->s->reg[a.reg];
	u->size = a.size;
	u->off = i->off;
	u->region = types_region(w->m, u->base);
	switch (u->base.kind) {
	case RTY_CTX: use_ctx(w, u, a); return;
	case RTY_STACK:
		if (!is_in_stack(u->base, u->off, a.size))
			bad(w, STACK_WANTED, (long long)a.size,
				(long long)u->base.off + u->off, STACK_BYTES);
		if (!u->base.id && u->base.fixed)
			note_stack(w, (i64)u->base.off + u->off);
		return;
	case RTY_VALUE: check_value(w, &w->m->map.v[u->base.id], a); return;
	case RTY_BTF:
	case RTY_REACHED: use_object(w, a, u); return;
	case RTY_PLAIN: use_words(w, u, a); return;
	case RTY_MAP:
	case RTY_INNER:
	case RTY_FN:
		bad(w, "access to %s, wanted memory of the program",
			rty_name(u->base, w->m, name, sizeof(name)));
		return;
	case RTY_MIXED:
		bad(w,
			"r%u is a context on one path and something else on "
			"another",
			a.reg);
		return;
	default: return;
	}
}

static u8 reads(u8 region)
{
	switch (region) {
	case REGION_STACK:
	case REGION_CTX:
	case REGION_RODATA: return 0;
	default: return CALLF_READS;
	}
}

static u8 writes(u8 region)
{
	switch (region) {
	case REGION_STACK: return 0;
	case REGION_CTX: return CALLF_CTX;
	case REGION_PACKET: return CALLF_PACKET;
	case REGION_UNKNOWN: return CALLF_WRITES | CALLF_PACKET;
	default: return CALLF_WRITES;
	}
}

/* What callers must know about an access; the frames that it may touch are
 * said per parameter. */
static u8 effects_of(u8 kind, u8 region)
{
	switch (kind) {
	case ISA_LDX:
	case ISA_LDSX: return reads(region);
	case ISA_LDACQ: return reads(region) | CALLF_ACQUIRE;
	case ISA_ST:
	case ISA_STX: return writes(region);
	case ISA_STREL: return writes(region) | CALLF_RELEASE;
	case ISA_ATOMIC: return reads(region) | writes(region);
	default:
		return reads(region) | writes(region) | CALLF_ACQUIRE |
		       CALLF_RELEASE;
	}
}

/* ---- calls --------------------------------------------------------------- */

/* Nothing behind an argument of this type can be a stack frame. */
static bool is_off_stack(struct rty x)
{
	return x.kind != RTY_NONE && x.kind != RTY_UNKNOWN &&
	       x.kind != RTY_STACK && x.kind != RTY_MIXED;
}

static struct arg_mem escape(struct rty x)
{
	struct arg_mem a = {.access = ARG_ESCAPE, .size_arg = -1};

	if (is_off_stack(x))
		a.access = ARG_SCALAR;
	return a;
}

static struct arg_mem helper_arg_mem(
	const struct walk *w, struct fe_call *c, u32 k)
{
	const struct helper *h = c->to.helper;
	const struct rty *reg = &w->s->reg[1];
	struct arg_mem a = {
		.access = fe_harg_mem[h->arg[k]].access,
		.size_arg = -1,
	};
	i32 by = types_size_arg(h, k);
	i64 size;

	if (a.access == ARG_SCALAR || a.access == ARG_ESCAPE)
		return a.access == ARG_SCALAR ? a : escape(reg[k]);
	size = types_arg_size(w->m, h, k, reg);
	if (reg[k].kind == RTY_STACK && !is_in_stack(reg[k], 0, size))
		leave_out(w, c, STACK_WANTED, (long long)size,
			(long long)reg[k].off, STACK_BYTES);
	if (by >= 0)
		a.size_arg = (i8)by;
	else if (size < 0 || size > INT32_MAX)
		return escape(reg[k]);
	else
		a.hi = (i32)size;
	return a;
}

static bool is_skb(struct rty x)
{
	return x.kind == RTY_CTX && ctx_type(x.id)->skb;
}

static bool is_xdp(struct rty x)
{
	return x.kind == RTY_CTX &&
	       ctx_type(x.id)->prog_type == BPF_PROG_TYPE_XDP;
}

/* Argument k must be the context, and of the kind that the helper knows. */
static void use_context(const struct walk *w, struct fe_call *call, u32 k)
{
	const struct helper *h = call->to.helper;
	struct rty x = w->s->reg[1 + k];
	bool whole = x.kind == RTY_CTX && x.fixed && !x.off;
	const struct ctx_type *c = whole ? ctx_type(x.id) : NULL;
	char name[96];

	if (x.kind == RTY_NONE || x.kind == RTY_UNKNOWN ||
		x.kind == RTY_PLAIN || w->m->raw)
		return;
	if (!whole)
		leave_out(w, call,
			"argument %u of %s is %s, wanted the context", k + 1,
			h->name, rty_name(x, w->m, name, sizeof(name)));
	else if ((h->arg[k] == HARG_SKB && !is_skb(x)) ||
		 (h->arg[k] == HARG_XDP && !is_xdp(x)))
		leave_out(w, call,
			"argument %u of %s is the context of program type %s, "
			"wanted %s",
			k + 1, h->name, ctx_prog_name(c->prog_type),
			h->arg[k] == HARG_SKB ? "a socket buffer" : "xdp");
}

static bool is_map(struct rty x)
{
	return x.kind == RTY_MAP || x.kind == RTY_INNER ||
	       x.kind == RTY_UNKNOWN || x.kind == RTY_VALUE ||
	       x.kind == RTY_DATA || x.kind == RTY_BTF || x.kind == RTY_REACHED;
}

/* The helper's symbol, made once; ctx: the context that its form depends on. */
static u32 helper_sym(
	const struct walk *w, const struct helper *h, struct rty ctx)
{
	u32 *sym = &w->t->helper_sym[h - fe_helpers];
	const char *name = fe_helper_name(h, is_skb(ctx), is_xdp(ctx));

	if (name != h->name)
		return module_undef(w->m, SYM_HELPER,
			arena_printf(w->m->a, KILN_HELPER_PREFIX "%s", name));
	if (!*sym)
		*sym = 1 + module_undef(w->m, SYM_HELPER,
				   arena_printf(w->m->a,
					   KILN_HELPER_PREFIX "%s", h->name));
	return *sym - 1;
}

/* The function's parameter (from 1) that is a packet's context, or 0. */
static u32 context_param(const struct walk *w)
{
	const struct rty *reg = w->t->spec.v[w->func].entry.reg;

	for (u32 r = 1; r <= w->f->nparams; r++)
		if ((is_skb(reg[r]) || is_xdp(reg[r])) && reg[r].fixed &&
			!reg[r].off)
			return r;
	return 0;
}

/* Where the helper leaves its verdict; the program does not pass it. */
static struct rty use_redirect(const struct walk *w, struct fe_call *c)
{
	u32 r = context_param(w);
	struct rty ctx = w->t->spec.v[w->func].entry.reg[r];

	if (!r) {
		bad(w, "%s where no parameter is the context of a packet%s",
			c->to.helper->name,
			w->f->prog_type == BPF_PROG_TYPE_UNSPEC && w->f->is_prog
				? " (the program's section names no type: "
				  "--type SECTION=TYPE)"
				: "");
		return (struct rty){0};
	}
	c->redir = (u8)r;
	c->redir_at = is_xdp(ctx) ? offsetof(struct kiln_xdp_md, redirect)
				  : offsetof(struct kiln_sk_buff, redirect);
	return ctx;
}

static void use_callback(const struct walk *w, struct fe_call *c, u32 k)
{
	const struct helper *h = c->to.helper;
	struct rty x = w->s->reg[1 + k];
	char name[96];

	if (x.kind != RTY_FN || x.id == RTY_ANY_FN) {
		bad(w, "argument %u of %s is %s, wanted one function", k + 1,
			h->name, rty_name(x, w->m, name, sizeof(name)));
		return;
	}
	u32 func = types_callee_spec(w->t, w->s, h, x.id);

	c->callback = 1 + func;
	c->callback_arg = (u8)k;
}

static void check_map_arg(
	const struct walk *w, struct fe_call *c, struct rty x, u32 arg)
{
	const struct helper *h = c->to.helper;
	const struct mapdef *d = rty_map(w->m, x);
	const char *why = d ? fe_map_use(d, h) : NULL;
	const struct kiln_map_kind *k = d ? kiln_map_kind(d->type) : NULL;
	char name[96];

	if (!is_map(x))
		leave_out(w, c, "argument %u of %s is %s, wanted a map", arg,
			h->name, rty_name(x, w->m, name, sizeof(name)));
	if (why && k)
		leave_out(w, c, "%s on map %s (%s): %s", h->name, d->name,
			k->name, why);
}

static bool is_prog_array(const struct walk *w, struct rty x)
{
	return x.kind == RTY_ARRAYS ||
	       (x.kind == RTY_MAP && rty_is_array(w->m, x, x.id));
}

/* The context is passed on as it came; one that is plain memory may have no
 * type. */
static bool is_own_context(struct rty x)
{
	return x.kind == RTY_UNKNOWN ||
	       ((x.kind == RTY_CTX || x.kind == RTY_PLAIN) && x.fixed &&
		       !x.off);
}

/* ctx, prog_array, index: of a known index all 64 bits are known, of which 32
 * count. */
static void use_tail_call(const struct walk *w, struct fe_call *c)
{
	const struct rty *r = &w->s->reg[1];
	char name[96];

	c->nargs = 3;
	c->effects = c->to.helper->effects;
	for (u32 k = 0; k < c->nargs; k++) {
		check_read(w, k + 1);
		c->arg[k] = (struct arg_mem){.size_arg = -1};
	}
	if (!is_own_context(r[0]))
		leave_out(w, c,
			"argument 1 of tail_call is %s, wanted the context",
			rty_name(r[0], w->m, name, sizeof(name)));
	if (r[1].kind == RTY_UNKNOWN)
		bad(w, "argument 2 of tail_call is unknown, wanted a "
		       "prog_array");
	else if (!is_prog_array(w, r[1]))
		leave_out(w, c,
			"argument 2 of tail_call is %s, wanted a prog_array",
			rty_name(r[1], w->m, name, sizeof(name)));
	c->has_key = r[2].kind == RTY_SCALAR && r[2].fixed;
	c->key = (u32)r[2].off;
}

/* Helpers that ask about the arguments need to know the function. The cookie
 * of other programs is the application's to say. */
static void use_arguments(const struct walk *w, struct fe_call *c)
{
	const struct helper *h = c->to.helper;
	struct rty ctx = w->s->reg[1];
	char name[96];

	switch (h->id) {
	case BPF_FUNC_get_func_arg:
	case BPF_FUNC_get_func_ret:
	case BPF_FUNC_get_func_arg_cnt:
	case BPF_FUNC_get_attach_cookie: break;
	default: return;
	}
	c->args = fe_arguments(w->m, ctx, &c->args_result);
	if (c->args && (!ctx.fixed || ctx.off))
		bad(w, "argument 1 of %s is not the context itself", h->name);
	if (!c->args && h->id != BPF_FUNC_get_attach_cookie)
		bad(w,
			"argument 1 of %s is %s, wanted the arguments of a "
			"function whose prototype is known (fentry, fexit, "
			"fmod_ret; --btf FILE)",
			h->name, rty_name(ctx, w->m, name, sizeof(name)));
}

static void use_helper(const struct walk *w, struct fe_call *c)
{
	const struct helper *h = c->to.helper;
	struct rty ctx = w->s->reg[1];

	c->nargs = h->nargs;
	c->effects = h->effects;
	for (u32 k = 0; k < h->nargs; k++) {
		if (h->arg[k] == HARG_REDIR)
			ctx = use_redirect(w, c);
		else if (h->arg[k] != HARG_OPT)
			check_read(w, k + 1);
		if (h->arg[k] == HARG_MAP)
			check_map_arg(w, c, w->s->reg[1 + k], k + 1);
		if (h->arg[k] == HARG_CTX || h->arg[k] == HARG_SKB ||
			h->arg[k] == HARG_XDP)
			use_context(w, c, k);
		c->arg[k] = helper_arg_mem(w, c, k);
		if (h->arg[k] == HARG_FN)
			use_callback(w, c, k);
	}
	use_arguments(w, c);
	if (!c->left_out)
		c->sym = helper_sym(w, h, ctx);
}

static void use_func(const struct walk *w, struct fe_call *c)
{
	const struct func *f;

	c->to.func = types_callee_spec(w->t, w->s, NULL, c->to.func);
	f = &w->m->func.v[c->to.func];
	c->nargs = (u8)f->nparams;
	for (u32 k = 0; k < c->nargs; k++)
		c->arg[k] = escape(w->s->reg[1 + k]);
}

static void use_extern(
	const struct walk *w, const struct insn *i, struct fe_call *c)
{
	const struct sym *s = &w->m->sym.v[i->sym];
	const char *why;

	c->effects = CALLF_READS | CALLF_WRITES | CALLF_CTX | CALLF_PACKET |
		     CALLF_ACQUIRE | CALLF_RELEASE;
	if (s->kind != SYM_EXTERN) {
		bad(w, "call of %s, which is no function", s->name);
		return;
	}
	if (!fe_extern_proto(w->m, i->sym, &c->proto, &why)) {
		bad(w, "function %s %s", s->name, why);
		return;
	}
	c->nargs = c->proto.nargs;
	for (u32 k = 0; k < c->nargs; k++) {
		check_read(w, k + 1);
		if (c->proto.arg[k].size == 8)
			c->arg[k] = escape(w->s->reg[1 + k]);
		else /* too narrow for an address */
			c->arg[k] = (struct arg_mem){.size_arg = -1};
	}
}

static void use_pointer(const struct walk *w, struct fe_call *c)
{
	c->effects = CALLF_READS | CALLF_WRITES | CALLF_CTX | CALLF_PACKET |
		     CALLF_ACQUIRE | CALLF_RELEASE;
	for (u32 k = 0; k < w->m->func.n; k++) {
		const struct func *f = &w->m->func.v[k];

		if (f->is_callback && f->nparams > c->nargs)
			c->nargs = (u8)f->nparams;
	}
	for (u32 k = 0; k < c->nargs; k++)
		c->arg[k] = escape(w->s->reg[1 + k]);
}

static void use_nobody(const struct walk *w, const struct insn *i)
{
	char name[96];

	if (isa_row(i)->kind == ISA_CALLX)
		bad(w,
			"callx through %s, wanted a function address or a "
			"helper number",
			rty_name(w->s->reg[i->dst], w->m, name, sizeof(name)));
	else
		bad(w,
			"call of kernel function %d by BTF id, wanted a "
			"relocation",
			i->imm);
}

static void use_call(
	const struct walk *w, const struct insn *i, struct fe_use *u)
{
	struct fe_call c = {.slot = w->slot};
	i64 id = isa_row(i)->kind == ISA_CALLX ? w->s->reg[i->dst].off : i->imm;

	c.to = types_callee(w->t, w->s, i);
	memcpy(c.type, &w->s->reg[1], sizeof(c.type));
	if (c.to.to == TO_FUNC)
		use_func(w, &c);
	else if (c.to.to == TO_EXTERN)
		use_extern(w, i, &c);
	else if (c.to.to == TO_POINTER)
		use_pointer(w, &c);
	else if (c.to.to == TO_NOBODY)
		use_nobody(w, i);
	else if (id == HELPER_POISON)
		bad(w, "CO-RE left this instruction unresolved when the object "
		       "was made");
	else if (!c.to.helper)
		bad(w, "unknown helper %lld", (long long)id);
	else if (is_tail_call(&c.to))
		use_tail_call(w, &c);
	else
		use_helper(w, &c);
	*vec_push(w->m->a, &w->fe->calls) = c;
	u->call = w->fe->calls.n;
}

/* ---- maps ---------------------------------------------------------------- */

static void use_map(const struct walk *w, const struct insn *i)
{
	const struct sym *s = &w->m->sym.v[i->sym];

	if (s->kind != SYM_MAP || w->t->map_checked[s->index])
		return;
	w->t->map_checked[s->index] = true;
	fe_map_check(w->m, s->index);
}

/* ---- walk ---------------------------------------------------------------- */

/* LD_ABS and LD_IND: r6 is the context, as the kernel wants it. */
static void use_packet(struct walk *w)
{
	struct rty ctx = w->s->reg[6];
	const struct ctx_type *c =
		ctx.kind == RTY_CTX ? ctx_type(ctx.id) : NULL;
	bool skb = ctx_type(ctx_find(w->f->prog_type, w->f->attach_type))->skb;
	char name[96];

	if (c ? !c->skb : w->f->is_prog && !skb)
		bad(w, "packet load in a program whose context is no socket "
		       "buffer");
	else if (!c || !ctx.fixed || ctx.off)
		bad(w, "packet load: r6 is %s, wanted the context",
			rty_name(ctx, w->m, name, sizeof(name)));
	else
		w->fe->packet_sym =
			module_undef(w->m, SYM_RUNTIME, KILN_SKB_LOAD);
	w->fe->effects |= CALLF_READS;
}

/* CO-RE found no value for it, and here control comes. */
static void use_unresolved(const struct walk *w, const struct insn *i)
{
	const struct module *m = w->m;

	for (u32 k = 0; k < m->core.n; k++)
		if (&m->insn.v[m->core.v[k].insn] == i)
			bad(w, "%s", m->core.v[k].text);
}

static void use_insn(struct walk *w, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);
	struct mem_insn a = types_mem(i);
	struct fe_use *u = &w->fe->use[w->slot];

	if (i->core == CORE_UNRESOLVED) {
		use_unresolved(w, i);
		return;
	}
	check_reads(w, i, r);
	if (a.size) {
		use_mem(w, i, a, u);
		w->fe->effects |= effects_of(r->kind, u->region);
	}
	switch (r->kind) {
	case ISA_MOV: u->whole = types_mov_whole(i, w->s->reg[i->src]); return;
	case ISA_CALL:
	case ISA_CALLFN:
	case ISA_KFUNC:
	case ISA_CALLX: use_call(w, i, u); return;
	case ISA_LDDW:
		if (i->sym != SYM_NONE)
			use_map(w, i);
		return;
	case ISA_MAYGOTO:
		if (w->fe->run_budget)
			w->fe->effects |= CALLF_READS | CALLF_WRITES;
		return;
	case ISA_CAST:
		bad(w, "address space cast: arenas are not supported yet");
		return;
	case ISA_LDABS:
	case ISA_LDIND: use_packet(w); return;
	default: return;
	}
}

/* Addresses of the own frame in registers. */
static void note_addresses(const struct walk *w)
{
	for (u32 r = 0; r < 10; r++) {
		struct rty x = w->s->reg[r];

		if (x.kind == RTY_STACK && !x.id)
			note_stack(w, x.fixed ? x.off : -STACK_BYTES);
	}
}

/* Callees as the calls have them, once types chose among specs. */
static void list_callees(struct module *m, struct func *f)
{
	struct arena_mark mark;
	u32 *list = arena_array(m->a, u32, f->fe->calls.n + f->ncallee);
	u32 n = 0;

	mark = arena_mark(m->a);
	u8 *seen = arena_array(m->a, u8, m->func.n);
	for (u32 k = 0; k < f->fe->calls.n; k++) {
		const struct fe_call *c = &f->fe->calls.v[k];
		u32 to = c->to.to == TO_FUNC ? c->to.func : c->callback - 1;

		if ((c->to.to == TO_FUNC || c->callback) && !seen[to]++)
			list[n++] = to;
	}
	for (u32 k = 0; k < f->ncallee; k++)
		if (m->func.v[f->callee[k]].is_callback &&
			!seen[f->callee[k]]++)
			list[n++] = f->callee[k];
	arena_release(m->a, mark);
	f->callee = list;
	f->ncallee = n;
}

void types_record(struct types *t, u32 func)
{
	struct module *m = t->m;
	struct walk w = {.t = t, .m = m, .func = func};
	struct state s;

	w.f = &m->func.v[func];
	w.fe = w.f->fe;
	w.s = &s;
	w.fe->use = arena_array(m->a, struct fe_use, w.f->n);
	for (u32 b = 0; b < w.fe->nblk; b++) {
		const struct fe_blk *k = &w.fe->blk[b];

		if (!k->live)
			continue;
		s = t->spec.v[func].in[b];
		s.fresh = 0;
		for (w.slot = k->first; w.slot < k->end; w.slot++) {
			const struct insn *i = fe_insn(m, w.f, w.slot);

			if (i->second)
				continue;
			use_insn(&w, i);
			types_step(t, func, &s, w.slot);
			note_addresses(&w);
		}
	}
	list_callees(m, w.f);
}

const char *fe_fault_path(const struct module *m, u32 func, u32 insn)
{
	const struct func *f = &m->func.v[func];
	u32 slot = insn - f->first;

	return slot < f->n && f->fe->use ? f->fe->use[slot].path : NULL;
}

/* ---- dump ---------------------------------------------------------------- */

static void dump_call(
	FILE *out, const struct module *m, const struct fe_call *c)
{
	char name[96];

	if (c->to.to == TO_FUNC)
		fprintf(out, " # %s", m->func.v[c->to.func].name);
	else if (c->to.to == TO_HELPER && c->to.helper)
		fprintf(out, " # %s", c->to.helper->name);
	else
		fprintf(out, " #");
	for (u32 k = 0; k < c->nargs; k++)
		fprintf(out, "%s%s", k ? ", " : "(",
			rty_name(c->type[k], m, name, sizeof(name)));
	fprintf(out, "%s", c->nargs ? ")" : "");
}

static void dump_slot(
	FILE *out, const struct module *m, const struct func *f, u32 s)
{
	const struct fe_use *u = &f->fe->use[s];
	char text[128], name[96];

	fe_insn_text(m, fe_insn(m, f, s), text, sizeof(text));
	fprintf(out, "%4u: %s", s, text);
	if (u->call)
		dump_call(out, m, &f->fe->calls.v[u->call - 1]);
	else if (u->size)
		fprintf(out, " # %s", rty_name(u->base, m, name, sizeof(name)));
	if (u->size && u->off != fe_insn(m, f, s)->off)
		fprintf(out, ", %u bytes at %+d", u->size, u->off);
	fprintf(out, "\n");
}

void fe_dump_types(FILE *out, const struct module *m)
{
	for (u32 k = 0; k < m->func.n; k++) {
		const struct func *f = &m->func.v[k];

		if (!f->fe->use)
			continue;
		fprintf(out, "%s:\n", f->name);
		for (u32 s = 0; s < f->n; s++)
			if (!fe_insn(m, f, s)->second &&
				f->fe->blk[f->fe->blk_of[s]].live)
				dump_slot(out, m, f, s);
	}
}
