/*
 * What a back end provides to the shared stages. One constant of this type
 * per back end (x86_target, a64_target); no callbacks into shared state.
 */
#ifndef KILN_IR_TARGET_H
#define KILN_IR_TARGET_H

#include "ir/mir.h"
#include "ir/model.h"
#include "ir/module.h"
#include "ir/unit.h"

/* How to generate code: the options of a compilation that reach this far. */
struct cg {
	const struct target *target;
	u8 opt;		   /* 0, 1, 2 */
	bool raw;	   /* bare instructions, no contexts, 0 for unwritten */
	bool strict_align; /* arm64 without MMU */
	bool inline_scope; /* --env=hosted */
	bool entry_sites;
	u8 tail_calls;		/* enum kiln_tail_calls of compile.h */
	u64 features;		/* target's feature bits, from --cpu */
	u64 reg_mask;		/* 0, or only these registers: stress tests */
	const struct sym *syms; /* module's symbol table, by id */
	u32 nsyms;
};

/* What stands before prog.body, which comes next: an entry site, a function that
 * holds a run scope around it, or both. */
struct wrap {
	bool site, scope;
	u32 body, enter, leave; /* symbols that it calls: scope */
	bool counter;		/* and owns the count of tail calls */
};

struct target {
	const char *name; /* as in --target: "x86_64", "aarch64" */
	u16 elf_machine;
	/* registers */
	u8 npregs;
	const char *const *preg_names;
	u64 allocatable;
	u64 caller_saved;
	u64 callee_saved;
	const u8 *alloc_order; /* allocatable ones, best first */
	/* psABI relocation types for the tables that linker/ builds */
	u32 rel_abs64, rel_abs32, rel_pc32, rel_pc64;
	/* DWARF: numbers of the return address column, the stack pointer and
	 * what the CIE says on entry */
	u8 dwarf_ra, dwarf_sp;
	u8 code_align;
	u8 code_fill; /* pads between functions of one section */
	i8 data_align;
	i32 entry_cfa;	     /* CFA = sp + this on entry */
	bool ra_on_stack;    /* RA saved at CFA - 8 on entry */
	const u8 *dwarf_reg; /* physical register -> DWARF number */
	u32 property_type, property_value; /* .note.gnu.property AND feature */
	/* names of --cpu features: bit i of cg->features; NULL ends */
	const char *const *feature_names;
	u64 default_features;

	/* Stages of a function, in this order. All are total: whatever the IR
	 * says they can do. Register allocation comes between select and emit.
	 * A function too large for the target's branches is diagnosed by emit:
	 * it returns -E2BIG, else 0. */
	void (*legalise)(struct fn *f, const struct cg *cg);
	struct mfn *(*select)(
		struct fn *f, const struct cg *cg, struct arena *a);
	int (*emit)(struct mfn *m, const struct cg *cg, struct unit_fn *out);
	/* The C-callable `prog` before prog.body when a run scope is needed
	 * (kiln/runtime.h) or it has an entry site. */
	int (*wrapper)(
		const struct wrap *w, struct arena *a, struct unit_fn *out);
	/* The template of the stub of a function that is called so
	 * (kiln/format.h): code, then zeroes for struct kiln_stub_lits at
	 * places->lits. -E2BIG: it is too long for its row. */
	int (*stub)(const struct model *m, struct arena *a, struct unit_fn *out,
		struct stub_places *places);

	/* for dumps */
	const char *(*mop_name)(u16 op);
};

/* sym is a function of this module. */
static inline bool cg_is_func(const struct cg *cg, u32 sym)
{
	return sym < cg->nsyms && cg->syms[sym].kind <= SYM_SUBPROG;
}

extern const struct target x86_target;
extern const struct target a64_target;

/* Target by --target name, or NULL. "host" is not a name: see driver. */
const struct target *target_find(const char *name);

#endif
