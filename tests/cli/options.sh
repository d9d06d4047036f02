# What is wrong with the words on the command line, exactly.
. "$KILN_TOP/tests/cli/common.sh"
: >in.o
see()
{
	echo "; kiln $1 --help lists the options"
}

refused 1 frobnicate <<END
kiln: no command frobnicate; kiln --help lists them
END
refused 1 compile --frob in.o <<END
kiln compile: --frob: no such option$(see compile)
END
refused 1 compile -xj in.o <<END
kiln compile: -x: no such option$(see compile)
END
refused 1 compile -o <<END
kiln compile: -o: argument missing$(see compile)
END
refused 1 compile --target <<END
kiln compile: --target: argument missing$(see compile)
END
refused 1 inspect --json=1 in.o <<END
kiln inspect: --json=1: takes no argument$(see inspect)
END
refused 1 inspect -O2 in.o <<END
kiln inspect: -O: no such option$(see inspect)
END
refused 1 compile --prefix 1a in.o <<END
kiln: error: --prefix: "1a", wanted the start of a C identifier
END
refused 1 compile --prefix "a b" in.o <<END
kiln: error: --prefix: "a b", wanted the start of a C identifier
END
refused 1 compile <<END
kiln compile: no input file$(see compile)
END
refused 1 compile -O3 in.o <<END
kiln compile: -O3: wanted 0, 1 or 2
END
refused 1 compile --env=lunar in.o <<END
kiln compile: --env lunar: wanted freestanding or hosted
END
refused 1 compile --map-storage=none in.o <<END
kiln compile: --map-storage none: wanted static or dynamic
END
for n in 0 -1 4097 many 1x ''; do
	refused 1 compile --max-cpus "$n" in.o <<END
kiln compile: --max-cpus $n: wanted a number from 1 to 4096
END
done
for pair in x =1 x=; do
	refused 1 compile --set $pair in.o <<END
kiln compile: --set $pair: wanted NAME=VALUE
END
done
refused 1 dump --stage=steel in.o <<END
kiln dump: --stage=steel: wanted elf, decode, flow, types, ir, opt, mir or unit
END
for command in inspect disasm; do
	refused 1 $command <<END
kiln $command: 0 files given, wanted one
END
	refused 1 $command in.o in.o <<END
kiln $command: 2 files given, wanted one
END
	refused 1 $command none.o <<END
kiln: error: none.o: No such file or directory
END
done

# --set fixes a knob for good: what it forbids is not compiled
cat >knob.bpf.c <<'END'
#include <linux/bpf.h>
#include <kiln/bpf.h>
const volatile unsigned trace;
SEC("xdp") int p(struct xdp_md *ctx)
{
	if (trace)
		bpf_trace_printk("x", 2);
	return 2;
}
END
bpf knob.bpf.c knob.bpf.o
"$KILN" dump --stage=opt knob.bpf.o >open
"$KILN" dump --stage=opt --set trace=0 knob.bpf.o >off
"$KILN" dump --stage=opt --set trace=1 knob.bpf.o >on
grep -q 'br\.' open && grep -q trace_printk open || fail "a knob that is open"
grep -q 'br\.\|call' off && fail "--set trace=0 leaves its code"
grep -q 'br\.' on && fail "--set trace=1 leaves the branch"
grep -q 'trace_printk' on || fail "--set trace=1 drops its code"
