# Prints functions of all kinds of signatures with their calls (out=c), or programs
# of each kind for them (out=bpf). n: how many; function k has k % 13 parameters.
# Sources for matrix.h, which says what is compared.

function type(name, words, kind)
{
	types++
	ctype[types] = name
	nwords[types] = words
	class[types] = kind # i integer or pointer, f float, s struct, m memory
}

function pick(max) # 1 .. max
{
	state = state * 16807 % 2147483647
	return int(state / 64) % max + 1
}

# The parameters of function k: p[1..np], and its result: ret, 0: void.
function signature(k, i)
{
	state = k * 7919 + 17
	np = k % 13
	ints = np <= 5
	args = 0
	for (i = 1; i <= np; i++) {
		# every third function takes integers and pointers only
		p[i] = pick(k % 3 ? types : 9)
		ints = ints && class[p[i]] == "i"
		args += nwords[p[i]]
	}
	ret = (k * 5 + 1) % (types + 1)
	rwords = ret ? (class[ret] == "m" ? 1 : nwords[ret]) : 0
}

function params(i, s)
{
	for (i = 1; i <= np; i++)
		s = s (i > 1 ? ", " : "") ctype[p[i]] " a" i
	return s == "" ? "void" : s
}

function result()
{
	return ret ? ctype[ret] : "void"
}

function c_function(k, i)
{
	printf "%s f%d(%s);\nKILN_HOOKABLE %s f%d(%s)\n{\n", result(), k,
		params(), result(), k, params()
	printf "\tbody(%d);\n", k
	for (i = 1; i <= np; i++)
		printf "\targument(%d, %d, &a%d, sizeof(a%d));\n", k, i, i, i
	if (ret)
		printf "\t%s r;\n\tpattern(%d, 0, &r, sizeof(r));\n" \
			"\treturn r;\n", ctype[ret], k
	printf "}\nstatic void call%d(void)\n{\n", k
	for (i = 1; i <= np; i++)
		printf "\t%s a%d;\n\tpattern(%d, %d, &a%d, sizeof(a%d));\n",
			ctype[p[i]], i, k, i, i, i
	printf "\tbegin(%d);\n", k
	for (i = 1; i <= np; i++)
		if (class[p[i]] == "i")
			printf "\tword((uint64_t)a%d);\n", i
		else
			printf "\tbytes(&a%d, sizeof(a%d));\n", i, i
	printf "\targuments_end();\n"
	if (ret) {
		printf "\t%s w;\n\tpattern(%d, 0, &w, sizeof(w));\n",
			ctype[ret], k
		if (class[ret] == "i")
			printf "\tword((uint64_t)w);\n"
		else if (class[ret] == "m")
			printf "\tin_memory(sizeof(w));\n"
		else
			printf "\tbytes(&w, sizeof(w));\n"
	}
	printf "\t%sf%d(", (ret ? ctype[ret] " r = " : ""), k
	for (i = 1; i <= np; i++)
		printf "%sa%d", (i > 1 ? ", " : ""), i
	printf ");\n"
	if (class[ret] == "i")
		printf "\tinteger(%d, (uint64_t)r, (uint64_t)(%s)%s, " \
			"sizeof(r), %d);\n", k, ctype[ret],
			(ctype[ret] == "ptr" ? "(uint64_t)DECIDED" : "DECIDED"),
			ints
	else if (ret)
		printf "\treturned(%d, &r, sizeof(r));\n", k
	printf "\tend(%d, %d, %d, %d);\n}\n", k, (class[ret] == "i"),
		(ints && (!ret || class[ret] == "i")), rwords
}

function bpf_programs(k, i)
{
	printf "SEC(\"fentry/f%d\") int en%d(__u64 *ctx)\n{\n", k, k
	printf "\tsaw(%d, FENTRY, COUNT, bpf_get_func_arg_cnt(ctx));\n", k
	for (i = 0; i < args; i++)
		printf "\tsaw(%d, FENTRY, %d, ctx[%d]);\n", k, i, i
	printf "\treturn 0;\n}\nSEC(\"fexit/f%d\") int ex%d(__u64 *ctx)\n{\n",
		k, k
	for (i = 0; i < args; i++)
		printf "\tsaw(%d, FEXIT, %d, ctx[%d]);\n", k, i, i
	for (i = 0; i < rwords; i++)
		printf "\tsaw(%d, FEXIT, RESULT + %d, ctx[%d]);\n", k, i,
			args + i
	printf "\treturn 0;\n}\n"
	if (class[ret] == "i") {
		printf "SEC(\"fmod_ret/f%d\") int mo%d(__u64 *ctx)\n{\n", k, k
		for (i = 0; i < args; i++)
			printf "\tsaw(%d, FMOD_RET, %d, ctx[%d]);\n", k, i, i
		printf "\treturn decides ? DECIDED : 0;\n}\n"
	}
	if (!ints || (ret && class[ret] != "i"))
		return
	printf "SEC(\"freplace/f%d\") %s re%d(%s)\n{\n", k, result(), k, params()
	for (i = 1; i <= np; i++)
		printf "\tsaw(%d, FREPLACE, %d, (__u64)a%d);\n", k, i - 1, i
	printf "\tsaw(%d, FREPLACE, COUNT, %d);\n", k, args
	if (ret)
		printf "\treturn (%s)%sDECIDED;\n", ctype[ret],
			(ctype[ret] == "ptr" ? "(long)" : "")
	printf "}\n"
}

BEGIN {
	type("int8_t", 1, "i"); type("uint8_t", 1, "i")
	type("int16_t", 1, "i"); type("uint16_t", 1, "i")
	type("int32_t", 1, "i"); type("uint32_t", 1, "i")
	type("int64_t", 1, "i"); type("uint64_t", 1, "i"); type("ptr", 1, "i")
	type("float", 1, "f"); type("double", 1, "f")
	type("struct s4", 1, "s"); type("struct s12", 2, "s")
	type("struct s16", 2, "s"); type("struct d16", 2, "s")
	type("struct f12", 2, "s")
	type("struct s24", 3, "m"); type("struct s40", 5, "m")
	print "#include \"matrix.h\""
	for (k = 0; k < n; k++) {
		signature(k)
		if (out == "c")
			c_function(k)
		else
			bpf_programs(k)
	}
	if (out == "bpf") {
		print "char LICENSE[] SEC(\"license\") = \"GPL\";"
		exit
	}
	print "void (*const calls[])(void) = {"
	for (k = 0; k < n; k++)
		print "\tcall" k ","
	print "\t0};"
}
