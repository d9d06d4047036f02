# Sourced by the tests of this folder: those of tests/link, and the exact
# answers of the command.
. "$KILN_TOP/tests/link/common.sh"

# refused STATUS ARG...: kiln exits with STATUS, prints nothing on standard
# output, and on standard error exactly what comes in.
refused()
{
	want=$1
	shift
	cat >wanted
	status=0
	"$KILN" "$@" >out 2>err || status=$?
	[ $status = "$want" ] || { cat err; fail "kiln $*: status $status"; }
	[ ! -s out ] || { cat out; fail "kiln $*: prints something"; }
	cmp -s err wanted || { diff err wanted; fail "kiln $*: message"; }
}
