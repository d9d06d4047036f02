# Several BPF objects in one: functions, variables and maps across them, weak,
# static and hidden ones; the result does what libbpf's linker makes of them.
. "$KILN_TOP/tests/link/common.sh"
need clang
common='
#define SEC(name) __attribute__((section(name), used))
#define EXTERN_MAP __attribute__((section(".maps")))
#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define NOINLINE __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
static void *(*lookup)(void *map, const void *key) = (void *)1;
struct pair { int a, b; };
#define SHARED { __uint(type, 2); __uint(max_entries, 4); \
	__type(key, int); __type(value, struct pair); }
char gpl[] SEC("license") = "GPL";
'
cat - >a.bpf.c <<END
$common
extern struct SHARED shared EXTERN_MAP;
struct SHARED in_both SEC(".maps");
extern int v, far[4];
extern const char text[];
int add(int a, int b);
int secret(int x);
WEAK NOINLINE int pick(int x) { return x + 1000; }
WEAK NOINLINE int only_weak(int x) { return x + 1; }
WEAK int knob = 5;
int in_a = 7;
char pad = 1;
static NOINLINE int same(int x) { return x * 2; }
static int counter;
SEC("raw_tp") unsigned long long prog_a(void *ctx)
{
	int key = 1;
	struct pair *p = lookup(&shared, &key), *q = lookup(&in_both, &key);

	counter++;
	if (p && q)
		p->b += ++q->a;
	return add(v, far[2]) * 10000 + pick(1) + knob + same(in_a) +
	       only_weak(0) + secret(text[1]) + counter;
}
END
cat - >b.bpf.c <<END
$common
struct SHARED shared SEC(".maps");
#ifdef FOR_LIBBPF /* which does not merge equal maps */
extern struct SHARED in_both EXTERN_MAP;
#else
struct SHARED in_both SEC(".maps");
#endif
extern int in_a;
int v = 30, far[4] = {1, 2, 3, 4};
int *to_a = &in_a;
const char text[] = "xyz";
NOINLINE int add(int a, int b) { return a + b + *to_a; }
NOINLINE int pick(int x) { return x + 2000; }
WEAK NOINLINE int only_weak(int x) { return x + 2; }
HIDDEN NOINLINE int secret(int x) { return x & 7; }
int knob = 500;
static NOINLINE int same(int x) { return x * 3; }
static long counter;
SEC("raw_tp") unsigned long long prog_b(void *ctx)
{
	int key = 1;
	struct pair *p = lookup(&shared, &key), *q = lookup(&in_both, &key);

	counter += 10;
	return same(v) + counter + (p && q ? p->b * 100 + q->a * 10000 : 0);
}
HIDDEN SEC("raw_tp") int unseen(void *ctx) { return 3; }
END
for x in a b; do
	clang -target bpf -O2 -g -c $x.bpf.c -o $x.bpf.o
done

cat >main.c <<'END'
#include <stdint.h>
#include <stdio.h>
uint64_t prog_a(void *ctx), prog_b(void *ctx);
int main(void)
{
	uint64_t ctx[8] = {0};

	for (int i = 0; i < 2; i++) {
		printf("%lld ", (long long)prog_a(ctx));
		printf("%lld\n", (long long)prog_b(ctx));
	}
	return 0;
}
END
# (30 + 3 + 7) * 10000 + 2001 + 500 + 14 + 1 + ('y' & 7) + 1, ...
cat >wanted <<END
402518 10200
402519 20410
END

for level in 0 2; do
	compile -O$level a.bpf.o b.bpf.o -o ab.kiln.o
	need_plain
	$CC -o main main.c ab.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./main >out
	cmp -s out wanted || { cat out; fail "-O$level"; }
done

# the other way around a weak function alone is the other one
compile b.bpf.o a.bpf.o -o ba.kiln.o
$CC -o main main.c ba.kiln.o "$KILN_LIBS/libkiln.a"
$run ./main >out
sed 's/^402519/402520/; s/^402518/402519/' wanted >other
cmp -s out other || { cat out; fail "b before a"; }

# each name once, static ones twice; hidden programs are not exported
"${tools}nm" ab.kiln.o >names
has names ' T prog_a$'
[ "$(grep -c ' t same$' names)" = 2 ] || fail "two functions are called same"
[ "$(grep -c ' pick$' names)" = 1 ] || fail "one function is called pick"
[ "$(grep -c ' knob$' names)" = 1 ] || fail "one variable is called knob"
"${tools}readelf" -sW ab.kiln.o >names
has names 'HIDDEN .* unseen$'
has names 'PROTECTED .* prog_b$'

# types: no declaration is left, one section of each name
if command -v bpftool >/dev/null; then
	bpftool btf dump file ab.kiln.o >types
	lacks types 'linkage=extern'
	for sec in .data .bss .rodata .maps license; do
		[ "$(grep -c "DATASEC '$sec'" types)" = 1 ] ||
			fail "sections called $sec"
	done
	[ "$(grep -c "STRUCT 'pair'" types)" = 1 ] || fail "types are not merged"
	clang -target bpf -O2 -g -DFOR_LIBBPF -c b.bpf.c -o c.bpf.o
	bpftool gen object libbpf.bpf.o a.bpf.o c.bpf.o
	compile libbpf.bpf.o -o libbpf.kiln.o
	$CC -o main main.c libbpf.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./main >out
	cmp -s out wanted || { cat out; fail "linked by libbpf"; }
fi
