/* Native code against the interpreter: one function, many operands. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/bytes.h"
#include "tests/code/check.h"
#include "tests/code/native.h"

static const u64 corner[] = {0, 1, 2, 5, 31, 32, 63, 0x7f, 0x80, 0xff, 0x8000,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xffffffffffffffff, 0xffffffff80000000,
	0x123456789abcdef0};

/* One run: what goes in, what comes out. */
struct trial {
	u64 a, b;
	u64 value;
	u8 buf[CHECK_BUF], data[WORLD_DATA];
};

struct trials {
	struct trial *v;
	u32 n;
};

/* ---- operands ---------------------------------------------------------------------- */

static u8 buffer[CHECK_BUF] __attribute__((aligned(16)));

static void fill(const struct trial *t)
{
	for (u32 k = 0; k < CHECK_BUF; k++)
		buffer[k] = (u8)(k * 37 + 0x91);
	put_le64(buffer, t->a);
	put_le64(buffer + 8, t->b);
	for (u32 k = 0; k < WORLD_DATA; k++)
		((u8 *)native_world()->addr[0])[k] = (u8)(k * 11 + 3);
}

static struct trials make_trials(bool quick)
{
	struct trials t = {0};
	u32 n = countof(corner);

	t.v = calloc(n * n, sizeof(*t.v));
	for (u32 k = 0; k < n * n; k++) {
		if (quick && k % 13)
			continue;
		t.v[t.n].a = corner[k / n];
		t.v[t.n++].b = corner[k % n];
	}
	return t;
}

/* ---- both sides ----------------------------------------------------------------------- */

static struct fn *parse(struct arena *a, const char *text)
{
	struct diag d = {0};
	u32 n = 0;
	struct fn **f = ir_parse(a, "case", text, &d, &n);

	if (!f || n != 1) {
		fprintf(stderr, "does not parse:\n%s", text);
		abort();
	}
	ir_check(f[0], "parse");
	return f[0];
}

static bool expect(const char *text, struct trials *t)
{
	struct arena a;
	bool ok = true;

	arena_init(&a, NULL, NULL);
	const struct fn *f = parse(&a, text);

	for (u32 k = 0; k < t->n && ok; k++) {
		struct trial *r = &t->v[k];
		u64 p[5] = {(u64)buffer, r->a, r->b, r->a ^ r->b, 77};

		fill(r);
		ok = interp_run(f, native_world(), p, &r->value);
		memcpy(r->buf, buffer, CHECK_BUF);
		memcpy(r->data, (void *)native_world()->addr[0], WORLD_DATA);
	}
	arena_fini(&a);
	return ok;
}

static bool agrees(const struct native *n, const struct trial *r)
{
	fill(r);
	u64 v = n->run((u64)buffer, r->a, r->b, r->a ^ r->b, 77);

	if (v == r->value && !memcmp(buffer, r->buf, CHECK_BUF) &&
		!memcmp((void *)native_world()->addr[0], r->data, WORLD_DATA))
		return true;
	fprintf(stderr,
		"a=%#" PRIx64 " b=%#" PRIx64 ": result %#" PRIx64
		", wanted %#" PRIx64 "%s\n",
		r->a, r->b, v, r->value,
		memcmp(buffer, r->buf, CHECK_BUF) ? ", memory differs" : "");
	return false;
}

static void show(const char *text, struct native_opts o)
{
	struct arena a;
	struct native n;

	arena_init(&a, NULL, NULL);
	fprintf(stderr, "mask %#" PRIx64 " features %#" PRIx64 "\n%s", o.mask,
		o.features, text);
	o.dump = stderr;
	native_compile(parse(&a, text), &o, &a, &n.unit);
	for (u32 k = 0; k < n.unit.code.n; k++)
		fprintf(stderr, "%02x%s", n.unit.code.p[k],
			k % 24 == 23 ? "\n" : " ");
	fputc('\n', stderr);
	arena_fini(&a);
}

static bool check_with(
	const char *text, const struct trials *t, struct native_opts o)
{
	struct arena a;
	struct native n;
	bool ok = true;

	arena_init(&a, NULL, NULL);
	native_compile(parse(&a, text), &o, &a, &n.unit);
	native_load(&n);
	for (u32 k = 0; k < t->n && ok; k++)
		ok = agrees(&n, &t->v[k]);
	arena_fini(&a);
	if (!ok)
		show(text, o);
	return ok;
}

/* ---- configurations ------------------------------------------------------------------- */

static bool check(const char *text, bool quick)
{
	static struct trials all, some;
	struct trials *t = quick ? &some : &all;

	if (!t->v)
		*t = make_trials(quick);
	if (!expect(text, t)) {
		fprintf(stderr, "does not end:\n%s", text);
		return false;
	}
	return check_with(text, t, (struct native_opts){0}) &&
	       check_with(text, t, (struct native_opts){.mask = native_few}) &&
	       check_with(text, t,
		       (struct native_opts){.mask = native_awkward,
			       .features = native_features(),
			       .strict_align = true});
}

bool check_text(const char *text)
{
#ifdef TESTS_SLOW
	return check(text, true);
#else
	return check(text, false);
#endif
}

bool check_text_quick(const char *text)
{
	return check(text, true);
}
