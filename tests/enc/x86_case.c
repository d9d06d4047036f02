/*
 * Cases of x86-64: text for the assembler, expected bytes and relocation.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86_case.h"

u8 out_buf[ROOM], *out_field;

/* ---- Text ---- */

static const char *reg_name(enum x86_gpr r, unsigned size)
{
	static const char *const names[][16] = {
		{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b",
			"r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"},
		{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w",
			"r10w", "r11w", "r12w", "r13w", "r14w", "r15w"},
		{"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d",
			"r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"},
		{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
			"r9", "r10", "r11", "r12", "r13", "r14", "r15"},
	};

	if (r == X86_RIP)
		return "rip";
	return names[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3][r];
}

static const char *ptr_name(unsigned size)
{
	switch (size) {
	case 1: return "byte ptr ";
	case 2: return "word ptr ";
	case 4: return "dword ptr ";
	case 8: return "qword ptr ";
	case 16: return "xmmword ptr ";
	default: return "";
	}
}

static void mem_print(FILE *f, const struct opd *o)
{
	const struct x86_mem *m = &o->m;
	const char *plus = "";

	fprintf(f, "%s%s[", ptr_name(o->size),
		m->seg == X86_SEG_FS   ? "fs:"
		: m->seg == X86_SEG_GS ? "gs:"
				       : "");
	if (m->base != X86_NOREG) {
		fputs(reg_name(m->base, 8), f);
		plus = "+";
	}
	if (m->scale) {
		fprintf(f, "%s%s*%d", plus, reg_name(m->index, 8), m->scale);
		plus = "+";
	}
	if (m->fix) {
		fprintf(f, "%ssym", plus);
		plus = "+";
	}
	fprintf(f, "%s%d]", m->disp < 0 ? "" : plus, m->disp);
}

static void opd_print(FILE *f, const struct opd *o, size_t len)
{
	long long v = o->imm;

	switch (o->kind) {
	case O_REG: fputs(reg_name(o->reg, o->size), f); break;
	case O_XMM: fprintf(f, "xmm%d", o->reg); break;
	case O_MEM: mem_print(f, o); break;
	case O_IMM: fprintf(f, "%lld", v); break;
	case O_SYM:
	case O_SYM_SX: fprintf(f, "offset sym%+lld", v); break;
	case O_REL8: fprintf(f, ".%+lld", v + (long long)len); break;
	case O_REL32: fprintf(f, "sym%+lld", v); break;
	case O_NONE: break;
	}
}

/* len: of the instruction; branches need it. */
void insn_print(char *buf, size_t size, const struct insn *i, size_t len)
{
	FILE *f = fmemopen(buf, size, "w");

	if (!f)
		abort();
	fprintf(f, "%s%s%s%s", i->force ? i->force : "", i->lock ? "lock " : "",
		i->notrack ? "notrack " : "", i->name);
	for (unsigned k = 0; k < i->n; k++) {
		fputs(k ? ", " : " ", f);
		opd_print(f, &i->o[k], len);
	}
	fputc(0, f);
	fclose(f);
}

/* ---- What the assembler must say ---- */

/* A field of `size` bytes that GNU as leaves 0 and gives a relocation. */
static void want_reloc(
	struct want *w, u32 type, size_t at, u32 size, i64 addend)
{
	w->reloc = type;
	w->at = (u32)at;
	w->addend = addend;
	memset(w->bytes + at, 0, size);
}

/* The relocation of a displacement. An address of 32 bits (lea) is unsigned. */
static u32 disp_reloc(const struct insn *i, const struct opd *o)
{
	if (o->m.base == X86_RIP)
		return R_X86_64_PC32;
	return o->size == 0 && i->o[0].size == 4 ? R_X86_64_32 : R_X86_64_32S;
}

static const char *want_mem(struct want *w, const struct insn *i,
	const struct opd *o, const u8 *end)
{
	const u8 *f = out_field;
	i64 addend = o->m.disp;

	if (!o->m.fix)
		return NULL;
	if (f < out_buf || f + 4 > end)
		return "field outside the instruction";
	if ((i32)get_le32(f) != o->m.disp)
		return "field without the displacement";
	if (o->m.base == X86_RIP)
		addend = x86_pcrel_addend(f, end, addend);
	want_reloc(w, disp_reloc(i, o), (size_t)(f - out_buf), 4, addend);
	return NULL;
}

/* Fields at the end: immediates and rel32. */
static const char *want_tail(struct want *w, const struct opd *o, const u8 *end)
{
	u32 size = o->kind == O_SYM && o->size == 8 ? 8 : 4;
	size_t at = (size_t)(end - out_buf) - size;
	u32 type = size == 8 ? R_X86_64_64 : R_X86_64_32;

	if (o->kind == O_SYM_SX)
		type = R_X86_64_32S;
	if (o->kind == O_REL32) {
		if ((i32)get_le32(end - 4) != o->imm)
			return "field without the distance";
		want_reloc(w, R_X86_64_PC32, at, size,
			x86_pcrel_addend(end - 4, end, o->imm));
		return NULL;
	}
	if (size == 8 ? (i64)get_le64(end - 8) != o->imm
		      : get_le32(end - 4) != (u32)o->imm)
		return "field without the immediate";
	want_reloc(w, type, at, size, o->imm);
	return NULL;
}

static const char *want_fill(
	struct want *w, const struct insn *i, const u8 *end)
{
	const char *err = NULL;

	memcpy(w->bytes, out_buf, SLOT_MAX);
	for (unsigned k = 0; k < i->n && !err; k++) {
		const struct opd *o = &i->o[k];

		if (o->kind == O_MEM)
			err = want_mem(w, i, o, end);
		else if (o->kind == O_SYM || o->kind == O_SYM_SX ||
			 o->kind == O_REL32)
			err = want_tail(w, o, end);
	}
	return err;
}

/* ---- Adding ---- */

static bool only_fill(const u8 *p, const u8 *end)
{
	while (p < end)
		if (*p++ != FILL)
			return false;
	return true;
}

/* The encoder has written out_buf up to end; *want is what it was asked. */
void case_add(const u8 *end, const struct insn *want)
{
	struct insn i = *want;
	bool differs = equal_apply(&i);
	size_t len = (size_t)(end - out_buf);
	struct want *w;
	const char *err;
	char text[128];

	insn_print(text, sizeof(text), &i, len);
	w = case_new(text);
	w->differs = differs;
	if (len == 0 || len >= SLOT_MAX)
		err = "no length of an instruction";
	else if (!only_fill(end, out_buf + ROOM))
		err = "wrote behind the end";
	else
		err = want_fill(w, &i, end);
	if (!err)
		err = disasm_check(out_buf, len, &i);
	if (err)
		case_fail(err, text, out_buf, len < ROOM ? len : ROOM);
	memset(out_buf, FILL, ROOM);
	out_field = NULL;
}
