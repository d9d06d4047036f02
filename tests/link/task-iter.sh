# samples/task-iter: an iterator over the application's own tasks, by the
# application's own types. A task without memory has vm=0.
. "$KILN_TOP/tests/link/common.sh"
need_plain
src=$KILN_TOP/samples/task-iter
bpf "$src/iter.bpf.c" iter.bpf.o
$CC -O2 -gbtf "$include" -c "$src/main.c" -o main.o 2>/dev/null ||
	skip "$CC has no -gbtf"
compile --btf main.o -o iter.kiln.o iter.bpf.o
"$KILN" inspect -j iter.kiln.o >out
has out '"loads":"ctx->task->mm->total_vm"'
for ld in bfd lld; do
	$CC -fuse-ld=$ld -o task-iter main.o iter.kiln.o "$KILN_LIBS/libkiln.a"
	$run ./task-iter >out || fail "$ld: run"
	cmp -s out "$src/expected.txt" || {
		diff out "$src/expected.txt"
		fail "$ld: other lines"
	}
done
