# The ordinary tools take the object without a complaint, and what strip -g
# leaves of it still links and runs.
. "$KILN_TOP/tests/link/common.sh"
need readelf "${tools}objdump" nm "${tools}strip"
two
for tool in "readelf -aW" "readelf --debug-dump=info,decodedline,frames,Ranges" \
	"${tools}objdump -drwxs" "nm -n"; do
	$tool two.kiln.o >out 2>err || { cat err; fail "$tool"; }
	[ ! -s err ] || { cat err; fail "$tool warns"; }
done
readelf -sW two.kiln.o >symbols
has symbols 'FUNC +GLOBAL PROTECTED .* p1$'
has symbols 'FUNC +GLOBAL HIDDEN .* p2\.body$'
has symbols 'FUNC +LOCAL +DEFAULT .* count$'
has symbols 'OBJECT +GLOBAL HIDDEN .* counts$'
has symbols 'NOTYPE +GLOBAL DEFAULT +UND kiln_abi_1$'
lacks symbols LICENSE
# psABI relocations only: no tool prints one that it does not know
readelf -rW two.kiln.o >relocs
lacks relocs unrecognized

"${tools}strip" -g -o stripped.o two.kiln.o
"${tools}strip" --strip-unneeded -o bare.o two.kiln.o
"${tools}objcopy" two.kiln.o copied.o
need_plain
$CC -O1 "$include" -DKEEP=3 -c "$here/app.c" -o app.o
for object in stripped.o bare.o copied.o; do
	$CC -Wl,--fatal-warnings,--gc-sections -o app app.o $object \
		"$KILN_LIBS/libkiln.a"
	$run ./app >out || { cat out; fail "$object: run"; }
done
"$KILN" inspect stripped.o >out
has out 'p1 +xdp +xdp'
