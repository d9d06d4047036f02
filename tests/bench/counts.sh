#!/bin/sh
# Prints, per target and workload, code bytes and executed instructions of
# kiln -O2 and of gcc -O2 (vectorising as it does by default, and not), counted
# by qemu-user and count_plugin.c. Counts are exact: the same on every run.
#
#   counts.sh [TARGET...] [WORKLOAD...]
#
# From CMake: KILN, KILN_TOP, KILN_PLUGIN; KILN_LIBS_x86_64 and
# KILN_LIBS_aarch64, the folders of libkiln.a; BPF_OBJECTS, of NAME.bpf.o.
set -eu
here=$KILN_TOP/tests/bench
targets= workloads=
for word; do
	case $word in
	x86_64 | aarch64) targets="$targets $word" ;;
	*) workloads="$workloads $word" ;;
	esac
done
: "${targets:=x86_64 aarch64}"
: "${workloads:=$(sed -n 's/^ROW(\(.*\))$/\1/p' "$here/workloads.def")}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# code OBJECT: bytes of its executable sections
code()
{
	"${tools}objdump" -h "$1" | awk '
		/^ *[0-9]/ { size = $3 }
		/CODE/ { print size }' | {
		sum=0
		while read -r size; do
			sum=$((sum + 0x$size))
		done
		echo $sum
	}
}

# count NAME: a line for the table
count()
{
	for leg in gcc scalar; do
		flags=
		[ $leg = gcc ] || flags=-fno-tree-vectorize
		"${tools}gcc" -O2 $flags -I"$KILN_TOP/include" -DNAME=$leg \
			-c "$here/work/$1.c" -o $leg.o
	done
	"$KILN" compile --target "$target" -o kiln.o "$BPF_OBJECTS/$1.bpf.o"
	"${tools}gcc" -static -Wl,--wrap=kiln_port_random -o count count.o kiln.o gcc.o scalar.o \
		"$libs/libkiln.a" -lpthread
	"qemu-$target" -plugin "$KILN_PLUGIN" ./count >counts
	{
		echo "bytes $(code kiln.o) $(code gcc.o) $(code scalar.o)"
		cat counts
	} | awk -v name="$1" '
		{ n[$1] = $2 }
		$1 == "bytes" { kiln = $2; gcc = $3; scalar = $4 }
		END {
			base = n["nothing"]
			print name, kiln, gcc, scalar, n["kiln"] - base,
				n["gcc"] - base, n["scalar"] - base
		}'
}

for target in $targets; do
	tools=$target-linux-gnu-
	eval "libs=\${KILN_LIBS_$target}"
	if ! command -v "${tools}gcc" >/dev/null || [ -z "$libs" ]; then
		echo "$target: not counted, no ${tools}gcc"
		continue
	fi
	"${tools}gcc" -O2 -I"$KILN_TOP/include" -I"$here" -c "$here/count.c" \
		-o count.o
	for name in $workloads; do
		count "$name"
	done >table
	awk -v target="$target" '
		function ratio(k, a, b) {
			sum[k] += log(a / b)
			printf "%9.2f", a / b
		}
		BEGIN {
			printf "%-16s%8s%8s%9s%9s%11s%11s%9s%9s\n", target,
				"bytes", "bytes", "bytes /", "bytes /",
				"executed", "executed", "exec. /", "exec. /"
			printf "%-16s%8s%8s%9s%9s%11s%11s%9s%9s\n", "", "kiln",
				"gcc", "gcc", "scalar", "kiln", "gcc", "gcc",
				"scalar"
		}
		{
			printf "%-16s%8d%8d", $1, $2, $3
			ratio(1, $2, $3)
			ratio(2, $2, $4)
			printf "%11d%11d", $5, $6
			ratio(3, $5, $6)
			ratio(4, $5, $7)
			print ""
		}
		END {
			printf "%-32s%9.2f%9.2f%22s%9.2f%9.2f\n\n",
				"geometric mean", exp(sum[1] / NR),
				exp(sum[2] / NR), "", exp(sum[3] / NR),
				exp(sum[4] / NR)
		}' table
done
