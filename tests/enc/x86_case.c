/*
 * Collects cases: text for the assembler, expected bytes and relocation.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86_case.h"

struct cases cases;

enum { MAX_REPORTS = 20 };

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

void case_fail(const char *why, const char *text, const u8 *got, size_t len)
{
	if (cases.failed++ >= MAX_REPORTS)
		return;
	fprintf(stderr, "%s: %s:", text, why);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, " %02x", got[i]);
	fputc('\n', stderr);
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
	const u8 *f = cases.field;
	i64 addend = o->m.disp;

	if (!o->m.fix)
		return NULL;
	if (f < cases.buf || f + 4 > end)
		return "field outside the instruction";
	if ((i32)get_le32(f) != o->m.disp)
		return "field without the displacement";
	if (o->m.base == X86_RIP)
		addend = x86_pcrel_addend(f, end, addend);
	want_reloc(w, disp_reloc(i, o), (size_t)(f - cases.buf), 4, addend);
	return NULL;
}

/* Fields at the end: immediates and rel32. */
static const char *want_tail(struct want *w, const struct opd *o, const u8 *end)
{
	u32 size = o->kind == O_SYM && o->size == 8 ? 8 : 4;
	size_t at = (size_t)(end - cases.buf) - size;
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

	memcpy(w->bytes, cases.buf, SLOT);
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

static u32 text_add(const char *s)
{
	size_t n = strlen(s) + 1, at = cases.text_len;

	while (at + n > cases.text_cap) {
		cases.text_cap = cases.text_cap * 2 + 65536;
		cases.text = realloc(cases.text, cases.text_cap);
		if (!cases.text)
			abort();
	}
	memcpy(cases.text + at, s, n);
	cases.text_len += n;
	return (u32)at;
}

static struct want *want_add(void)
{
	if (cases.n == cases.cap) {
		cases.cap = cases.cap * 2 + 4096;
		cases.v = realloc(cases.v, cases.cap * sizeof(*cases.v));
		if (!cases.v)
			abort();
	}
	memset(&cases.v[cases.n], 0, sizeof(*cases.v));
	return &cases.v[cases.n++];
}

static bool only_fill(const u8 *p, const u8 *end)
{
	while (p < end)
		if (*p++ != FILL)
			return false;
	return true;
}

/* The encoder has written cases.buf up to end; *want is what it was asked. */
void case_add(const u8 *end, const struct insn *want)
{
	struct insn i = *want;
	bool differs = equal_apply(&i);
	size_t len = (size_t)(end - cases.buf);
	struct want *w = want_add();
	const char *err;
	char text[128];

	insn_print(text, sizeof(text), &i, len);
	w->text = text_add(text);
	w->differs = differs;
	if (len == 0 || len >= SLOT)
		err = "no length of an instruction";
	else if (!only_fill(end, cases.buf + ROOM))
		err = "wrote behind the end";
	else
		err = want_fill(w, &i, end);
	if (!err)
		err = disasm_check(cases.buf, len, &i);
	if (err)
		case_fail(err, text, cases.buf, len < ROOM ? len : ROOM);
	memset(cases.buf, FILL, ROOM);
	cases.field = NULL;
}
