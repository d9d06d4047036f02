/*
 * Every row of isa.def occurs in random programs, but for those that only make
 * sense with an object or a packet around them. Prints the rows that are missing;
 * exit status 1 then.
 */
#include <stdio.h>
#include <string.h>

#include "gen.h"

enum { PROGRAMS = 3000 };

enum sel { SEL_NONE, SEL_OFF, SEL_IMM, SEL_SRC };

struct row {
	u8 code, sel;
	i32 val;
	const char *kind, *arg, *text;
	u32 n; /* how often it occurred */
};

/* State of this file: the rows with their counts. */
static struct row rows[] = {
#define INSN(code, sel, val, kind, arg, group, dst, src, off, imm, text) \
	{code, SEL_##sel, val, #kind, #arg, text, 0},
#include "kiln/isa.def"
#undef INSN
};

static bool needs_more(const struct row *r)
{
	static const char *const kinds[] = {"CAST", "KFUNC", "LDABS", "LDIND"};

	for (u32 k = 0; k < countof(kinds); k++)
		if (!strcmp(r->kind, kinds[k]))
			return true;
	return !strcmp(r->kind, "LDDW") && strcmp(r->arg, "IMM64") &&
	       strcmp(r->arg, "FUNC");
}

static bool is_row(const struct row *r, struct insn i)
{
	i32 by = r->sel == SEL_OFF   ? i.off
		 : r->sel == SEL_IMM ? i.imm
		 : r->sel == SEL_SRC ? i.src
				     : r->val;

	return r->code == i.code && by == r->val;
}

static void count(const struct gen_prog *p)
{
	for (u32 pc = 0; pc < p->slots; pc++) {
		struct insn i = insn_decode(p->bytes + 8 * (size_t)pc);

		for (u32 k = 0; k < countof(rows); k++)
			rows[k].n += is_row(&rows[k], i);
		pc += insn_is_lddw(i);
	}
}

int main(void)
{
	static struct gen_prog prog;
	u32 missing = 0;

	for (u64 seed = 1; seed <= PROGRAMS; seed++) {
		const struct gen_opts opts = {.seed = seed};

		gen_program(&opts, &prog);
		count(&prog);
	}
	for (const struct row *r = rows; r < rows + countof(rows); r++) {
		if (r->n || needs_more(r))
			continue;
		printf("never generated: %s\n", r->text);
		missing++;
	}
	return missing != 0;
}
