/* CPU features of x86-64 by CPUID (Intel SDM volume 2A, CPUID). */
#include <cpuid.h>

#include "runtime/object.h"

#define KNOWN ((u64)1 << 63)

/* state: CPUID leaves a virtual machine, which takes as long as a load */
static u64 features; /* 0: not asked yet */

static u64 ask(void)
{
	u32 a, b, c, d;
	u64 have = KNOWN;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_MOVBE)
		have |= KILN_X86_MOVBE;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_BMI2)
		have |= KILN_X86_BMI2;
	return have;
}

u64 cpu_features(void)
{
	u64 have = load64(&features, memory_order_relaxed);

	if (!have) {
		have = ask();
		store64(&features, have, memory_order_relaxed);
	}
	return have & ~KNOWN;
}
