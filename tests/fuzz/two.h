/* What both seeds of two objects say alike. */
#define SEC(name)	  __attribute__((section(name), used))
#define EXTERN_MAP	  __attribute__((section(".maps")))
#define WEAK		  __attribute__((weak))
#define NOINLINE	  __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define SHARED                              \
	{                                   \
		__uint(type, 2);            \
		__uint(max_entries, 4);     \
		__type(key, int);           \
		__type(value, struct pair); \
	}
struct pair {
	int a, b;
};
static void *(*const lookup)(void *map, const void *key) = (void *)1;
char gpl[] SEC("license") = "GPL";
