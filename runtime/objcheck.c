/*
 * Objects as hostile input: every header, section, symbol and relocation that
 * load.c and reloc.c index by is checked here, once, before anything is placed.
 */
#include <errno.h>
#include <string.h>

#include "runtime/object.h"

enum { MAX_ALIGN = 4096 };

int obj_refuse(const struct kiln_object *o, const char *what)
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
		return obj_refuse(o, "not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
		h->e_ident[EI_DATA] != ELFDATA2LSB ||
		h->e_ident[EI_VERSION] != EV_CURRENT)
		return obj_refuse(o, "not a 64-bit little-endian ELF file");
	if (h->e_type != ET_REL)
		return obj_refuse(o, "not a relocatable object (ET_REL)");
	if (h->e_machine != reloc_machine) {
		obj_error(o, "machine %u, this process runs on %u",
			h->e_machine, reloc_machine);
		return -ENOEXEC;
	}
	if (h->e_shentsize != sizeof(Elf64_Shdr) || !h->e_shnum ||
		h->e_shoff % 8 ||
		!range_inside(h->e_shoff, (u64)h->e_shnum * sizeof(Elf64_Shdr),
			o->size))
		return obj_refuse(o, "section headers outside the file");
	if (h->e_shstrndx == SHN_UNDEF || h->e_shstrndx >= h->e_shnum)
		return obj_refuse(o, "section name table missing");
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
		return obj_refuse(o, "damaged string table");
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
	if (s->sh_size > OBJ_MAX || !is_pow2(s->sh_addralign) ||
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
			return obj_refuse(o, "more than one symbol table");
		tab = i;
	}
	if (!tab)
		return obj_refuse(o, "no symbol table");
	const Elf64_Shdr *s = &o->sh[tab];
	if (s->sh_entsize != sizeof(Elf64_Sym) || s->sh_offset % 8 ||
		s->sh_size % sizeof(Elf64_Sym) || s->sh_link >= o->nsec)
		return obj_refuse(o, "damaged symbol table");
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
		return obj_refuse(o, "relocations without addends (SHT_REL)");
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
			return obj_refuse(o, "damaged " KILN_SEC_NOTE);
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
	return obj_refuse(o, "no " KILN_SEC_NOTE ": not a kiln object");
}

int obj_check(struct kiln_object *o)
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
