# What kind of program a function is where its section does not say it clearly.
. "$KILN_TOP/tests/cli/common.sh"
need clang
cat >types.bpf.c <<'END'
#define SEC(name) __attribute__((section(name), used))
struct __sk_buff;
static long (*const load_bytes)(void *, int, void *, int) = (void *)26;
static long (*const store_bytes)(void *, int, const void *, int, long) =
	(void *)9;
static long (*const adjust_head)(void *, int) = (void *)44;
static long (*const pid_tgid)(void) = (void *)14;
unsigned long long load_byte(void *skb, unsigned long long off)
	asm("llvm.bpf.load.byte");
/* as tc's tools and as AF_PACKET's know it */
SEC("filter") int do_tc(void *skb) { return store_bytes(skb, 0, "a", 1, 0); }
SEC("filter_2") int do_socket(void *skb)
{
	char c;

	return load_bytes(skb, 0, &c, 1);
}
SEC("plain") int do_plain(void *ctx) { return pid_tgid(); }
SEC("stores") int do_stores(void *skb) { return store_bytes(skb, 0, "a", 1, 0); }
SEC("loads") int do_loads(void *skb) { return load_byte(skb, 12); }
SEC("moves") int do_moves(void *xdp) { return adjust_head(xdp, 4); }
SEC("l2_ingress_x") int do_ingress(void *skb) { return 1; }
SEC("another") int do_another(void *ctx) { return 1; }
END
# without BTF: the parameters' types say nothing
clang -target bpf -O2 -c types.bpf.c -o types.bpf.o
"$KILN" compile -o types.o types.bpf.o 2>err
[ "$(wc -l <err)" = 1 ] || { cat err; fail "more than one warning"; }
has err 'no type of program is named by section plain, another: their context'
"$KILN" inspect types.o >out
has out '^  do_tc +filter +sched_cls '
has out '^  do_socket +filter_2 +socket_filter '
has out '^  do_plain +plain +unspec '
has out '^  do_stores +stores +sched_cls '
has out '^  do_loads +loads +sched_cls '
has out '^  do_moves +moves +xdp '
has out '^  do_ingress +l2_ingress_x +sched_cls '
"$KILN" compile -o types.o --type plain=xdp --type another=kprobe types.bpf.o 2>err
[ ! -s err ] || { cat err; fail "a warning"; }
"$KILN" inspect types.o >out
has out '^  do_plain +plain +xdp '
