/*
 * The ordered list of passes and nothing else.
 */
#include <string.h>

#include "ir/target.h"

struct pass {
	const char *name;
	ir_pass_fn run;
	u8 opt;		 /* from this -O level on */
	const char *why; /* at this place */
};

static const struct pass passes[] = {
	{"fold", pass_fold, 1, "constants and copies of the translation"},
	{"jumps", pass_jumps, 1, "blocks of dead branches and lookups"},
	{"promote", pass_promote, 1, "addresses are r10 + constant now"},
	{"bools", pass_bools, 2, "flags that the next branch tests"},
	{"narrow", pass_narrow, 2, "before rotates are looked for again"},
	{"fold", pass_fold, 1, "what promotion joined and split"},
	{"gvn", pass_gvn, 1, "equal values; equal loads"},
	{"combine", pass_combine, 2, "bytes of unaligned accesses"},
	{"fold", pass_fold, 2, "masks and swaps around combined accesses"},
	{"dce", pass_dce, 1, "what the passes above left unused"},
	{"jumps", pass_jumps, 1, "decided branches"},
	{"frame", pass_frame, 0, "what is left of the stack reads 0 at first"},
	{"sink", pass_sink, 1, "makes values where their arguments end"},
	{"layout", pass_layout, 0, "the back end emits blocks as numbered"},
};

void ir_optimise(struct fn *f, const struct cg *cg,
	void (*dump)(void *ctx, const char *pass, const struct fn *f),
	void *ctx)
{
	f->strict_align = cg->strict_align;
	ir_check(f, "lowering");
	for (u32 k = 0; k < countof(passes); k++) {
		if (cg->opt < passes[k].opt)
			continue;
		passes[k].run(f);
		ir_check(f, passes[k].name);
		if (dump)
			dump(ctx, passes[k].name, f);
	}
}

ir_pass_fn ir_pass_find(const char *name)
{
	for (u32 k = 0; k < countof(passes); k++)
		if (!strcmp(passes[k].name, name))
			return passes[k].run;
	return NULL;
}
