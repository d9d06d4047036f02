/*
 * Compares all cases with GNU as: one source file, one run, one slot per case,
 * so that a wrong length moves nothing behind it. Relocations are compared with
 * what the encoder reported.
 */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

extern char **environ;

static int write_source(const struct as_target *t, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fputs(t->header, f);
	for (size_t i = 0; i < cases.n; i++)
		fprintf(f, "%s\n.balign %u,%#x\n", case_text(&cases.v[i]),
			t->slot, t->fill);
	return fclose(f) ? -1 : 0;
}

int tool_run(const char *const argv[], const char *out)
{
	posix_spawn_file_actions_t to;
	int status, err = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&to);
	if (!out || !posix_spawn_file_actions_addopen(
			    &to, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666))
		err = posix_spawnp(
			&pid, argv[0], &to, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&to);
	if (err || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static void check_bytes(const struct want *w, const u8 *got, unsigned slot)
{
	const char *text = case_text(w);
	bool same = !memcmp(w->bytes, got, slot);

	if (!same && !w->differs) {
		case_fail("as", text, got, slot);
		case_fail("ours", text, w->bytes, slot);
	}
	if (same && w->differs)
		case_fail("listed as different, is not", text, got, slot);
}

static void check_text(const struct as_target *t, Elf_Data *d)
{
	/* The last slot is filled up too. */
	if (d->d_size != cases.n * t->slot) {
		case_fail("size of .text", "as", NULL, 0);
		return;
	}
	for (size_t i = 0; i < cases.n; i++)
		check_bytes(&cases.v[i], (const u8 *)d->d_buf + i * t->slot,
			t->slot);
}

/* Each relocation is wanted; clears those it has seen. */
static void check_relocs(const struct as_target *t, Elf_Data *d, size_t entsize)
{
	for (size_t i = 0; i < d->d_size / entsize; i++) {
		struct want *w;
		GElf_Rela r;
		u32 type;

		gelf_getrela(d, (int)i, &r);
		w = &cases.v[r.r_offset / t->slot];
		type = (u32)GELF_R_TYPE(r.r_info);
		if (type == t->call)
			type = t->branch;
		if (type != w->reloc || r.r_offset % t->slot != w->at ||
			r.r_addend != w->addend)
			case_fail(
				"relocation", case_text(w), w->bytes, t->slot);
		w->reloc = 0;
	}
}

static void check_no_relocs_left(const struct as_target *t)
{
	for (size_t i = 0; i < cases.n; i++)
		if (cases.v[i].reloc)
			case_fail("as has no relocation",
				case_text(&cases.v[i]), cases.v[i].bytes,
				t->slot);
}

static void check_object(const struct as_target *t, Elf *e)
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
			check_text(t, elf_getdata(s, NULL));
		if (!strcmp(name, ".rela.text"))
			check_relocs(t, elf_getdata(s, NULL), sh.sh_entsize);
	}
	check_no_relocs_left(t);
}

int as_check(const struct as_target *t, const char *as, const char *dir)
{
	char src[PATH_MAX], obj[PATH_MAX];
	const char *const argv[] = {as, t->flag, "-o", obj, src, NULL};
	int fd;
	Elf *e;

	snprintf(src, sizeof(src), "%s/%s.s", dir, t->name);
	snprintf(obj, sizeof(obj), "%s/%s.o", dir, t->name);
	if (write_source(t, src) || tool_run(argv, NULL))
		return -1;
	elf_version(EV_CURRENT);
	fd = open(obj, O_RDONLY);
	e = elf_begin(fd, ELF_C_READ, NULL);
	if (!e)
		return -1;
	check_object(t, e);
	elf_end(e);
	close(fd);
	return 0;
}
