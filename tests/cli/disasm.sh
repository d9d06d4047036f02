# kiln disasm: source, BPF and native code together; of a native object the
# same native code.
. "$KILN_TOP/tests/cli/common.sh"
need cmake
two
"$KILN" disasm two.bpf.o >bpf
has bpf '^p1:  # xdp, [0-9]+ bytes$'
has bpf '^; .*ctx->ingress_ifindex.*two\.bpf\.c:[0-9]+$'
has bpf '^ +[0-9]+: call bpf_ktime_get_ns#5 .* kiln_helper_ktime_get_ns$'
has bpf '^ +[0-9]+: exit '
has bpf ' kiln_scope_enter$'
has bpf '# runs$'
has bpf '# times(\+0x[0-9a-f]+|\.values)?$'
# every BPF instruction of p1 is there, in order, once or more
for slot in 0 1 2 3; do
	sed -n '/^p1:/,/^$/p' bpf >p1
	grep -Eq "^ +$slot: " p1 || grep -Eq "^ +$((slot - 1)): .* ll|= [a-z.]+" \
		p1 || fail "p1 lacks instruction $slot"
done

"$KILN" disasm two.kiln.o >native
has native '^; .*two\.bpf\.c:[0-9]+$'
has native '# counts(\+0x[0-9a-f]+|\.values)?'
# the same instructions, without the other columns and symbols
code()
{
	sed -nE 's/^.{0,41}  *([0-9a-f]+  [a-z.].*)$/\1/p' "$1" |
		sed -E 's/ +#.*//; s/^ +//'
}
code bpf >a
code native >b
cmp a b || { diff a b; fail "the two listings differ"; }

"$KILN" disasm -j two.bpf.o >out
cat >check.cmake <<'END'
file(READ out text)
string(JSON n LENGTH "${text}" functions)
math(EXPR last "${n} - 1")
foreach(i RANGE ${last})
	string(JSON name GET "${text}" functions ${i} name)
	string(JSON insns LENGTH "${text}" functions ${i} native)
	string(JSON first GET "${text}" functions ${i} native 0 text)
	message("${name} ${insns} ${first}")
endforeach()
END
cmake -P check.cmake >list 2>&1 || { cat list; fail "JSON"; }
has list '^p1 [0-9]+ '
has list '^p2\.body [0-9]+ '

echo junk >junk.o
refused 1 disasm junk.o <<END
kiln: error: junk.o: $("$KILN" compile junk.o 2>&1 | sed 's/.*junk.o: //')
END
