#!/bin/sh
# The runtime's thread tests, cross-built for arm64 and run by qemu-user.
#
#   usage: arm64.sh TOP CORE-FILES...
set -eu

top=$1
shift
core_files=$*
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
	if ! command -v "$tool" >/dev/null; then
		echo "skipped: no $tool"
		exit 77
	fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -O2 -I$top -I$top/include"
core_flags='-ffreestanding -fno-stack-protector -mgeneral-regs-only
	-mno-outline-atomics'

# compile FLAGS FILES...: objects in $work
compile()
{
	extra=$1
	shift
	for file in "$@"; do
		# shellcheck disable=SC2086 # lists of words
		$cc $flags $extra -c "$top/runtime/$file" -o "$work/$file.o"
	done
}

# build TEST OBJECTS...
build()
{
	test=$1
	shift
	# shellcheck disable=SC2086
	$cc $flags -static "$top/tests/runtime/$test.c" \
		"$top/tests/runtime/scope_regs_arm64.c" "$@" -o "$work/$test" \
		-lpthread
}

run()
{
	# PAC in software is slow; its quick form does for tests
	(cd "$work" && qemu-aarch64 -cpu max,pauth-impdef=on "$@")
}

# shellcheck disable=SC2086
{
	compile "$core_flags" $core_files scope_core.c scope_core_arm64.c
	compile '' log.c port_linux.c
	compile '-mgeneral-regs-only -fno-stack-protector' scope_host.c \
		scope_host_arm64.c
}
cd "$work"
rm -f core.a host.a
for file in $core_files; do
	aarch64-linux-gnu-ar rcs core.a "$file.o"
	aarch64-linux-gnu-ar rcs host.a "$file.o"
done
aarch64-linux-gnu-ar rcs core.a scope_core.c.o scope_core_arm64.c.o
aarch64-linux-gnu-ar rcs host.a log.c.o port_linux.c.o scope_host.c.o \
	scope_host_arm64.c.o
build core_port core.a
build map_threads host.a
build scope_threads host.a
run ./core_port
run ./map_threads hash 1
run ./map_threads lru 1
run ./scope_threads slots 1
run ./scope_threads grace 1
