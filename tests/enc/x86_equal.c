/*
 * The one table of exceptions: where the encoders choose other bytes than GNU
 * as does for the instruction asked for. A row turns the instruction into the
 * equal one that must come out; GNU as and Capstone judge that one. Written
 * from the manual, not from enc.h.
 */
#include <stdio.h>
#include <string.h>

#include "x86_case.h"

static bool is(const struct insn *i, const char *name)
{
	return !strcmp(i->name, name);
}

static struct opd *mem_of(struct insn *i)
{
	for (unsigned k = 0; k < i->n; k++)
		if (i->o[k].kind == O_MEM)
			return &i->o[k];
	return NULL;
}

static bool is_reg(const struct opd *o, unsigned size)
{
	return o->kind == O_REG && o->size == size;
}

static bool is_bp(unsigned r)
{
	return r == X86_RBP || r == X86_R13;
}

static bool index_alone_1(struct insn *i)
{
	struct opd *o = mem_of(i);

	if (!o || o->m.base != X86_NOREG || o->m.scale != 1)
		return false;
	o->m.base = o->m.index;
	o->m.scale = 0;
	return true;
}

static bool index_alone_2(struct insn *i)
{
	struct opd *o = mem_of(i);

	if (!o || o->m.base != X86_NOREG || o->m.scale != 2)
		return false;
	o->m.base = o->m.index;
	o->m.scale = 1;
	return true;
}

static void swap_index(struct x86_mem *m)
{
	u8 base = m->base;

	m->base = m->index;
	m->index = base;
}

static bool index_rsp(struct insn *i)
{
	struct opd *o = mem_of(i);

	if (!o || o->m.scale != 1 || o->m.index != X86_RSP)
		return false;
	swap_index(&o->m);
	return true;
}

static bool base_bp(struct insn *i)
{
	struct opd *o = mem_of(i);

	if (!o || o->m.scale != 1 || o->m.disp || o->m.fix ||
		!is_bp(o->m.base) || is_bp(o->m.index))
		return false;
	swap_index(&o->m);
	return true;
}

static bool and_wide(struct insn *i)
{
	if (!is(i, "and") || !is_reg(&i->o[0], 8) || i->o[1].kind != O_IMM ||
		i->o[1].imm < 0)
		return false;
	i->o[0].size = i->o[1].size = 4;
	return true;
}

static bool test_wide(struct insn *i)
{
	if (!is(i, "test") || !is_reg(&i->o[0], 8) || i->o[1].kind != O_IMM ||
		i->o[1].imm < 128)
		return false;
	i->o[0].size = i->o[1].size = 4;
	return true;
}

static bool test_narrow(struct insn *i)
{
	if (!is(i, "test") || i->o[0].kind != O_REG || i->o[0].size == 1 ||
		i->o[1].kind != O_IMM || i->o[1].imm < 0 || i->o[1].imm > 127)
		return false;
	i->o[0].size = i->o[1].size = 1;
	return true;
}

static bool mov_u32(struct insn *i)
{
	if (!is(i, "mov") || !is_reg(&i->o[0], 8) || i->o[1].kind != O_IMM ||
		i->o[1].imm < 0 || i->o[1].imm > UINT32_MAX)
		return false;
	i->o[0].size = i->o[1].size = 4;
	return true;
}

static bool movsx_rax(struct insn *i)
{
	bool d = is(i, "movsxd") && is_reg(&i->o[0], 8);
	bool w = is(i, "movsx") && is_reg(&i->o[0], 4) && is_reg(&i->o[1], 2);

	if (!(d || w) || i->o[1].kind != O_REG || i->o[0].reg != X86_RAX ||
		i->o[1].reg != X86_RAX)
		return false;
	i->name = d ? "cdqe" : "cwde";
	i->n = 0;
	return true;
}

static bool xchg_order(struct insn *i)
{
	struct opd r = i->o[0];

	if (!is(i, "xchg") || r.kind != O_REG || r.size == 1 ||
		i->o[1].kind != O_REG || i->o[1].reg != X86_RAX ||
		r.reg == X86_RAX)
		return false;
	i->o[0] = i->o[1];
	i->o[1] = r;
	return true;
}

static bool xchg_nop(struct insn *i)
{
	if (!is(i, "xchg") || i->o[0].kind != O_REG || i->o[1].kind != O_REG ||
		i->o[0].size == 1 || i->o[0].size == 4 ||
		i->o[0].reg != X86_RAX || i->o[1].reg != X86_RAX)
		return false;
	i->name = "nop";
	i->n = 0;
	return true;
}

static struct row {
	const char *name;
	bool (*apply)(struct insn *i);
	bool differs; /* as cannot write it: Capstone alone judges */
	const char *why;
	unsigned used;
} rows[] = {
	{"[r*1+d] is [r+d]", index_alone_1, false,
		"no SIB, and disp8 becomes possible", 0},
	{"[r*2+d] is [r+r*1+d]", index_alone_2, false,
		"disp8 or none becomes possible", 0},
	{"[b+rsp*1] is [rsp+b*1]", index_rsp, false, "RSP is no index", 0},
	{"[rbp+r*1] is [r+rbp*1]", base_bp, false,
		"RBP and R13 as a base need a disp8 of 0", 0},
	{"and r64, i >= 0 is and r32, i", and_wide, false,
		"bits 63..31 of the result are 0 both ways: no REX.W", 0},
	{"test r64, i >= 0 is test r32, i", test_wide, false,
		"bits 63..31 of the result are 0 both ways: no REX.W", 0},
	{"test r, 0..127 is test r8, i", test_narrow, false,
		"bits 63..7 of the result are 0 both ways: imm8", 0},
	{"mov r64, u32 is mov r32, u32", mov_u32, false,
		"a 32-bit result zero-extends", 0},
	{"movsx of rax to itself is cdqe, cwde", movsx_rax, false,
		"one byte instead of two or three", 0},
	{"xchg r, rax is xchg rax, r", xchg_order, false,
		"90+r; GNU as takes either order, Capstone prints this one", 0},
	{"xchg ax, ax and xchg rax, rax are nop", xchg_nop, true,
		"90+r with its prefix; GNU as writes nop without prefix", 0},
};

bool equal_apply(struct insn *i)
{
	bool differs = false;

	for (unsigned k = 0; k < countof(rows); k++) {
		if (!rows[k].apply(i))
			continue;
		rows[k].used++;
		differs |= rows[k].differs;
	}
	return differs;
}

unsigned equal_unused(void)
{
	unsigned n = 0;

	for (unsigned k = 0; k < countof(rows); k++) {
		if (rows[k].used)
			continue;
		fprintf(stderr, "never used: %s (%s)\n", rows[k].name,
			rows[k].why);
		n++;
	}
	return n;
}
