#!/bin/sh
# Cross-builds all of kiln for arm64, compiler and command too, and runs it and
# its tests under qemu-user. tests/run.sh tests arm64 code without this: it
# cross-builds the runtime alone, which needs no arm64 libraries.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${KILN_BUILD:-$top/build-arm64}
. "$top/samples/apt.sh"

if [ "$(uname -m)" = aarch64 ]; then
	echo "this is arm64: tests/run.sh is what you want"
	exit 2
fi
if ! dpkg --print-foreign-architectures | grep -qx arm64; then
	echo "== adding the architecture arm64 to this Debian, for arm64 libraries"
	echo "   (undo: apt-get purge '.*:arm64'; dpkg --remove-architecture arm64)"
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo dpkg --add-architecture arm64
fi
# shellcheck disable=SC2086 # lists of words
need $build_packages clang gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	qemu-user libelf-dev:arm64 libbpf-dev:arm64 libcapstone-dev:arm64 \
	libssl-dev:arm64 libcmocka-dev:arm64 zlib1g-dev:arm64

# build DIR CMAKE-OPTION...
build()
{
	dir=$1
	shift
	echo "== building in $dir"
	cmake -S "$top" -B "$dir" -DKILN_WERROR=ON "$@" >"$dir.log" 2>&1 &&
		cmake --build "$dir" -j "$(nproc)" >>"$dir.log" 2>&1 ||
		{ cat "$dir.log"; exit 1; }
	rm -f "$dir.log"
}
build "$build" --toolchain "$top/cmake/aarch64.cmake"
build "$build-host" -DBUILD_TESTING=OFF

status=0
# Tests that are one program, which ctest hands to qemu-user. Those that are
# scripts run the command, and would need the kernel to know arm64 programs.
echo "== testing"
ctest --test-dir "$build" -j "$(nproc)" --output-on-failure -R \
	'^(runtime/|conform-(interp|kiln)-cases|diff-(interp|kiln)|ir/)' ||
	status=1

# The compiler's output does not depend on where it runs.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang -target bpf -O2 -g "-I$top/include" \
	"-I/usr/include/$(uname -m)-linux-gnu" -o "$work/firewall.bpf.o" \
	-c "$top/samples/xdp-firewall/firewall.bpf.c"
for target in x86_64 aarch64; do
	"$build-host/linker/kiln" compile --target $target \
		-o "$work/host.o" "$work/firewall.bpf.o"
	"$top/cmake/aarch64-run.sh" "$build/linker/kiln" compile \
		--target $target -o "$work/arm64.o" "$work/firewall.bpf.o"
	if cmp "$work/host.o" "$work/arm64.o"; then
		echo "== $target: the same bytes on both hosts"
	else
		status=1
	fi
done
exit $status
