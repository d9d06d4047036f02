/*
 * Types through calls: what a callee starts with, which version of it that
 * asks for (a spec), what it leaves behind in its caller's registers and
 * frames; helpers and their callbacks.
 */
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"
#include "kiln/map_size.h"

/* ---- specs --------------------------------------------------------------- */

/* A context must meet the same context; so must the arguments of a function,
 * which helpers ask about. */
static bool contexts_agree(struct rty a, struct rty b)
{
	if (a.kind == RTY_PLAIN && b.kind == RTY_PLAIN)
		return a.id == b.id;
	if (a.kind != RTY_CTX && b.kind != RTY_CTX)
		return true;
	if (a.kind == RTY_NONE || b.kind == RTY_NONE)
		return true;
	return a.kind == b.kind && a.id == b.id &&
	       (a.fixed == b.fixed && a.off == b.off);
}

static bool frames_agree(const struct frame *a, const struct frame *b)
{
	if (!a || !b || a == b)
		return true;
	for (u32 k = 0; k < countof(a->slot); k++)
		if (a->slot[k].kind == RTY_CTX && b->slot[k].kind == RTY_CTX &&
			a->slot[k].id != b->slot[k].id)
			return false;
	return true;
}

static bool states_agree(const struct state *a, const struct state *b)
{
	for (u32 r = 1; r <= 5; r++)
		if (!contexts_agree(a->reg[r], b->reg[r]))
			return false;
	for (u32 k = 1; k < MAX_FRAMES; k++)
		if (!frames_agree(a->frame[k], b->frame[k]))
			return false;
	return true;
}

/* Another function with the same instructions. */
static u32 clone_func(struct types *t, u32 func, u32 n)
{
	struct module *m = t->m;
	u32 number = m->func.n;
	const char *name = arena_printf(m->a, "%s.%u", m->func.v[func].name, n);
	u32 sym = module_sym(m, SYM_SUBPROG, BIND_LOCAL, name, number);
	struct func *f = vec_push(m->a, &m->func);

	*f = m->func.v[func];
	f->name = name;
	f->sym = sym;
	f->is_global = false;
	f->is_prog = false;
	f->fe = arena_dup(m->a, f->fe, sizeof(*f->fe));
	struct spec *sp = vec_push(m->a, &t->spec);
	sp->home = func;
	return number;
}

/* Where there are too many versions (through a few levels of calls they could
 * be billions) all further calls share the first, which then refuses to access
 * what is not one context at one offset. */
static u32 find_spec(struct types *t, u32 func, const struct state *s)
{
	enum { MAX_SPECS = 32 };
	u32 last = func, n = 1;

	for (u32 k = func;; k = t->spec.v[k].next, n++) {
		const struct spec *sp = &t->spec.v[k];

		if (!sp->known || states_agree(&sp->entry, s))
			return k;
		last = k;
		if (!sp->next)
			break;
	}
	if (n >= MAX_SPECS)
		return func;
	u32 made = clone_func(t, func, n);
	t->spec.v[last].next = made;
	return made;
}

/* ---- calls --------------------------------------------------------------- */

struct call_to types_callee(
	const struct types *t, const struct state *s, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);
	struct rty x;
	i64 func = fe_func_of_sym(t->m, i->sym);

	if (r->kind != ISA_CALLX && func >= 0)
		return (struct call_to){TO_FUNC, NULL, (u32)func};
	if (r->kind != ISA_CALLX && i->sym != SYM_NONE)
		return (struct call_to){TO_EXTERN, NULL, 0};
	if (r->kind == ISA_CALL)
		return (struct call_to){TO_HELPER, fe_helper(i->imm), 0};
	if (r->kind != ISA_CALLX)
		return (struct call_to){TO_NOBODY, NULL, 0};
	x = s->reg[i->dst];
	if (x.kind == RTY_FN && x.id != RTY_ANY_FN)
		return (struct call_to){TO_FUNC, NULL, x.id};
	if (x.kind == RTY_FN)
		return (struct call_to){TO_POINTER, NULL, 0};
	if (x.kind == RTY_SCALAR && x.fixed)
		return (struct call_to){TO_HELPER, fe_helper(x.off), 0};
	return (struct call_to){TO_NOBODY, NULL, 0};
}

/* The map among a helper's arguments, if it is known. */
static const struct mapdef *map_of(
	const struct module *m, const struct helper *h, const struct rty *reg)
{
	for (u32 k = 0; k < h->nargs; k++)
		if (h->arg[k] == HARG_MAP)
			return rty_map(m, reg[k]);
	return NULL;
}

i32 types_size_arg(const struct helper *h, u32 arg)
{
	switch (h->arg[arg]) {
	case HARG_IN:
	case HARG_OUT:
	case HARG_INOUT: return (i32)arg + 1;
	case HARG_FROM: return (i32)arg - 1;
	default: return -1;
	}
}

i64 types_arg_size(const struct module *m, const struct helper *h, u32 arg,
	const struct rty *reg)
{
	const struct mapdef *map = map_of(m, h, reg);
	i32 by = types_size_arg(h, arg);

	if (by >= 0)
		return reg[by].kind == RTY_SCALAR && reg[by].fixed &&
				       reg[by].off >= 0
			       ? reg[by].off
			       : -1;
	switch (h->arg[arg]) {
	case HARG_KEY: return map ? (i64)map->key_size : -1;
	case HARG_VALUE:
	case HARG_OUTVAL:
	case HARG_IOVAL: return map ? (i64)map->value_size : -1;
	default:
		return fe_harg_mem[h->arg[arg]].bytes
			       ? fe_harg_mem[h->arg[arg]].bytes
			       : -1;
	}
}

static bool writes_memory(u8 arg)
{
	u8 access = fe_harg_mem[arg].access;

	return access == ARG_WRITE || access == ARG_RW;
}

/* What a callee starts with when the caller is in state s. */
static struct state callee_entry(
	const struct types *t, const struct state *s, u32 func)
{
	const struct func *f = &t->m->func.v[func];
	struct state e = {0};
	bool stack = false;

	for (u32 r = 1; r <= f->nparams && r <= 5; r++) {
		struct rty x = s->reg[r];

		if (x.kind == RTY_SCALAR)
			x = rty_of(RTY_SCALAR, 0);
		if (x.kind == RTY_STACK) {
			stack = true;
			if (++x.id >= MAX_FRAMES)
				x = rty_of(RTY_UNKNOWN, 0);
		}
		e.reg[r] = x;
	}
	if (t->m->raw) { /* never written: 0 */
		e.reg[0] = rty_number(0);
		for (u32 r = 6; r <= 9; r++)
			e.reg[r] = rty_number(0);
	}
	e.reg[10] = (struct rty){RTY_STACK, true, 0, 0};
	for (u32 k = 0; stack && k + 1 < MAX_FRAMES; k++)
		e.frame[k + 1] = s->frame[k];
	return e;
}

/* Pointers to frames seen from one frame further out. */
static struct rty outward(struct rty x)
{
	if (x.kind != RTY_STACK)
		return x;
	if (!x.id)
		return rty_of(RTY_UNKNOWN, 0); /* a frame that is gone */
	x.id--;
	return x;
}

static void apply_writes(struct types *t, struct spec *sp, struct state *s,
	const struct spec *callee)
{
	for (u32 up = 1; up < MAX_FRAMES; up++) {
		u64 wrote = callee->wrote[up];

		for (u32 k = 0; wrote; k++, wrote >>= 1) {
			if (!(wrote & 1))
				continue;
			struct rty v = {0};

			if (callee->out[up])
				v = outward(callee->out[up]->slot[k]);
			types_slot_set(t, s, up - 1, k, v);
		}
		if (up > 1)
			sp->wrote[up - 1] |= callee->wrote[up];
	}
}

static struct rty call_func(
	struct types *t, u32 caller, struct state *s, u32 func)
{
	s->fresh = 0; /* its frames are now the callee's, too */
	struct state e = callee_entry(t, s, func);
	u32 k = find_spec(t, func, &e);
	struct spec *callee = &t->spec.v[k];
	bool changed = !callee->known;

	if (callee->known)
		changed = types_state_join(t, &callee->entry, &e);
	else
		callee->entry = e;
	callee->known = true;
	if (changed || !callee->done)
		types_analyse(t, k);
	callee = &t->spec.v[k];
	callee->asked = true;
	apply_writes(t, &t->spec.v[caller], s, callee);
	if (callee->ret.kind == RTY_NONE)
		return rty_of(RTY_SCALAR, 0);
	return outward(callee->ret);
}

/* What a callback gets, by helper; A is the helper's argument of kind ANY. */
enum cb_param { CB_UNKNOWN, CB_NUMBER, CB_MAP, CB_VALUE, CB_ANY };

static const struct {
	u32 helper;
	u8 param[5];
} callbacks[] = {
	{BPF_FUNC_for_each_map_elem, {CB_MAP, CB_UNKNOWN, CB_VALUE, CB_ANY}},
	{BPF_FUNC_timer_set_callback, {CB_MAP, CB_UNKNOWN, CB_VALUE}},
	{BPF_FUNC_find_vma, {CB_UNKNOWN, CB_UNKNOWN, CB_ANY}},
	{BPF_FUNC_loop, {CB_NUMBER, CB_ANY}},
	{BPF_FUNC_user_ringbuf_drain, {CB_UNKNOWN, CB_ANY}},
};

static const u8 *callback_params(const struct helper *h)
{
	for (u32 k = 0; k < countof(callbacks); k++)
		if (callbacks[k].helper == h->id)
			return callbacks[k].param;
	return NULL;
}

i32 types_callback_any(const struct helper *h)
{
	const u8 *param = callback_params(h);

	for (i32 k = 0; param && k < 5; k++)
		if (param[k] == CB_ANY)
			return k;
	return -1;
}

static struct rty callback_param(
	const struct helper *h, const struct state *s, u8 what)
{
	struct rty map = s->reg[1];

	/* a timer is in a value of its map */
	if (map.kind == RTY_VALUE && h->id == BPF_FUNC_timer_set_callback)
		map = rty_of(RTY_MAP, map.id);
	switch (what) {
	case CB_NUMBER: return rty_of(RTY_SCALAR, 0);
	case CB_MAP: return map;
	case CB_VALUE:
		return map.kind == RTY_MAP || map.kind == RTY_INNER
			       ? rty_of(RTY_VALUE, map.id)
			       : rty_of(RTY_UNKNOWN, 0);
	case CB_ANY:
		for (u32 k = 0; k < h->nargs; k++)
			if (h->arg[k] == HARG_ANY)
				return s->reg[1 + k];
		return rty_of(RTY_UNKNOWN, 0);
	default: return rty_of(RTY_UNKNOWN, 0);
	}
}

/* The caller's state with the callback's arguments in r1..r5. */
static struct state callback_state(
	const struct helper *h, const struct state *s)
{
	struct state c = *s;
	const u8 *param = callback_params(h);

	c.fresh = 0;
	for (u32 k = 0; k < 5; k++)
		c.reg[1 + k] =
			callback_param(h, s, param ? param[k] : (u8)CB_UNKNOWN);
	return c;
}

/* The callback may run any number of times: until the frames settle. */
static void run_callback(struct types *t, u32 caller, struct state *s,
	const struct helper *h, u32 func)
{
	bool changed = true;

	s->fresh = 0;
	while (changed) {
		struct state c = callback_state(h, s);

		call_func(t, caller, &c, func);
		changed = false;
		for (u32 k = 0; k < MAX_FRAMES; k++) {
			const struct frame *j =
				types_frame_join(t, s->frame[k], c.frame[k]);

			changed |= j != s->frame[k];
			s->frame[k] = j;
		}
	}
}

static bool is_one_func(struct rty x)
{
	return x.kind == RTY_FN && x.id != RTY_ANY_FN;
}

/* What a lookup in this map gives. */
static struct rty element(const struct module *m, struct rty map)
{
	const struct mapdef *d = rty_map(m, map);
	const struct kiln_map_kind *k = d ? kiln_map_kind(d->type) : NULL;

	if (!k)
		return rty_of(RTY_UNKNOWN, 0);
	if (k->traits & MAP_MAPS)
		return d->inner ? rty_of(RTY_INNER, (u16)(d->inner - 1))
				: rty_of(RTY_UNKNOWN, 0);
	return k->traits & MAP_PTR_VALUE ? rty_of(RTY_UNKNOWN, 0)
					 : rty_of(RTY_VALUE, map.id);
}

static struct rty call_helper(
	struct types *t, u32 func, struct state *s, const struct helper *h)
{
	for (u32 k = 0; k < h->nargs; k++) {
		struct rty x = s->reg[1 + k];
		i64 size = types_arg_size(t->m, h, k, &s->reg[1]);

		if (writes_memory(h->arg[k]) && size > 0 && size <= STACK_BYTES)
			types_stack_clobber(t, &t->spec.v[func], s, x, 0,
				(u32)size, (struct rty){0});
		if (h->arg[k] == HARG_FN && is_one_func(x))
			run_callback(t, func, s, h, x.id);
	}
	if (h->ret == HRET_NUM)
		return rty_of(RTY_SCALAR, 0);
	return h->ret == HRET_VALUE ? element(t->m, s->reg[1])
				    : fe_helper_object(t->m, h->id);
}

void types_call(
	struct types *t, u32 func, struct state *s, const struct insn *i)
{
	struct call_to c = types_callee(t, s, i);
	struct rty ret = rty_of(RTY_UNKNOWN, 0);

	if (c.to == TO_FUNC)
		ret = call_func(t, func, s, c.func);
	else if (c.to == TO_HELPER && c.helper)
		ret = call_helper(t, func, s, c.helper);
	s->reg[0] = ret;
	for (u32 r = 1; r <= 5; r++)
		s->reg[r] = rty_of(t->m->raw ? RTY_SCALAR : RTY_NONE, 0);
}

u32 types_callee_spec(struct types *t, const struct state *s,
	const struct helper *h, u32 func)
{
	struct state c = h ? callback_state(h, s) : *s;
	struct state e = callee_entry(t, &c, func);

	return find_spec(t, func, &e);
}
