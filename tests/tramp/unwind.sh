# Through a hooked function unwinders find their way: backtrace(3), gdb, C++
# exceptions; longjmp leaves it, too. What is left so has no fexit. In executables
# of both kinds and a library, with protected control flow.
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/tests/tramp
protection=-fcf-protection=full
[ "${target:-$(uname -m)}" = x86_64 ] ||
	protection=-mbranch-protection=standard
set -- -O2 -g -fexceptions $protection "$include" -I"$src" -fPIC
bpf "$src/unwind.bpf.c" unwind.bpf.o
echo 'int run(void); int main(void) { return run(); }' >main.c
cxx=g++
[ -z "$target" ] || cxx=$target-linux-gnu-g++
if command -v "$cxx" >/dev/null; then
	$cxx "$@" -c "$src/unwind.cc" -o cxx.o
else
	set -- "$@" -DNO_CXX
	echo "left out: exceptions, without $cxx"
	echo 'extern int none;' >none.c
	$CC -c none.c -o cxx.o
	cxx=$CC
fi
$CC "$@" -gbtf -c "$src/unwind.c" -o unwind.o
$CC "$@" -c main.c -o main.o
compile --btf unwind.o --attach enter --attach leave unwind.bpf.o
set -- unwind.o cxx.o unwind.kiln.o "$KILN_LIBS/kiln-module.o"

# check PROGRAM: what f() sees behind it
check()
{
	LD_LIBRARY_PATH=. $run "./$1" >out 2>&1 || { cat out; fail "$1"; }
	has out '\(caller\+'
	has out '\((run|main)\+'
}

$cxx -pie -rdynamic -o pie main.o "$@" "$KILN_LIBS/libkiln.a" -lpthread
check pie
$cxx -no-pie -rdynamic -o fixed main.o "$@" "$KILN_LIBS/libkiln.a" -lpthread
check fixed

# a library that comes, goes, and comes again
if [ -e "$KILN_LIBS/libkiln.so" ]; then
	cat >load.c <<'END'
#include <dlfcn.h>
int main(void)
{
	for (int k = 0; k < 3; k++) {
		void *lib = dlopen("./lib.so", RTLD_NOW);
		int (*run)(void) = lib ? (int (*)(void))dlsym(lib, "run") : 0;
		if (!run || run() || dlclose(lib))
			return 1;
	}
	return 0;
}
END
	$cxx -shared -o lib.so "$@" "-L$KILN_LIBS" -lkiln
	$CC -o load load.c -ldl
	cp "$KILN_LIBS"/libkiln.so* .
	check load
	[ "$(grep -c 'caller' out)" = 3 ] || { cat out; fail "not three times"; }
fi

[ -z "$target" ] && command -v gdb >/dev/null || {
	echo "left out: gdb, of this host only"
	exit 0
}
# -iex: a debuginfod would be asked over the net
gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'break backtrace' -ex run \
	-ex bt ./pie >bt 2>&1 </dev/null || { cat bt; fail gdb; }
if grep -Eq 'ptrace: |Could not trace|not permitted' bt; then
	echo "left out: gdb, which may not trace here"
	exit 0
fi
has bt '^#1 .* f \(how='
has bt '^#2 .* kiln_tramp.f.? '
has bt '^#3 .* caller \(how='
has bt '^#4 .* (run|main) '
lacks bt 'corrupt|previous frame'
