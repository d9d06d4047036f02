# Every type of relocation that kiln's objects may have occurs, and no other;
# what is linked by them works.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}readelf"
need_plain
cat >all.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>

typedef unsigned long long u64;

unsigned char g1 = 1;
unsigned short g2 = 2;
unsigned int g4 = 4;
u64 g8 = 8;
unsigned char r1;
unsigned short r2;
u64 r8;
extern u64 given(u64 x) __attribute__((section(".ksyms")));
extern const int missing __attribute__((section(".ksyms"), weak));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, unsigned int);
	__type(value, u64);
	__uint(max_entries, 4);
} map SEC(".maps");

/* one access alone has the address in itself */
static __attribute__((noinline)) u64 load1(void) { return r1; }
static __attribute__((noinline)) u64 load2(void) { return r2; }
static __attribute__((noinline)) u64 load8(void) { return r8; }

static __attribute__((noinline)) u64 local(u64 x)
{
	asm volatile("" : "+r"(x));
	return x * 3;
}

SEC("prog") u64 all(u64 *ctx)
{
	unsigned int key = 2;
	u64 *v = bpf_map_lookup_elem(&map, &key);

	g1++;
	g2++;
	g4++;
	g8++;
	if (&missing)
		return 0;
	return (v ? ++*v : 0) + local(given(g1 + g2 + g4 + g8)) + load1() + load2() + load8();
}
END
cat >main.c <<'END'
#include <stdint.h>

uint64_t all(void *ctx);
uint64_t given(uint64_t x);

uint64_t given(uint64_t x)
{
	return x + 1;
}

int main(void)
{
	uint64_t ctx = 0;

	return all(&ctx) != 1 + 3 * (1 + 2 + 4 + 8 + 4 + 1);
}
END
bpf all.bpf.c all.bpf.o
compile -o all.kiln.o all.bpf.o
"${tools}readelf" -rW all.kiln.o | sed -n 's/.* \(R_[A-Z0-9_]*\) .*/\1/p' |
	sort -u >have
case ${target:-$(uname -m)} in
aarch64)
	sort >wanted <<-END
		R_AARCH64_ABS32
		R_AARCH64_ABS64
		R_AARCH64_ADD_ABS_LO12_NC
		R_AARCH64_ADR_GOT_PAGE
		R_AARCH64_ADR_PREL_PG_HI21
		R_AARCH64_CALL26
		R_AARCH64_LD64_GOT_LO12_NC
		R_AARCH64_LDST16_ABS_LO12_NC
		R_AARCH64_LDST32_ABS_LO12_NC
		R_AARCH64_LDST64_ABS_LO12_NC
		R_AARCH64_LDST8_ABS_LO12_NC
		R_AARCH64_PREL32
	END
	;;
*)
	sort >wanted <<-END
		R_X86_64_32
		R_X86_64_64
		R_X86_64_PC32
		R_X86_64_PLT32
		R_X86_64_REX_GOTPCRELX
	END
	;;
esac
diff wanted have || fail "types of relocations"
for linker in bfd lld; do
	$CC "-fuse-ld=$linker" -static -o all main.c all.kiln.o \
		"$KILN_LIBS/libkiln.a" || fail "$linker"
	$run ./all || fail "$linker: result $?"
done
