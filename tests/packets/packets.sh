# The same packets through the running kernel and through kiln: programs of this
# folder, the firewall of samples/, and all objects of the folder $KILN_CORPUS if
# that is set.
. "$KILN_TOP/tests/link/common.sh"
for src in "$KILN_TOP"/tests/packets/src/*.bpf.c \
	"$KILN_TOP/samples/xdp-firewall/firewall.bpf.c"; do
	name=$(basename "$src" .bpf.c)
	bpf "$src" "$name.bpf.o"
	# v3 too: other instructions, the same results
	clang -target bpf -mcpu=v3 -O2 -g "-I$KILN_TOP/include" \
		"-I/usr/include/$(uname -m)-linux-gnu" -c "$src" \
		-o "$name.v3.bpf.o"
done
set -- *.bpf.o
if [ -n "${KILN_CORPUS:-}" ]; then
	find "$KILN_CORPUS" -name '*.o' | sort >corpus
	while read -r f; do
		set -- "$@" "$f"
	done <corpus
fi
status=0
"$DIFFER" "$@" >out || status=$?
cat out
[ $status = 0 ] || exit $status
[ -n "${KILN_CORPUS:-}" ] || grep -q " 0 refused; " out || fail "refused"
