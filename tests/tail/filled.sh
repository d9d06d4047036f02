# prog_arrays that an object fills: by values[], and by the names of sections
# that old loaders knew.
. "$KILN_TOP/tests/link/common.sh"
need clang
cat >t.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
int a(struct __sk_buff *), b(struct __sk_buff *);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__array(values, int(void *));
} to SEC(".maps") = {.values = {[1] = (void *)&a, [3] = (void *)&b}};
struct bpf_elf_map {
	__u32 type, key, value, entries, flags, id, pinning, inner_id, index;
} old SEC("maps") = {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 10, 0, 2};
SEC("tc") int a(struct __sk_buff *s)
{
	bpf_tail_call(s, &to, 3);
	return 1;
}
SEC("tc") int b(struct __sk_buff *s)
{
	bpf_tail_call(s, &old, 7);
	return 2;
}
SEC("2/7") int c(struct __sk_buff *s)
{
	s->cb[0]++;
	bpf_tail_call(s, &to, s->mark);
	return 20 + s->cb[0];
}
SEC("tc") int top(struct __sk_buff *s)
{
	bpf_tail_call(s, &to, 1);
	return 9;
}
SEC("tc") int alone(struct __sk_buff *s)
{
	return 4;
}
END
bpf t.c t.bpf.o
head -c 64 /dev/zero >packet
compile -o t.kiln.o t.bpf.o
for o in t.bpf.o t.kiln.o; do
	[ -z "$target" ] || break
	"$KILN" run "$o" --prog top --data-in packet >out
	has out '^Return value: 21,'
done
# frozen: plain jumps, which no host changes
[ -n "$target" ] || {
	"$KILN" run --tail-calls=static t.bpf.o --prog top --data-in packet >out
	has out '^Return value: 21,'
}
compile -o s.kiln.o --tail-calls=static t.bpf.o
"$KILN" inspect s.kiln.o >out
has out '^  top\.body\+0x[0-9a-f]+ +tail_call +frozen +[45] +top +1'
lacks out ' open '
"$KILN" inspect t.kiln.o >out
has out '^  top\.body\+0x[0-9a-f]+ +tail_call +open +[45] +top +to +1'
# declared so: read-only for the host, and full
sed '/max_entries, 8/s/8/2/;/key_size/i __uint(map_flags, BPF_F_RDONLY);' t.c |
	sed 's/\[1\] = (void \*)&a, \[3\]/[0] = (void *)\&a, [1]/' >r.c
bpf r.c r.bpf.o
compile -o r.kiln.o r.bpf.o
"$KILN" inspect r.kiln.o >out
has out '^  top\.body\+0x[0-9a-f]+ +tail_call +frozen +[45] +top +1'

# who asks for one program gets those that its maps hold, and no others
compile -o t.kiln.o --prog top t.bpf.o
"$KILN" inspect t.kiln.o >out
has out '^  c +2/7'
has out '^  b +tc'
lacks out '^  alone'
