/*
 * Sections of the file of --btf, if it is ELF: 64 bits, little-endian, of any
 * machine. Nothing in it is believed: what does not lie inside the file is not
 * there.
 */
#include <elf.h>
#include <string.h>

#include "frontend/core.h"
#include "kiln/bytes.h"

enum { EHDR = 64, SHDR = 64 };

/* Section headers of the file: their number, or 0 if they are not inside. */
static u64 find_headers(struct span file, u64 *at, u32 *names)
{
	u64 n = get_le16(file.p + 60);

	*at = get_le64(file.p + 40);
	*names = get_le16(file.p + 62);
	if (get_le16(file.p + 58) != SHDR || !*at ||
		!range_inside(*at, SHDR, file.n))
		return 0;
	if (!n) /* gABI: too many for e_shnum */
		n = get_le64(file.p + *at + 32);
	if (*names == SHN_XINDEX)
		*names = get_le32(file.p + *at + 40);
	if (n > file.n / SHDR || !range_inside(*at, n * SHDR, file.n) ||
		*names >= n)
		return 0;
	return n;
}

const u8 *target_elf_header(const struct target_elf *e, u64 i)
{
	return e->headers + i * SHDR;
}

struct span target_elf_bytes(const struct target_elf *e, u64 i)
{
	const u8 *sh = target_elf_header(e, i);
	u64 off = get_le64(sh + 24), size = get_le64(sh + 32);
	struct span none = {NULL, 0};

	if (get_le32(sh + 4) == SHT_NOBITS ||
		!range_inside(off, size, e->file.n))
		return none;
	return (struct span){e->file.p + off, size};
}

bool target_elf_open(struct target_elf *e, struct span file)
{
	u32 names;
	u64 at;

	*e = (struct target_elf){.file = file};
	if (file.n < EHDR || file.p[EI_CLASS] != ELFCLASS64 ||
		file.p[EI_DATA] != ELFDATA2LSB)
		return false;
	e->type = get_le16(file.p + 16);
	e->machine = get_le16(file.p + 18);
	e->n = find_headers(file, &at, &names);
	if (!e->n)
		return false;
	e->headers = file.p + at;
	e->names = target_elf_bytes(e, names);
	return true;
}

const char *target_elf_string(struct span strings, u64 at)
{
	if (at >= strings.n || !memchr(strings.p + at, 0, strings.n - at))
		return NULL;
	return (const char *)strings.p + at;
}

bool target_elf_is(const struct target_elf *e, u64 i, const char *name)
{
	const char *s =
		target_elf_string(e->names, get_le32(target_elf_header(e, i)));

	return s && !strcmp(s, name);
}

u64 target_elf_find(const struct target_elf *e, const char *name, u64 after)
{
	for (u64 i = after + 1; i < e->n; i++)
		if (target_elf_is(e, i, name))
			return i;
	return 0;
}
