#!/bin/sh
# Installs what the tests need, builds kiln twice and runs all tests: with gcc,
# and with clang under ASan and UBSan. Warnings are errors.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/samples/apt.sh"
# shellcheck disable=SC2086 # lists of words
need $build_packages $bpf_packages g++ libcmocka-dev libclang-rt-14-dev clang-19 \
	gdb valgrind bpftool gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user spin

status=0
# suite NAME CC CMAKE-OPTION...
suite()
{
	name=$1 cc=$2
	shift 2
	echo "== $name: building"
	CC=$cc cmake -S "$top" -B "$top/build-$name" -DKILN_WERROR=ON "$@" \
		>"$top/build-$name.log" 2>&1 &&
		cmake --build "$top/build-$name" -j "$(nproc)" \
			>>"$top/build-$name.log" 2>&1 || {
		cat "$top/build-$name.log"
		exit 1
	}
	rm -f "$top/build-$name.log"
	echo "== $name: testing"
	{
		ctest --test-dir "$top/build-$name" -j "$(nproc)" \
			--output-on-failure || echo "failed: $name"
	} | tee "$top/build-$name/ctest.log"
	! grep -q "^failed: $name" "$top/build-$name/ctest.log" || status=1
	# ctest says what it skipped, but not why
	sed -n "s/^skipped: /== $name: &/p" \
		"$top/build-$name/Testing/Temporary/LastTest.log" |
		sort | uniq -c
}

suite gcc gcc
suite sanitize clang -DKILN_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug -DKILN_FUZZ=ON
for name in gcc sanitize; do
	echo "== $name:"
	sed -n '/tests passed/,$p' "$top/build-$name/ctest.log"
done
exit $status
