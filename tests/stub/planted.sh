#!/bin/sh
# The matrix finds what is wrong: stubs made from models that are not quite those
# of their functions.
#
#   usage: planted.sh TARGET COMPILER; environment as for matrix.sh
set -u
for bug in extension class tail stack word; do
	sh "$KILN_TOP/tests/stub/matrix.sh" "$1" 62 40 "$2" $bug \
		>/dev/null 2>&1
	result=$? # 3: it said so; from 128 on: it crashed
	[ $result -eq 3 ] || [ $result -ge 128 ] || {
		echo "planted bug $bug: got $result, wanted 3" >&2
		exit 1
	}
done
