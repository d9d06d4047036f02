/*
 * Opens a BPF object. Everything in it is hostile: each header, section,
 * symbol and relocation is checked here, once, and the rest of the frontend
 * relies on what obj.h says. Headers are read through libelf, whose handle
 * does not outlive fe_open() and is never open across an allocation (running
 * out of memory does not return).
 */
#include <elf.h>
#include <gelf.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/bytes.h"

enum {
	MAX_SEC_SIZE = 1 << 30, /* as the driver's limit for a file */
	MAX_ALIGN = 1 << 16,
	SYM_SIZE = 24, /* gABI: Elf64_Sym */
	REL_SIZE = 16, /* gABI: Elf64_Rel */
	RELA_SIZE = 24,
};

/* ---- header -------------------------------------------------------------- */

static int check_ident(const struct fe_obj *o)
{
	const u8 *p = o->bytes;

	if (o->size < sizeof(Elf64_Ehdr) || memcmp(p, ELFMAG, SELFMAG)) {
		fe_error(o, NULL, "not an ELF file");
		return -1;
	}
	if (p[EI_CLASS] != ELFCLASS64) {
		fe_error(o, NULL, "ELF class %u, wanted %u (64-bit)",
			p[EI_CLASS], ELFCLASS64);
		return -1;
	}
	if (p[EI_DATA] != ELFDATA2LSB) {
		fe_error(o, NULL,
			"ELF byte order %u, wanted %u (little-endian)",
			p[EI_DATA], ELFDATA2LSB);
		return -1;
	}
	if (p[EI_VERSION] != EV_CURRENT) {
		fe_error(o, NULL, "ELF version %u, wanted %u", p[EI_VERSION],
			EV_CURRENT);
		return -1;
	}
	return 0;
}

static int check_ehdr(const struct fe_obj *o, const GElf_Ehdr *h)
{
	if (h->e_type != ET_REL) {
		fe_error(o, NULL, "ELF type %u, wanted %u (relocatable)",
			h->e_type, ET_REL);
		return -1;
	}
	/* Open vSwitch's object says 0 */
	if (h->e_machine != EM_BPF && h->e_machine != EM_NONE) {
		fe_error(o, NULL, "ELF machine %u, wanted %u (BPF)",
			h->e_machine, EM_BPF);
		return -1;
	}
	if (h->e_shentsize != sizeof(Elf64_Shdr)) {
		fe_error(o, NULL, "section header size %u, wanted %zu",
			h->e_shentsize, sizeof(Elf64_Shdr));
		return -1;
	}
	if (!h->e_shnum || !h->e_shoff) {
		fe_error(o, NULL, "no section headers");
		return -1;
	}
	if (!range_inside(h->e_shoff, (u64)h->e_shnum * sizeof(Elf64_Shdr),
		    o->size)) {
		fe_error(o, NULL,
			"%u section headers at offset %llu end behind the "
			"file's %zu bytes",
			h->e_shnum, (unsigned long long)h->e_shoff, o->size);
		return -1;
	}
	if (h->e_shstrndx >= h->e_shnum) {
		fe_error(o, NULL,
			"section name table %u, wanted one of %u sections",
			h->e_shstrndx, h->e_shnum);
		return -1;
	}
	return 0;
}

/* Reads the header and, into sh, up to n section headers. Allocates nothing
 * that outlives it. */
static int read_headers(
	const struct fe_obj *o, GElf_Ehdr *eh, GElf_Shdr *sh, u32 n)
{
	int err = -1;

	elf_version(EV_CURRENT);
	Elf *e = elf_memory((char *)o->bytes, o->size);
	if (!e || !gelf_getehdr(e, eh))
		goto end;
	for (u32 i = 0; i < n; i++)
		if (!gelf_getshdr(elf_getscn(e, i), &sh[i]))
			goto end;
	err = 0;
end:
	if (err)
		fe_error(o, NULL, "libelf: %s", elf_errmsg(-1));
	elf_end(e);
	return err;
}

/* ---- sections ------------------------------------------------------------ */

/* A string table ends with NUL, so every offset inside it is a string. */
static int check_strtab(const struct fe_obj *o, u32 idx, const char *whose)
{
	const struct fe_sec *s;

	if (!idx || idx >= o->nsec) {
		fe_error(o, NULL,
			"%s: string table is section %u, wanted one of %u",
			whose, idx, o->nsec);
		return -1;
	}
	s = &o->sec[idx];
	if (s->type != SHT_STRTAB) {
		fe_error(o, NULL,
			"%s: string table is section %u of type %u, wanted %u",
			whose, idx, s->type, SHT_STRTAB);
		return -1;
	}
	if (!s->size || s->bytes[s->size - 1]) {
		fe_error(o, NULL,
			"%s: string table (section %u) does not end with NUL",
			whose, idx);
		return -1;
	}
	return 0;
}

static bool has_bytes(u32 type)
{
	return type != SHT_NULL && type != SHT_NOBITS;
}

/* Range and alignment: before names are known. */
static int check_sec_range(struct fe_obj *o, u32 i, const GElf_Shdr *h)
{
	struct fe_sec *s = &o->sec[i];
	unsigned long long off = h->sh_offset, size = h->sh_size;

	s->type = h->sh_type;
	s->flags = h->sh_flags;
	s->size = h->sh_size;
	s->link = h->sh_link;
	s->info = h->sh_info;
	s->entsize = h->sh_entsize;
	s->align = h->sh_addralign ? h->sh_addralign : 1;
	if (has_bytes(s->type) && !range_inside(off, size, o->size)) {
		fe_error(o, NULL,
			"section %u: %llu bytes at offset %llu end behind "
			"the file's %zu bytes",
			i, size, off, o->size);
		return -1;
	}
	if (size > MAX_SEC_SIZE) {
		fe_error(o, NULL, "section %u: size %llu, at most %u", i, size,
			MAX_SEC_SIZE);
		return -1;
	}
	if (s->align & (s->align - 1) || s->align > MAX_ALIGN) {
		fe_error(o, NULL,
			"section %u: alignment %llu, wanted a power of two up "
			"to %u",
			i, (unsigned long long)s->align, MAX_ALIGN);
		return -1;
	}
	s->bytes = has_bytes(s->type) ? o->bytes + off : NULL;
	return 0;
}

static int name_sections(struct fe_obj *o, const GElf_Shdr *h, u32 strndx)
{
	const struct fe_sec *str = &o->sec[strndx];
	int err = check_strtab(o, strndx, "section names");

	for (u32 i = 0; i < o->nsec && !err; i++) {
		if (h[i].sh_name >= str->size) {
			fe_error(o, NULL,
				"section %u: name at %u, wanted below %llu", i,
				h[i].sh_name, (unsigned long long)str->size);
			err = -1;
			continue;
		}
		o->sec[i].name = (const char *)str->bytes + h[i].sh_name;
	}
	return err;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* "base" or "base.anything". */
static bool is_family(const char *s, const char *base)
{
	size_t n = strlen(base);

	return !strncmp(s, base, n) && (!s[n] || s[n] == '.');
}

static enum fe_role role_of(const struct fe_sec *s)
{
	static const char *const other[] = {"license", "version", ".kconfig",
		".ksyms", ".addr_space.1", ".arena.1"};

	if (!strcmp(s->name, ".BTF") || !strcmp(s->name, ".BTF.ext"))
		return ROLE_OTHER;
	if (!(s->flags & SHF_ALLOC) || s->type == SHT_NOTE ||
		!strcmp(s->name, ".eh_frame"))
		return ROLE_NONE;
	if (s->flags & SHF_EXECINSTR)
		return ROLE_CODE;
	if (!strcmp(s->name, ".maps"))
		return ROLE_MAPS;
	if (!strcmp(s->name, "maps") || starts(s->name, "maps/"))
		return ROLE_LEGACY;
	for (u32 i = 0; i < countof(other); i++)
		if (!strcmp(s->name, other[i]))
			return ROLE_OTHER;
	return ROLE_DATA;
}

static int check_table(
	const struct fe_obj *o, const struct fe_sec *s, u64 entsize)
{
	if (s->entsize != entsize || s->size % entsize) {
		fe_error(o, s->name,
			"size %llu in entries of %llu, wanted entries of %llu",
			(unsigned long long)s->size,
			(unsigned long long)s->entsize,
			(unsigned long long)entsize);
		return -1;
	}
	return 0;
}

/* Kinds of sections: what kiln reads must be of a form that it reads. */
static int check_kind(const struct fe_obj *o, const struct fe_sec *s)
{
	bool nobits = s->type == SHT_NOBITS;

	if (s->type == SHT_SYMTAB)
		return check_table(o, s, SYM_SIZE);
	if (s->type == SHT_REL)
		return check_table(o, s, REL_SIZE);
	if (s->type == SHT_RELA)
		return check_table(o, s, RELA_SIZE);
	if (s->type == SHT_SYMTAB_SHNDX) {
		fe_error(o, s->name, "extended section indices are not read");
		return -1;
	}
	if (s->role == ROLE_NONE)
		return 0;
	if (s->flags & SHF_COMPRESSED) {
		fe_error(o, s->name, "compressed sections are not read");
		return -1;
	}
	if (s->flags & SHF_TLS) {
		fe_error(o, s->name, "thread-local data has no meaning in BPF");
		return -1;
	}
	if (s->type != SHT_PROGBITS &&
		!(nobits && (s->role == ROLE_DATA || !s->size))) {
		fe_error(o, s->name, "section type %u, wanted %u", s->type,
			SHT_PROGBITS);
		return -1;
	}
	if (s->role == ROLE_CODE && s->size % 8) {
		fe_error(o, s->name,
			"size %llu, wanted whole instructions of 8 bytes",
			(unsigned long long)s->size);
		return -1;
	}
	return 0;
}

static int check_sections(struct fe_obj *o, const GElf_Shdr *h, u32 strndx)
{
	u64 bytes = 0;
	int err = 0;

	if (h[0].sh_type != SHT_NULL) {
		fe_error(o, NULL, "section 0: type %u, wanted 0", h[0].sh_type);
		return -1;
	}
	for (u32 i = 0; i < o->nsec; i++) {
		err |= check_sec_range(o, i, &h[i]);
		bytes += has_bytes(o->sec[i].type) ? o->sec[i].size : 0;
	}
	if (!err && bytes > o->size) {
		fe_error(o, NULL,
			"sections overlap: %llu bytes in a file of %zu",
			(unsigned long long)bytes, o->size);
		err = -1;
	}
	if (err || name_sections(o, h, strndx))
		return -1;
	for (u32 i = 1; i < o->nsec; i++) {
		struct fe_sec *s = &o->sec[i];

		s->role = (u8)role_of(s);
		s->is_text =
			s->role == ROLE_CODE && is_family(s->name, ".text");
		err |= check_kind(o, s);
	}
	return err;
}

/* ---- symbols ------------------------------------------------------------- */

static int check_sym_sec(const struct fe_obj *o, u32 tab, u32 i)
{
	const struct fe_sym *y = &o->sym[i];
	const char *where = o->sec[tab].name;
	const struct fe_sec *s;

	if (y->sec == SHN_UNDEF || y->sec == SHN_ABS || y->sec == SHN_COMMON)
		return 0;
	if (y->sec >= o->nsec) {
		fe_error(o, where,
			"symbol %u (%s): section %u, wanted one of %u", i,
			y->name, y->sec, o->nsec);
		return -1;
	}
	s = &o->sec[y->sec];
	if (!range_inside(y->value, y->size, s->size)) {
		fe_error(o, where,
			"symbol %u (%s): %llu bytes at %llu end behind section "
			"%s of %llu bytes",
			i, y->name, (unsigned long long)y->size,
			(unsigned long long)y->value, s->name,
			(unsigned long long)s->size);
		return -1;
	}
	return 0;
}

static int check_sym_form(const struct fe_obj *o, u32 tab, u32 i)
{
	const struct fe_sym *y = &o->sym[i];
	const char *where = o->sec[tab].name;
	bool local = i < o->sec[tab].info;

	if (y->bind > STB_WEAK) {
		fe_error(o, where, "symbol %u (%s): binding %u, at most %u", i,
			y->name, y->bind, STB_WEAK);
		return -1;
	}
	if (y->type > STT_FILE) {
		fe_error(o, where, "symbol %u (%s): type %u, at most %u", i,
			y->name, y->type, STT_FILE);
		return -1;
	}
	/* libbpf's linker leaves 0 there and its symbols in any order */
	if (o->sec[tab].info && local != (y->bind == STB_LOCAL)) {
		fe_error(o, where,
			"symbol %u (%s): binding %u, but the first global one "
			"is %u",
			i, y->name, y->bind, o->sec[tab].info);
		return -1;
	}
	return 0;
}

static int read_sym(struct fe_obj *o, u32 tab, u32 i)
{
	const struct fe_sec *s = &o->sec[tab], *str = &o->sec[s->link];
	const u8 *p = s->bytes + (u64)i * SYM_SIZE;
	struct fe_sym *y = &o->sym[i];
	u32 name = get_le32(p);

	y->bind = ELF64_ST_BIND(p[4]);
	y->type = ELF64_ST_TYPE(p[4]);
	y->vis = ELF64_ST_VISIBILITY(p[5]);
	y->sec = get_le16(p + 6);
	y->value = get_le64(p + 8);
	y->size = get_le64(p + 16);
	y->name = "";
	if (name >= str->size) {
		fe_error(o, s->name, "symbol %u: name at %u, wanted below %llu",
			i, name, (unsigned long long)str->size);
		return -1;
	}
	y->name = (const char *)str->bytes + name;
	if (check_sym_form(o, tab, i) || check_sym_sec(o, tab, i))
		return -1;
	if (y->type == STT_SECTION && y->sec < o->nsec)
		y->name = o->sec[y->sec].name;
	return 0;
}

static int find_symtab(const struct fe_obj *o, u32 *tab)
{
	*tab = 0;
	for (u32 i = 1; i < o->nsec; i++) {
		if (o->sec[i].type != SHT_SYMTAB)
			continue;
		if (*tab) {
			fe_error(o, o->sec[i].name,
				"a second symbol table, wanted one");
			return -1;
		}
		*tab = i;
	}
	return 0;
}

static int read_symbols(struct fe_obj *o, u32 tab)
{
	const struct fe_sec *s = &o->sec[tab];
	int err = 0;

	if (check_strtab(o, s->link, s->name))
		return -1;
	o->nsym = (u32)(s->size / SYM_SIZE);
	if (s->info > o->nsym) {
		fe_error(o, s->name,
			"first global symbol is %u, but there are %u", s->info,
			o->nsym);
		return -1;
	}
	o->sym = arena_array(o->m->a, struct fe_sym, o->nsym);
	for (u32 i = 0; i < o->nsym; i++)
		err |= read_sym(o, tab, i);
	return err;
}

static int cmp_name(const void *a, const void *b, void *ctx)
{
	const struct fe_sym *sym = ctx;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	int c = strcmp(sym[x].name, sym[y].name);

	if (!c) /* local ones first: libbpf's linker does not sort them */
		c = (sym[x].bind != STB_LOCAL) - (sym[y].bind != STB_LOCAL);
	return c ? c : (x > y) - (x < y);
}

static int cmp_place(const void *a, const void *b, void *ctx)
{
	const struct fe_sym *sym = ctx;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	if (sym[x].sec != sym[y].sec)
		return sym[x].sec < sym[y].sec ? -1 : 1;
	if (sym[x].value != sym[y].value)
		return sym[x].value < sym[y].value ? -1 : 1;
	return (x > y) - (x < y);
}

static bool is_definition(const struct fe_sym *y)
{
	return y->sec != SHN_UNDEF && y->type != STT_FILE &&
	       y->type != STT_SECTION && *y->name;
}

static int index_names(struct fe_obj *o)
{
	u32 *v = arena_array(o->m->a, u32, o->nsym);
	int err = 0;

	for (u32 i = 1; i < o->nsym; i++)
		if (is_definition(&o->sym[i]))
			v[o->nnames++] = i;
	qsort_r(v, o->nnames, sizeof(*v), cmp_name, o->sym);
	o->by_name = v;
	o->by_place = arena_dup(o->m->a, v, o->nnames * sizeof(*v));
	qsort_r(o->by_place, o->nnames, sizeof(*v), cmp_place, o->sym);
	for (u32 i = 1; i < o->nnames; i++) {
		const struct fe_sym *a = &o->sym[v[i - 1]], *b = &o->sym[v[i]];

		if (a->bind == STB_LOCAL || b->bind == STB_LOCAL ||
			strcmp(a->name, b->name))
			continue;
		fe_error(o, NULL, "symbol %s is defined twice", b->name);
		err = -1;
	}
	return err;
}

u32 fe_find_sec(const struct fe_obj *o, const char *name)
{
	for (u32 i = 1; i < o->nsec; i++)
		if (!strcmp(o->sec[i].name, name))
			return i;
	return 0;
}

const u32 *fe_syms_of(const struct fe_obj *o, u32 sec, u32 *n)
{
	u32 lo = 0, hi = o->nnames;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o->sym[o->by_place[mid]].sec < sec)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*n = 0; lo + *n < o->nnames; ++*n)
		if (o->sym[o->by_place[lo + *n]].sec != sec)
			break;
	return *n ? o->by_place + lo : NULL;
}

u32 fe_find_sym(const struct fe_obj *o, const char *name, u32 sec)
{
	u32 lo = 0, hi = o->nnames;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (strcmp(o->sym[o->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < o->nnames; lo++) {
		const struct fe_sym *y = &o->sym[o->by_name[lo]];

		if (strcmp(y->name, name))
			break;
		if (!sec || y->sec == sec)
			return o->by_name[lo];
	}
	return 0;
}

/* ---- relocations --------------------------------------------------------- */

/* Open vSwitch's object, made in 2018, has the form with addends. */
static bool is_rel(const struct fe_sec *s)
{
	return s->type == SHT_REL || s->type == SHT_RELA;
}

static int read_rel(struct fe_obj *o, const struct fe_sec *s, u32 i)
{
	const struct fe_sec *to = &o->sec[s->info];
	const u8 *p = s->bytes + i * s->entsize;
	struct fe_rel *r = &to->rel[i];
	u64 info = get_le64(p + 8);
	u64 width = to->role == ROLE_NONE || to->role == ROLE_OTHER ? 4 : 8;

	r->off = get_le64(p);
	r->type = (u32)info;
	r->sym = (u32)(info >> 32);
	r->has_addend = s->type == SHT_RELA;
	if (r->has_addend)
		r->addend = (i64)get_le64(p + 16);
	if (r->sym >= o->nsym) {
		fe_error(o, s->name,
			"relocation %u: symbol %u, wanted below %u", i, r->sym,
			o->nsym);
		return -1;
	}
	if (!range_inside(r->off, width, to->size)) {
		fe_error(o, s->name,
			"relocation %u: offset %llu lies outside section %s of "
			"%llu bytes",
			i, (unsigned long long)r->off, to->name,
			(unsigned long long)to->size);
		return -1;
	}
	if (to->role == ROLE_CODE && r->off % 8) {
		fe_error(o, s->name,
			"relocation %u: offset %llu, wanted a multiple of 8", i,
			(unsigned long long)r->off);
		return -1;
	}
	return 0;
}

static int read_rels(struct fe_obj *o, const struct fe_sec *s, u32 tab)
{
	int err = 0;

	if (s->link != tab || !tab) {
		fe_error(o, s->name, "symbol table is section %u, wanted %u",
			s->link, tab);
		return -1;
	}
	if (!s->info || s->info >= o->nsec || is_rel(&o->sec[s->info])) {
		fe_error(o, s->name,
			"applies to section %u, wanted a section of the file",
			s->info);
		return -1;
	}
	struct fe_sec *to = &o->sec[s->info];
	if (to->rel) {
		fe_error(o, s->name,
			"a second set of relocations for section %s", to->name);
		return -1;
	}
	/* those of debug information are nobody's business but are checked */
	to->nrel = (u32)(s->size / s->entsize);
	to->rel = arena_array(o->m->a, struct fe_rel, to->nrel + 1u);
	for (u32 i = 0; i < to->nrel; i++)
		err |= read_rel(o, s, i);
	return err;
}

static int read_all_rels(struct fe_obj *o, u32 tab)
{
	int err = 0;

	for (u32 i = 1; i < o->nsec; i++)
		if (is_rel(&o->sec[i]))
			err |= read_rels(o, &o->sec[i], tab);
	return err;
}

/* ---- the object ---------------------------------------------------------- */

/* bpf-gcc stores other things under its relocations than clang (reloc.c). */
static bool is_from_gcc(const struct fe_obj *o)
{
	const struct fe_sec *s = &o->sec[fe_find_sec(o, ".comment")];

	return s->bytes && memmem(s->bytes, s->size, "GCC: ", 5) &&
	       !memmem(s->bytes, s->size, "clang", 5);
}

void fe_digest(struct module *m, u32 file, const u8 *p, size_t n)
{
	u8 both[2 * SHA256_DIGEST_LENGTH];

	memcpy(both, m->digest, SHA256_DIGEST_LENGTH);
	SHA256(p, n, both + SHA256_DIGEST_LENGTH);
	if (file)
		SHA256(both, sizeof(both), m->digest);
	else
		memcpy(m->digest, both + SHA256_DIGEST_LENGTH,
			SHA256_DIGEST_LENGTH);
}

static int read_object(struct fe_obj *o)
{
	GElf_Ehdr h;
	u32 tab;

	if (check_ident(o) || read_headers(o, &h, NULL, 0) || check_ehdr(o, &h))
		return -1;
	o->nsec = h.e_shnum;
	o->sec = arena_array(o->m->a, struct fe_sec, o->nsec);
	GElf_Shdr *sh = arena_array(o->m->a, GElf_Shdr, o->nsec);
	if (read_headers(o, &h, sh, o->nsec) ||
		check_sections(o, sh, h.e_shstrndx) || find_symtab(o, &tab))
		return -1;
	if (tab && (read_symbols(o, tab) || index_names(o)))
		return -1;
	return read_all_rels(o, tab);
}

struct fe_obj *fe_open(
	struct module *m, const char *name, const u8 *bytes, size_t size)
{
	struct fe_obj *o = arena_new(m->a, struct fe_obj);

	o->m = m;
	o->name = name;
	o->file = m->nfile - 1;
	o->bytes = bytes;
	o->size = size;
	if (read_object(o))
		return NULL;
	o->is_gcc = is_from_gcc(o);
	fe_digest(m, o->file, bytes, size);
	return o;
}

/* ---- dump ---------------------------------------------------------------- */

static const char *role_name(enum fe_role r)
{
	static const char *const name[] = {
		[ROLE_NONE] = "-",
		[ROLE_CODE] = "code",
		[ROLE_DATA] = "data",
		[ROLE_MAPS] = "maps",
		[ROLE_LEGACY] = "legacy maps",
		[ROLE_OTHER] = "other",
	};

	return name[r];
}

static void dump_sym(FILE *out, const struct fe_obj *o, u32 i)
{
	static const char bind[] = "lgw";
	static const char *const type[] = {
		"notype", "object", "func", "section", "file"};
	const struct fe_sym *y = &o->sym[i];
	const char *sec = y->sec == SHN_UNDEF	 ? "undefined"
			  : y->sec == SHN_ABS	 ? "absolute"
			  : y->sec == SHN_COMMON ? "common"
						 : o->sec[y->sec].name;

	fprintf(out, "  %4u %c %-7s %s+%#llx size %llu %s\n", i, bind[y->bind],
		type[y->type], sec, (unsigned long long)y->value,
		(unsigned long long)y->size, y->name);
}

void fe_dump_elf(FILE *out, const struct fe_obj *o)
{
	fprintf(out, "%s: %u sections, %u symbols%s\n", o->name, o->nsec,
		o->nsym, o->is_gcc ? ", made by gcc" : "");
	for (u32 i = 1; i < o->nsec; i++)
		fprintf(out, "  %4u %-11s %8llu bytes %6u relocations %s\n", i,
			role_name(o->sec[i].role),
			(unsigned long long)o->sec[i].size, o->sec[i].nrel,
			o->sec[i].name);
	for (u32 i = 1; i < o->nsym; i++)
		dump_sym(out, o, i);
	for (u32 i = 1; i < o->nsec; i++) {
		const struct fe_sec *s = &o->sec[i];

		for (u32 k = 0; k < s->nrel && s->role != ROLE_NONE; k++)
			fprintf(out, "  rel %s+%#llx type %u %s\n", s->name,
				(unsigned long long)s->rel[k].off,
				s->rel[k].type, o->sym[s->rel[k].sym].name);
	}
}
