# Rows live and die with their code, and stay sorted, whichever linker, after
# ld -r or not. GNU ld without start-stop-gc keeps everything, which is safe.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld
need_plain
two
ld_by bfd -r -o bfd.o two.kiln.o
ld_by lld -r -o lld.o two.kiln.o

# expect KEEP LINKER: what the program prints
expect()
{
	case "$1 $2" in
	3* | *" bfd") echo "p1 p2 counts times " ;;
	1*) echo "p1 counts " ;;
	2*) echo "p2 times " ;;
	esac
}

for keep in 1 2 3; do
	$CC -O1 -g "$include" -DKEEP=$keep -c "$here/app.c" -o app.o
	for how in bfd bfd-gc lld; do
		case $how in
		bfd) flags="-fuse-ld=bfd" ;;
		bfd-gc) flags="-fuse-ld=bfd -Wl,-z,start-stop-gc" ;;
		lld) flags="-fuse-ld=lld" ;;
		esac
		for object in two.kiln.o bfd.o lld.o; do
			what="keep $keep, $how, $object"
			# shellcheck disable=SC2086
			$CC $flags -Wl,--gc-sections,--fatal-warnings -o app \
				app.o $object "$KILN_LIBS/libkiln.a" ||
				fail "$what: link"
			$run ./app >out || { cat out; fail "$what: run"; }
			expect $keep $how >wanted
			cmp -s out wanted || {
				diff out wanted
				fail "$what: other rows"
			}
			# what the loads are is told of those that are left
			for p in 1 2; do
				grep -q "p$p " wanted || continue
				"$KILN" inspect -j app | grep -Fq \
					"\"loads\":\"bpf_get_current_task_btf()->p$p\"" ||
					fail "$what: path of p$p"
			done
		done
	done
done
