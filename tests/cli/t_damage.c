/*
 * inspect, disasm and loading on damaged native objects: cut off, bytes changed, at
 * intervals that hit every field of every record sooner or later. They print
 * a report or one line on stderr, and do not crash; the build with sanitizers
 * sees what is read that should not be.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiln/runtime.h>

#include "linker/linker.h"

struct file {
	u8 *p;
	size_t n;
};

enum { CUT_STEP = 20, BYTE_STEP = 3 }; /* the first in units of the second */

static int report; /* our own stderr; 2 is that of the commands */
static int copy;   /* a memfd */
static char copy_name[32];

static void die(const char *what)
{
	dprintf(report, "%s\n", what);
	exit(1);
}

static struct file read_file(const char *name)
{
	struct file f = {NULL, 0};
	struct stat st;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		die("no input");
	f.n = (size_t)st.st_size;
	f.p = malloc(f.n);
	if (!f.p || read(fd, f.p, f.n) != (ssize_t)f.n)
		die("cannot read the input");
	close(fd);
	return f;
}

static void write_copy(const u8 *p, size_t n)
{
	if (ftruncate(copy, (off_t)n) || pwrite(copy, p, n, 0) != (ssize_t)n)
		die("cannot write the copy");
}

static u32 count_lines(void)
{
	char text[4096];
	u32 lines = 0;
	ssize_t n;

	fflush(stderr);
	n = pread(2, text, sizeof(text), 0);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	if (ftruncate(2, 0) || lseek(2, 0, SEEK_SET))
		die("cannot empty stderr");
	return lines;
}

static void check(const char *command, size_t at)
{
	char *argv[] = {(char *)command, (char *)"-j", copy_name, NULL};
	int status =
		*command == 'i' ? cmd_inspect(3, argv) : cmd_disasm(3, argv);
	u32 lines = count_lines();

	if (status != (lines != 0) || lines > 1) {
		dprintf(report, "%s at %zu: status %d, %u lines\n", command, at,
			status, lines);
		exit(1);
	}
}

/* Loading it, which runs nothing, and walking its maps. */
static void check_load(const u8 *p, size_t n, size_t at)
{
	struct kiln_object *o = kiln_object_open_mem(p, n, NULL);
	bool loaded = o && !kiln_object_load(o);

	for (struct kiln_map *m = NULL;
		loaded && (m = kiln_object_next_map(o, m));) {
		static u8 key[1 << 16];

		if (m->key_size <= sizeof(key))
			kiln_map_next_key(m, NULL, key);
	}
	kiln_object_close(o);
	u32 lines = count_lines();
	if (loaded != (lines == 0) || lines > 1) {
		dprintf(report, "load at %zu: %d, %u lines\n", at, loaded,
			lines);
		exit(1);
	}
}

static void check_all(const u8 *p, size_t n, size_t at)
{
	write_copy(p, n);
	check("inspect", at);
	check("disasm", at);
	check_load(p, n, at);
}

int main(int argc, char **argv)
{
	struct file f;

	report = dup(2);
	size_t step = argc == 3 ? strtoul(argv[2], NULL, 10) : BYTE_STEP;

	if (argc < 2 || argc > 3 || !step)
		die("usage: t_damage OBJECT [STEP]");
	f = read_file(argv[1]);
	copy = memfd_create("copy", 0);
	snprintf(copy_name, sizeof(copy_name), "/proc/self/fd/%d", copy);
	int out = open("/dev/null", O_WRONLY);
	int err = memfd_create("stderr", 0);
	if (copy < 0 || out < 0 || err < 0 || dup2(out, 1) < 0 ||
		dup2(err, 2) < 0)
		die("cannot redirect");
	check_all(f.p, f.n, 0);
	for (size_t n = 0; n < f.n; n += CUT_STEP * step + 1)
		check_all(f.p, n, n);
	for (size_t i = 0; i < f.n; i += step) {
		u8 was = f.p[i];

		f.p[i] = i % 2 ? (u8)(was ^ 1 << i % 8) : (u8)(was + 0x7f);
		check_all(f.p, f.n, i);
		f.p[i] = was;
	}
	free(f.p);
	return 0;
}
