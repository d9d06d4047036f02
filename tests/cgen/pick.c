/* Random choices, and variables. */
#include <stdio.h>

#include "cgen.h"

struct source src;

const char *const kind_name[KINDS] = {
	"s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64"};
const u8 kind_bits[KINDS] = {8, 8, 16, 16, 32, 32, 64, 64};

u32 below(u32 n)
{
	src.rng ^= src.rng << 13;
	src.rng ^= src.rng >> 7;
	src.rng ^= src.rng << 17;
	return (u32)((src.rng * 0x2545f4914f6cdd1dull >> 33) % n);
}

enum kind pick_kind(void)
{
	return (enum kind)below(KINDS);
}

static u32 record_of(void)
{
	return below(src.nrecords);
}

struct var *body_new(struct body *b, enum what what)
{
	struct var *v = &b->var[b->nvars++];

	assert(b->nvars <= MAX_VARS);
	*v = (struct var){.what = what, .kind = pick_kind()};
	if (what == ARRAY)
		v->count = 1u << (1 + below(4));
	if (what == RECORD || what == TARGET)
		v->of = record_of();
	snprintf(v->name, sizeof(v->name), "v%u", b->names++);
	return v;
}

void var_declare(const struct var *v, u32 indent)
{
	printf("%.*s", (int)indent, "\t\t\t\t\t\t\t\t\t\t\t\t");
	switch (v->what) {
	case SCALAR:
		printf("%s %s = %u;\n", kind_name[v->kind], v->name,
			below(300));
		return;
	case ARRAY:
		printf("%s %s[%u] = {", kind_name[v->kind], v->name, v->count);
		for (u32 i = 0; i < v->count; i++)
			printf("%s%u", i ? ", " : "", below(128));
		printf("};\n");
		return;
	case RECORD:
		printf("struct s%u %s;\n", v->of, v->name);
		printf("%.*s", (int)indent, "\t\t\t\t\t\t\t\t\t\t\t\t");
		printf("__builtin_memset(&%s, %u, sizeof(%s));\n", v->name,
			chance(70) ? 0 : below(256), v->name);
		return;
	case MIXED:
		printf("union mixed %s = {%uull};\n", v->name, below(~0u));
		return;
	case HEADER:
		printf("struct header %s = {%u, %u};\n", v->name, below(256),
			below(65536));
		return;
	case TARGET:
	case ELEM: unreachable();
	}
}
