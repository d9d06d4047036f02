/*
 * Local calls by distance become calls by symbol. Bare instructions: every
 * target of a local call or function address starts a function of its own;
 * the blob is cut at these. Objects: a target must be a function's start.
 */
#include <errno.h>

#include "frontend/code.h"

static bool is_local(const struct insn *i)
{
	if (i->second || !i->form || i->sym != SYM_NONE)
		return false;
	const struct isa_row *r = isa_row(i);

	return r->kind == ISA_CALLFN ||
	       (r->kind == ISA_LDDW && r->arg == ISA_A_FUNC);
}

/* Absolute slot that the local reference in slot `at` names. */
static i64 target(const struct module *m, u32 at)
{
	return (i64)at + 1 + m->insn.v[at].imm;
}

/* Marks the starts of the blob's functions; false after a diagnostic. */
static bool mark_starts(struct module *m, u32 *start)
{
	const struct func *f = &m->func.v[0];
	u32 errors = m->diag->errors;

	for (u32 s = 0; s < f->n; s++) {
		if (!is_local(fe_insn(m, f, s)))
			continue;
		i64 to = target(m, f->first + s) - f->first;

		if (to < 0 || to >= f->n)
			fe_bad(m, f, s,
				"call to %lld leaves the program, wanted 0 "
				"to %u",
				(long long)to, f->n - 1);
		else if (fe_insn(m, f, (u32)to)->second)
			fe_bad(m, f, s,
				"call to %lld, the second half of a 64-bit "
				"load",
				(long long)to);
		else
			start[f->first + (u32)to] = 1;
	}
	return m->diag->errors == errors;
}

static void add_func(struct module *m, u32 first, u32 at)
{
	u32 number = m->func.n;
	const char *name = arena_printf(m->a, "%s.%u", m->func.v[0].name, at);
	u32 sym = module_sym(m, SYM_SUBPROG, BIND_LOCAL, name, number);
	struct func *f = vec_push(m->a, &m->func);

	f->name = name;
	f->section = m->func.v[0].section;
	f->sym = sym;
	f->first = first;
}

/* Cuts function 0 at the marked starts. */
static void cut(struct module *m, const u32 *start)
{
	u32 first = m->func.v[0].first, n = m->func.v[0].n;

	for (u32 s = 1; s < n; s++) {
		if (!start[first + s])
			continue;
		struct func *prev = &m->func.v[m->func.n - 1];

		prev->n = first + s - prev->first;
		add_func(m, first + s, s);
	}
	struct func *last = &m->func.v[m->func.n - 1];

	last->n = first + n - last->first;
}

static void name_callee(
	struct module *m, const struct func *f, u32 slot, const u32 *start)
{
	struct insn *i = fe_insn(m, f, slot);
	i64 to = target(m, f->first + slot);

	if (to >= 0 && to < m->insn.n && start[to]) {
		i->sym = m->func.v[start[to] - 1].sym;
		return;
	}
	fe_bad(m, f, slot, "call to slot %lld, which starts no function",
		(long long)(to - f->first));
}

int fe_split(struct module *m)
{
	u32 *start = arena_array(m->a, u32, m->insn.n);
	u32 errors = m->diag->errors;

	if (m->raw && m->func.n == 1) {
		if (!mark_starts(m, start))
			return -EINVAL;
		cut(m, start);
	}
	for (u32 s = 0; s < m->insn.n; s++)
		start[s] = 0;
	for (u32 k = m->func.n; k-- > 0;)
		start[m->func.v[k].first] = k + 1;
	for (u32 k = 0; k < m->func.n; k++)
		for (u32 s = 0; s < m->func.v[k].n; s++)
			if (is_local(fe_insn(m, &m->func.v[k], s)))
				name_callee(m, &m->func.v[k], s, start);
	return m->diag->errors == errors ? 0 : -EINVAL;
}
