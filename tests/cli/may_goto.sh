# A loop that only may_goto ends, in a program and in a subprogram that the
# program calls three times: a run has 8 Mi in all, whoever spends them, and each
# run has them again.
. "$KILN_TOP/tests/cli/common.sh"
raw()
{
	[ "$("$KILN" run --raw $1 "$2")" = "$3" ] || fail "may_goto $*"
}
# r0 = 0; l: may_goto +2; r0 += 1; goto l; exit
for level in 0 1 2; do
	raw -O$level "b700000000000000 e500020000000000 0700000001000000
		0500fdff00000000 9500000000000000" 800000
	# r6 = 3; r7 = 0; l: call sub; r7 += r0; r6 -= 1; if r6 != 0 goto l;
	# r0 = r7; exit; sub: as above
	raw -O$level "b706000003000000 b707000000000000 8510000005000000
		0f07000000000000 07060000ffffffff 5506fcff00000000
		bf70000000000000 9500000000000000
		b700000000000000 e500020000000000 0700000001000000
		0500fdff00000000 9500000000000000" 800000
done
