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
