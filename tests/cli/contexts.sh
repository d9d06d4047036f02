# kiln run: contexts of socket, cgroup and tracing programs. Pointers come from
# --data-in, everything else from --ctx-in; --ctx-out holds no address.
. "$KILN_TOP/tests/cli/common.sh"
cat >ctx.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
struct pt_regs {
	unsigned long regs[21];
};
struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period, addr;
};
SEC("sk_msg") int msg(struct sk_msg_md *m)
{
	unsigned char *data = m->data;

	if (data + 3 > (unsigned char *)m->data_end)
		return 1;
	data[0] = 'M';
	return data[2] + m->size + (m->sk ? 1000 : 0);
}
SEC("sockops") int ops(struct bpf_sock_ops *o)
{
	unsigned char *tcp = o->skb_data;

	if (tcp + 4 <= (unsigned char *)o->skb_data_end)
		o->reply = tcp[3] + o->op;
	return o->snd_cwnd + o->remote_ip6[1] + o->bytes_acked;
}
SEC("cgroup/getsockopt") int opt(struct bpf_sockopt *o)
{
	unsigned char *v = o->optval;

	if (v + 1 > (unsigned char *)o->optval_end)
		return 0;
	o->optlen = 1;
	*(volatile int *)&o->retval = 0; /* or clang makes one store */
	return *v + o->level;
}
SEC("cgroup/sendmsg6") int addr(struct bpf_sock_addr *a)
{
	a->user_port = 0x5000;
	*(volatile __u64 *)&a->user_ip6[0] = 0x0102030405060708;
	return a->msg_src_ip6[3] + *(volatile __u8 *)&a->user_ip6[2];
}
SEC("kprobe/f") int probe(struct pt_regs *r)
{
	return r->regs[14] + r->regs[20];
}
SEC("perf_event") int perf(struct bpf_perf_event_data *d)
{
	return d->sample_period + d->addr;
}
static __attribute__((noinline)) int shared(struct sk_msg_md *m)
{
	return m->size;
}
SEC("sk_msg") int through(struct sk_msg_md *m)
{
	struct sk_msg_md *volatile spilled = m;

	return shared(spilled);
}
END
bpf ctx.bpf.c ctx.bpf.o
# words SIZE [OFFSET VALUE]...: a struct with numbers of 16 bits in it
words()
{
	size=$1
	shift
	head -c "$size" /dev/zero >ctx
	while [ $# -gt 0 ]; do
		printf "\\$(printf %o $(($2 & 255)))\\$(printf %o $(($2 >> 8 & 255)))" |
			dd of=ctx bs=1 seek="$1" conv=notrunc 2>/dev/null
		shift 2
	done
}
# word OFFSET
word()
{
	od -An -tu4 -j"$1" -N4 after | tr -d ' '
}
run()
{
	"$KILN" run ctx.bpf.o -O$level --ctx-in ctx --ctx-out after "$@" >out
}
printf 'abcdef' >data
for level in 0 2; do
	words 80 68 500 72 1 # size; sk, which is nobody's
	run --prog msg --data-in data --data-out data.out
	has out "^Return value: 599," # 'c' + 500
	[ "$(cat data.out)" = Mbcdef ] || fail "packet of sk_msg"
	[ "$(od -An -tx8 -N16 after | tr -d ' 0\n')" = "" ] ||
		fail "addresses in --ctx-out"
	run --prog through
	has out "^Return value: 500,"
	words 224 0 7 76 1000 36 2000 176 30000
	run --prog ops --data-in data
	has out "^Return value: 33000,"
	[ "$(word 4)" = 107 ] || fail "reply" # 'd' + 7
	words 40 24 50
	run --prog opt --data-in data
	has out "^Return value: 147,"
	[ "$(word 32)" = 1 ] || fail "optlen"
	words 72 56 900 16 5
	run --prog addr
	has out "^Return value: 905,"
	[ "$(word 8)" = 84281096 ] && [ "$(word 24)" = 20480 ] ||
		fail "stores to bpf_sock_addr"
	words 168 112 11 160 22
	run --prog probe
	has out "^Return value: 33,"
	words 184 168 44 176 55
	run --prog perf
	has out "^Return value: 99,"
done
words 225
refused 1 run ctx.bpf.o --prog ops --ctx-in ctx <<END
kiln: error: ctx: larger than struct bpf_sock_ops
END
refused 1 run ctx.bpf.o --prog addr --data-in data <<END
kiln: error: data: programs of this type take no packet
END
