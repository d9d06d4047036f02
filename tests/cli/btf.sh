# The types of the target, by --btf: where they may come from, what is refused,
# and that only what is reached must be there.
. "$KILN_TOP/tests/cli/common.sh"
cat >ask.bpf.c <<'END'
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct s___new { int n; int gone; } __attribute__((preserve_access_index));
struct s { int n; } __attribute__((preserve_access_index));
struct none;
static __noinline int sub(struct s___new *p)
{
	return bpf_core_field_exists(p->gone) ? p->gone : p->n;
}
SEC("syscall") int guarded(struct s___new *p)
{
	volatile int there = bpf_core_field_exists(p->gone);

	/* there lies in the frame */
	if (there && bpf_core_field_exists(p->gone))
		return p->gone + ((long (*)(void))9999)();
	return sub(p);
}
SEC("syscall") int reached(struct s___new *p)
{
	return p->gone;
}
SEC("syscall") int declared(void *p)
{
	return bpf_core_type_exists(struct none) * 2 +
	       bpf_core_type_exists(struct s);
}
struct xdp_md {
	__u32 data_end, data;
} __attribute__((preserve_access_index));
SEC("xdp") int context(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}
END
bpf ask.bpf.c ask.bpf.o
echo 'struct s { long before[3]; int n; } s;' >t.c
clang -target bpf -g -c t.c -o t.o
printf '%024d\005\000\000\000%04d' 0 0 >ctx

# run FILE: guarded sees its n
sees()
{
	"$KILN" run --btf "$1" --prog guarded --ctx-in ctx ask.bpf.o >out
	has out '^Return value: 5,'
}
sees t.o
need gcc objcopy
echo 'int main(void) { return 0; }' >main.c
gcc -gbtf main.c t.c -o app
sees app
objcopy --dump-section .BTF=t.btf app
sees t.btf

# without --btf the object's own types
"$KILN" run --prog declared ask.bpf.o >out
has out '^Return value: 1,'
"$KILN" compile --prog reached ask.bpf.o 2>err -o o
[ ! -s err ] || { cat err; fail "it says something"; }
"$KILN" compile --prog guarded ask.bpf.o 2>err -o o &&
	fail "its own types have the field"
has err 'unknown helper 9999$'

# contexts are kiln's, whatever the types
for option in --btf=t.o -O0; do
	"$KILN" run $option --prog context --data-in ctx ask.bpf.o >out
	has out '^Return value: 32,'
done

refused 1 compile --btf t.o --prog reached ask.bpf.o <<END
kiln: error: ask.bpf.o: section syscall: program reached: insn 0 \
($work/ask.bpf.c:22): CO-RE: offset of field struct s___new.gone is not known \
by t.o
END
"$KILN" dump --stage=decode --btf t.o --prog guarded ask.bpf.o >out
has out '# offset of field struct s___new.n: 0 -> 24$'
has out '# existence of field struct s___new.gone: 1 -> 0$'

# what libbpf leaves where it finds no value: call 195896080
poison=850000001023ad0b
"$KILN" run --raw b7000000070000009500000000000000${poison}9500000000000000 \
	>out
has out '^7$'
"$KILN" run --raw ${poison}9500000000000000 2>err && fail "poison is taken"
has err 'insn 0: CO-RE left this instruction unresolved when the object was made$'

# bad FILE MESSAGE
bad()
{
	refused 1 compile --btf "$1" --prog guarded ask.bpf.o <<END
kiln: error: $1: $2
END
}
bad none "No such file or directory"
: >empty
bad empty "size 0, wanted at least 24"
bad t.c "neither ELF nor BTF: magic 0x7473, wanted 0xeb9f"
clang -target bpf -c t.c -o bare.o
bad bare.o "has no section .BTF (gcc -gbtf for C makes one, or pahole -J of what was compiled with -g)"
head -c 100 t.o >cut.o
bad cut.o "no ELF file of 64 bits, little-endian, with sections"
head -c 60 t.btf >cut.btf
"$KILN" compile --btf cut.btf ask.bpf.o 2>err && fail "a part of it is read"
has err '^kiln: error: cut.btf: .*inside 36 bytes$'

# the kernel's own: quick
if [ -r /sys/kernel/btf/vmlinux ]; then
	"$KILN" run --btf /sys/kernel/btf/vmlinux --prog declared ask.bpf.o >out
	has out '^Return value: [01],'
fi
