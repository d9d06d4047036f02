# kiln run: programs on socket buffers. A frame of 14 + 10 bytes; socket_filter
# and the like begin behind the Ethernet header, as in the kernel's test run.
. "$KILN_TOP/tests/cli/common.sh"
cat >skb.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
unsigned long long load_byte(void *skb, unsigned long long off)
	asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off)
	asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off)
	asm("llvm.bpf.load.word");
SEC("tc") int fields(struct __sk_buff *skb)
{
	unsigned char *data = (void *)(long)skb->data;

	if (data + 15 > (unsigned char *)(long)skb->data_end)
		return 77;
	skb->cb[1] = skb->len;
	*(volatile __u32 *)&skb->queue_mapping = 7;
	skb->queue_mapping = 0x1ffff;
	skb->tc_index = 0x12345;
	skb->mark += 1;
	data[14] = 'X';
	return skb->protocol + 1000000 * skb->pkt_type + 100000 * skb->ifindex;
}
SEC("socket") int filter(struct __sk_buff *skb)
{
	return load_word(skb, load_half(skb, 0) - 0x6160) +
	       load_byte(skb, -0x200000 + 12) + skb->len;
}
/* the failing load ends this function only */
static __attribute__((noinline)) int inner(struct __sk_buff *skb)
{
	return load_byte(skb, 10) + 1;
}
SEC("socket") int outer(struct __sk_buff *skb)
{
	return inner(skb) + 40;
}
SEC("socket") int beyond(struct __sk_buff *skb)
{
	return load_half(skb, 9) + 5;
}
END
bpf skb.bpf.c skb.bpf.o
printf '\1\0\0\0\0\0\0\0\0\0\0\0\206\335abcdefghij' >packet
run()
{
	"$KILN" run "$@" --data-in packet >out
}
for level in 0 1 2; do
	run skb.bpf.o -O$level --prog fields --data-out after --ctx-out ctx
	has out '^Return value: 2156710,' # 56710 + 2000000 + 100000
	[ "$(od -An -tx1 -j14 after)" = " 58 62 63 64 65 66 67 68 69 6a" ] ||
		fail "packet afterwards"
	[ "$(od -An -tu4 -w4 -j8 -N8 ctx | tr -d ' \n')" = 17 ] ||
		fail "mark, queue_mapping"
	[ "$(od -An -tu4 -w4 -j44 -N4 ctx | tr -d ' ')" = 9029 ] ||
		fail "tc_index" # 0x2345
	[ "$(od -An -tu4 -w4 -j52 -N4 ctx | tr -d ' ')" = 24 ] || fail "cb[1]"
	[ "$(wc -c <ctx)" = 192 ] || fail "size of ctx"
	# "cdef" + 0x86 + 10
	run skb.bpf.o -O$level --prog filter --data-out after
	has out '^Return value: 1667524086,'
	[ "$(od -An -tx1 -N16 after | tr -d ' ')" = \
		00000000000000000000000000006162 ] || fail "header afterwards"
	run skb.bpf.o -O$level --prog outer
	has out '^Return value: 40,'
	run skb.bpf.o -O$level --prog beyond
	has out '^Return value: 0,'
done
head -c 13 packet >short
refused 1 run skb.bpf.o --prog filter --data-in short <<END
kiln: error: short: shorter than the 14 bytes of an Ethernet header
END
head -c 193 /dev/zero >large
refused 1 run skb.bpf.o --prog filter --ctx-in large <<END
kiln: error: large: larger than struct __sk_buff
END
# mark 6 of --ctx-in; the rest as without
head -c 8 /dev/zero >ctx
printf '\6\0\0\0' >>ctx
run skb.bpf.o --prog fields --ctx-in ctx --ctx-out ctx2
[ "$(od -An -tu4 -w4 -j8 -N4 ctx2 | tr -d ' ')" = 7 ] || fail "mark"
# The kernel, where it is there.
pin=/sys/fs/bpf/kiln-skb-$$
if command -v bpftool >/dev/null &&
	bpftool prog loadall skb.bpf.o $pin 2>/dev/null; then
	for p in fields filter beyond outer; do
		bpftool prog run pinned $pin/$p data_in packet repeat 1 \
			data_out after >kernel 2>&1 || continue
		run skb.bpf.o --prog $p --data-out after2
		[ "$(sed 's/,.*//' out)" = "$(sed 's/,.*//' kernel)" ] ||
			{ rm -r $pin; cat out kernel; fail "kernel: $p"; }
		cmp after after2 || { rm -r $pin; fail "kernel: data of $p"; }
		echo "$p: as the kernel"
	done
	rm -r $pin
else
	echo "the kernel's test run is not available"
fi
