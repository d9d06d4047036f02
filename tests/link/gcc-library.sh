# What bpf-gcc leaves to its library (atomics, signed division, byte swaps,
# memory functions): the same C, native, gives the same results.
. "$KILN_TOP/tests/link/common.sh"
command -v bpf-gcc >/dev/null || skip "no bpf-gcc"
need_plain
cat >body.h <<'END'
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
typedef int i32;
#ifdef __BPF__
#define PROG(name) __attribute__((section("raw_tp"), used)) u64 name(u64 *v)
#else
#define PROG(name) __attribute__((noinline)) u64 native_##name(u64 *v)
#endif
#define MIX(x) (sum = sum * 31 + (u64)(x))

/* v[0..3] are memory, v[4..] values. */
PROG(sync8)
{
	u64 sum = 0, *p = v;

	MIX(__sync_fetch_and_add(p, v[4]));
	MIX(__sync_add_and_fetch(p, v[5]));
	MIX(__sync_fetch_and_sub(p, v[4]));
	MIX(__sync_sub_and_fetch(p, v[5]));
	MIX(__sync_fetch_and_or(p, v[4]));
	MIX(__sync_or_and_fetch(p, v[5]));
	MIX(__sync_fetch_and_and(p, v[6]));
	MIX(__sync_and_and_fetch(p, v[7]));
	MIX(__sync_fetch_and_xor(p, v[4]));
	MIX(__sync_xor_and_fetch(p, v[5]));
	MIX(__sync_lock_test_and_set(p + 1, v[6]));
	MIX(__sync_val_compare_and_swap(p + 1, v[6], v[7]));
	MIX(__sync_bool_compare_and_swap(p + 1, v[6], v[5]));
	MIX(__sync_bool_compare_and_swap(p + 1, v[7], v[5]));
	return sum;
}

PROG(sync4)
{
	u64 sum = 0;
	u32 *p = (u32 *)v, a = (u32)v[4], b = (u32)v[5];

	MIX(__sync_fetch_and_add(p, a));
	MIX(__sync_sub_and_fetch(p, b));
	MIX(__sync_fetch_and_or(p + 1, a));
	MIX(__sync_and_and_fetch(p + 1, b));
	MIX(__sync_fetch_and_xor(p + 1, a));
	MIX(__sync_lock_test_and_set(p + 2, b));
	MIX(__sync_val_compare_and_swap(p + 2, b, a));
	MIX(__sync_bool_compare_and_swap(p + 2, b, a));
	return sum;
}

PROG(atomic)
{
	u64 sum = 0, *p = v, e = v[4];
	u32 *q = (u32 *)(v + 2), f = (u32)v[5];

	MIX(__atomic_fetch_add(p, v[4], 5));
	MIX(__atomic_add_fetch(q, (u32)v[5], 0));
	MIX(__atomic_exchange_n(p, v[6], 5));
	MIX(__atomic_compare_exchange_n(p, &e, v[7], 0, 5, 5));
	MIX(e);
	MIX(__atomic_compare_exchange_n(p, &e, v[7], 0, 5, 5));
	MIX(e);
	MIX(__atomic_compare_exchange_n(q, &f, 7, 0, 5, 5));
	MIX(f);
	MIX(__atomic_load_n(p, 5));
	__atomic_store_n(q, f + 1, 5);
	MIX(*q);
	return sum;
}

/* nobody divides by 0, nor the smallest by -1: C leaves it open */
PROG(divide)
{
	u64 sum = 0;
	i64 a = (i64)v[4], b = (i64)(v[5] | 1), c = b == -1 ? 3 : b;
	i32 d = (i32)v[6], e = (i32)(v[7] | 1), f = e == -1 ? 5 : e;

	MIX(a / c);
	MIX(a % c);
	MIX(d / f);
	MIX(d % f);
	MIX((u64)a / (u64)c);
	MIX((u32)d % (u32)f);
	return sum;
}

PROG(bits)
{
	u64 sum = 0;

	MIX(__builtin_bswap64(v[4]));
	MIX(__builtin_bswap32((u32)v[5]));
	MIX(__builtin_popcountll(v[6]));
	MIX(__builtin_clzll(v[6] | 1));
	MIX(__builtin_ctzll(v[7] | 16));
	return sum;
}

PROG(memory)
{
	static unsigned char a[64], b[64];
	u64 n = v[4] % 33, sum = 0;

	__builtin_memset(a, (int)v[5], n);
	__builtin_memcpy(b + 8, v + 4, 32);
	__builtin_memmove(b + 4, b + 1, n);
	__builtin_memcpy(a + 1, b, n);
	MIX(__builtin_memcmp(a, b, n) > 0);
	for (int i = 0; i < 64; i++)
		MIX(a[i] * 3 + b[i]);
	return sum;
}
END
echo '#include "body.h"' >prog.bpf.c
cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include "body.h"
#define EACH(X) X(sync8) X(sync4) X(atomic) X(divide) X(bits) X(memory)
#define DECLARE(name) u64 name(u64 *v);
EACH(DECLARE)
static u64 x = 88172645463325252ull;
static u64 any(void)
{
	x ^= x << 13, x ^= x >> 7, x ^= x << 17;
	return x & 1 ? x : x % 5 ? (u64)(i64)(int)x >> (x & 31) : 0;
}
static int bad;
static void check(const char *name, u64 (*bpf)(u64 *), u64 (*c)(u64 *))
{
	for (int i = 0; i < 500 && !bad; i++) {
		u64 a[8], b[8];

		for (int k = 0; k < 8; k++)
			a[k] = b[k] = any();
		/* programs return 32 bits */
		bad = (u32)bpf(a) != (u32)c(b) ||
		      memcmp(a, b, sizeof(a));
		if (bad)
			printf("%s differs in round %d\n", name, i);
	}
}
int main(void)
{
#define CHECK(name) check(#name, name, native_##name);
	EACH(CHECK)
	return bad;
}
END
for level in 0 2; do
	bpf-gcc -O$((level / 2 + 1)) -gbtf -c prog.bpf.c -o prog.bpf.o
	compile -O$level prog.bpf.o -o prog.kiln.o
	"${tools}nm" -u prog.kiln.o >names
	lacks names '__sync|__atomic|div|mod|bswap'
	$CC -O1 -w -o main main.c prog.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./main
done
