# Sourced by the tests of this folder. From CMake: KILN the command, KILN_LIBS
# the folder of libkiln.a, KILN_TOP the source tree, CC, KILN_SANITIZE. For
# another target than the host: KILN_TARGET its name for kiln, KILN_RUN what runs
# its programs.
set -eu
run=${KILN_RUN:-} target=${KILN_TARGET:-}
tools= # before the names of binutils
[ -z "$target" ] || tools=$target-linux-gnu-

skip()
{
	echo "skipped: $*"
	exit 77
}

fail()
{
	echo "FAILED: $*"
	exit 1
}

# need TOOL...: skips without one of them.
need()
{
	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

# Programs that are built here would need the sanitizers' runtime too.
need_plain()
{
	[ "${KILN_SANITIZE:-OFF}" = OFF ] || skip "libkiln has sanitizers in it"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$KILN_TOP/tests/link
include=-I$KILN_TOP/include
cd "$work"
if [ -n "$target" ]; then
	# a cross gcc looks for a cross lld
	mkdir bin
	ln -s "$(command -v ld.lld || echo /nowhere)" bin/ld.lld
	CC="$CC -B$work/bin/"
fi

# bpf SOURCE OUT: a BPF object.
bpf()
{
	need clang
	clang -target bpf -O2 -g "$include" \
		"-I/usr/include/$(uname -m)-linux-gnu" -c "$1" -o "$2"
}

# compile OPTION... FILE: kiln compile for the target
compile()
{
	"$KILN" compile ${target:+--target "$target"} "$@"
}

# two: two.bpf.o and two.kiln.o
two()
{
	bpf "$here/two.bpf.c" two.bpf.o
	compile -o two.kiln.o two.bpf.o
}

# ld_by bfd|lld ARGUMENT...
ld_by()
{
	ld_command=ld.$1
	[ "$1" = lld ] || ld_command=${tools}ld.$1
	shift
	"$ld_command" "$@"
}

# has FILE PATTERN: an extended regular expression.
has()
{
	grep -Eq -- "$2" "$1" || {
		cat "$1"
		fail "$1 has no $2"
	}
}

lacks()
{
	if grep -Eq -- "$2" "$1"; then
		cat "$1"
		fail "$1 has $2"
	fi
}
