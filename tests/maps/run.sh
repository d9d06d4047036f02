# run.sh NAME: NAME.bpf.c through kiln at -O0 and -O2, with NAME.c as the host
# program; its maps in the object or allocated; linked into it and loaded.
. "$KILN_TOP/tests/link/common.sh"
need_plain
source=$KILN_TOP/tests/maps/$1
bpf "$source.bpf.c" "$1.bpf.o"
for options in -O0 -O2 '-O2 --map-storage=dynamic'; do
	# shellcheck disable=SC2086 # several options
	compile $options -o "$1.kiln.o" "$1.bpf.o"
	$CC -g "$include" -o app "$source.c" "$1.kiln.o" \
		"$KILN_LIBS/libkiln.a" -lpthread
	$run ./app || fail "$options, linked"
	$CC -g "$include" -o loader "$source.c" "$KILN_LIBS/libkiln.a" -lpthread
	$run ./loader "$1.kiln.o" || fail "$options, loaded"
done
