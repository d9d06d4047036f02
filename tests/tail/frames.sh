# The limit of frames above a subprogram that makes tail calls, byte by byte:
# frames.bpf.c says what is right.
. "$KILN_TOP/tests/cli/common.sh"
need clang
bpf "$KILN_TOP/tests/tail/frames.bpf.c" frames.bpf.o
sed -n '/^CHAIN/!d; s/^CHAIN.(\([a-z]*\), \(.*\))$/\1_\2/; s/, /_/gp' \
	"$KILN_TOP/tests/tail/frames.bpf.c" >names
[ "$(wc -l <names)" -ge 13 ] || fail "names"
while read -r name; do
	said=yes
	"$KILN" compile --prog "$name" -o out.o frames.bpf.o 2>err || said=no
	[ "$said" = "${name%%_*}" ] || { cat err; fail "$name: $said"; }
	[ $said = yes ] || grep -q 'bytes of frames, wanted at most 256$' err ||
		fail "$name: message"
done <names
