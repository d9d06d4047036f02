# The output file: whole or not at all, beside the input by default, through
# symbolic links, and never in place of a device.
. "$KILN_TOP/tests/cli/common.sh"
mkdir sub
bpf "$here/two.bpf.c" sub/two.bpf.o
"$KILN" compile sub/two.bpf.o
[ -e sub/two.kiln.o ] || fail "default name"
cp sub/two.bpf.o sub/plain.o
"$KILN" compile sub/plain.o
[ -e sub/plain.kiln.o ] || fail "default name of a plain .o"
cp sub/two.bpf.o sub/odd
"$KILN" compile sub/odd
[ -e sub/odd.kiln.o ] || fail "default name without .o"

refused 1 compile -o none/x.o sub/two.bpf.o <<END
kiln: error: none/x.o: No such file or directory
END
refused 1 compile -o sub sub/two.bpf.o <<END
kiln: error: sub: Is a directory
END
if [ -c /dev/full ]; then
	refused 1 compile -o /dev/full sub/two.bpf.o <<END
kiln: error: /dev/full: No space left on device
END
	[ -c /dev/full ] || fail "/dev/full is no device any more"
	status=0
	"$KILN" inspect sub/two.kiln.o >/dev/full 2>err || status=$?
	[ $status = 1 ] || fail "inspect to a full device: status $status"
	has err '^kiln: error: standard output: No space left on device$'
fi
"$KILN" compile -o /dev/stdout sub/two.bpf.o | cmp - sub/two.kiln.o

# an old output stays when the input is refused
echo old >old.o
echo no >no.bpf.o
"$KILN" compile -o old.o no.bpf.o 2>err && fail "no ELF, yet compiled"
[ "$(cat old.o)" = old ] || fail "an old output was touched"
ln -s sub/target.o link.o
"$KILN" compile -o link.o sub/two.bpf.o
"$KILN" compile -o link.o sub/two.bpf.o
cmp sub/two.kiln.o link.o
[ "$(find . -name '*tmp*')" = "" ] || fail "temporary files stay"

# umask and mode are those of any new file
umask 027
"$KILN" compile -o mode.o sub/two.bpf.o
[ "$(stat -c %a mode.o)" = 640 ] || fail "mode of the output"
