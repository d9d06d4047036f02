# One C source for BPF with and without 32-bit instructions (-mcpu=v1, v2, v3):
# the shifts and 64-bit comparisons that v1 needs are gone after optimising.
. "$KILN_TOP/tests/link/common.sh"
need clang nm
cat >levels.bpf.c <<'END'
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef unsigned short u16;
typedef unsigned char u8;
typedef short s16;
#define SEC(n) __attribute__((section(n), used))
struct c {
	u32 a, b;
	s32 x, y;
	u16 h;
	s16 g;
	u64 q;
	u8 t[8];
};
SEC("raw_tp") int cmp32(struct c *c)
{
	if (c->a + 1 > c->b)
		return 1;
	if (c->x < c->y)
		return 2;
	return c->x + 3 > 7;
}
SEC("raw_tp") int arith(struct c *c)
{
	u32 r = c->a * 3 + c->b;
	r ^= r >> 7;
	r += r << 3;
	return r / 5 + (c->x >> 2) + ((c->y & 7) > 2 ? c->x : c->a);
}
SEC("raw_tp") int loop(struct c *c)
{
	u32 s = 0;
	for (u32 i = 0; i < c->a; i++)
		s = s * 31 + i;
	return s;
}
SEC("raw_tp") int sloop(struct c *c)
{
	s32 s = 0;
	for (s32 i = c->x; i < c->y; i++)
		s += i * i;
	return s;
}
SEC("raw_tp") int sw(struct c *c)
{
	switch (c->a - 5) {
	case 0: return 3;
	case 1: return c->b;
	case 2: return -1;
	default: return c->x >> 3;
	}
}
SEC("raw_tp") u64 mix(struct c *c)
{
	u64 v = c->a;
	v = (v << 32) | c->b;
	return v + (u64)(s64)c->x + c->h + c->g;
}
SEC("raw_tp") int hash(struct c *c)
{
	u32 h = 0x811c9dc5;
	for (int i = 0; i < 8; i++) {
		h ^= c->t[i];
		h *= 0x01000193;
	}
	return h;
}
SEC("raw_tp") int rot(struct c *c)
{
	u32 v = c->a;
	v = v << 13 | v >> 19;
	v += c->b;
	v = v << 7 | v >> 25;
	return v;
}
SEC("raw_tp") int narrow(struct c *c)
{
	return (u8)(c->a + c->b) + (s16)(c->x - c->y) +
	       (c->h > 1000 ? 5 : c->a > 100);
}
SEC("raw_tp") int mn(struct c *c)
{
	u32 m = c->a < c->b ? c->a : c->b;
	s32 n = c->x > c->y ? c->x : c->y;
	return m + n;
}
END
for cpu in v1 v2 v3; do
	clang -target bpf -mcpu=$cpu -O2 -g -c levels.bpf.c -o $cpu.bpf.o
	compile $cpu.bpf.o -o $cpu.kiln.o
	# sizes of functions in hexadecimal
	"${tools}nm" -S $cpu.kiln.o | awk '$3 == "T" { print $4, $2 }' >$cpu
done
[ "$(wc -l <v1)" = 10 ] || { cat v1; fail "not ten programs"; }
# clang divides v3's arith in another order
for cpu in v2 v3; do
	grep -v arith v1 >wanted
	grep -v arith $cpu >got
	cmp -s wanted got || { diff wanted got; fail "v1 and $cpu differ"; }
done
