# Programs that attach to functions: whose prototypes say all there is to know of
# a call, and which have a sled.
. "$KILN_TOP/tests/cli/common.sh"
need gcc
cat >app.c <<'END'
#include "kiln/hook.h"
struct two { long a; double b; };
struct packed { char c; int i; } __attribute__((packed));
struct lifted { char c; int i __attribute__((aligned(8))); };
struct gap { unsigned a : 3; unsigned : 4; unsigned b : 3; };
struct tail { long n; char more[]; };
struct none {};
struct huge { char c[520]; };
typedef float vec __attribute__((vector_size(16)));
long f_ld(long double x) { return x; }
long f_i128(int a, __int128 big) { return a + big; }
long f_vec(vec v) { return v[0]; }
vec r_vec(int i) { vec v = {i}; return v; }
long f_complex(_Complex float c) { return __real__ c; }
long f_packed(struct packed p) { return p.i; }
long f_lifted(struct lifted p) { return p.i; }
long f_gap(struct gap g) { return g.a + g.b; }
long f_tail(struct tail t) { return t.n; }
long f_none(struct none n, int a) { return a; }
long f_huge(struct huge h) { return h.c[1]; }
long f_any(const char *s, ...) { return *s; }
int sigsetjmp(void *p, int save) { return 0; }
KILN_HOOKABLE void nothing(void) {}
KILN_HOOKABLE struct two two(struct two t) { return t; }
KILN_HOOKABLE double real(double d) { return d; }
KILN_HOOKABLE long six(int a, int b, int c, int d, int e, int f) { return a; }
KILN_HOOKABLE long one(short s, void *p) { return s; }
long plain(int a) { return a + 1; }
static __attribute__((noinline)) int copied(int *a, int b) { return *a + b; }
int user(int *x) { return copied(x, 7); }
END
app="gcc -std=gnu11 -O2 -fno-builtin -w -Wno-psabi -gbtf $include"
$app -c -o app.o app.c
cat >models.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
#define FENTRY(f) SEC("fentry/" #f) int on_##f(void *ctx) { return 0; }
FENTRY(f_ld) FENTRY(f_i128) FENTRY(f_vec) FENTRY(r_vec) FENTRY(f_complex)
FENTRY(f_packed) FENTRY(f_lifted) FENTRY(f_gap) FENTRY(f_tail) FENTRY(f_none)
FENTRY(f_huge) FENTRY(f_any) FENTRY(sigsetjmp) FENTRY(plain) FENTRY(copied)
FENTRY(missing)
SEC("?fentry/missing") int on_optional(void *ctx) { return 0; }
END
bpf models.bpf.c models.bpf.o
# no FUNCTION WHY...: a line of what is refused
no()
{
	function=$1
	shift
	echo "kiln: error: models.bpf.o: section fentry/$function: program on_$function: $function cannot be attached to: $*"
}
by="pass a pointer to it"
hand="(packed, or aligned by hand): $by"
{
	no f_ld "parameter x has a long double, wanted float or double: $by"
	no f_i128 "parameter big has an integer of 128 bits, wanted 8, 16, 32 or 64: $by"
	no f_vec "parameter v is of a type that BTF does not describe (a vector, or a complex number): $by"
	no r_vec "the result is of a type that BTF does not describe (a vector, or a complex number): $by"
	no f_complex "parameter c has a complex float, wanted float or double: $by"
	no f_packed "parameter p: member i of struct packed is at bit 8, by its type it would be at 32 $hand"
	no f_lifted "parameter p: member i of struct lifted is at bit 64, by its type it would be at 32 $hand"
	no f_gap "parameter g: member b of struct gap is at bit 7, by its type it would be at 3 $hand"
	no f_tail "parameter t has an array without length"
	no f_none "parameter n: struct none has no members"
	no f_huge "parameter h has 520 bytes, wanted at most 512"
	no f_any "it takes any number of arguments (...)"
	no sigsetjmp "it returns more than once"
	no plain "plain is neither marked KILN_HOOKABLE (kiln/hook.h) nor compiled with -fpatchable-function-entry=7; a BPF program needs --entry-sites"
	no copied "the compiler made a copy of it for constant arguments (copied.constprop.0.isra.0): mark copied KILN_HOOKABLE (kiln/hook.h)"
	echo 'kiln: error: models.bpf.o: section fentry/missing: program on_missing: missing is no function of app.o (if it may be missing: SEC("?fentry/missing"))'
} | sed "$([ "$(uname -m)" = x86_64 ] || echo 's/entry=7/entry=1/')" |
	refused 1 compile --btf app.o -o x.o models.bpf.o

# what programs of a kind can do for a function
cat >kinds.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
typedef unsigned long long u64;
SEC("fmod_ret/nothing") int m_void(void *ctx) { return 0; }
SEC("fmod_ret/two") int m_struct(void *ctx) { return 0; }
SEC("fmod_ret/real") int m_real(void *ctx) { return 0; }
SEC("freplace/six") long r_six(int a) { return 0; }
SEC("freplace/real") long r_real(u64 d) { return 0; }
SEC("freplace/one") long r_count(short s) { return s; }
SEC("freplace/one") long r_size(int s, void *p) { return s; }
SEC("freplace/one") int r_result(short s, void *p) { return s; }
END
bpf kinds.bpf.c kinds.bpf.o
at="kiln: error: kinds.bpf.o: section"
refused 1 compile --btf app.o -o x.o kinds.bpf.o <<END
$at fmod_ret/nothing: program m_void: the result of nothing is void, wanted an integer or pointer: fexit sees it, too
$at fmod_ret/two: program m_struct: the result of two is a struct or union by value, wanted an integer or pointer: fexit sees it, too
$at fmod_ret/real: program m_real: the result of real is a float or double, wanted an integer or pointer: fexit sees it, too
$at freplace/six: program r_six: six has 6 parameters, wanted at most 5
$at freplace/real: program r_real: parameter d of real is a float or double, wanted an integer or pointer
$at freplace/one: program r_count: it has 1 parameters, wanted 2 as one has
$at freplace/one: program r_size: parameter s has 4 bytes, wanted 2 as parameter s of one has
$at freplace/one: program r_result: its result has 4 bytes, wanted 8 as that of one has
END

# what they do with their arguments
cat >uses.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
typedef unsigned long long u64;
static long (*get_func_arg_cnt)(void *) = (void *)185;
SEC("fentry/one") int behind(u64 *ctx) { return ctx[2]; }
SEC("fexit/nothing") int no_result(u64 *ctx) { return ctx[0]; }
SEC("fentry/one") int store(u64 *ctx) { ctx[0] = 1; return 0; }
SEC("fentry/one") int other(u64 *ctx) { return get_func_arg_cnt(ctx + 1); }
SEC("tp_btf/x") int tp(u64 *ctx) { return get_func_arg_cnt(ctx); }
END
bpf uses.bpf.c uses.bpf.o
at="kiln: error: uses.bpf.o: section"
refused 1 compile --btf app.o -o x.o uses.bpf.o <<END
$at fentry/one: program behind: insn 0 ($work/uses.bpf.c:5): access of 8 bytes at 16 of the arguments of one, which has 2 words of arguments and no result yet
$at fentry/one: program store: insn 1 ($work/uses.bpf.c:7): store to the arguments of one, which programs only read
$at fentry/one: program other: insn 1 ($work/uses.bpf.c:8): argument 1 of get_func_arg_cnt is not the context itself
$at fexit/nothing: program no_result: insn 0 ($work/uses.bpf.c:6): access of 8 bytes at 0 of the arguments of nothing, which has 0 words of arguments and no result
$at tp_btf/x: program tp: insn 0 ($work/uses.bpf.c:9): argument 1 of get_func_arg_cnt is arguments, wanted the arguments of a function whose prototype is known (fentry, fexit, fmod_ret; --btf FILE)
END

# functions of the object itself are attached to without --btf: a program, a
# program that another input has, and no program that attaches
cat >own.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("xdp") int drop(struct xdp_md *ctx) { return ctx->rx_queue_index; }
SEC("fentry/drop") int on_drop(__u64 *ctx) { return ctx[0] != 0; }
SEC("freplace/drop") int pass(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
SEC("freplace/far") int other(struct xdp_md *ctx) { return 2; }
SEC("fentry/seen") int seen(__u64 *ctx) { return 0; }
SEC("?fexit/seen") int seen_out(__u64 *ctx) { return 0; }
END
bpf own.bpf.c own.bpf.o
refused 0 compile -o own.o own.bpf.o <<END
kiln: warning: own.bpf.o: no prototype of seen is known (--btf FILE): programs cannot be attached to it
END
"$KILN" inspect own.o | sed -n '/^hooks:/,$p' >out
has out '^  drop +fentry +on_drop +s32 \(u64\)$'
has out '^  drop +freplace +pass +s32 \(u64\)$'
has out '^  far +freplace +other +s32 \(u64\)$'
lacks out seen
"$KILN" inspect -j own.o >out
has out '"function":"far","kind":"freplace","program":"other","model":"s32 \(u64\)"'
"$KILN" disasm own.o >out # their stubs without the words behind them
has out '^kiln_tramp\.far:'
lacks out '(addb %al, \(%rax\)|udf)'
# and runs, though nobody has what it attaches to
dd if=/dev/zero of=ctx bs=8 count=1 2>/dev/null
"$KILN" run own.bpf.o --prog on_drop --ctx-in ctx >out 2>err || fail "run"
has out '^Return value: 0,'

# nobody says what is attached to
cat >unknown.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("fentry/one") int one(void *ctx) { return 0; }
SEC("fexit/one") int two(void *ctx) { return 0; }
SEC("fentry") int three(void *ctx) { return 0; }
END
bpf unknown.bpf.c unknown.bpf.o
refused 0 compile -o x.o unknown.bpf.o <<END
kiln: warning: unknown.bpf.o: no prototype of one is known (--btf FILE): programs cannot be attached to it
END
refused 1 compile --attach two -o x.o unknown.bpf.o <<END
kiln: warning: unknown.bpf.o: no prototype of one is known (--btf FILE): programs cannot be attached to it
kiln: error: unknown.bpf.o: section fexit/one: program two: --attach: no prototype of one is known (--btf FILE)
END
refused 1 compile --btf app.o --attach three --attach four -o x.o unknown.bpf.o <<END
kiln: error: unknown.bpf.o: section fentry: program three: --attach: its section names no function that it attaches to, wanted fentry/F, fexit/F, fmod_ret/F or freplace/F
kiln: error: unknown.bpf.o: no program named four (--attach)
END

# a sled says that it can be, wherever the compiler lists it
cat >plain.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("fentry/plain") int on_plain(void *ctx) { return 0; }
END
bpf plain.bpf.c plain.bpf.o
sled=7
[ "$(uname -m)" = x86_64 ] || sled=1
echo 'int main(void) { return 0; }' >main.c
for how in "-c" "-pie main.c" "-no-pie main.c"; do
	# shellcheck disable=SC2086
	$app -fpatchable-function-entry=$sled -o sledded app.c $how
	"$KILN" compile --btf sledded -o x.o plain.bpf.o || fail "$how: sled"
	# shellcheck disable=SC2086
	$app -o bare app.c $how
	if "$KILN" compile --btf bare -o x.o plain.bpf.o 2>err; then
		fail "$how: no sled"
	fi
	has err "plain cannot be attached to: plain is neither marked"
done
# a stripped file does not know
strip -o stripped bare
"$KILN" compile --btf stripped -o x.o plain.bpf.o || fail "stripped"
