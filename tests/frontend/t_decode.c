/* Decoding: every malformed encoding is refused with its own message; every
 * form of isa.def is accepted and prints in the kernel's notation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* .slot CODE SRC|DST OFF IMM, as bytes in memory */
static const struct reject {
	const char *text;
	const char *message; /* behind "t.o: section xdp: program p: " */
} rejects[] = {
	// clang-format off
	{".slot ff00000000000000\nexit", "insn 0: unknown opcode 0xff"},
	{".slot 0000000000000000\nexit", "insn 0: unknown opcode 0x00"},
	/* reserved fields */
	{".slot 9501000000000000", "insn 0: reserved destination register field is 1, wanted 0"},
	{".slot 9510000000000000", "insn 0: reserved source register field is 1, wanted 0"},
	{".slot 9500010000000000", "insn 0: reserved offset is 1, wanted 0"},
	{".slot 9500000001000000", "insn 0: reserved immediate is 1, wanted 0"},
	{".slot 0710000001000000\nexit", "insn 0: reserved source register field is 1, wanted 0"},
	{".slot 0f10010000000000\nexit", "insn 0: reserved offset is 1, wanted 0"},
	{".slot 0f10000001000000\nexit", "insn 0: reserved immediate is 1, wanted 0"},
	{".slot 7910000001000000\nexit", "insn 0: reserved immediate is 1, wanted 0"},
	{".slot 7a11000000000000\nexit", "insn 0: reserved source register field is 1, wanted 0"},
	{".slot 0500000001000000\nexit", "insn 0: reserved immediate is 1, wanted 0"},
	{".slot 0600010000000000\nexit", "insn 0: reserved offset is 1, wanted 0"},
	{".slot 8d00000002000000\nexit", "insn 0: callx with its register in the immediate (r2), as clang before 19 has it, wanted it in the destination field"},
	{".slot 8d0000000a000000\nexit", "insn 0: reserved immediate is 10, wanted 0"},
	{".slot 8d02000002000000\nexit", "insn 0: reserved immediate is 2, wanted 0"},
	{".slot 8d10000000000000\nexit", "insn 0: reserved source register field is 1, wanted 0"},
	{".slot 8700000001000000\nexit", "insn 0: reserved immediate is 1, wanted 0"},
	{".slot 2001000000000000\nexit", "insn 0: reserved destination register field is 1, wanted 0"},
	/* registers */
	{".slot b70b000000000000\nexit", "insn 0: destination register r11, wanted r0 to r10"},
	{".slot bfb0000000000000\nexit", "insn 0: source register r11, wanted r0 to r10"},
	{".slot b70a000000000000\nexit", "insn 0: r10 is read-only: writes go to r0 to r9"},
	{".slot 079a000000000000\nexit", "insn 0: r10 is read-only: writes go to r0 to r9\nt.o: section xdp: program p: insn 0: reserved source register field is 9, wanted 0"},
	{".slot dba1000001000000\nexit", "insn 0: r10 is read-only: writes go to r0 to r9"},
	{".slot dba1000000010000\nexit", NULL}, /* load_acquire reads src */
	{".slot db1a000000010000\nexit", "insn 0: r10 is read-only: writes go to r0 to r9"},
	/* selectors */
	{".slot 3700020001000000\nexit", "insn 0: opcode 0x37: offset 2, wanted one of 0, 1"},
	{".slot bf10030000000000\nexit", "insn 0: opcode 0xbf: offset 3, wanted one of 0, 1, 8, 16, 32"},
	{".slot bc10200000000000\nexit", "insn 0: opcode 0xbc: offset 32, wanted one of 0, 8, 16"},
	{".slot dc00000008000000\nexit", "insn 0: opcode 0xdc: immediate 8, wanted one of 16, 32, 64"},
	{".slot d700000018000000\nexit", "insn 0: opcode 0xd7: immediate 24, wanted one of 16, 32, 64"},
	{".slot 8530000001000000\nexit", "insn 0: opcode 0x85: source register field 3, wanted one of 0, 1, 2"},
	{".slot 1870000000000000\n.slot 0000000000000000\nexit", "insn 0: opcode 0x18: source register field 7, wanted one of 0, 1, 2, 3, 4, 5, 6"},
	{".slot e510000000000000\nexit", "insn 0: opcode 0xe5: source register field 1, wanted 0"},
	{".slot db10000002000000\nexit", "insn 0: opcode 0xdb: immediate 2, wanted one of 0x0, 0x40, 0x50, 0xa0, 0x1, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110"},
	{".slot d310000000000000\nexit", "insn 0: opcode 0xd3: immediate 0, wanted one of 0x100, 0x110"},
	{".slot cb10000001000000\nexit", "insn 0: opcode 0xcb: immediate 1, wanted one of 0x100, 0x110"},
	{".slot bf10010002000000\nexit", "insn 0: address space cast 0x2, wanted 0x1 or 0x10000"},
	/* 64-bit loads */
	{"exit\n.slot 1800000000000000", "insn 1: second slot of the 64-bit load is missing"},
	{".slot 1800000000000000\nexit\nexit", "insn 1: second slot of a 64-bit load: opcode 0x95, registers 0 and 0, offset 0, wanted all 0"},
	{".slot 1800000000000000\n.slot 0000010000000000\nexit", "insn 1: second slot of a 64-bit load: opcode 0x00, registers 0 and 0, offset 1, wanted all 0"},
	{".slot 1810000005000000\n.slot 0000000000000000\nexit", "insn 0: 64-bit load of a map by file descriptor, wanted a relocation"},
	{".slot 1830000005000000\n.slot 0000000000000000\nexit", "insn 0: 64-bit load of a kernel variable by BTF id, wanted a relocation"},
	{".slot 1800010000000000\n.slot 0000000000000000\nexit", "insn 0: reserved offset is 1, wanted 0"},
	/* jumps */
	{".slot 0500ffff00000000\nexit", NULL},
	{".slot 0500feff00000000\nexit", "insn 0: jump to -1 leaves the function, wanted 0 to 1"},
	{".slot 0500010000000000\nexit", "insn 0: jump to 2 leaves the function, wanted 0 to 1"},
	{".slot 06000000ffffff7f\nexit", "insn 0: jump to 2147483648 leaves the function, wanted 0 to 1"},
	{".slot e500010000000000\nexit", "insn 0: jump to 2 leaves the function, wanted 0 to 1"},
	{".slot 0500010000000000\n.slot 1800000000000000\n.slot 0000000000000000\nexit", "insn 0: jump to 2, the second half of a 64-bit load"},
	{"exit\n.slot 1800000000000000\n.slot 0000000000000000", "insn 1: control falls off the end of the function, wanted exit or goto"},
	{"r0 = 0", "insn 0: control falls off the end of the function, wanted exit or goto"},
	{"r0 = 0\nif r0 == 0 goto -2", "insn 1: control falls off the end of the function, wanted exit or goto"},
	{"exit\n.slot 8500000001000000", "insn 1: control falls off the end of the function, wanted exit or goto"},
	/* local calls */
	{".slot 8510000005000000\nexit", "insn 0: call to 6 leaves the program, wanted 0 to 1"},
	{".slot 8510000001000000\n.slot 1800000000000000\n.slot 0000000000000000\nexit", "insn 0: call to 2, the second half of a 64-bit load"},
	// clang-format on
};

static void t_decode_refuses_malformed(void **state)
{
	(void)state;
	for (u32 k = 0; k < countof(rejects); k++) {
		struct fixture x;
		char want[1024] = "";

		fix_init(&x);
		x.m.raw = true;
		fix_func(&x, "p", SYM_PROG, rejects[k].text);
		int err = fe_decode(&x.m);
		if (rejects[k].message)
			snprintf(want, sizeof(want),
				"t.o: section xdp: program p: %s\n",
				rejects[k].message);
		if (strcmp(want, x.log))
			fail_msg("%s\ngot  %swant %s", rejects[k].text, x.log,
				want);
		assert_int_equal(err, rejects[k].message ? -22 : 0);
		fix_fini(&x);
	}
}

static void t_decode_refuses_empty_function(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, "");
	assert_int_equal(fe_decode(&x.m), -22);
	assert_string_equal(x.log, "section xdp: program p: no instructions\n");
	fix_fini(&x);
}

/* One instruction of each form with its fields filled. */
static struct insn sample(const struct isa_row *r)
{
	struct insn i = {.code = r->code, .sym = SYM_NONE};

	if (r->dst != ISA_F_0)
		i.dst = 1;
	if (r->src != ISA_F_0)
		i.src = 2;
	if (r->off == ISA_F_ANY)
		i.off = -4;
	if (r->imm == ISA_F_ANY)
		i.imm = r->kind == ISA_CAST ? 1 : 7;
	switch (r->sel) {
	case ISA_SEL_OFF: i.off = (i16)r->val; break;
	case ISA_SEL_IMM: i.imm = r->val; break;
	case ISA_SEL_SRC: i.src = (u8)r->val; break;
	default: break;
	}
	return i;
}

static void t_decode_accepts_every_form(void **state)
{
	(void)state;
	for (u32 k = 0; k < isa_nrows; k++) {
		const struct isa_row *r = &isa_rows[k];
		struct fixture x;
		struct func *f;
		char text[128];

		fix_init(&x);
		f = fix_func(&x, "p", SYM_PROG, "exit\nexit\nexit");
		x.m.insn.v[f->first] = sample(r);
		if (r->kind == ISA_LDDW) {
			memset(&x.m.insn.v[1], 0, sizeof(struct insn));
			x.m.insn.v[f->first].sym = f->sym;
		}
		if (r->kind == ISA_CALLFN)
			x.m.insn.v[f->first].sym = f->sym;
		if (fe_decode(&x.m))
			fail_msg("%s: %s", r->text, x.log);
		assert_ptr_equal(isa_row(&x.m.insn.v[0]), r);
		fe_insn_text(&x.m, &x.m.insn.v[0], text, sizeof(text));
		assert_true(strlen(text) > 3);
		fix_fini(&x);
	}
}

static void t_decode_prints_kernel_notation(void **state)
{
	static const char text[] = "p: # xdp\n"
				   "   0: r1 = -5\n"
				   "   1: w2 = w1\n"
				   "   2: r3 = (s8)r2\n"
				   "   3: r3 s%= r2\n"
				   "   4: r3 = be32 r3\n"
				   "   5: r3 = bswap64 r3\n"
				   "   6: r4 = 0x1122334455667788\n"
				   "   8: r5 = *(u16 *)(r10 -8)\n"
				   "   9: r5 = *(s32 *)(r10 -8)\n"
				   "  10: *(u8 *)(r10 -1) = 7\n"
				   "  11: lock *(u64 *)(r10 -8) += r1\n"
				   "  12: r1 = atomic64_fetch_add((u64 *)"
				   "(r10 -8), r1)\n"
				   "  13: r0 = atomic_cmpxchg((u32 *)"
				   "(r10 -8), r0, r1)\n"
				   "  14: call bpf_ktime_get_ns#5\n"
				   "  15: if w1 s> 0xfffffffe goto pc-2\n"
				   "  16: gotol pc+0\n"
				   "  17: exit\n";
	struct fixture x;

	(void)state;
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG,
		"r1 = -5\nw2 = w1\nr3 = (s8)r2\nr3 s%= r2\nr3 = be32 r3\n"
		"r3 = bswap64 r3\nr4 = 0x1122334455667788 ll\n"
		"r5 = *(u16 *)(r10 -8)\nr5 = *(s32 *)(r10 -8)\n"
		"*(u8 *)(r10 -1) = 7\nlock *(u64 *)(r10 -8) += r1\n"
		"r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)\n"
		"r0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r1)\n"
		"call 5\nif w1 s> -2 goto -2\ngotol +0\nexit");
	assert_int_equal(fe_decode(&x.m), 0);
	char *got = fix_dump(&x, fe_dump_decode);
	assert_string_equal(got, text);
	free(got);
	fix_fini(&x);
}

static void t_decode_cuts_raw_at_local_calls(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	x.m.raw = true;
	fix_func(&x, "raw", SYM_PROG,
		".slot 8510000002000000\n.slot 8510000002000000\nexit\n"
		"r0 = 1\nr0 = 2\nexit");
	assert_int_not_equal(fe_decode(&x.m), 0);
	assert_string_equal(x.log,
		"t.o: section xdp: program raw.3: insn 0: control falls off "
		"the end of the function, wanted exit or goto\n");
	fix_fini(&x);

	fix_init(&x);
	x.m.raw = true;
	fix_func(&x, "raw", SYM_PROG,
		".slot 8510000002000000\n.slot 8510000003000000\nexit\n"
		"r0 = 1\nexit\nr0 = 2\nexit");
	assert_int_equal(fe_decode(&x.m), 0);
	assert_int_equal(x.m.func.n, 3);
	assert_int_equal(x.m.func.v[0].n, 3);
	assert_int_equal(x.m.func.v[1].n, 2);
	assert_int_equal(x.m.func.v[2].n, 2);
	assert_int_equal(x.m.insn.v[0].sym, x.m.func.v[1].sym);
	assert_int_equal(x.m.insn.v[1].sym, x.m.func.v[2].sym);
	fix_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_decode_refuses_malformed),
		cmocka_unit_test(t_decode_refuses_empty_function),
		cmocka_unit_test(t_decode_accepts_every_form),
		cmocka_unit_test(t_decode_prints_kernel_notation),
		cmocka_unit_test(t_decode_cuts_raw_at_local_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
