/* arm64's x0 to x8 and x10 to x15; x9, x16, x17, x30 may go. */
#include <stdint.h>

#include "scope_regs.h"

int scope_regs_lost(void (*fn)(void))
{
	uint64_t reg[15];
	int lost = 0;

	for (int i = 0; i < 15; i++)
		reg[i] = 100 + (uint64_t)i;
	__asm__ volatile("mov x19, %[fn]\n\t"
			 "mov x20, %[reg]\n\t"
			 "ldp x0, x1, [x20]\n\t"
			 "ldp x2, x3, [x20, 16]\n\t"
			 "ldp x4, x5, [x20, 32]\n\t"
			 "ldp x6, x7, [x20, 48]\n\t"
			 "ldp x8, x10, [x20, 64]\n\t"
			 "ldp x11, x12, [x20, 80]\n\t"
			 "ldp x13, x14, [x20, 96]\n\t"
			 "ldr x15, [x20, 112]\n\t"
			 "blr x19\n\t"
			 "stp x0, x1, [x20]\n\t"
			 "stp x2, x3, [x20, 16]\n\t"
			 "stp x4, x5, [x20, 32]\n\t"
			 "stp x6, x7, [x20, 48]\n\t"
			 "stp x8, x10, [x20, 64]\n\t"
			 "stp x11, x12, [x20, 80]\n\t"
			 "stp x13, x14, [x20, 96]\n\t"
			 "str x15, [x20, 112]"
			 :
			 : [fn] "r"(fn), [reg] "r"(reg)
			 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8",
			 "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
			 "x17", "x19", "x20", "x30", "memory", "cc");
	for (int i = 0; i < 15; i++)
		lost += reg[i] != 100 + (uint64_t)i;
	return lost;
}
