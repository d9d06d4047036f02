# attach.bpf.c at functions of an executable: loaded, and linked into it, in all
# ways to link; protections of functions change how they begin.
. "$KILN_TOP/tests/link/common.sh"
need_plain
source=$KILN_TOP/tests/attach
bpf "$source/attach.bpf.c" attach.bpf.o
build="$CC -g -O2 $include -I$source"
$build -gbtf -c -o types.o "$source/targets.c"
compile --entry-sites --btf types.o -o attach.kiln.o attach.bpf.o

# app OPTION...
app()
{
	# shellcheck disable=SC2086
	$build ${run:+-DEMULATED} -o app "$@" "$source/attach.c" \
		"$source/targets.c" "$KILN_LIBS/kiln-module.o" "$KILN_LIBS/libkiln.a" -lpthread
}
protect=-fcf-protection=full
[ "${target:-$(uname -m)}" = x86_64 ] || protect=-mbranch-protection=standard
for options in "-pie -fPIE" "-no-pie -fno-pie $protect"; do
	# shellcheck disable=SC2086
	app -rdynamic $options
	$run ./app attach.kiln.o || fail "loaded: $options"
	# kiln-module.o once more
	app -DLINKED $options attach.kiln.o "$KILN_LIBS/kiln-module.o"
	$run ./app || fail "linked: $options"
done

# an executable with ThreadSanitizer, where that runs
echo "int main(void) { return 0; }" >probe.c
if [ -z "$run" ] && $CC -fsanitize=thread -o probe probe.c &&
	setarch -R ./probe; then
	app -rdynamic -fsanitize=thread
	setarch -R ./app attach.kiln.o || fail "loaded, with ThreadSanitizer"
fi
