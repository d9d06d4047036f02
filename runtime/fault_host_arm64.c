/* What a signal handler sees of arm64's registers. */
#include <ucontext.h>

#include "runtime/fault.h"
#include "runtime/host.h"

u64 fault_pc(const void *uc)
{
	return ((const ucontext_t *)uc)->uc_mcontext.pc;
}

void fault_resume(void *uc, const struct fault_fixup *f)
{
	mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;

	if (f->clear >= 0)
		m->regs[f->clear] = 0;
	m->pc = f->pc;
}
