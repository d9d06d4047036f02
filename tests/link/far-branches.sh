# Branches whose target is out of their reach: by a bit (arm64: 32 KiB), by zero
# or a condition (1 MiB), and back; calls so far that the linker makes veneers.
. "$KILN_TOP/tests/link/common.sh"
need_plain
cat >far.bpf.c <<'END'
#include <kiln/bpf.h>

typedef unsigned long long u64;
#define noinline __attribute__((noinline))
/* n times 4 bytes of arm64 code; n times 60 with --strict-align: byte by byte. */
#define MULTIPLY(n, a, b) \
	asm volatile(".rept " #n "; %0 *= %1; .endr" : "+r"(a) : "r"(b))
#define STORE(n, p, a) \
	asm volatile(".rept " #n "; *(u64 *)(%0 + 1) = %1; .endr" \
		     : : "r"(p), "r"(a) : "memory")

static noinline u64 bit(u64 a, u64 b)
{
	if (a & 4)
		MULTIPLY(20000, a, b);
	return a;
}

static noinline u64 zero(u64 a, u64 *p)
{
	if (a)
		STORE(30000, p, a);
	return *p;
}

static noinline u64 order(u64 a, u64 b, u64 *p)
{
	if (a > b)
		STORE(30000, p, b);
	return *p;
}

static noinline u64 back(u64 a, u64 n, u64 *p)
{
	do {
		STORE(30000, p, a);
		a += *p;
	} while (--n);
	return a;
}

struct args {
	u64 a, b, n;
	u64 *p;
};

SEC("prog") u64 distant(struct args *x)
{
	u64 a = bit(x->a, x->b);

	a += zero(x->n, x->p);
	a += order(x->a, x->b, x->p);
	return a + back(a, x->n + 1, x->p);
}
END
cat >main.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct args {
	uint64_t a, b, n;
	uint64_t *p;
};

uint64_t distant(struct args *x);

static uint64_t store(uint64_t *p, uint64_t v)
{
	memcpy((char *)p + 1, &v, sizeof(v));
	return *p;
}

static uint64_t wanted(uint64_t a, uint64_t b, uint64_t n, uint64_t *p)
{
	uint64_t sum = a;

	for (int i = 0; a & 4 && i < 20000; i++)
		sum *= b;
	sum += n ? store(p, n) : *p;
	sum += a > b ? store(p, b) : *p;
	a = sum;
	for (n++; n; n--)
		a += store(p, a);
	return sum + a;
}

int main(void)
{
	static const uint64_t in[][3] = {{4, 3, 0}, {3, 5, 0}, {1, 9, 0},
		{4, 3, 2}, {3, 5, 3}, {9, 1, 2}, {1, ~0ull, 1}};
	int bad = 0;

	for (unsigned i = 0; i < sizeof(in) / sizeof(*in); i++) {
		uint64_t room[2] = {7, 7}, mine[2] = {7, 7};
		struct args x = {in[i][0], in[i][1], in[i][2], room};
		uint64_t got = distant(&x);
		uint64_t want = wanted(in[i][0], in[i][1], in[i][2], mine);

		if (got != want || memcmp(room, mine, sizeof(room))) {
			printf("%u: got %#llx, wanted %#llx\n", i,
				(unsigned long long)got,
				(unsigned long long)want);
			bad = 1;
		}
	}
	return bad;
}
END
bpf far.bpf.c far.bpf.o
compile ${target:+--strict-align} -o far.kiln.o far.bpf.o
$CC -O1 -static -o near main.c far.kiln.o "$KILN_LIBS/libkiln.a"
$run ./near || fail "branches"

# 256 MiB between code and what it calls: out of the reach of bl
[ -n "$target" ] || exit 0
"${tools}objdump" -d far.kiln.o >code
has code 'tbnz.*#2' # around a jump
"${tools}objcopy" --rename-section .text.distant=away far.kiln.o away.kiln.o
$CC -O1 -static -Wl,--section-start=away=0x10000000 -o away main.c away.kiln.o \
	"$KILN_LIBS/libkiln.a"
"${tools}objdump" -d away >code
has code '_veneer>:'
$run ./away || fail "calls through veneers"
