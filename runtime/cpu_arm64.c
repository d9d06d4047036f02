/* CPU features of arm64 as Linux reports them (arm64/elf_hwcaps.rst). */
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "runtime/object.h"

u64 cpu_features(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ATOMICS ? KILN_ARM64_LSE : 0;
}
