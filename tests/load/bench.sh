# Times of loading 1, 10, 100, 1000 programs, and one of 1000 instructions, in
# kiln's runtime and in the kernel.
#
#   usage: bench.sh TOP KILN BENCH_LOAD
set -eu
top=$1 kiln=$2 bench=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# object NAME PROGRAMS STATEMENTS
object()
{
	{
		echo '#include <linux/bpf.h>'
		echo '#include <kiln/bpf.h>'
		echo 'struct { __uint(type, BPF_MAP_TYPE_ARRAY);'
		echo '__uint(max_entries, 4); __type(key, __u32);'
		echo '__type(value, __u64); } counts SEC(".maps");'
		awk -v n="$2" -v m="$3" 'BEGIN { for (i = 0; i < n; i++) {
			printf "SEC(\"xdp\") int p%d(struct xdp_md *c)\n{ __u32 k = %d;", i, i % 4
			print "__u64 *v = bpf_map_lookup_elem(&counts, &k); if (!v) return 1;"
			for (j = 0; j < m; j++) printf "*(volatile __u64 *)v += %d;\n", j + i + 1
			print "return *v > 7 ? 2 : 1; }" } }'
		echo 'char _license[] SEC("license") = "GPL";'
	} >"$1.c"
	clang -target bpf -O2 -g "-I$top/include" \
		"-I/usr/include/$(uname -m)-linux-gnu" -c "$1.c" -o "$1.bpf.o"
	"$kiln" compile -o "$1.kiln.o" "$1.bpf.o"
	"$bench" "$4" "$1.bpf.o" "$1.kiln.o"
}

for n in 1 10 100 1000; do
	object "n$n" $n 3 "$n programs"
done
object long 1 330 '1000 instructions'
