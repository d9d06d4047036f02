/*
 * Where an encoder chooses a shorter instruction than the one asked for, both
 * must leave the same register and the same flags (except AF, which no
 * condition reads). Runs both on this CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "backend-x86/enc.h"

/* ---- Running one instruction ---- */

enum { CODE_SIZE = 4096, FLAG_AF = 0x10 };

struct result {
	u64 r, flags;
};

static u8 *code;

static int map_code(void **state)
{
	(void)state;
	code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return code == MAP_FAILED ? -1 : 0;
}

/* r = in, the others are known, carry is set; insn; r and the flags go out. */
static struct result run(const u8 *insn, size_t len, enum x86_gpr r, u64 in)
{
	void (*fn)(u64 in, struct result * out);
	struct result out = {0, 0};
	u8 *p = x86_mov_r_abs(code, X86_RAX, 0x5aa5123487654321);

	p = x86_mov_r_abs(p, X86_R8, 0x1357fdb924680ace);
	p = x86_mov_rr(p, X86_SIZE_8, r, X86_RDI);
	p = x86_put_u8(p, 0xf9); /* stc */
	memcpy(p, insn, len);
	p += len;
	p = x86_put_u8(p, 0x9c); /* pushfq */
	p = x86_pop_r(p, X86_RDX);
	p = x86_mov_mr(p, X86_SIZE_8, x86_at(X86_RSI, 0), r);
	p = x86_mov_mr(p, X86_SIZE_8, x86_at(X86_RSI, 8), X86_RDX);
	x86_ret(p);
	__builtin___clear_cache((char *)code, (char *)code + CODE_SIZE);
	memcpy(&fn, &code, sizeof(fn));
	fn(in, &out);
	out.flags &= ~(u64)FLAG_AF;
	return out;
}

struct pair {
	u8 full[16], best[16];
	u8 *full_end, *best_end;
};

static void same(const struct pair *c, enum x86_gpr r)
{
	static const u64 in[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, INT64_MAX,
		1ull << 63, ~0ull, 0x8180c3a5f00f7e96};
	size_t full = (size_t)(c->full_end - c->full);
	size_t best = (size_t)(c->best_end - c->best);

	assert_true(best <= full);
	for (size_t i = 0; i < countof(in); i++) {
		struct result a = run(c->full, full, r, in[i]);
		struct result b = run(c->best, best, r, in[i]);

		assert_true(a.r == b.r);
		assert_true(a.flags == b.flags);
	}
}

/* ---- Operations ---- */

static const enum x86_gpr regs[] = {X86_RAX, X86_RCX, X86_RDI, X86_R8};
static const i32 imms[] = {0, 1, 2, 0x40, 126, 127, 128, 129, 255, 256, 0x7fff,
	0x8000, 0xffff, 0x10000, INT32_MAX, -1, -127, -128, -129, -32768,
	-32769, INT32_MIN};

static void check_test(enum x86_size size, enum x86_gpr r, i32 imm)
{
	struct pair c;
	u8 *p = c.full;

	p = x86_put_rr(p, x86_ext_w(0xf6, size, 0), size, r);
	c.full_end = x86_put_imm(p, size, imm);
	c.best_end = x86_test_ri(c.best, size, r, imm);
	same(&c, r);
}

static void test_sets_the_same_flags(void **state)
{
	(void)state;
	for (unsigned size = 1; size <= 8; size *= 2)
		for (size_t k = 0; k < countof(regs) * countof(imms); k++)
			check_test(size, regs[k % countof(regs)],
				imms[k / countof(regs)]);
}

static void check_and(enum x86_gpr r, i32 imm)
{
	struct pair c;
	u8 *p = c.full;

	p = x86_put_reg(p, x86_ext(0x81, X86_SIZE_8, X86_ALU_AND), r);
	c.full_end = x86_put_i32(p, imm);
	c.best_end = x86_alu_ri(c.best, X86_ALU_AND, X86_SIZE_8, r, imm);
	same(&c, r);
}

static void and_clears_the_same_bits(void **state)
{
	(void)state;
	for (size_t k = 0; k < countof(regs) * countof(imms); k++)
		check_and(regs[k % countof(regs)], imms[k / countof(regs)]);
}

static void mov_makes_the_same_constant(void **state)
{
	struct pair c;

	(void)state;
	for (size_t k = 0; k < countof(imms); k++) {
		c.full_end = x86_mov_r_abs(c.full, X86_RCX, imms[k]);
		c.best_end = x86_mov_ri(c.best, X86_RCX, imms[k]);
		same(&c, X86_RCX);
	}
}

static void movsx_extends_the_same(void **state)
{
	struct pair c;

	(void)state;
	for (unsigned from = 2; from <= 4; from *= 2) {
		struct x86_ins i = x86_movsx(2 * from, from, X86_RAX);

		c.full_end = x86_put_rr(c.full, i, from, X86_RAX);
		c.best_end =
			x86_movsx_rr(c.best, 2 * from, from, X86_RAX, X86_RAX);
		same(&c, X86_RAX);
	}
}

static void check_xchg(enum x86_size size, enum x86_gpr a, enum x86_gpr b)
{
	struct pair c;

	c.full_end = x86_put_rr(c.full, x86_ins_w(0x86, size, b), size, a);
	c.best_end = x86_xchg_rr(c.best, size, a, b);
	same(&c, a);
	same(&c, b);
}

static void xchg_swaps_the_same(void **state)
{
	(void)state;
	for (unsigned size = 1; size <= 8; size *= 2) {
		check_xchg(size, X86_RAX, X86_RAX);
		check_xchg(size, X86_RAX, X86_RDI);
		check_xchg(size, X86_RDI, X86_RAX);
		check_xchg(size, X86_R8, X86_RAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_the_same_flags),
		cmocka_unit_test(and_clears_the_same_bits),
		cmocka_unit_test(mov_makes_the_same_constant),
		cmocka_unit_test(movsx_extends_the_same),
		cmocka_unit_test(xchg_swaps_the_same),
	};

	return cmocka_run_group_tests_name(
		"enc-x86-shorter", tests, map_code, NULL);
}
