#!/bin/sh
# backend-x86/ and backend-arm64/ are mirror images: the same files, in each the
# same section titles in the same order. What only one of them has stands in its
# header (x86.h, a64.h), one line each, behind "Only here:"
#
#	 *	FILE: TITLE	why
#
# enc.h is free: it follows the manual of its architecture.
#
#   usage: mirror.sh TOP
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# titles FOLDER HEADER: a line "FILE: TITLE" for each section, files sorted
titles()
{
	sed -n 's/^ \*	\([a-z]*\.[ch]: [^	]*\)	.*/\1/p' "$1/$2" >"$work/only"
	for file in "$1"/*; do
		name=${file##*/}
		[ "$name" != "$2" ] || continue # the order of its files is below
		echo "$name:"
		[ "$name" != enc.h ] || continue
		sed -n "s|^/\* -\{3,\} \(.*[^ -]\) -\{3,\} \*/\$|$name: \1|p" \
			"$file"
	done >"$work/all"
	sed -n "s|^/\* -\{3,\} \(.*[^ -]\) -\{3,\} \*/\$|header: \1|p" "$1/$2" \
		>>"$work/all"
	# every exception is one
	while read -r line; do
		grep -qxF "$line" "$work/all" || {
			echo "$1/$2 lists what is not there: $line" >&2
			exit 1
		}
	done <"$work/only"
	grep -vxFf "$work/only" "$work/all"
}

titles backend-x86 x86.h >"$work/x86"
titles backend-arm64 a64.h >"$work/arm64"
[ "$(wc -l <"$work/x86")" -gt 40 ] || { # the files or the pattern moved
	echo "mirror.sh finds no sections"
	exit 1
}
diff -U 2 "$work/x86" "$work/arm64" || {
	echo "backend-x86/ (-) and backend-arm64/ (+) differ: mend it, or say" \
		"why in x86.h or a64.h"
	exit 1
}
