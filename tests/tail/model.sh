# The model of the update protocol, all interleavings: it holds as it is, and
# each variant with one step left out does not.
set -eu
command -v spin >/dev/null || { echo "skipped: no spin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$KILN_TOP/tests/tail/poke.pml
cd "$work"
# check VARIANT ERRORS
check()
{
	rm -f pan*
	spin -DV="$1" -a "$model" >spin.out || { cat spin.out; exit 1; }
	cc -O0 -w -DSAFETY -DCOLLAPSE -o pan pan.c
	./pan -m100000 >out 2>&1
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
	echo "variant $1: errors $errors," \
		"$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1 states/p' out)" \
		"$(grep -o 'assertion violated.*' out | head -1)"
	# a search that was cut short proves nothing
	if [ "$errors" != "$2" ] || grep -Eq 'max search depth|out of memory' out; then
		cat out
		echo "FAILED: variant $1: $errors errors, wanted $2"
		exit 1
	fi
}
check 0 0
for v in 1 2 3 4 5 6 7; do
	check $v 1
done
