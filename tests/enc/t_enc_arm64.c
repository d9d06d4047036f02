/*
 * Every AArch64 encoder over all registers and boundary values, against GNU as
 * and objdump.
 *
 * usage: t_enc_arm64 AS OBJDUMP DIRECTORY
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arm64_case.h"

static const char *as_path, *objdump_path, *dir;

/* ---- What the sweeps run over ---- */

#define each_reg(r) for (unsigned r = 0; r < 32; r++)
#define each_pair(a, b) \
	each_reg (a)    \
		each_reg (b)
#define each_size(s)   for (unsigned s = 4; s <= 8; s += 4)
#define each_access(s) for (unsigned s = 1; s <= 8; s *= 2)
#define each_cc(c)     for (unsigned c = 0; c < countof(cc_name); c++)

/* With each_pair, three and four registers that take all values each. */
static unsigned third(unsigned a, unsigned b)
{
	return (3 * a + 5 * b + 7) & 31;
}

static unsigned fourth(unsigned a, unsigned b)
{
	return (11 * a + 13 * b + 2) & 31;
}

// clang-format off
static const char *const cc_name[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs",
	"vc", "hi", "ls", "ge", "lt", "gt", "le"};
// clang-format on
static const char *const shift_name[] = {"lsl", "lsr", "asr", "ror"};
static const char *const extend_name[] = {
	"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};

/* ---- Addition and subtraction ---- */

static const char *const addsub_name[] = {"add", "adds", "sub", "subs"};

/* The d of adds and subs is the zero register. */
static const char *addsub_d(unsigned op, unsigned size, unsigned d)
{
	return op & 1 ? a64_zr(size, d) : a64_sp(size, d);
}

static void add_imm(unsigned op, unsigned s, unsigned d, unsigned n, u32 v)
{
	u32 word = a64_addsub_ri(op, s, d, n, v);

	if (v < 4096)
		a64_case(word, "%s %s, %s, #%u", addsub_name[op],
			addsub_d(op, s, d), a64_sp(s, n), v);
	else
		a64_case(word, "%s %s, %s, #%u, lsl #12", addsub_name[op],
			addsub_d(op, s, d), a64_sp(s, n), v / 4096);
}

static void addsub_immediate(void **state)
{
	static const u32 imms[] = {0, 1, 2, 0x555, 0xaaa, 0x800, 4095, 4096,
		8192, 0x555000, 0xaaa000, 0x800000, 0xfff000};

	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_size (s) {
			each_pair (d, n)
				add_imm(op, s, d, n,
					imms[third(d, n) % countof(imms)]);
			for (size_t k = 0; k < countof(imms); k++)
				add_imm(op, s, 1, 2, imms[k]);
			for (unsigned bit = 0; bit < 24; bit++)
				add_imm(op, s, 3, 4, 1u << bit);
		}
	assert_true(a64_is_add_imm(0));
	assert_true(a64_is_add_imm(4095));
	assert_true(a64_is_add_imm(4096));
	assert_true(a64_is_add_imm(0xfff000));
	assert_false(a64_is_add_imm(4097));
	assert_false(a64_is_add_imm(0xfff001));
	assert_false(a64_is_add_imm(1 << 24));
	assert_false(a64_is_add_imm(UINT64_MAX));
	assert_false(a64_is_add_imm(1ull << 32));
}

/* Text of a shifted register. */
static const char *shifted(unsigned s, unsigned m, unsigned sh, unsigned by)
{
	static char text[32];

	if (sh == A64_LSL && !by)
		return a64_zr(s, m);
	snprintf(text, sizeof(text), "%s, %s #%u", a64_zr(s, m), shift_name[sh],
		by);
	return text;
}

static void add_shifted(unsigned op, unsigned s, unsigned d, unsigned n,
	unsigned m, unsigned sh, unsigned by)
{
	a64_case(a64_addsub_rs(op, s, d, n, m, sh, by), "%s %s, %s, %s",
		addsub_name[op], a64_zr(s, d), a64_zr(s, n),
		shifted(s, m, sh, by));
}

static void addsub_shifted(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_size (s)
			for (unsigned sh = 0; sh < 3; sh++) {
				for (unsigned by = 0; by < s * 8; by++)
					add_shifted(
						op, s, by & 31, 7, 9, sh, by);
				each_pair (d, n)
					add_shifted(op, s, d, n, third(d, n),
						sh, fourth(d, n));
			}
}

/* Beside SP the extension that changes nothing is a shift by name. */
static void add_extended(unsigned op, unsigned s, unsigned d, unsigned n,
	unsigned m, unsigned x, unsigned by)
{
	bool plain = x == (s == 8 ? A64_UXTX : A64_UXTW) &&
		     (n == 31 || (d == 31 && !(op & 1)));
	unsigned wide = s == 8 && (x & 3) == 3 ? 8 : 4;
	char amount[32] = "";

	if (by)
		snprintf(amount, sizeof(amount), " #%u", by);
	a64_case(a64_addsub_rx(op, s, d, n, m, x, by), "%s %s, %s, %s%s%s%s",
		addsub_name[op], addsub_d(op, s, d), a64_sp(s, n),
		a64_zr(wide, m), plain && !by ? "" : ", ",
		plain ? by ? "lsl" : "" : extend_name[x], amount);
}

static void addsub_extended(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_size (s)
			for (unsigned x = 0; x < 8; x++) {
				for (unsigned by = 0; by <= 4; by++)
					each_reg (m)
						add_extended(
							op, s, 2, 3, m, x, by);
				each_pair (d, n)
					add_extended(op, s, d, n, third(d, n),
						x, fourth(d, n) % 5);
			}
}

/* ---- Logic ---- */

static const char *const logic_name[] = {
	"and", "bic", "orr", "orn", "eor", "eon", "ands", "bics"};

static void logic_case(unsigned op, unsigned s, unsigned d, unsigned n,
	unsigned m, unsigned sh, unsigned by)
{
	a64_case(a64_logic_rs(op, s, d, n, m, sh, by), "%s %s, %s, %s",
		logic_name[op], a64_zr(s, d), a64_zr(s, n),
		shifted(s, m, sh, by));
}

static void logic_shifted(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 8; op++)
		each_size (s)
			for (unsigned sh = 0; sh < 4; sh++) {
				for (unsigned by = 0; by < s * 8; by++)
					logic_case(
						op, s, by & 31, 7, 9, sh, by);
				each_pair (d, n)
					logic_case(op, s, d, n, third(d, n), sh,
						fourth(d, n));
			}
}

/* All logical immediates of 64 bits, in order; all of 32 are among them. */
enum { LOGIC_IMMS = 5334 };
static u64 logic_imms[LOGIC_IMMS];
static size_t nlogic_imms;

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 repeat(u64 element, unsigned width)
{
	for (; width < 64; width *= 2)
		element |= element << width;
	return element;
}

static u64 turn(u64 v, unsigned width, unsigned by)
{
	u64 mask = width == 64 ? UINT64_MAX : (1ull << width) - 1;

	return by ? (v >> by | v << (width - by)) & mask : v;
}

static void make_logic_imms(void)
{
	for (unsigned width = 2; width <= 64; width *= 2)
		for (unsigned ones = 1; ones < width; ones++)
			for (unsigned by = 0; by < width; by++)
				logic_imms[nlogic_imms++] = repeat(
					turn((1ull << ones) - 1, width, by),
					width);
	qsort(logic_imms, nlogic_imms, sizeof(u64), compare_u64);
}

static bool is_logic_imm(u64 v)
{
	return bsearch(&v, logic_imms, nlogic_imms, sizeof(u64), compare_u64);
}

static void logic_imm_case(
	unsigned op, unsigned s, unsigned d, unsigned n, u64 v)
{
	u32 field = 0;

	assert_true(a64_logic_field(v, s, &field));
	a64_case(a64_logic_ri(op, s, d, n, field), "%s %s, %s, #0x%llx",
		logic_name[op], op == A64_ANDS ? a64_zr(s, d) : a64_sp(s, d),
		a64_zr(s, n), (unsigned long long)(s == 4 ? (u32)v : v));
}

static void logic_immediate(void **state)
{
	(void)state;
	assert_int_equal(nlogic_imms, LOGIC_IMMS);
	for (size_t k = 0; k < nlogic_imms; k++) {
		u64 v = logic_imms[k];

		logic_imm_case(A64_AND, 8, k & 31, k >> 5 & 31, v);
		if (v >> 32 == (u32)v)
			logic_imm_case(A64_ORR, 4, k & 31, k >> 5 & 31, v);
	}
	for (unsigned op = 0; op < 8; op += 2)
		each_size (s)
			each_pair (d, n)
				logic_imm_case(op, s, d, n,
					s == 8 ? 0xff00000000 : 0x00ff0000);
}

static void refused_logic_imm(u64 v)
{
	u32 field;

	assert_int_equal(a64_logic_field(v, 8, &field), is_logic_imm(v));
	/* the upper half of what 32-bit operations get does not matter */
	assert_int_equal(a64_logic_field(v, 4, &field),
		is_logic_imm((u64)(u32)v << 32 | (u32)v));
}

static void logic_immediate_else(void **state)
{
	u64 v = 1;

	(void)state;
	refused_logic_imm(0);
	refused_logic_imm(UINT64_MAX);
	refused_logic_imm(UINT32_MAX);
	for (size_t k = 0; k < nlogic_imms; k++)
		for (unsigned bit = 0; bit < 64; bit++)
			refused_logic_imm(logic_imms[k] ^ 1ull << bit);
	for (unsigned k = 0; k < 1 << 20; k++) {
		v = v * 6364136223846793005 + 1442695040888963407;
		refused_logic_imm(k & 1 ? v : v >> 32 << 32 | v >> 32);
	}
}

/* ---- Moves ---- */

static const char *const movw_name[] = {"movn", "?", "movz", "movk"};

static void movw_case(unsigned op, unsigned s, unsigned d, u16 v, unsigned by)
{
	char amount[32] = "";

	if (by)
		snprintf(amount, sizeof(amount), ", lsl #%u", by);
	a64_case(a64_movw_i(op, s, d, v, by), "%s %s, #%u%s", movw_name[op],
		a64_zr(s, d), v, amount);
}

static void mov_wide(void **state)
{
	static const u16 parts[] = {0, 1, 0x5555, 0xaaaa, 0x8000, 0xffff};

	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_size (s)
			for (unsigned by = 0; by < s * 8 && op != 1; by += 16)
				each_reg (d)
					for (size_t k = 0; k < countof(parts);
						k++)
						movw_case(
							op, s, d, parts[k], by);
}

static void mov_register(void **state)
{
	(void)state;
	each_pair (d, m) {
		each_size (s)
			a64_case(a64_mov_rr(s, d, m), "orr %s, %s, %s",
				a64_zr(s, d), a64_zr(s, 31), a64_zr(s, m));
		a64_case(a64_mov_sp(d, m), "add %s, %s, #0", a64_sp(8, d),
			a64_sp(8, m));
	}
}

/* The value that an orr of the zero register makes, by its field. */
static u64 orr_value(u32 word, unsigned size)
{
	for (size_t k = 0; k < nlogic_imms; k++) {
		u32 field;

		if (a64_logic_field(logic_imms[k], size, &field) &&
			field == (word >> 10 & 0x1fff))
			return size == 4 ? (u32)logic_imms[k] : logic_imms[k];
	}
	return 0;
}

/* What a word of a constant does to its register; it becomes a case, too. */
static u64 step(u32 word, unsigned d, u64 before)
{
	unsigned size = word >> 31 ? 8 : 4, by = (word >> 21 & 3) * 16;
	unsigned op = word >> 29 & 3;
	u16 part = (u16)(word >> 5);
	u64 v = (u64)part << by;

	assert_int_equal(word & 31, d);
	if ((word >> 23 & 0x3f) == 0x24) {
		assert_int_equal(word >> 5 & 31, A64_ZR);
		v = orr_value(word, size);
		a64_case(word, "orr %s, %s, #0x%llx", a64_sp(size, d),
			a64_zr(size, 31), (unsigned long long)v);
		return v;
	}
	assert_int_equal(word >> 23 & 0x3f, 0x25);
	movw_case(op, size, d, part, by);
	if (op == A64_MOVN)
		v = ~v;
	if (op == A64_MOVK)
		v |= before & ~((u64)0xffff << by);
	return size == 4 ? (u32)v : v;
}

/* Halves that differ from `from`, of as many as count. */
static unsigned halves(u64 v, u16 from, unsigned size)
{
	unsigned n = 0;

	for (unsigned k = 0; k < size * 8; k += 16)
		n += (u16)(v >> k) != from;
	return n ? n : 1;
}

static void mov_one_constant(u64 v)
{
	unsigned d = (unsigned)(v ^ v >> 7) % 31;
	unsigned size = v >> 32 ? 8 : 4, best = halves(v, 0, size);
	u32 words[4];
	unsigned n = a64_mov_ri(words, d, v);
	u64 now = 0;

	if (halves(v, 0xffff, size) < best)
		best = halves(v, 0xffff, size);
	if (is_logic_imm(size == 4 ? v << 32 | v : v))
		best = 1;
	assert_in_range(n, 1, best);
	for (unsigned k = 0; k < n; k++)
		now = step(words[k], d, now);
	assert_true(now == v);
}

static void mov_constant(void **state)
{
	static const u16 parts[] = {0, 0xffff, 1, 0x8000, 0x1234, 0xfffe};

	(void)state;
	for (unsigned a = 0; a < countof(parts); a++)
		for (unsigned b = 0; b < countof(parts); b++)
			for (unsigned c = 0; c < countof(parts); c++)
				for (unsigned e = 0; e < countof(parts); e++)
					mov_one_constant((u64)parts[a] << 48 |
							 (u64)parts[b] << 32 |
							 (u64)parts[c] << 16 |
							 parts[e]);
	for (size_t k = 0; k < nlogic_imms; k += 7) {
		mov_one_constant(logic_imms[k]);
		mov_one_constant((u32)logic_imms[k]);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		mov_one_constant(1ull << bit);
		mov_one_constant((1ull << bit) - 1);
		mov_one_constant(~(1ull << bit));
	}
}

/* ---- Bit fields ---- */

static void bitfield(void **state)
{
	static const char *const name[] = {"sbfm", "bfm", "ubfm"};

	(void)state;
	for (unsigned op = 0; op < 3; op++)
		each_size (s) {
			for (unsigned r = 0; r < s * 8; r++)
				for (unsigned b = 0; b < s * 8; b++)
					a64_case(a64_bfm_ri(op, s, r & 31,
							 b & 31, r, b),
						"%s %s, %s, #%u, #%u", name[op],
						a64_zr(s, r & 31),
						a64_zr(s, b & 31), r, b);
			each_pair (d, n)
				a64_case(a64_bfm_ri(op, s, d, n, 3, 29),
					"%s %s, %s, #3, #29", name[op],
					a64_zr(s, d), a64_zr(s, n));
		}
}

static void extract(void **state)
{
	(void)state;
	each_size (s) {
		for (unsigned by = 0; by < s * 8; by++)
			a64_case(a64_extr(s, 1, 2, 3, by),
				"extr %s, %s, %s, #%u", a64_zr(s, 1),
				a64_zr(s, 2), a64_zr(s, 3), by);
		each_pair (d, n)
			a64_case(a64_extr(s, d, n, third(d, n), fourth(d, n)),
				"extr %s, %s, %s, #%u", a64_zr(s, d),
				a64_zr(s, n), a64_zr(s, third(d, n)),
				fourth(d, n));
		each_reg (n)
			a64_case(a64_extr(s, 4, n, n, 5), "extr %s, %s, %s, #5",
				a64_zr(s, 4), a64_zr(s, n), a64_zr(s, n));
	}
}

/* ---- Multiplication, division, shifts ---- */

static void multiply(void **state)
{
	(void)state;
	each_pair (d, n) {
		unsigned m = third(d, n), a = fourth(d, n);

		each_size (s) {
			a64_case(a64_madd(s, d, n, m, a), "madd %s, %s, %s, %s",
				a64_zr(s, d), a64_zr(s, n), a64_zr(s, m),
				a64_zr(s, a));
			a64_case(a64_msub(s, d, n, m, a), "msub %s, %s, %s, %s",
				a64_zr(s, d), a64_zr(s, n), a64_zr(s, m),
				a64_zr(s, a));
		}
		a64_case(a64_umulh(d, n, m), "umulh %s, %s, %s", a64_zr(8, d),
			a64_zr(8, n), a64_zr(8, m));
	}
}

static void two_operands(void **state)
{
	static const struct {
		enum a64_dp2 op;
		const char *name;
	} ops[] = {
		{A64_UDIV, "udiv"},
		{A64_SDIV, "sdiv"},
		{A64_LSLV, "lslv"},
		{A64_LSRV, "lsrv"},
		{A64_ASRV, "asrv"},
		{A64_RORV, "rorv"},
	};

	(void)state;
	for (size_t k = 0; k < countof(ops); k++)
		each_size (s)
			each_pair (d, n)
				a64_case(a64_dp2_rr(ops[k].op, s, d, n,
						 third(d, n)),
					"%s %s, %s, %s", ops[k].name,
					a64_zr(s, d), a64_zr(s, n),
					a64_zr(s, third(d, n)));
}

static void one_operand(void **state)
{
	static const struct {
		enum a64_dp1 op;
		const char *name[2]; /* of 4 and of 8 bytes */
	} ops[] = {
		{A64_RBIT, {"rbit", "rbit"}},
		{A64_REV16, {"rev16", "rev16"}},
		{A64_REV32, {"rev", "rev32"}},
		{A64_REV64, {NULL, "rev"}},
		{A64_CLZ, {"clz", "clz"}},
	};

	(void)state;
	for (size_t k = 0; k < countof(ops); k++)
		each_size (s)
			each_pair (d, n)
				if (ops[k].name[s / 8])
					a64_case(a64_dp1_r(ops[k].op, s, d, n),
						"%s %s, %s", ops[k].name[s / 8],
						a64_zr(s, d), a64_zr(s, n));
}

/* ---- Conditions ---- */

static void conditional_select(void **state)
{
	static const char *const name[] = {"csel", "csinc", "csinv", "csneg"};

	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_size (s) {
			each_cc(c) a64_case(a64_csel_rr(op, s, 1, 2, 3, c),
				"%s %s, %s, %s, %s", name[op], a64_zr(s, 1),
				a64_zr(s, 2), a64_zr(s, 3), cc_name[c]);
			each_pair (d, n)
				a64_case(a64_csel_rr(op, s, d, n, third(d, n),
						 A64_CC_LT),
					"%s %s, %s, %s, lt", name[op],
					a64_zr(s, d), a64_zr(s, n),
					a64_zr(s, third(d, n)));
		}
	each_reg (d)
		each_cc(c) a64_case(a64_cset(d, c), "csinc %s, wzr, wzr, %s",
			a64_zr(4, d), cc_name[c ^ 1]);
}

static void conditional_compare(void **state)
{
	static const char *const name[] = {"ccmn", "ccmp"};

	(void)state;
	for (unsigned op = 0; op < 2; op++)
		each_size (s)
			each_cc(c) each_reg (n)
			{
				unsigned m = third(c, n);
				unsigned nzcv = (c + n) & 15;

				a64_case(a64_ccmp_rr(op, s, n, m, nzcv, c),
					"%s %s, %s, #%u, %s", name[op],
					a64_zr(s, n), a64_zr(s, m), nzcv,
					cc_name[c]);
				a64_case(a64_ccmp_ri(op, s, n, m, nzcv, c),
					"%s %s, #%u, #%u, %s", name[op],
					a64_zr(s, n), m, nzcv, cc_name[c]);
			}
}

/* ---- Loads and stores ---- */

/* "ldr", "sturb", ...; NULL: no such instruction */
static const char *access_name(
	unsigned op, unsigned size, const char *u /* "" or "u" */)
{
	static char name[16];
	const char *tail = size == 1 ? "b" : size == 2 ? "h" : "";

	if (op == A64_LDRS8 && size == 4)
		tail = "w";
	if ((op == A64_LDRS8 && size == 8) || (op == A64_LDRS4 && size > 2))
		return NULL;
	snprintf(name, sizeof(name), "%s%sr%s%s", op == A64_STR ? "st" : "ld",
		u, op >= A64_LDRS8 ? "s" : "", tail);
	return name;
}

static const char *access_reg(unsigned op, unsigned size, unsigned t)
{
	return a64_zr(
		op == A64_LDRS8 || (size == 8 && op <= A64_LDR) ? 8 : 4, t);
}

static const char *plus(i32 off)
{
	static char text[16];

	text[0] = 0;
	if (off)
		snprintf(text, sizeof(text), ", #%d", off);
	return text;
}

static void scaled_case(
	unsigned op, unsigned s, unsigned t, unsigned n, u32 off)
{
	if (access_name(op, s, ""))
		a64_case(a64_ldst_scaled(op, s, t, n, off), "%s %s, [%s%s]",
			access_name(op, s, ""), access_reg(op, s, t),
			a64_sp(8, n), plus((i32)off));
}

static void vec_case(unsigned s, unsigned t, unsigned n, u32 off)
{
	char reg = s == 8 ? 'd' : 's';

	a64_case(a64_ldst_vec(A64_STR, s, t, n, off), "str %c%u, [%s%s]", reg,
		t, a64_sp(8, n), plus((i32)off));
	a64_case(a64_ldst_vec(A64_LDR, s, t, n, off), "ldr %c%u, [%s%s]", reg,
		t, a64_sp(8, n), plus((i32)off));
}

static void unscaled_case(
	unsigned op, unsigned s, unsigned t, unsigned n, i32 off)
{
	if (access_name(op, s, "u"))
		a64_case(a64_ldst_unscaled(op, s, t, n, off), "%s %s, [%s%s]",
			access_name(op, s, "u"), access_reg(op, s, t),
			a64_sp(8, n), plus(off));
}

static void access_offset(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_access(s)
		{
			each_pair (t, n) {
				scaled_case(op, s, t, n, s * third(t, n));
				unscaled_case(
					op, s, t, n, (i32)third(t, n) - 16);
			}
			for (unsigned bit = 0; bit < 12; bit++)
				scaled_case(op, s, 1, 2, s << bit);
			scaled_case(op, s, 1, 2, 4095 * s);
			for (i32 off = -256; off < 256; off++)
				unscaled_case(op, s, 1, 2, off);
		}
}

static void access_vec(void **state)
{
	(void)state;
	for (unsigned s = 4; s <= 8; s *= 2) {
		each_pair (t, n)
			vec_case(s, t, n, s * third(t, n));
		for (unsigned bit = 0; bit < 12; bit++)
			vec_case(s, 1, 2, s << bit);
		vec_case(s, 1, 2, 4095 * s);
	}
}

static void access_ranges(void **state)
{
	(void)state;
	each_access(s)
	{
		i64 size = (i64)s;

		assert_true(a64_is_scaled(0, s));
		assert_true(a64_is_scaled(4095 * size, s));
		assert_false(a64_is_scaled(4096 * size, s));
		assert_false(a64_is_scaled(-size, s));
		assert_false(a64_is_scaled(INT64_MIN, s));
		assert_int_equal(a64_is_scaled(1, s), s == 1);
	}
	assert_true(a64_is_unscaled(-256));
	assert_true(a64_is_unscaled(255));
	assert_false(a64_is_unscaled(-257));
	assert_false(a64_is_unscaled(256));
	assert_true(a64_is_pair(-512));
	assert_true(a64_is_pair(504));
	assert_false(a64_is_pair(-520));
	assert_false(a64_is_pair(512));
	assert_false(a64_is_pair(4));
}

static void index_case(unsigned op, unsigned s, unsigned t, unsigned n,
	unsigned m, unsigned x, bool scaled)
{
	unsigned wide = (x & 3) == 3 ? 8 : 4;
	const char *how = x == A64_UXTX ? "lsl" : extend_name[x];
	char amount[32] = "";

	if (!access_name(op, s, ""))
		return;
	if (scaled)
		snprintf(amount, sizeof(amount), " #%d", __builtin_ctz(s));
	if (!scaled && x == A64_UXTX)
		how = "";
	a64_case(a64_ldst_index(op, s, t, n, m, x, scaled),
		"%s %s, [%s, %s%s%s%s]", access_name(op, s, ""),
		access_reg(op, s, t), a64_sp(8, n), a64_zr(wide, m),
		*how ? ", " : "", how, amount);
}

static void access_index(void **state)
{
	static const enum a64_extend how[] = {
		A64_UXTW, A64_UXTX, A64_SXTW, A64_SXTX};

	(void)state;
	for (unsigned op = 0; op < 4; op++)
		each_access(s) for (size_t k = 0; k < countof(how);
				    k++) for (unsigned scaled = 0; scaled < 2;
					      scaled++) each_reg (r)
		{
			index_case(op, s, r, (r + 1) & 31, 5, how[k], scaled);
			index_case(op, s, 7, 3, r, how[k], scaled);
			index_case(
				op, s, r, third(r, 1), r ^ 9, how[k], scaled);
		}
}

/* Writing back a base that is transferred, too, is unpredictable, and so is
 * loading one register twice. */
static bool is_predictable_pair(
	unsigned op, unsigned x, unsigned t, unsigned t2, unsigned n)
{
	if (op == A64_LDP && t == t2)
		return false;
	return x == A64_OFFSET || n == 31 || (t != n && t2 != n);
}

static void pair_case(
	unsigned op, unsigned x, unsigned t, unsigned t2, unsigned n, i32 off)
{
	static const char *const name[] = {"stp", "ldp"};
	u32 word = a64_pair_rr(op, x, t, t2, n, off);

	if (!is_predictable_pair(op, x, t, t2, n))
		return;
	if (x == A64_POST)
		a64_case(word, "%s %s, %s, [%s], #%d", name[op], a64_zr(8, t),
			a64_zr(8, t2), a64_sp(8, n), off);
	else if (x == A64_PRE)
		a64_case(word, "%s %s, %s, [%s, #%d]!", name[op], a64_zr(8, t),
			a64_zr(8, t2), a64_sp(8, n), off);
	else
		a64_case(word, "%s %s, %s, [%s%s]", name[op], a64_zr(8, t),
			a64_zr(8, t2), a64_sp(8, n), plus(off));
}

static void pairs(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 2; op++)
		for (unsigned x = A64_POST; x <= A64_PRE; x++) {
			each_pair (t, n)
				pair_case(op, x, t, third(t, n), n, 16);
			for (i32 off = -512; off <= 504; off += 8)
				pair_case(op, x, 19, 20, 31, off);
		}
	for (i32 off = -256; off < 256; off++) {
		a64_case(a64_str_pre(1, 31, off), "str x1, [sp, #%d]!", off);
		a64_case(a64_ldr_post(1, 31, off), "ldr x1, [sp], #%d", off);
	}
	each_pair (t, n)
		if (t != n || n == 31) {
			a64_case(a64_str_pre(t, n, -16), "str %s, [%s, #-16]!",
				a64_zr(8, t), a64_sp(8, n));
			a64_case(a64_ldr_post(t, n, 16), "ldr %s, [%s], #16",
				a64_zr(8, t), a64_sp(8, n));
		}
}

/* ---- Addresses ---- */

/* GNU as makes a relocation of every adrp: objdump alone judges these. */
static void adrp_case(unsigned d, i32 pages)
{
	u32 word = a64_adrp(d, pages);
	i64 page = (i64)(4 * cases.n & ~0xfffull);

	a64_case(word, ".inst %#x // adrp %s, 0x%llx", word, a64_zr(8, d),
		(unsigned long long)(page + (i64)pages * 4096));
}

static void addresses(void **state)
{
	static const i32 offs[] = {0, 1, 2, 3, 4, -1, -4, 0x555, 0xaaaa,
		(1 << 20) - 1, -(1 << 20)};

	(void)state;
	for (size_t k = 0; k < countof(offs); k++)
		each_reg (d) {
			a64_case(a64_adr(d, offs[k]), "adr %s, .%+d",
				a64_zr(8, d), offs[k]);
			adrp_case(d, offs[k]);
		}
	for (unsigned bit = 0; bit < 20; bit++) {
		a64_case(a64_adr(1, 1 << bit), "adr x1, .%+d", 1 << bit);
		adrp_case(1, 1 << bit);
		adrp_case(1, -(1 << bit));
	}
}

/* ---- Order, exclusives, atomics ---- */

static const char *size_tail(unsigned size)
{
	return size == 1 ? "b" : size == 2 ? "h" : "";
}

static void exclusives(void **state)
{
	static const struct {
		enum a64_excl op;
		const char *name;
		bool status;
	} ops[] = {
		{A64_STXR, "stxr", true},
		{A64_STLXR, "stlxr", true},
		{A64_LDXR, "ldxr", false},
		{A64_LDAXR, "ldaxr", false},
		{A64_STLR, "stlr", false},
		{A64_LDAR, "ldar", false},
	};

	(void)state;
	for (size_t k = 0; k < countof(ops); k++)
		each_access(s) each_pair (t, n)
		{
			unsigned st = third(t, n);
			const char *tail = size_tail(s);
			u32 word = a64_excl_r(ops[k].op, s, st, t, n);

			if (!ops[k].status)
				a64_case(word, "%s%s %s, [%s]", ops[k].name,
					tail, a64_zr(s, t), a64_sp(8, n));
			else if (st != t && st != n)
				a64_case(word, "%s%s %s, %s, [%s]", ops[k].name,
					tail, a64_zr(4, st), a64_zr(s, t),
					a64_sp(8, n));
		}
}

static void atomics(void **state)
{
	static const struct {
		enum a64_lse op;
		const char *name;
	} ops[] = {
		{A64_LDADD, "ldadd"},
		{A64_LDCLR, "ldclr"},
		{A64_LDEOR, "ldeor"},
		{A64_LDSET, "ldset"},
		{A64_SWP, "swp"},
	};

	(void)state;
	each_access(size) each_pair (s, t)
	{
		unsigned n = third(s, t);
		const char *tail = size_tail(size);

		for (size_t k = 0; k < countof(ops); k++)
			for (unsigned al = 0; al < 2; al++)
				a64_case(
					a64_lse_r(ops[k].op, size, al, s, t, n),
					"%s%s%s %s, %s, [%s]", ops[k].name,
					al ? "al" : "", tail, a64_zr(size, s),
					a64_zr(size, t), a64_sp(8, n));
		a64_case(a64_casal(size, s, t, n), "casal%s %s, %s, [%s]", tail,
			a64_zr(size, s), a64_zr(size, t), a64_sp(8, n));
	}
}

/* ---- Branches ---- */

/* Bits of a distance, and the ends of its reach. */
static i64 distance(unsigned k, unsigned bits)
{
	i64 end = 1ll << (bits + 1);

	switch (k) {
	case 0: return 0;
	case 1: return -4;
	case 2: return end - 4;
	case 3: return -end;
	default: return k - 4 < bits - 1 ? 4ll << (k - 4) : 8;
	}
}

#define each_distance(off, bits)                                              \
	for (unsigned off##_k = 0; off##_k < (bits) + 4; off##_k++)           \
		for (i64 off = distance(off##_k, bits), off##_1 = 1; off##_1; \
			off##_1 = 0)

static void branches(void **state)
{
	(void)state;
	each_distance(off, A64_REACH_B)
	{
		a64_case(a64_b(off), "b .%+lld", (long long)off);
		a64_case(a64_bl(off), "bl .%+lld", (long long)off);
	}
	each_distance(off, A64_REACH_COND) each_cc(c) a64_case(
		a64_bcc(c, off), "b.%s .%+lld", cc_name[c], (long long)off);
	for (unsigned not = 0; not < 2; not ++) {
		each_distance(off, A64_REACH_COND) each_size (s) each_reg (
			t) a64_case(a64_cbz(s, not, t, off), "%s %s, .%+lld",
			not ? "cbnz" : "cbz", a64_zr(s, t), (long long)off);
		each_distance(off, A64_REACH_TBZ) for (unsigned bit = 0;
						       bit < 64; bit++)
			a64_case(a64_tbz(bit, not, third(bit, off_k), off),
				"%s %s, #%u, .%+lld", not ? "tbnz" : "tbz",
				a64_zr(bit < 32 ? 4 : 8, third(bit, off_k)),
				bit, (long long)off);
	}
	each_reg (n) {
		a64_case(a64_br(n), "br %s", a64_zr(8, n));
		a64_case(a64_blr(n), "blr %s", a64_zr(8, n));
	}
	a64_case(a64_ret(), "ret");
}

static void reach(void **state)
{
	static const unsigned bits[] = {
		A64_REACH_B, A64_REACH_COND, A64_REACH_TBZ};
	static const i64 ends[] = {128ll << 20, 1ll << 20, 32ll << 10};

	(void)state;
	for (size_t k = 0; k < countof(bits); k++) {
		assert_true(a64_reaches(0, bits[k]));
		assert_true(a64_reaches(ends[k] - 4, bits[k]));
		assert_true(a64_reaches(-ends[k], bits[k]));
		assert_false(a64_reaches(ends[k], bits[k]));
		assert_false(a64_reaches(-ends[k] - 4, bits[k]));
		assert_false(a64_reaches(2, bits[k]));
		assert_false(a64_reaches(INT64_MAX, bits[k]));
		assert_false(a64_reaches(INT64_MIN, bits[k]));
	}
}

/* ---- System ---- */

static void system_insns(void **state)
{
	static const struct {
		enum a64_hint op;
		const char *name;
	} hints[] = {
		{A64_NOP, "nop"},
		{A64_YIELD, "yield"},
		{A64_PACIASP, "paciasp"},
		{A64_AUTIASP, "autiasp"},
		{A64_BTI_C, "bti c"},
		{A64_BTI_J, "bti j"},
		{A64_BTI_JC, "bti jc"},
	};
	static const u16 imms[] = {0, 1, 0x5555, 0xaaaa, 0x8000, 0xffff};

	(void)state;
	for (size_t k = 0; k < countof(hints); k++)
		a64_case(a64_hint(hints[k].op), "%s // hint #%u", hints[k].name,
			hints[k].op);
	for (size_t k = 0; k < countof(imms); k++) {
		a64_case(a64_brk(imms[k]), "brk #%u", imms[k]);
		a64_case(a64_udf(imms[k]), "udf #%u", imms[k]);
	}
	a64_case(a64_dmb_ish(), "dmb ish");
	a64_case(a64_isb(), "isb");
}

/* ---- The judgement ---- */

static const struct as_target arm64_as = {
	.name = "enc-arm64",
	.flag = "-EL",
	.header = ".arch armv8.5-a\n",
	.slot = 4,
};

static void assembler_agrees(void **state)
{
	(void)state;
	printf("%zu cases\n", cases.n);
	assert_int_equal(as_check(&arm64_as, as_path, dir), 0);
	assert_int_equal(cases.failed, 0);
}

static void disassembler_agrees(void **state)
{
	(void)state;
	assert_int_equal(a64_disasm_check(objdump_path, dir), 0);
	assert_int_equal(cases.failed, 0);
}

static int start(void **state)
{
	(void)state;
	make_logic_imms();
	return 0;
}

static int finish(void **state)
{
	(void)state;
	cases_fini();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addsub_immediate),
		cmocka_unit_test(addsub_shifted),
		cmocka_unit_test(addsub_extended),
		cmocka_unit_test(logic_shifted),
		cmocka_unit_test(logic_immediate),
		cmocka_unit_test(logic_immediate_else),
		cmocka_unit_test(mov_wide),
		cmocka_unit_test(mov_register),
		cmocka_unit_test(mov_constant),
		cmocka_unit_test(bitfield),
		cmocka_unit_test(extract),
		cmocka_unit_test(multiply),
		cmocka_unit_test(two_operands),
		cmocka_unit_test(one_operand),
		cmocka_unit_test(conditional_select),
		cmocka_unit_test(conditional_compare),
		cmocka_unit_test(access_offset),
		cmocka_unit_test(access_vec),
		cmocka_unit_test(access_ranges),
		cmocka_unit_test(access_index),
		cmocka_unit_test(pairs),
		cmocka_unit_test(addresses),
		cmocka_unit_test(exclusives),
		cmocka_unit_test(atomics),
		cmocka_unit_test(branches),
		cmocka_unit_test(reach),
		cmocka_unit_test(system_insns),
		cmocka_unit_test(assembler_agrees),
		cmocka_unit_test(disassembler_agrees),
	};

	if (argc != 4) {
		fprintf(stderr, "usage: %s AS OBJDUMP DIRECTORY\n", argv[0]);
		return 2;
	}
	as_path = argv[1];
	objdump_path = argv[2];
	dir = argv[3];
	return cmocka_run_group_tests_name("enc-arm64", tests, start, finish);
}
