/* Faults without a system: firmware's own handler asks. */
#include "kiln/runtime.h"
#include "runtime/fault.h"

void fault_enable(void)
{
}

RT_API bool kiln_core_fixup(uintptr_t *pc, uint64_t *regs)
{
	struct fault_table t;
	struct fault_fixup f;

	fault_table_init(&t, __start___ex_table,
		(size_t)(__stop___ex_table - __start___ex_table));
	if (!fault_find(&t, *pc, &f) && !fault_find_own(*pc, &f))
		return false;
	if (f.clear >= 0)
		regs[f.clear] = 0;
	*pc = (uintptr_t)f.pc;
	return true;
}
