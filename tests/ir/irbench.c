/*
 * irbench: how long the passes take. Functions of 1k to 400k slots in the
 * shapes that hurt: straight line, branchy, one huge loop, many live values,
 * many stack slots. Prints microseconds per instruction and per pass.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/target.h"
#include "tests/ir/gen.h"

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others run, too */
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* ---- shapes -------------------------------------------------------------- */

struct maker {
	struct fn *f;
	u32 n;
};

static ref imm(struct fn *f, i64 v)
{
	return ir_const(f, TY_I64, v);
}

static struct access at(u32 size, u32 region, i64 off)
{
	return (struct access){(u8)size, (u8)region, 0, off};
}

static ref bytes_joined(struct fn *f, u32 b, i64 off)
{
	ref acc = {0};

	for (u32 k = 0; k < 4; k++) {
		struct access m = at(1, REGION_PACKET, off + k);
		ref v = ir_load(f, b, TY_I64, ir_param(f, 0), &m);

		if (k)
			v = ir_add(f, b, OP_SHL, TY_I64, v, imm(f, 8 * k));
		acc = k ? ir_add(f, b, OP_OR, TY_I64, acc, v) : v;
	}
	return acc;
}

/* About ten instructions, of the kinds compilers make. */
static ref statement(struct fn *f, u32 b, ref x, u32 k)
{
	struct access slot = at(8, REGION_STACK, -8 - 8 * (i64)(k % 64));
	struct access m = at(4, REGION_MAP, 4 * (k % 100));
	ref none = {0};
	ref y;

	switch (k % 5) {
	case 0: return bytes_joined(f, b, k % 1000);
	case 1:
		ir_store(f, b, ir_fp(f, 0), x, &slot);
		return ir_load(f, b, TY_I64, ir_fp(f, 0), &slot);
	case 2:
		y = ir_add(f, b, OP_TRUNC, TY_I32, x, none);
		y = ir_add(f, b, OP_MUL, TY_I32, y, ir_const(f, TY_I32, k));
		y = ir_add(f, b, OP_ZEXT, TY_I64, y, none);
		return ir_add(f, b, OP_XOR, TY_I64, x, y);
	case 3:
		y = ir_load(f, b, TY_I64, ir_param(f, 1), &m);
		y = ir_add(f, b, OP_ADD, TY_I64, y, x);
		ir_store(f, b, ir_param(f, 1), y, &m);
		return y;
	default:
		y = ir_add(f, b, OP_SHL, TY_I64, x, imm(f, k % 63));
		y = ir_add(f, b, OP_SHR, TY_I64, y, imm(f, 7));
		return ir_add(f, b, OP_AND, TY_I64, y, imm(f, 0xff00ff));
	}
}

static void straight(struct maker *m)
{
	struct fn *f = m->f;
	u32 b = ir_blk_new(f);
	ref x = ir_param(f, 0);

	for (u32 k = 0; f->nins < m->n; k++)
		x = statement(f, b, x, k);
	ir_ret(f, b, x);
}

static ref undef(void *ctx, u32 var, u32 blk)
{
	(void)var;
	(void)blk;
	return ir_const(ctx, TY_I64, 0);
}

/* A chain of diamonds; with loop, all of it inside one loop. */
static void diamonds(struct maker *m, bool loop)
{
	enum { VARS = 8 };
	static const u8 types[VARS] = {
		TY_I64, TY_I64, TY_I64, TY_I64, TY_I64, TY_I64, TY_I64, TY_I64};
	struct fn *f = m->f;
	struct ssa *s = ssa_begin(f, VARS, types, undef, f);
	u32 entry = ir_blk_new(f), b = ir_blk_new(f), head = b;

	ssa_seal(s, entry);
	for (u32 v = 0; v < VARS; v++)
		ssa_write(s, entry, v, ir_param(f, v % 2));
	ir_jmp(f, entry, b);
	if (!loop)
		ssa_seal(s, b);
	for (u32 k = 0; f->nins < m->n; k++) {
		u32 yes = ir_blk_new(f), no = ir_blk_new(f);
		u32 join = ir_blk_new(f);
		ref x = ssa_read(s, b, k % VARS);

		ir_br(f, b, CC_ULT, x, imm(f, k), yes, no);
		ssa_seal(s, yes);
		ssa_seal(s, no);
		ssa_write(s, yes, k % VARS, statement(f, yes, x, k));
		ssa_write(s, no, (k + 1) % VARS,
			statement(f, no, ssa_read(s, no, (k + 1) % VARS), k));
		ir_jmp(f, yes, join);
		ir_jmp(f, no, join);
		ssa_seal(s, join);
		b = join;
	}
	u32 out = ir_blk_new(f);
	if (loop) {
		ir_br(f, b, CC_NE, ssa_read(s, b, 0), imm(f, 0), head, out);
		ssa_seal(s, head);
	} else {
		ir_jmp(f, b, out);
	}
	ssa_seal(s, out);
	ref x = ssa_read(s, out, 0);
	for (u32 v = 1; v < VARS; v++)
		x = ir_add(f, out, OP_ADD, TY_I64, x, ssa_read(s, out, v));
	ir_ret(f, out, x);
	ssa_end(s);
}

static void branchy(struct maker *m)
{
	diamonds(m, false);
}

static void huge_loop(struct maker *m)
{
	diamonds(m, true);
}

/* All values live to the end. */
static void many_live(struct maker *m)
{
	struct fn *f = m->f;
	u32 b = ir_blk_new(f);
	u32 n = m->n / 3;
	ref *v = arena_array(f->a, ref, n + 1);

	for (u32 k = 0; k < n; k++) {
		struct access a = at(8, REGION_MAP, 8 * (i64)k);

		v[k] = ir_load(f, b, TY_I64, ir_param(f, 0), &a);
	}
	ref x = ir_param(f, 1);
	for (u32 k = n; k-- > 0;)
		x = ir_add(f, b, OP_ADD, TY_I64, x, v[k]);
	ir_ret(f, b, x);
}

/* A check before each access, all failing to one block. */
static void checks(struct maker *m)
{
	struct fn *f = m->f;
	u32 b = ir_blk_new(f), out = ir_blk_new(f);
	ref x = ir_param(f, 1);

	for (u32 k = 0; f->nins < m->n; k++) {
		u32 next = ir_blk_new(f);
		ref e = ir_add(f, b, OP_ADD, TY_I64, ir_param(f, 0), imm(f, k));

		ir_br(f, b, CC_UGT, e, ir_param(f, 1), out, next);
		b = next;
		x = ir_add(f, b, OP_XOR, TY_I64, x, bytes_joined(f, b, k));
	}
	ir_ret(f, b, x);
	ref phi = ir_phi(f, out, TY_I64, f->blk[out].npred);
	for (u32 k = 0; k < f->blk[out].npred; k++)
		f->args.v[f->ins[phi.v].arg[0].v + k] = imm(f, k);
	ir_ret(f, out, phi);
}

/* A nest of loops, each with a few slots of the frame. */
static void nest(struct maker *m)
{
	struct fn *f = m->f;
	u32 depth = m->n / 40, b = ir_blk_new(f);
	u32 *head = arena_array(f->a, u32, depth + 1);
	ref x = ir_param(f, 0);

	for (u32 k = 0; k < depth; k++) {
		head[k] = ir_blk_new(f);
		ir_jmp(f, b, head[k]);
		b = head[k];
		x = statement(f, b, x, 5 * k + 1);
		x = statement(f, b, ir_param(f, 1), 5 * k + 3);
	}
	for (u32 k = depth; k-- > 0;) {
		u32 out = ir_blk_new(f);

		ir_br(f, b, CC_NE, x, imm(f, k), head[k], out);
		b = out;
		x = statement(f, b, ir_param(f, 0), 5 * k + 1);
	}
	ir_ret(f, b, x);
}

/* ---- measuring ----------------------------------------------------------- */

struct watch {
	u64 last;
	u32 ins;
	bool verbose;
};

static void after_pass(void *ctx, const char *pass, const struct fn *f)
{
	struct watch *w = ctx;
	u64 t = now_ns();

	(void)f;
	if (w->verbose)
		printf("    %-8s %7.3f us/ins\n", pass,
			(double)(t - w->last) / 1000 / w->ins);
	w->last = now_ns();
}

static void one(
	const char *name, void (*make)(struct maker *), u32 n, bool verbose)
{
	struct arena a;
	struct cg cg = {.opt = 2};

	arena_init(&a, NULL, NULL);
	struct maker m = {ir_fn_new(&a, name, 2), n};
	u64 start = now_ns();
	make(&m);
	cfg_prune(m.f);
	u64 built = now_ns();
	struct watch w = {built, m.f->nins, verbose};
	u64 before = a.total;
	ir_optimise(m.f, &cg, after_pass, &w);
	u64 end = now_ns();
	printf("%-10s %7u ins  build %6.3f  passes %6.3f us/ins  %5.0f B/ins\n",
		name, w.ins, (double)(built - start) / 1000 / w.ins,
		(double)(end - built) / 1000 / w.ins,
		(double)(a.total - before + arena_scratch(&a)->total) / w.ins);
	arena_fini(&a);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(struct maker *);
	} shapes[] = {{"straight", straight}, {"branchy", branchy},
		{"loop", huge_loop}, {"live", many_live}, {"checks", checks},
		{"nest", nest}};
	static const u32 sizes[] = {1000, 10000, 100000, 400000};
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");

	for (u32 s = 0; s < countof(shapes); s++)
		for (u32 k = 0; k < countof(sizes); k++)
			one(shapes[s].name, shapes[s].make, sizes[k], verbose);
	return 0;
}
