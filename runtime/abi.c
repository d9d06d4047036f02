/* The symbol that every native object references: an object and a runtime of
 * different ABI do not link. */
#include "runtime/rt.h"

extern const u32 kiln_abi_1;

KILN_STATIC_ASSERT(KILN_ABI_VERSION == 1, "name of kiln_abi_1");
RT_API const u32 kiln_abi_1 = KILN_ABI_VERSION;
