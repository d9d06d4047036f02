/* A site's jump: E9 rel32. */
#include "backend-x86/enc.h"
#include "runtime/object.h"

const u32 poke_size = 5;

bool poke_jump(u8 *bytes, u64 at, u64 to)
{
	i64 rel = (i64)(to - (at + poke_size));

	if (rel != (i32)rel)
		return false;
	x86_jmp_rel32(bytes, (i32)rel);
	return true;
}

bool poke_alias_is_stale(void)
{
	return false;
}
