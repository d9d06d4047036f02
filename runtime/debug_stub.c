/*
 * What unwinders and gdb are told about a stub's copy: an ELF file of its own, in
 * memory, with one symbol and one frame description. The stub's frame follows from
 * its row (kiln/format.h): fixed at its start, gone at its jump and its return.
 */
#include <stdlib.h>
#include <string.h>

#include "kiln/bytes.h"
#include "runtime/object.h"
#include "runtime/tramp.h"

/* libgcc's; no header of it has them */
void __register_frame(void *eh_frame);
void __deregister_frame(void *eh_frame);

enum { S_NONE, S_TEXT, S_FRAME, S_SYM, S_STR, S_SHSTR, NSECTIONS };

static const char section_names[] =
	"\0.text\0.eh_frame\0.symtab\0.strtab\0.shstrtab";
enum { N_TEXT = 1, N_FRAME = 7, N_SYM = 17, N_STR = 25, N_SHSTR = 33 };

struct file {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[NSECTIONS];
	Elf64_Sym sym[2];
	u8 frame[FRAME_ROOM];
	char names[sizeof(section_names)];
	char str[]; /* 0, name, 0 */
};

struct debug_stub {
	struct debug_entry entry;
	struct file file;
};

/* ---- .eh_frame (LSB, "Exception Frames"; DWARF 5, 6.4) ------------------------ */

/* Fills in the length of an entry that begins at p, padded with DW_CFA_nop. */
static u8 *end_entry(u8 *p, u8 *end)
{
	size_t n = (size_t)align_up((u64)(end - p), 8);

	put_le32(p, (u32)n - 4);
	return p + n;
}

static void make_frame(
	u8 *frame, u64 at, u32 size, const struct kiln_hook_row *row)
{
	/* CIE: version 1, "zR", factors 1 and -8, pointers absolute */
	u8 *p = frame + 8, *fde;

	memcpy(p, (const u8[]){1, 'z', 'R', 0, 1, 0x78}, 6);
	p[6] = stub_frame_ra;
	p[7] = 1;
	p[8] = 0;
	fde = end_entry(frame, stub_frame_begin(p + 9));
	put_le32(fde + 4, (u32)(fde + 4 - frame));
	put_le64(fde + 8, at);
	put_le64(fde + 16, size);
	fde[24] = 0;
	p = end_entry(fde, stub_frame(fde + 25, row));
	put_le32(p, 0);
}

/* ---- the file ---------------------------------------------------------------- */

static void put_section(
	struct file *f, u32 i, u32 name, u32 type, void *p, u64 size)
{
	f->sh[i] = (Elf64_Shdr){
		.sh_name = name,
		.sh_type = type,
		.sh_offset = p ? (u64)((u8 *)p - (u8 *)f) : 0,
		.sh_size = size,
		.sh_addralign = 8,
	};
}

static void make_file(
	struct file *f, u64 at, u32 size, const struct kiln_hook_row *row)
{
	f->eh = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = reloc_machine,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct file, sh),
		.e_ehsize = sizeof(f->eh),
		.e_shentsize = sizeof(f->sh[0]),
		.e_shnum = NSECTIONS,
		.e_shstrndx = S_SHSTR,
	};
	memcpy(f->names, section_names, sizeof(section_names));
	put_section(f, S_TEXT, N_TEXT, SHT_NOBITS, NULL, size);
	f->sh[S_TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	f->sh[S_TEXT].sh_addr = at;
	put_section(f, S_FRAME, N_FRAME, SHT_PROGBITS, f->frame, FRAME_ROOM);
	f->sh[S_FRAME].sh_flags = SHF_ALLOC;
	f->sh[S_FRAME].sh_addr = (uintptr_t)f->frame;
	put_section(f, S_SYM, N_SYM, SHT_SYMTAB, f->sym, sizeof(f->sym));
	f->sh[S_SYM].sh_link = S_STR;
	f->sh[S_SYM].sh_info = 2;
	f->sh[S_SYM].sh_entsize = sizeof(f->sym[0]);
	put_section(
		f, S_STR, N_STR, SHT_STRTAB, f->str, strlen(f->str + 1) + 2);
	put_section(
		f, S_SHSTR, N_SHSTR, SHT_STRTAB, f->names, sizeof(f->names));
	f->sym[1] = (Elf64_Sym){
		.st_name = 1,
		.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
		.st_shndx = S_TEXT,
		.st_size = size,
	};
	make_frame(f->frame, at, size, row);
}

struct debug_stub *debug_add_stub(
	u64 at, u32 size, const struct kiln_hook_row *row)
{
	const char *name = PTR(const char, obj_self(&row->name));
	size_t n = sizeof("\0kiln_tramp.") + strlen(name);
	struct debug_stub *d = calloc(1, sizeof(*d) + n);

	if (!d)
		return NULL;
	snprintf(d->file.str + 1, n - 1, "kiln_tramp.%s", name);
	make_file(&d->file, at, size, row);
	d->entry.file = &d->file;
	d->entry.size = sizeof(d->file) + n;
	debug_lock();
	__register_frame(d->file.frame);
	debug_enter(&d->entry);
	debug_unlock();
	return d;
}

void debug_remove_stub(struct debug_stub *d)
{
	if (!d)
		return;
	debug_lock();
	debug_leave(&d->entry);
	__deregister_frame(d->file.frame);
	debug_unlock();
	free(d);
}
