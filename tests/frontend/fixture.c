#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "fixture.h"
#include "kiln/bytes.h"

static void collect(void *ctx, enum diag_level level, const char *line)
{
	struct fixture *x = ctx;
	size_t n = strlen(x->log);

	(void)level;
	snprintf(x->log + n, sizeof(x->log) - n, "%s\n", line);
}

void fix_init(struct fixture *x)
{
	static const char *file = "t.o";

	memset(x, 0, sizeof(*x));
	arena_init(&x->a, NULL, NULL);
	x->diag.fn = collect;
	x->diag.ctx = x;
	x->m.a = &x->a;
	x->m.diag = &x->diag;
	x->m.file = &file;
	x->m.nfile = 1;
	x->m.license = "";
}

void fix_fini(struct fixture *x)
{
	arena_fini(&x->a);
}

static void add_slots(struct fixture *x, const u8 *p, u32 n)
{
	for (u32 s = 0; s < n; s++, p += 8) {
		struct insn *i = vec_push(&x->a, &x->m.insn);

		i->code = p[0];
		i->dst = p[1] & 15;
		i->src = p[1] >> 4;
		i->off = (i16)get_le16(p + 2);
		i->imm = (i32)get_le32(p + 4);
		i->sym = SYM_NONE;
	}
}

struct func *fix_func(struct fixture *x, const char *name, enum sym_kind kind,
	const char *text)
{
	struct asm_code code;
	char error[128];
	u32 number = x->m.func.n;
	u32 sym = module_sym(&x->m, kind, BIND_LOCAL, name, number);
	struct func *f = vec_push(&x->a, &x->m.func);

	if (asm_parse(text, &code, error, sizeof(error))) {
		fprintf(stderr, "%s: %s\n", name, error);
		abort();
	}
	f->name = name;
	f->section = kind == SYM_PROG ? "xdp" : ".text";
	f->sym = sym;
	f->first = x->m.insn.n;
	f->n = code.slots;
	f->is_prog = kind == SYM_PROG;
	add_slots(x, code.bytes, code.slots);
	asm_free(&code);
	return f;
}

void fix_name(struct fixture *x, const struct func *f, u32 at, u32 sym)
{
	x->m.insn.v[f->first + at].sym = sym;
}

u32 fix_map(struct fixture *x, const char *name, u32 type, u32 key_size,
	u32 value_size, u32 max_entries)
{
	u32 number = x->m.map.n;
	u32 sym = module_sym(&x->m, SYM_MAP, BIND_LOCAL, name, number);
	struct mapdef *d = vec_push(&x->a, &x->m.map);

	d->name = name;
	d->sym = sym;
	d->values_sym = SYM_NONE;
	d->type = type;
	d->key_size = key_size;
	d->value_size = value_size;
	d->max_entries = max_entries;
	return sym;
}

char *fix_dump(const struct fixture *x,
	void (*dump)(FILE *out, const struct module *m))
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	dump(f, &x->m);
	fclose(f);
	return text;
}
