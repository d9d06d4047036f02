# Kconfig variables: values by --kconfig, plain and compressed, and by --set;
# code for other kernels is left out; what does not fit is refused.
. "$KILN_TOP/tests/cli/common.sh"
cat >vars.bpf.c <<'END'
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
extern bool CONFIG_BPF __kconfig;
extern enum libbpf_tristate CONFIG_TUN __kconfig;
extern int CONFIG_HZ __kconfig;
extern short CONFIG_LOW __kconfig;
extern __u64 CONFIG_HIGH __kconfig;
extern char CONFIG_LETTER __kconfig;
extern char CONFIG_NAME[8] __kconfig;
extern __u64 CONFIG_ABSENT __kconfig __weak;
extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
SEC("syscall") int vars(__u64 *ctx)
{
	ctx[0] = CONFIG_BPF;
	ctx[1] = CONFIG_TUN;
	ctx[2] = CONFIG_HZ;
	ctx[3] = CONFIG_LOW;
	ctx[4] = CONFIG_HIGH;
	ctx[5] = CONFIG_LETTER;
	ctx[6] = CONFIG_NAME[2];
	ctx[7] = CONFIG_ABSENT + LINUX_HAS_BPF_COOKIE;
	if (LINUX_KERNEL_VERSION < 0x50800)
		return ((long (*)(void))9999)();
	return 3;
}
END
bpf vars.bpf.c vars.bpf.o
cat >config <<'END'
# CONFIG_ABSENT is not set
CONFIG_BPF=y
CONFIG_TUN=m
CONFIG_HZ=250
CONFIG_LOW=-32768
CONFIG_HIGH=0xfedcba9876543210
CONFIG_LETTER=m
CONFIG_NAME="a b=c"
CONFIG_BPF=n
END
new=--set=LINUX_KERNEL_VERSION=0x60100
head -c 64 /dev/zero >zero
need gzip od
gzip -c config >config.gz
for file in config config.gz; do
	"$KILN" run --kconfig $file $new --ctx-in zero --ctx-out answers \
		vars.bpf.o >out
	has out '^Return value: 3,'
	od -An -v -tx8 answers | tr -s ' \n' ' ' >got
	echo " 0000000000000001 0000000000000002 00000000000000fa" \
		"ffffffffffff8000 fedcba9876543210 000000000000006d" \
		"0000000000000062 0000000000000000 " | tr -d '\n' >wanted
	cmp got wanted || fail "$file: $(cat got)"
done
"$KILN" run --kconfig config $new --set CONFIG_TUN=y --set CONFIG_ABSENT=7 \
	--set LINUX_HAS_BPF_COOKIE=y --ctx-in zero --ctx-out answers \
	vars.bpf.o >out
[ "$(od -An -j8 -N8 -td8 answers | tr -d ' ')" = 1 ] || fail "--set wins"
[ "$(od -An -j56 -td8 answers | tr -d ' ')" = 8 ] || fail "weak ones set"

at="vars.bpf.o: section syscall: program vars: insn"
"$KILN" compile --kconfig config --set LINUX_KERNEL_VERSION=0x50100 \
	vars.bpf.o 2>err && fail "an old kernel's code is there"
has err ': unknown helper 9999$'
"$KILN" compile --kconfig config vars.bpf.o 2>err && fail "without a version"
has err "^kiln: error: $at [0-9]* .*: kconfig variable LINUX_KERNEL_VERSION has \
no value in config \(give it one with --set LINUX_KERNEL_VERSION=VALUE\)$"

# wrong LINE MESSAGE: the configuration with one more line first
wrong()
{
	{ echo "$1"; cat config; } >other
	refused 1 compile --kconfig other $new vars.bpf.o <<END
kiln: error: other: $2
END
}
wrong CONFIG_BPF=m "CONFIG_BPF=m: wanted a number"
wrong CONFIG_BPF=2 "CONFIG_BPF=2: does not fit its 1 bytes"
wrong CONFIG_HZ=y "CONFIG_HZ=y: wanted a number"
wrong CONFIG_HZ='"1"' 'CONFIG_HZ="1": wanted a number'
wrong CONFIG_HZ=2147483648 "CONFIG_HZ=2147483648: does not fit its 4 bytes"
wrong CONFIG_LOW=-32769 "CONFIG_LOW=-32769: does not fit its 2 bytes"
wrong CONFIG_HIGH=-1 "CONFIG_HIGH=-1: the variable is unsigned"
wrong CONFIG_HIGH=0x10000000000000000 \
	"CONFIG_HIGH=0x10000000000000000: wanted a number"
wrong CONFIG_NAME=y "CONFIG_NAME=y: the variable is a string"
wrong 'CONFIG_NAME="12345678"' \
	'CONFIG_NAME="12345678": 8 characters and NUL do not fit its 8 bytes'
wrong 'CONFIG_X="' 'line 1: wanted CONFIG_NAME=VALUE'
wrong CONFIG_X 'line 1: wanted CONFIG_NAME=VALUE'

head -c 40 config.gz >cut.gz
refused 1 compile --kconfig cut.gz vars.bpf.o <<END
kiln: error: cut.gz: damaged gzip file, or more than 16777216 bytes in it
END
head -c 20000000 /dev/zero | gzip >bomb.gz
refused 1 compile --kconfig bomb.gz vars.bpf.o <<END
kiln: error: bomb.gz: damaged gzip file, or more than 16777216 bytes in it
END
refused 1 compile --kconfig zero vars.bpf.o <<END
kiln: error: zero: not a text file
END
refused 1 compile --kconfig none vars.bpf.o <<END
kiln: error: none: No such file or directory
END
