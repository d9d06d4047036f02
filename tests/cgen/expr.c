/* Expressions and lvalues, as text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgen.h"

/* ---- text ---------------------------------------------------------------- */

/* Results live in a ring that is longer than expressions nest: state. */
enum { RING = 256 };
static char ring[RING][TEXT];
static u32 turn;

__attribute__((format(printf, 1, 2))) static const char *text(
	const char *format, ...)
{
	char *to = ring[turn++ % RING];
	va_list args;

	va_start(args, format);
	size_t n = (size_t)vsnprintf(to, TEXT, format, args);
	va_end(args);
	if (n >= TEXT)
		abort();
	return to;
}

static const char *literal(void)
{
	static const char *const odd[] = {"0", "1", "-1", "2", "7", "255",
		"256", "-128", "0x7f", "0xffff", "0x8000", "0x7fffffff",
		"(-0x7fffffff - 1)", "0x80000000u", "0xffffffffu",
		"0x100000000ll", "0x7fffffffffffffffll",
		"(-0x7fffffffffffffffll - 1)", "0xffffffffffffffffull",
		"0x123456789abcdefull", "65", "31", "32", "63", "64"};

	if (chance(60))
		return odd[below(sizeof(odd) / sizeof(odd[0]))];
	return text("%d", (int)below(2000) - 500);
}

/* ---- places -------------------------------------------------------------- */

/* Indices are small expressions: long ones the verifier loses track of. */
static const char *index_below(const struct body *b, u32 count)
{
	if (chance(50))
		return text("%u", below(count));
	return text("(%s) & %u", expr(b, 0), count - 1);
}

static const char *field_of(
	const struct body *b, const struct var *v, const char *dot)
{
	const struct record *r = &src.record[v->of];
	u32 f = below(r->n);

	if (r->field[f].count)
		return text("%s%sf%u[%s]", v->name, dot, f,
			index_below(b, r->field[f].count));
	return text("%s%sf%u", v->name, dot, f);
}

static const char *elem_field(const struct body *b, const struct var *v)
{
	static const char *const field[] = {
		"a", "b", "c", "e", "f0", "f1", "f2", "g"};

	if (chance(15))
		return text("%s->d[%s]", v->name, index_below(b, 2));
	return text("%s->%s", v->name, field[below(8)]);
}

static const char *mixed_field(const struct body *b, const struct var *v)
{
	static const char name[] = "wwhhbb";
	u32 f = below(7);

	if (f == 6)
		return text("%s.q", v->name);
	return text("%s.%c[%s]", v->name, name[f],
		index_below(b, f < 2   ? 2
			       : f < 4 ? 4
				       : 8));
}

static const char *header_field(const struct var *v)
{
	static const char *const field[] = {
		"kind", "length", "f0", "f1", "f2", "word", "tail"};

	return text("%s.%s", v->name, field[below(7)]);
}

static const char *part(const struct body *b, const struct var *v)
{
	switch (v->what) {
	case SCALAR: return v->name;
	case ARRAY: return text("%s[%s]", v->name, index_below(b, v->count));
	case RECORD: return field_of(b, v, ".");
	case TARGET: return field_of(b, v, "->");
	case ELEM: return elem_field(b, v);
	case MIXED: return mixed_field(b, v);
	case HEADER: return header_field(v);
	}
	unreachable();
}

static const char *packet_part(const struct body *b)
{
	static const u8 size[] = {1, 1, 2, 4, 8};
	enum kind k;
	u32 n;

	do {
		k = pick_kind();
		n = kind_bits[k] / 8;
	} while (n > b->packet || n != size[below(5)]);
	return text(
		"(*(%s *)(pk + %u))", kind_name[k], below(b->packet - n + 1));
}

static const struct var *any_var(const struct body *b)
{
	if (!b->nvars || chance(25))
		return &src.global[below(src.nglobals)];
	u32 last = b->nvars < 3 ? b->nvars : 3;

	return &b->var[b->nvars - 1 - below(chance(40) ? last : b->nvars)];
}

const char *place(const struct body *b)
{
	if (b->packet && chance(25))
		return packet_part(b);
	for (u32 i = 0; i < 8; i++) {
		const struct var *v = any_var(b);

		if (!v->fixed)
			return part(b, v);
	}
	return NULL;
}

/* ---- expressions --------------------------------------------------------- */

static const char *ctx_part(const struct body *b)
{
	if (b->ctx == XDP)
		return "packet_size(ctx)";
	static const char *const field[] = {
		"len", "mark", "priority", "cb[0]", "cb[3]", "cb[4]"};
	return text("ctx->%s", field[below(6)]);
}

static const char *leaf(const struct body *b)
{
	if (chance(20))
		return literal();
	if (b->packet && chance(30))
		return packet_part(b);
	if (b->ctx && chance(8))
		return ctx_part(b);
	const struct var *v = any_var(b);
	const char *x = part(b, v);
	/* what a wide bit-field is promoted to is up to the compiler */
	bool record = v->what == RECORD || v->what == TARGET;
	return record && src.record[v->of].wide ? text("(s64)%s", x) : x;
}

/* Of one operand, two, or three; drawn one after the other, so that every
 * compiler of this file draws the same. */
static const char *unary(const char *x)
{
	static const char *const op[] = {"-", "~", "!", "!!"};

	return text("(%s(%s))", op[below(4)], x);
}

static const char *cast(const char *x)
{
	return text("(%s)(%s)", kind_name[pick_kind()], x);
}

static const char *swap(const char *x)
{
	return text("__builtin_bswap%u(%s)", 16u << below(3), x);
}

static const char *binary(const char *x, const char *y)
{
	static const char *const op[] = {
		"+", "-", "*", "&", "|", "^", "+", "-", "&&", "||"};

	return text("(%s %s %s)", x, op[below(10)], y);
}

static const char *compare(const char *x, const char *y)
{
	static const char *const op[] = {"<", "<=", ">", ">=", "==", "!="};

	return text("(%s %s %s)", x, op[below(6)], y);
}

static const char *shift(const char *x, const char *y)
{
	enum kind k = pick_kind();

	return text("((%s)(%s) %s ((%s) & %u))", kind_name[k], x,
		chance(50) ? "<<" : ">>", y, kind_bits[k] - 1u);
}

static const char *rotate(const char *x, const char *y)
{
	return text("ROTL(u%u, %s, (u32)(%s))", 32u << below(2), x, y);
}

static const char *divide(const char *x, const char *y)
{
	const char *k = chance(50) ? "32" : "64";
	bool is_signed = chance(50);
	bool rest = chance(50);

	if (chance(60))
		y = text("%u", 1 + below(300));
	if (is_signed)
		return text("%s(s%s, %s, %s)", rest ? "MOD" : "DIV", k, x, y);
	return text(
		"((u%s)(%s) %c ((u%s)(%s) | 1))", k, x, rest ? '%' : '/', k, y);
}

static const char *choose(const char *x, const char *y, const char *z)
{
	return text("(%s ? %s : %s)", x, y, z);
}

struct shape {
	const char *(*one)(const char *x);
	const char *(*two)(const char *x, const char *y);
	const char *(*three)(const char *x, const char *y, const char *z);
	u32 weight;
};

static const struct shape shapes[] = {
	{.one = unary, .weight = 1},
	{.one = cast, .weight = 2},
	{.one = swap, .weight = 1},
	{.two = binary, .weight = 6},
	{.two = compare, .weight = 2},
	{.two = shift, .weight = 2},
	{.two = rotate, .weight = 1},
	{.two = divide, .weight = 1},
	{.three = choose, .weight = 1},
};
enum { WEIGHTS = 17, MAX_DEPTH = 3 };

const char *expr(const struct body *b, u32 depth)
{
	const struct shape *s = shapes;

	assert(depth <= MAX_DEPTH);
	if (!depth || chance(15))
		return leaf(b);
	for (u32 w = below(WEIGHTS); w >= s->weight; s++)
		w -= s->weight;
	const char *x = expr(b, depth - 1);
	if (s->one)
		return s->one(x);
	const char *y = expr(b, depth - 1);
	return s->two ? s->two(x, y) : s->three(x, y, expr(b, depth - 1));
}
