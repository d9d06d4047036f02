/*
 * kiln disasm: native instructions beside the BPF instructions and the source
 * lines they come from. A BPF object is compiled first; of a native object
 * the BPF column is not known and left out.
 *
 * The native order counts. A BPF instruction stands beside the first native
 * one of every stretch that was made of it; one that became nothing (folded,
 * merged, dead) stands alone, before its successor.
 */
#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/frontend.h"
#include "kiln/bytes.h"
#include "linker/linker.h"

enum { LEFT_COLUMNS = 40 };

struct source {
	const char *file, *text;
	u32 line; /* 0: unknown */
};

/* From off on code belongs to this BPF slot and line. */
struct mark {
	u64 off;
	u32 slot; /* in its function, or INSN_NONE */
	struct source src;
};

/* Bytes that a linker fills in with the place of something. */
struct hole {
	u64 off;
	u32 type;
	i64 addend;
	const char *name;     /* of a symbol; NULL: the place itself */
	struct place section; /* of the symbol */
	u32 data;	      /* 1 + data section of the module, or 0 */
};

struct listed {
	const char *name, *section;
	const u8 *p;
	u64 size;
	vec(struct mark) mark; /* by offset */
	vec(struct hole) hole; /* by offset */
	/* BPF side; n == 0: not known */
	const struct module *m;
	u32 first, n;
};

struct disasm {
	struct arena *a;
	struct cli *o;
	const struct native *native; /* or NULL: names come from the module */
	u16 machine;
	csh cs;
	cs_insn *insn;
	FILE *out;
	struct json j;
	/* global variables of the module, by section and offset */
	const struct sym **var;
	u32 nvar;
	/* the function being printed */
	const struct listed *f;
	bool *has_code; /* by slot */
	u32 shown;	/* slots below it have been */
	struct source last;
	u32 mark, hole; /* next of f */
};

/* ---- instructions ------------------------------------------------------------ */

static int open_capstone(struct disasm *d)
{
	bool x86 = d->machine == EM_X86_64;
	cs_err err = cs_open(x86 ? CS_ARCH_X86 : CS_ARCH_ARM64,
		x86 ? CS_MODE_64 : CS_MODE_ARM, &d->cs);

	if (err != CS_ERR_OK) {
		fprintf(stderr, "kiln disasm: Capstone: %s\n",
			cs_strerror(err));
		return -1;
	}
	/* as objdump, gdb and bpftool print it */
	if (x86)
		cs_option(d->cs, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	d->insn = cs_malloc(d->cs);
	return d->insn ? 0 : -1;
}

static void close_capstone(struct disasm *d)
{
	if (d->insn)
		cs_free(d->insn, 1);
	if (d->cs)
		cs_close(&d->cs);
}

/* Decodes what stands at off; *text is its mnemonic and operands. Its size. */
static u32 decode(
	struct disasm *d, u64 off, const char **mnemonic, const char **operands)
{
	const u8 *p = d->f->p + off;
	size_t left = d->f->size - off;
	u64 pc = off;

	if (cs_disasm_iter(d->cs, &p, &left, &pc, d->insn)) {
		*mnemonic = d->insn->mnemonic;
		*operands = d->insn->op_str;
		return d->insn->size;
	}
	p = d->f->p + off;
	if (d->machine == EM_AARCH64 && d->f->size - off >= 4) {
		*mnemonic = ".inst";
		*operands = arena_printf(d->a, "%#010x", get_le32(p));
		return 4;
	}
	*mnemonic = ".byte";
	*operands = arena_printf(d->a, "%#04x", *p);
	return 1;
}

/* ---- relocations ------------------------------------------------------------- */

static bool is_got(const struct disasm *d, u32 type)
{
	if (d->machine == EM_X86_64)
		return type == R_X86_64_GOTPCREL ||
		       type == R_X86_64_GOTPCRELX ||
		       type == R_X86_64_REX_GOTPCRELX;
	return type == R_AARCH64_ADR_GOT_PAGE ||
	       type == R_AARCH64_LD64_GOT_LO12_NC;
}

static bool is_branch(const struct disasm *d, u32 type)
{
	if (d->machine == EM_X86_64)
		return type == R_X86_64_PLT32;
	return type == R_AARCH64_CALL26 || type == R_AARCH64_JUMP26;
}

/* x86 counts from the end of the instruction, relocations from the field. */
static i64 bias(const struct disasm *d, const struct hole *h, u64 end)
{
	bool relative = h->type == R_X86_64_PC32 || h->type == R_X86_64_PLT32 ||
			is_got(d, h->type);

	return d->machine == EM_X86_64 && relative ? (i64)(end - h->off) : 0;
}

static int compare_var(const void *a, const void *b)
{
	const struct sym *x = *(const struct sym *const *)a;
	const struct sym *y = *(const struct sym *const *)b;

	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static void sort_vars(struct disasm *d, const struct module *m)
{
	d->var = arena_array(d->a, const struct sym *, m->sym.n);
	for (u32 i = 0; i < m->sym.n; i++)
		if (m->sym.v[i].kind == SYM_DATA &&
			m->data.v[m->sym.v[i].index].sym != i)
			d->var[d->nvar++] = &m->sym.v[i];
	qsort(d->var, d->nvar, sizeof(d->var[0]), compare_var);
}

/* The variable at off of a data section, or NULL. */
static const struct sym *var_at(const struct disasm *d, u32 data, u64 off)
{
	u32 lo = 0, hi = d->nvar;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		const struct sym *v = d->var[mid];

		if (v->index < data || (v->index == data && v->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || d->var[lo - 1]->index != data ||
		off - d->var[lo - 1]->off >= d->var[lo - 1]->size)
		return NULL;
	return d->var[lo - 1];
}

/* The name of what is at *off of a symbol's section; *off becomes relative
 * to it. Offsets wrap: addends are whatever the file says. */
static const char *name_at(
	const struct disasm *d, const struct hole *h, u64 *off)
{
	struct place at = h->section;
	const struct nat_sym *s;

	if (h->name) {
		const struct sym *v =
			h->data ? var_at(d, h->data - 1, *off) : NULL;

		*off -= v ? v->off : 0;
		return v ? v->name : h->name;
	}
	at.off += *off;
	s = nat_sym_at(d->native, at);
	*off = s ? at.off - s->at.off : at.off;
	return s ? s->name : d->native->sec.v[at.sec].name;
}

/* What the hole of an instruction that ends at `end` names. */
static const char *hole_text(
	const struct disasm *d, const struct hole *h, u64 end)
{
	u64 off = (u64)h->addend + (u64)bias(d, h, end);
	const char *name = text_safe(d->a, name_at(d, h, &off));
	bool below = (i64)off < 0;

	if (off)
		name = arena_printf(d->a, "%s%s%#llx", name, below ? "-" : "+",
			(unsigned long long)(below ? 0 - off : off));
	return is_got(d, h->type) ? arena_printf(d->a, "%s@GOT", name) : name;
}

/* The symbol that the instruction in [off, end) names, or NULL. */
static const char *symbol_in(struct disasm *d, u64 off, u64 end, bool *branch)
{
	const char *text = NULL;

	*branch = false;
	for (; d->hole < d->f->hole.n; d->hole++) {
		const struct hole *h = &d->f->hole.v[d->hole];

		if (h->off >= end)
			break;
		if (h->off < off)
			continue;
		text = hole_text(d, h, end);
		*branch = is_branch(d, h->type);
	}
	return text;
}

/* ---- text -------------------------------------------------------------------- */

static bool same_source(const struct source *a, const struct source *b)
{
	return a->line == b->line && (!a->line || !strcmp(a->file, b->file));
}

static void put_source(struct disasm *d, const struct source *s)
{
	if (!s->line || same_source(s, &d->last))
		return;
	d->last = *s;
	fprintf(d->out, "; %s%s%s:%u\n", text_safe(d->a, s->text),
		*s->text ? "  " : "", text_safe(d->a, s->file), s->line);
}

static struct source source_of(const struct listed *f, u32 slot)
{
	u32 line = f->m->insn.v[f->first + slot].src_line;
	struct source s = {"", "", 0};

	if (line)
		s = (struct source){f->m->line.v[line - 1].file,
			f->m->line.v[line - 1].text,
			f->m->line.v[line - 1].line};
	while (*s.text == ' ' || *s.text == '\t')
		s.text++;
	return s;
}

static const char *slot_text(struct disasm *d, u32 slot)
{
	char text[160];

	fe_insn_text(d->f->m, &d->f->m->insn.v[d->f->first + slot], text,
		sizeof(text));
	return text_safe(d->a, text);
}

static void put_left(struct disasm *d, u32 slot)
{
	char text[200];

	if (!d->f->n)
		return;
	*text = 0;
	if (slot != INSN_NONE)
		snprintf(text, sizeof(text), "%4u: %s", slot,
			slot_text(d, slot));
	fprintf(d->out, "%-*s ", LEFT_COLUMNS, text);
}

/* Slots below `end` that became no code and have not been shown. */
static void put_gap(struct disasm *d, u32 end)
{
	for (; d->shown < end; d->shown++) {
		const struct insn *i = &d->f->m->insn.v[d->f->first + d->shown];
		struct source s;

		if (d->has_code[d->shown] || i->second)
			continue;
		s = source_of(d->f, d->shown);
		put_source(d, &s);
		fprintf(d->out, "%4u: %s\n", d->shown, slot_text(d, d->shown));
	}
}

/* Passes the marks up to off; the slot to show beside its instruction. */
static u32 pass_marks(struct disasm *d, u64 off)
{
	u32 slot = INSN_NONE;

	for (; d->mark < d->f->mark.n; d->mark++) {
		const struct mark *m = &d->f->mark.v[d->mark];

		if (m->off > off)
			break;
		if (slot != INSN_NONE) { /* it had no bytes of its own */
			put_left(d, slot);
			putc('\n', d->out);
		}
		slot = m->slot;
		if (slot != INSN_NONE) {
			put_gap(d, slot);
			d->shown = slot + 1 > d->shown ? slot + 1 : d->shown;
		}
		put_source(d, &m->src);
	}
	return slot;
}

static void put_insn_text(struct disasm *d, u64 off, u32 size,
	const char *mnemonic, const char *operands)
{
	bool branch;
	const char *symbol = symbol_in(d, off, off + size, &branch);

	fprintf(d->out, "%5llx  %s", (unsigned long long)off, mnemonic);
	if (branch)
		fprintf(d->out, " %s\n", symbol);
	else
		fprintf(d->out, "%s%s%s%s\n", *operands ? " " : "", operands,
			symbol ? "  # " : "", symbol ? symbol : "");
}

static void put_function_text(struct disasm *d)
{
	const struct listed *f = d->f;
	const char *mnemonic, *operands;
	u32 size;

	fprintf(d->out, "\n%s:  # %s, %llu bytes\n", text_safe(d->a, f->name),
		text_safe(d->a, f->section), (unsigned long long)f->size);
	for (u64 off = 0; off < f->size; off += size) {
		u32 slot = pass_marks(d, off);

		size = decode(d, off, &mnemonic, &operands);
		put_left(d, slot);
		put_insn_text(d, off, size, mnemonic, operands);
	}
	if (f->n)
		put_gap(d, f->n);
}

/* ---- JSON --------------------------------------------------------------------- */

static void put_source_json(struct disasm *d, const struct source *s)
{
	if (!s->line)
		return;
	json_object(&d->j, "source");
	json_string(&d->j, "file", s->file);
	json_number(&d->j, "line", s->line);
	if (*s->text)
		json_string(&d->j, "text", s->text);
	json_end(&d->j);
}

static void put_bpf_json(struct disasm *d)
{
	json_array(&d->j, "bpf");
	for (u32 i = 0; i < d->f->n; i++) {
		struct source s = source_of(d->f, i);

		if (d->f->m->insn.v[d->f->first + i].second)
			continue;
		json_object(&d->j, NULL);
		json_number(&d->j, "insn", i);
		json_string(&d->j, "text", slot_text(d, i));
		put_source_json(d, &s);
		json_end(&d->j);
	}
	json_end(&d->j);
}

static u32 put_insn_json(struct disasm *d, u64 off)
{
	const char *mnemonic, *operands, *symbol;
	u32 size = decode(d, off, &mnemonic, &operands);
	bool branch;

	while (d->mark < d->f->mark.n && d->f->mark.v[d->mark].off <= off)
		d->mark++;
	symbol = symbol_in(d, off, off + size, &branch);
	json_object(&d->j, NULL);
	json_number(&d->j, "offset", off);
	json_number(&d->j, "size", size);
	json_string(&d->j, "text",
		branch ? arena_printf(d->a, "%s %s", mnemonic, symbol)
		       : arena_printf(d->a, "%s%s%s", mnemonic,
				 *operands ? " " : "", operands));
	if (symbol)
		json_string(&d->j, "symbol", symbol);
	if (d->mark) {
		const struct mark *m = &d->f->mark.v[d->mark - 1];

		if (m->slot != INSN_NONE)
			json_number(&d->j, "insn", m->slot);
		put_source_json(d, &m->src);
	}
	json_end(&d->j);
	return size;
}

static void put_function_json(struct disasm *d)
{
	const struct listed *f = d->f;

	json_object(&d->j, NULL);
	json_string(&d->j, "name", f->name);
	json_string(&d->j, "section", f->section);
	json_number(&d->j, "size", f->size);
	if (f->n)
		put_bpf_json(d);
	json_array(&d->j, "native");
	for (u64 off = 0; off < f->size;)
		off += put_insn_json(d, off);
	json_end(&d->j);
	json_end(&d->j);
}

/* ---- functions ------------------------------------------------------------------ */

static void put_function(struct disasm *d, const struct listed *f)
{
	d->f = f;
	d->mark = d->hole = d->shown = 0;
	d->last.line = 0;
	d->has_code = arena_array(d->a, bool, f->n);
	for (u32 i = 0; i < f->mark.n; i++)
		if (f->mark.v[i].slot < f->n)
			d->has_code[f->mark.v[i].slot] = true;
	if (d->o->json)
		put_function_json(d);
	else
		put_function_text(d);
}

static void begin(struct disasm *d)
{
	json_init(&d->j, d->out, d->o->pretty);
	if (!d->o->json)
		return;
	json_object(&d->j, NULL);
	json_string(&d->j, "file", d->o->arg[0]);
	json_array(&d->j, "functions");
}

static void finish(struct disasm *d)
{
	if (!d->o->json)
		return;
	json_end(&d->j);
	json_end(&d->j);
}

/* ---- a BPF object: its units, as they are compiled -------------------------------- */

static void list_unit(struct disasm *d, const struct link *l, u32 func,
	const struct unit_fn *u, bool is_wrapper)
{
	const struct func *fn = &l->m.func.v[func];
	struct listed f = {
		.name = l->m.sym.v[u->sym].name,
		.section = fn->section,
		.p = u->code.p,
		.size = u->code.n,
		.m = &l->m,
		.first = fn->first,
		.n = is_wrapper ? 0 : fn->n,
	};

	for (u32 i = 0; i < u->line.n; i++) {
		struct mark *m = vec_push(d->a, &f.mark);
		u32 slot = u->line.v[i].insn - fn->first;

		*m = (struct mark){u->line.v[i].off, INSN_NONE, {"", "", 0}};
		if (u->line.v[i].insn == INSN_NONE || slot >= f.n)
			continue;
		m->slot = slot;
		m->src = source_of(&f, slot);
	}
	for (u32 i = 0; i < u->rel.n; i++) {
		const struct unit_rel *r = &u->rel.v[i];
		const struct sym *y = &l->m.sym.v[r->sym];
		bool data = y->kind == SYM_DATA &&
			    l->m.data.v[y->index].sym == r->sym;

		*vec_push(d->a, &f.hole) = (struct hole){r->off, r->type,
			r->addend, y->name, {0}, data ? y->index + 1 : 0};
	}
	put_function(d, &f);
}

static void on_func(void *ctx, const struct link *l, u32 func)
{
	const struct placed *p = &l->placed[func];
	struct disasm *d = ctx;

	if (!d->cs) {
		sort_vars(d, &l->m);
		d->machine = l->cg.target->elf_machine;
		if (open_capstone(d))
			return;
	}
	if (p->wrapper)
		list_unit(d, l, func, p->wrapper, true);
	list_unit(d, l, func, p->unit, false);
}

static int disasm_bpf(struct disasm *d)
{
	const struct kiln_input in = {.name = d->o->arg[0]};
	const struct lk_watch watch = {.func = on_func, .ctx = d};
	size_t size;
	void *out;
	int err;

	begin(d);
	err = lk_compile(&in, 1, &d->o->c, &watch, &out, &size);
	if (err)
		return err;
	kiln_free(out);
	finish(d);
	return 0;
}

/* ---- a native object: its functions, by section ------------------------------------ */

static void list_lines(struct disasm *d, struct listed *f, struct place at)
{
	const struct native *n = d->native;
	const struct nat_line *first = nat_line_at(n, at);
	u32 i = first ? (u32)(first - n->line.v) : 0;

	for (; i < n->line.n; i++) {
		const struct nat_line *l = &n->line.v[i];

		if (l->at.sec > at.sec ||
			(l->at.sec == at.sec && l->at.off >= at.off + f->size))
			break;
		if (l->at.sec != at.sec || (l->at.off < at.off && l != first))
			continue;
		*vec_push(d->a, &f->mark) = (struct mark){
			l->at.off > at.off ? l->at.off - at.off : 0, INSN_NONE,
			{l->file, "", l->line}};
	}
}

static void list_holes(struct disasm *d, struct listed *f, struct place at)
{
	const struct nat_sec *s = &d->native->sec.v[at.sec];

	for (u32 i = nat_rel_from(d->native, at); i < s->rel.n; i++) {
		const struct nat_rel *r = &s->rel.v[i];
		const struct nat_sym *y = &d->native->sym.v[r->sym];

		if (r->off - at.off >= f->size)
			break;
		/* section symbols have no name: what is there has */
		*vec_push(d->a, &f->hole) = (struct hole){r->off - at.off,
			r->type, r->addend,
			y->at.sec && !*y->name ? NULL : y->name, y->at, 0};
	}
}

static void list_range(
	struct disasm *d, const char *name, struct place at, u64 size)
{
	const struct nat_sec *s = &d->native->sec.v[at.sec];
	struct listed f = {
		.name = name,
		.section = s->name,
		.p = s->p + at.off,
		.size = size,
	};

	list_lines(d, &f, at);
	list_holes(d, &f, at);
	put_function(d, &f);
}

/* The functions of a section; all of it under its own name if it has none. */
static void list_section(struct disasm *d, u32 sec)
{
	const struct native *n = d->native;
	u64 done = 0;
	bool any = false;

	for (u32 i = nat_sym_from(n, (struct place){sec, 0}); i < n->nby_place;
		i++) {
		const struct nat_sym *s = &n->sym.v[n->by_place[i]];

		if (s->at.sec != sec)
			break;
		if (s->type != STT_FUNC || s->at.off < done || !s->size ||
			!range_inside(s->at.off, s->size, n->sec.v[sec].size))
			continue;
		list_range(d, s->name, s->at, s->size);
		done = s->at.off + s->size;
		any = true;
	}
	if (!any && n->sec.v[sec].size)
		list_range(d, n->sec.v[sec].name, (struct place){sec, 0},
			n->sec.v[sec].size);
}

static int disasm_native(struct disasm *d)
{
	struct native n;
	int err = nat_open(&n, d->a, d->o->arg[0]);

	if (!err && n.type != ET_REL)
		err = nat_error(&n, "not a relocatable object; objdump -d "
				    "shows linked programs");
	if (!err)
		err = nat_read_lines(&n);
	d->native = &n;
	d->machine = err ? 0 : n.target->machine;
	if (!err)
		err = open_capstone(d);
	if (!err) {
		begin(d);
		for (u32 i = 1; i < n.sec.n; i++)
			if (n.sec.v[i].flags & SHF_EXECINSTR && n.sec.v[i].p)
				list_section(d, i);
		finish(d);
	}
	nat_close(&n);
	return err;
}

/* ---- the command ----------------------------------------------------------------- */

static bool is_native(const char *file)
{
	u8 head[sizeof(Elf64_Ehdr)];
	FILE *f = fopen(file, "rbe");
	size_t n = f ? fread(head, 1, sizeof(head), f) : 0;

	if (f)
		fclose(f);
	if (n != sizeof(head) || memcmp(head, ELFMAG, SELFMAG))
		return false;
	u16 machine = get_le16(head + offsetof(Elf64_Ehdr, e_machine));
	return machine != EM_BPF && machine != EM_NONE;
}

static int disasm(struct cli *o)
{
	struct disasm d = {.a = &o->a, .o = o};
	char *text = NULL;
	size_t size = 0;
	int err;

	if (o->narg != 1) {
		fprintf(stderr, "kiln disasm: %d files given, wanted one\n",
			o->narg);
		return 1;
	}
	/* nothing is printed of a file that is refused half-way */
	d.out = open_memstream(&text, &size);
	if (!d.out)
		return 1;
	err = is_native(o->arg[0]) ? disasm_native(&d) : disasm_bpf(&d);
	close_capstone(&d);
	if (!fclose(d.out) && !err)
		fwrite(text, 1, size, stdout);
	free(text);
	return err ? 1 : 0;
}

int cmd_disasm(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(
		&o, argc, argv, CLI_COMPILE | CLI_JSON, "[OPTIONS] FILE");
	int status = err ? err < 0 : disasm(&o);

	cli_fini(&o);
	return status;
}
