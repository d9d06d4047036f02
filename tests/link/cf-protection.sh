# Linking kiln's object turns no protection of the application off: the marks
# stay, the linkers that are told to look find nothing, and every entry that
# may be reached indirectly has its landing pad.
. "$KILN_TOP/tests/link/common.sh"
need "${tools}ld.bfd" ld.lld readelf "${tools}objdump"
case ${target:-$(uname -m)} in
x86_64)
	marks='x86 feature: .*IBT, SHSTK' pad=endbr64
	cc=-fcf-protection=full link='-z force-ibt -z shstk'
	;;
aarch64)
	marks='AArch64 feature: BTI, PAC' pad='bti	c|paciasp'
	cc=-mbranch-protection=standard link='-z force-bti'
	;;
*) skip "no such protection here" ;;
esac
two
readelf -nW two.kiln.o >notes
has notes "$marks"
echo 'int f(void); int f(void) { return 1; }' >c.c
$CC $cc -c c.c
for ld in bfd lld; do
	ld_by $ld -r -o all.o c.o two.kiln.o
	readelf -nW all.o >notes
	has notes "$marks"
	# shellcheck disable=SC2086 # a list of words
	ld_by $ld -shared $link -o all.so c.o two.kiln.o >warnings 2>&1 ||
		{ cat warnings; fail "$ld -shared"; }
	readelf -nW all.so >notes
	has notes "$marks"
	lacks warnings 'two\.kiln\.o'
done
"${tools}objdump" -d --no-show-raw-insn two.kiln.o >code
for f in p1 p2 p2.body; do
	grep -A1 "<$f>:" code >entry
	has entry "$pad"
done
readelf -SW two.kiln.o >sections
has sections '\.note\.GNU-stack'
