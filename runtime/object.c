/*
 * Objects: opening (every header checked once, as hostile input), closing,
 * and finding programs, maps and globals by name.
 *
 * Of the file only what loading needs is read: section headers, the one
 * symbol table, relocations of loaded sections. Everything that load.c and
 * reloc.c index by was checked here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/map_size.h"
#include "runtime/map_prog_array.h"
#include "runtime/object.h"

enum { MAX_ALIGN = 4096 };
#define MAX_OBJECT ((u64)1 << 30)

void obj_error(const struct kiln_object *o, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%s: ", o->name);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	rt_log(KILN_LOG_ERROR, "%s", text);
}

/* ---- checks ------------------------------------------------------------------ */

static int refuse(const struct kiln_object *o, const char *what)
{
	obj_error(o, "%s", what);
	return -ENOEXEC;
}

static const char *sec_name(const struct kiln_object *o, u32 i)
{
	return o->shstr + o->sh[i].sh_name;
}

static int check_header(struct kiln_object *o)
{
	const Elf64_Ehdr *h = (const void *)o->bytes;

	if (o->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return refuse(o, "not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
		h->e_ident[EI_DATA] != ELFDATA2LSB ||
		h->e_ident[EI_VERSION] != EV_CURRENT)
		return refuse(o, "not a 64-bit little-endian ELF file");
	if (h->e_type != ET_REL)
		return refuse(o, "not a relocatable object (ET_REL)");
	if (h->e_machine != reloc_machine) {
		obj_error(o, "machine %u, this process runs on %u",
			h->e_machine, reloc_machine);
		return -ENOEXEC;
	}
	if (h->e_shentsize != sizeof(Elf64_Shdr) || !h->e_shnum ||
		h->e_shoff % 8 ||
		!range_inside(h->e_shoff, (u64)h->e_shnum * sizeof(Elf64_Shdr),
			o->size))
		return refuse(o, "section headers outside the file");
	if (h->e_shstrndx == SHN_UNDEF || h->e_shstrndx >= h->e_shnum)
		return refuse(o, "section name table missing");
	o->sh = (const void *)(o->bytes + h->e_shoff);
	o->nsec = h->e_shnum;
	return 0;
}

/* A string table ends with NUL, so that any offset inside it is a string. */
static int check_strings(struct kiln_object *o, u32 i, const char **str)
{
	const Elf64_Shdr *s = &o->sh[i];

	if (s->sh_type != SHT_STRTAB || !s->sh_size ||
		!range_inside(s->sh_offset, s->sh_size, o->size) ||
		o->bytes[s->sh_offset + s->sh_size - 1])
		return refuse(o, "damaged string table");
	*str = (const char *)o->bytes + s->sh_offset;
	return 0;
}

static bool is_pow2(u64 v)
{
	return !(v & (v - 1));
}

static int check_section(struct kiln_object *o, u32 i, u64 names)
{
	const Elf64_Shdr *s = &o->sh[i];

	if (s->sh_name >= names) {
		obj_error(o, "section %u: name outside the string table", i);
		return -ENOEXEC;
	}
	if (s->sh_type != SHT_NOBITS &&
		!range_inside(s->sh_offset, s->sh_size, o->size)) {
		obj_error(o, "section %s: ends after the file", sec_name(o, i));
		return -ENOEXEC;
	}
	if (!(s->sh_flags & SHF_ALLOC))
		return 0;
	if (s->sh_size > MAX_OBJECT || !is_pow2(s->sh_addralign) ||
		s->sh_addralign > MAX_ALIGN) {
		obj_error(o,
			"section %s: size %#llx or alignment %#llx is "
			"too large",
			sec_name(o, i), (unsigned long long)s->sh_size,
			(unsigned long long)s->sh_addralign);
		return -ENOEXEC;
	}
	if ((s->sh_flags & SHF_WRITE && s->sh_flags & SHF_EXECINSTR) ||
		s->sh_flags & (SHF_TLS | SHF_COMPRESSED)) {
		obj_error(o, "section %s: flags %#llx are not for loading",
			sec_name(o, i), (unsigned long long)s->sh_flags);
		return -ENOEXEC;
	}
	return 0;
}

static int check_symbol(struct kiln_object *o, u32 i, u64 names)
{
	const Elf64_Sym *s = &o->sym[i];
	u32 sec = s->st_shndx;

	if (s->st_name >= names) {
		obj_error(o, "symbol %u: name outside the string table", i);
		return -ENOEXEC;
	}
	if (sec == SHN_UNDEF || sec == SHN_ABS)
		return 0;
	if (sec >= o->nsec) {
		obj_error(o, "symbol %s: section %u, the object has %u",
			o->str + s->st_name, sec, o->nsec);
		return -ENOEXEC;
	}
	if (!range_inside(s->st_value, s->st_size, o->sh[sec].sh_size)) {
		obj_error(o, "symbol %s: ends after its section",
			o->str + s->st_name);
		return -ENOEXEC;
	}
	return 0;
}

static int check_symbols(struct kiln_object *o)
{
	u32 tab = 0;
	int err;

	for (u32 i = 1; i < o->nsec; i++) {
		if (o->sh[i].sh_type != SHT_SYMTAB)
			continue;
		if (tab)
			return refuse(o, "more than one symbol table");
		tab = i;
	}
	if (!tab)
		return refuse(o, "no symbol table");
	const Elf64_Shdr *s = &o->sh[tab];
	if (s->sh_entsize != sizeof(Elf64_Sym) || s->sh_offset % 8 ||
		s->sh_size % sizeof(Elf64_Sym) || s->sh_link >= o->nsec)
		return refuse(o, "damaged symbol table");
	if ((err = check_strings(o, s->sh_link, &o->str)))
		return err;
	o->sym = (const void *)(o->bytes + s->sh_offset);
	o->nsym = (u32)(s->sh_size / sizeof(Elf64_Sym));
	for (u32 i = 0; i < o->nsym; i++)
		if ((err = check_symbol(o, i, o->sh[s->sh_link].sh_size)))
			return err;
	return 0;
}

static int check_relocations(struct kiln_object *o, u32 i)
{
	const Elf64_Shdr *s = &o->sh[i];

	if (s->sh_type == SHT_REL)
		return refuse(o, "relocations without addends (SHT_REL)");
	if (s->sh_type != SHT_RELA)
		return 0;
	if (s->sh_entsize != sizeof(Elf64_Rela) || s->sh_offset % 8 ||
		s->sh_size % sizeof(Elf64_Rela) || !s->sh_info ||
		s->sh_info >= o->nsec || s->sh_link >= o->nsec ||
		o->sh[s->sh_link].sh_type != SHT_SYMTAB) {
		obj_error(o, "section %s: damaged relocations", sec_name(o, i));
		return -ENOEXEC;
	}
	const Elf64_Shdr *t = &o->sh[s->sh_info];
	const Elf64_Rela *r = (const void *)(o->bytes + s->sh_offset);
	if (!(t->sh_flags & SHF_ALLOC))
		return 0;
	for (u64 k = 0; k < s->sh_size / sizeof(*r); k++) {
		u32 width = reloc_width((u32)ELF64_R_TYPE(r[k].r_info));

		if (!width || t->sh_type == SHT_NOBITS ||
			ELF64_R_SYM(r[k].r_info) >= o->nsym ||
			!range_inside(r[k].r_offset, width, t->sh_size)) {
			obj_error(o,
				"section %s: relocation %llu: type %u, "
				"symbol %u, offset %#llx",
				sec_name(o, i), (unsigned long long)k,
				(u32)ELF64_R_TYPE(r[k].r_info),
				(u32)ELF64_R_SYM(r[k].r_info),
				(unsigned long long)r[k].r_offset);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* The ABI note: an object of another ABI or for a better CPU is refused. */
static int check_note(struct kiln_object *o)
{
	for (u32 i = 1; i < o->nsec; i++) {
		const Elf64_Shdr *s = &o->sh[i];
		struct kiln_note_abi abi;

		if (s->sh_type != SHT_NOTE ||
			strcmp(sec_name(o, i), KILN_SEC_NOTE))
			continue;
		const u8 *p = o->bytes + s->sh_offset;
		if (s->sh_size < 20 + sizeof(abi) || memcmp(p + 12, "kiln", 5))
			return refuse(o, "damaged " KILN_SEC_NOTE);
		memcpy(&abi, p + 20, sizeof(abi));
		if (abi.abi != KILN_ABI_VERSION) {
			obj_error(o, "ABI %u, this runtime has %u", abi.abi,
				KILN_ABI_VERSION);
			return -ENOEXEC;
		}
		if (abi.features & ~cpu_features()) {
			obj_error(o,
				"needs CPU features %#llx that this CPU "
				"does not have",
				(unsigned long long)(abi.features &
						     ~cpu_features()));
			return -ENOEXEC;
		}
		return 0;
	}
	return refuse(o, "no " KILN_SEC_NOTE ": not a kiln object");
}

static int check_object(struct kiln_object *o)
{
	const Elf64_Ehdr *h = (const void *)o->bytes;
	int err = check_header(o);

	if (!err)
		err = check_strings(o, h->e_shstrndx, &o->shstr);
	for (u32 i = 1; !err && i < o->nsec; i++)
		err = check_section(o, i, o->sh[h->e_shstrndx].sh_size);
	if (!err)
		err = check_symbols(o);
	for (u32 i = 1; !err && i < o->nsec; i++)
		err = check_relocations(o, i);
	return err ? err : check_note(o);
}

/* ---- open and close ------------------------------------------------------------ */

static struct kiln_object *obj_new(const char *name)
{
	struct kiln_object *o = calloc(1, sizeof(*o));

	if (!o || !(o->name = strdup(name))) {
		free(o);
		errno = ENOMEM;
		return NULL;
	}
	return o;
}

/* Takes over bytes, which malloc gave. */
static struct kiln_object *open_bytes(u8 *bytes, size_t size, const char *name,
	const struct kiln_open_opts *opts)
{
	struct kiln_object *o = obj_new(name);

	if (!o) {
		free(bytes);
		return NULL;
	}
	o->bytes = bytes;
	o->size = size;
	if (opts)
		o->opts = *opts;
	int err = check_object(o);
	if (err) {
		kiln_object_close(o);
		errno = -err;
		return NULL;
	}
	return o;
}

RT_API struct kiln_object *kiln_object_open_mem(
	const void *bytes, size_t size, const struct kiln_open_opts *opts)
{
	u8 *copy = malloc(size ? size : 1);

	if (!copy) {
		errno = ENOMEM;
		return NULL;
	}
	if (size)
		memcpy(copy, bytes, size);
	return open_bytes(
		copy, size, opts && opts->name ? opts->name : "object", opts);
}

static int read_all(FILE *f, u8 **bytes, size_t *size)
{
	size_t cap = 64 << 10, n = 0, got;
	u8 *p = NULL;

	do {
		u8 *more = cap > MAX_OBJECT ? NULL : realloc(p, cap);

		if (!more) {
			free(p);
			return cap > MAX_OBJECT ? -EFBIG : -ENOMEM;
		}
		p = more;
		got = fread(p + n, 1, cap - n, f);
		n += got;
		cap *= 2;
	} while (got && !ferror(f));
	if (ferror(f)) {
		free(p);
		return -EIO;
	}
	*bytes = p;
	*size = n;
	return 0;
}

RT_API struct kiln_object *kiln_object_open_file(
	const char *path, const struct kiln_open_opts *opts)
{
	const char *name = opts && opts->name ? opts->name : path;
	FILE *f = fopen(path, "rbe");
	u8 *bytes = NULL;
	size_t size = 0;
	int err = f ? read_all(f, &bytes, &size) : -errno;

	if (f)
		fclose(f);
	if (err) {
		rt_log(KILN_LOG_ERROR, "%s: %s", name, strerror(-err));
		errno = -err;
		return NULL;
	}
	return open_bytes(bytes, size, name, opts);
}

/* No thread jumps into its programs, or is inside one that it jumped into. */
static bool is_left(struct kiln_object *o)
{
	int err = rt_prog_array_forget(o->base, o->reserved);

	if (!err && o->in_map)
		err = kiln_synchronize();
	if (err)
		rt_log(KILN_LOG_WARNING,
			"%s: a program may still be running: its code stays",
			o->name);
	return !err;
}

RT_API void kiln_object_close(struct kiln_object *o)
{
	if (!o || o->linked)
		return;
	/* what failed to load has no memory any more */
	for (u32 k = 0; o->loaded && k < o->nmap; k++)
		rt_ring_close(o->map[k]);
	prog_remove_object(o);
	if (!o->loaded || is_left(o))
		mem_release(o);
	free(o->bytes);
	free(o->sec);
	free(o->symval);
	free(o->slot_of);
	free(o->prog);
	free(o->map);
	free(o->name);
	free(o);
}

/* ---- tables -> programs and maps -------------------------------------------------- */

static const void *self(const i32 *field)
{
	return (const u8 *)field + *field;
}

/* n bytes at p lie in segment s of a loaded object. */
static bool is_in(const struct kiln_object *o, enum seg s, const void *p, u64 n)
{
	return o->linked || range_inside((u64)((const u8 *)p - o->seg[s].addr),
				    n, o->seg[s].size);
}

static bool is_text(const struct kiln_object *o, const char *s)
{
	if (o->linked)
		return true;
	if (!is_in(o, SEG_RODATA, s, 1))
		return false;
	const u8 *end = o->seg[SEG_RODATA].addr + o->seg[SEG_RODATA].size;
	return memchr(s, 0, (size_t)(end - (const u8 *)s));
}

static int index_prog(struct kiln_object *o, const struct kiln_prog_row *r)
{
	struct kiln_program *p = &o->prog[o->nprog];

	p->obj = o;
	p->name = self(&r->name);
	p->section = self(&r->section);
	p->entry = (kiln_prog_fn)(uintptr_t)self(&r->entry);
	p->body = (kiln_prog_fn)(uintptr_t)self(&r->body);
	p->type = r->type;
	p->flags = r->flags;
	if (!is_text(o, p->name) || !is_text(o, p->section) ||
		!is_in(o, SEG_TEXT, self(&r->entry), 1) ||
		!is_in(o, SEG_TEXT, self(&r->body), 1))
		return refuse(o, KILN_SEC_PROGS ": a row points outside");
	o->nprog++;
	return 0;
}

/* What the runtime itself keeps in a map begins as 0; 8 is the strictest
 * alignment of what the kinds keep in storage. */
static bool is_unused(const struct kiln_map *m)
{
	bool unused = !m->state && !m->lock && !m->refs && m->values % 8 == 0;

	for (u32 k = 0; k < sizeof(m->priv) / sizeof(m->priv[0]); k++)
		unused = unused && !m->priv[k];
	return unused;
}

static int check_map(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_kind *k = kiln_map_kind(m->type);
	u64 size;

	if (o->linked)
		return 0;
	if (!is_text(o, (const char *)(uintptr_t)m->name))
		return refuse(o, KILN_SEC_MAPS ": a name points outside");
	if (!k || m->ops != rt_map_ops(m->type)) {
		obj_error(o, "map %s: kind %u is not this runtime's",
			kiln_map_name(m), m->type);
		return -ENOEXEC;
	}
	if (!is_unused(m)) {
		obj_error(o, "map %s: not as a compiler leaves it",
			kiln_map_name(m));
		return -ENOEXEC;
	}
	if (rt_map_storage(m, &size) || size != m->values_size ||
		(m->values && !is_in(o, SEG_DATA, (void *)(uintptr_t)m->values,
				      size))) {
		obj_error(o, "map %s: storage does not fit its definition",
			kiln_map_name(m));
		return -ENOEXEC;
	}
	return 0;
}

static int index_map(struct kiln_object *o, const struct kiln_map_row *r)
{
	struct kiln_map *m = (struct kiln_map *)(uintptr_t)self(&r->map);

	if (!is_in(o, SEG_DATA, m, sizeof(*m)) || (uintptr_t)m % 8)
		return refuse(o, KILN_SEC_MAPS ": a row points outside");
	int err = check_map(o, m);
	if (err)
		return err;
	/* its per-CPU storage is for so many slots and no more */
	err = rt_scope_limit(m->max_cpus);
	if (err) {
		obj_error(o,
			"map %s: storage for %u CPUs cannot be honoured "
			"from inside a run scope",
			kiln_map_name(m), m->max_cpus);
		return err;
	}
	o->map[o->nmap++] = m;
	return 0;
}

static bool has_map(const struct kiln_object *o, u64 address)
{
	for (u32 i = 0; i < o->nmap; i++)
		if ((uintptr_t)o->map[i] == address)
			return true;
	return false;
}

static bool is_map_of_maps(const struct kiln_map *m)
{
	const struct kiln_map_kind *k = kiln_map_kind(m->type);

	return k && k->traits & MAP_MAPS;
}

/* What a map of maps begins with: maps of this object. */
static bool is_init(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_init *init =
		(const struct kiln_map_init *)(uintptr_t)m->init;

	if (m->init % 8 || m->ninit > m->max_entries ||
		!is_in(o, SEG_RELRO, init, m->ninit * sizeof(*init)))
		return false;
	for (u64 i = 0; i < m->ninit; i++)
		if (init[i].key >= m->max_entries ||
			!has_map(o, init[i].target))
			return false;
	return true;
}

static bool is_fields(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_field *f =
		(const struct kiln_map_field *)(uintptr_t)m->fields;

	if (m->fields % 4 || !is_in(o, SEG_DATA, f, m->nfields * sizeof(*f)))
		return false;
	for (u32 i = 0; i < m->nfields; i++)
		if (f[i].off % 4 ||
			!range_inside(f[i].off, f[i].size, m->value_size))
			return false;
	return true;
}

/* What maps say of each other and of their values. */
static int check_links(const struct kiln_object *o, const struct kiln_map *m)
{
	if (o->linked)
		return 0;
	if ((!m->nfields || is_fields(o, m)) &&
		(!m->inner || has_map(o, m->inner)) &&
		(!m->ninit || !is_map_of_maps(m) || is_init(o, m)))
		return 0;
	obj_error(o,
		"map %s: the maps in it or the fields of its values are not "
		"the object's",
		kiln_map_name(m));
	return -ENOEXEC;
}

static bool is_map_of(const struct kiln_object *o, const struct kiln_map *m)
{
	for (u32 k = 0; k < o->nmap; k++)
		if (o->map[k] == m)
			return true;
	return false;
}

/* A loaded object's: the text of a linked one never changes. */
static int check_site(
	const struct kiln_object *o, const struct kiln_site_row *r)
{
	const struct kiln_map *m = self(&r->map);

	if (r->kind != KILN_SITE_TAIL_CALL || r->size != poke_size ||
		!is_in(o, SEG_TEXT, self(&r->addr), r->size))
		return refuse(o, KILN_SEC_SITES ": a row points outside");
	if (r->state == KILN_SITE_FROZEN)
		return 0;
	if (r->state != KILN_SITE_OPEN || !is_map_of(o, m) ||
		m->type != KILN_MAP_TYPE_PROG_ARRAY || !m->values ||
		r->key >= m->max_entries ||
		!is_in(o, SEG_DATA, self(&r->gate), 1))
		return refuse(o, KILN_SEC_SITES ": a row has no prog_array");
	return 0;
}

static int index_sites(struct kiln_object *o, const struct kiln_tables *t)
{
	int err = 0;

	if (o->linked)
		return 0;
	o->site = t->sites;
	o->nsite = (u32)(t->sites_end - t->sites);
	for (u32 k = 0; !err && k < o->nsite; k++)
		err = check_site(o, &o->site[k]);
	return err;
}

int obj_index(struct kiln_object *o, const struct kiln_tables *t)
{
	size_t nprog = (size_t)(t->progs_end - t->progs);
	size_t nmap = (size_t)(t->maps_end - t->maps);
	int err = 0;

	o->prog = calloc(nprog + 1, sizeof(*o->prog));
	o->map = calloc(nmap + 1, sizeof(struct kiln_map *));
	if (!o->prog || !o->map)
		return -ENOMEM;
	for (size_t i = 0; !err && i < nprog; i++)
		err = index_prog(o, &t->progs[i]);
	for (size_t i = 0; !err && i < nmap; i++)
		err = index_map(o, &t->maps[i]);
	for (size_t i = 0; !err && i < o->nmap; i++)
		err = check_links(o, o->map[i]);
	return err ? err : index_sites(o, t);
}

/* ---- finding ------------------------------------------------------------------------ */

const char *obj_sym_name(const struct kiln_object *o, u32 sym)
{
	return o->str + o->sym[sym].st_name;
}

RT_API const char *kiln_object_name(const struct kiln_object *o)
{
	return o->name;
}

RT_API struct kiln_program *kiln_object_find_program(
	const struct kiln_object *o, const char *name)
{
	for (u32 i = 0; i < o->nprog; i++)
		if (!strcmp(o->prog[i].name, name))
			return &o->prog[i];
	errno = ENOENT;
	return NULL;
}

RT_API struct kiln_program *kiln_object_next_program(
	const struct kiln_object *o, const struct kiln_program *prev)
{
	u32 i = prev ? (u32)(prev - o->prog) + 1 : 0;

	return i < o->nprog ? &o->prog[i] : NULL;
}

RT_API struct kiln_map *kiln_object_find_map(
	const struct kiln_object *o, const char *name)
{
	for (u32 i = 0; i < o->nmap; i++)
		if (!strcmp(kiln_map_name(o->map[i]), name))
			return o->map[i];
	errno = ENOENT;
	return NULL;
}

RT_API struct kiln_map *kiln_object_next_map(
	const struct kiln_object *o, const struct kiln_map *prev)
{
	u32 i = 0;

	while (prev && i < o->nmap && o->map[i++] != prev)
		;
	return i < o->nmap ? o->map[i] : NULL;
}

RT_API void *kiln_object_find_global(
	const struct kiln_object *o, const char *name, size_t *size)
{
	for (u32 i = 0; o->loaded && i < o->nsym; i++) {
		const Elf64_Sym *s = &o->sym[i];

		if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT ||
			s->st_shndx == SHN_UNDEF ||
			strcmp(obj_sym_name(o, i), name))
			continue;
		if (size)
			*size = s->st_size;
		return (void *)(uintptr_t)o->symval[i];
	}
	errno = ENOENT;
	return NULL;
}

/* ---- programs ------------------------------------------------------------------------ */

RT_API const char *kiln_program_name(const struct kiln_program *p)
{
	return p->name;
}

RT_API const char *kiln_program_section(const struct kiln_program *p)
{
	return p->section;
}

RT_API uint32_t kiln_program_type(const struct kiln_program *p)
{
	return p->type;
}

RT_API uint32_t kiln_program_flags(const struct kiln_program *p)
{
	return p->flags;
}

RT_API kiln_prog_fn kiln_program_entry(const struct kiln_program *p)
{
	return p->entry;
}

/* Programs with tail calls want a count, which their wrapper has. */
RT_API uint64_t kiln_program_run(const struct kiln_program *p, void *ctx)
{
	uint64_t r;

	if (p->flags & KILN_PROG_TAIL_CALLS)
		return p->entry(ctx);

	kiln_scope_enter();
	r = p->body(ctx);
	kiln_scope_leave();
	return r;
}

RT_API uint64_t kiln_program_run_raw(
	const struct kiln_program *p, uint64_t r1, uint64_t r2)
{
	uint64_t (*body)(uint64_t, uint64_t) = (void *)p->body;
	uint64_t r;

	kiln_scope_enter();
	r = body(r1, r2);
	kiln_scope_leave();
	return r;
}
