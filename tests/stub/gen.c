/*
 * Generates C functions of all kinds of signatures, with callers and with the
 * stubs that a back end makes of their models.
 *
 *	usage: gen TARGET FIRST COUNT [BUG]
 *
 * Function k is the same in every run. The first CLASSES of them take and return
 * one value of each class; the rest are random. Every other function is called,
 * and returns, with what it does not look at full of noise: values of less than
 * 8 bytes are passed as wider ones that go the same way. With BUG what the back
 * end is told is wrong in one way, which the run has to find.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ir/target.h"

enum { MAX_PARAMS = 12, MAX_SIZE = 40, MAX_SCALARS = 48, WORD = 8 };

static const struct type {
	const char *name;
	u8 size;
	bool is_signed, is_float;
} types[] = {
	{"int8_t", 1, true, false},
	{"uint8_t", 1, false, false},
	{"int16_t", 2, true, false},
	{"uint16_t", 2, false, false},
	{"int32_t", 4, true, false},
	{"uint32_t", 4, false, false},
	{"int64_t", 8, true, false},
	{"uint64_t", 8, false, false},
	{"_Bool", 1, false, false},
	{"void *", 8, false, false},
	{"float", 4, false, true},
	{"double", 8, false, true},
};

enum { TYPES = countof(types), T_U8 = 1, T_BOOL = 8, T_FLOAT = 10, T_DOUBLE };
/* char[1] to char[40], float[1] to float[5], double[1] to double[5] */
enum { CLASSES = TYPES + MAX_SIZE + 5 + 5 };

struct value {
	struct model_value v;
	struct model_scalar scalar[MAX_SCALARS];
	bool is_bool, by_pointer;
	char members[1024]; /* of a struct */
	char type[32], wire[32];
	char wire_members[64];
};

struct sig {
	u32 k;
	struct value param[MAX_PARAMS], ret;
	u32 nparam;
};

static u64 state;
static bool arm64;

static u32 pick(u32 n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (u32)(state >> 33) % n;
}

/* ---- values -------------------------------------------------------------- */

static void make_scalar(struct value *v, const struct type *t)
{
	*v = (struct value){.is_bool = t == &types[T_BOOL]};
	v->v = (struct model_value){
		.cls = t->is_float ? MODEL_FLOAT : MODEL_INT,
		.is_signed = t->is_signed,
		.size = t->size,
		.align = t->size,
		.nwords = 1,
		.name = "",
	};
	snprintf(v->type, sizeof(v->type), "%s", t->name);
}

static void open_struct(struct value *v)
{
	*v = (struct value){0};
	v->v = (struct model_value){.cls = MODEL_STRUCT,
		.align = 1,
		.scalar = v->scalar,
		.name = ""};
}

/* n of type t, as an array. */
static void add_member(struct value *v, const struct type *t, u32 n)
{
	size_t used = strlen(v->members);
	u32 off = (u32)align_up(v->v.size, t->size);

	snprintf(v->members + used, sizeof(v->members) - used, "%s m%u[%u]; ",
		t->name, v->v.nscalar, n);
	for (u32 k = 0; k < n; k++, off += t->size)
		v->scalar[v->v.nscalar++] =
			(struct model_scalar){off, t->size, t->is_float};
	v->v.size = off;
	v->v.align = t->size > v->v.align ? t->size : v->v.align;
}

static void close_struct(struct value *v)
{
	v->v.size = (u32)align_up(v->v.size, v->v.align);
	v->v.nwords = (v->v.size + WORD - 1) / WORD;
}

static void make_array(struct value *v, const struct type *t, u32 n)
{
	open_struct(v);
	add_member(v, t, n);
	close_struct(v);
}

static void make_class(struct value *v, u32 c)
{
	if (c < TYPES)
		make_scalar(v, &types[c]);
	else if (c < TYPES + MAX_SIZE)
		make_array(v, &types[T_U8], c - TYPES + 1);
	else if (c < TYPES + MAX_SIZE + 5)
		make_array(v, &types[T_FLOAT], c - TYPES - MAX_SIZE + 1);
	else
		make_array(v, &types[T_DOUBLE], c - TYPES - MAX_SIZE - 4);
}

/* Not bool: its bytes are noise. */
static void make_struct(struct value *v)
{
	u32 end = 1 + pick(pick(3) ? 16 : MAX_SIZE), kind = pick(3);

	open_struct(v);
	do {
		u32 t = pick(kind == 0 ? (u32)T_BOOL : (u32)TYPES);

		if (kind == 1)
			t = T_FLOAT + pick(2);
		if (t == T_BOOL)
			t = T_U8;
		if (align_up(v->v.size, types[t].size) + types[t].size >
			MAX_SIZE)
			t = T_U8;
		add_member(v, &types[t], 1);
	} while (v->v.size < end);
	close_struct(v);
}

static void make_value(struct value *v, u32 kind)
{
	switch (kind) {
	case 0: make_scalar(v, &types[pick(TYPES)]); break;
	case 1: make_struct(v); break;
	case 2: make_scalar(v, &types[T_FLOAT + pick(2)]); break;
	case 3: make_class(v, pick(CLASSES)); break;
	case 4: /* registers that are left over must stay so */
		make_class(v, TYPES + MAX_SIZE + pick(10));
		break;
	default: make_value(v, pick(5)); break;
	}
}

/* ---- what is passed the same way, and wider ------------------------------- */

static bool all_float(const struct value *v, u32 from, u32 to, u32 size)
{
	for (u32 k = 0; k < v->v.nscalar; k++)
		if (v->scalar[k].off >= from && v->scalar[k].off < to &&
			(!v->scalar[k].is_float ||
				(size && v->scalar[k].size != size)))
			return false;
	return true;
}

static bool is_hfa(const struct value *v)
{
	u32 size = v->scalar[0].size;

	return all_float(v, 0, v->v.size, size) && v->v.size / size <= 4;
}

static void widen_struct(struct value *v)
{
	size_t used = 0;

	if (arm64 && is_hfa(v))
		return;
	v->by_pointer = arm64 && v->v.size > 16;
	if (v->v.size > 16)
		return;
	for (u32 k = 0; k < v->v.nwords; k++)
		used += (size_t)snprintf(v->wire_members + used,
			sizeof(v->wire_members) - used, "%s w%u; ",
			!arm64 && all_float(v, WORD * k, WORD * k + WORD, 0)
				? "double"
				: "uint64_t",
			k);
}

static void widen(struct value *v)
{
	if (v->v.cls == MODEL_INT && v->v.size < WORD)
		snprintf(v->wire, sizeof(v->wire), "uint64_t");
	if (v->v.cls == MODEL_FLOAT)
		snprintf(v->wire, sizeof(v->wire), "double");
	if (v->v.cls == MODEL_STRUCT)
		widen_struct(v);
}

/* ---- functions ----------------------------------------------------------- */

static void name_struct(struct value *v, u32 func, const char *what, u32 k)
{
	if (v->v.cls == MODEL_STRUCT)
		snprintf(v->type, sizeof(v->type), "struct s%u_%s%u", func,
			what, k);
	if (*v->wire_members)
		snprintf(v->wire, sizeof(v->wire), "struct w%u_%s%u", func,
			what, k);
	if (!*v->wire)
		memcpy(v->wire, v->type, sizeof(v->wire));
}

static void make_func(struct sig *f, u32 k)
{
	u32 kind;

	f->k = k;
	state = k * 0x9e3779b97f4a7c15u;
	pick(2);
	kind = pick(6);
	f->nparam = k < CLASSES ? 1 : pick(MAX_PARAMS + 1);
	for (u32 i = 0; i < f->nparam; i++)
		if (k < CLASSES)
			make_class(&f->param[i], k);
		else
			make_value(&f->param[i], kind);
	if (k < CLASSES)
		make_class(&f->ret, k);
	else if (pick(8))
		make_value(&f->ret, 5);
	else
		f->ret = (struct value){.type = "void", .wire = "void"};
	for (u32 i = 0; i < f->nparam; i++) {
		if (k & 1)
			widen(&f->param[i]);
		name_struct(&f->param[i], k, "", i);
	}
	if (k & 1)
		widen(&f->ret);
	name_struct(&f->ret, k, "r", 0);
}

/* ---- what the back end is told ------------------------------------------- */

static void number_words(const struct sig *f, struct model *m,
	struct model_value *param, struct model_scalar (*scalar)[MAX_SCALARS])
{
	for (u32 k = 0; k < f->nparam; k++) {
		param[k] = f->param[k].v;
		memcpy(scalar[k], f->param[k].scalar, sizeof(scalar[k]));
		param[k].scalar = scalar[k];
		param[k].word = m->nargs;
		m->nargs += param[k].nwords;
	}
	m->func = "f";
	m->text = "";
	m->param = param;
	m->nparam = f->nparam;
	m->ret = f->ret.v;
	m->ret.scalar = f->ret.scalar;
	m->ret.word = m->nargs;
	if (m->ret.cls == MODEL_STRUCT && m->ret.size > 16)
		m->ret.nwords = 1;
}

static bool plant(const char *bug, struct model *m, struct model_value *p)
{
	for (u32 k = 0; k < m->nparam; k++, p++) {
		bool in_regs = p->cls == MODEL_STRUCT && p->size <= 16;

		if (!strcmp(bug, "extension") && p->cls == MODEL_INT)
			return p->is_signed = !p->is_signed, true;
		if (!strcmp(bug, "class") && in_regs) {
			((struct model_scalar *)p->scalar)->is_float ^= 1;
			return true;
		}
		if (!strcmp(bug, "tail") && in_regs && p->size % WORD)
			return p->size = (u32)align_up(p->size, WORD), true;
		if (!strcmp(bug, "stack") && in_regs)
			return p->size = 17, true;
		if (!strcmp(bug, "word") && k && p->nwords == p[-1].nwords) {
			p->word -= p->nwords;
			p[-1].word += p->nwords;
			return true;
		}
	}
	return false;
}

/* ---- text ---------------------------------------------------------------- */

static void print_types(const struct value *v)
{
	if (v->v.cls == MODEL_STRUCT)
		printf("%s { %s};\n", v->type, v->members);
	if (*v->wire_members)
		printf("%s { %s};\n", v->wire, v->wire_members);
}

static void print_scalars(
	const struct sig *f, const struct value *v, const char *what, u32 i)
{
	printf("static const struct scalar sc%u_%s%u[] = {", f->k, what, i);
	for (u32 k = 0; k < v->v.nscalar; k++)
		printf("{%u, %u}, ", v->scalar[k].off, v->scalar[k].size);
	printf("{0}};\n");
}

static void print_value(
	const struct sig *f, const struct value *v, const char *what, u32 i)
{
	printf("{%u, %d, %d, %u, %u, %u, sc%u_%s%u}", v->v.cls, v->v.is_signed,
		v->is_bool, v->v.nscalar, v->v.size, v->v.nwords, f->k, what,
		i);
}

static void print_callee(const struct sig *f)
{
	printf("static %s callee%u(", f->ret.wire, f->k);
	for (u32 k = 0; k < f->nparam; k++)
		printf("%s%s a%u", k ? ", " : "", f->param[k].type, k);
	printf("%s)\n{\n", f->nparam ? "" : "void");
	for (u32 k = 0; k < f->nparam; k++)
		printf("\trecord(%u, &a%u, sizeof(a%u));\n", k, k, k);
	if (f->ret.v.cls)
		printf("\treturn *(%s *)result;\n", f->ret.wire);
	printf("}\n");
}

static void print_caller(const struct sig *f)
{
	printf("static void caller%u(void *const *a, void *r)\n{\n\t", f->k);
	if (f->ret.v.cls)
		printf("*(%s *)r = ", f->ret.type);
	printf("((%s (*)(", f->ret.type);
	for (u32 k = 0; k < f->nparam; k++)
		printf("%s%s", k ? ", " : "",
			f->param[k].by_pointer ? "void *" : f->param[k].wire);
	printf("%s))entry)(", f->nparam ? "" : "void");
	for (u32 k = 0; k < f->nparam; k++)
		if (f->param[k].by_pointer)
			printf("%sa[%u]", k ? ", " : "", k);
		else
			printf("%s*(%s *)a[%u]", k ? ", " : "",
				f->param[k].wire, k);
	printf(");\n}\n");
}

static void print_stub(const struct sig *f, const struct unit_fn *u)
{
	printf("static const uint8_t stub%u[] = {", f->k);
	for (size_t k = 0; k < u->code.n; k++)
		printf("%u,%s", u->code.p[k], k % 24 == 23 ? "\n" : "");
	printf("};\n");
	printf("static const struct value param%u[] = {", f->k);
	for (u32 k = 0; k < f->nparam; k++) {
		print_value(f, &f->param[k], "", k);
		printf(", ");
	}
	printf("{0}};\n");
}

static void print_func(const struct sig *f, const struct unit_fn *u)
{
	for (u32 k = 0; k < f->nparam; k++) {
		print_types(&f->param[k]);
		print_scalars(f, &f->param[k], "", k);
	}
	print_types(&f->ret);
	print_scalars(f, &f->ret, "r", 0);
	print_callee(f);
	print_caller(f);
	print_stub(f, u);
}

/* A row of funcs[]. */
static void print_row(FILE *out, const struct sig *f, const struct unit_fn *u,
	const struct stub_places *p)
{
	const struct model_value *r = &f->ret.v;

	fprintf(out, "\t{\"%u: %s (", f->k, f->ret.type);
	for (u32 k = 0; k < f->nparam; k++)
		fprintf(out, "%s%s %s", k ? ", " : "", f->param[k].type,
			f->param[k].members);
	fprintf(out, ")\", %u, param%u, {%u, %d, %d, %u, %u, %u, sc%u_r0},\n",
		f->nparam, f->k, r->cls, r->is_signed, f->ret.is_bool,
		r->nscalar, r->size, r->nwords, f->k);
	fprintf(out, "\t\tstub%u, %zu, %u, %u, %u, ", f->k, u->code.n, p->call,
		p->jump, p->lits);
	fprintf(out, "(void (*)(void))callee%u, caller%u},\n", f->k, f->k);
}

/* ---- main ---------------------------------------------------------------- */

/* True if it has the bug. */
static bool put_func(FILE *rows, const struct target *t, u32 k, const char *bug)
{
	static struct sig f;
	struct model_scalar scalar[MAX_PARAMS][MAX_SCALARS];
	struct model_value param[MAX_PARAMS];
	struct model m = {0};
	struct unit_fn u = {0};
	struct stub_places places;
	struct arena a;
	bool bad;

	arena_init(&a, NULL, NULL);
	u.a = &a;
	buf_init(&u.code, &a);
	make_func(&f, k);
	number_words(&f, &m, param, scalar);
	bad = bug && plant(bug, &m, param);
	if (t->stub(&m, &a, &u, &places))
		abort();
	print_func(&f, &u);
	print_row(rows, &f, &u, &places);
	arena_fini(&a);
	return bad;
}

int main(int argc, char **argv)
{
	const struct target *t = &x86_target;
	bool bad = argc < 5;
	char *text = NULL;
	size_t size = 0;
	FILE *rows = open_memstream(&text, &size);
	u32 first, count;

	if (argc < 4 || !rows)
		return 2;
	if (!strcmp(argv[1], a64_target.name))
		t = &a64_target;
	arm64 = t == &a64_target;
	first = (u32)strtoul(argv[2], NULL, 0);
	count = (u32)strtoul(argv[3], NULL, 0);
	printf("#include \"harness.h\"\n");
	for (u32 k = first; k - first < count; k++)
		bad |= put_func(rows, t, k, argv[4]);
	fclose(rows);
	printf("const struct func funcs[] = {\n%s};\n", text);
	printf("const uint32_t nfuncs = %u;\n", count);
	free(text);
	return bad ? 0 : 2; /* the bug is nowhere */
}
