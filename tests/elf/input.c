/*
 * What an object can hold, for clang and for bpf-gcc: compiled by both, it
 * must read the same (t_elf_read.c). Also a seed of the fuzzer.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name)	   __attribute__((section(name), used))
#define NOINLINE	   __attribute__((noinline))
#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#ifdef FOR_LIBBPF /* which refuses local maps, and functions beside programs */
#define LOCAL_MAP
#define LOCAL_IN_XDP
#else
#define LOCAL_MAP    static
#define LOCAL_IN_XDP SEC("xdp")
#endif

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, ARRAY_OF_MAPS = 12 };

int second(void *ctx);

struct {
	__uint(type, HASH);
	__uint(max_entries, 100);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

LOCAL_MAP struct {
	__uint(type, ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 8);
} hidden SEC(".maps");

struct inner {
	__uint(type, ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} inner_map SEC(".maps");

struct {
	__uint(type, ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = {.values = {[2] = &inner_map}};

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = &second}};

const volatile int knob = 5;
const volatile unsigned char small = 1;
const volatile char word[8] = "abc";

u64 global;
static u64 local;
u64 value = 7;
static u64 table[4] = {1, 2, 3, 4};
u64 *pointer = &value;
static u64 *volatile into_table = &table[2];

#ifdef __clang__
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
#else
#define HELPER(id) __attribute__((kernel_helper(id)))
extern HELPER(1) void *lookup(void *map, const void *key);
extern HELPER(181) long loop(u32 n, void *fn, void *ctx, u64 flags);
#endif

NOINLINE int global_sub(int a)
{
	global += a;
	return global * 3;
}

static NOINLINE int local_sub(u64 a)
{
	local += a;
	return local * 5;
}

static NOINLINE int callback(u32 i, void *ctx)
{
	table[1] += i;
	return 0;
}

SEC("xdp") int first(void *ctx)
{
	u32 key = knob;
	u64 *v = lookup(&counts, &key);

	if (v)
		*v += small;
	v = lookup(&hidden, &key);
	if (v)
		*v += table[3];
	loop(3, callback, 0, 0);
	v = lookup(&outer, &key);
	return global_sub(key) + local_sub(value) + *pointer + *into_table +
	       word[1] + !v;
}

static NOINLINE LOCAL_IN_XDP int local_in_xdp(int a)
{
	local += a;
	return local;
}

SEC("xdp") int second(void *ctx)
{
	return local_in_xdp(4) + ((long)&jumps >> 3);
}

SEC("tc") int third(void *ctx)
{
	return local_sub(2);
}

char license_name[] SEC("license") = "GPL";
u32 kernel_version SEC("version") = 0x60000;
