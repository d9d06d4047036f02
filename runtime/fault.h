/*
 * Faults: instructions that may touch what is not there, and where execution
 * goes on then (kiln/format.h, __ex_table).
 *
 *   fault.c          rows
 *   fault_core.c     kiln_core_fixup(), for firmware
 *   fault_host.c     the signal handler, modules, counters
 *   fault_host_<target>.c  registers in a ucontext
 *   probe_<target>.c copies that end at a fault
 */
#ifndef KILN_RUNTIME_FAULT_H
#define KILN_RUNTIME_FAULT_H

#include "runtime/rt.h"

/* ---- fault.c ----------------------------------------------------------------- */

struct fault_table {
	const struct kiln_ex_row *row;
	size_t n;
	bool sorted;
};

/* What to do about a fault. */
struct fault_fixup {
	u64 pc;	   /* go on here */
	i32 clear; /* after this register is 0; -1: none */
};

/* The address of the instruction that a row is about. */
u64 fault_row_insn(const struct kiln_ex_row *r);
/* All rows are about code in [lo, hi) and registers that there are. */
bool fault_table_is_good(
	const struct kiln_ex_row *row, size_t n, u64 lo, u64 hi);
void fault_table_init(
	struct fault_table *t, const struct kiln_ex_row *row, size_t n);
bool fault_find(const struct fault_table *t, u64 pc, struct fault_fixup *f);
/* The same among the runtime's own copies. */
bool fault_find_own(u64 pc, struct fault_fixup *f);

/* Faults are fixed up from now on: libkiln's handler is there. */
void fault_enable(void);

/* ---- fault_host.c ------------------------------------------------------------ */

/* Around a fork: a child's list of modules is whole, and its lock free. */
void fault_before_fork(void);
void fault_after_fork(bool child);

/* ---- probe_<target>.c -------------------------------------------------------- */

/* General registers that a row may name: numbers below this. */
extern const i32 fault_regs;
extern const struct kiln_ex_row fault_probe_rows[], fault_probe_rows_end[];
/* Copies n bytes; false if one of src cannot be read: dst has some of them. */
bool fault_copy(void *dst, const void *src, u64 n);
/* Copies up to and with a NUL, at most n bytes; how many, or 0 if one of src
 * cannot be read. */
u64 fault_copy_str(void *dst, const void *src, u64 n);

#endif
