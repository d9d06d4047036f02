/* Maps and programs as before BTF (t_elf_legacy.c): the structs of libbpf,
 * of the kernel's samples and of iproute2, tail-call sections by number, a
 * static program. Compiled without -g. */
typedef unsigned int u32;

#define SEC(name) __attribute__((section(name), used))

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, ARRAY_OF_MAPS = 12 };

struct libbpf_map {
	u32 type, key_size, value_size, max_entries, flags;
};

struct kernel_map {
	u32 type, key_size, value_size, max_entries, flags;
	u32 inner_map_idx, numa_node;
};

struct iproute2_map {
	u32 type, key_size, value_size, max_entries, flags;
	u32 id, pinning, inner_id, inner_idx;
};

struct libbpf_map SEC("maps/one") one = {HASH, 4, 8, 10, 1};
static struct libbpf_map SEC("maps/two") two = {ARRAY, 4, 8, 20, 0};

struct kernel_map SEC("maps") inner = {ARRAY, 4, 8, 30, 0, 0, 0};
struct kernel_map SEC("maps") outer = {ARRAY_OF_MAPS, 4, 4, 3, 0, 0, 0};

struct iproute2_map SEC("maps/tc") tc_inner = {ARRAY, 4, 8, 40, 0, 7, 0, 0, 2};
struct iproute2_map SEC("maps/tc") tc_outer = {
	ARRAY_OF_MAPS, 4, 4, 4, 0, 8, 2, 7, 0};

static void *(*lookup)(void *map, const void *key) = (void *)1;

static int SEC("2/7") tail(void *ctx)
{
	u32 key = 0;

	return !lookup(&one, &key) + !lookup(&two, &key);
}

int SEC("classifier/main") entry(void *ctx)
{
	u32 key = 0;

	return !lookup(&outer, &key) + !lookup(&tc_outer, &key) +
	       !lookup(&inner, &key) + !lookup(&tc_inner, &key);
}

char license_name[] SEC("license") = "GPL";
