/*
 * From checked bytes to running code: the stages in their order. Opening gives
 * everything its address, so that values and maps can be changed in place;
 * loading does what that may depend on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/object.h"
#include "runtime/tramp.h"

/* ---- 1: sections -> segments ---------------------------------------------------- */

static enum seg seg_of(const Elf64_Shdr *s, const char *name)
{
	if (!(s->sh_flags & SHF_ALLOC))
		return SEG_NONE;
	if (s->sh_flags & SHF_EXECINSTR)
		return SEG_TEXT;
	if (!(s->sh_flags & SHF_WRITE))
		return SEG_RODATA;
	return strncmp(name, ".data.rel.ro", 12) ? SEG_DATA : SEG_RELRO;
}

/* Room for n bytes at the end of segment s; its offset. Sizes are bounded by
 * object.c: 2^16 sections of 2^30 bytes cannot wrap 64 bits. */
static u64 seg_room(struct kiln_object *o, enum seg s, u64 n, u64 align)
{
	u64 at = align_up(o->seg[s].size, align ? align : 1);

	o->seg[s].size = at + n;
	return at;
}

/* The list of frames ends with a word of 0, which linkers add. */
static u64 room(const struct kiln_object *o, u32 i, u64 size)
{
	return strcmp(o->shstr + o->sh[i].sh_name, OBJ_EH_FRAME) ? size
								 : size + 4;
}

static void place_section(struct kiln_object *o, u32 i, bool is_nobits)
{
	const Elf64_Shdr *s = &o->sh[i];
	enum seg seg = seg_of(s, o->shstr + s->sh_name);

	if (seg == SEG_NONE || (s->sh_type == SHT_NOBITS) != is_nobits)
		return;
	o->keeps_rw |=
		s->sh_size && !strcmp(o->shstr + s->sh_name, KILN_SEC_SITES);
	o->sec[i].seg = (u8)seg;
	o->sec[i].size = s->sh_size;
	o->sec[i].off =
		seg_room(o, seg, room(o, i, s->sh_size), s->sh_addralign);
}

/* Sections keep the order of the file: tables are link-ordered by it. Those
 * without bytes come last, so that it is known where data is 0. */
static int place_sections(struct kiln_object *o)
{
	o->sec = calloc(o->nsec, sizeof(*o->sec));
	o->symval = calloc(o->nsym, sizeof(*o->symval));
	o->slot_of = calloc(o->nsym, sizeof(*o->slot_of));
	if (!o->sec || !o->symval || !o->slot_of)
		return -ENOMEM;
	for (u32 i = 0; i < o->nsec; i++)
		o->sec[i].seg = SEG_NONE;
	for (u32 i = 1; i < o->nsec; i++)
		place_section(o, i, false);
	o->zeros_off = o->seg[SEG_DATA].size;
	for (u32 i = 1; i < o->nsec; i++)
		place_section(o, i, true);
	return 0;
}

static int place_slots(struct kiln_object *o)
{
	int err = reloc_count(o);

	o->slots_off = seg_room(o, SEG_RELRO, o->nslots * 8ull, 8);
	o->veneers_off =
		seg_room(o, SEG_TEXT, (u64)o->nslots * veneer_size, 16);
	return err;
}

/* ---- 2: contents ------------------------------------------------------------------ */

static void copy_sections(struct kiln_object *o, bool text)
{
	for (u32 i = 1; i < o->nsec; i++) {
		const struct rt_sec *s = &o->sec[i];

		/* fresh mappings are zero already */
		if (s->seg == SEG_NONE || o->sh[i].sh_type == SHT_NOBITS ||
			!s->size || (s->seg == SEG_TEXT) != text)
			continue;
		memcpy(o->seg[s->seg].rw + s->off,
			o->bytes + o->sh[i].sh_offset, s->size);
	}
}

/* ---- 3: symbols --------------------------------------------------------------------- */

static void resolve_own(struct kiln_object *o)
{
	for (u32 i = 1; i < o->nsym; i++) {
		const Elf64_Sym *s = &o->sym[i];

		if (s->st_shndx == SHN_ABS)
			o->symval[i] = s->st_value;
		if (s->st_shndx == SHN_UNDEF || s->st_shndx == SHN_ABS)
			continue;
		const struct rt_sec *sec = &o->sec[s->st_shndx];
		if (sec->seg != SEG_NONE)
			o->symval[i] = (u64)(uintptr_t)o->seg[sec->seg].addr +
				       sec->off + s->st_value;
	}
}

static int import_symbol(struct kiln_object *o, u32 i)
{
	const Elf64_Sym *s = &o->sym[i];

	if (s->st_shndx != SHN_UNDEF)
		return 0;
	const char *name = obj_sym_name(o, i);
	void *addr = sym_find(o, name);
	o->symval[i] = (u64)(uintptr_t)addr;
	if (addr || ELF64_ST_BIND(s->st_info) == STB_WEAK)
		return 0;
	if (!strncmp(name, "kiln_abi_", 9)) {
		obj_error(
			o, "wants %s, this runtime has " KILN_ABI_SYMBOL, name);
		return -ENOEXEC;
	}
	obj_error(o,
		"symbol %s is not defined by the runtime, by the "
		"application's table or by what the process exports: "
		"link it with -rdynamic, or say KILN_HOOK(f) of a function f "
		"to be hooked",
		name);
	return -ENOENT;
}

/* Before the names go into messages: a damaged table gives one. */
static int check_names(const struct kiln_object *o)
{
	for (u32 i = 1; i < o->nsym; i++)
		if (o->sym[i].st_shndx == SHN_UNDEF && !*obj_sym_name(o, i)) {
			obj_error(o, "undefined symbol %u has no name", i);
			return -ENOEXEC;
		}
	return 0;
}

static int import_symbols(struct kiln_object *o)
{
	int err = check_names(o);

	if (err)
		return err;
	for (u32 i = 1; i < o->nsym; i++) {
		int one = import_symbol(o, i);

		err = err ? err : one;
	}
	return err;
}

/* ---- 4: tables ------------------------------------------------------------------------ */

/* The loaded sections of this name as one run of rows. They follow each other
 * without a gap: same segment, file order, rows a multiple of the alignment.
 * An object that breaks this is refused. */
static int find_table(const struct kiln_object *o, const char *name, u64 row,
	const void **start, const void **end)
{
	u8 *first = NULL, *last = NULL;

	for (u32 i = 1; i < o->nsec; i++) {
		const struct rt_sec *s = &o->sec[i];

		/* the anchors of empty tables stand anywhere */
		if (s->seg != SEG_RODATA || !s->size ||
			strcmp(o->shstr + o->sh[i].sh_name, name))
			continue;
		u8 *at = o->seg[SEG_RODATA].addr + s->off;
		if (s->size % row || (uintptr_t)at % 4) {
			obj_error(o,
				"section %s: size %#llx, wanted a "
				"multiple of %llu",
				name, (unsigned long long)s->size,
				(unsigned long long)row);
			return -ENOEXEC;
		}
		if (!first)
			first = last = at;
		if (at != last) {
			obj_error(o, "section %s: rows are not together", name);
			return -ENOEXEC;
		}
		last = at + s->size;
	}
	*start = first;
	*end = last;
	return 0;
}

static int index_tables(struct kiln_object *o)
{
	struct kiln_tables t = {0};
	int err;

#define TABLE(field, sec, type)                                                \
	if ((err = find_table(o, sec, sizeof(struct type),                     \
		     (const void **)&t.field, (const void **)&t.field##_end))) \
	return err
	TABLE(progs, KILN_SEC_PROGS, kiln_prog_row);
	TABLE(maps, KILN_SEC_MAPS, kiln_map_row);
	TABLE(ex, KILN_SEC_EX_TABLE, kiln_ex_row);
	TABLE(sites, KILN_SEC_SITES, kiln_site_row);
	TABLE(frames, KILN_SEC_FRAMES, kiln_frame_row);
	TABLE(hooks, KILN_SEC_HOOKS, kiln_hook_row);
#undef TABLE
	return obj_index(o, &t);
}

/* ---- the stages -------------------------------------------------------------------------- */

static int place(struct kiln_object *o)
{
	int err;

	/* where every section will be in its segment */
	if ((err = place_sections(o)))
		return err;
	/* imported functions may be far away: room for their veneers */
	if ((err = place_slots(o)))
		return err;
	/* one reservation, near the runtime if possible */
	if ((err = mem_reserve(o)))
		return err;
	copy_sections(o, false);
	resolve_own(o);
	/* the tables name programs and maps */
	if ((err = reloc_apply_all(o, true)))
		return err;
	return index_tables(o);
}

static int load(struct kiln_object *o)
{
	int err;

	if ((err = fork_guard()))
		return err;
	if ((err = mem_open_text(o)))
		return err;
	copy_sections(o, true);
	/* other maps take the place of its own */
	if ((err = maps_bind(o)))
		return err;
	if ((err = import_symbols(o)))
		return err;
	if ((err = reloc_apply_all(o, false)))
		return err;
	maps_fill(o);
	/* from here on nothing of it is writable and executable, or writable
	 * that need not be */
	if ((err = mem_protect(o)))
		return err;
	/* the tables again: relocations of a damaged object may lie in them */
	if ((err = index_tables(o)))
		return err;
	if ((err = tramp_make_sites(o)))
		return err;
	if ((err = debug_add(o)))
		return err;
	/* its programs may run: their faults are fixed up */
	return fault_add(o);
}

static int said(const struct kiln_object *o, int err)
{
	if (err == -ENOMEM)
		obj_error(o, "out of memory");
	return err;
}

int obj_place(struct kiln_object *o)
{
	return said(o, place(o));
}

RT_API int kiln_object_load(struct kiln_object *o)
{
	if (o->tried || o->linked) /* once, even if it failed */
		return -EBUSY;
	o->tried = true;
	int err = said(o, load(o));
	if (err)
		return err;
	/* a core may have fetched what was at these addresses before: nobody
	 * jumps here until all have serialised */
	kiln_port_core_sync();
	o->opts.symbols = NULL; /* borrowed until now */
	o->loaded = true;
	prog_add_object(o);
	return 0;
}
