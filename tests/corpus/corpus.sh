# Real objects: those of ../shared/corpus-dev.txt that lie in the folder
# KILN_CORPUS, which is laid out as
#
#   samples/PATH    files of the public repository vbpf/ebpf-samples
#   debian/FILE     objects of Debian's xdp-tools and libxdp1
#
# (they are fetched, never committed). Each must compile, for both targets,
# without and with optimisation, or be refused for the reason in refused.txt;
# whatever happens the compiler does not crash and leaves no output behind
# when it refuses.
. "$KILN_TOP/tests/cli/common.sh"
list=${KILN_CORPUS_LIST:-$KILN_TOP/../shared/corpus-dev.txt}
[ -n "${KILN_CORPUS:-}" ] || skip "no KILN_CORPUS, a folder of real BPF objects"
[ -f "$list" ] || skip "no ../shared/corpus-dev.txt"
reasons=$here/../corpus/refused.txt

# reason FILE: the pattern of its refusal, if it may be refused
reason()
{
	sed -n "s|^$1  *||p" "$reasons"
}

bad=0 files=0
complain()
{
	echo "$*"
	bad=$((bad + 1))
}

# try FILE: one object in all forms
try()
{
	for target in x86_64 aarch64; do
		for level in 0 2; do
			rm -f out.kiln.o
			status=0
			timeout 60 "$KILN" compile --target=$target -O$level \
				-o out.kiln.o "$KILN_CORPUS/$1" 2>err || status=$?
			why=$(reason "$1")
			case $status in
			0)
				[ -f out.kiln.o ] || complain "$1: no output"
				[ -z "$why" ] || echo "$1: is no longer refused"
				;;
			1)
				first=$(sed -n 's/^kiln: error: //p' err | head -1)
				[ ! -e out.kiln.o ] || complain "$1: output"
				if [ -z "$why" ]; then
					complain "$target -O$level: $first"
				elif ! echo "$first" | grep -Eq -- "$why"; then
					complain "$target -O$level: $first" \
						"(wanted: $why)"
				fi
				;;
			*) complain "$1: $target -O$level: status $status" ;;
			esac
		done
	done
}

folder=samples
while read -r line; do
	case $line in
	'## Debian'*) folder=debian ;;
	'#'* | '') ;;
	*)
		[ -f "$KILN_CORPUS/$folder/$line" ] || continue
		files=$((files + 1))
		try "$folder/$line"
		;;
	esac
done <"$list"
[ "$files" -gt 0 ] || skip "KILN_CORPUS has none of the files"
echo "$files objects, $bad complaints"
[ "$bad" = 0 ]
