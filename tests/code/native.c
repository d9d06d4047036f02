/* Compiles an IR function and maps the result where symbols are in reach. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kiln/bytes.h"
#include "tests/code/native.h"

/* ---- the world ------------------------------------------------------------------- */

/* One mapping that everything of this process is near to: code grows in it. */
enum { REGION = 1 << 20, STUBS = 4096 };

static struct world world;
static u8 *region;
static size_t region_used;

static const struct sym syms[WORLD_SYMS] = {
	{.name = "data", .kind = SYM_DATA, .bind = BIND_HIDDEN},
	{.name = "near", .kind = SYM_SUBPROG, .bind = BIND_HIDDEN},
	{.name = "fardata", .kind = SYM_EXTERN, .bind = BIND_UNDEF},
	{.name = "far", .kind = SYM_EXTERN, .bind = BIND_UNDEF},
};

/* Code that jumps to sym k, and the GOT entry it goes through. */
static u8 *stub(u32 k)
{
	return region + 512 + 16 * k; /* NATIVE_STUB bytes */
}

static u8 *got(u32 k)
{
	return region + 1024 + 8 * k;
}

const struct sym *native_sym(const char *name, size_t len)
{
	for (u32 k = 0; k < WORLD_SYMS; k++)
		if (strlen(syms[k].name) == len &&
			!strncmp(syms[k].name, name, len))
			return &syms[k];
	return NULL;
}

const struct world *native_world(void)
{
	static u8 far_bytes[WORLD_DATA];

	if (region)
		return &world;
	region = mmap(NULL, REGION, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(region != MAP_FAILED);
	world.addr[0] = (u64)region;
	world.addr[1] = (u64)stub(1); /* the address of a near one is near */
	world.addr[2] = (u64)far_bytes;
	world.addr[3] = (u64)native_callee;
	for (u32 k = 0; k < WORLD_SYMS; k++) {
		put_le64(got(k), k == 1 ? (u64)native_callee : world.addr[k]);
		native_put_stub(stub(k), got(k));
	}
	region_used = STUBS;
	return &world;
}

/* ---- compiling ---------------------------------------------------------------------- */

void native_compile(struct fn *f, const struct native_opts *o, struct arena *a,
	struct unit_fn *out)
{
	const struct target *t = o->target ? o->target : native_target;
	struct cg cg = {
		.target = t,
		.features = o->features,
		.strict_align = o->strict_align,
		.syms = o->syms ? o->syms : syms,
		.nsyms = WORLD_SYMS,
	};

	t->legalise(f, &cg);
	ir_check(f, "legalise");
	if (o->dump)
		ir_print(o->dump, f, NULL, NULL);
	struct mfn *m = t->select(f, &cg, f->a);

	if (o->dump)
		mir_print(o->dump, m, t);
	struct mfn *before = mir_clone(a, m);
	char why[256];

	mir_regalloc(m, t, o->mask ? o->mask : t->allocatable);
	if (o->dump)
		mir_print(o->dump, m, t);
	if (mir_verify(before, m, t, why, sizeof(why))) {
		fprintf(stderr, "allocation is wrong: %s\n", why);
		mir_print(stderr, before, t);
		mir_print(stderr, m, t);
		abort();
	}
	*out = (struct unit_fn){.a = a, .sym = f->sym};
	buf_init(&out->code, a);
	int err = t->emit(m, &cg, out);

	assert(!err);
	(void)err;
}

void native_load(struct native *n)
{
	size_t size = align_up(n->unit.code.n, 16);

	native_world();
	if (region_used + size > REGION)
		region_used = STUBS;
	n->map = region + region_used;
	region_used += size;
	memcpy(n->map, n->unit.code.p, n->unit.code.n);
	for (u32 k = 0; k < n->unit.rel.n; k++) {
		const struct unit_rel *r = &n->unit.rel.v[k];
		struct native_place p = {
			.at = n->map + r->off,
			.addr = world.addr[r->sym] + (u64)r->addend,
			.stub = (u64)stub(r->sym),
			.got = (u64)got(r->sym) + (u64)r->addend,
		};

		native_apply(r, &p);
	}
	__builtin___clear_cache((char *)n->map, (char *)n->map + size);
	n->run = (u64(*)(u64, u64, u64, u64, u64))n->map;
}
