# A protocol's model, all interleavings: it holds as it is, and each variant with
# one step left out does not.
#	model.sh FILE VARIANTS-THAT-HOLD OTHER-VARIANTS
set -eu
command -v spin >/dev/null || { echo "skipped: no spin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$1 holds=$2 broken=$3
cd "$work"
# check VARIANT ERRORS OPTION
check()
{
	rm -f pan*
	spin -DV="$1" -a "$model" >spin.out || { cat spin.out; exit 1; }
	# clauses `provided` and partial orders do not go together
	reduce=
	! cc -E -x c -DV="$1" "$model" | grep -q provided || reduce=-DNOREDUCE
	cc $3 -w -DSAFETY -DCOLLAPSE $reduce -o pan pan.c
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
for v in $holds; do
	check "$v" 0 -O1
done
for v in $broken; do
	check "$v" 1 -O0 # soon found
done
