/*
 * What a back end hands to the linker: the bytes of one function and
 * everything the tables say of it. Offsets are bytes from the function start.
 */
#ifndef KILN_IR_UNIT_H
#define KILN_IR_UNIT_H

#include "ir/support.h"

struct unit_rel {
	u32 off;
	u32 type; /* ELF relocation type of the target's psABI */
	u32 sym;  /* module symbol id */
	i64 addend;
};

/* A row of the line table: code from off on belongs to this BPF slot. */
struct unit_line {
	u32 off;
	u32 insn; /* INSN_NONE: no source */
};

/* A row of __ex_table. */
struct unit_fault {
	u32 insn;  /* the instruction that may fault */
	u32 fixup; /* where execution goes on */
	u16 type;  /* enum kiln_ex_type of format.h */
	u16 data;
	u32 bpf; /* BPF slot, for inspect */
};

enum unit_cfi_kind {
	CFI_CFA_OFFSET, /* CFA = current CFA register + value */
	CFI_CFA_REG,	/* CFA register becomes reg (physical), offset value */
	CFI_SAVED,	/* reg is saved at CFA + value */
	CFI_RESTORED,	/* reg has its entry value again */
	CFI_REMEMBER,	/* push the whole state */
	CFI_RECALL,	/* pop it */
	CFI_NEGATE_RA,	/* arm64: return address signing toggles */
};

struct unit_cfi {
	u32 off; /* in force from here */
	u8 kind;
	u8 reg; /* physical register */
	i32 value;
};

enum unit_site_kind { SITE_ENTRY, SITE_TAIL_CALL };

struct unit_site {
	u32 off;
	u8 kind;
	u8 size;
	u32 sym; /* tail call: the prog_array, or the program for ever */
	u32 key; /* of the prog_array */
};

struct unit_fn {
	struct arena *a; /* owns the rows */
	u32 sym;
	u32 align;
	struct buf code;
	vec(struct unit_rel) rel;
	vec(struct unit_line) line;
	vec(struct unit_fault) fault;
	vec(struct unit_cfi) cfi;
	vec(struct unit_site) site;
	u32 stack; /* native bytes of one frame incl. return address */
	/* In its body, of a subprogram: the return address is at SP + this;
	 * -1: in the link register. */
	i32 ret;
};

#endif
