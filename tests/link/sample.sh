# The sample, by every BPF compiler and linker, prints what it should.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld clang
need_plain
src=$KILN_TOP/samples/xdp-firewall
bpf "$src/firewall.bpf.c" clang.bpf.o
command -v bpf-gcc >/dev/null && bpf-gcc -O2 -gbtf "$include" \
	"-I/usr/include/$(uname -m)-linux-gnu" -I/usr/include \
	-c "$src/firewall.bpf.c" -o gcc.bpf.o
$CC -O2 "$include" -o mkpackets "$src/mkpackets.c"
$run ./mkpackets >packets.pcap
for cc in clang gcc; do
	[ -f $cc.bpf.o ] || continue
	compile $cc.bpf.o
	for ld in bfd lld; do
		$CC -O2 -fuse-ld=$ld -Wl,-z,start-stop-gc "$include" \
			-o firewall "$src/main.c" "$src/engine_kiln.c" \
			$cc.kiln.o "$KILN_LIBS/libkiln.a"
		$run ./firewall packets.pcap >out || fail "$cc, $ld: run"
		cmp -s out "$src/expected.txt" || {
			diff out "$src/expected.txt"
			fail "$cc, $ld: other verdicts"
		}
	done
done
