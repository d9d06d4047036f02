# Random C programs (cgen.c) by several BPF compilers, instruction sets and levels
# through kiln, and the same source compiled natively: all verdicts, packets, maps
# and globals must be the same.
#
#   cgen.sh FIRST-SEED COUNT
#
# From CMake, or by hand: KILN, CGEN, RUN_NATIVE the programs, KILN_TOP the source
# tree, CC. KEEP: a folder for the BPF objects, for `KILN_CORPUS=... packets.sh`
# that compares them with the kernel, and for the sources of differences.
# RUN_ARM64, EMULATOR: run_native for arm64 and what runs it.
. "$KILN_TOP/tests/link/common.sh"
need_plain
first=$1 count=$2
keep=${KEEP:-}
[ -z "$keep" ] || mkdir -p "$keep"
include="$include -I$KILN_TOP/tests/cgen"
bpf="$include -I/usr/include/$(uname -m)-linux-gnu -w -fwrapv \
-fno-strict-aliasing -idirafter /usr/include"
fetch=-DCGEN_FETCH all=$fetch\ -DCGEN_SDIV

# One compiler per line, and what it is called with.
cat >ways <<END
clang -target bpf -g -mcpu=v1 -O2
clang-19 -target bpf -g -mcpu=v4 -O2 $all
bpf-gcc -gbtf -O1
clang -target bpf -g -mcpu=v3 -Os $fetch
clang-19 -target bpf -g -mcpu=v3 -O1 $fetch
clang -target bpf -g -mcpu=v2 -O1
bpf-gcc -gbtf -O2 -fno-rerun-cse-after-loop -fno-cse-follow-jumps
clang-19 -target bpf -mcpu=v4 -Os -g $all
clang-19 -target bpf -g -mcpu=v1 -O1
clang -target bpf -g -mcpu=v3 -O2 $fetch
bpf-gcc -gbtf -Os
bpf-gcc -gbtf -O0
clang-19 -target bpf -g -mcpu=v2 -O2
clang -target bpf -g -mcpu=v1 -Os
END
nways=$(wc -l <ways)
objects=0 runs=0 refused=0 mixed=0 bad=0

differs()
{
	bad=$((bad + 1))
	echo "DIFFERS: cgen $seed: $*"
	diff native lines | head -4
	[ -z "$keep" ] || cp a.c "$keep/seed$seed.c"
}

# level FILE LEVEL
level()
{
	compile "-O$2" -o "a$2.kiln.o" "$1" 2>err || {
		# one instruction for two kinds of pointers: no verifier takes it
		! grep -Eq 'something else on another|variable offset' err || {
			mixed=$((mixed + 1))
			return 0
		}
		head -2 err
		bad=$((bad + 1))
		echo "REFUSED: cgen $seed: $way: at -O$2"
		[ -z "$keep" ] || cp a.c "$keep/seed$seed.c"
		return 0
	}
	"$RUN_NATIVE" "a$2.kiln.o" >lines 2>&1 || true
	runs=$((runs + 1))
	cmp -s native lines || differs "$way: kiln -O$2"
}

arm64()
{
	"$KILN" compile --target=aarch64 "-O$2" -o a64.kiln.o "$1" 2>err ||
		return 0 # as level() said
	"$EMULATOR" "$RUN_ARM64" a64.kiln.o >lines 2>&1 || true
	runs=$((runs + 1))
	cmp -s native lines || differs "$way: kiln for arm64 -O$2"
}

# way NUMBER: an object, run at two levels
one_way()
{
	way=$(sed -n "$(($1 % nways + 1))p" ways)
	command -v "${way%% *}" >/dev/null || return 0
	# shellcheck disable=SC2086 # several options
	$way $bpf -c a.c -o a.bpf.o 2>err || {
		refused=$((refused + 1))
		[ -z "$keep" ] || grep -m1 error err >>"$keep/refused"
		return 0
	}
	objects=$((objects + 1))
	level a.bpf.o 0
	level a.bpf.o 2
	[ $(($1 % 3)) != 0 ] || level a.bpf.o 1
	[ -z "${RUN_ARM64:-}" ] || arm64 a.bpf.o $(($1 % 3))
	[ -z "${KEEP_OBJECTS:-}" ] || cp a.bpf.o "$keep/seed$seed-$1.bpf.o"
}

seed=$first
while [ "$seed" -lt $((first + count)) ]; do
	"$CGEN" "$seed" ${PROGRAMS:-} >a.c
	# shellcheck disable=SC2086
	$CC $include -w -O1 -fwrapv -fno-strict-aliasing -fPIC -shared \
		a.c -o a.so
	"$RUN_NATIVE" ./a.so >native
	one_way $((seed * 2))
	one_way $((seed * 2 + 1))
	seed=$((seed + 1))
done
echo "$count sources; $objects objects, $refused refused by their compiler;" \
	"$mixed times refused by kiln as by verifiers; $runs runs; $bad differ"
[ "$bad" = 0 ]
