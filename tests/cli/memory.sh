# Memory that runs out while compiling: see t_oom.c.
. "$KILN_TOP/tests/cli/common.sh"
bpf "$here/two.bpf.c" two.bpf.o
"$T_OOM" two.bpf.o
