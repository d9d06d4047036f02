#!/bin/sh
# Calls functions of all kinds of signatures through their stubs.
#
#   usage: matrix.sh TARGET FIRST COUNT COMPILER [BUG]
#
# Environment: GEN, KILN_TOP; RUN for another target than the host.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$KILN_TOP/tests/stub
case $1 in
aarch64) shim=shim_arm64.S ;;
*) shim=shim_x86.S ;;
esac

"$GEN" "$1" "$2" "$3" ${5:+"$5"} >"$work/funcs.c"
# -w: values are read as wider ones
$4 -w -O1 -fno-strict-aliasing -static -I "$here" -I "$KILN_TOP/include" \
	-o "$work/matrix" "$work/funcs.c" "$here/harness.c" "$here/$shim"
exec ${RUN:-} "$work/matrix"
