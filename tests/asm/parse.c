/*
 * Text to instructions: a hand-made descent over one line at a time. Targets
 * are patched once all labels are known.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "names.h"

enum { NAME_MAX_LEN = 31, LABELS = 4096, SLOTS = 1 << 20 };

struct label {
	char name[NAME_MAX_LEN + 1];
	u32 slot;
};

/* An instruction that waits for its label; the field depends on the opcode. */
struct fixup {
	char name[NAME_MAX_LEN + 1];
	u32 slot;
	u32 line;
};

struct parser {
	const char *p; /* the rest of the line */
	u32 line;
	u8 *bytes;
	u32 slots, room;
	struct label label[LABELS];
	u32 nlabels;
	struct fixup fixup[LABELS];
	u32 nfixups;
	char *error;
	size_t error_size;
	jmp_buf give_up;
};

struct reg {
	u8 n;
	bool wide; /* r, not w */
};

__attribute__((noreturn))
printf_like(2, 3) static void fail(struct parser *ps, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(ps->error, ps->error_size, "line %u: ", ps->line);

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < ps->error_size)
		vsnprintf(ps->error + n, ps->error_size - (size_t)n, fmt, ap);
	va_end(ap);
	longjmp(ps->give_up, 1);
}

/* ---- words -------------------------------------------------------------- */

static void skip_space(struct parser *ps)
{
	while (*ps->p == ' ' || *ps->p == '\t')
		ps->p++;
}

static bool eat(struct parser *ps, const char *word)
{
	size_t n = strlen(word);

	skip_space(ps);
	if (strncmp(ps->p, word, n))
		return false;
	if (isalnum((u8)word[n - 1]) &&
		(isalnum((u8)ps->p[n]) || ps->p[n] == '_'))
		return false;
	ps->p += n;
	return true;
}

static void want(struct parser *ps, const char *word)
{
	if (!eat(ps, word))
		fail(ps, "wanted '%s' at '%.20s'", word, ps->p);
}

static bool at_number(struct parser *ps)
{
	const char *p;

	skip_space(ps);
	p = ps->p;
	if (*p == '-' || *p == '+')
		for (p++; *p == ' ';)
			p++;
	return isdigit((u8)*p);
}

/* Sign and magnitude: all of -2^63 .. 2^64 - 1. */
static u64 want_number(struct parser *ps, bool *negative)
{
	char *end;
	u64 v;

	skip_space(ps);
	*negative = *ps->p == '-';
	if (*ps->p == '-' || *ps->p == '+')
		ps->p++;
	skip_space(ps);
	if (!isdigit((u8)*ps->p))
		fail(ps, "wanted a number at '%.20s'", ps->p);
	v = strtoull(ps->p, &end, 0);
	if (isalnum((u8)*end) && *end != 'l')
		fail(ps, "bad number '%.20s'", ps->p);
	ps->p = end;
	return *negative ? 0 - v : v;
}

static u64 want_imm64(struct parser *ps)
{
	bool negative;

	return want_number(ps, &negative);
}

/*
 * An immediate. 32-bit operations may write theirs unsigned; for 64-bit ones
 * that would hide the sign extension.
 */
static i32 want_imm(struct parser *ps, bool wide)
{
	bool negative;
	u64 v = want_number(ps, &negative);
	bool ok = fits_i32((i64)v) && ((i64)v < 0) == (negative && v);

	if (!ok && (wide || negative || v >> 32))
		fail(ps, "the immediate does not fit");
	return (i32)(u32)v;
}

static bool eat_reg(struct parser *ps, struct reg *r)
{
	const char *p;
	int n, len = 0;

	skip_space(ps);
	p = ps->p;
	if ((*p != 'r' && *p != 'w') || !isdigit((u8)p[1]))
		return false;
	if (sscanf(p + 1, "%2d%n", &n, &len) != 1 || n > 15 ||
		isalnum((u8)p[1 + len]))
		return false;
	*r = (struct reg){(u8)n, *p == 'r'};
	ps->p += 1 + len;
	return true;
}

static struct reg want_reg(struct parser *ps)
{
	struct reg r;

	if (!eat_reg(ps, &r))
		fail(ps, "wanted a register at '%.20s'", ps->p);
	return r;
}

/* A register of the same width as the other operand. */
static u8 want_same(struct parser *ps, bool wide)
{
	struct reg r = want_reg(ps);

	if (r.wide != wide)
		fail(ps, "r and w in one instruction");
	return r.n;
}

static u8 want_wide(struct parser *ps)
{
	return want_same(ps, true);
}

static bool eat_name(struct parser *ps, char name[NAME_MAX_LEN + 1])
{
	int n = 0;

	skip_space(ps);
	while (isalnum((u8)ps->p[n]) || ps->p[n] == '_')
		n++;
	if (!n || n > NAME_MAX_LEN || isdigit((u8)*ps->p))
		return false;
	memcpy(name, ps->p, (size_t)n);
	name[n] = 0;
	ps->p += n;
	return true;
}

/* ---- slots -------------------------------------------------------------- */

static void emit(struct parser *ps, struct insn i)
{
	u8 *p;

	if (ps->slots == ps->room) {
		ps->room = ps->room ? 2 * ps->room : 64;
		p = ps->room > SLOTS ? NULL
				     : realloc(ps->bytes, 8 * (size_t)ps->room);
		if (!p)
			fail(ps, "too long");
		ps->bytes = p;
	}
	put_insn(ps->bytes + 8 * (size_t)ps->slots++, i);
}

static void emit_lddw(struct parser *ps, u8 dst, u8 src, u64 v)
{
	emit(ps, (struct insn){.code = 0x18,
			 .dst = dst,
			 .src = src,
			 .imm = (i32)(u32)v});
	emit(ps, (struct insn){.imm = (i32)(u32)(v >> 32)});
}

static u8 code_of(int class, bool is_reg, int op)
{
	return (u8)(op << 4 | is_reg << 3 | class);
}

static u8 mem_code(int class, int mode, int size)
{
	return (u8)(mode << 5 | size << 3 | class);
}

static int alu_class(bool wide)
{
	return wide ? CLS_ALU64 : CLS_ALU;
}

/* ---- targets ------------------------------------------------------------ */

static bool target_in_imm(u8 code)
{
	return code == 0x06 || code == 0x85 || code == 0x18;
}

static void set_target(struct parser *ps, u32 slot, i64 rel)
{
	u8 *p = ps->bytes + 8 * (size_t)slot;

	if (target_in_imm(p[0]))
		put_le32(p + 4, (u32)rel);
	else if (rel != (i16)rel)
		fail(ps, "the target is too far");
	else
		put_le16(p + 2, (u16)rel);
}

/* The target of the instruction that was just emitted as the given slot. */
static void want_target(struct parser *ps, u32 slot)
{
	struct fixup *fix = &ps->fixup[ps->nfixups];

	if (eat(ps, "pc") || at_number(ps)) {
		set_target(ps, slot, (i64)want_imm64(ps));
		return;
	}
	if (ps->nfixups == LABELS)
		fail(ps, "too many targets");
	if (!eat_name(ps, fix->name))
		fail(ps, "wanted a target at '%.20s'", ps->p);
	fix->slot = slot;
	fix->line = ps->line;
	ps->nfixups++;
}

static void add_label(struct parser *ps, const char *name)
{
	struct label *l = &ps->label[ps->nlabels];

	if (ps->nlabels == LABELS)
		fail(ps, "too many labels");
	for (u32 k = 0; k < ps->nlabels; k++)
		if (!strcmp(ps->label[k].name, name))
			fail(ps, "label %s is there twice", name);
	strcpy(l->name, name);
	l->slot = ps->slots;
	ps->nlabels++;
}

static void patch_targets(struct parser *ps)
{
	for (u32 k = 0; k < ps->nfixups; k++) {
		struct fixup *fix = &ps->fixup[k];
		u32 n = 0;

		ps->line = fix->line;
		while (n < ps->nlabels && strcmp(ps->label[n].name, fix->name))
			n++;
		if (n == ps->nlabels)
			fail(ps, "no label %s", fix->name);
		set_target(
			ps, fix->slot, (i64)ps->label[n].slot - fix->slot - 1);
	}
}

/* ---- memory operands ---------------------------------------------------- */

/* "u32" or "s8": the size and whether it is signed. */
static int want_type(struct parser *ps, bool *is_signed)
{
	skip_space(ps);
	*is_signed = *ps->p == 's';
	if (*ps->p != 's' && *ps->p != 'u')
		fail(ps, "wanted a type at '%.20s'", ps->p);
	ps->p++;
	for (int s = 0; s < 4; s++)
		if (eat(ps, asm_sizes[s]))
			return s;
	fail(ps, "wanted a type");
}

static int want_unsigned(struct parser *ps)
{
	bool is_signed;
	int size = want_type(ps, &is_signed);

	if (is_signed)
		fail(ps, "a store has no sign");
	return size;
}

/* "(r1 + 4)" */
static u8 want_place(struct parser *ps, i16 *off)
{
	i32 v = 0;
	u8 reg;

	want(ps, "(");
	reg = want_wide(ps);
	if (at_number(ps))
		v = want_imm(ps, true);
	if (v != (i16)v)
		fail(ps, "the offset does not fit");
	*off = (i16)v;
	want(ps, ")");
	return reg;
}

/* "((u64 *)(r1 + 4), r2" of an atomic operation; size to code, place to dst. */
static struct insn want_atomic_args(struct parser *ps, int imm)
{
	struct insn i = {.imm = imm};

	want(ps, "(");
	want(ps, "(");
	i.code = mem_code(CLS_STX, MODE_ATOMIC, want_unsigned(ps));
	want(ps, "*");
	want(ps, ")");
	i.dst = want_place(ps, &i.off);
	return i;
}

/* "skb[14]", "skb[r3 + 14]" */
static void parse_packet(struct parser *ps, int size)
{
	struct insn i = {.code = mem_code(CLS_LD, MODE_ABS, size)};
	struct reg r;

	want(ps, "[");
	if (eat_reg(ps, &r)) {
		i.code = mem_code(CLS_LD, MODE_IND, size);
		i.src = r.n;
	}
	if (at_number(ps))
		i.imm = want_imm(ps, true);
	want(ps, "]");
	emit(ps, i);
}

/* ---- what stands on the right of "=" ------------------------------------ */

static void parse_load(struct parser *ps, struct reg dst)
{
	struct insn i = {.dst = dst.n};
	bool is_signed;
	int size;

	want(ps, "(");
	size = want_type(ps, &is_signed);
	want(ps, "*");
	want(ps, ")");
	if (eat(ps, "skb")) {
		if (dst.n)
			fail(ps, "packet loads go to r0");
		parse_packet(ps, size);
		return;
	}
	i.code = mem_code(CLS_LDX, is_signed ? MODE_MEMSX : MODE_MEM, size);
	i.src = want_place(ps, &i.off);
	emit(ps, i);
}

static void parse_movsx(struct parser *ps, struct reg dst)
{
	static const i16 bits[] = {32, 16, 8, 64};
	bool is_signed;
	struct insn i = {
		.code = code_of(alu_class(dst.wide), true, ALU_MOV),
		.dst = dst.n,
		.off = bits[want_type(ps, &is_signed)],
	};

	want(ps, ")");
	i.src = want_same(ps, dst.wide);
	emit(ps, i);
}

static bool parse_swap(struct parser *ps, struct reg dst)
{
	static const char *const word[] = {"le", "be", "bswap"};
	static const u8 code[] = {0xd4, 0xdc, 0xd7};
	char text[16];

	for (int k = 0; k < 3; k++) {
		for (int bits = 16; bits <= 64; bits *= 2) {
			snprintf(text, sizeof(text), "%s%d", word[k], bits);
			if (!eat(ps, text))
				continue;
			if (want_same(ps, dst.wide) != dst.n)
				fail(ps, "a swap has one register");
			emit(ps, (struct insn){.code = code[k],
					 .dst = dst.n,
					 .imm = bits});
			return true;
		}
	}
	return false;
}

static bool eat_atomic(struct parser *ps, const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "atomic_%s", name);
	if (eat(ps, text))
		return true;
	snprintf(text, sizeof(text), "atomic64_%s", name);
	return eat(ps, text);
}

static void parse_cmpxchg(struct parser *ps, struct reg dst)
{
	struct insn i = want_atomic_args(ps, ATOMIC_CMPXCHG);

	want(ps, ",");
	if (dst.n || want_wide(ps))
		fail(ps, "cmpxchg compares r0 and gives r0");
	want(ps, ",");
	i.src = want_wide(ps);
	want(ps, ")");
	emit(ps, i);
}

/* "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)": one register both ways. */
static bool parse_fetch(struct parser *ps, struct reg dst)
{
	if (eat_atomic(ps, "cmpxchg")) {
		parse_cmpxchg(ps, dst);
		return true;
	}
	for (size_t k = 0; k < countof(asm_fetches); k++) {
		struct insn i;

		if (!eat_atomic(ps, asm_fetches[k].name))
			continue;
		i = want_atomic_args(ps, asm_fetches[k].imm);
		want(ps, ",");
		i.src = want_wide(ps);
		if (i.src != dst.n)
			fail(ps, "an atomic fetch goes to its operand");
		want(ps, ")");
		emit(ps, i);
		return true;
	}
	return false;
}

static void parse_load_acquire(struct parser *ps, struct reg dst)
{
	struct insn i = want_atomic_args(ps, ATOMIC_LOAD_ACQ);

	i.src = i.dst;
	i.dst = dst.n;
	want(ps, ")");
	emit(ps, i);
}

static void parse_constant(struct parser *ps, struct reg dst)
{
	const char *start = ps->p;
	u64 v = want_imm64(ps);

	if (eat(ps, "ll")) {
		emit_lddw(ps, dst.n, 0, v);
		return;
	}
	ps->p = start;
	emit(ps, (struct insn){
			 .code = code_of(alu_class(dst.wide), false, ALU_MOV),
			 .dst = dst.n,
			 .imm = want_imm(ps, dst.wide),
		 });
}

static void parse_assign(struct parser *ps, struct reg dst)
{
	struct reg src;

	if (parse_swap(ps, dst) || parse_fetch(ps, dst))
		return;
	if (eat(ps, "load_acquire")) {
		parse_load_acquire(ps, dst);
	} else if (eat(ps, "*")) {
		parse_load(ps, dst);
	} else if (eat(ps, "(")) {
		parse_movsx(ps, dst);
	} else if (eat(ps, "&")) {
		emit_lddw(ps, dst.n, LDDW_FUNC, 0);
		want_target(ps, ps->slots - 2);
		want(ps, "ll");
	} else if (at_number(ps)) {
		parse_constant(ps, dst);
	} else if (eat(ps, "-")) {
		if (want_same(ps, dst.wide) != dst.n)
			fail(ps, "a negation has one register");
		emit(ps, (struct insn){.code = code_of(alu_class(dst.wide),
					       false, ALU_NEG),
				 .dst = dst.n});
	} else if (eat_reg(ps, &src)) {
		if (src.wide != dst.wide)
			fail(ps, "r and w in one instruction");
		emit(ps, (struct insn){.code = code_of(alu_class(dst.wide),
					       true, ALU_MOV),
				 .dst = dst.n,
				 .src = src.n});
	} else {
		fail(ps, "wanted a value at '%.20s'", ps->p);
	}
}

/* ---- statements --------------------------------------------------------- */

/* The second operand of an operation: a register or an immediate. */
static void want_operand(struct parser *ps, struct insn *i, bool wide)
{
	if (at_number(ps)) {
		i->imm = want_imm(ps, wide);
		return;
	}
	i->src = want_same(ps, wide);
	i->code |= 8;
}

static void parse_alu(struct parser *ps, struct reg dst)
{
	struct insn i = {.dst = dst.n};

	if (eat(ps, "=")) {
		parse_assign(ps, dst);
		return;
	}
	for (size_t k = 0; k < countof(asm_alu_ops); k++) {
		if (!eat(ps, asm_alu_ops[k].text))
			continue;
		i.code = code_of(alu_class(dst.wide), false, asm_alu_ops[k].op);
		i.off = asm_alu_ops[k].off;
		want_operand(ps, &i, dst.wide);
		emit(ps, i);
		return;
	}
	fail(ps, "wanted an operation at '%.20s'", ps->p);
}

static void parse_if(struct parser *ps)
{
	struct reg dst = want_reg(ps);
	struct insn i = {.dst = dst.n};
	size_t k = 0;

	while (k < countof(asm_jmp_ops) && !eat(ps, asm_jmp_ops[k].text))
		k++;
	if (k == countof(asm_jmp_ops))
		fail(ps, "wanted a comparison at '%.20s'", ps->p);
	i.code = code_of(
		dst.wide ? CLS_JMP : CLS_JMP32, false, asm_jmp_ops[k].op);
	want_operand(ps, &i, dst.wide);
	want(ps, "goto");
	emit(ps, i);
	want_target(ps, ps->slots - 1);
}

/* "*(u32 *)(r1 + 4) = r2" or "= 5" */
static void parse_store(struct parser *ps)
{
	struct insn i = {0};
	int size;

	want(ps, "(");
	size = want_unsigned(ps);
	want(ps, "*");
	want(ps, ")");
	i.dst = want_place(ps, &i.off);
	want(ps, "=");
	if (at_number(ps)) {
		i.code = mem_code(CLS_ST, MODE_MEM, size);
		i.imm = want_imm(ps, size == SIZE_DW);
	} else {
		i.code = mem_code(CLS_STX, MODE_MEM, size);
		i.src = want_reg(ps).n;
	}
	emit(ps, i);
}

static void parse_lock(struct parser *ps)
{
	struct insn i = {0};
	size_t k = 0;

	want(ps, "*");
	want(ps, "(");
	i.code = mem_code(CLS_STX, MODE_ATOMIC, want_unsigned(ps));
	want(ps, "*");
	want(ps, ")");
	i.dst = want_place(ps, &i.off);
	while (k < countof(asm_locks) && !eat(ps, asm_locks[k].name))
		k++;
	if (k == countof(asm_locks))
		fail(ps, "wanted an operation at '%.20s'", ps->p);
	i.imm = asm_locks[k].imm;
	i.src = want_reg(ps).n;
	emit(ps, i);
}

static void parse_store_release(struct parser *ps)
{
	struct insn i = want_atomic_args(ps, ATOMIC_STORE_REL);

	want(ps, ",");
	i.src = want_wide(ps);
	want(ps, ")");
	emit(ps, i);
}

static void parse_call(struct parser *ps)
{
	struct insn i = {.code = 0x85, .src = CALL_LOCAL};

	if (at_number(ps) && *ps->p != '+' && *ps->p != '-') {
		i.src = CALL_HELPER;
		i.imm = want_imm(ps, false);
		emit(ps, i);
		return;
	}
	emit(ps, i);
	want_target(ps, ps->slots - 1);
}

static void parse_slot(struct parser *ps)
{
	struct insn i;
	u8 byte[8];
	int n = 0;

	skip_space(ps);
	for (; n < 8 && sscanf(ps->p, "%2hhx", &byte[n]) == 1; n++)
		ps->p += 2;
	if (n < 8)
		fail(ps, "wanted 16 hex digits");
	i = insn_decode(byte);
	emit(ps, i);
}

static void parse_jump(struct parser *ps, u8 code)
{
	emit(ps, (struct insn){.code = code});
	want_target(ps, ps->slots - 1);
}

static void parse_statement(struct parser *ps)
{
	struct reg r;

	if (eat(ps, "exit"))
		emit(ps, (struct insn){.code = 0x95});
	else if (eat(ps, "goto"))
		parse_jump(ps, 0x05);
	else if (eat(ps, "gotol"))
		parse_jump(ps, 0x06);
	else if (eat(ps, "may_goto"))
		parse_jump(ps, 0xe5);
	else if (eat(ps, "callx"))
		emit(ps, (struct insn){.code = 0x8d, .dst = want_wide(ps)});
	else if (eat(ps, "call"))
		parse_call(ps);
	else if (eat(ps, "if"))
		parse_if(ps);
	else if (eat(ps, "lock"))
		parse_lock(ps);
	else if (eat(ps, "store_release"))
		parse_store_release(ps);
	else if (eat(ps, "*"))
		parse_store(ps);
	else if (eat(ps, ".slot"))
		parse_slot(ps);
	else if (eat_reg(ps, &r))
		parse_alu(ps, r);
	else
		fail(ps, "what is '%.20s'?", ps->p);
}

static bool at_end(struct parser *ps)
{
	skip_space(ps);
	return !*ps->p || *ps->p == '\n' || *ps->p == '#' || *ps->p == '\r';
}

static void parse_line(struct parser *ps)
{
	char name[NAME_MAX_LEN + 1];
	const char *start = ps->p;

	if (eat_name(ps, name)) {
		if (eat(ps, ":"))
			add_label(ps, name);
		else
			ps->p = start;
	}
	if (at_end(ps))
		return;
	parse_statement(ps);
	if (!at_end(ps))
		fail(ps, "junk behind the instruction: '%.20s'", ps->p);
}

static void parse_text(struct parser *ps, const char *text)
{
	while (*text) {
		ps->line++;
		ps->p = text;
		parse_line(ps);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	patch_targets(ps);
}

int asm_parse(const char *text, struct asm_code *out, char *error, size_t size)
{
	struct parser *ps = calloc(1, sizeof(*ps));
	int ret = 0;

	*out = (struct asm_code){0};
	if (!ps) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	ps->error = error;
	ps->error_size = size;
	if (setjmp(ps->give_up)) {
		free(ps->bytes);
		ret = -1;
	} else {
		parse_text(ps, text);
		*out = (struct asm_code){ps->bytes, ps->slots};
	}
	free(ps);
	return ret;
}

void asm_free(struct asm_code *code)
{
	free(code->bytes);
	*code = (struct asm_code){0};
}
