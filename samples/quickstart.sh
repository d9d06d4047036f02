#!/bin/sh
# From a fresh Debian 12 to a BPF firewall that runs as native code in an
# ordinary C program. Installs what is missing, builds kiln, compiles the
# sample with clang and with bpf-gcc, links it with ld and with ld.lld, feeds
# it packets, and where the kernel takes BPF compares with the kernel's run.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${KILN_BUILD:-$top/build}
src=$top/samples/xdp-firewall
out=$build/xdp-firewall
. "$top/samples/apt.sh"
# shellcheck disable=SC2086 # lists of words
need $build_packages $bpf_packages

say()
{
	echo "== $*"
}

say "building kiln in $build"
cmake -S "$top" -B "$build" -DBUILD_TESTING=OFF >"$build.log" 2>&1 ||
	{ cat "$build.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" >"$build.log" 2>&1 ||
	{ cat "$build.log"; exit 1; }
rm -f "$build.log"
cmake --install "$build" --prefix "$build/install" >/dev/null
kiln=$build/install/bin/kiln
libs=$(dirname "$(find "$build/install" -name libkiln.a)")
mkdir -p "$out"

arch=$(uname -m)
set -- "-I$top/include" "-I/usr/include/$arch-linux-gnu"

say "firewall.bpf.c -> BPF objects, by clang and by bpf-gcc"
clang -target bpf -O2 -g "$@" -c "$src/firewall.bpf.c" \
	-o "$out/clang.bpf.o"
bpf-gcc -O2 -gbtf "$@" -I/usr/include -c "$src/firewall.bpf.c" \
	-o "$out/gcc.bpf.o"

say "BPF objects -> native objects: kiln compile"
"$kiln" compile -o "$out/clang.kiln.o" "$out/clang.bpf.o"
"$kiln" compile -o "$out/gcc.kiln.o" "$out/gcc.bpf.o"

say "native objects + C -> programs: cc with ld, cc with ld.lld"
cc -O2 -I"$build/install/include" -o "$out/mkpackets" "$src/mkpackets.c"
for bpf in clang gcc; do
	for ld in bfd lld; do
		cc -O2 -fuse-ld=$ld -Wl,-z,start-stop-gc \
			-I"$build/install/include" -o "$out/firewall-$bpf-$ld" \
			"$src/main.c" "$src/engine_kiln.c" \
			"$out/$bpf.kiln.o" "$libs/libkiln.a"
	done
done
"$out/mkpackets" >"$out/packets.pcap"

status=0
# check NAME COMMAND...: its output is what the sample expects.
check()
{
	name=$1
	shift
	if "$@" >"$out/$name.txt" && cmp -s "$out/$name.txt" "$src/expected.txt"
	then
		say "$name: as expected"
	else
		say "$name: NOT as expected:"
		diff "$out/$name.txt" "$src/expected.txt" || true
		status=1
	fi
}

for bpf in clang gcc; do
	for ld in bfd lld; do
		check "$bpf-$ld" "$out/firewall-$bpf-$ld" "$out/packets.pcap"
	done
done
cc -O2 -o "$out/firewall-kernel" "$src/main.c" "$src/engine_kernel.c" -lbpf
if "$out/firewall-kernel" "$out/packets.pcap" "$out/clang.bpf.o" \
	>"$out/kernel.out" 2>"$out/kernel.err"; then
	check kernel cat "$out/kernel.out"
	cat "$out/kernel.err"
else
	say "kernel: not run, bpf() is not available here"
fi

say "output of firewall-clang-bfd:"
cat "$out/clang-bfd.txt"
exit $status
