/* CPU features of x86-64 by CPUID (Intel SDM volume 2A, CPUID). */
#include <cpuid.h>

#include "runtime/object.h"

u64 cpu_features(void)
{
	u32 a, b, c, d;
	u64 have = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_MOVBE)
		have |= KILN_X86_MOVBE;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_BMI2)
		have |= KILN_X86_BMI2;
	return have;
}
