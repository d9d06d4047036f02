/*
 * Every slot a valid instruction. At the start insns hold the raw fields of
 * the input, with symbols where a relocation named one; at the end each has
 * its form (isa.def), lddw pairs are joined, every jump goes to an
 * instruction of the same function, and no function is left by falling off
 * its end. Unreachable instructions are held to the same rules.
 */
#include <errno.h>
#include <string.h>

#include "frontend/code.h"

struct decode {
	struct module *m;
	const struct func *f;
	u8 first[256]; /* code -> 1 + first row with it */
};

/* ---- diagnostics --------------------------------------------------------- */

void fe_bad(const struct module *m, const struct func *f, i64 slot,
	const char *fmt, ...)
{
	struct loc l = module_loc(m, f, slot);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(m->diag, &l, "%s", text);
}

void fe_unsafe(const struct module *m, const struct func *f, i64 slot,
	const char *fmt, ...)
{
	struct loc l = module_loc(m, f, slot);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_warn(m->diag, &l, "%s", text);
}

#define bad(d, slot, ...) fe_bad((d)->m, (d)->f, slot, __VA_ARGS__)

/* ---- fields -------------------------------------------------------------- */

static const char *sel_name(u8 sel)
{
	return sel == ISA_SEL_OFF   ? "offset"
	       : sel == ISA_SEL_IMM ? "immediate"
				    : "source register field";
}

/* No form of this code has the selector's value: says which do. */
static void bad_selector(struct decode *d, u32 slot, const struct insn *i)
{
	const struct isa_row *r = &isa_rows[d->first[i->code] - 1];
	i32 got = isa_selector(r, i);
	char wanted[128];
	size_t n = 0;

	for (const struct isa_row *k = r;
		k < isa_rows + isa_nrows && k->code == i->code; k++)
		n += (size_t)snprintf(wanted + n, sizeof(wanted) - n,
			r->kind >= ISA_ATOMIC ? "%s0x%x" : "%s%d",
			k > r ? ", " : "", k->val);
	bad(d, slot, "opcode 0x%02x: %s %d, wanted %s%s", i->code,
		sel_name(r->sel), got, strchr(wanted, ',') ? "one of " : "",
		wanted);
}

static const struct isa_row *find_form(
	struct decode *d, u32 slot, const struct insn *i)
{
	u32 k = d->first[i->code];

	if (!k) {
		bad(d, slot, "unknown opcode 0x%02x", i->code);
		return NULL;
	}
	for (k--; k < isa_nrows && isa_rows[k].code == i->code; k++) {
		const struct isa_row *r = &isa_rows[k];

		if (r->sel == ISA_SEL_NONE || isa_selector(r, i) == r->val)
			return r;
	}
	bad_selector(d, slot, i);
	return NULL;
}

static void check_reg(
	struct decode *d, u32 slot, const char *field, u8 rule, u8 reg)
{
	if (rule == ISA_F_SEL)
		return;
	if (rule == ISA_F_0 && reg)
		bad(d, slot, "reserved %s register field is %u, wanted 0",
			field, reg);
	else if (reg > 10)
		bad(d, slot, "%s register r%u, wanted r0 to r10", field, reg);
	else if (reg == 10 && (rule & ISA_F_W))
		bad(d, slot, "r10 is read-only: writes go to r0 to r9");
}

/* Compilers once had the register of a callx there. */
static void check_no_imm(struct decode *d, u32 slot, const struct insn *i,
	const struct isa_row *r)
{
	if (!i->imm)
		return;
	if (r->kind == ISA_CALLX && !i->dst && i->imm > 0 && i->imm < 10)
		bad(d, slot,
			"callx with its register in the immediate (r%d), as "
			"clang before 19 has it, wanted it in the destination "
			"field",
			i->imm);
	else
		bad(d, slot, "reserved immediate is %d, wanted 0", i->imm);
}

static void check_fields(struct decode *d, u32 slot, const struct insn *i,
	const struct isa_row *r)
{
	check_reg(d, slot, "destination", r->dst, i->dst);
	check_reg(d, slot, "source", r->src, i->src);
	if (r->off == ISA_F_0 && i->off)
		bad(d, slot, "reserved offset is %d, wanted 0", i->off);
	if (r->imm == ISA_F_0)
		check_no_imm(d, slot, i, r);
	if (r->kind == ISA_CAST && i->imm != 1 && i->imm != 1 << 16)
		bad(d, slot, "address space cast 0x%x, wanted 0x1 or 0x10000",
			(u32)i->imm);
}

/* ---- lddw ---------------------------------------------------------------- */

/* The slot behind an lddw becomes its upper half. */
static void pair_lddw(struct decode *d, u32 slot, struct insn *i)
{
	if (slot + 1 == d->f->n) {
		bad(d, slot, "second slot of the 64-bit load is missing");
		return;
	}

	struct insn *hi = i + 1;
	if (hi->code || hi->dst || hi->src || hi->off)
		bad(d, slot + 1,
			"second slot of a 64-bit load: opcode 0x%02x, "
			"registers %u and %u, offset %d, wanted all 0",
			hi->code, hi->dst, hi->src, hi->off);
	hi->second = true;
	i->imm_hi = hi->imm;
}

/* An operand that only a loader with file descriptors or BTF ids can fill. */
static void check_lddw(struct decode *d, u32 slot, const struct insn *i)
{
	static const char *const what[] = {
		[ISA_A_MAPFD] = "a map by file descriptor",
		[ISA_A_MAPFDVAL] = "a map value by file descriptor",
		[ISA_A_VAR] = "a kernel variable by BTF id",
		[ISA_A_FUNC] = "a function by distance",
		[ISA_A_MAPIDX] = "a map by index",
		[ISA_A_MAPIDXVAL] = "a map value by index",
	};

	if (i->sym != SYM_NONE || i->src == ISA_A_IMM64)
		return;
	if (i->src == ISA_A_FUNC && i->imm_hi)
		bad(d, slot, "upper half of a function address is %d, wanted 0",
			i->imm_hi);
	else if (i->src != ISA_A_FUNC)
		bad(d, slot, "64-bit load of %s, wanted a relocation",
			what[i->src]);
}

/* ---- jumps --------------------------------------------------------------- */

static void check_jump(struct decode *d, u32 slot, const struct insn *i)
{
	i64 to = slot + 1 + isa_jump(i);

	if (to < 0 || to >= d->f->n)
		bad(d, slot, "jump to %lld leaves the function, wanted 0 to %u",
			(long long)to, d->f->n - 1);
	else if (fe_insn(d->m, d->f, (u32)to)->second)
		bad(d, slot, "jump to %lld, the second half of a 64-bit load",
			(long long)to);
}

static void check_end(struct decode *d, u32 slot, const struct insn *i)
{
	const struct isa_row *r = isa_row(i);

	if (r->kind != ISA_EXIT && r->kind != ISA_JA)
		bad(d, slot,
			"control falls off the end of the function, wanted "
			"exit or goto");
}

static void check_control(struct decode *d)
{
	u32 last = 0;

	for (u32 s = 0; s < d->f->n; s++) {
		const struct insn *i = fe_insn(d->m, d->f, s);

		if (i->second)
			continue;
		last = s;
		if (!i->form)
			continue;
		const struct isa_row *r = isa_row(i);
		if (r->off == ISA_F_JMP || r->imm == ISA_F_JMP)
			check_jump(d, s, i);
	}
	if (fe_insn(d->m, d->f, last)->form)
		check_end(d, last, fe_insn(d->m, d->f, last));
}

/* ---- stage --------------------------------------------------------------- */

static void decode_func(struct decode *d)
{
	if (!d->f->n)
		bad(d, -1, "no instructions");
	for (u32 s = 0; s < d->f->n; s++) {
		struct insn *i = fe_insn(d->m, d->f, s);

		if (i->second)
			continue;
		const struct isa_row *r = find_form(d, s, i);
		if (!r) {
			if (i->code == 0x18) /* one error for the pair */
				pair_lddw(d, s, i);
			continue;
		}
		i->form = (u8)(r - isa_rows + 1);
		check_fields(d, s, i, r);
		if (r->kind == ISA_LDDW) {
			pair_lddw(d, s, i);
			check_lddw(d, s, i);
		}
	}
}

int fe_decode(struct module *m)
{
	struct decode d = {.m = m};
	u32 errors = m->diag->errors;

	for (u32 k = isa_nrows; k-- > 0;)
		d.first[isa_rows[k].code] = (u8)(k + 1);
	for (u32 k = 0; k < m->func.n; k++) {
		d.f = &m->func.v[k];
		decode_func(&d);
	}
	if (m->diag->errors == errors)
		fe_split(m);
	for (u32 k = 0; m->diag->errors == errors && k < m->func.n; k++) {
		d.f = &m->func.v[k];
		check_control(&d);
	}
	return m->diag->errors == errors ? 0 : -EINVAL;
}
