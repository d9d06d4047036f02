# kiln run: what comes out of programs of BPF and native objects, and of bare
# instructions.
. "$KILN_TOP/tests/cli/common.sh"
cat >run.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
SEC("xdp") int flip(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	if (data + 1 > (unsigned char *)(long)ctx->data_end)
		return 77;
	data[0] ^= 0xff;
	return data[0] + 1000 * ctx->rx_queue_index;
}
END
bpf run.bpf.c run.bpf.o
"$KILN" compile run.bpf.o
printf 'Ab' >packet
# struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index
printf '\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\3\0\0\0\0\0\0\0' >ctx
for object in run.bpf.o run.kiln.o; do
	"$KILN" run $object >out
	has out '^Return value: 77, duration \(average\): [0-9]+ns$'
	"$KILN" run $object --data-in packet --data-out after >out
	has out '^Return value: 190,'
	[ "$(od -An -tx1 after)" = " be 62" ] || fail "packet afterwards"
	"$KILN" run $object --data-in - --ctx-in ctx --ctx-out ctx2 \
		--repeat 2 <packet >out
	has out '^Return value: 3065,'
	cmp ctx ctx2
	for flag in -j -p; do
		"$KILN" run $flag $object | tr -d ' \n' >out
		has out '^\{"retval":77,"duration":[0-9]+\}$'
	done
	refused 1 run $object --data-in none <<END
kiln: error: none: No such file or directory
END
done
refused 1 run --prog nobody run.kiln.o <<END
kiln: error: nobody: the object has no such program
END
two
refused 1 run two.kiln.o <<END
kiln: error: two.kiln.o: more than one program: choose with --prog
END
"$KILN" run --prog p1 two.kiln.o --data-in packet >out
has out '^Return value: 5,'

# A call that can only be wrong is left out: it fails, or yields NULL.
cat >wrong.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");
SEC("xdp") int wrong(struct xdp_md *ctx)
{
	__u32 key = 0, *value = bpf_map_lookup_elem(&jumps, &key);

	if (value)
		return *value;
	return bpf_map_push_elem(&jumps, &key, 0) == -22 ? 1 : 2;
}
END
bpf wrong.bpf.c wrong.bpf.o
for level in 0 2; do
	"$KILN" compile -O$level wrong.bpf.o 2>err
	[ "$(grep -c 'is left out and fails$' err)" = 2 ] || fail "warnings"
	"$KILN" run wrong.kiln.o >out
	has out '^Return value: 1,'
done

raw()
{
	want=$1
	shift
	[ "$("$KILN" run --raw "$@")" = "$want" ] || fail "--raw $*"
}
raw 5 b7000000050000009500000000000000
raw ffffffffffffffff 'b7000000ffffffff 9500000000000000'
raw 3 --mem aabbcc bf200000000000009500000000000000
raw cc --mem aabbcc 71100200000000009500000000000000
raw 0 bf200000000000009500000000000000
echo b7000000070000009500000000000000 >hex
raw 7 - <hex
for level in 0 1 2; do
	raw 9 -O$level b7000000090000009500000000000000
done
refused 1 run --raw b7zz <<END
kiln: error: program: wanted pairs of hex digits
END
refused 1 run --raw --mem a b7000000050000009500000000000000 <<END
kiln: error: --mem: wanted pairs of hex digits
END
refused 1 run --raw <<END
kiln: error: run --raw: wanted one program in hex, or -
END
