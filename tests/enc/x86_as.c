/*
 * Compares all cases with GNU as: one source file, one run, one slot of 16
 * bytes per case, so that a wrong length moves nothing behind it. Relocations
 * are compared with what the encoder reported.
 */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "x86_case.h"

extern char **environ;

static int write_source(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fputs(".intel_syntax noprefix\n", f);
	for (size_t i = 0; i < cases.n; i++)
		fprintf(f, "%s\n.balign %d,%#x\n", cases.text + cases.v[i].text,
			SLOT, FILL);
	return fclose(f) ? -1 : 0;
}

static int run_as(const char *as, const char *src, const char *obj)
{
	const char *argv[] = {as, "--64", "-o", obj, src, NULL};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, as, NULL, NULL, (char **)argv, environ))
		return -1;
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static void check_bytes(const struct want *w, const u8 *got)
{
	const char *text = cases.text + w->text;
	bool same = !memcmp(w->bytes, got, SLOT);

	if (!same && !w->differs) {
		case_fail("as", text, got, SLOT);
		case_fail("ours", text, w->bytes, SLOT);
	}
	if (same && w->differs)
		case_fail("listed as different, is not", text, got, SLOT);
}

static void check_text(Elf_Data *d)
{
	/* The last slot is filled up too. */
	if (d->d_size != cases.n * SLOT) {
		case_fail("size of .text", "as", NULL, 0);
		return;
	}
	for (size_t i = 0; i < cases.n; i++)
		check_bytes(&cases.v[i], (const u8 *)d->d_buf + i * SLOT);
}

/* Each relocation is wanted; clears those it has seen. */
static void check_relocs(Elf_Data *d, size_t entsize)
{
	for (size_t i = 0; i < d->d_size / entsize; i++) {
		struct want *w;
		GElf_Rela r;
		u32 type;

		gelf_getrela(d, (int)i, &r);
		w = &cases.v[r.r_offset / SLOT];
		type = (u32)GELF_R_TYPE(r.r_info);
		if (type == R_X86_64_PLT32)
			type = R_X86_64_PC32;
		if (type != w->reloc || r.r_offset % SLOT != w->at ||
			r.r_addend != w->addend)
			case_fail("relocation", cases.text + w->text, w->bytes,
				SLOT);
		w->reloc = 0;
	}
}

static void check_no_relocs_left(void)
{
	for (size_t i = 0; i < cases.n; i++)
		if (cases.v[i].reloc)
			case_fail("as has no relocation",
				cases.text + cases.v[i].text, cases.v[i].bytes,
				SLOT);
}

static void check_object(Elf *e)
{
	size_t strndx = 0;
	Elf_Scn *s = NULL;

	elf_getshdrstrndx(e, &strndx);
	while ((s = elf_nextscn(e, s))) {
		GElf_Shdr sh;
		const char *name;

		gelf_getshdr(s, &sh);
		name = elf_strptr(e, strndx, sh.sh_name);
		if (!strcmp(name, ".text"))
			check_text(elf_getdata(s, NULL));
		if (!strcmp(name, ".rela.text"))
			check_relocs(elf_getdata(s, NULL), sh.sh_entsize);
	}
	check_no_relocs_left();
}

int as_check(const char *as, const char *dir)
{
	char src[PATH_MAX], obj[PATH_MAX];
	int fd;
	Elf *e;

	snprintf(src, sizeof(src), "%s/enc-x86.s", dir);
	snprintf(obj, sizeof(obj), "%s/enc-x86.o", dir);
	if (write_source(src) || run_as(as, src, obj))
		return -1;
	elf_version(EV_CURRENT);
	fd = open(obj, O_RDONLY);
	e = elf_begin(fd, ELF_C_READ, NULL);
	if (!e)
		return -1;
	check_object(e);
	elf_end(e);
	close(fd);
	return 0;
}
