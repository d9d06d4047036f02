# Damaged native objects: see t_damage.c.
. "$KILN_TOP/tests/cli/common.sh"
two
"$T_DAMAGE" two.kiln.o
