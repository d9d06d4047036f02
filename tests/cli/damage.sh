# Damaged native objects: see t_damage.c.
. "$KILN_TOP/tests/cli/common.sh"
two
# standard error is what t_damage looks at: reports go beside it
export ASAN_OPTIONS="log_path=$work/report" UBSAN_OPTIONS="log_path=$work/report"
"$T_DAMAGE" two.kiln.o || { cat report* 2>/dev/null; fail "damage"; }
