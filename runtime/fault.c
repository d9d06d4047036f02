/*
 * Fault fix-up, the part that needs no system: which row of an exception table
 * is about an instruction, and what it says to do. Rows are sorted by
 * instruction, as linkers leave them; a table that is not is searched from its
 * start.
 *
 * Only reads memory that does not change, so it may run in any handler.
 */
#include "runtime/fault.h"

static u64 target_of(const i32 *field)
{
	return (u64)(uintptr_t)field + (u64)(i64)*field;
}

u64 fault_row_insn(const struct kiln_ex_row *r)
{
	return target_of(&r->insn);
}

bool fault_table_is_good(
	const struct kiln_ex_row *row, size_t n, u64 lo, u64 hi)
{
	for (size_t k = 0; k < n; k++) {
		u64 insn = target_of(&row[k].insn);
		u64 fixup = target_of(&row[k].fixup);

		if (insn < lo || insn >= hi || fixup < lo || fixup >= hi ||
			row[k].type < KILN_EX_ZERO ||
			row[k].type > KILN_EX_FIXUP)
			return false;
		if (row[k].type == KILN_EX_ZERO &&
			(row[k].data < 0 || row[k].data >= fault_regs))
			return false;
	}
	return true;
}

void fault_table_init(
	struct fault_table *t, const struct kiln_ex_row *row, size_t n)
{
	*t = (struct fault_table){.row = row, .n = n, .sorted = true};
	for (size_t k = 1; k < n; k++)
		t->sorted &=
			fault_row_insn(&row[k - 1]) < fault_row_insn(&row[k]);
}

static const struct kiln_ex_row *find_sorted(
	const struct fault_table *t, u64 pc)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		u64 insn = fault_row_insn(&t->row[mid]);

		if (insn == pc)
			return &t->row[mid];
		if (insn < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const struct kiln_ex_row *find_row(const struct fault_table *t, u64 pc)
{
	if (t->sorted)
		return find_sorted(t, pc);
	for (size_t k = 0; k < t->n; k++)
		if (fault_row_insn(&t->row[k]) == pc)
			return &t->row[k];
	return NULL;
}

bool fault_find(const struct fault_table *t, u64 pc, struct fault_fixup *f)
{
	const struct kiln_ex_row *r = find_row(t, pc);

	if (!r)
		return false;
	f->pc = target_of(&r->fixup);
	f->clear = r->type == KILN_EX_ZERO ? r->data : -1;
	return f->clear < fault_regs;
}

bool fault_find_own(u64 pc, struct fault_fixup *f)
{
	struct fault_table own;

	fault_table_init(&own, fault_probe_rows,
		(size_t)(fault_probe_rows_end - fault_probe_rows));
	return fault_find(&own, pc, f);
}
