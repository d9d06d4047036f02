/* Statements. */
#include <stdarg.h>
#include <stdio.h>

#include "cgen.h"

void line(const struct body *b, const char *format, ...)
{
	va_list args;

	printf("%.*s", (int)b->indent, "\t\t\t\t\t\t\t\t\t\t\t\t");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Statements in braces: their variables end with them. */
static void block(struct body *b, u32 n)
{
	u32 nvars = b->nvars;

	b->indent++;
	if (nvars + 2 < MAX_VARS && chance(25))
		var_declare(body_new(b, SCALAR), b->indent);
	statements(b, n);
	b->nvars = nvars;
	b->indent--;
}

/* ---- assignments --------------------------------------------------------- */

static void assign(struct body *b)
{
	static const char *const op[] = {
		"=", "+=", "-=", "*=", "&=", "|=", "^=", "="};
	const char *to = place(b);

	if (!to)
		return;
	if (chance(8)) {
		line(b, "%s%s;", to, chance(50) ? "++" : "--");
		return;
	}
	const char *sign = chance(60) ? "=" : op[below(8)];
	line(b, "%s %s %s;", to, sign, expr(b, 1 + below(3)));
}

static const struct var *find(const struct body *b, enum what what)
{
	for (u32 i = 0; i < 10; i++) {
		const struct var *v =
			chance(70) && b->nvars
				? &b->var[below(b->nvars)]
				: &src.global[below(src.nglobals)];

		if (v->what == what && !v->fixed)
			return v;
	}
	return NULL;
}

static const char *address(const struct var *v)
{
	return v->what == TARGET || v->what == ARRAY ? "" : "&";
}

/* Records copied whole, arrays and records in part. */
static void copy(struct body *b)
{
	const struct var *x = find(b, chance(50) ? RECORD : ARRAY), *y;

	if (!x)
		return;
	if (chance(30)) {
		line(b, "__builtin_memset(%s%s, %u, sizeof(%s));", address(x),
			x->name, below(256), x->name);
		return;
	}
	y = find(b, x->what);
	if (!y || x == y)
		return;
	if (x->what == RECORD && x->of == y->of)
		line(b, "%s = %s;", x->name, y->name);
	else if (x->what == ARRAY)
		line(b,
			"__builtin_memcpy(%s, %s, sizeof(%s) < sizeof(%s) ? "
			"sizeof(%s) : sizeof(%s));",
			x->name, y->name, x->name, y->name, x->name, y->name);
}

static void atomic(struct body *b)
{
	static const char *const op[] = {
		"add, +", "sub, -", "and, &", "or, |", "xor, ^"};
	const char *at = chance(50) ? "g_atomic32" : "g_atomic64";
	const char *kind = at[8] == '3' ? "u32" : "u64";
	const char *to = place(b);

	if (!to || chance(30)) {
		/* of 0 clang makes an `or`, which v1 has not */
		line(b, "ATOMIC_ADD(&%s, (%s)(%s) | 1);", at, kind, expr(b, 1));
		return;
	}
	u32 how = below(7);
	const char *x = expr(b, 1);
	if (how < 5)
		line(b, "%s = FETCH(%s, &%s, (%s)(%s));", to, op[how], at, kind,
			x);
	else if (how == 5)
		line(b, "%s = EXCHANGE(&%s, (%s)(%s));", to, at, kind, x);
	else
		line(b, "%s = COMPARE_EXCHANGE(&%s, (%s)(%s), (%s)%s);", to, at,
			kind, x, kind, expr(b, 1));
}

/* ---- control ------------------------------------------------------------- */

static void branch(struct body *b)
{
	line(b, "if (%s) {", expr(b, 1 + below(2)));
	block(b, 1 + below(3));
	if (chance(50)) {
		line(b, "} else {");
		block(b, 1 + below(3));
	}
	line(b, "}");
}

static void choose_case(struct body *b)
{
	u32 n = chance(10) ? 20 : 3 + below(5);
	bool dense = chance(70);

	line(b, "switch ((%s) & %u) {", expr(b, 1), n > 8 ? 31 : 7);
	for (u32 i = 0; i < n; i++) {
		line(b, "case %u: {", dense ? i : i * 0x101 & 31);
		block(b, 1);
		line(b, "}");
		if (chance(80))
			line(b, "\tbreak;");
	}
	line(b, "default: {");
	block(b, 1);
	line(b, "}");
	line(b, "}");
}

static void leave_loop(struct body *b)
{
	line(b, "\tif (%s)", expr(b, 1));
	line(b, "\t\t%s;", chance(60) ? "break" : "continue");
}

static void loop(struct body *b)
{
	u32 n = 2 + below(b->loops ? 3 : 7), nvars = b->nvars;

	if (b->loops == 2 || b->times * n > 200 || nvars + 3 > MAX_VARS) {
		assign(b);
		return;
	}
	struct var *i = body_new(b, SCALAR);
	i->kind = chance(50) ? U32 : S32;
	i->fixed = true;
	b->loops++;
	b->times *= n;
	switch (below(3)) {
	case 0:
		line(b, "for (s32 %s = %u; %s >= 0; %s--) {", i->name, n - 1,
			i->name, i->name);
		break;
	case 1:
		line(b, "for (%s %s = 0; %s < ((%s) & %u); %s++) {",
			kind_name[i->kind], i->name, i->name,
			src.global[0].name, n > 4 ? 7 : 3, i->name);
		break;
	default:
		line(b, "for (%s %s = 0; %s < %u; %s++) {", kind_name[i->kind],
			i->name, i->name, n, i->name);
	}
	block(b, 1 + below(3));
	if (chance(30))
		leave_loop(b);
	if (chance(50))
		block(b, 1);
	line(b, "}");
	b->times /= n;
	b->loops--;
	b->nvars = nvars;
}

/* A loop with two entries. */
static void irreducible(struct body *b)
{
	u32 n = b->names++;

	if (b->loops || b->quiet)
		return;
	b->loops = 2;
	b->times *= 5;
	line(b, "{");
	line(b, "u32 n%u = (%s) & 3;", n, expr(b, 0));
	line(b, "if (%s)", expr(b, 1));
	line(b, "\tgoto b%u;", n);
	line(b, "a%u: {", n);
	block(b, 1);
	line(b, "}");
	line(b, "if (!n%u)", n);
	line(b, "\tgoto c%u;", n);
	line(b, "n%u--;", n);
	line(b, "b%u: {", n);
	block(b, 1);
	line(b, "}");
	line(b, "if (n%u) {", n);
	line(b, "\tn%u--;", n);
	line(b, "\tgoto a%u;", n);
	line(b, "}");
	line(b, "c%u:;", n);
	line(b, "}");
	b->times /= 5;
	b->loops = 0;
}

/* ---- calls --------------------------------------------------------------- */

static bool callable(const struct body *b, const struct fn *f)
{
	return f->depth < b->max_depth && (!f->ctx || f->ctx == b->ctx) &&
	       f->cost * b->times < 400 && b->cost + f->cost * b->times < 2000;
}

static void argument(struct body *b, const struct var *a)
{
	if (a->what == SCALAR) {
		printf("%s", expr(b, 1));
		return;
	}
	for (u32 i = 0; i < b->nvars; i++) {
		const struct var *v = &b->var[i];

		if ((v->what == RECORD || v->what == TARGET) &&
			v->of == a->of) {
			printf("%s%s", v->what == RECORD ? "&" : "", v->name);
			return;
		}
	}
	printf("&g_s%u", a->of);
}

void call(struct body *b)
{
	const char *to = place(b);
	const struct fn *f = NULL;

	for (u32 i = 0; !f && i < 6 && src.nfns; i++) {
		u32 at = chance(70) && src.nfns > src.first_fn
				 ? src.first_fn + below(src.nfns - src.first_fn)
				 : below(src.nfns);

		if (callable(b, &src.fn[at]) &&
			(!src.fn[at].ctx || at >= src.first_fn))
			f = &src.fn[at];
	}
	if (!f || !to || b->quiet || b->loops > 1)
		return;
	u32 n = b->names++;
	/* what `to` refers to may change in the call: two statements */
	line(b, "s64 r%u;", n);
	printf("%.*sr%u = f%u(", (int)b->indent, "\t\t\t\t\t\t\t\t\t\t\t\t", n,
		(u32)(f - src.fn));
	for (u32 i = 0; i < f->nargs; i++) {
		if (i)
			printf(", ");
		argument(b, &f->arg[i]);
	}
	printf("%s);\n", !f->ctx ? "" : f->nargs ? ", ctx" : "ctx");
	line(b, "%s %s r%u;", to, chance(70) ? "=" : "^=", n);
	b->cost += f->cost * b->times;
	if (b->depth < f->depth)
		b->depth = f->depth;
}

/* ---- maps ---------------------------------------------------------------- */

static void lookup(struct body *b)
{
	static const char *const map[] = {"arr", "pcpu", "hash"};
	u32 which = below(3), nvars = b->nvars, n = b->names++;
	bool quiet = b->quiet;

	if (quiet || nvars + 3 > MAX_VARS)
		return;
	line(b, "{");
	b->indent++;
	line(b, "u32 k%u = (%s) & %u;", n, expr(b, 1),
		which == 2   ? 31
		: chance(20) ? 31
			     : 15);
	struct var *e = body_new(b, ELEM);
	line(b, "struct elem *%s = bpf_map_lookup_elem(&%s, &k%u);", e->name,
		map[which], n);
	line(b, "if (%s) {", e->name);
	b->quiet = which == 2;
	block(b, 1 + below(3));
	b->quiet = quiet;
	b->nvars = nvars;
	line(b, "}");
	b->indent--;
	line(b, "}");
}

static void update(struct body *b)
{
	static const char *const map[] = {"arr", "pcpu", "hash", "hash"};
	const char *m = map[below(4)], *to = place(b);
	u32 n = b->names++;

	if (b->quiet || !to)
		return;
	line(b, "{");
	line(b, "\tu32 k%u = (%s) & 31;", n, expr(b, 1));
	if (*m == 'h' && chance(30)) {
		line(b, "\tlong r%u = bpf_map_delete_elem(&hash, &k%u);", n, n);
		line(b, "\t%s = r%u;", to, n);
		line(b, "}");
		return;
	}
	line(b, "\tstruct elem e%u = {.a = %u};", n, below(1u << 31));
	line(b, "\te%u.c = %s;", n, expr(b, 1));
	line(b, "\te%u.f1 = %s;", n, expr(b, 1));
	line(b, "\te%u.g = %s;", n, expr(b, 1));
	line(b, "\tlong r%u = bpf_map_update_elem(&%s, &k%u, &e%u, %u);", n, m,
		n, n, below(3));
	line(b, "\t%s = r%u;", to, n);
	line(b, "}");
}

/* ---- packets ------------------------------------------------------------- */

static void packet(struct body *b)
{
	u32 n = 1 + below(24), at = below(30);

	if (!b->ctx || b->packet || b->quiet || b->loops > 1) {
		assign(b);
		return;
	}
	line(b, "{");
	b->indent++;
	line(b, "u8 *pk = DATA(ctx), *pe = DATA_END(ctx);");
	if (chance(40))
		line(b, "pk += (%s) & 31;", expr(b, 0));
	else
		line(b, "pk += %u;", at);
	line(b, "if (pk + %u <= pe) {", n);
	b->packet = n;
	b->quiet = true;
	block(b, 1 + below(4));
	b->quiet = false;
	b->packet = 0;
	line(b, "}");
	b->indent--;
	line(b, "}");
}

static void load_bytes(struct body *b)
{
	const struct var *v = find(b, ARRAY);
	const char *to = place(b);

	u32 n = b->names++;

	if (b->ctx != TC || !v || !to || b->quiet)
		return;
	line(b,
		"long r%u = bpf_skb_load_bytes(ctx, (%s) & 63, %s, "
		"sizeof(%s));",
		n, expr(b, 1), v->name, v->name);
	line(b, "%s = r%u;", to, n);
}

static void store_ctx(struct body *b)
{
	static const char *const field[] = {
		"mark", "priority", "cb[0]", "cb[1]", "cb[4]"};

	if (b->ctx == TC)
		line(b, "ctx->%s = %s;", field[below(5)], expr(b, 2));
}

/* ---- all of them --------------------------------------------------------- */

static const struct {
	void (*make)(struct body *b);
	u32 weight;
} makers[] = {
	{assign, 30},
	{branch, 10},
	{loop, 7},
	{call, 8},
	{copy, 4},
	{choose_case, 2},
	{atomic, 3},
	{lookup, 6},
	{update, 4},
	{packet, 8},
	{load_bytes, 1},
	{store_ctx, 1},
	{irreducible, 1},
};
enum { WEIGHTS = 85 };

void statements(struct body *b, u32 n)
{
	while (n-- && b->budget) {
		u32 i = 0;

		b->budget--;
		b->cost += b->times;
		for (u32 w = below(WEIGHTS); w >= makers[i].weight; i++)
			w -= makers[i].weight;
		makers[i].make(b);
	}
}
