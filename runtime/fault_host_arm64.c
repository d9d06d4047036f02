/* What a signal handler sees of arm64's registers. */
#include <ucontext.h>

#include "runtime/fault.h"
#include "runtime/host.h"

u64 fault_pc(const void *uc)
{
	return ((const ucontext_t *)uc)->uc_mcontext.pc;
}

u64 fault_sp(const void *uc)
{
	return ((const ucontext_t *)uc)->uc_mcontext.sp;
}

u64 fault_link(const void *uc)
{
	return ((const ucontext_t *)uc)->uc_mcontext.regs[30];
}

u64 fault_return(u64 kept)
{
	register u64 x30 __asm__("x30") = kept;

	__asm__("hint #7" : "+r"(x30)); /* xpaclri */
	return x30;
}

void fault_resume(void *uc, const struct fault_fixup *f)
{
	mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;

	if (f->clear >= 0)
		m->regs[f->clear] = 0;
	m->pc = f->pc;
}
