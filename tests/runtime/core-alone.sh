#!/bin/sh
# The core needs nothing but the port: builds it as firmware would, for x86-64
# and arm64, and looks at what is left undefined.
#
#   usage: core-alone.sh TOP CC CORE-FILES...    (without those of a target)
#
# CC is the compiler of the build, which must be able to make x86-64 code on an
# x86-64 host; the cross compilers are looked for by their usual names.
set -eu

top=$1 cc=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags='-std=gnu11 -O2 -ffreestanding -fno-stack-protector -mgeneral-regs-only
	-nostdinc -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes
	-Wstrict-prototypes -Wimplicit-fallthrough -Werror -fvisibility=hidden'
bad=0

# check TARGET CC EXTRA-FLAGS FILES...
check()
{
	target=$1 compiler=$2 extra=$3
	shift 3
	# the headers that belong to the compiler itself, and no libc's
	own=$("$compiler" -print-file-name=include)
	objects=
	for file in "$@" "probe_$target.c" "scope_core_$target.c"; do
		# shellcheck disable=SC2086 # lists of words
		"$compiler" $flags $extra -isystem "$own" -I "$top" \
			-I "$top/include" -c "$top/runtime/$file" \
			-o "$work/$target-$file.o"
		objects="$objects $work/$target-$file.o"
	done
	# shellcheck disable=SC2086
	"$compiler" -r -nostdlib -o "$work/$target.o" $objects
	# weak: the tables of an image, which may have none
	others=$(nm -u "$work/$target.o" |
		awk '$1 != "w" && $NF != "_GLOBAL_OFFSET_TABLE_" { print $NF }' |
		grep -vE '^(mem(cpy|move|set|cmp)|kiln_port_[a-z_]+)$' || true)
	if [ -n "$others" ]; then
		echo "$target: the core needs:" $others
		bad=1
	else
		echo "$target ($compiler): the port is enough"
	fi
}

try()
{
	if command -v "$2" >/dev/null; then
		check "$@"
	else
		echo "$1: skipped, no $2"
	fi
}

case $("$cc" -dumpmachine) in
x86_64*) check x86 "$cc" '' "$@" ;;
*) try x86 x86_64-linux-gnu-gcc '' "$@" ;;
esac
try arm64 aarch64-linux-gnu-gcc -mno-outline-atomics "$@"
exit $bad
