/*
 * Random BPF programs in C.
 *
 *   cgen SEED [PROGRAMS]
 *
 * prints a source with that many programs (20), XDP and tc in turn, named p0, p1,
 * ...: each with functions of its own and of those before it, on structs, globals,
 * maps and packets. Every program puts a checksum of its variables and of all
 * globals into the map "out" and returns half of it.
 *
 * Nothing in them is undefined or up to the compiler (with -fwrapv), and they
 * end, so whoever compiles and runs them must get the same results. The same
 * seed, the same source. Most programs pass the kernel's verifier; it does not
 * matter if some do not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cgen.h"

enum { PROGRAMS = 20, FRAMES = 7 };

/* ---- types and globals --------------------------------------------------- */

static void field(struct record *r, u32 n)
{
	struct field *f = &r->field[n];

	f->kind = pick_kind();
	if (chance(40))
		f->bits = (u8)(1 + below(kind_bits[f->kind]));
	else if (chance(25))
		f->count = (u8)(1u << (1 + below(3)));
	r->wide |= f->bits > 31;
	printf("\t%s f%u", kind_name[f->kind], n);
	if (f->bits)
		printf(" : %u", f->bits);
	if (f->count)
		printf("[%u]", f->count);
	printf(";\n");
}

static void records(void)
{
	src.nrecords = 2 + below(MAX_STRUCTS - 1);
	for (u32 i = 0; i < src.nrecords; i++) {
		struct record *r = &src.record[i];

		r->n = 2 + below(MAX_FIELDS - 1);
		printf("struct s%u {\n", i);
		for (u32 f = 0; f < r->n; f++)
			field(r, f);
		printf("}%s;\n\n",
			chance(40) ? " __attribute__((packed))" : "");
	}
}

static struct var *global(enum what what)
{
	struct var *v = &src.global[src.nglobals];

	*v = (struct var){.what = what, .kind = pick_kind()};
	snprintf(v->name, sizeof(v->name), "g_%u", src.nglobals++);
	return v;
}

static void numbers(u32 n)
{
	bool zero = chance(40);

	printf("[%u]%s", n, zero ? "" : " = {");
	for (u32 i = 0; i < n && !zero; i++)
		printf("%s%u", i ? ", " : "", below(128));
	printf("%s;\n", zero ? "" : "}");
}

static void globals(void)
{
	printf("u32 g_atomic32 = 1;\nu64 g_atomic64;\n");
	for (u32 i = 0; i < 5; i++) {
		struct var *v = global(SCALAR);

		v->fixed = i == 4;
		printf("%s%s %s = %u;\n",
			v->fixed     ? "const volatile "
			: chance(30) ? "volatile "
			: chance(30) ? "static "
				     : "",
			kind_name[v->kind], v->name, below(2) * below(128));
	}
	for (u32 i = 0; i < 5; i++) {
		struct var *v = global(ARRAY);

		v->count = 1u << (1 + below(4));
		v->fixed = i >= 3;
		printf("%s%s%s %s", chance(40) ? "static " : "",
			v->fixed ? "const " : "", kind_name[v->kind], v->name);
		numbers(v->count);
	}
	for (u32 i = 0; i < src.nrecords; i++) {
		struct var *v = global(RECORD);

		v->of = i;
		snprintf(v->name, sizeof(v->name), "g_s%u", i);
		printf("struct s%u %s = {%u, %u};\n", i, v->name, below(2),
			below(2));
	}
	printf("union mixed %s;\n", global(MIXED)->name);
}

/* ---- checksums ----------------------------------------------------------- */

static void fold_record(const struct record *r, const char *name)
{
	for (u32 i = 0; i < r->n; i++) {
		u32 count = r->field[i].count;

		if (!count)
			printf("\th = mix(h, (u64)%s.f%u);\n", name, i);
		for (u32 k = 0; k < count; k++)
			printf("\th = mix(h, (u64)%s.f%u[%u]);\n", name, i, k);
	}
}

static void fold_var(const struct var *v)
{
	switch (v->what) {
	case SCALAR: printf("\th = mix(h, (u64)%s);\n", v->name); return;
	case ARRAY:
		printf("\tfor (u32 i = 0; i < %u; i++)\n", v->count);
		printf("\t\th = mix(h, (u64)%s[i]);\n", v->name);
		return;
	case RECORD: fold_record(&src.record[v->of], v->name); return;
	case MIXED: printf("\th = mix(h, %s.q);\n", v->name); return;
	case HEADER:
		printf("\th = mix(h, (u64)%s.word);\n", v->name);
		printf("\th = mix(h, (u64)%s.f1 << 16 | %s.length);\n", v->name,
			v->name);
		return;
	case TARGET:
	case ELEM: return;
	}
}

static void fold_globals(void)
{
	printf("\n__noinline u64 fold(void)\n{\n");
	printf("\tu64 h = mix(g_atomic32, g_atomic64);\n");
	for (u32 i = 0; i < src.nglobals; i++)
		fold_var(&src.global[i]);
	printf("\treturn h;\n}\n");
}

/* ---- functions ----------------------------------------------------------- */

static const char *const form_text[] = {
	"static __always_inline", "static", "static __noinline", "__noinline"};
static const char *const ctx_type[] = {"", "xdp_ctx", "tc_ctx"};

static void locals(struct body *b)
{
	static const enum what what[] = {
		SCALAR, SCALAR, SCALAR, ARRAY, RECORD, RECORD, MIXED, HEADER};
	u32 n = 1 + below(5);

	for (u32 i = 0; i < n; i++)
		var_declare(body_new(b, what[below(8)]), b->indent);
}

static void parameters(struct fn *f, struct body *b)
{
	f->nargs = below(f->ctx ? MAX_ARGS : MAX_ARGS + 1);
	for (u32 i = 0; i < f->nargs; i++) {
		struct var *v = body_new(b, chance(35) ? TARGET : SCALAR);

		snprintf(v->name, sizeof(v->name), "a%u", i);
		f->arg[i] = *v;
		if (v->what == SCALAR)
			printf("%s%s %s", i ? ", " : "", kind_name[v->kind],
				v->name);
		else
			printf("%sstruct s%u *%s", i ? ", " : "", v->of,
				v->name);
	}
	if (f->ctx)
		printf("%s%s *ctx", f->nargs ? ", " : "", ctx_type[f->ctx]);
	else if (!f->nargs)
		printf("void");
}

/* The verifier wants to know that pointers of global functions are there. */
static void check_parameters(const struct fn *f)
{
	for (u32 i = 0; i < f->nargs; i++)
		if (f->form == GLOBAL && f->arg[i].what == TARGET)
			printf("\tif (!%s)\n\t\treturn %u;\n", f->arg[i].name,
				i);
}

static void function(u32 ctx)
{
	struct fn *f = &src.fn[src.nfns];
	struct body b = {.times = 1,
		.budget = 3 + below(14),
		.indent = 1,
		.max_depth = FRAMES - 2};

	*f = (struct fn){.form = (enum form)below(4), .result = pick_kind()};
	if (f->form != GLOBAL && chance(30))
		b.ctx = f->ctx = ctx;
	printf("\n%s %s f%u(", form_text[f->form], kind_name[f->result],
		src.nfns);
	parameters(f, &b);
	printf(")\n{\n");
	check_parameters(f);
	locals(&b);
	statements(&b, ~0u);
	printf("\treturn (%s)(%s);\n}\n", kind_name[f->result], expr(&b, 2));
	f->depth = b.depth + 1;
	f->cost = b.cost + 1;
	src.nfns++;
}

/* A callback of bpf_loop, in a function that looks like others. */
static void repeated(void)
{
	struct fn *f = &src.fn[src.nfns];
	struct body b = {.times = 1,
		.budget = 2 + below(5),
		.indent = 1,
		.max_depth = FRAMES - 4};
	struct var *i = body_new(&b, SCALAR), *c = body_new(&b, TARGET);

	i->kind = U32;
	*f = (struct fn){.form = NOINLINE, .result = U64, .nargs = 2};
	printf("\nstatic long c%u(u32 %s, struct s%u *%s)\n{\n", src.nfns,
		i->name, c->of, c->name);
	locals(&b);
	statements(&b, ~0u);
	printf("\treturn (%s) > 900;\n}\n", expr(&b, 1));
	f->arg[0] = *c;
	f->arg[1] = *i;
	f->depth = b.depth + 2;
	f->cost = 15 * (b.cost + 1);
	printf("\nstatic __noinline u64 f%u(struct s%u *c, u32 n)\n{\n",
		src.nfns, c->of);
	printf("\treturn bpf_loop(n & 15, (void *)c%u, c, 0);\n}\n", src.nfns);
	src.nfns++;
}

static void program(u32 n, u32 ctx)
{
	u32 nfns = 1 + below(4);
	struct body b = {.times = 1,
		.budget = 5 + below(25),
		.indent = 1,
		.ctx = ctx,
		.max_depth = FRAMES - 1};

	src.first_fn = src.nfns;
	for (u32 i = 0; i < nfns; i++)
		function(ctx);
	if (chance(30))
		repeated();
	printf("\nSEC(\"%s\") int p%u(%s *ctx)\n{\n", ctx == XDP ? "xdp" : "tc",
		n, ctx_type[ctx]);
	printf("\tu64 h = %u, *o;\n\tu32 k = %u;\n", n, below(4));
	locals(&b);
	for (u32 i = 0; i < 3; i++) {
		statements(&b, 8);
		call(&b);
	}
	for (u32 i = 0; i < b.nvars; i++)
		fold_var(&b.var[i]);
	printf("\th = mix(h, fold());\n");
	printf("\to = bpf_map_lookup_elem(&out, &k);\n");
	printf("\tif (o)\n\t\t*o = mix(*o, h);\n\treturn (int)h;\n}\n");
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	u32 n = argc > 2 ? (u32)atoi(argv[2]) : PROGRAMS;

	if (argc < 2 || n > MAX_FNS / 5) {
		fprintf(stderr, "usage: cgen SEED [PROGRAMS, up to %u]\n",
			MAX_FNS / 5);
		return 2;
	}
	src.rng = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	for (u32 i = 0; i < 8; i++)
		below(2);
	printf("/* cgen %llu %u */\n#include \"prelude.h\"\n\n",
		(unsigned long long)seed, n);
	records();
	globals();
	fold_globals();
	for (u32 i = 0; i < n; i++)
		program(i, i % 2 ? TC : XDP);
	return 0;
}
