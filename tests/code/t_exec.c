/*
 * Every IR operation, in each type and with each kind of operand that
 * selection distinguishes (register, constant on either side, memory, stored
 * back), executed on corner operands and compared with the interpreter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kiln/base.h"
#include "tests/code/check.h"

/* ---- text --------------------------------------------------------------------------- */

static char text[4096];
static size_t used;

static void begin(const char *head)
{
	used = (size_t)snprintf(text, sizeof(text), "%s", head);
}

static void add(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	used += (size_t)vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	assert_true(used < sizeof(text));
}

static void begin_fn(void)
{
	/* Symbols have numbers in the order in which they appear. */
	begin("fn t params=5 frame=64 {\nb0:\n"
	      "\tv990 = add.i64 @0, @1\n\tv991 = add.i64 @2, @3\n");
}

/* Ends by returning vN of the type. */
static void end_fn(u32 n, const char *ty)
{
	if (!strcmp(ty, "i32")) {
		add("\tv900 = zext v%u\n", n);
		n = 900;
	}
	add("\tret v%u\n}\n", n);
}

static void check_it(void)
{
	assert_true(check_text(text));
}

static const char *const types[] = {"i32", "i64"};

/* v1 and v2: the operands in the type; upper halves of an i32 are garbage. */
static void add_operands(const char *ty)
{
	if (!strcmp(ty, "i32"))
		add("\tv1 = trunc p1\n\tv2 = trunc p2\n");
	else
		add("\tv1 = or.i64 p1, 0\n\tv2 = or.i64 p2, 0\n");
}

static const char *suffix(const char *ty)
{
	return strcmp(ty, "i32") ? "" : "w";
}

static u32 width(const char *ty)
{
	return strcmp(ty, "i32") ? 8 : 4;
}

static const char *const constants[] = {"0", "1", "2", "3", "4", "5", "7", "8",
	"9", "10", "31", "32", "63", "100", "127", "128", "255", "256", "65535",
	"65536", "1000003", "0x7fffffff", "0x80000000", "0xffffffff", "-1",
	"-2", "-128", "-129", "-65536", "0xfffffffe", "0xfffeffff"};
static const char *const wide_constants[] = {"0x100000000", "0x10000000000",
	"0x7fffffffffffffff", "0x8000000000000000", "0xffffff7fffffffff",
	"0x123456789abcdef0", "0xffffffff00000000", "0xaaaaaaaaaaaaaaab",
	"0xffffffff7fffffff"};

typedef void (*with_const)(const char *op, const char *ty, const char *c);

static void each_const(const char *op, const char *ty, with_const fn)
{
	for (u32 k = 0; k < countof(constants); k++)
		fn(op, ty, constants[k]);
	for (u32 k = 0; k < countof(wide_constants) && width(ty) == 8; k++)
		fn(op, ty, wide_constants[k]);
}

/* ---- two operands -------------------------------------------------------------------- */

static const char *const binary[] = {"add", "sub", "mul", "mulhu", "udiv",
	"umod", "sdiv", "smod", "and", "or", "xor", "shl", "shr", "sar",
	"rotl"};

static void binary_const_right(const char *op, const char *ty, const char *c)
{
	begin_fn();
	add_operands(ty);
	add("\tv3 = %s.%s v1, %s%s\n", op, ty, c, suffix(ty));
	end_fn(3, ty);
	check_it();
}

static void binary_const_left(const char *op, const char *ty, const char *c)
{
	begin_fn();
	add_operands(ty);
	add("\tv3 = %s.%s %s%s, v2\n", op, ty, c, suffix(ty));
	end_fn(3, ty);
	check_it();
}

/* The operands stay alive behind the operation. */
static void binary_alive(const char *op, const char *ty)
{
	begin_fn();
	add_operands(ty);
	add("\tv3 = %s.%s v1, v2\n", op, ty);
	add("\tv4 = xor.%s v3, v1\n\tv5 = add.%s v4, v2\n", ty, ty);
	end_fn(5, ty);
	check_it();
}

static void binary_registers(const char *op, const char *ty)
{
	begin_fn();
	add_operands(ty);
	add("\tv3 = %s.%s v1, v2\n", op, ty);
	end_fn(3, ty);
	check_it();
	begin_fn();
	add_operands(ty);
	add("\tv3 = %s.%s v1, v1\n", op, ty);
	end_fn(3, ty);
	check_it();
}

static void binary_memory(const char *op, const char *ty)
{
	u32 n = width(ty);

	begin_fn();
	add_operands(ty);
	add("\tv3 = load%u.%s map [p0 + 8]\n", n, ty);
	add("\tv4 = %s.%s v1, v3\n", op, ty);
	end_fn(4, ty);
	check_it();
	begin_fn();
	add_operands(ty);
	add("\tv3 = load%u.%s map [p0]\n", n, ty);
	add("\tv4 = %s.%s v3, v2\n", op, ty);
	end_fn(4, ty);
	check_it();
}

/* *p = *p op v, in every size, either way around. */
static void binary_stored(const char *op, const char *ty)
{
	for (u32 n = 1; n <= width(ty); n *= 2)
		for (u32 form = 0; form < 4; form++) {
			begin_fn();
			add_operands(ty);
			add("\tv3 = load%u.%s map [p0]\n", n, ty);
			add(form == 0	    ? "\tv4 = %s.%s v3, v2\n"
				: form == 1 ? "\tv4 = %s.%s v2, v3\n"
				: form == 2 ? "\tv4 = %s.%s v3, 77%s\n"
					    : "\tv4 = %s.%s v3, -1%s\n",
				op, ty, suffix(ty));
			add("\tstore%u map [p0], v4\n", n);
			end_fn(2, ty);
			check_it();
		}
}

static void t_binary(void **state)
{
	const char *op = *state;

	for (u32 t = 0; t < countof(types); t++) {
		binary_registers(op, types[t]);
		binary_alive(op, types[t]);
		binary_memory(op, types[t]);
		binary_stored(op, types[t]);
		each_const(op, types[t], binary_const_right);
		each_const(op, types[t], binary_const_left);
	}
}

/* ---- one operand ---------------------------------------------------------------------- */

struct unary {
	const char *op; /* with its type */
	u32 from, to;
};

static const struct unary unaries[] = {
	{"neg.i32", 4, 4},
	{"neg.i64", 8, 8},
	{"zext", 4, 8},
	{"sext", 4, 8},
	{"trunc", 8, 4},
	{"sx8.i32", 4, 4},
	{"sx8.i64", 8, 8},
	{"sx16.i32", 4, 4},
	{"sx16.i64", 8, 8},
	{"zx8.i32", 4, 4},
	{"zx8.i64", 8, 8},
	{"zx16.i32", 4, 4},
	{"zx16.i64", 8, 8},
	{"bswap16", 4, 4},
	{"bswap.i32", 4, 4},
	{"bswap.i64", 8, 8},
};

static const char *type_of(u32 n)
{
	return n == 4 ? "i32" : "i64";
}

static void t_unary(void **state)
{
	(void)state;
	for (u32 k = 0; k < countof(unaries); k++) {
		const struct unary *u = &unaries[k];

		begin_fn();
		add_operands(type_of(u->from));
		add("\tv3 = %s v1\n", u->op);
		end_fn(3, type_of(u->to));
		check_it();
		for (u32 n = 1; n <= u->from; n *= 2)
			for (u32 sx = 0; sx < 2; sx++) {
				begin_fn();
				add("\tv1 = load%u.%s ctx [p0]%s\n", n,
					type_of(u->from), sx ? " sx" : "");
				add("\tv3 = %s v1\n", u->op);
				add("\tstore%u map [p0 + 16], v3\n", u->to);
				add("\tstore2 map [p0 + 24], v3\n");
				end_fn(3, type_of(u->to));
				check_it();
			}
	}
}

/* ---- conditions ------------------------------------------------------------------------- */

static const char *const ccs[] = {"eq", "ne", "ult", "uge", "ugt", "ule", "slt",
	"sge", "sgt", "sle", "tst", "ntst"};

/* A condition's operands are in v3 and v4, of type ty: as a value, a choice
 * and a branch. */
static void add_uses(
	const char *cc, const char *ty, const char *x, const char *y, u32 use)
{
	if (use == 0) {
		add("\tv10 = cmp.%s %s, %s\n\tv11 = zext v10\n\tret v11\n}\n",
			cc, x, y);
	} else if (use == 1) {
		add("\tv10 = sel.%s.%s %s, %s, v1, v2\n", cc, ty, x, y);
		end_fn(10, ty);
	} else if (use == 2) {
		add("\tv10 = sel.%s.%s %s, %s, 7%s, v1\n", cc, ty, x, y,
			suffix(ty));
		end_fn(10, ty);
	} else {
		add("\tbr.%s %s, %s, b1, b2\nb1:\n\tret p1\nb2:\n\tret p2\n}\n",
			cc, x, y);
	}
	check_it();
}

static void compare_registers(const char *cc, const char *ty)
{
	for (u32 use = 0; use < 4; use++) {
		begin_fn();
		add_operands(ty);
		add_uses(cc, ty, "v1", "v2", use);
	}
}

static void compare_const(const char *cc, const char *ty, const char *c)
{
	char k[32];

	snprintf(k, sizeof(k), "%s%s", c, suffix(ty));
	for (u32 use = 0; use < 4; use++) {
		begin_fn();
		add_operands(ty);
		add_uses(cc, ty, "v1", k, use);
		begin_fn();
		add_operands(ty);
		add_uses(cc, ty, k, "v1", use);
	}
}

/* Narrow values: memory of each size, and low bytes of a register. */
static void compare_narrow(const char *cc, const char *ty, const char *c)
{
	char k[32];

	snprintf(k, sizeof(k), "%s%s", c, suffix(ty));
	for (u32 n = 1; n <= width(ty); n *= 2)
		for (u32 sx = 0; sx < 2; sx++) {
			begin_fn();
			add_operands(ty);
			add("\tv3 = load%u.%s ctx [p0]%s\n", n, ty,
				sx ? " sx" : "");
			add_uses(cc, ty, "v3", k, 3);
		}
	for (u32 n = 8; n <= 16; n += 8) {
		begin_fn();
		add_operands(ty);
		add("\tv3 = zx%u.%s v1\n", n, ty);
		add_uses(cc, ty, "v3", k, 0);
	}
}

static void compare_memory(const char *cc, const char *ty)
{
	begin_fn();
	add_operands(ty);
	add("\tv3 = load%u.%s map [p0 + 8]\n", width(ty), ty);
	add_uses(cc, ty, "v1", "v3", 3);
	begin_fn();
	add_operands(ty);
	add("\tv3 = load%u.%s map [p0]\n", width(ty), ty);
	add_uses(cc, ty, "v3", "v2", 1);
}

/* The flags of an operation, asked about just behind it or further. */
static void compare_result(const char *cc, const char *ty)
{
	static const char *const ops[] = {
		"add", "sub", "and", "or", "xor", "shl", "neg"};

	for (u32 k = 0; k < countof(ops); k++)
		for (u32 between = 0; between < 3; between++) {
			begin_fn();
			add_operands(ty);
			if (k < 6)
				add("\tv3 = %s.%s v1, v2\n", ops[k], ty);
			else
				add("\tv3 = neg.%s v1\n", ty);
			if (between == 1)
				add("\tv4 = add.i64 p1, p2\n"
				    "\tstore8 map [p0 + 32], v4\n");
			if (between == 2)
				add("\tstore%u map [p0 + 32], v3\n", width(ty));
			add("\tbr.%s v3, 0%s, b1, b2\nb1:\n\tret p1\n"
			    "b2:\n\tret p2\n}\n",
				cc, suffix(ty));
			check_it();
		}
}

static void t_condition(void **state)
{
	const char *cc = *state;

	for (u32 t = 0; t < countof(types); t++) {
		compare_registers(cc, types[t]);
		compare_memory(cc, types[t]);
		compare_result(cc, types[t]);
		each_const(cc, types[t], compare_const);
		each_const(cc, types[t], compare_narrow);
	}
}

/* A choice between memory and a register, either way around. */
static void t_select_memory(void **state)
{
	(void)state;
	for (u32 t = 0; t < countof(types); t++)
		for (u32 form = 0; form < 3; form++) {
			begin_fn();
			add_operands(types[t]);
			add("\tv3 = load%u.%s ctx [p0 + 16]\n", width(types[t]),
				types[t]);
			add("\tv4 = sel.ult.%s v1, v2, %s\n", types[t],
				form == 0	       ? "v3, v2"
				: form == 1	       ? "v2, v3"
				: width(types[t]) == 4 ? "v3, 9w"
						       : "9, v3");
			end_fn(4, types[t]);
			check_it();
		}
}

/* ---- memory ---------------------------------------------------------------------------------- */

static const char *const addresses[] = {
	"[p0]",
	"[p0 + 40]",
	"[v50]", /* p0 + 24 */
	"[v50 - 8]",
	"[v52]", /* p0 + index */
	"[v54]", /* p0 + index * 8 */
	"[v56]", /* p0 + (index + 2) * 4 */
	"[fp-16]",
	"[v58]", /* fp - 64 + index */
	"[@0 + 16]",
	"[@0+8]",
	"[v60]", /* @0 + index */
	"[@2+8]",
};

static void add_addresses(void)
{
	add("\tstore8 stack [fp-8], p1\n\tstore8 stack [fp-16], p2\n"
	    "\tstore8 stack [fp-24], p1\n\tstore8 stack [fp-32], p2\n"
	    "\tstore8 stack [fp-40], p1\n\tstore8 stack [fp-48], p2\n"
	    "\tstore8 stack [fp-56], p1\n\tstore8 stack [fp-64], p2\n"
	    "\tv49 = and.i64 p1, 7\n"
	    "\tv50 = add.i64 p0, 24\n"
	    "\tv52 = add.i64 p0, v49\n"
	    "\tv53 = shl.i64 v49, 3\n\tv54 = add.i64 v53, p0\n"
	    "\tv55 = add.i64 v49, 2\n\tv57 = shl.i64 v55, 2\n"
	    "\tv56 = add.i64 p0, v57\n"
	    "\tv58 = add.i64 fp-64, v49\n"
	    "\tv59 = sub.i64 v49, 1\n\tv61 = add.i64 v59, 1\n"
	    "\tv60 = add.i64 @0, v61\n");
}

static void t_load(void **state)
{
	(void)state;
	for (u32 k = 0; k < countof(addresses); k++)
		for (u32 t = 0; t < 2; t++)
			for (u32 n = 1; n <= width(types[t]); n *= 2)
				for (u32 sx = 0; sx < 2; sx++) {
					begin_fn();
					add("\tstore8 map [p0 + 64], 1\n");
					add_addresses();
					add("\tv1 = load%u.%s unknown %s%s\n",
						n, types[t], addresses[k],
						sx ? " sx" : "");
					end_fn(1, types[t]);
					check_it();
				}
}

static void t_store(void **state)
{
	static const char *const values[] = {
		"p1", "0", "-1", "0x7fffffff", "0x123456789a", "v70"};

	(void)state;
	for (u32 k = 0; k < countof(addresses); k++)
		for (u32 n = 1; n <= 8; n *= 2)
			for (u32 v = 0; v < countof(values); v++) {
				begin_fn();
				add_addresses();
				add("\tv70 = zx8.i64 p2\n");
				add("\tstore%u unknown %s, %s\n", n,
					addresses[k], values[v]);
				add("\tv1 = load8.i64 stack [fp-16]\n"
				    "\tv2 = load8.i64 stack [fp-64]\n"
				    "\tv3 = xor.i64 v1, v2\n"
				    "\tv4 = load8.i64 unknown [@2+8]\n"
				    "\tv5 = xor.i64 v3, v4\n");
				end_fn(5, "i64");
				check_it();
			}
}

static void t_faulting(void **state)
{
	(void)state;
	begin_fn();
	add("\tv1 = load8.i64 btf [p0 + 8] fault\n"
	    "\tv2 = add.i64 v1, p1\n"
	    "\tstore8 map [p0 + 16], v2 fault\n");
	end_fn(2, "i64");
	check_it();
}

/* ---- atomics ---------------------------------------------------------------------------------- */

static const char *const rmws[] = {"add", "or", "and", "xor", "xchg"};

static void t_atomic(void **state)
{
	(void)state;
	for (u32 k = 0; k < countof(rmws); k++)
		for (u32 n = 4; n <= 8; n *= 2)
			for (u32 form = 0; form < 4; form++) {
				const char *v =
					form & 1 ? n == 4 ? "-3w" : "-3" : "v2";
				const char *ty = type_of(n);

				begin_fn();
				add_operands(ty);
				add("\tv49 = and.i64 p1, 7\n"
				    "\tv50 = shl.i64 v49, 3\n"
				    "\tv52 = add.i64 p0, v50\n");
				if (form < 2) {
					add("\tatomic%u.%s map [v52 + 8], %s\n",
						n, rmws[k], v);
					end_fn(1, ty);
				} else {
					add("\tv3 = fetch%u.%s.%s map [v52], "
					    "%s\n",
						n, rmws[k], ty, v);
					end_fn(3, ty);
				}
				check_it();
			}
}

static void t_cmpxchg(void **state)
{
	(void)state;
	for (u32 n = 4; n <= 8; n *= 2)
		for (u32 form = 0; form < 3; form++) {
			const char *ty = type_of(n);

			begin_fn();
			add_operands(ty);
			add("\tv3 = cmpxchg%u.%s map [p0 + 8], %s, %s\n", n, ty,
				form == 0   ? "v1"
				: form == 1 ? "v2"
				: n == 4    ? "1w"
					    : "1",
				form == 2 ? "v2" : "v1");
			end_fn(3, ty);
			check_it();
		}
}

static void t_ordered(void **state)
{
	(void)state;
	for (u32 n = 1; n <= 8; n *= 2) {
		begin_fn();
		add("\tv1 = loadacq%u.i64 map [p0 + 8]\n"
		    "\tv2 = add.i64 v1, p1\n"
		    "\tstorerel%u map [p0 + 16], v2\n"
		    "\tstorerel%u map [p0 + 32], 5\n",
			n, n, n);
		end_fn(2, "i64");
		check_it();
	}
}

/* ---- calls, flow ---------------------------------------------------------------------------------- */

static void t_call(void **state)
{
	(void)state;
	begin_fn();
	add("\tv1 = call.i64 fn @1(p1, p2, 3, p2, p1) none\n"
	    "\tv2 = call.i64 extern @3(v1, p1, 0, 0x123456789ab, v1) none\n"
	    "\tv3 = callx.i64 ptr(@1, v2, p2, v1, p1, 1) none\n"
	    "\tv4 = callx.i64 ptr(@3, v3, p2, v1, 0, 1) none\n"
	    "\tv5 = xor.i64 v4, p1\n\tv6 = add.i64 v5, v2\n"
	    "\tv7 = call.i64 fn @1(v6, v5, v3, v2, v1) none\n");
	end_fn(7, "i64");
	check_it();
}

/* The upper half of what a call returns as i32 counts for nothing. */
static void t_call_i32(void **state)
{
	(void)state;
	begin_fn();
	add("\tv1 = call.i32 fn @1(p1, p2, p1, p2, p1) none\n"
	    "\tv2 = zext v1\n\tv3 = sext v1\n\tv4 = xor.i64 v2, v3\n"
	    "\tv5 = add.i64 v4, v2\n");
	end_fn(5, "i64");
	check_it();
}

static void t_loop(void **state)
{
	(void)state;
	begin("fn t params=5 frame=16 {\nb0:\n\tjmp b1\n"
	      "b1:\n"
	      "\tv1 = phi.i64 [b0 0], [b1 v5]\n"
	      "\tv2 = phi.i64 [b0 p1], [b1 v6]\n"
	      "\tv3 = phi.i32 [b0 7w], [b1 v8]\n"
	      "\tv4 = phi.i64 [b0 p2], [b1 v2]\n"
	      "\tv5 = add.i64 v1, 1\n"
	      "\tv6 = add.i64 v4, v1\n"
	      "\tv7 = trunc v6\n"
	      "\tv8 = add.i32 v3, v7\n"
	      "\tbr.ult v5, 11, b1, b2\n"
	      "b2:\n\tv9 = zext v3\n\tv10 = xor.i64 v9, v6\n"
	      "\tv11 = zext v8\n\tv12 = add.i64 v10, v11\n\tret v12\n}\n");
	check_it();
	begin("fn t params=5 frame=16 {\nb0:\n\tjmp b1\n"
	      "b1:\n"
	      "\tv1 = phi.i32 [b0 9w], [b1 v2]\n"
	      "\tv2 = add.i32 v1, -1w\n"
	      "\tbr.ne v2, 0w, b1, b2\n"
	      "b2:\n\tv3 = zext v1\n\tret v3\n}\n");
	check_it();
}

/* A phi of i32 whose inputs include a bare truncation. */
static void t_phi_truncated(void **state)
{
	(void)state;
	begin("fn t params=5 {\nb0:\n\tv1 = trunc p1\n"
	      "\tbr.ult p1, p2, b1, b2\n"
	      "b1:\n\tv2 = add.i32 v1, 1w\n\tjmp b2\n"
	      "b2:\n\tv3 = phi.i32 [b0 v1], [b1 v2]\n"
	      "\tv4 = zext v3\n\tret v4\n}\n");
	check_it();
}

/* More values alive at once than there are registers. */
static void t_pressure(void **state)
{
	enum { N = 24 };

	(void)state;
	begin_fn();
	add("\tv1 = add.i64 p1, p2\n");
	for (u32 k = 0; k < N; k++)
		add("\tv%u = mul.i64 v%u, %u\n", 100 + k, k ? 99 + k : 1,
			k * 2 + 3);
	for (u32 k = 0; k < N; k++)
		add("\tv%u = %s.i64 v%u, v%u\n", 200 + k,
			k % 3 == 0   ? "xor"
			: k % 3 == 1 ? "add"
				     : "sub",
			k ? 199 + k : 1, 100 + (k * 7) % N);
	end_fn(200 + N - 1, "i64");
	check_it();
}

int main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;

	for (u32 k = 0; k < countof(binary); k++)
		tests[n++] = (struct CMUnitTest){.name = binary[k],
			.test_func = t_binary,
			.initial_state = (void *)binary[k]};
	for (u32 k = 0; k < countof(ccs); k++)
		tests[n++] = (struct CMUnitTest){.name = ccs[k],
			.test_func = t_condition,
			.initial_state = (void *)ccs[k]};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(t_unary),
		cmocka_unit_test(t_select_memory),
		cmocka_unit_test(t_load),
		cmocka_unit_test(t_store),
		cmocka_unit_test(t_faulting),
		cmocka_unit_test(t_atomic),
		cmocka_unit_test(t_cmpxchg),
		cmocka_unit_test(t_ordered),
		cmocka_unit_test(t_call),
		cmocka_unit_test(t_call_i32),
		cmocka_unit_test(t_loop),
		cmocka_unit_test(t_phi_truncated),
		cmocka_unit_test(t_pressure),
	};
	memcpy(tests + n, others, sizeof(others));
	n += countof(others);
	return _cmocka_run_group_tests("exec", tests, n, NULL, NULL);
}
