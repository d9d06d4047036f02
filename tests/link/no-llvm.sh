# No LLVM library in the command or the libraries.
. "$KILN_TOP/tests/link/common.sh"
need readelf ldd
for f in "$KILN" "$KILN_LIBS"/*.so "$KILN_COMPILE"/*.so; do
	[ -e "$f" ] || continue
	readelf -dW "$f" >needed
	has needed NEEDED
	lacks needed 'NEEDED.*([Ll][Ll][Vv][Mm]|clang)'
	ldd "$f" >all
	lacks all '[Ll][Ll][Vv][Mm]'
done
