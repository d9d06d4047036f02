#!/bin/sh
# Shows that the random programs find bugs in the real compiler: plants the
# ones of planted.txt into a copy of the tree, one at a time, builds, and runs
# programs until one differs. Prints a line for each; exit status 1 when one was
# not found or could not be planted.
#
#	planted.sh [NAME...]       all bugs, or those named
#	planted.sh --check         only: does the table fit the tree?
#
# COUNT is how many programs each gets (default 20000), LEGS what they run in
# (default: native code at each level), WORK where the copy and the build go
# (default: a temporary folder that is removed).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
count=${COUNT:-20000}
legs=${LEGS:-kiln-O2,kiln-O1,kiln-O0}
if [ -n "${WORK:-}" ]; then
	work=$WORK
	mkdir -p "$work" || exit 1
else
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
fi

build() {
	cmake --build "$work/build" -j "$(nproc)" --target diff >"$work/log" 2>&1
}

# Replaces the one occurrence of $2 in the file $1 by $3.
replace() {
	FROM=$2 TO=$3 awk '
	BEGIN { from = ENVIRON["FROM"]; to = ENVIRON["TO"] }
	{
		at = index($0, from)
		if (at) {
			n++
			$0 = substr($0, 1, at - 1) to substr($0, at + length(from))
		}
		print
	}
	END { exit n != 1 }' "$1" >"$work/changed"
}

# Plants one bug, hunts it, takes it out again.
hunt() {
	name=$1 file=$2 from=$3 to=$4 about=$5
	if ! replace "$tree/$file" "$from" "$to"; then
		echo "$name: $file does not hold this exactly once: $from"
		return 1
	fi
	[ -z "$check" ] || return 0
	cp "$tree/$file" "$work/kept"
	cp "$work/changed" "$tree/$file"
	if build; then
		"$work/build/tests/diff/diff" --count "$count" --no-reduce \
			--legs "$legs" >"$work/out" 2>&1
		status=$?
	else
		status=build
	fi
	cp "$work/kept" "$tree/$file"
	case $status in
	1) printf '%-28s found by %s: %s\n' "$name" \
		"$(sed -n 's/^\(seed [0-9]*, leg [^:]*\):.*/\1/p;q' "$work/out")" "$about" ;;
	0) echo "$name: NOT FOUND by $count programs: $about"; return 1 ;;
	build) echo "$name: does not build"; tail -5 "$work/log"; return 1 ;;
	*) echo "$name: diff ended with $status"; tail -3 "$work/out"; return 1 ;;
	esac
}

wanted() {
	[ $# -eq 1 ] && return 0
	name=$1
	shift
	for w; do
		[ "$w" = "$name" ] && return 0
	done
	return 1
}

prepare() {
	mkdir -p "$tree" && (cd "$root" && tar cf - --exclude=.git .) |
		(cd "$tree" && tar xf -) || return 1
	cmake -S "$tree" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		>"$work/log" 2>&1 && build || { tail -20 "$work/log"; return 1; }
	"$work/build/tests/diff/diff" --count 500 --legs "$legs" && return 0
	echo "without a planted bug there is a difference: nothing can be shown"
	return 1
}

check= tree=$work/tree
if [ "${1:-}" = --check ]; then
	shift
	check=1 tree=$root
else
	prepare || exit 1
fi

missed=0 tried=0
while read -r word rest; do
	case $word in
	bug) name=${rest%%:*} about=${rest#*: } ;;
	file) file=$rest ;;
	-) from=$rest ;;
	+)
		wanted "$name" "$@" || continue
		tried=$((tried + 1))
		hunt "$name" "$file" "$from" "$rest" "$about" || missed=$((missed + 1))
		;;
	esac
done <"$here/planted.txt"
if [ -n "$check" ]; then
	echo "$((tried - missed)) of $tried bugs can be planted"
else
	echo "$((tried - missed)) of $tried planted bugs found"
fi
[ "$missed" -eq 0 ] && [ "$tried" -gt 0 ]
