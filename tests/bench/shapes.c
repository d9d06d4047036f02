/*
 * See shapes.h. A function is a prologue, statements of about five slots like
 * those that compilers make, and an exit; r6 is the packet, r7 its end, r8
 * counts down, and the other registers are variables.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shapes.h"

struct slot {
	uint8_t code, regs;
	int16_t off;
	int32_t imm;
};

struct function {
	uint32_t first, end;
};

struct shape_code {
	struct slot *v;
	uint32_t n, cap;
	struct function *fn;
	uint32_t nfn, fncap;
	uint32_t words; /* of the stack that statements use */
	uint64_t rng;
};

static void *grown(void *v, uint32_t *cap, size_t size)
{
	*cap = *cap ? *cap * 2 : 1024;
	v = realloc(v, *cap * size);
	if (!v)
		abort();
	return v;
}

static uint32_t below(struct shape_code *c, uint32_t n)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 7;
	c->rng ^= c->rng << 17;
	return (uint32_t)(c->rng >> 33) % n;
}

/* ---- instructions -------------------------------------------------------- */

enum {
	ADD = 0x0f,
	XOR = 0xaf,
	OR = 0x4f,
	MOV = 0xbf,
	MUL32 = 0x2c,
	ADDK = 0x07,
	ANDK = 0x57,
	LSHK = 0x67,
	RSHK = 0x77,
	MOVK = 0xb7,
	JA = 0x05,
	JA32 = 0x06,
	JEQK = 0x15,
	JNE = 0x5d,
	JGTK = 0x25,
	JGT = 0x2d,
	CALL = 0x85,
	EXIT = 0x95,
	LDB = 0x71,
	LDW = 0x61,
	LDDW = 0x79,
	STW = 0x63,
	STDW = 0x7b,
};

enum { HELPER_KTIME = 5, HELPER_RANDOM = 7, PSEUDO_CALL = 1, FP = 10 };

static uint32_t add(
	struct shape_code *c, int code, int dst, int src, int off, int imm)
{
	if (c->n == c->cap)
		c->v = grown(c->v, &c->cap, sizeof(*c->v));
	c->v[c->n] = (struct slot){
		(uint8_t)code, (uint8_t)(dst | src << 4), (int16_t)off, imm};
	return c->n++;
}

/* The jump at `at` goes to the next instruction. */
static void land(struct shape_code *c, uint32_t at)
{
	c->v[at].off = (int16_t)(c->n - at - 1);
}

static const uint8_t vars[] = {0, 2, 3, 4, 5, 9};

static int var(struct shape_code *c)
{
	return vars[below(c, sizeof(vars))];
}

static int packet_off(struct shape_code *c)
{
	return (int)below(c, 1500);
}

static int stack_off(struct shape_code *c)
{
	return -8 * (int)(1 + below(c, c->words));
}

/* Of one variable from others, memory and constants. */
static void statement(struct shape_code *c)
{
	int a = var(c), b = var(c), x = var(c), off = packet_off(c);

	switch (below(c, 6)) {
	case 0:
		add(c, LDB, a, 6, off, 0);
		add(c, LDB, 1, 6, off + 1, 0);
		add(c, LSHK, 1, 0, 0, 8);
		add(c, OR, a, 1, 0, 0);
		add(c, XOR, a, x, 0, 0);
		break;
	case 1:
		add(c, STDW, FP, a, stack_off(c), 0);
		add(c, LDDW, b, FP, stack_off(c), 0);
		add(c, ADD, b, x, 0, 0);
		break;
	case 2:
		add(c, MUL32, a, b, 0, 0);
		add(c, ADDK, a, 0, 0, (int)below(c, 1 << 20));
		add(c, XOR, a, x, 0, 0);
		break;
	case 3:
		add(c, MOV, 1, a, 0, 0);
		add(c, LSHK, 1, 0, 0, (int)below(c, 64));
		add(c, RSHK, a, 0, 0, 7);
		add(c, ANDK, a, 0, 0, 0xff00ff);
		add(c, ADD, a, 1, 0, 0);
		break;
	case 4:
		add(c, LDW, a, 6, off & ~3, 0);
		add(c, ADD, a, b, 0, 0);
		add(c, STW, 6, a, off & ~3, 0);
		break;
	default:
		add(c, MOVK, a, 0, 0, (int)below(c, 1000));
		add(c, ADD, a, b, 0, 0);
		add(c, LDB, 1, 6, off, 0);
		add(c, XOR, a, 1, 0, 0);
	}
}

static void begin(struct shape_code *c)
{
	if (c->nfn == c->fncap)
		c->fn = grown(c->fn, &c->fncap, sizeof(*c->fn));
	c->fn[c->nfn].first = c->n;
	add(c, LDW, 6, 1, 0, 0);
	add(c, LDW, 7, 1, 4, 0);
	add(c, MOVK, 8, 0, 0, 1000);
	for (uint32_t k = 0; k < sizeof(vars); k++)
		add(c, MOVK, vars[k], 0, 0, (int)k);
}

/* The result depends on every variable. */
static void end(struct shape_code *c)
{
	for (uint32_t k = 1; k < sizeof(vars); k++)
		add(c, ADD, 0, vars[k], 0, 0);
	add(c, EXIT, 0, 0, 0, 0);
	c->fn[c->nfn++].end = c->n;
}

/* ---- shapes -------------------------------------------------------------- */

static void line(struct shape_code *c, uint32_t slots)
{
	begin(c);
	while (c->n < slots)
		statement(c);
	end(c);
}

static void diamond(struct shape_code *c)
{
	uint32_t no = add(c, JGTK, var(c), 0, 0, (int)below(c, 256)), out;

	statement(c);
	out = add(c, JA, 0, 0, 0, 0);
	land(c, no);
	statement(c);
	land(c, out);
	statement(c);
}

static void branchy(struct shape_code *c, uint32_t slots)
{
	begin(c);
	while (c->n < slots)
		diamond(c);
	end(c);
}

/* Before every statement a branch over some of the next ones: nearly every
 * variable has a phi at every join, so there are few. */
static void tangle(struct shape_code *c, uint32_t slots)
{
	enum { AHEAD = 16 };
	uint32_t open[AHEAD] = {0}; /* 1 + the branch that lands at k % AHEAD */

	c->words = 4;
	begin(c);
	for (uint32_t k = 0; c->n < slots + AHEAD; k++) {
		uint32_t to = (k + 1 + below(c, AHEAD - 1)) % AHEAD;

		if (open[k % AHEAD])
			land(c, open[k % AHEAD] - 1);
		open[k % AHEAD] = 0;
		if (!open[to])
			open[to] = 1 + add(c, JNE, var(c), var(c), 0, 0);
		statement(c);
	}
	for (uint32_t k = 0; k < AHEAD; k++)
		if (open[k])
			land(c, open[k] - 1);
	end(c);
}

static void loop(struct shape_code *c, uint32_t slots)
{
	uint32_t head;

	begin(c);
	head = c->n;
	while (c->n < slots)
		diamond(c);
	add(c, ADDK, 8, 0, 0, -1);
	add(c, JEQK, 8, 0, 1, 0);
	add(c, JA32, 0, 0, 0, (int)head - (int)c->n - 1);
	end(c);
}

/* All words of a packet, from its start to its end and back again: the second
 * reading of each is equal to the first. */
static void live(struct shape_code *c, uint32_t slots)
{
	enum { WORDS = 4000 };
	uint32_t n = slots / 4;

	begin(c);
	for (uint32_t k = 0; k < n; k++) {
		if (k && k % WORDS == 0)
			add(c, ADDK, 6, 0, 0, 8 * WORDS);
		add(c, LDDW, 1, 6, 8 * (int)(k % WORDS), 0);
		add(c, ADD, var(c), 1, 0, 0);
	}
	for (uint32_t k = n; k-- > 0;) {
		add(c, LDDW, 1, 6, 8 * (int)(k % WORDS), 0);
		add(c, XOR, var(c), 1, 0, 0);
		if (k && k % WORDS == 0)
			add(c, ADDK, 6, 0, 0, -8 * WORDS);
	}
	end(c);
}

/* A call of function fn, or of a helper, and what it clobbered made anew. */
static void call(struct shape_code *c, int64_t fn)
{
	add(c, STDW, FP, 3, stack_off(c), 0);
	if (fn < 0) {
		add(c, CALL, 0, 0, 0,
			below(c, 2) ? HELPER_KTIME : HELPER_RANDOM);
	} else {
		add(c, LDDW, 1, FP, -8 * 64, 0); /* the context */
		add(c, CALL, 0, PSEUDO_CALL, 0,
			(int)c->fn[fn].first - (int)c->n - 1);
	}
	add(c, LDDW, 2, FP, stack_off(c), 0);
	add(c, MOV, 3, 9, 0, 0);
	add(c, LDDW, 4, FP, stack_off(c), 0);
	add(c, MOVK, 5, 0, 0, (int)below(c, 100));
	add(c, ADD, 9, 0, 0, 0);
}

static void callee(struct shape_code *c)
{
	begin(c);
	for (int k = 0; k < 4; k++)
		diamond(c);
	end(c);
}

static void calls(struct shape_code *c, uint32_t slots)
{
	enum { CALLEES = 4 };

	for (int k = 0; k < CALLEES; k++)
		callee(c);
	begin(c);
	add(c, STDW, FP, 1, -8 * 64, 0);
	while (c->n < slots) {
		call(c, below(c, 2) ? (int64_t)below(c, CALLEES) : -1);
		diamond(c);
	}
	end(c);
}

static void many(struct shape_code *c, uint32_t slots)
{
	while (c->n < slots) {
		callee(c);
		begin(c);
		add(c, STDW, FP, 1, -8 * 64, 0);
		call(c, (int64_t)c->nfn - 1);
		diamond(c);
		end(c);
	}
}

const struct shape shapes[] = {
	{"line", "no branch at all", line},
	{"branchy", "if and else, one after the other", branchy},
	{"tangle", "branches over branches: many joins", tangle},
	{"loop", "branchy, all of it in one loop", loop},
	{"live", "a quarter of the slots are live at once", live},
	{"calls", "calls of helpers and functions", calls},
	{"many", "functions of about 80 and 40 slots", many},
	{0},
};

/* ---- the object ---------------------------------------------------------- */

enum { SEC_CODE = 1, SEC_STRINGS, SEC_SYMBOLS, SECTIONS };
enum { NAME_SIZE = 8 }; /* of a function: "f000000" */

static const char section_names[] = "\0xdp\0.strtab\0.symtab";

struct object {
	Elf64_Ehdr head;
	Elf64_Shdr sec[SECTIONS];
};

static void name_function(char *out, uint32_t k)
{
	for (int d = NAME_SIZE - 2; d > 0; d--, k /= 10)
		out[d] = (char)('0' + k % 10);
	out[0] = 'f';
}

static void fill_headers(
	struct object *o, const struct shape_code *c, uint64_t strings)
{
	uint64_t code = 8 * (uint64_t)c->n;
	uint64_t syms = (c->nfn + 1) * sizeof(Elf64_Sym);

	o->head = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_BPF,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct object, sec),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SEC_STRINGS,
	};
	o->sec[SEC_CODE] = (Elf64_Shdr){.sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = sizeof(*o),
		.sh_size = code,
		.sh_addralign = 8};
	o->sec[SEC_SYMBOLS] = (Elf64_Shdr){.sh_name = 13,
		.sh_type = SHT_SYMTAB,
		.sh_offset = sizeof(*o) + code,
		.sh_size = syms,
		.sh_link = SEC_STRINGS,
		.sh_info = 1,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Sym)};
	o->sec[SEC_STRINGS] = (Elf64_Shdr){.sh_name = 5,
		.sh_type = SHT_STRTAB,
		.sh_offset = sizeof(*o) + code + syms,
		.sh_size = strings,
		.sh_addralign = 1};
}

static uint8_t *make_object(const struct shape_code *c, size_t *size)
{
	size_t code = 8 * (size_t)c->n;
	size_t syms = (c->nfn + 1) * sizeof(Elf64_Sym);
	size_t strings = sizeof(section_names) + (size_t)c->nfn * NAME_SIZE;
	uint8_t *out = calloc(1, sizeof(struct object) + code + syms + strings);

	if (!out)
		abort();
	uint8_t *p = out + sizeof(struct object);
	fill_headers((struct object *)out, c, strings);
	memcpy(p, c->v, code);
	Elf64_Sym *sym = (Elf64_Sym *)(p + code);
	char *str = (char *)(p + code + syms);
	memcpy(str, section_names, sizeof(section_names));
	for (uint32_t k = 0; k < c->nfn; k++) {
		size_t at = sizeof(section_names) + k * (size_t)NAME_SIZE;

		name_function(str + at, k);
		sym[k + 1] = (Elf64_Sym){.st_name = (uint32_t)at,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = SEC_CODE,
			.st_value = 8 * (uint64_t)c->fn[k].first,
			.st_size =
				8 * (uint64_t)(c->fn[k].end - c->fn[k].first)};
	}
	*size = sizeof(struct object) + code + syms + strings;
	return out;
}

uint8_t *shape_object(
	const struct shape *s, uint32_t slots, uint32_t *made, size_t *size)
{
	struct shape_code c = {.rng = 88172645463325252u, .words = 60};

	s->make(&c, slots);
	*made = c.n;
	uint8_t *out = make_object(&c, size);
	free(c.v);
	free(c.fn);
	return out;
}
