# Linking kiln's object turns no protection of the application off.
. "$KILN_TOP/tests/link/common.sh"
need ld.bfd ld.lld readelf
[ "$(uname -m)" = x86_64 ] || skip "IBT and SHSTK are x86's"
two
readelf -nW two.kiln.o >notes
has notes 'x86 feature: IBT, SHSTK'
echo 'int f(void); int f(void) { return 1; }' >c.c
$CC -fcf-protection=full -c c.c
for ld in bfd lld; do
	ld.$ld -r -o all.o c.o two.kiln.o
	readelf -nW all.o >notes
	has notes 'x86 feature: IBT, SHSTK'
	ld.$ld -shared -z force-ibt -z shstk -o all.so c.o two.kiln.o \
		>warnings 2>&1 || { cat warnings; fail "$ld -shared"; }
	readelf -nW all.so >notes
	has notes 'x86 feature: .*IBT, SHSTK'
	lacks warnings 'two\.kiln\.o'
done
# every entry that may be reached indirectly begins with endbr64
objdump -d --no-show-raw-insn two.kiln.o >code
for f in p1 p2 p2.body; do
	grep -A1 "<$f>:" code >entry
	has entry endbr64
done
readelf -SW two.kiln.o >sections
has sections '\.note\.GNU-stack'
