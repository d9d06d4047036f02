/* Instructions as text, in the notation of the kernel's verifier log. */
#include <inttypes.h>
#include <string.h>

#include "frontend/code.h"

struct text {
	char *buf;
	size_t size, n;
};

static void put(struct text *t, const char *fmt, ...) printf_like(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->n >= t->size)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(t->buf + t->n, t->size - t->n, fmt, ap);
	va_end(ap);
	t->n += n > 0 ? (size_t)n : 0;
}

static void put_callee(
	struct text *t, const struct module *m, const struct insn *i)
{
	const struct helper *h;

	if (i->sym < m->sym.n)
		put(t, "%s", m->sym.v[i->sym].name);
	else if (i->src)
		put(t, "pc%+d", i->imm);
	else if ((h = fe_helper(i->imm)))
		put(t, "bpf_%s#%d", h->name, i->imm);
	else
		put(t, "unknown#%d", i->imm);
}

static void put_imm64(
	struct text *t, const struct module *m, const struct insn *i)
{
	if (i->sym >= m->sym.n) {
		put(t, "0x%" PRIx64, (u64)isa_imm64(i));
		return;
	}
	put(t, "%s", m->sym.v[i->sym].name);
	if (i->addend)
		put(t, "%+" PRId64, i->addend);
}

static void put_field(
	struct text *t, const struct module *m, const struct insn *i, char what)
{
	switch (what) {
	case '%': put(t, "%%"); break;
	case 'd': put(t, "%d", i->dst); break;
	case 's': put(t, "%d", i->src); break;
	case 'i': put(t, "%d", i->imm); break;
	case 'x': put(t, "0x%x", (u32)i->imm); break;
	case 'o': put(t, "%+d", i->off); break;
	case 'j': put(t, "pc%+d", i->off); break;
	case 'J': put(t, "pc%+d", i->imm); break;
	case 'c': put_callee(t, m, i); break;
	case 'l': put_imm64(t, m, i); break;
	case 'C': put(t, "%u, %u", (u32)i->imm >> 16, i->imm & 0xffff); break;
	default: unreachable();
	}
}

void fe_insn_text(
	const struct module *m, const struct insn *i, char *buf, size_t size)
{
	struct text t = {buf, size, 0};

	if (size)
		buf[0] = '\0';
	if (!i->form) {
		put(&t, ".inst 0x%02x", i->code);
		return;
	}
	for (const char *s = isa_row(i)->text; *s;) {
		size_t n = strcspn(s, "%");

		put(&t, "%.*s", (int)n, s);
		s += n;
		if (!*s)
			break;
		put_field(&t, m, i, s[1]);
		s += 2;
	}
}

void fe_dump_decode(FILE *out, const struct module *m)
{
	char text[128];
	u32 note = 0;

	for (u32 k = 0; k < m->func.n; k++) {
		const struct func *f = &m->func.v[k];

		fprintf(out, "%s: # %s\n", f->name, f->section);
		for (u32 s = 0; s < f->n; s++) {
			if (fe_insn(m, f, s)->second)
				continue;
			fe_insn_text(m, fe_insn(m, f, s), text, sizeof(text));
			fprintf(out, "%4u: %s", s, text);
			for (; note < m->core.n &&
				m->core.v[note].insn <= f->first + s;
				note++)
				fprintf(out, " # %s", m->core.v[note].text);
			fprintf(out, "\n");
		}
	}
}
