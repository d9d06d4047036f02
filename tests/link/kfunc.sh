# Kernel functions: those that the runtime has, linked and loaded; those that
# only the application has; weak ones that nobody has are 0.
. "$KILN_TOP/tests/link/common.sh"
need clang
cat >iter.bpf.c <<'END'
#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
struct bpf_iter_num { unsigned long long opaque; } __attribute__((aligned(8)));
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
int app_function(short x) __ksym;
int nobody_has(int x) __ksym __weak;
extern const int app_variable __ksym;
extern const int no_variable __ksym __weak;

/* ctx: start, end */
SEC("syscall") int sum(int *ctx)
{
	struct bpf_iter_num it;
	int sum = 0, *i;
	int err = bpf_iter_num_new(&it, ctx[0], ctx[1]);

	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	bpf_iter_num_destroy(&it);
	return err ? err : sum;
}
SEC("syscall") int others(int *ctx)
{
	int r = app_function((short)ctx[0]) + app_variable;

	bpf_rcu_read_lock();
	if (nobody_has)
		r += nobody_has(r);
	if (&no_variable)
		r += no_variable;
	bpf_rcu_read_unlock();
	return r;
}
END
clang -target bpf -O2 -g -w -c iter.bpf.c -o iter.bpf.o
cat >main.c <<'END'
#include <limits.h>
#include <stdio.h>
#include <kiln/runtime.h>
int app_function(short x) { return x * 2; }
const int app_variable = 1000;
typedef uint64_t (*prog)(void *);
uint64_t sum(void *), others(void *);
static void use(prog s, prog o)
{
	static int ranges[][2] = {{0, 10}, {-3, 3}, {5, 5}, {5, 4},
		{INT_MIN, INT_MIN + 3}, {INT_MAX - 2, INT_MAX}, {0, 1 << 24}};

	for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		printf("%d ", (int)s(ranges[i]));
	printf("%d\n", (int)o((int[]){-70000}));
}
int main(int argc, char **argv)
{
	struct kiln_symbol app[] = {{"app_function", (void *)app_function},
		{"app_variable", (void *)&app_variable}, {0}};
	struct kiln_open_opts opts = {.sz = sizeof(opts), .symbols = app};
	struct kiln_object *obj;

	if (argc == 1) {
		use(sum, others);
		return 0;
	}
	obj = kiln_object_open_file(argv[1], &opts);
	if (!obj || kiln_object_load(obj))
		return 1;
	use((prog)kiln_program_entry(kiln_object_find_program(obj, "sum")),
		(prog)kiln_program_entry(
			kiln_object_find_program(obj, "others")));
	return 0;
}
END
# -70000 is -4464 as a short; INT_MAX - 2 + INT_MAX - 1 wraps
echo '45 -3 0 -22 -2147483645 -5 -7 -7928' >wanted
need_plain
for level in 0 2; do
	compile -O$level iter.bpf.o -o iter.kiln.o
	$CC "$include" -o main main.c iter.kiln.o "$KILN_LIBS/libkiln.a"
	for loaded in '' iter.kiln.o; do
		$run ./main $loaded >out
		cmp -s out wanted || { cat out; fail "-O$level $loaded"; }
	done
done
