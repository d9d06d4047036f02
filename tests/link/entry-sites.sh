# --entry-sites: programs and global subprograms begin with a sled, in kiln_text;
# its rows live and die with them. The body of a program is behind its sled, and
# nothing is different without the option.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld "${tools}readelf"
bpf "$here/entry-sites.bpf.c" e.bpf.o
compile -o e.kiln.o e.bpf.o
"${tools}readelf" -SsW e.kiln.o >plain
lacks plain 'kiln_(text|sites)'
lacks plain 'plain\.body'

compile --entry-sites -o e.kiln.o e.bpf.o
"$KILN" inspect e.kiln.o >sites
has sites '^options: .* entry-sites=1$'
for f in triple plain scoped; do
	has sites "^ *$f\+0x4 +entry +open +[47] +$f$"
done
if [ -z "$target" ]; then # loaded
	printf '\005\000\000\000' >five
	for p in 'plain 16' 'scoped 6'; do
		"$KILN" run --prog "${p% *}" --ctx-in five e.kiln.o >out
		has out "${p#* }"
	done
fi

need_plain
ld_by bfd -r -o bfd.o e.kiln.o
ld_by lld -r -o lld.o e.kiln.o
for keep in 1 2; do
	$CC -O1 "$include" -DKEEP=$keep -c "$here/entry-sites.c" -o app.o
	for how in bfd "bfd -Wl,-z,start-stop-gc" lld; do
		case "$keep $how" in
		2*) want='3 16 6' ;;
		*gc | *lld) want='2 16' ;;
		*) want='3 16' ;;
		esac
		for object in e.kiln.o bfd.o lld.o; do
			# shellcheck disable=SC2086
			$CC -fuse-ld=$how -Wl,--gc-sections,--fatal-warnings \
				-o app app.o $object "$KILN_LIBS/libkiln.a" ||
				fail "$keep, $how, $object: link"
			got=$($run ./app) || fail "$keep, $how, $object: rows"
			[ "$got" = "$want" ] ||
				fail "$keep, $how, $object: $got, wanted $want"
		done
	done
done
