/*
 * Reads the text form (grammar at the top of print.c). The text comes from
 * test files and people: errors are diagnosed with their line, the first one
 * ends the parse. Names of values and blocks are numbers of the text's own;
 * refs and block numbers are given in order of appearance, so that printing
 * what was parsed is canonical.
 */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ir.h"
#include "ir/text.h"

enum { NAME_MAX_NUM = 1 << 22, WORD_MAX = 64 };

struct operand {
	ref r;	  /* 0: a value of the function, by name */
	u32 name; /* vN */
};

struct fixup {
	u32 name, line;
	bool pool; /* at is an index of f->args, else an instruction */
	u32 at, k;
};

struct edge {
	u32 from, k, to;
};

struct parser {
	struct arena *a;
	struct diag *d;
	const char *file;
	const char *s; /* what is left */
	u32 line;
	bool failed;
	struct fn *f;
	u32 b;		/* current block */
	vec(u32) value; /* vN -> ref, 0: not yet */
	vec(u32) block; /* bN -> 1 + block */
	vec(struct fixup) fixup;
	vec(char *) sym;
	vec(struct operand) opd; /* of the current instruction */
	vec(struct edge) edge;
};

/* ---- words --------------------------------------------------------------- */

static bool error(struct parser *p, const char *what)
{
	struct loc l = {.file = p->file, .insn = -1};

	if (!p->failed)
		diag_error(p->d, &l, "line %" PRIu32 ": %s, at \"%.16s\"",
			p->line, what, p->s);
	p->failed = true;
	return false;
}

static void skip_blanks(struct parser *p)
{
	while (*p->s == ' ' || *p->s == '\t' || *p->s == '\r')
		p->s++;
	if (*p->s == ';')
		while (*p->s && *p->s != '\n')
			p->s++;
}

static void skip_lines(struct parser *p)
{
	for (skip_blanks(p); *p->s == '\n'; skip_blanks(p)) {
		p->s++;
		p->line++;
	}
}

static bool at(struct parser *p, const char *token)
{
	skip_blanks(p);
	return !strncmp(p->s, token, strlen(token));
}

static bool take(struct parser *p, const char *token)
{
	if (!at(p, token))
		return false;
	p->s += strlen(token);
	return true;
}

static bool expect(struct parser *p, const char *token)
{
	return take(p, token) || error(p, token);
}

static bool is_word(char c)
{
	return isalnum((u8)c) || c == '_' || c == '.' || c == '$';
}

/* A word into w; "" if there is none. */
static void word(struct parser *p, char w[WORD_MAX])
{
	size_t n = 0;

	skip_blanks(p);
	while (is_word(p->s[n]) && n < WORD_MAX - 1)
		n++;
	memcpy(w, p->s, n);
	w[n] = 0;
	p->s += n;
}

/* The token is here and not only the start of a longer word. */
static bool take_word(struct parser *p, const char *token)
{
	if (!at(p, token) || is_word(p->s[strlen(token)]))
		return false;
	return take(p, token);
}

static u64 number(struct parser *p)
{
	char *end;

	if (!isdigit((u8)*p->s)) {
		error(p, "number expected");
		return 0;
	}
	u64 v = strtoull(p->s, &end, 0);
	p->s = end;
	return v;
}

static i64 signed_number(struct parser *p)
{
	bool neg = *p->s == '-';

	if (neg || *p->s == '+')
		p->s++;
	u64 v = number(p);
	return (i64)(neg ? 0 - v : v);
}

static u32 small_number(struct parser *p)
{
	u64 v = number(p);

	if (v >= NAME_MAX_NUM)
		error(p, "number too large");
	return v < NAME_MAX_NUM ? (u32)v : 0;
}

static i32 name_index(const char *w, const char *const *names, u32 n)
{
	for (u32 k = 0; k < n; k++)
		if (!strcmp(w, names[k]))
			return (i32)k;
	return -1;
}

/* ---- operands ------------------------------------------------------------ */

static u32 sym_id(struct parser *p)
{
	char w[WORD_MAX];

	word(p, w);
	if (!*w)
		error(p, "symbol name expected");
	for (u32 k = 0; k < p->sym.n; k++)
		if (!strcmp(p->sym.v[k], w))
			return k;
	*vec_push(p->a, &p->sym) = arena_strndup(p->a, w, WORD_MAX);
	return p->sym.n - 1;
}

static i64 glued_offset(struct parser *p)
{
	return *p->s == '+' || *p->s == '-' ? signed_number(p) : 0;
}

static ref constant(struct parser *p)
{
	i64 v = signed_number(p);

	if (*p->s != 'w')
		return ir_const(p->f, TY_I64, v);
	p->s++;
	return ir_const(p->f, TY_I32, v);
}

static void operand(struct parser *p)
{
	struct operand o = {0};

	skip_blanks(p);
	if (*p->s == 'v') {
		p->s++;
		o.name = small_number(p);
	} else if (*p->s == '@') {
		p->s++;
		u32 sym = sym_id(p);
		o.r = ir_sym(p->f, sym, glued_offset(p));
	} else if (take_word(p, "fp")) {
		o.r = ir_fp(p->f, glued_offset(p));
	} else if (*p->s == 'p') {
		p->s++;
		u32 n = small_number(p);
		if (n >= p->f->nparams)
			error(p, "no such parameter");
		o.r = ir_param(p->f, n);
	} else {
		o.r = constant(p);
	}
	if (!o.r.v && o.name < p->value.n)
		o.r.v = p->value.v[o.name];
	*vec_push(p->a, &p->opd) = o;
}

static void operands(struct parser *p, u32 n)
{
	for (u32 k = 0; k < n && !p->failed; k++) {
		if (k)
			expect(p, ",");
		operand(p);
	}
}

static u32 block_ref(struct parser *p)
{
	expect(p, "b");
	u32 n = p->failed ? 0 : small_number(p);
	if (n >= p->block.n || !p->block.v[n]) {
		error(p, "no such block");
		return 0;
	}
	return p->block.v[n] - 1;
}

/* ---- placing operands ---------------------------------------------------- */

static void fix_later(struct parser *p, u32 name, bool pool, u32 where, u32 k)
{
	*vec_push(p->a, &p->fixup) =
		(struct fixup){name, p->line, pool, where, k};
}

static void place_args(struct parser *p, u32 i)
{
	for (u32 k = 0; k < p->opd.n; k++) {
		p->f->ins[i].arg[k] = p->opd.v[k].r;
		if (!p->opd.v[k].r.v)
			fix_later(p, p->opd.v[k].name, false, i, k);
	}
}

static void place_pool(struct parser *p, u32 i)
{
	struct fn *f = p->f;

	f->ins[i].arg[0].v = f->args.n;
	f->ins[i].arg[1].v = p->opd.n;
	for (u32 k = 0; k < p->opd.n; k++) {
		if (!p->opd.v[k].r.v)
			fix_later(p, p->opd.v[k].name, true, f->args.n, 0);
		*vec_push(f->a, &f->args) = p->opd.v[k].r;
	}
}

static bool apply_fixups(struct parser *p)
{
	for (u32 k = 0; k < p->fixup.n; k++) {
		struct fixup *x = &p->fixup.v[k];
		u32 r = x->name < p->value.n ? p->value.v[x->name] : 0;

		p->line = x->line;
		if (!r)
			return error(p, "undefined value");
		if (x->pool)
			p->f->args.v[x->at].v = r;
		else
			p->f->ins[x->at].arg[x->k].v = r;
	}
	return true;
}

/* ---- instructions -------------------------------------------------------- */

/* Splits "load4.i64" or "sel.ult.i32" into op and the fields of x. */
static enum op split_op(char *w, u32 *size)
{
	char *dot = strchr(w, '.');
	size_t n = dot ? (size_t)(dot - w) : strlen(w);

	*size = 0;
	for (u32 op = 1; op < OP_COUNT; op++) {
		size_t len = strlen(op_info[op].name);

		if (op_info[op].flags & OPF_FLOAT)
			continue;
		if (len > n || strncasecmp(w, op_info[op].name, len))
			continue;
		if (len == n && !op_is_mem((enum op)op))
			return (enum op)op;
		if (len + 1 != n || !op_is_mem((enum op)op) ||
			!strchr("1248", w[len]))
			continue;
		*size = (u32)(w[len] - '0');
		return (enum op)op;
	}
	return OP_NOP;
}

static bool suffix_cc(struct parser *p, struct ins *x, const char *s)
{
	const char *const *names =
		op_has_rmw((enum op)x->op) ? rmw_names : cc_names;
	u32 n = op_has_rmw((enum op)x->op) ? (u32)RMW_COUNT : (u32)CC_COUNT;
	i32 k = name_index(s ? s : "", names, n);

	if (k < 0)
		return error(p, "condition or operation expected");
	x->cc = (u8)k;
	return true;
}

static bool suffix_type(struct parser *p, struct ins *x, const char *s)
{
	if (s && !strcmp(s, "i32"))
		x->type = TY_I32;
	else if (s && !strcmp(s, "i64"))
		x->type = TY_I64;
	else if (s && !strcmp(s, "none"))
		x->type = TY_NONE;
	else
		return error(p, "type expected");
	return true;
}

static bool opcode(struct parser *p, struct ins *x)
{
	char w[WORD_MAX], *save;
	u32 size;

	word(p, w);
	enum op op = split_op(w, &size);
	if (op == OP_NOP)
		return error(p, "unknown operation");
	x->op = (u8)op;
	x->size = (u8)size;
	strtok_r(w, ".", &save);
	if ((op_has_cc(op) || op_has_rmw(op)) &&
		!suffix_cc(p, x, strtok_r(NULL, ".", &save)))
		return false;
	x->type = op_info[op].result;
	if (x->type == 0xff && !suffix_type(p, x, strtok_r(NULL, ".", &save)))
		return false;
	return !strtok_r(NULL, ".", &save) || error(p, "suffix too many");
}

static void memory(struct parser *p, struct ins *x)
{
	char w[WORD_MAX];

	word(p, w);
	i32 region = name_index(w, region_names, REGION_COUNT);
	if (region < 0) {
		error(p, "region expected");
		return;
	}
	x->region = (u8)region;
	expect(p, "[");
	operand(p);
	bool neg = at(p, "-");
	if (take(p, "+") || take(p, "-")) {
		skip_blanks(p);
		u64 v = number(p);
		x->imm = (i64)(neg ? 0 - v : v);
	}
	expect(p, "]");
	for (u32 k = 1; k < op_info[x->op].nargs && !p->failed; k++) {
		expect(p, ",");
		operand(p);
	}
	if (take_word(p, "sx"))
		x->mem |= MEM_SX;
	if (take_word(p, "fault"))
		x->mem |= MEM_FAULT;
}

/* The block's first phi decides the order of its predecessors; pred holds it
 * until the edges are made. Later phis are brought into that order. */
static void phi_order(struct parser *p, u32 i, u32 *from)
{
	struct blk *b = &p->f->blk[p->b];
	u32 n = p->opd.n;

	if (b->first == i) {
		b->pred = arena_dup(p->a, from, n * sizeof(*from));
		return;
	}
	if (n != p->f->ins[b->first].arg[1].v) {
		error(p, "phis of different lengths");
		return;
	}
	for (u32 k = 0; k < n; k++) {
		u32 j = k;

		while (j < n && from[j] != b->pred[k])
			j++;
		if (j == n) {
			error(p, "phis of different predecessors");
			return;
		}
		struct operand o = p->opd.v[j];
		for (; j > k; j--) {
			p->opd.v[j] = p->opd.v[j - 1];
			from[j] = from[j - 1];
		}
		p->opd.v[k] = o;
	}
}

static void phi(struct parser *p, u32 i, u32 *from)
{
	for (bool more = at(p, "["); more && !p->failed; more = take(p, ",")) {
		expect(p, "[");
		skip_blanks(p);
		from[p->opd.n] = block_ref(p);
		operand(p);
		expect(p, "]");
	}
	phi_order(p, i, from);
	place_pool(p, i);
}

static void arg_mem(struct parser *p, struct arg_mem *m)
{
	static const char *const names[] = {"", "r", "w", "rw", "esc"};
	char w[WORD_MAX];

	expect(p, "=");
	word(p, w);
	i32 k = name_index(w, names, countof(names));
	if (k <= 0) {
		error(p, "access expected");
		return;
	}
	m->access = (u8)k;
	m->size_arg = -1;
	if (k == ARG_ESCAPE)
		return;
	expect(p, ":");
	if (take(p, "s")) {
		m->size_arg = (i8)((small_number(p) & 7) - 1);
		return;
	}
	m->lo = (i32)signed_number(p);
	expect(p, ":");
	m->hi = (i32)signed_number(p);
}

static void effects(struct parser *p, struct call *c)
{
	char w[WORD_MAX];

	do {
		word(p, w);
		i32 k = name_index(w, effect_names, EFFECT_COUNT);

		if (k >= 0)
			c->effects |= (u8)(1u << k);
		else if (strcmp(w, "none"))
			error(p, "effect expected");
	} while (!p->failed && take(p, "|"));
}

static void call(struct parser *p, struct ins *x)
{
	struct call c = {.sym = SYM_NONE};
	char w[WORD_MAX];

	word(p, w);
	i32 kind = name_index(w, call_kind_names, CALL_KIND_COUNT);
	if (kind < 0 || (kind == CALL_PTR) != (x->op == OP_CALLX)) {
		error(p, "kind of call expected");
		return;
	}
	c.kind = (u8)kind;
	if (kind == CALL_TAIL && take(p, "@")) {
		c.sym = sym_id(p);
		if (expect(p, "["))
			c.key = small_number(p);
		expect(p, "]");
	} else if (kind != CALL_PTR && kind != CALL_TAIL && expect(p, "@")) {
		c.sym = sym_id(p);
	}
	expect(p, "(");
	for (bool more = !at(p, ")"); more && !p->failed; more = take(p, ","))
		operand(p);
	expect(p, ")");
	u32 n = p->opd.n - (x->op == OP_CALLX);
	if (n > 5) {
		error(p, "more than 5 arguments");
		return;
	}
	c.nargs = (u8)n;
	effects(p, &c);
	for (u32 k = 0; k < 5; k++)
		c.arg[k].size_arg = -1;
	while (!p->failed && take(p, "a")) {
		u32 k = small_number(p);
		if (k < 1 || k > 5)
			error(p, "argument number out of range");
		else
			arg_mem(p, &c.arg[k - 1]);
	}
	x->aux = p->f->calls.n;
	*vec_push(p->a, &p->f->calls) = c;
}

static void targets(struct parser *p, u32 n, bool comma)
{
	for (u32 k = 0; k < n && !p->failed; k++) {
		if (comma || k)
			expect(p, ",");
		skip_blanks(p);
		u32 to = block_ref(p);
		if (to == 0)
			error(p, "the entry block has no predecessors");
		*vec_push(p->a, &p->edge) = (struct edge){p->b, k, to};
	}
}

static void define(struct parser *p, u32 name, u32 i)
{
	while (p->value.n <= name)
		vec_push(p->a, &p->value);
	if (p->value.v[name])
		error(p, "value defined twice");
	p->value.v[name] = i;
}

static void body(struct parser *p, struct ins *x)
{
	u32 n = op_info[x->op].nargs;

	if (op_is_mem((enum op)x->op))
		memory(p, x);
	else if (x->op == OP_CALL || x->op == OP_CALLX)
		call(p, x);
	else if (x->op != OP_PHI)
		operands(p, n);
	if (x->op == OP_BR)
		targets(p, 2, true);
	if (x->op == OP_JMP)
		targets(p, 1, false);
}

static void instruction(struct parser *p)
{
	struct ins x = {.insn = INSN_NONE};
	u32 name = UINT32_MAX;

	p->opd.n = 0;
	skip_blanks(p);
	if (*p->s == 'v' && isdigit((u8)p->s[1])) {
		p->s++;
		name = small_number(p);
		expect(p, "=");
	}
	if (p->failed || !opcode(p, &x))
		return;
	body(p, &x);
	if (p->failed)
		return;
	u32 i = ir_add_like(p->f, p->b, &x).v;
	if (x.op == OP_PHI) {
		size_t room = strcspn(p->s, "\n") + 1;
		u32 *from = arena_array(p->a, u32, room);

		phi(p, i, from);
	} else if (op_info[x.op].nargs == OP_VARARGS) {
		place_pool(p, i);
	} else {
		place_args(p, i);
	}
	if (take(p, "!"))
		p->f->ins[i].insn = small_number(p);
	if (name != UINT32_MAX)
		define(p, name, i);
	if ((name != UINT32_MAX) != (x.type != TY_NONE))
		error(p, "value name missing or too many");
}

/* ---- blocks and functions ------------------------------------------------ */

static bool count_preds(struct parser *p)
{
	struct fn *f = p->f;

	for (u32 k = 0; k < p->edge.n; k++) {
		struct blk *from = &f->blk[p->edge.v[k].from];

		if (from->nsucc == 2)
			return error(p, "two terminators in a block");
		if (!from->succ)
			from->succ = arena_array(p->a, u32, 2);
		from->succ[from->nsucc++] = p->edge.v[k].to;
		f->blk[p->edge.v[k].to].npred++;
	}
	ir_each_blk (f, b) {
		const struct ins *i = &f->ins[f->blk[b].first];

		if (i->op == OP_PHI && i->arg[1].v != f->blk[b].npred)
			return error(p, "phi with too few or many arguments");
	}
	return true;
}

/* Predecessors in the order of the first phi, else of the terminators. */
static bool make_edges(struct parser *p)
{
	struct fn *f = p->f;
	u32 *fill = arena_array(p->a, u32, f->nblk);

	if (!count_preds(p))
		return false;
	ir_each_blk (f, b) {
		struct blk *blk = &f->blk[b];
		u32 cap = 1; /* as build.c expects it: a power of two */

		while (cap < blk->npred)
			cap *= 2;
		u32 *pred = arena_array(p->a, u32, cap);
		if (blk->pred)
			memcpy(pred, blk->pred, blk->npred * sizeof(*pred));
		fill[b] = blk->pred ? UINT32_MAX : 0;
		blk->pred = pred;
	}
	for (u32 k = 0; k < p->edge.n; k++) {
		u32 to = p->edge.v[k].to;

		if (fill[to] != UINT32_MAX)
			f->blk[to].pred[fill[to]++] = p->edge.v[k].from;
	}
	return true;
}

static bool labels(struct parser *p)
{
	const char *s = p->s;

	for (; *s && *s != '}'; s += strcspn(s, "\n"), s += *s == '\n') {
		const char *c = s + strspn(s, " \t");
		char *end;

		if (*c != 'b' || !isdigit((u8)c[1]))
			continue;
		u64 n = strtoull(c + 1, &end, 10);
		if (*end != ':')
			continue;
		if (n >= NAME_MAX_NUM)
			return error(p, "block number too large");
		while (p->block.n <= n)
			vec_push(p->a, &p->block);
		if (p->block.v[n])
			return error(p, "block defined twice");
		p->block.v[n] = 1 + ir_blk_new(p->f);
	}
	return p->f->nblk || error(p, "function without blocks");
}

static void attributes(struct parser *p)
{
	while (!p->failed && !take(p, "{")) {
		if (take(p, "params="))
			p->f->nparams = small_number(p);
		else if (take(p, "frame="))
			p->f->frame = small_number(p);
		else if (take_word(p, "escapes"))
			p->f->frame_escapes = true;
		else if (take_word(p, "counter"))
			p->f->counter = true;
		else
			error(p, "attribute or { expected");
	}
}

static struct fn *function(struct parser *p)
{
	char w[WORD_MAX];

	expect(p, "fn");
	word(p, w);
	p->f = ir_fn_new(p->a, arena_strndup(p->a, w, WORD_MAX), 0);
	memset(&p->value, 0, sizeof(p->value)); /* vec_push wants zeroes */
	memset(&p->block, 0, sizeof(p->block));
	p->fixup.n = p->edge.n = 0;
	attributes(p);
	skip_lines(p);
	if (p->failed || !labels(p))
		return NULL;
	p->b = BLK_NONE;
	for (skip_lines(p); !p->failed && !take(p, "}"); skip_lines(p)) {
		if (*p->s == 'b' && isdigit((u8)p->s[1])) {
			p->b = block_ref(p);
			expect(p, ":");
		} else if (p->b == BLK_NONE) {
			error(p, "block label expected");
		} else {
			instruction(p);
		}
		skip_blanks(p);
		if (!p->failed && *p->s && *p->s != '\n')
			error(p, "end of line expected");
	}
	if (p->failed || !apply_fixups(p) || !make_edges(p))
		return NULL;
	return p->f;
}

struct fn **ir_parse(struct arena *a, const char *file, const char *text,
	struct diag *d, u32 *n)
{
	struct parser p = {.a = a, .d = d, .file = file, .s = text, .line = 1};
	vec(struct fn *) fns = {0};

	for (skip_lines(&p); *p.s; skip_lines(&p)) {
		struct fn *f = function(&p);
		char why[160];

		if (!f)
			return NULL;
		if (ir_verify(f, why, sizeof(why))) {
			error(&p, arena_printf(a, "fn %s: %s", f->name, why));
			return NULL;
		}
		*vec_push(a, &fns) = f;
	}
	*n = fns.n;
	return arena_dup(a, fns.v, fns.n * sizeof(*fns.v));
}
