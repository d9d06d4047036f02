# What kiln inspect says of an object, of what ld -r makes of it, and of an
# image; as text and as JSON.
. "$KILN_TOP/tests/cli/common.sh"
need cmake
two

# json FILE PATH WANTED: by CMake's parser, which is there
json()
{
	cat >get.cmake <<END
file(READ $1 text)
string(JSON v GET "\${text}" $2)
message("\${v}")
END
	got=$(cmake -P get.cmake 2>&1) || { echo "$got"; fail "$1: JSON: $2"; }
	[ "$got" = "$3" ] || fail "$1: $2 is $got, wanted $3"
}

check_text()
{
	has out '^license: GPL$'
	has out '^abi: 1$'
	has out '^digest: [0-9a-f]{64}$'
	has out '^verified: .*control-flow'
	has out '^  p1 +xdp +xdp +[0-9]+ +[0-9]+ +global ret32$'
	has out '^  p2 +xdp +xdp +[0-9]+ +[0-9]+ +global scope ret32$'
	has out '^  counts +array +4 +8 +4 +0 +64 +32 +static$'
	has out '^  times +percpu_array +4 +8 +4 +0 +64 +4096 +static$'
	lacks out ' $'
}

for object in two.kiln.o bfd.o lld.o; do
	case $object in
	bfd.o | lld.o)
		need ld.${object%.o}
		ld.${object%.o} -r -o $object two.kiln.o
		;;
	esac
	"$KILN" inspect $object >out
	check_text
	has out '^  5 +ktime_get_ns +native +p2$'
	has out '^  kiln_abi_1 +runtime$'
	for flag in -j -p --json --pretty; do
		"$KILN" inspect $flag $object >out
		json out "file" $object
		json out "kind" object
		json out "notes 0 license" GPL
		json out "programs 1 name" p2
		json out "programs 1 flags 1" scope
		json out "maps 0 name" counts
		json out "maps 1 bytes" 4096
		json out "faults 3 insn" 7
		json out "faults 3 loads" \
			"bpf_get_current_task_btf()->p2"
	done
done
"$KILN" inspect -j two.kiln.o >out
[ "$(wc -l <out)" = 1 ] || fail "-j takes more than one line"
"$KILN" compile --map-storage=dynamic --map counts=9 -o dynamic.o two.bpf.o
"$KILN" inspect dynamic.o >out
has out '^  counts +array +4 +8 +9 +0 +64 +72 +dynamic$'

refused 1 inspect two.bpf.o <<END
kiln: error: two.bpf.o: a BPF object: kiln compile makes a native one of it
END
echo "int x;" >x.c
$CC -c x.c
refused 1 inspect x.o <<END
kiln: error: x.o: no .note.kiln: not made by kiln
END

need_plain
$CC -O1 "$include" -DKEEP=3 -o app "$here/app.c" two.kiln.o \
	"$KILN_LIBS/libkiln.a"
"$KILN" inspect app >out
check_text
strip app
"$KILN" inspect app >out
has out '^  p2 +xdp +xdp +[0-9]+ +scope ret32$'
has out '^  counts +array .* static$'
