# Options that do not fit the input, exactly; nothing is written.
. "$KILN_TOP/tests/cli/common.sh"
bpf "$here/two.bpf.c" two.bpf.o

refused 1 compile --target=vax two.bpf.o <<END
kiln: error: --target: unknown target vax, wanted $("$KILN" compile \
	--target=vax two.bpf.o 2>&1 | sed 's/.*wanted //')
END
has err 'wanted x86_64( or aarch64)?$'
refused 1 compile --target=x86_64 --cpu=486 two.bpf.o <<END
kiln: error: --cpu: unknown CPU 486, wanted baseline[+FEATURE...]
END
refused 1 compile --target=x86_64 --cpu=baseline+fpu two.bpf.o <<END
kiln: error: --cpu: x86_64 has no feature fpu
END
refused 1 compile --prog p1 --prog p3 two.bpf.o <<END
kiln: error: two.bpf.o: no program named p3 (--prog)
END
refused 1 compile --export p1,count two.bpf.o <<END
kiln: error: two.bpf.o: no global program named count (--export)
END
refused 1 compile --prog p1 --export p2 two.bpf.o <<END
kiln: error: two.bpf.o: no global program named p2 (--export)
END
refused 1 compile none.o <<END
kiln: error: none.o: No such file or directory
END
refused 1 compile . <<END
kiln: error: .: not a regular file of at most 1 GiB
END
refused 1 run /dev/zero <<END
kiln: error: /dev/zero: larger than 256 MiB
END
[ "$(ls)" = "err
out
two.bpf.o
wanted" ] || { ls; fail "files were written"; }

# two programs of one object, one of them compiled
"$KILN" compile --prog p1 -o one.o two.bpf.o
"$KILN" inspect one.o >out
has out '^  p1 '
lacks out '^  (p2|times) '
