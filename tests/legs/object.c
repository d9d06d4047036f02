/* See object.h: header, code, strings, symbols, section headers. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

enum { SEC_CODE = 1, SEC_STRINGS, SEC_SYMBOLS, SECTIONS };

struct head {
	Elf64_Ehdr file;
	Elf64_Shdr sec[SECTIONS];
	Elf64_Sym sym[2];
	char strings[64];
};

static u32 put_string(struct head *h, u32 *at, const char *s)
{
	u32 here = *at;
	size_t n = strlen(s) + 1;

	if (here + n > sizeof(h->strings))
		abort();
	memcpy(h->strings + here, s, n);
	*at += (u32)n;
	return here;
}

static void fill_sections(struct head *h, const char *section, u64 code)
{
	u32 at = 1; /* the empty string comes first */

	h->sec[SEC_CODE] = (Elf64_Shdr){
		.sh_name = put_string(h, &at, section),
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = sizeof(*h),
		.sh_size = code,
		.sh_addralign = 8,
	};
	h->sec[SEC_STRINGS] = (Elf64_Shdr){
		.sh_name = put_string(h, &at, ".strtab"),
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct head, strings),
		.sh_size = sizeof(h->strings),
		.sh_addralign = 1,
	};
	h->sec[SEC_SYMBOLS] = (Elf64_Shdr){
		.sh_name = put_string(h, &at, ".symtab"),
		.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(struct head, sym),
		.sh_size = sizeof(h->sym),
		.sh_link = SEC_STRINGS,
		.sh_info = 1,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Sym),
	};
	h->sym[1] = (Elf64_Sym){
		.st_name = put_string(h, &at, "main"),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = SEC_CODE,
		.st_size = code,
	};
}

u8 *object_make(const char *section, const u8 *code, u32 slots, size_t *size)
{
	u64 n = 8 * (u64)slots;
	u8 *out = calloc(1, sizeof(struct head) + n);
	struct head *h = (void *)out;

	if (!out)
		abort();
	h->file = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_BPF,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct head, sec),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SEC_STRINGS,
	};
	fill_sections(h, section, n);
	memcpy(out + sizeof(*h), code, n);
	*size = sizeof(*h) + n;
	return out;
}
