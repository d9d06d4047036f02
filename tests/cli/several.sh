# Inputs that do not fit each other: the message names both, exactly.
. "$KILN_TOP/tests/cli/common.sh"
need clang
common='
#define SEC(name) __attribute__((section(name), used))
#define EXTERN_MAP __attribute__((section(".maps")))
#define NOINLINE __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define MAP(n) { __uint(type, 2); __uint(key_size, 4); \
	__uint(value_size, 8); __uint(max_entries, n); }
static void *(*lookup)(void *map, const void *key) = (void *)1;
'

# pair A B: a.o and b.o of these sources
pair()
{
	printf '%s\n%s\n' "$common" "$1" >a.c
	printf '%s\n%s\n' "$common" "$2" >b.c
	clang -target bpf -O2 -g -Wno-array-bounds -c a.c -o a.o
	clang -target bpf -O2 -g -c b.c -o b.o
}

prog='SEC("xdp") int prog(void *ctx)'

pair "$prog { return 1; }" "$prog { return 2; }"
refused 1 compile a.o b.o <<END
kiln: error: b.o: function prog is defined in a.o, too
END

pair "int v = 1; $prog { return v; }" "int v = 2;"
refused 1 compile a.o b.o <<END
kiln: error: b.o: variable v is defined in a.o, too
END

pair "int f(int x); $prog { return f(1); }" "int f = 2;"
refused 1 compile a.o b.o <<END
kiln: error: a.o: section xdp: program prog: insn 1 ($work/a.c:10): \
call of f, which is no function
END

pair "int f = 2; $prog { return f; }" "NOINLINE int f(int x) { return x; }"
refused 1 compile a.o b.o <<END
kiln: error: b.o: f is a function, but a.o has a variable f
END

pair "int f(int x); $prog { return f(1); }" \
	"NOINLINE int f(int x, int y) { return x - y; }"
refused 1 compile a.o b.o <<END
kiln: error: a.o: section .BTF: function f has 1 parameters, but 2 in b.o
END

pair "extern int v; $prog { return v; }" "long v = 2;"
refused 1 compile a.o b.o <<END
kiln: error: a.o: section .BTF: variable v has 4 bytes, but 8 in b.o
END

pair "extern int v[]; $prog { return v[1]; }" "int v[4] = {1};"
"$KILN" compile -o o.o a.o b.o || fail "an array of unknown size is refused"

pair "struct MAP(4) m SEC(\".maps\"); $prog { return 1; }" \
	"struct MAP(5) m SEC(\".maps\");"
refused 1 compile a.o b.o <<END
kiln: error: b.o: map m: differs in max_entries from that of a.o
END

use='int key = 0; return !lookup(&m, &key);'
pair "extern struct MAP(4) m EXTERN_MAP; $prog { $use }" \
	"struct MAP(5) m SEC(\".maps\");"
refused 1 compile a.o b.o <<END
kiln: error: a.o: section .maps: map m: differs in max_entries from that of b.o
END
refused 1 compile a.o <<END
kiln: error: a.o: section .maps: map m: no input defines it
END

pair "extern int v[4]; int *p = v + 7; $prog { return *p; }" "int v[4] = {1};"
refused 1 compile a.o b.o <<END
kiln: error: a.o: section .data: target .data+36 lies outside the section's \
24 bytes
END

pair "char l[] SEC(\"license\") = \"GPL\"; $prog { return 1; }" \
	"char l2[] SEC(\"license\") = \"MIT\";"
refused 1 compile a.o b.o <<END
kiln: error: b.o: section license: differs from that of a.o
END

# what an option names may be in any input
pair "$prog { return 1; }" 'const volatile int knob = 1;
struct MAP(4) m SEC(".maps");
SEC("two") int second(void *ctx) { int key = 0; return knob + !lookup(&m, &key); }'
"$KILN" compile --set knob=7 --map m=9 --type two=xdp --prog second \
	-o o.o a.o b.o 2>err
"$KILN" inspect o.o >out
has out '^  second +two +xdp '
has out '^  m  +array .* 9 '
lacks out '^  prog '
refused 1 compile --set v=1 --map n=9 --type three=xdp a.o b.o <<END
kiln: error: a.o: --set v: there is no such variable
kiln: error: a.o: --map n: there is no such map
kiln: error: a.o: --type three: there is no such section
END

# a map of the source's values cannot become smaller than they are
pair "$prog { return 1; }
struct { __uint(type, 3); __uint(key_size, 4); __uint(max_entries, 4);
	int (*values[])(void *); } jmp SEC(\".maps\") = {.values = {[2] = prog}};" ""
"$KILN" compile --map jmp=3 -o o.o a.o
refused 1 compile --map jmp=2 a.o <<END
kiln: error: a.o: --map jmp=2: the source gives a value to entry 2
END
