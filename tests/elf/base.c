/* The object of base.h: contents, then sections one after the other. */
#include <bpf/btf.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

struct out {
	u8 p[1 << 16];
	size_t n;
};

struct sec {
	const char *name;
	u32 type, link, info, entsize, align;
	u64 flags;
	struct out *data;
	u64 nobits;
};

struct maker {
	struct base *b;
	struct sec sec[BASE_SECS];
	struct out str, sym;
	u32 first_global;
};

static size_t put(struct out *o, const void *p, size_t n)
{
	size_t at = o->n;

	if (n > sizeof(o->p) - o->n)
		abort();
	if (n)
		memcpy(o->p + o->n, p, n);
	o->n += n;
	return at;
}

static u32 put_str(struct out *o, const char *s)
{
	return (u32)put(o, s, strlen(s) + 1);
}

static void put_u32(struct out *o, u32 v)
{
	put(o, &v, 4);
}

static struct out *new_out(void)
{
	struct out *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	return o;
}

static u32 add_sec(struct maker *m, const char *name, u32 type, u64 flags,
	struct out *data)
{
	u32 i = m->b->nsec++;

	m->b->sec_name[i] = name;
	m->sec[i] = (struct sec){.name = name,
		.type = type,
		.flags = flags,
		.data = data,
		.align = flags & SHF_ALLOC ? 8 : 1};
	return i;
}

static u32 add_sym(struct maker *m, const char *name, u32 bind, u32 type,
	u32 sec, u64 value, u64 size)
{
	Elf64_Sym y = {
		.st_name = *name ? put_str(&m->str, name) : 0,
		.st_info = (u8)(bind << 4 | type),
		.st_shndx = (u16)sec,
		.st_value = value,
		.st_size = size,
	};

	put(&m->sym, &y, sizeof(y));
	if (bind == STB_LOCAL)
		m->first_global = m->b->nsym + 1;
	m->b->sym_name[m->b->nsym] = name;
	return m->b->nsym++;
}

static void add_rel(struct out *o, u64 off, u32 sym, u32 type)
{
	Elf64_Rel r = {.r_offset = off, .r_info = (u64)sym << 32 | type};

	put(o, &r, sizeof(r));
}

static void insn(struct out *o, u8 code, u8 regs, i16 off, i32 imm)
{
	put(o, &code, 1);
	put(o, &regs, 1);
	put(o, &off, 2);
	put(o, &imm, 4);
}

static void lddw(struct out *o, u8 dst, i32 imm)
{
	insn(o, 0x18, dst, 0, imm);
	insn(o, 0, 0, 0, 0);
}

/* ---- BTF ----------------------------------------------------------------- */

enum {
	T_INT = 1,
	T_U32,
	T_U64,
	T_LAST_BASIC = T_U64,
};

static int member(struct btf *b, const char *name, int type, u32 bits)
{
	return btf__add_field(b, name, type, bits, 0);
}

/* int (*name)[n] */
static int uint_of(struct btf *b, u32 n)
{
	return btf__add_ptr(b, btf__add_array(b, T_INT, T_INT, n));
}

static int add_map_m(struct btf *b)
{
	int type = uint_of(b, 1), entries = uint_of(b, 16);
	int key = btf__add_ptr(b, T_U32), value = btf__add_ptr(b, T_U64);
	int s = btf__add_struct(b, NULL, 32);

	member(b, "type", type, 0);
	member(b, "max_entries", entries, 64);
	member(b, "key", key, 128);
	member(b, "value", value, 192);
	return btf__add_var(b, "m", BTF_VAR_GLOBAL_ALLOCATED, s);
}

static int add_map_jmp(struct btf *b)
{
	int type = uint_of(b, 3), four = uint_of(b, 4);
	int proto = btf__add_func_proto(b, T_INT);
	int values = btf__add_array(b, T_INT, btf__add_ptr(b, proto), 0);
	int s = btf__add_struct(b, NULL, 24);

	member(b, "type", type, 0);
	member(b, "max_entries", four, 64);
	member(b, "key_size", four, 128);
	member(b, "values", values, 192);
	return btf__add_var(b, "jmp", BTF_VAR_GLOBAL_ALLOCATED, s);
}

struct types {
	struct btf *b;
	int p1, p2, sub, cb; /* FUNCs */
};

/* Kinds that nothing refers to, so that damage to them is found too. */
static void add_other_kinds(struct btf *b)
{
	int s, e;

	s = btf__add_struct(b, "pair", 8);
	member(b, "a", T_U32, 0);
	member(b, "b", T_U32, 32);
	e = btf__add_enum(b, "colour", 4);
	btf__add_enum_value(b, "RED", 0);
	btf__add_union(b, "either", 8);
	member(b, "u", T_U64, 0);
	btf__add_fwd(b, "later", BTF_FWD_STRUCT);
	btf__add_typedef(b, "pair_t", s);
	btf__add_float(b, "double", 8);
	btf__add_restrict(b, e);
	btf__add_decl_tag(b, "tag", s, 1);
	btf__add_type_tag(b, "tag", s);
	btf__add_enum64(b, "wide", 8, false);
	btf__add_enum64_value(b, "W", 1);
}

static struct types make_btf(void)
{
	struct types t = {.b = btf__new_empty()};
	struct btf *b = t.b;
	int m, jmp, v, ptr, knob, zero, ctx, proto;

	btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	btf__add_int(b, "u32", 4, 0);
	btf__add_int(b, "u64", 8, 0);
	m = add_map_m(b);
	jmp = add_map_jmp(b);
	v = btf__add_var(b, "v", BTF_VAR_GLOBAL_ALLOCATED, T_U64);
	ptr = btf__add_var(
		b, "ptr", BTF_VAR_GLOBAL_ALLOCATED, btf__add_ptr(b, T_U64));
	knob = btf__add_var(b, "knob", BTF_VAR_GLOBAL_ALLOCATED,
		btf__add_const(b, btf__add_volatile(b, T_INT)));
	zero = btf__add_var(b, "zero", BTF_VAR_GLOBAL_ALLOCATED, T_U64);
	ctx = btf__add_ptr(b, 0);
	proto = btf__add_func_proto(b, T_INT);
	btf__add_func_param(b, "ctx", ctx);
	t.p1 = btf__add_func(b, "p1", BTF_FUNC_GLOBAL, proto);
	t.p2 = btf__add_func(b, "p2", BTF_FUNC_GLOBAL, proto);
	t.sub = btf__add_func(b, "sub", BTF_FUNC_GLOBAL, proto);
	t.cb = btf__add_func(b, "cb", BTF_FUNC_STATIC, proto);
	btf__add_datasec(b, ".maps", 0);
	btf__add_datasec_var_info(b, m, 0, 32);
	btf__add_datasec_var_info(b, jmp, 0, 40);
	btf__add_datasec(b, ".data", 0);
	btf__add_datasec_var_info(b, v, 0, 8);
	btf__add_datasec_var_info(b, ptr, 0, 8);
	btf__add_datasec(b, ".rodata", 0);
	btf__add_datasec_var_info(b, knob, 0, 4);
	btf__add_datasec(b, ".bss", 0);
	btf__add_datasec_var_info(b, zero, 0, 8);
	add_other_kinds(b);
	/* names of .BTF.ext */
	btf__add_str(b, "xdp");
	btf__add_str(b, ".text");
	btf__add_str(b, "base.c");
	btf__add_str(b, "return sub(3);");
	btf__add_str(b, "0:1");
	return t;
}

static void put_btf(struct base *b, struct out *o, const struct btf *made)
{
	u32 n;
	const u8 *raw = btf__raw_data(made, &n);
	/* one that was read has its types where its bytes are */
	struct btf *btf = btf__new(raw, n);

	put(o, raw, n);
	raw = btf__raw_data(btf, &n);
	b->ntypes = btf__type_cnt(btf);
	for (u32 i = 1; i < b->ntypes; i++)
		b->type_off[i] =
			(u32)((const u8 *)btf__type_by_id(btf, i) - raw);
	btf__free(btf);
}

/* {record size; {section; count; records}} for two or one sections */
static void put_ext(struct out *o, const struct types *t)
{
	u32 xdp = (u32)btf__find_str(t->b, "xdp");
	u32 text = (u32)btf__find_str(t->b, ".text");
	u32 file = (u32)btf__find_str(t->b, "base.c");
	u32 line = (u32)btf__find_str(t->b, "return sub(3);");
	u32 access = (u32)btf__find_str(t->b, "0:1");
	u32 pair = (u32)btf__find_by_name_kind(t->b, "pair", BTF_KIND_STRUCT);
	const u32 words[] = {
		BTF_MAGIC | BTF_VERSION << 16, 32, /* header */
		0, 52, 52, 44, 96, 0, /* 28 for the CO-RE record */ 8, xdp, 2,
		0, (u32)t->p1, 80, (u32)t->p2, /* func_info */
		text, 2, 0, (u32)t->sub, 16, (u32)t->cb, 16, xdp, 2, 0, file,
		line, 12 << 10 | 5, /* line_info */
		80, file, line, 20 << 10, 16, xdp, 1, 32, pair, access,
		0, /* core_relo */
	};

	for (u32 i = 0; i < countof(words); i++)
		put_u32(o, words[i]);
}

/* ---- sections ------------------------------------------------------------ */

static struct out *text_bytes(void)
{
	struct out *o = new_out();

	insn(o, 0xb7, 0, 0, 1); /* sub: r0 = 1; exit */
	insn(o, 0x95, 0, 0, 0);
	insn(o, 0xb7, 0, 0, 0); /* cb: r0 = 0; exit */
	insn(o, 0x95, 0, 0, 0);
	return o;
}

static struct out *xdp_bytes(void)
{
	struct out *o = new_out();

	lddw(o, 1, 0);		    /* p1: r1 = m */
	lddw(o, 2, 8);		    /* r2 = .data + 8 */
	insn(o, 0x85, 0x10, 0, -1); /* call sub */
	lddw(o, 2, 16);		    /* r2 = cb, by section symbol */
	insn(o, 0xb7, 0, 0, 2);	    /* r0 = 2 */
	insn(o, 0x05, 0, 0, 0);	    /* goto +0 */
	insn(o, 0x95, 0, 0, 0);	    /* exit */
	insn(o, 0xb7, 0, 0, 2);	    /* p2: r0 = 2; exit */
	insn(o, 0x95, 0, 0, 0);
	return o;
}

static struct out *bytes_of(const void *p, size_t n)
{
	struct out *o = new_out();

	put(o, p, n);
	return o;
}

static u32 add_rel_sec(struct maker *m, const char *name, u32 to, u32 symtab)
{
	u32 i = add_sec(m, name, SHT_REL, SHF_INFO_LINK, new_out());

	m->sec[i].info = to;
	m->sec[i].link = symtab;
	m->sec[i].entsize = sizeof(Elf64_Rel);
	m->sec[i].align = 8;
	return i;
}

static void add_sections(struct maker *m)
{
	static const u8 zero[72];
	const u64 data[2] = {7, 0};
	const u32 knob = 5, version = 0x60000;
	struct types t = make_btf();
	struct out *btf = new_out(), *ext = new_out();
	enum {
		AX = SHF_ALLOC | SHF_EXECINSTR,
		WA = SHF_ALLOC | SHF_WRITE,
		SYMTAB = 15,
		STRTAB = 16,
	};

	put_btf(m->b, btf, t.b);
	put_ext(ext, &t);
	btf__free(t.b);
	add_sec(m, "", SHT_NULL, 0, NULL);
	u32 text = add_sec(m, ".text", SHT_PROGBITS, AX, text_bytes());
	u32 xdp = add_sec(m, "xdp", SHT_PROGBITS, AX, xdp_bytes());
	u32 maps = add_sec(m, ".maps", SHT_PROGBITS, WA, bytes_of(zero, 72));
	u32 dat = add_sec(m, ".data", SHT_PROGBITS, WA, bytes_of(data, 16));
	u32 ro = add_sec(
		m, ".rodata", SHT_PROGBITS, SHF_ALLOC, bytes_of(&knob, 4));
	u32 bss = add_sec(m, ".bss", SHT_NOBITS, WA, NULL);
	m->sec[bss].nobits = 8;
	u32 lic = add_sec(m, "license", SHT_PROGBITS, WA, bytes_of("GPL", 4));
	u32 ver =
		add_sec(m, "version", SHT_PROGBITS, WA, bytes_of(&version, 4));
	add_sec(m, ".BTF", SHT_PROGBITS, 0, btf);
	add_sec(m, ".BTF.ext", SHT_PROGBITS, 0, ext);
	u32 rx = add_rel_sec(m, ".relxdp", xdp, SYMTAB);
	u32 rm = add_rel_sec(m, ".rel.maps", maps, SYMTAB);
	u32 rd = add_rel_sec(m, ".rel.data", dat, SYMTAB);
	u32 rb = add_rel_sec(m, ".rel.BTF", 9, SYMTAB);
	u32 symtab = add_sec(m, ".symtab", SHT_SYMTAB, 0, &m->sym);
	u32 strtab = add_sec(m, ".strtab", SHT_STRTAB, 0, &m->str);

	if (symtab != SYMTAB || strtab != STRTAB)
		abort();
	add_sym(m, "", STB_LOCAL, STT_NOTYPE, 0, 0, 0);
	add_sym(m, "base.c", STB_LOCAL, STT_FILE, SHN_ABS, 0, 0);
	u32 stext = add_sym(m, "", STB_LOCAL, STT_SECTION, text, 0, 0);
	u32 sdata = add_sym(m, "", STB_LOCAL, STT_SECTION, dat, 0, 0);
	add_sym(m, "cb", STB_LOCAL, STT_FUNC, text, 16, 16);
	u32 sub = add_sym(m, "sub", STB_GLOBAL, STT_FUNC, text, 0, 16);
	add_sym(m, "p1", STB_GLOBAL, STT_FUNC, xdp, 0, 80);
	u32 p2 = add_sym(m, "p2", STB_GLOBAL, STT_FUNC, xdp, 80, 16);
	u32 sm = add_sym(m, "m", STB_GLOBAL, STT_OBJECT, maps, 0, 32);
	add_sym(m, "jmp", STB_GLOBAL, STT_OBJECT, maps, 32, 40);
	u32 sv = add_sym(m, "v", STB_GLOBAL, STT_OBJECT, dat, 0, 8);
	add_sym(m, "ptr", STB_GLOBAL, STT_OBJECT, dat, 8, 8);
	add_sym(m, "knob", STB_GLOBAL, STT_OBJECT, ro, 0, 4);
	add_sym(m, "zero", STB_GLOBAL, STT_OBJECT, bss, 0, 8);
	add_sym(m, "lic", STB_GLOBAL, STT_OBJECT, lic, 0, 4);
	add_sym(m, "ver", STB_GLOBAL, STT_OBJECT, ver, 0, 4);
	add_rel(m->sec[rx].data, 0, sm, 1);
	add_rel(m->sec[rx].data, 16, sdata, 1);
	add_rel(m->sec[rx].data, 32, sub, 10);
	add_rel(m->sec[rx].data, 40, stext, 1);
	add_rel(m->sec[rm].data, 64, p2, 2);
	add_rel(m->sec[rd].data, 8, sv, 2);
	/* DATASEC .maps: the offset of its first variable */
	u32 ds = 0;
	for (u32 i = 1; i < m->b->ntypes && !ds; i++)
		if (btf->p[m->b->type_off[i] + 7] == BTF_KIND_DATASEC)
			ds = i;
	add_rel(m->sec[rb].data, m->b->type_off[ds] + 16, sm, 4);
	m->sec[symtab].link = strtab;
	m->sec[symtab].info = m->first_global;
	m->sec[symtab].entsize = sizeof(Elf64_Sym);
	m->sec[symtab].align = 8;
}

/* ---- the file ------------------------------------------------------------ */

static void put_shdr(struct maker *m, struct out *o, u32 i)
{
	const struct sec *s = &m->sec[i];
	Elf64_Shdr h = {
		.sh_name = *s->name ? put_str(&m->str, s->name) : 0,
		.sh_type = s->type,
		.sh_flags = s->flags,
		.sh_link = s->link,
		.sh_info = s->info,
		.sh_entsize = s->entsize,
		.sh_addralign = i ? s->align : 0,
	};

	put(o, &h, sizeof(h));
}

static void align_to(struct out *o, size_t n)
{
	while (o->n % n)
		put(o, "", 1);
}

void base_make(struct base *b)
{
	struct maker *m = calloc(1, sizeof(*m));
	struct out *file = new_out(), *shdrs = new_out();
	Elf64_Ehdr h = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_REL,
		.e_machine = EM_BPF,
		.e_version = 1,
		.e_ehsize = sizeof(h),
		.e_shentsize = sizeof(Elf64_Shdr),
	};

	if (!m)
		abort();
	*b = (struct base){0};
	m->b = b;
	put(&m->str, "", 1);
	add_sections(m);
	for (u32 i = 0; i < b->nsec; i++) /* fills the string table */
		put_shdr(m, shdrs, i);
	h.e_shnum = (u16)b->nsec;
	h.e_shstrndx = (u16)(b->nsec - 1);
	put(file, &h, sizeof(h));
	for (u32 i = 1; i < b->nsec; i++) {
		struct sec *s = &m->sec[i];
		Elf64_Shdr *sh = (Elf64_Shdr *)(shdrs->p + i * sizeof(*sh));

		align_to(file, 8);
		b->sec_off[i] = sh->sh_offset = file->n;
		b->sec_size[i] = sh->sh_size = s->data ? s->data->n : s->nobits;
		if (s->data)
			put(file, s->data->p, s->data->n);
		if (s->data != &m->sym && s->data != &m->str)
			free(s->data);
	}
	align_to(file, 8);
	b->shdrs = file->n;
	put(file, shdrs->p, shdrs->n);
	((Elf64_Ehdr *)file->p)->e_shoff = b->shdrs;
	b->size = file->n;
	b->bytes = malloc(b->size);
	if (!b->bytes)
		abort();
	memcpy(b->bytes, file->p, b->size);
	free(file);
	free(shdrs);
	free(m);
}

void base_free(struct base *b)
{
	free(b->bytes);
}

u32 base_sec(const struct base *b, const char *name)
{
	for (u32 i = 0; i < b->nsec; i++)
		if (!strcmp(b->sec_name[i], name))
			return i;
	fprintf(stderr, "the base object has no section %s\n", name);
	exit(2);
}

u32 base_sym(const struct base *b, const char *name)
{
	for (u32 i = 0; i < b->nsym; i++)
		if (!strcmp(b->sym_name[i], name))
			return i;
	fprintf(stderr, "the base object has no symbol %s\n", name);
	exit(2);
}
