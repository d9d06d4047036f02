/* What a signal handler sees of x86-64's registers. */
#define _GNU_SOURCE
#include <ucontext.h>

#include "runtime/fault.h"
#include "runtime/host.h"

/* By the hardware's number. */
static const u8 greg[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
	REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13,
	REG_R14, REG_R15};

u64 fault_pc(const void *uc)
{
	return (u64)((const ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
}

u64 fault_sp(const void *uc)
{
	return (u64)((const ucontext_t *)uc)->uc_mcontext.gregs[REG_RSP];
}

u64 fault_link(const void *uc)
{
	(void)uc;
	return 0;
}

u64 fault_return(u64 kept)
{
	return kept;
}

void fault_resume(void *uc, const struct fault_fixup *f)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	if (f->clear >= 0)
		r[greg[f->clear]] = 0;
	r[REG_RIP] = (greg_t)f->pc;
}
