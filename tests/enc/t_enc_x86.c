/*
 * Every x86-64 encoder over all registers and boundary values, byte for byte
 * against GNU as and operand for operand against Capstone.
 *
 * usage: t_enc_x86 AS DIRECTORY
 */
#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "x86_case.h"

static const char *as_path, *as_dir;

/* ---- Cases ---- */

static void check(
	const u8 *end, const char *name, const struct opd *o, unsigned n)
{
	struct insn i = {.n = n};

	if (!strncmp(name, "lock ", 5)) {
		i.lock = true;
		name += 5;
	}
	if (!strncmp(name, "notrack ", 8)) {
		i.notrack = true;
		name += 8;
	}
	i.name = name;
	for (unsigned k = 0; k < n; k++)
		i.o[k] = o[k];
	case_add(end, &i);
}

static u8 *const out = out_buf;

/* One case: an encoder's end of instruction, and what it must be. */
#define CASE(end, name, ...)                                \
	check(end, name, (const struct opd[]){__VA_ARGS__}, \
		sizeof((const struct opd[]){__VA_ARGS__}) / \
			sizeof(struct opd))
#define CASE0(end, name) check(end, name, NULL, 0)

static struct opd reg(unsigned size, unsigned r)
{
	return (struct opd){.kind = O_REG, .reg = r, .size = size};
}

static struct opd xreg(unsigned r)
{
	return (struct opd){.kind = O_XMM, .reg = r, .size = 16};
}

static struct opd mem(unsigned size, struct x86_mem m)
{
	return (struct opd){.kind = O_MEM, .size = size, .m = m};
}

/* An immediate as an operation of this size sees it. */
static struct opd imm(unsigned size, i64 v)
{
	if (size == 1)
		v = (i8)v;
	if (size == 2)
		v = (i16)v;
	return (struct opd){.kind = O_IMM, .size = size, .imm = v};
}

static struct opd count(u8 v)
{
	return (struct opd){.kind = O_IMM, .size = 1, .imm = v};
}

static struct opd other(enum opd_kind kind, unsigned size, i64 v)
{
	return (struct opd){.kind = kind, .size = size, .imm = v};
}

/* ---- What the sweeps run over ---- */

static const i32 imms[] = {0, 1, -1, 2, 0x55, 126, 127, 128, 129, -127, -128,
	-129, 255, 256, -256, 32767, 32768, -32768, -32769, 65408, 65535, 65536,
	0x12345678, INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1};
static const i32 disps[] = {
	0, 1, -1, 127, 128, -128, -129, 0x1234, INT32_MAX, INT32_MIN};
static const u8 counts[] = {
	0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255};

#define each_imm(v)                                              \
	for (size_t v##_i = 0, v##_1 = 1; v##_i < countof(imms); \
		v##_i++, v##_1 = 1)                              \
		for (i32 v = imms[v##_i]; v##_1; v##_1 = 0)
#define each_count(v)                                              \
	for (size_t v##_i = 0, v##_1 = 1; v##_i < countof(counts); \
		v##_i++, v##_1 = 1)                                \
		for (u8 v = counts[v##_i]; v##_1; v##_1 = 0)
/* Operand sizes from `from` bytes on. */
#define each_size(s, from) for (unsigned s = from; s <= 8; s *= 2)
#define each_reg(r)	   for (unsigned r = 0; r < 16; r++)
#define each_pair(a, b) \
	each_reg (a)    \
		each_reg (b)

enum { MAX_MEMS = 128 };
static struct x86_mem mems[MAX_MEMS];
static size_t nmems;
#define each_mem(m)                                                          \
	for (size_t m##_i = 0, m##_1 = 1; m##_i < nmems; m##_i++, m##_1 = 1) \
		for (struct x86_mem m = mems[m##_i]; m##_1; m##_1 = 0)

static void mems_add(struct x86_mem m)
{
	assert_true(nmems < MAX_MEMS);
	mems[nmems++] = m;
}

static void mems_add_sym(
	unsigned base, unsigned index, unsigned scale, i32 disp)
{
	struct x86_mem m = x86_at_index(base, index, scale, disp);

	m.fix = &out_field;
	mems_add(m);
}

/* Addresses for forms with other operands; addressing() takes them all. */
static int mems_init(void **state)
{
	(void)state;
	each_reg (b) {
		mems_add(x86_at(b, 0));
		mems_add(x86_at(b, b & 1 ? -128 : 127));
		mems_add(x86_at(b, b & 1 ? 128 : -129));
	}
	for (size_t k = 0; k < countof(disps); k++) {
		mems_add(x86_at(X86_NOREG, disps[k]));
		mems_add(x86_at(X86_RIP, disps[k]));
	}
	mems_add(x86_at_index(X86_RAX, X86_R12, 8, 1));
	mems_add(x86_at_index(X86_R13, X86_R13, 2, 0));
	mems_add(x86_at_index(X86_RSP, X86_RBP, 4, -128));
	mems_add(x86_at_index(X86_R12, X86_RDX, 1, INT32_MAX));
	mems_add(x86_at_index(X86_RBP, X86_R9, 1, 0));
	mems_add(x86_at_index(X86_NOREG, X86_R9, 8, INT32_MIN));
	mems_add(x86_at_index(X86_NOREG, X86_RBX, 1, -1));
	mems_add(x86_at_index(X86_NOREG, X86_R13, 2, 0));
	mems_add((struct x86_mem){.base = X86_NOREG, .seg = X86_SEG_FS});
	mems_add((struct x86_mem){
		.base = X86_R8, .disp = -8, .seg = X86_SEG_FS});
	mems_add((struct x86_mem){.base = X86_RSI, .seg = X86_SEG_GS});
	mems_add(x86_at_sym(&out_field));
	mems_add_sym(X86_RIP, 0, 0, -1);
	mems_add_sym(X86_RIP, 0, 0, INT32_MAX);
	mems_add_sym(X86_RBX, 0, 0, 0);
	mems_add_sym(X86_R13, X86_RCX, 8, 5);
	mems_add_sym(X86_R12, X86_RBP, 1, 0);
	mems_add_sym(X86_RBP, X86_RAX, 1, 0);
	mems_add_sym(X86_NOREG, X86_R10, 4, -129);
	mems_add_sym(X86_NOREG, X86_R10, 1, 0);
	mems_add_sym(X86_NOREG, 0, 0, 64);
	return 0;
}

/* ---- Addressing ---- */

static void address(struct x86_mem m)
{
	static unsigned r;

	r = (r + 5) & 15;
	CASE(x86_mov_rm(out, X86_SIZE_8, r, m), "mov", reg(8, r), mem(8, m));
	CASE(x86_mov_mr(out, X86_SIZE_1, m, r), "mov", mem(1, m), reg(1, r));
	CASE(x86_alu_mi(out, X86_ALU_XOR, X86_SIZE_4, m, 1000), "xor",
		mem(4, m), imm(4, 1000));
	m.fix = &out_field;
	CASE(x86_lea(out, X86_SIZE_8, r, m), "lea", reg(8, r), mem(0, m));
	CASE(x86_alu_mi(out, X86_ALU_CMP, X86_SIZE_2, m, 5), "cmp", mem(2, m),
		imm(2, 5));
}

static void addressing(void **state)
{
	(void)state;
	for (size_t k = 0; k < countof(disps); k++) {
		each_pair (b, x)
			for (unsigned s = 1; s <= 8; s *= 2)
				if (x != X86_RSP || (s == 1 && b != X86_RSP))
					address(x86_at_index(
						b, x, s, disps[k]));
		each_reg (x)
			for (unsigned s = 1; s <= 8; s *= 2)
				if (x != X86_RSP || s == 1)
					address(x86_at_index(
						X86_NOREG, x, s, disps[k]));
		each_reg (b)
			address(x86_at(b, disps[k]));
		address(x86_at(X86_RIP, disps[k]));
		address(x86_at(X86_NOREG, disps[k]));
	}
}

/* ---- Moves ---- */

static void mov(void **state)
{
	(void)state;
	each_size (s, 1) {
		each_pair (a, b)
			CASE(x86_mov_rr(out, s, a, b), "mov", reg(s, a),
				reg(s, b));
		each_mem (m)
			each_reg (r) {
				CASE(x86_mov_rm(out, s, r, m), "mov", reg(s, r),
					mem(s, m));
				CASE(x86_mov_mr(out, s, m, r), "mov", mem(s, m),
					reg(s, r));
			}
		each_mem (m)
			each_imm (v)
				CASE(x86_mov_mi(out, s, m, v), "mov", mem(s, m),
					imm(s, v));
	}
}

static void mov_constant(void **state)
{
	static const i64 wide[] = {UINT32_MAX, 1ll << 32, UINT32_MAX - 1,
		(1ll << 31) + 1, 1ll << 31, -(1ll << 31) - 1, INT64_MAX,
		INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 0x0123456789abcdef,
		-(1ll << 32)};

	(void)state;
	each_reg (r) {
		each_imm (v) {
			CASE(x86_mov_ri(out, r, v), "mov", reg(8, r),
				imm(8, v));
			CASE(x86_mov_r_u32(out, r, (u32)v), "mov", reg(4, r),
				imm(4, v));
			CASE(x86_mov_r_abs(out, r, v), "movabs", reg(8, r),
				imm(8, v));
			CASE(x86_mov_r_u32(out, r, (u32)v), "mov", reg(4, r),
				other(O_SYM, 4, v));
			CASE(x86_mov_r_i32(out, r, v), "mov", reg(8, r),
				other(O_SYM_SX, 8, v));
			CASE(x86_mov_r_abs(out, r, v), "movabs", reg(8, r),
				other(O_SYM, 8, v));
		}
		for (size_t k = 0; k < countof(wide); k++)
			CASE(x86_mov_ri(out, r, wide[k]),
				wide[k] == (i64)(u32)wide[k] ? "mov" : "movabs",
				reg(8, r), imm(8, wide[k]));
	}
}

static void mov_extending(void **state)
{
	(void)state;
	for (unsigned from = 1; from <= 2; from *= 2) {
		each_pair (a, b)
			CASE(x86_movzx_rr(out, from, a, b), "movzx", reg(4, a),
				reg(from, b));
		each_reg (a)
			each_mem (m)
				CASE(x86_movzx_rm(out, from, a, m), "movzx",
					reg(4, a), mem(from, m));
		each_size (to, 4) {
			each_pair (a, b)
				CASE(x86_movsx_rr(out, to, from, a, b), "movsx",
					reg(to, a), reg(from, b));
			each_reg (a)
				each_mem (m)
					CASE(x86_movsx_rm(out, to, from, a, m),
						"movsx", reg(to, a),
						mem(from, m));
		}
	}
	each_pair (a, b) {
		CASE(x86_movzx_rr(out, X86_SIZE_4, a, b), "mov", reg(4, a),
			reg(4, b));
		CASE(x86_movsx_rr(out, X86_SIZE_8, X86_SIZE_4, a, b), "movsxd",
			reg(8, a), reg(4, b));
	}
	each_reg (a)
		each_mem (m) {
			CASE(x86_movzx_rm(out, X86_SIZE_4, a, m), "mov",
				reg(4, a), mem(4, m));
			CASE(x86_movsx_rm(out, X86_SIZE_8, X86_SIZE_4, a, m),
				"movsxd", reg(8, a), mem(4, m));
		}
}

static void lea(void **state)
{
	(void)state;
	each_size (s, 4)
		each_reg (a)
			each_mem (m)
				if (!m.seg)
					CASE(x86_lea(out, s, a, m), "lea",
						reg(s, a), mem(0, m));
}

static void conditional(void **state)
{
	// clang-format off
	static const char *const cmov[] = {
		"cmovo", "cmovno", "cmovb", "cmovae", "cmove", "cmovne",
		"cmovbe", "cmova", "cmovs", "cmovns", "cmovp", "cmovnp",
		"cmovl", "cmovge", "cmovle", "cmovg"};
	static const char *const set[] = {
		"seto", "setno", "setb", "setae", "sete", "setne",
		"setbe", "seta", "sets", "setns", "setp", "setnp",
		"setl", "setge", "setle", "setg"};
	// clang-format on

	(void)state;
	for (unsigned cc = 0; cc < 16; cc++) {
		each_size (s, 2) {
			each_pair (a, b)
				CASE(x86_cmov_rr(out, cc, s, a, b), cmov[cc],
					reg(s, a), reg(s, b));
			each_mem (m) {
				unsigned a = (unsigned)(m_i + cc) & 15;

				CASE(x86_cmov_rm(out, cc, s, a, m), cmov[cc],
					reg(s, a), mem(s, m));
			}
		}
		each_reg (a)
			CASE(x86_set_r(out, cc, a), set[cc], reg(1, a));
		each_mem (m)
			CASE(x86_set_m(out, cc, m), set[cc], mem(1, m));
	}
}

static void push_pop_xchg(void **state)
{
	(void)state;
	each_size (s, 1) {
		each_pair (a, b)
			CASE(x86_xchg_rr(out, s, a, b), "xchg", reg(s, a),
				reg(s, b));
		each_reg (r)
			each_mem (m)
				CASE(x86_xchg_mr(out, s, m, r), "xchg",
					mem(s, m), reg(s, r));
	}
	each_reg (r) {
		CASE(x86_push_r(out, r), "push", reg(8, r));
		CASE(x86_pop_r(out, r), "pop", reg(8, r));
	}
	each_mem (m) {
		CASE(x86_push_m(out, m), "push", mem(8, m));
		CASE(x86_pop_m(out, m), "pop", mem(8, m));
	}
	each_imm (v)
		CASE(x86_push_i(out, v), "push", imm(8, v));
}

/* ---- Arithmetic and logic ---- */

static const char *const alu_name[] = {
	"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const char *const lock_name[] = {"lock add", "lock or", "lock adc",
	"lock sbb", "lock and", "lock sub", "lock xor"};

static void alu_regs(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 8; op++) {
		const char *name = alu_name[op];

		each_size (s, 1) {
			each_pair (a, b)
				CASE(x86_alu_rr(out, op, s, a, b), name,
					reg(s, a), reg(s, b));
			each_reg (a)
				each_imm (v)
					CASE(x86_alu_ri(out, op, s, a, v), name,
						reg(s, a), imm(s, v));
		}
		each_reg (a)
			each_imm (v) {
				CASE(x86_alu_r_i32(out, op, X86_SIZE_4, a, v),
					name, reg(4, a), other(O_SYM, 4, v));
				CASE(x86_alu_r_i32(out, op, X86_SIZE_8, a, v),
					name, reg(8, a), other(O_SYM_SX, 8, v));
			}
	}
}

static void alu_mem(void **state)
{
	(void)state;
	for (unsigned op = 0; op < 8; op++)
		each_size (s, 1)
			each_mem (m) {
				const char *name = alu_name[op];

				each_reg (r) {
					CASE(x86_alu_rm(out, op, s, r, m), name,
						reg(s, r), mem(s, m));
					CASE(x86_alu_mr(out, op, s, m, r), name,
						mem(s, m), reg(s, r));
				}
				each_imm (v)
					CASE(x86_alu_mi(out, op, s, m, v), name,
						mem(s, m), imm(s, v));
			}
}

static void test(void **state)
{
	(void)state;
	each_size (s, 1) {
		each_pair (a, b)
			CASE(x86_test_rr(out, s, a, b), "test", reg(s, a),
				reg(s, b));
		each_reg (a)
			each_imm (v)
				CASE(x86_test_ri(out, s, a, v), "test",
					reg(s, a), imm(s, v));
		each_mem (m) {
			each_reg (r)
				CASE(x86_test_mr(out, s, m, r), "test",
					mem(s, m), reg(s, r));
			each_imm (v)
				CASE(x86_test_mi(out, s, m, v), "test",
					mem(s, m), imm(s, v));
		}
	}
}

static const struct {
	enum x86_un op;
	const char *name, *lock;
} uns[] = {
	{X86_UN_NOT, "not", "lock not"},
	{X86_UN_NEG, "neg", "lock neg"},
	{X86_UN_INC, "inc", "lock inc"},
	{X86_UN_DEC, "dec", "lock dec"},
	{X86_UN_MUL, "mul", NULL},
	{X86_UN_IMUL, "imul", NULL},
	{X86_UN_DIV, "div", NULL},
	{X86_UN_IDIV, "idiv", NULL},
};

static void unary(void **state)
{
	(void)state;
	for (unsigned k = 0; k < countof(uns); k++)
		each_size (s, 1) {
			each_reg (r)
				CASE(x86_un_r(out, uns[k].op, s, r),
					uns[k].name, reg(s, r));
			each_mem (m)
				CASE(x86_un_m(out, uns[k].op, s, m),
					uns[k].name, mem(s, m));
		}
	CASE0(x86_cqo(out, X86_SIZE_2), "cwd");
	CASE0(x86_cqo(out, X86_SIZE_4), "cdq");
	CASE0(x86_cqo(out, X86_SIZE_8), "cqo");
}

static void imul(void **state)
{
	(void)state;
	each_size (s, 2) {
		each_pair (a, b) {
			CASE(x86_imul_rr(out, s, a, b), "imul", reg(s, a),
				reg(s, b));
			each_imm (v)
				CASE(x86_imul_rri(out, s, a, b, v), "imul",
					reg(s, a), reg(s, b), imm(s, v));
		}
		each_mem (m) {
			each_reg (a)
				CASE(x86_imul_rm(out, s, a, m), "imul",
					reg(s, a), mem(s, m));
			each_imm (v) {
				unsigned a = (unsigned)(m_i + v_i) & 15;

				CASE(x86_imul_rmi(out, s, a, m, v), "imul",
					reg(s, a), mem(s, m), imm(s, v));
			}
		}
	}
}

/* ---- Shifts and bits ---- */

static void shift(void **state)
{
	static const char *const name[] = {
		"rol", "ror", "rcl", "rcr", "shl", "shr", NULL, "sar"};

	(void)state;
	for (unsigned op = 0; op < 8; op++)
		each_size (s, 1) {
			if (!name[op])
				continue;
			each_reg (r) {
				CASE(x86_shift_r_cl(out, op, s, r), name[op],
					reg(s, r), reg(1, X86_RCX));
				each_count (c)
					CASE(x86_shift_ri(out, op, s, r, c),
						name[op], reg(s, r), count(c));
			}
			each_mem (m) {
				CASE(x86_shift_m_cl(out, op, s, m), name[op],
					mem(s, m), reg(1, X86_RCX));
				each_count (c)
					CASE(x86_shift_mi(out, op, s, m, c),
						name[op], mem(s, m), count(c));
			}
		}
}

static void shift_double(void **state)
{
	(void)state;
	each_size (s, 2)
		each_pair (a, b) {
			CASE(x86_shld_rr_cl(out, s, a, b), "shld", reg(s, a),
				reg(s, b), reg(1, X86_RCX));
			CASE(x86_shrd_rr_cl(out, s, a, b), "shrd", reg(s, a),
				reg(s, b), reg(1, X86_RCX));
			each_count (c) {
				CASE(x86_shld_rri(out, s, a, b, c), "shld",
					reg(s, a), reg(s, b), count(c));
				CASE(x86_shrd_rri(out, s, a, b, c), "shrd",
					reg(s, a), reg(s, b), count(c));
			}
		}
}

static void bit_test(void **state)
{
	static const char *const name[] = {"bt", "bts", "btr", "btc"};

	(void)state;
	for (unsigned op = X86_BIT_BT; op <= X86_BIT_BTC; op++)
		each_size (s, 2) {
			const char *n = name[op - X86_BIT_BT];

			each_pair (a, b)
				CASE(x86_bit_rr(out, op, s, a, b), n, reg(s, a),
					reg(s, b));
			each_count (c) {
				each_reg (r)
					CASE(x86_bit_ri(out, op, s, r, c), n,
						reg(s, r), count(c));
				each_mem (m)
					CASE(x86_bit_mi(out, op, s, m, c), n,
						mem(s, m), count(c));
			}
		}
}

static void byte_swap(void **state)
{
	(void)state;
	each_reg (r) {
		CASE(x86_bswap_r(out, X86_SIZE_2, r), "rol", reg(2, r),
			count(8));
		CASE(x86_bswap_r(out, X86_SIZE_4, r), "bswap", reg(4, r));
		CASE(x86_bswap_r(out, X86_SIZE_8, r), "bswap", reg(8, r));
		each_size (s, 2)
			each_mem (m) {
				CASE(x86_movbe_rm(out, s, r, m), "movbe",
					reg(s, r), mem(s, m));
				CASE(x86_movbe_mr(out, s, m, r), "movbe",
					mem(s, m), reg(s, r));
			}
	}
}

static void bmi(void **state)
{
	static const char *const name[] = {
		[X86_BMI_SHLX] = "shlx",
		[X86_BMI_SHRX] = "shrx",
		[X86_BMI_SARX] = "sarx",
		[X86_BMI_BEXTR] = "bextr",
		[X86_BMI_BZHI] = "bzhi",
		[X86_BMI_ANDN] = "andn",
	};

	(void)state;
	for (unsigned op = 0; op < X86_BMI_ANDN; op++)
		each_size (s, 4) {
			each_pair (a, b)
				each_reg (v)
					CASE(x86_bmi_rrr(out, op, s, a, b, v),
						name[op], reg(s, a), reg(s, b),
						reg(s, v));
			each_mem (m)
				each_reg (v) {
					unsigned a =
						(unsigned)(m_i + 3 * v) & 15;

					CASE(x86_bmi_rmr(out, op, s, a, m, v),
						name[op], reg(s, a), mem(s, m),
						reg(s, v));
				}
		}
	/* The manual has andn's inverted operand in the middle. */
	each_size (s, 4) {
		each_pair (a, b)
			each_reg (v)
				CASE(x86_bmi_rrr(out, X86_BMI_ANDN, s, a, b, v),
					"andn", reg(s, a), reg(s, v),
					reg(s, b));
		each_mem (m)
			each_reg (v) {
				unsigned a = (unsigned)(m_i + 5 * v) & 15;

				CASE(x86_bmi_rmr(out, X86_BMI_ANDN, s, a, m, v),
					"andn", reg(s, a), reg(s, v),
					mem(s, m));
			}
	}
}

static void rorx(void **state)
{
	(void)state;
	each_size (s, 4)
		each_count (c) {
			each_pair (a, b)
				CASE(x86_rorx_rri(out, s, a, b, c), "rorx",
					reg(s, a), reg(s, b), count(c));
			each_mem (m) {
				unsigned a = (unsigned)(m_i + c_i) & 15;

				CASE(x86_rorx_rmi(out, s, a, m, c), "rorx",
					reg(s, a), mem(s, m), count(c));
			}
		}
}

/* ---- Atomics and fences ---- */

static void locked(void **state)
{
	(void)state;
	for (unsigned op = 0; op < X86_ALU_CMP; op++)
		each_size (s, 1)
			each_mem (m) {
				each_reg (r)
					CASE(x86_lock_alu_mr(out, op, s, m, r),
						lock_name[op], mem(s, m),
						reg(s, r));
				each_imm (v)
					CASE(x86_lock_alu_mi(out, op, s, m, v),
						lock_name[op], mem(s, m),
						imm(s, v));
			}
	each_size (s, 1)
		each_mem (m)
			each_reg (r) {
				CASE(x86_lock_xadd_mr(out, s, m, r),
					"lock xadd", mem(s, m), reg(s, r));
				CASE(x86_lock_cmpxchg_mr(out, s, m, r),
					"lock cmpxchg", mem(s, m), reg(s, r));
			}
	for (unsigned k = 0; k < countof(uns); k++)
		if (uns[k].lock)
			each_size (s, 1)
				each_mem (m)
					CASE(x86_lock_un_m(
						     out, uns[k].op, s, m),
						uns[k].lock, mem(s, m));
}

static void plain(void **state)
{
	(void)state;
	CASE0(x86_mfence(out), "mfence");
	CASE0(x86_lfence(out), "lfence");
	CASE0(x86_pause(out), "pause");
	CASE0(x86_ret(out), "ret");
	CASE0(x86_leave(out), "leave");
	CASE0(x86_endbr64(out), "endbr64");
	CASE0(x86_int3(out), "int3");
	CASE0(x86_ud2(out), "ud2");
}

/* ---- Control flow ---- */

static void branches(void **state)
{
	// clang-format off
	static const char *const jcc[] = {
		"jo", "jno", "jb", "jae", "je", "jne", "jbe", "ja",
		"js", "jns", "jp", "jnp", "jl", "jge", "jle", "jg"};
	// clang-format on

	(void)state;
	for (int rel = INT8_MIN; rel <= INT8_MAX; rel++) {
		CASE(x86_jmp_rel8(out, (i8)rel), "jmp", other(O_REL8, 1, rel));
		for (unsigned cc = 0; cc < 16; cc++)
			CASE(x86_jcc_rel8(out, cc, (i8)rel), jcc[cc],
				other(O_REL8, 1, rel));
	}
	each_imm (rel) {
		CASE(x86_jmp_rel32(out, rel), "jmp", other(O_REL32, 4, rel));
		CASE(x86_call_rel32(out, rel), "call", other(O_REL32, 4, rel));
		for (unsigned cc = 0; cc < 16; cc++)
			CASE(x86_jcc_rel32(out, cc, rel), jcc[cc],
				other(O_REL32, 4, rel));
	}
}

static void indirect(void **state)
{
	(void)state;
	each_reg (r) {
		CASE(x86_jmp_r(out, r), "jmp", reg(8, r));
		CASE(x86_call_r(out, r), "call", reg(8, r));
		CASE(x86_notrack_jmp_r(out, r), "notrack jmp", reg(8, r));
	}
	each_mem (m) {
		CASE(x86_jmp_m(out, m), "jmp", mem(8, m));
		CASE(x86_call_m(out, m), "call", mem(8, m));
		if (m.seg)
			continue;
		m.seg = X86_SEG_NOTRACK;
		CASE(x86_jmp_m(out, m), "notrack jmp", mem(8, m));
	}
}

static void rel32_reach(void **state)
{
	i32 rel;

	(void)state;
	assert_true(x86_rel32_to(0x1000, 0x1000 + 0x7fffffffull, &rel));
	assert_int_equal(rel, INT32_MAX);
	assert_false(x86_rel32_to(0x1000, 0x1000 + 0x80000000ull, &rel));
	assert_true(x86_rel32_to(0x80001000, 0x1000, &rel));
	assert_int_equal(rel, INT32_MIN);
	assert_false(x86_rel32_to(0x80001001, 0x1000, &rel));
	assert_true(x86_rel32_to(~0ull, 1, &rel));
	assert_int_equal(rel, 2);
}

/* ---- Nops: table 4-12 of the manual, each one instruction ---- */

static void nop(void **state)
{
	struct insn i = {.name = "nop", .n = 1};

	(void)state;
	CASE0(x86_nop(out, 1), "nop");
	CASE(x86_nop(out, 2), "xchg", reg(2, X86_RAX), reg(2, X86_RAX));
	CASE(x86_nop(out, 3), "nop", mem(4, x86_at(X86_RAX, 0)));
	for (unsigned n = 4; n <= 9; n++) {
		unsigned size = n == 6 || n == 9 ? 2 : 4;
		bool sib = n != 4 && n != 7;

		i.force = n < 7 ? "{disp8} " : "{disp32} ";
		i.o[0] = mem(size, x86_at_index(X86_RAX, X86_RAX, sib, 0));
		case_add(x86_nop(out, n), &i);
	}
}

static void nops_fill(void **state)
{
	u8 buf[64];

	(void)state;
	for (unsigned n = 0; n <= 40; n++) {
		memset(buf, FILL, sizeof(buf));
		assert_ptr_equal(x86_nops(buf, n), buf + n);
		for (unsigned at = 0; at < n; at += 9) {
			unsigned len = n - at < 9 ? n - at : 9;
			u8 one[9];

			x86_nop(one, len);
			assert_memory_equal(buf + at, one, len);
		}
		assert_int_equal(buf[n], FILL);
	}
}

/* ---- XMM ---- */

static void xmm(void **state)
{
	(void)state;
	each_pair (a, b) {
		CASE(x86_xorps_rr(out, a, b), "xorps", xreg(a), xreg(b));
		CASE(x86_movd_rx(out, a, b), "movd", reg(4, a), xreg(b));
	}
	each_reg (a)
		each_mem (m) {
			CASE(x86_movq_rm(out, a, m), "movq", xreg(a),
				mem(8, m));
			CASE(x86_movq_mr(out, m, a), "movq", mem(8, m),
				xreg(a));
			CASE(x86_movups_rm(out, a, m), "movups", xreg(a),
				mem(16, m));
			CASE(x86_movups_mr(out, m, a), "movups", mem(16, m),
				xreg(a));
		}
}

/* ---- Addresses that do not exist must not become code ---- */

static void refused(struct x86_mem m)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGILL, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		x86_lea(out, X86_SIZE_8, X86_RAX, m);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void impossible(void **state)
{
	(void)state;
	refused(x86_at_index(X86_RAX, X86_RSP, 2, 0));
	refused(x86_at_index(X86_RSP, X86_RSP, 1, 0));
	refused(x86_at_index(X86_NOREG, X86_RSP, 2, 0));
	refused(x86_at_index(X86_RIP, X86_RAX, 1, 0));
	refused(x86_at_index(X86_RAX, X86_NOREG, 1, 0));
	refused(x86_at_index(X86_RAX, X86_RCX, 3, 0));
	refused(x86_at(16, 0));
}

/* ---- The judgement ---- */

static const struct as_target x86_as = {
	.name = "enc-x86",
	.flag = "--64",
	.header = ".intel_syntax noprefix\n",
	.slot = SLOT_MAX,
	.fill = FILL,
	.call = R_X86_64_PLT32,
	.branch = R_X86_64_PC32,
};

static void assembler_agrees(void **state)
{
	(void)state;
	printf("%zu cases\n", cases.n);
	assert_int_equal(as_check(&x86_as, as_path, as_dir), 0);
	assert_int_equal(cases.failed, 0);
}

static void exceptions_are_needed(void **state)
{
	(void)state;
	assert_int_equal(equal_unused(), 0);
}

static int start(void **state)
{
	memset(out_buf, FILL, ROOM);
	return disasm_init() ? -1 : mems_init(state);
}

static int finish(void **state)
{
	(void)state;
	disasm_fini();
	cases_fini();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addressing),
		cmocka_unit_test(mov),
		cmocka_unit_test(mov_constant),
		cmocka_unit_test(mov_extending),
		cmocka_unit_test(lea),
		cmocka_unit_test(conditional),
		cmocka_unit_test(push_pop_xchg),
		cmocka_unit_test(alu_regs),
		cmocka_unit_test(alu_mem),
		cmocka_unit_test(test),
		cmocka_unit_test(unary),
		cmocka_unit_test(imul),
		cmocka_unit_test(shift),
		cmocka_unit_test(shift_double),
		cmocka_unit_test(bit_test),
		cmocka_unit_test(byte_swap),
		cmocka_unit_test(bmi),
		cmocka_unit_test(rorx),
		cmocka_unit_test(locked),
		cmocka_unit_test(plain),
		cmocka_unit_test(branches),
		cmocka_unit_test(indirect),
		cmocka_unit_test(rel32_reach),
		cmocka_unit_test(nop),
		cmocka_unit_test(nops_fill),
		cmocka_unit_test(xmm),
		cmocka_unit_test(impossible),
		cmocka_unit_test(assembler_agrees),
		cmocka_unit_test(exceptions_are_needed),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s AS DIRECTORY\n", argv[0]);
		return 2;
	}
	as_path = argv[1];
	as_dir = argv[2];
	return cmocka_run_group_tests_name("enc-x86", tests, start, finish);
}
