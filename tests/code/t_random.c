/*
 * Random functions: native code against the interpreter. What single
 * operations (t_exec.c) cannot show: operands shared, folded, spilled and
 * merged across branches and loops.
 *
 * usage: t_random [SEED [COUNT]]     t_random -f FILE  checks that text
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/base.h"
#include "tests/code/check.h"

enum { TEXT = 1 << 16, POOL = 64, DEPTH = 3 };

struct gen {
	u64 seed;
	char text[TEXT];
	size_t used;
	u32 next, blk; /* numbers of values and blocks */
	u32 cur;       /* the open block */
	struct pool {
		u32 v[POOL], n;
	} pool[2]; /* values of i32, i64 that dominate here */
};

static u32 roll(struct gen *g, u32 n)
{
	g->seed = g->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(g->seed >> 33) % n;
}

static void put(struct gen *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g->used +=
		(size_t)vsnprintf(g->text + g->used, TEXT - g->used, fmt, ap);
	va_end(ap);
	if (g->used >= TEXT)
		abort();
}

static const char *const types[] = {"i32", "i64"};

static void push(struct gen *g, u32 t, u32 v)
{
	struct pool *p = &g->pool[t];

	if (p->n == POOL) /* forget an old one */
		p->v[roll(g, POOL)] = v;
	else
		p->v[p->n++] = v;
}

/* An operand: mostly recent values, some constants. */
static const char *value(struct gen *g, u32 t)
{
	static const char *const consts[] = {"0", "1", "-1", "2", "7", "8",
		"63", "127", "128", "255", "65535", "0x7fffffff", "0x80000000",
		"1000"};
	static char buf[8][32];
	static u32 nbuf;
	const struct pool *p = &g->pool[t];
	char *s = buf[nbuf++ % 8];
	u32 r = roll(g, 10);

	if (t && r == 0)
		snprintf(s, 32, "0x%x%08x", roll(g, 1 << 30), roll(g, 1 << 30));
	else if (r <= 2)
		snprintf(s, 32, "%s%s", consts[roll(g, countof(consts))],
			t ? "" : "w");
	else if (t && r == 3)
		snprintf(s, 32, "p%u", 1 + roll(g, 4));
	else
		snprintf(s, 32, "v%u",
			p->v[roll(g, 2) ? p->n - 1 -
						  roll(g, p->n < 4 ? p->n : 4)
					: roll(g, p->n)]);
	return s;
}

/* ---- statements --------------------------------------------------------------------- */

static void gen_binary(struct gen *g)
{
	static const char *const ops[] = {"add", "add", "add", "sub", "mul",
		"mulhu", "udiv", "umod", "sdiv", "smod", "and", "or", "xor",
		"shl", "shr", "sar", "rotl"};
	u32 t = roll(g, 2);
	const char *op = ops[roll(g, countof(ops))];

	put(g, "\tv%u = %s.%s %s, %s\n", g->next, op, types[t], value(g, t),
		value(g, t));
	push(g, t, g->next++);
}

static void gen_unary(struct gen *g)
{
	static const struct {
		const char *op;
		u8 from, to;
	} ops[] = {{"neg.i32", 0, 0}, {"neg.i64", 1, 1}, {"zext", 0, 1},
		{"sext", 0, 1}, {"trunc", 1, 0}, {"trunc", 1, 0},
		{"zext", 0, 1}, {"sx8.i32", 0, 0}, {"sx16.i64", 1, 1},
		{"zx8.i64", 1, 1}, {"zx16.i32", 0, 0}, {"bswap16", 0, 0},
		{"bswap.i32", 0, 0}, {"bswap.i64", 1, 1}};
	u32 k = roll(g, countof(ops));

	put(g, "\tv%u = %s v%u\n", g->next, ops[k].op,
		g->pool[ops[k].from].v[roll(g, g->pool[ops[k].from].n)]);
	push(g, ops[k].to, g->next++);
}

static const char *cond(struct gen *g)
{
	static const char *const ccs[] = {"eq", "ne", "ult", "uge", "ugt",
		"ule", "slt", "sge", "sgt", "sle", "tst", "ntst"};

	return ccs[roll(g, countof(ccs))];
}

static void gen_choice(struct gen *g)
{
	u32 t = roll(g, 2), of = roll(g, 2);

	if (roll(g, 2)) {
		put(g, "\tv%u = cmp.%s %s, %s\n", g->next, cond(g),
			value(g, of), value(g, of));
		push(g, 0, g->next++);
		return;
	}
	put(g, "\tv%u = sel.%s.%s %s, %s, %s, %s\n", g->next, cond(g), types[t],
		value(g, of), value(g, of), value(g, t), value(g, t));
	push(g, t, g->next++);
}

static const char *region(struct gen *g)
{
	static const char *const names[] = {"map", "map", "unknown", "global"};

	/* One place, one name: regions of different names do not overlap. */
	return names[roll(g, 1)];
}

/* In the buffer at a constant or masked place, or in the own frame. */
static const char *place(struct gen *g)
{
	static char buf[64];
	u32 r = roll(g, 8);

	if (r < 2) {
		snprintf(buf, sizeof(buf), "stack [fp-%u]", 8 + roll(g, 4) * 8);
		return buf;
	}
	if (r < 5) {
		snprintf(buf, sizeof(buf), "%s [p0 + %u]", region(g),
			1 + roll(g, 100));
		return buf;
	}
	put(g, "\tv%u = and.i64 %s, 7\n", g->next, value(g, 1));
	if (r == 5) {
		put(g, "\tv%u = add.i64 p0, v%u\n", g->next + 1, g->next);
	} else {
		put(g, "\tv%u = shl.i64 v%u, %u\n", g->next + 1, g->next,
			1 + roll(g, 3));
		put(g, "\tv%u = add.i64 v%u, p0\n", g->next + 2, g->next + 1);
		g->next++;
	}
	snprintf(buf, sizeof(buf), "%s [v%u + %u]", region(g), g->next + 1,
		1 + roll(g, 40));
	g->next += 2;
	return buf;
}

static void gen_load(struct gen *g)
{
	u32 t = roll(g, 2), size = 1u << roll(g, 3 + t);
	const char *at = place(g);

	put(g, "\tv%u = load%u.%s %s%s\n", g->next, size, types[t], at,
		roll(g, 4) ? "" : " sx");
	push(g, t, g->next++);
}

static void gen_store(struct gen *g)
{
	u32 t = roll(g, 2), size = 1u << roll(g, 3 + t);
	const char *at = place(g);

	put(g, "\tstore%u %s, %s\n", size, at, value(g, t));
}

/* *p = *p op v */
static void gen_update(struct gen *g)
{
	static const char *const ops[] = {"add", "sub", "and", "or", "xor"};
	u32 t = roll(g, 2), size = 1u << roll(g, 3 + t), load;
	const char *op = ops[roll(g, countof(ops))], *v, *at = place(g);

	load = g->next++;
	put(g, "\tv%u = load%u.%s %s\n", load, size, types[t], at);
	v = value(g, t);
	put(g, "\tv%u = %s.%s v%u, %s\n", g->next++, op, types[t], load, v);
	if (roll(g, 4) == 0) {
		u32 keep = g->next - 1;
		char where[64];

		snprintf(where, sizeof(where), "%s", at);
		put(g, "\tstore1 map [p0 + %u], v%u\n", 1 + roll(g, 100), load);
		put(g, "\tstore%u %s, v%u\n", size, where, keep);
		return;
	}
	put(g, "\tstore%u %s, v%u\n", size, at, g->next - 1);
}

static void gen_atomic(struct gen *g)
{
	static const char *const ops[] = {"add", "or", "and", "xor", "xchg"};
	u32 t = roll(g, 2), size = t ? 8 : 4, off = roll(g, 12) * 8;
	const char *op = ops[roll(g, countof(ops))];

	switch (roll(g, 3)) {
	case 0:
		put(g, "\tatomic%u.%s map [p0 + %u], %s\n", size, op, off,
			value(g, t));
		return;
	case 1:
		put(g, "\tv%u = fetch%u.%s.%s map [p0 + %u], %s\n", g->next,
			size, op, types[t], off, value(g, t));
		break;
	default:
		put(g, "\tv%u = cmpxchg%u.%s map [p0 + %u], %s, %s\n", g->next,
			size, types[t], off, value(g, t), value(g, t));
	}
	push(g, t, g->next++);
}

static void gen_call(struct gen *g)
{
	put(g, "\tv%u = call.i64 %s(%s, %s, %s, %s, %s) none\n", g->next,
		roll(g, 2) ? "fn @1" : "extern @3", value(g, 1), value(g, 1),
		value(g, 1), value(g, 1), value(g, 1));
	push(g, 1, g->next++);
}

/* ---- flow -------------------------------------------------------------------------------- */

static void gen_block(struct gen *g, u32 depth);

static void open_block(struct gen *g, u32 b)
{
	put(g, "b%u:\n", b);
	g->cur = b;
}

static void gen_if(struct gen *g, u32 depth)
{
	u32 yes = g->blk++, no = g->blk++, join = g->blk++, of = roll(g, 2);
	struct pool saved[2] = {g->pool[0], g->pool[1]};
	char a[2][32], b[2][32];
	u32 from_yes, from_no;

	put(g, "\tbr.%s %s, %s, b%u, b%u\n", cond(g), value(g, of),
		value(g, of), yes, no);
	open_block(g, yes);
	gen_block(g, depth + 1);
	from_yes = g->cur;
	for (u32 t = 0; t < 2; t++)
		snprintf(a[t], 32, "%s", value(g, t));
	put(g, "\tjmp b%u\n", join);
	g->pool[0] = saved[0];
	g->pool[1] = saved[1];
	open_block(g, no);
	gen_block(g, depth + 1);
	from_no = g->cur;
	for (u32 t = 0; t < 2; t++)
		snprintf(b[t], 32, "%s", value(g, t));
	put(g, "\tjmp b%u\n", join);
	g->pool[0] = saved[0];
	g->pool[1] = saved[1];
	open_block(g, join);
	for (u32 t = 0; t < 2; t++) {
		put(g, "\tv%u = phi.%s [b%u %s], [b%u %s]\n", g->next, types[t],
			from_yes, a[t], from_no, b[t]);
		push(g, t, g->next++);
	}
}

/* A loop of a few rounds that carries one value of each type. */
static void gen_loop(struct gen *g, u32 depth)
{
	u32 head = g->blk++, after = g->blk++, from = g->cur;
	u32 i = g->next++, v32 = g->next++, v64 = g->next++;
	u32 i2 = g->next++, n32 = g->next++, n64 = g->next++;
	char a32[32], a64[32], b32[32], b64[32];
	struct pool saved[2];
	size_t hole;

	snprintf(a32, 32, "%s", value(g, 0));
	snprintf(a64, 32, "%s", value(g, 1));
	put(g, "\tjmp b%u\n", head);
	open_block(g, head);
	hole = g->used;
	put(g, "%240s\n", "");
	push(g, 0, v32);
	push(g, 1, v64);
	push(g, 1, i);
	saved[0] = g->pool[0];
	saved[1] = g->pool[1];
	gen_block(g, depth + 1);
	snprintf(b32, 32, "%s", value(g, 0));
	snprintf(b64, 32, "%s", value(g, 1));
	put(g, "\tv%u = add.i64 v%u, 1\n", i2, i);
	put(g, "\tv%u = xor.i32 %s, v%u\n", n32, b32, v32);
	put(g, "\tv%u = add.i64 %s, v%u\n", n64, b64, v64);
	if (roll(g, 2)) /* the old value: what compilers make of i++ != n */
		put(g, "\tbr.ne v%u, %u, b%u, b%u\n", i, 1 + roll(g, 4), head,
			after);
	else
		put(g, "\tbr.ult v%u, %u, b%u, b%u\n", i2, 2 + roll(g, 4), head,
			after);
	int n = snprintf(g->text + hole, 240,
		"\tv%u = phi.i64 [b%u 0], [b%u v%u]\n"
		"\tv%u = phi.i32 [b%u %s], [b%u v%u]\n"
		"\tv%u = phi.i64 [b%u %s], [b%u v%u]\n",
		i, from, g->cur, i2, v32, from, a32, g->cur, n32, v64, from,
		a64, g->cur, n64);
	g->text[hole + (size_t)n] = ' ';
	g->pool[0] = saved[0];
	g->pool[1] = saved[1];
	push(g, 0, n32);
	push(g, 1, n64);
	open_block(g, after);
}

static void gen_block(struct gen *g, u32 depth)
{
	u32 n = 2 + roll(g, depth ? 8 : 20);

	while (n--) {
		u32 r = roll(g, 20);

		if (r < 7)
			gen_binary(g);
		else if (r < 9)
			gen_unary(g);
		else if (r < 11)
			gen_choice(g);
		else if (r < 13)
			gen_load(g);
		else if (r < 15)
			gen_store(g);
		else if (r < 16)
			gen_update(g);
		else if (r < 17)
			gen_atomic(g);
		else if (r < 18)
			gen_call(g);
		else if (depth < DEPTH && r == 18)
			gen_if(g, depth);
		else if (depth < DEPTH)
			gen_loop(g, depth);
	}
}

static const char *gen_text(struct gen *g, u64 seed)
{
	g->seed = seed * 0x9e3779b97f4a7c15u + 1;
	g->used = g->cur = 0;
	g->next = 10;
	g->blk = 1;
	g->pool[0].n = g->pool[1].n = 0;
	put(g,
		"fn r%llu params=5 frame=48 {\nb0:\n"
		"\tv1 = add.i64 @0, @1\n\tv2 = add.i64 @2, @3\n"
		"\tv3 = trunc p1\n\tv4 = or.i64 p2, 1\n"
		"\tv5 = trunc p3\n",
		(unsigned long long)seed);
	for (u32 k = 8; k <= 48; k += 8)
		put(g, "\tstore8 stack [fp-%u], p%u\n", k, 1 + k / 8 % 4);
	push(g, 0, 3);
	push(g, 0, 5);
	push(g, 1, 4);
	gen_block(g, 0);
	for (u32 t = 0; t < 2; t++)
		for (u32 k = 0; k < 3; k++)
			put(g, "\tstore8 map [p0 + %u], %s\n", (t * 3 + k) * 8,
				value(g, 1));
	u32 last = g->pool[0].v[g->pool[0].n - 1];

	put(g, "\tv%u = zext v%u\n\tv%u = xor.i64 v%u, %s\n\tret v%u\n}\n",
		g->next, last, g->next + 1, g->next, value(g, 1), g->next + 1);
	return g->text;
}

static int check_file(const char *path)
{
	static char text[TEXT];
	FILE *f = fopen(path, "r");

	if (!f)
		return 2;
	text[fread(text, 1, TEXT - 1, f)] = 0;
	fclose(f);
	return check_text_quick(text) ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct gen g;

	if (argc > 2 && !strcmp(argv[1], "-f"))
		return check_file(argv[2]);
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	u64 count = argc > 2 ? strtoull(argv[2], NULL, 0) : 300;

	for (u64 k = 0; k < count; k++)
		if (!check_text_quick(gen_text(&g, seed + k))) {
			fprintf(stderr, "seed %llu\n",
				(unsigned long long)(seed + k));
			return 1;
		}
	return 0;
}
