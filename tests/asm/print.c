/*
 * Instructions to text that the assembler turns back into the same bytes.
 * Targets become labels: L<slot> for jumps, f<slot> for functions.
 */
#include <stdlib.h>

#include "asm.h"
#include "names.h"

enum { MARK_JUMP = 1, MARK_FUNC = 2, MARK_SECOND = 4 };

struct line {
	struct insn i;
	struct insn next;  /* the second slot of an lddw */
	const char *label; /* the target's name, or NULL: print the distance */
};

static const char *alu_op_text(struct insn i)
{
	for (size_t k = 0; k < countof(asm_alu_ops); k++)
		if (asm_alu_ops[k].op == insn_op(i) &&
			asm_alu_ops[k].off == i.off)
			return asm_alu_ops[k].text;
	return "?";
}

static const char *jmp_op_text(struct insn i)
{
	for (size_t k = 0; k < countof(asm_jmp_ops); k++)
		if (asm_jmp_ops[k].op == insn_op(i))
			return asm_jmp_ops[k].text;
	return "?";
}

static void operand(struct insn i, char r, char *text, size_t size)
{
	if (insn_is_reg(i))
		snprintf(text, size, "%c%d", r, i.src);
	else
		snprintf(text, size, "%d", i.imm);
}

static int alu(struct insn i, char *text, size_t size)
{
	char r = insn_class(i) == CLS_ALU64 ? 'r' : 'w';
	char b[16];

	operand(i, r, b, sizeof(b));
	switch (insn_op(i)) {
	case ALU_END:
		return snprintf(text, size, "r%d = %s%d r%d", i.dst,
			r == 'r'	 ? "bswap"
			: insn_is_reg(i) ? "be"
					 : "le",
			i.imm, i.dst);
	case ALU_NEG:
		return snprintf(text, size, "%c%d = -%c%d", r, i.dst, r, i.dst);
	case ALU_MOV:
		if (i.off)
			return snprintf(text, size, "%c%d = (s%d)%s", r, i.dst,
				i.off, b);
		return snprintf(text, size, "%c%d = %s", r, i.dst, b);
	default:
		return snprintf(
			text, size, "%c%d %s %s", r, i.dst, alu_op_text(i), b);
	}
}

static int target(const struct line *l, i32 rel, const char *word, char *text,
	size_t size)
{
	if (l->label)
		return snprintf(text, size, "%s %s", word, l->label);
	return snprintf(text, size, "%s %+d", word, rel);
}

static int jmp(const struct line *l, char *text, size_t size)
{
	struct insn i = l->i;
	char r = insn_class(i) == CLS_JMP ? 'r' : 'w';
	char b[16];
	int n;

	switch (insn_op(i)) {
	case JMP_JA:
		if (r == 'w')
			return target(l, i.imm, "gotol", text, size);
		return target(l, i.off, "goto", text, size);
	case JMP_EXIT: return snprintf(text, size, "exit");
	case JMP_MAY_GOTO: return target(l, i.off, "may_goto", text, size);
	case JMP_CALL:
		if (insn_is_reg(i))
			return snprintf(text, size, "callx r%d", i.dst);
		if (i.src == CALL_LOCAL)
			return target(l, i.imm, "call", text, size);
		return snprintf(text, size, "call %u", (u32)i.imm);
	default:
		operand(i, r, b, sizeof(b));
		n = snprintf(text, size, "if %c%d %s %s ", r, i.dst,
			jmp_op_text(i), b);
		return target(l, i.off, "goto", text + n, size - (size_t)n);
	}
}

static int ld(const struct line *l, char *text, size_t size)
{
	struct insn i = l->i;
	u64 v = (u64)(u32)l->next.imm << 32 | (u32)i.imm;

	if (!insn_is_lddw(i)) {
		if (insn_mode(i) == MODE_ABS)
			return snprintf(text, size, "r0 = *(u%s *)skb[%d]",
				asm_sizes[insn_size(i)], i.imm);
		return snprintf(text, size, "r0 = *(u%s *)skb[r%d %+d]",
			asm_sizes[insn_size(i)], i.src, i.imm);
	}
	if (i.src == LDDW_FUNC && l->label)
		return snprintf(text, size, "r%d = &%s ll", i.dst, l->label);
	if (i.src == LDDW_FUNC)
		return snprintf(text, size, "r%d = &%+d ll", i.dst, i.imm);
	return snprintf(
		text, size, "r%d = 0x%llx ll", i.dst, (unsigned long long)v);
}

static int place(struct insn i, u8 reg, char *text, size_t size)
{
	return snprintf(text, size, "(u%s *)(r%d %+d)", asm_sizes[insn_size(i)],
		reg, i.off);
}

static int atomic(struct insn i, char *text, size_t size)
{
	const char *width = insn_size(i) == SIZE_DW ? "64" : "";
	char at[40];

	place(i, i.imm == ATOMIC_LOAD_ACQ ? i.src : i.dst, at, sizeof(at));
	switch (i.imm) {
	case ATOMIC_LOAD_ACQ:
		return snprintf(
			text, size, "r%d = load_acquire(%s)", i.dst, at);
	case ATOMIC_STORE_REL:
		return snprintf(
			text, size, "store_release(%s, r%d)", at, i.src);
	case ATOMIC_CMPXCHG:
		return snprintf(text, size,
			"r0 = atomic%s_cmpxchg(%s, r0, r%d)", width, at, i.src);
	}
	for (size_t k = 0; k < countof(asm_fetches); k++)
		if (asm_fetches[k].imm == i.imm)
			return snprintf(text, size,
				"r%d = atomic%s_%s(%s, r%d)", i.src, width,
				asm_fetches[k].name, at, i.src);
	for (size_t k = 0; k < countof(asm_locks); k++)
		if (asm_locks[k].imm == i.imm)
			return snprintf(text, size, "lock *%s %s r%d", at,
				asm_locks[k].name, i.src);
	return -1;
}

static int memory(struct insn i, char *text, size_t size)
{
	char at[40];

	if (insn_class(i) == CLS_STX && insn_mode(i) == MODE_ATOMIC)
		return atomic(i, text, size);
	if (insn_class(i) == CLS_LDX)
		return snprintf(text, size, "r%d = *(%c%s *)(r%d %+d)", i.dst,
			insn_mode(i) == MODE_MEMSX ? 's' : 'u',
			asm_sizes[insn_size(i)], i.src, i.off);
	place(i, i.dst, at, sizeof(at));
	if (insn_class(i) == CLS_ST)
		return snprintf(text, size, "*%s = %d", at, i.imm);
	return snprintf(text, size, "*%s = r%d", at, i.src);
}

static bool is_plain(const struct line *l)
{
	if (insn_check(l->i))
		return false;
	if (!insn_is_lddw(l->i))
		return true;
	return (l->i.src == 0 || (l->i.src == LDDW_FUNC && !l->next.imm)) &&
	       !l->next.code && !l->next.dst && !l->next.src && !l->next.off;
}

static void insn_text(const struct line *l, char *text, size_t size)
{
	switch (insn_class(l->i)) {
	case CLS_LD: ld(l, text, size); break;
	case CLS_LDX:
	case CLS_ST:
	case CLS_STX: memory(l->i, text, size); break;
	case CLS_JMP:
	case CLS_JMP32: jmp(l, text, size); break;
	default: alu(l->i, text, size);
	}
}

static void slot_text(const u8 *p, char *text, size_t size)
{
	snprintf(text, size, ".slot %02x%02x%02x%02x%02x%02x%02x%02x", p[0],
		p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
}

/* ---- labels ------------------------------------------------------------- */

/* The slot that instruction pc refers to, or -1; *mark says as what. */
static i64 target_of(struct insn i, u32 pc, u32 slots, u8 *mark)
{
	i64 rel, to;

	*mark = MARK_JUMP;
	if (insn_check(i))
		return -1;
	if (insn_is_lddw(i) || i.code == 0x85) {
		*mark = MARK_FUNC;
		rel = i.imm;
		if (i.src != (insn_is_lddw(i) ? LDDW_FUNC : CALL_LOCAL))
			return -1;
	} else if (insn_class(i) == CLS_JMP || insn_class(i) == CLS_JMP32) {
		if (insn_op(i) == JMP_EXIT || insn_op(i) == JMP_CALL)
			return -1;
		rel = i.code == 0x06 ? i.imm : i.off;
	} else {
		return -1;
	}
	to = (i64)pc + 1 + rel;
	return to >= 0 && to < slots ? to : -1;
}

static void mark_slots(u8 *marks, const u8 *bytes, u32 slots)
{
	for (u32 pc = 0; pc < slots; pc++) {
		struct insn i = insn_decode(bytes + 8 * (size_t)pc);
		u8 mark;
		i64 to = target_of(i, pc, slots, &mark);

		if (to >= 0)
			marks[to] |= mark;
		if (!insn_check(i) && insn_is_lddw(i) && pc + 1 < slots)
			marks[++pc] |= MARK_SECOND;
	}
}

static void print_labels(FILE *to, u8 mark, u32 pc)
{
	if (mark & MARK_FUNC)
		fprintf(to, "f%u:\n", pc);
	if (mark & MARK_JUMP)
		fprintf(to, "L%u:\n", pc);
}

static void print_insn(
	FILE *to, const u8 *bytes, u32 slots, u32 pc, const u8 *marks)
{
	const u8 *p = bytes + 8 * (size_t)pc;
	struct line l = {.i = insn_decode(p)};
	char text[96], label[16];
	u8 mark;
	i64 target_pc = target_of(l.i, pc, slots, &mark);

	if (insn_is_lddw(l.i) && pc + 1 < slots)
		l.next = insn_decode(p + 8);
	if (target_pc >= 0 && !(marks[target_pc] & MARK_SECOND)) {
		snprintf(label, sizeof(label), "%c%u",
			mark == MARK_FUNC ? 'f' : 'L', (u32)target_pc);
		l.label = label;
	}
	if (is_plain(&l) && (!insn_is_lddw(l.i) || pc + 1 < slots)) {
		insn_text(&l, text, sizeof(text));
		fprintf(to, "\t%s\n", text);
		return;
	}
	slot_text(p, text, sizeof(text));
	fprintf(to, "\t%s\n", text);
	if (marks[pc + 1 < slots ? pc + 1 : pc] & MARK_SECOND) {
		slot_text(p + 8, text, sizeof(text));
		fprintf(to, "\t%s\n", text);
	}
}

void asm_print(FILE *to, const u8 *bytes, u32 slots)
{
	u8 *marks = calloc(slots ? slots : 1, 1);

	if (!marks)
		return;
	mark_slots(marks, bytes, slots);
	for (u32 pc = 0; pc < slots; pc++) {
		if (marks[pc] & MARK_SECOND)
			continue;
		print_labels(to, marks[pc], pc);
		print_insn(to, bytes, slots, pc, marks);
	}
	free(marks);
}
