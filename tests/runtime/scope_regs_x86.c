/* All of x86-64's general registers but r10, r11 and what C keeps anyway. */
#include <stdint.h>

#include "scope_regs.h"

int scope_regs_lost(void (*fn)(void))
{
	uint64_t rax = 11, rdx = 12, rcx = 13, rsi = 14, rdi = 15;
	register uint64_t r8 __asm__("r8") = 16;
	register uint64_t r9 __asm__("r9") = 17;

	/* step over the red zone; calls want an aligned stack */
	__asm__ volatile("movq %%rsp, %%r12\n\t"
			 "subq $128, %%rsp\n\t"
			 "andq $-16, %%rsp\n\t"
			 "callq *%[fn]\n\t"
			 "movq %%r12, %%rsp"
			 : "+a"(rax), "+d"(rdx), "+c"(rcx), "+S"(rsi),
			 "+D"(rdi), "+r"(r8), "+r"(r9)
			 : [fn] "b"(fn)
			 : "r10", "r11", "r12", "memory", "cc");
	return (rax != 11) + (rdx != 12) + (rcx != 13) + (rsi != 14) +
	       (rdi != 15) + (r8 != 16) + (r9 != 17);
}
