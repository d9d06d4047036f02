/*
 * Hooks of helpers.def: helpers that ask for what only the embedder has, a
 * task, a socket, a cgroup, a route. These are what he gets until he defines
 * them: each fails the way its row says, which is how it fails in a kernel that
 * has no such thing, and zeroes what it would have filled, so that no program
 * reads what was there before.
 */
#include "runtime/rt.h"

/* The absent column: results that are no errno. */
enum {
	RT_0 = 0,
	RT_NOT_FWDED = -4,	 /* BPF_FIB_LKUP_RET_NOT_FWDED */
	RT_OVERFLOWUID = -65534, /* of sockets without an owner */
	RT_SK_DROP = 0,
};

/* Argument kinds that are written; the others do not matter here. */
enum arg {
	NO,
	VAL,
	OPT,
	CTX,
	SKB,
	XDP,
	MAP,
	KEY,
	VALUE,
	OUTVAL,
	IOVAL,
	IN,
	INOUT,
	STR,
	FROM,
	IN16,
	IN20,
	IN40,
	INOUT4,
	INOUT16,
	SIZE,
	FN,
	ANY,
	MEM,
	OBJ,
	OUT,
	OUT4,
	OUT8,
	OUT16
};

/* Sizes come from the program: what is no size is left alone. */
static void zero(u64 dst, u64 size)
{
	if (dst && size <= INT32_MAX)
		__builtin_memset(PTR(void, dst), 0, (size_t)size);
}

static void zero_outputs(const enum arg kind[5], const u64 a[5])
{
	for (u32 k = 0; k < 5; k++)
		switch (kind[k]) {
		case OUT: zero(a[k], k < 4 ? a[k + 1] : 0); break;
		case OUT4: zero(a[k], 4); break;
		case OUT8: zero(a[k], 8); break;
		case OUT16: zero(a[k], 16); break;
		default: break;
		}
}

#define HELPER(...)
#define HOOK(id, name, absent, effects, ret, k1, k2, k3, k4, k5) \
	HELPER_FN(name)                                          \
	{                                                        \
		const enum arg kind[5] = {k1, k2, k3, k4, k5};   \
		const u64 a[5] = {a1, a2, a3, a4, a5};           \
                                                                 \
		zero_outputs(kind, a);                           \
		return FAILED(absent);                           \
	}
#include "kiln/helpers.def"
#undef HELPER
#undef HOOK
