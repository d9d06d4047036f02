/* Compiles an IR function for x86-64 and maps the result where symbols are in
 * reach. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend-x86/x86.h"
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
	return region + 512 + 16 * k;
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

/* Uses all arguments, and all registers that a callee may change. */
__attribute__((noinline)) static u64 callee(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	u64 r = a + 3 * b + 5 * c + 7 * d + 11 * e;
	u64 misaligned = (u64)__builtin_frame_address(0) & 15;

	asm volatile(
		"mov $0x1234, %%ecx; mov %%rcx, %%rdx; mov %%rcx, %%rsi;"
		"mov %%rcx, %%rdi; mov %%rcx, %%r8; mov %%rcx, %%r9;"
		"mov %%rcx, %%r10; mov %%rcx, %%r11" ::
			: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
	return r + (misaligned << 56);
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
	world.addr[3] = (u64)callee;
	for (u32 k = 0; k < WORLD_SYMS; k++) {
		u8 *fix, *end;

		put_le64(got(k), k == 1 ? (u64)callee : world.addr[k]);
		end = x86_jmp_m(stub(k), x86_at_sym(&fix));
		put_le32(fix, (u32)(got(k) - end));
	}
	region_used = STUBS;
	return &world;
}

static u64 target_of(const struct unit_rel *r)
{
	switch (r->type) {
	case X86_R_PLT32: return (u64)stub(r->sym);
	case X86_R_REX_GOTPCRELX: return (u64)got(r->sym);
	case X86_R_PC32: return world.addr[r->sym];
	default: abort();
	}
}

/* ---- compiling ---------------------------------------------------------------------- */

void native_compile(struct fn *f, const struct native_opts *o, struct arena *a,
	struct unit_fn *out)
{
	const struct target *t = &x86_target;
	struct cg cg = {
		.target = t,
		.features = o->features,
		.syms = o->syms ? o->syms : syms,
		.nsyms = WORLD_SYMS,
	};

	t->legalise(f, &cg);
	ir_check(f, "legalise");
	if (o->dump)
		ir_print(o->dump, f, NULL, NULL);
	struct mfn *m = t->select(f, &cg);

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
		u64 v = target_of(r) + (u64)r->addend - (u64)(n->map + r->off);

		assert(fits_i32((i64)v));
		put_le32(n->map + r->off, (u32)v);
	}
	n->run = (u64(*)(u64, u64, u64, u64, u64))n->map;
}
