# Sections by any name: named data, strings, arrays of pointers to them and to
# functions, callbacks by address; each variable is where its program looks.
. "$KILN_TOP/tests/link/common.sh"
need clang
cat >sections.bpf.c <<'END'
#define SEC(n) __attribute__((section(n), used))
typedef unsigned long long u64;
SEC(".data.x") int in_data = 5;
SEC(".bss.y") long in_bss;
SEC(".rodata.z") const int in_ro[3] = {7, 8, 9};
SEC("my_data") int odd = 11;
static int counter;
static const char *const names[] = {"zero", "one", "two"};
static __attribute__((noinline)) int f1(int x)
{
	return x + 1;
}
static __attribute__((noinline)) int f2(int x)
{
	return x * 2;
}
static int (*const table[])(int) = {f1, f2};
static long cb(unsigned i, void *ctx)
{
	*(long *)ctx += i;
	return 0;
}
static long (*const loop)(
	unsigned n, void *cb, void *ctx, u64 flags) = (void *)181;
SEC("raw_tp") int one(u64 *ctx)
{
	long sum = 0;
	const char *s = names[ctx[0] % 3];
	loop(4, cb, &sum, 0);
	in_bss += 2;
	counter++;
	return in_data + in_bss + in_ro[ctx[0] % 3] + odd + counter + s[0] +
	       sum;
}
SEC("raw_tp") int two(u64 *ctx)
{
	return in_data += 100;
}
END
cat >main.c <<'END'
#include <stdint.h>
#include <stdio.h>
uint64_t one(void *ctx), two(void *ctx);
int main(void)
{
	uint64_t ctx[1] = {1};
	int a = (int)one(ctx), b = (int)two(ctx);

	printf("%d %d %d\n", a, b, (int)one(ctx));
	return 0;
}
END
clang -target bpf -O2 -g -c sections.bpf.c -o sections.bpf.o
need_plain
for level in 0 2; do
	compile -O$level sections.bpf.o -o sections.kiln.o
	$CC -o main main.c sections.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./main >out
	# 5 + 2 + 8 + 11 + 1 + 'o' + 0 + 1 + 2 + 3, ...
	[ "$(cat out)" = "144 105 247" ] || { cat out; fail "-O$level"; }
done
