# Damaged native objects: see t_damage.c.
. "$KILN_TOP/tests/cli/common.sh"
two
# one that has rows of kiln_hooks; without the function, it loads all the same
cat >types.c <<'END'
long f(int a, void *p) { return a; }
END
cat >hooks.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("?fentry/f") int on_f(__u64 *ctx) { return ctx[0]; }
SEC("?fexit/f") int out_f(__u64 *ctx) { return ctx[2]; }
END
clang -target bpf -g -O1 -c types.c -o types.o
clang -target bpf -O2 "$include" "-I/usr/include/$(uname -m)-linux-gnu" \
	-c hooks.bpf.c -o hooks.bpf.o # no BTF of its own: small
compile --btf types.o -o hooks.kiln.o hooks.bpf.o
"$KILN" inspect hooks.kiln.o >out
has out '^  f +fexit +out_f +s64 \(s32, u64\) +optional$'
# standard error is what t_damage looks at: reports go beside it
export ASAN_OPTIONS="log_path=$work/report" UBSAN_OPTIONS="log_path=$work/report"
damage()
{
	"$T_DAMAGE" "$@" || {
		cat report* 2>/dev/null
		fail "damage: $*"
	}
}
damage two.kiln.o
damage hooks.kiln.o 11
