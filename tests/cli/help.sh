# Every command explains itself; nobody is left without an answer.
. "$KILN_TOP/tests/cli/common.sh"
for command in compile run inspect disasm dump; do
	"$KILN" $command --help >out 2>err || fail "$command --help"
	[ ! -s err ] || fail "$command --help complains"
	has out "^usage: kiln $command "
	has out '^  --help  +this text'
	"$KILN" --help >all
	has all "^  $command "
	# no line is too wide, no option is listed twice
	lacks out '^.{81}'
	[ -z "$(grep -o '^  [-][^ ]*' out | sort | uniq -d)" ] ||
		fail "$command: an option twice"
done
"$KILN" --version >out
has out '^kiln [0-9]+\.[0-9]+\.[0-9]+$'
"$KILN" >out 2>err && fail "no command: status 0"
[ ! -s out ] || fail "no command: prints on standard output"
has err '^usage: kiln COMMAND'

for command in inspect disasm; do
	"$KILN" $command --help >out
	has out '^  -j, --json '
	has out '^  -p, --pretty '
done
