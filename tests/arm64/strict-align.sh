#!/bin/sh
# --strict-align: no access at an address that is not a multiple of its size, as
# a plugin of qemu sees it, and the results of the code without the option.
# Environment: tests/link/common.sh; KILN_ALIGN_PLUGIN.
. "$KILN_TOP/tests/link/common.sh"
need qemu-aarch64 aarch64-linux-gnu-gcc
bpf "$KILN_TOP/tests/arm64/strict.bpf.c" strict.bpf.o

# run OUT COMPILE-OPTION...: results in OUT.results, unaligned accesses in OUT.bad
run()
{
	out=$1
	shift
	"$KILN" compile --target aarch64 "$@" -o strict.kiln.o strict.bpf.o
	aarch64-linux-gnu-gcc -static "$include" -o strict \
		"$KILN_TOP/tests/arm64/strict.c" strict.kiln.o \
		"$KILN_LIBS/libkiln.a"
	qemu-aarch64 -plugin "$KILN_ALIGN_PLUGIN,f0=strict" ./strict >all
	grep '^strict:' all >"$out.bad" || true
	grep -v '^strict:' all >"$out.results"
}

for level in 0 1 2; do
	run loose -O$level
	run strict -O$level --strict-align
	[ "$(wc -l <loose.results)" = 8 ] || fail "no results"
	[ -s loose.bad ] || fail "-O$level: unaligned accesses are not seen"
	[ ! -s strict.bad ] || {
		sort strict.bad | uniq -c
		fail "-O$level --strict-align: unaligned accesses"
	}
	cmp loose.results strict.results || fail "-O$level: results differ"
done
