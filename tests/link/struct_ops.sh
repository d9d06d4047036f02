# Tables of struct_ops: C calls their members by prototype, linked and loaded.
. "$KILN_TOP/tests/link/common.sh"
need clang
cat >ops.h <<'END'
struct pair { int a, b; };
struct ops {
	char name[16];
	int (*add)(int a, long b, unsigned char c);
	void (*touch)(struct pair *p);
	unsigned long (*by_value)(struct pair p, unsigned long q);
	int flags;
	int *shared;
	long (*missing)(void);
	struct {
		int (*nested)(int a, int b, int c, int d, long e);
	};
	int (*none)(void);
};
END
cat >ops.bpf.c <<'END'
#include "ops.h"
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
typedef unsigned long long u64;
static void *(*lookup)(void *map, const void *key) = (void *)1;
/* per CPU: the programs that use it need a run scope */
struct {
	__uint(type, 6);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(max_entries, 1);
} counts SEC(".maps");
int shared = 40;
SEC("struct_ops/add") int my_add(u64 *ctx)
{
	int k = 0;
	u64 *n = lookup(&counts, &k);

	if (n)
		++*n;
	return (int)ctx[0] + (long)ctx[1] + (unsigned char)ctx[2] + shared +
	       (n ? *n * 1000 : 0);
}
SEC("struct_ops/touch") int my_touch(u64 *ctx)
{
	struct pair *p = (void *)ctx[0];

	p->a += 1;
	p->b += 2;
	return 0;
}
SEC("struct_ops/by_value") u64 my_value(u64 *ctx) { return ctx[0] ^ ctx[1]; }
SEC("struct_ops/nested") int my_nested(u64 *ctx)
{
	return (int)ctx[0] + (int)ctx[1] * 10 + (int)ctx[2] * 100 +
	       (int)ctx[3] * 1000 + (int)ctx[4] * 10000;
}
SEC("struct_ops/none") int my_none(u64 *ctx) { return -7; }
SEC(".struct_ops.link") struct ops table = {
	.name = "table",
	.add = (void *)my_add,
	.touch = (void *)my_touch,
	.by_value = (void *)my_value,
	.flags = 5,
	.shared = &shared,
	.nested = (void *)my_nested,
	.none = (void *)my_none,
};
END
clang -target bpf -O2 -g -c ops.bpf.c -o ops.bpf.o

cat >main.c <<'END'
#include <stdio.h>
#include <string.h>
#include <kiln/runtime.h>
#include "ops.h"
extern struct ops table;
static int use(struct ops *t)
{
	struct pair p = {10, 20};

	t->touch(&p);
	*t->shared += 1;
	printf("%s %d %d", t->name, t->flags, t->add(-1, 2, 3));
	printf(" %d %d %#lx", p.a, p.b, t->by_value((struct pair){1, 2}, 16));
	printf(" %d %d", t->missing != 0, t->nested(1, 2, 3, 4, 5));
	printf(" %d %d\n", t->none(), t->add(1, 1, 1));
	return 0;
}
int main(int argc, char **argv)
{
	struct kiln_object *o;

	if (argc == 1)
		return use(&table);
	o = kiln_object_open_file(argv[1], NULL);
	if (!o || kiln_object_load(o))
		return 1;
	use(kiln_object_find_global(o, "table", NULL));
	kiln_object_close(o);
	return 0;
}
END
echo 'table 5 1045 11 22 0x200000011 0 54321 -7 2044' >wanted
need_plain
for level in 0 2; do
	compile -O$level ops.bpf.o -o ops.kiln.o
	$CC "$include" -o main main.c ops.kiln.o "$KILN_LIBS/libkiln.a"
	for loaded in '' ops.kiln.o; do
		$run ./main $loaded >out
		cmp -s out wanted || { cat out; fail "-O$level $loaded"; }
	done
done

# what C cannot call, and what is no program
refuse()
{
	sed "$1" ops.h >changed.h
	sed "$2; s/ops.h/changed.h/" ops.bpf.c >changed.bpf.c
	clang -target bpf -O2 -g -w -c changed.bpf.c -o changed.bpf.o
	if compile -o none.o changed.bpf.o 2>err; then
		fail "compiled: $1 $2"
	fi
	has err "$3"
}
refuse 's/long e)/long e, int f)/' '' \
	'program my_nested: member nested of table passes more than fits'
refuse 's/long b,/double b,/' '' 'member add of table has a floating-point'
refuse 's/(\*none)(void)/(*none)(int, ...)/' '' 'member none of table is variadic'
refuse 's/int (\*none)(void)/long none/' 's/(void \*)my_none/(long)my_none/' \
	'my_none: offset 72 of it is no pointer to a function'
