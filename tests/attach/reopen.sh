# A library with functions that are hooked, closed and opened again.
. "$KILN_TOP/tests/link/common.sh"
need_plain
source=$KILN_TOP/tests/attach
bpf "$source/attach.bpf.c" attach.bpf.o
build="$CC -g -O2 $include -I$source"
$build -gbtf -c -o types.o "$source/targets.c"
# functions that nobody calls can be missing
sed 's/SEC("f/SEC("?f/' "$source/attach.bpf.c" >optional.bpf.c
bpf optional.bpf.c optional.bpf.o
compile --btf types.o -o optional.kiln.o optional.bpf.o
ln -s "$(dirname "$(find "$KILN_LIBS" -name libkiln.so)")" libs
$build -fPIC -shared -Wl,-soname,libw.so -o libw.so "$source/targets.c" \
	"$KILN_LIBS/kiln-module.o" -Llibs -lkiln
$build -o app "$source/reopen.c" -Llibs -lkiln -ldl -lpthread
LD_LIBRARY_PATH=libs:. $run ./app optional.kiln.o ./libw.so || fail "reopen"
