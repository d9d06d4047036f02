/*
 * Reads native objects, and the images that linkers make of them, for
 * inspect and disasm. Hostile input: libelf finds the section headers,
 * everything that they say is checked here before it is used.
 *
 * An address becomes a place, a byte of a section, at once: in relocatable
 * objects through relocations, in images through section addresses. What
 * comes later does not see the difference.
 */
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

enum { MAX_FILE = 1 << 30 };

// clang-format off
static const struct nat_target targets[] = {
	{"x86_64",  EM_X86_64,  R_X86_64_64,     R_X86_64_PC32,    R_X86_64_RELATIVE},
	{"aarch64", EM_AARCH64, R_AARCH64_ABS64, R_AARCH64_PREL32, R_AARCH64_RELATIVE},
};
// clang-format on

int nat_error(struct native *n, const char *fmt, ...)
{
	const struct loc at = {.file = n->file, .insn = -1};
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(&n->diag, &at, "%s", text);
	return -1;
}

static void log_line(void *ctx, enum diag_level level, const char *line)
{
	cli_log(ctx, (enum kiln_level)level, line);
}

/* ---- the file --------------------------------------------------------------- */

static int read_file(struct native *n)
{
	FILE *f = fopen(n->file, "rbe");
	struct stat st;

	if (!f)
		return nat_error(n, "%s", strerror(errno));
	if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode) ||
		st.st_size > MAX_FILE) {
		fclose(f);
		return nat_error(n, "not a regular file of at most 1 GiB");
	}
	u8 *p = arena_alloc(n->a, (size_t)st.st_size);
	n->size = fread(p, 1, (size_t)st.st_size, f);
	n->bytes = p;
	fclose(f);
	return 0;
}

static int check_header(struct native *n)
{
	Elf64_Ehdr h;

	if (n->size < sizeof(h) || memcmp(n->bytes, ELFMAG, SELFMAG))
		return nat_error(n, "not an ELF file");
	memcpy(&h, n->bytes, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64 ||
		h.e_ident[EI_DATA] != ELFDATA2LSB)
		return nat_error(n, "not a 64-bit little-endian ELF file");
	if (h.e_machine == EM_BPF)
		return nat_error(n, "a BPF object: kiln compile makes a "
				    "native one of it");
	for (u32 i = 0; i < countof(targets); i++)
		if (targets[i].machine == h.e_machine)
			n->target = &targets[i];
	if (!n->target)
		return nat_error(n,
			"machine %u, wanted %u (x86_64) or %u (aarch64)",
			h.e_machine, EM_X86_64, EM_AARCH64);
	if (h.e_type != ET_REL && h.e_type != ET_EXEC && h.e_type != ET_DYN)
		return nat_error(n, "neither an object nor an executable nor "
				    "a shared library");
	n->type = h.e_type;
	return 0;
}

/* ---- sections --------------------------------------------------------------- */

/* The string at off of a table that is len bytes long, or NULL. */
static const char *string_in(const u8 *p, u64 len, u64 off)
{
	if (!p || off >= len || !memchr(p + off, 0, len - off))
		return NULL;
	return (const char *)p + off;
}

static int add_section(struct native *n, Elf_Scn *scn, u32 i)
{
	Elf64_Shdr *h = scn ? elf64_getshdr(scn) : NULL;
	struct nat_sec *s = vec_push(n->a, &n->sec);

	if (!h)
		return nat_error(n, "section %u: no header", i);
	s->type = h->sh_type;
	s->size = h->sh_size;
	s->addr = h->sh_addr;
	s->flags = h->sh_flags;
	s->link = h->sh_link;
	s->info = h->sh_info;
	s->is_loaded = n->type != ET_REL && h->sh_flags & SHF_ALLOC &&
		       !(h->sh_flags & SHF_TLS) && h->sh_size;
	s->name = "";
	if (s->type == SHT_NULL || s->type == SHT_NOBITS)
		return 0;
	if (!range_inside(h->sh_offset, h->sh_size, n->size))
		return nat_error(n, "section %u: ends after the file", i);
	s->p = n->bytes + h->sh_offset;
	return 0;
}

static int name_sections(struct native *n, size_t names)
{
	if (names >= n->sec.n)
		return nat_error(n,
			"section name table %zu, the file has %u "
			"sections",
			names, n->sec.n);
	for (u32 i = 1; i < n->sec.n; i++) {
		struct nat_sec *s = &n->sec.v[i];
		Elf64_Shdr *h = elf64_getshdr(elf_getscn(n->elf, i));

		s->name = string_in(
			n->sec.v[names].p, n->sec.v[names].size, h->sh_name);
		if (!s->name)
			return nat_error(n,
				"section %u: name outside the string table", i);
	}
	return 0;
}

static int compare_addr(const void *a, const void *b, void *ctx)
{
	const struct native *n = ctx;
	u64 x = n->sec.v[*(const u32 *)a].addr;
	u64 y = n->sec.v[*(const u32 *)b].addr;

	return x < y ? -1 : x > y;
}

static void sort_sections(struct native *n)
{
	n->by_addr = arena_array(n->a, u32, n->sec.n);
	for (u32 i = 1; i < n->sec.n; i++)
		if (n->sec.v[i].is_loaded)
			n->by_addr[n->nby_addr++] = i;
	qsort_r(n->by_addr, n->nby_addr, sizeof(u32), compare_addr, n);
}

static int read_sections(struct native *n)
{
	size_t count, names;

	elf_version(EV_CURRENT);
	n->elf = elf_memory((char *)n->bytes, n->size);
	if (!n->elf || elf_getshdrnum(n->elf, &count) ||
		elf_getshdrstrndx(n->elf, &names))
		return nat_error(n, "section headers: %s", elf_errmsg(-1));
	if (!count)
		return nat_error(n, "no section headers");
	for (size_t i = 0; i < count; i++)
		if (add_section(n, elf_getscn(n->elf, i), (u32)i))
			return -1;
	int err = name_sections(n, names);
	if (!err)
		sort_sections(n);
	return err;
}

u32 nat_find(const struct native *n, const char *name, u32 prev)
{
	for (u32 i = prev + 1; i < n->sec.n; i++)
		if (!strcmp(n->sec.v[i].name, name))
			return i;
	return 0;
}

/* The place of an image's address. */
static struct place at_addr(const struct native *n, u64 addr)
{
	u32 lo = 0, hi = n->nby_addr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (n->sec.v[n->by_addr[mid]].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return (struct place){0};
	u32 sec = n->by_addr[lo - 1];
	u64 off = addr - n->sec.v[sec].addr;
	/* one past the end: where a section's last function stops */
	return off <= n->sec.v[sec].size ? (struct place){sec, off}
					 : (struct place){0};
}

/* ---- symbols ---------------------------------------------------------------- */

static int add_symbol(
	struct native *n, const struct nat_sec *str, u32 i, const Elf64_Sym *e)
{
	struct nat_sym *s = vec_push(n->a, &n->sym);

	s->name = e->st_name ? string_in(str->p, str->size, e->st_name) : "";
	if (!s->name)
		return nat_error(
			n, "symbol %u: name outside the string table", i);
	s->size = e->st_size;
	s->bind = ELF64_ST_BIND(e->st_info);
	s->type = ELF64_ST_TYPE(e->st_info);
	s->is_undef = e->st_shndx == SHN_UNDEF;
	if (e->st_shndx == SHN_UNDEF || e->st_shndx >= SHN_LORESERVE)
		return 0;
	if (e->st_shndx >= n->sec.n)
		return nat_error(n,
			"symbol %u (%s): section %u, the file has "
			"%u",
			i, s->name, e->st_shndx, n->sec.n);
	s->at = (struct place){e->st_shndx, e->st_value};
	if (n->type != ET_REL)
		s->at.off -= n->sec.v[e->st_shndx].addr;
	/* labels that linkers define may lie outside their section */
	if (s->at.off > n->sec.v[e->st_shndx].size)
		s->at = (struct place){0};
	return 0;
}

static int compare_place(struct place a, struct place b)
{
	if (a.sec != b.sec)
		return a.sec < b.sec ? -1 : 1;
	return a.off < b.off ? -1 : a.off > b.off;
}

static int compare_sym(const void *a, const void *b, void *ctx)
{
	const struct native *n = ctx;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	int c = compare_place(n->sym.v[x].at, n->sym.v[y].at);

	return c ? c : x < y ? -1 : x > y;
}

static void sort_symbols(struct native *n)
{
	n->by_place = arena_array(n->a, u32, n->sym.n);
	for (u32 i = 1; i < n->sym.n; i++) {
		const struct nat_sym *s = &n->sym.v[i];

		if (s->at.sec && *s->name &&
			(s->type == STT_FUNC || s->type == STT_OBJECT))
			n->by_place[n->nby_place++] = i;
	}
	qsort_r(n->by_place, n->nby_place, sizeof(u32), compare_sym, n);
}

/* .symtab; .dynsym of a stripped image. */
static u32 find_symtab(const struct native *n)
{
	u32 found = 0;

	for (u32 i = n->sec.n; i-- > 1;)
		if (n->sec.v[i].type == SHT_SYMTAB ||
			(n->sec.v[i].type == SHT_DYNSYM && !found))
			found = i;
	return found;
}

static int read_symbols(struct native *n)
{
	u32 tab = find_symtab(n);
	const struct nat_sec *t = &n->sec.v[tab];
	Elf64_Sym e = {0};

	vec_push(n->a, &n->sym); /* [0] */
	if (!tab)
		return n->type == ET_REL ? nat_error(n, "no symbol table") : 0;
	if (t->size % sizeof(e) || t->link >= n->sec.n ||
		n->sec.v[t->link].type != SHT_STRTAB)
		return nat_error(
			n, "section %s: damaged symbol table", t->name);
	for (u64 i = 1; i < t->size / sizeof(e); i++) {
		memcpy(&e, t->p + i * sizeof(e), sizeof(e));
		if (add_symbol(n, &n->sec.v[t->link], (u32)i, &e))
			return -1;
	}
	sort_symbols(n);
	return 0;
}

u32 nat_sym_from(const struct native *n, struct place at)
{
	u32 lo = 0, hi = n->nby_place;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (compare_place(n->sym.v[n->by_place[mid]].at, at) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct nat_sym *nat_sym_at(const struct native *n, struct place at)
{
	/* the first one behind it has a predecessor that may hold it */
	u32 i = nat_sym_from(n, (struct place){at.sec, at.off + 1});

	if (!i)
		return NULL;
	const struct nat_sym *s = &n->sym.v[n->by_place[i - 1]];
	if (s->at.sec != at.sec ||
		(at.off > s->at.off && at.off - s->at.off >= s->size))
		return NULL;
	return s;
}

/* ---- relocations -------------------------------------------------------------- */

static int add_relocation(
	struct native *n, u32 from, u64 i, const Elf64_Rela *e)
{
	const struct nat_sec *s = &n->sec.v[from];
	struct place at = {s->info, e->r_offset};
	u64 sym = ELF64_R_SYM(e->r_info);

	if (n->type != ET_REL) {
		at = at_addr(n, e->r_offset);
		if (!at.sec) /* of a segment without sections */
			return 0;
	}
	/* an image's relocations count in .dynsym: only types and addends
	 * of those are used */
	if (at.off >= n->sec.v[at.sec].size ||
		(n->type == ET_REL && sym >= n->sym.n))
		return nat_error(n,
			"section %s: relocation %llu: symbol %llu, offset "
			"%#llx",
			s->name, (unsigned long long)i, (unsigned long long)sym,
			(unsigned long long)e->r_offset);
	*vec_push(n->a, &n->sec.v[at.sec].rel) =
		(struct nat_rel){at.off, (u32)ELF64_R_TYPE(e->r_info),
			n->type == ET_REL ? (u32)sym : 0, e->r_addend};
	return 0;
}

static int compare_rel(const void *a, const void *b)
{
	u64 x = ((const struct nat_rel *)a)->off;
	u64 y = ((const struct nat_rel *)b)->off;

	return x < y ? -1 : x > y;
}

static int read_rela(struct native *n, u32 i)
{
	const struct nat_sec *s = &n->sec.v[i];
	Elf64_Rela e;

	if (s->type != SHT_RELA ||
		(n->type != ET_REL && !(s->flags & SHF_ALLOC)))
		return 0;
	if (s->size % sizeof(e) ||
		(n->type == ET_REL && (!s->info || s->info >= n->sec.n)))
		return nat_error(n, "section %s: damaged relocations", s->name);
	for (u64 k = 0; k < s->size / sizeof(e); k++) {
		memcpy(&e, s->p + k * sizeof(e), sizeof(e));
		if (add_relocation(n, i, k, &e))
			return -1;
	}
	return 0;
}

static int read_relocations(struct native *n)
{
	for (u32 i = 1; i < n->sec.n; i++)
		if (read_rela(n, i))
			return -1;
	for (u32 i = 1; i < n->sec.n; i++)
		if (n->sec.v[i].rel.n)
			qsort(n->sec.v[i].rel.v, n->sec.v[i].rel.n,
				sizeof(struct nat_rel), compare_rel);
	return 0;
}

u32 nat_rel_from(const struct native *n, struct place at)
{
	const struct nat_sec *s = &n->sec.v[at.sec];
	u32 lo = 0, hi = s->rel.n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (s->rel.v[mid].off < at.off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct nat_rel *nat_rel_at(const struct native *n, struct place at)
{
	const struct nat_sec *s = &n->sec.v[at.sec];
	u32 i = nat_rel_from(n, at);

	return i < s->rel.n && s->rel.v[i].off == at.off ? &s->rel.v[i] : NULL;
}

/* ---- fields ------------------------------------------------------------------- */

/* S + A of a relocatable object. */
static struct place target_of(const struct native *n, const struct nat_rel *r)
{
	struct place at = n->sym.v[r->sym].at;

	at.off += (u64)r->addend;
	if (!at.sec || at.off > n->sec.v[at.sec].size)
		return (struct place){0};
	return at;
}

struct place nat_self(const struct native *n, u32 sec, u64 off)
{
	const struct nat_sec *s = &n->sec.v[sec];
	const struct nat_rel *r = nat_rel_at(n, (struct place){sec, off});

	if (!s->p || !range_inside(off, 4, s->size))
		return (struct place){0};
	if (n->type == ET_REL)
		return r && r->type == n->target->pc32 ? target_of(n, r)
						       : (struct place){0};
	return at_addr(n, s->addr + off + (u64)(i64)(i32)get_le32(s->p + off));
}

struct place nat_addr(const struct native *n, u32 sec, u64 off)
{
	const struct nat_sec *s = &n->sec.v[sec];
	const struct nat_rel *r = nat_rel_at(n, (struct place){sec, off});

	if (!s->p || !range_inside(off, 8, s->size))
		return (struct place){0};
	if (n->type == ET_REL)
		return r && r->type == n->target->abs64 ? target_of(n, r)
							: (struct place){0};
	/* a position-independent image keeps it in the addend */
	return at_addr(n, r && r->type == n->target->relative
				  ? (u64)r->addend
				  : get_le64(s->p + off));
}

const char *nat_string(const struct native *n, struct place at)
{
	const struct nat_sec *s = &n->sec.v[at.sec];

	return at.sec ? string_in(s->p, s->size, at.off) : NULL;
}

/* ---- the whole ----------------------------------------------------------------- */

int nat_open(struct native *n, struct arena *a, const char *file)
{
	memset(n, 0, sizeof(*n));
	n->a = a;
	n->file = file;
	n->diag = (struct diag){.fn = log_line};
	if (read_file(n) || check_header(n) || read_sections(n) ||
		read_symbols(n) || read_relocations(n))
		return -1;
	if (!nat_find(n, KILN_SEC_NOTE, 0))
		return nat_error(n, "no " KILN_SEC_NOTE ": not made by kiln");
	return 0;
}

void nat_close(struct native *n)
{
	if (n->elf)
		elf_end(n->elf);
}
