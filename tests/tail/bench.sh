# bench.c with its objects, and what a site is in bytes. By `make bench-tail`.
#	bench.sh KILN TAIL_BENCH TOP
set -eu
kiln=$1 bench=$2 top=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
clang -target bpf -O2 -g "-I$top/include" \
	"-I/usr/include/$(uname -m)-linux-gnu" -c "$top/tests/tail/bench.bpf.c" \
	-o bench.bpf.o
for kind in direct slot static; do
	"$kiln" compile --tail-calls=$kind -o $kind.o bench.bpf.o
done
"$bench" bench.bpf.o direct=direct.o slot=slot.o static=static.o
echo
for target in x86_64 aarch64; do
	for kind in direct slot static; do
		"$kiln" compile --target=$target --tail-calls=$kind -o t.o \
			bench.bpf.o
		size=$("$kiln" inspect t.o | awk '$1 == "p0" { print $5 }')
		echo "$target, $kind: a program of one tail call has $size bytes"
	done
done
