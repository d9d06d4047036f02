# What cmake --install puts in place serves pkg-config, find_package(kiln), C
# and C++, and shows no other names than its own.
. "$KILN_TOP/tests/link/common.sh"
need cmake pkg-config nm
need_plain
two
cmake --install "$KILN_BUILD" --prefix "$work/prefix" >log 2>&1 ||
	{ cat log; fail "install"; }
kiln=$work/prefix/bin/kiln
pc=$(dirname "$(find prefix -name kiln.pc)")
libs=$(dirname "$(find prefix -name libkiln.a)")
export PKG_CONFIG_PATH="$work/$pc"
rm -f two.kiln.o
"$kiln" compile two.bpf.o

# shellcheck disable=SC2046
$CC -O1 -DKEEP=3 $(pkg-config --cflags kiln) -o app "$here/app.c" two.kiln.o \
	$(pkg-config --libs kiln)
LD_LIBRARY_PATH=$libs ./app >out || { cat out; fail "pkg-config: run"; }

cat >compile.c <<'END'
#include <kiln/compile.h>
#include <stdio.h>
#define arena_init taken /* names of the library's insides are free */
int arena_init;
int main(void)
{
	const struct kiln_input in = {.name = "two.bpf.o"};
	const struct kiln_compile_opts o = {.sz = sizeof(o)};
	void *out;
	size_t size;
	FILE *f = fopen("api.o", "wb");

	if (!f || kiln_compile(&in, 1, &o, &out, &size))
		return 1;
	fwrite(out, 1, size, f);
	kiln_free(out);
	return fclose(f);
}
END
for static in '' --static; do
	archive=
	[ -z "$static" ] || archive=$libs/libkiln-compile.a
	# shellcheck disable=SC2046,SC2086
	$CC $(pkg-config --cflags kiln-compile) -o compile compile.c \
		$archive $(pkg-config $static --libs kiln-compile)
	rm -f api.o
	LD_LIBRARY_PATH=$libs ./compile || fail "kiln_compile() $static"
	cmp api.o two.kiln.o || fail "kiln_compile() gives other bytes"
done
nm -g --defined-only "$libs/libkiln-compile.a" >names
nm -gD --defined-only "$libs/libkiln-compile.so" >>names
nm -gD --defined-only "$libs/libkiln.so" >>names
# gdb's two names are what gdb wants
grep -v ' __jit_debug_' names >ours
lacks ours ' [A-TV-Z] ([^k]|k[^i]|ki[^l])'

if command -v g++ >/dev/null; then
	for h in compile runtime context format port; do
		echo "#include <kiln/$h.h>" >h.cc
		g++ -Wall -Wextra -Werror -fsyntax-only \
			"-I$work/prefix/include" h.cc || fail "$h.h in C++"
	done
fi

mkdir consumer
cp "$here/app.c" two.bpf.o consumer
cp two.bpf.o consumer/types.o
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(kiln 0.1 REQUIRED)
kiln_add_object(two two.bpf.o -O1 --max-cpus=4
	--btf ${CMAKE_CURRENT_SOURCE_DIR}/types.o)
add_executable(app app.c)
target_compile_definitions(app PRIVATE KEEP=3)
target_link_libraries(app PRIVATE two kiln::kiln)
END
CC=$CC cmake -S consumer -B consumer/build "-DCMAKE_PREFIX_PATH=$work/prefix" \
	>log 2>&1 && cmake --build consumer/build >>log 2>&1 ||
	{ cat log; fail "find_package"; }
consumer/build/app >out || { cat out; fail "find_package: run"; }
sleep 0.1
touch consumer/types.o
cmake --build consumer/build >log 2>&1
has log 'Generating two.kiln.o'
