# Rows of kiln_hooks stay exact and sorted, and keep their programs, whichever
# linker, after ld -r or not; programs that attach see words as the model says.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld "${tools}gcc"
need_plain
bpf "$here/hooks.bpf.c" hooks.bpf.o
"${tools}gcc" -gbtf -O1 -DTYPES "$include" -c "$here/hooks.c" -o types.o
compile --btf types.o --attach out_nothing -o hooks.kiln.o hooks.bpf.o
ld_by bfd -r -o bfd.o hooks.kiln.o
ld_by lld -r -o lld.o hooks.kiln.o
cat >rows <<'END'
mixed 1 on_mixed 0 6 2 {16: u64@0 u64@8} (u8, s32, {16: u64@0 u64@8}, f32, u64)
mixed 2 out_mixed 0 6 2 {16: u64@0 u64@8} (u8, s32, {16: u64@0 u64@8}, f32, u64)
nothing 2 out_nothing 1 0 0 void ()
nothing 4 new_nothing 0 0 0 void ()
walk 3 mod_walk 0 4 1 s64 (u64, s16, u8, s32)
walk 4 new_walk 0 4 1 s64 (u64, s16, u8, s32)
absent 1 on_absent 2 1 1 s32 (s32)
END
sort rows >wanted
$CC -O1 -g "$include" -c "$here/hooks.c" -o app.o
for how in bfd bfd-gc lld; do
	case $how in
	bfd) flags="-fuse-ld=bfd" ;;
	bfd-gc) flags="-fuse-ld=bfd -Wl,-z,start-stop-gc" ;;
	lld) flags="-fuse-ld=lld" ;;
	esac
	for object in hooks.kiln.o bfd.o lld.o; do
		what="$how, $object"
		# shellcheck disable=SC2086
		$CC $flags -Wl,--gc-sections,--fatal-warnings -o app \
			app.o $object "$KILN_LIBS/libkiln.a" -ldl ||
			fail "$what: link"
		$run ./app >out || { cat out; fail "$what: run"; }
		sed '$d' out | sort >got
		cmp -s got wanted || { diff got wanted; fail "$what: rows"; }
		# those that attach are kept, p1 is named; p2 goes
		tail -n 1 out >kept
		has kept '(^| )mod_walk .*p1'
		[ "$how" = bfd ] || lacks kept '(^| )p2 '
	done
done

# bpf-gcc's object is the same
if command -v bpf-gcc >/dev/null; then
	bpf-gcc -O1 -gbtf "$include" -I/usr/include \
		"-I/usr/include/$(uname -m)-linux-gnu" \
		-c "$here/hooks.bpf.c" -o gcc.bpf.o
	compile --btf types.o --attach out_nothing -o gcc.kiln.o gcc.bpf.o
	$CC -o app-gcc app.o gcc.kiln.o "$KILN_LIBS/libkiln.a" -ldl
	$run ./app-gcc >out || { cat out; fail "bpf-gcc: run"; }
	sed '$d' out | sort >got
	cmp -s got wanted || { diff got wanted; fail "bpf-gcc: rows"; }
fi

# inspect tells the same of an image
"$KILN" inspect app >out
has out '^  walk +fmod_ret +mod_walk +s64 \(u64, s16, u8, s32\)$'
has out '^  absent +fentry +on_absent +s32 \(s32\) +optional$'
has out '^  nothing +fexit +out_nothing +void \(\) +at_start$'
