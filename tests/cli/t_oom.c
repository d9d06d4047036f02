/*
 * Memory that runs out, at every allocation of a compilation in turn: the
 * answer is -ENOMEM and one line, and neither memory (the sanitizers' matter)
 * nor a file descriptor is left behind. Linked with --wrap: what the
 * compiler itself asks for fails, what its shared libraries ask for does not.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kiln/compile.h"

enum { MOST = 100000 };

static unsigned left; /* allocations until one fails; 0: none does */
static unsigned lines;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *__wrap_malloc(size_t n)
{
	if (left && !--left)
		return NULL;
	return __real_malloc(n);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (left && !--left)
		return NULL;
	return __real_calloc(n, size);
}

static void count_line(void *ctx, enum kiln_level level, const char *line)
{
	(void)ctx, (void)line;
	lines += level == KILN_ERROR;
}

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	const struct kiln_compile_opts o = {.sz = sizeof(o), .log = count_line};
	struct kiln_input in = {.name = argc == 2 ? argv[1] : ""};
	unsigned files = open_files(), n;
	size_t size;
	void *out;
	int err = -ENOMEM;

	for (n = 1; err == -ENOMEM && n < MOST; n++) {
		lines = 0;
		left = n;
		err = kiln_compile(&in, 1, &o, &out, &size);
		left = 0;
		if (err == -ENOMEM && (lines != 1 || out || size)) {
			printf("allocation %u: %u lines\n", n, lines);
			return 1;
		}
		if (open_files() != files) {
			printf("allocation %u: a file stays open\n", n);
			return 1;
		}
	}
	printf("%u allocations, then %d\n", n - 1, err);
	kiln_free(out);
	return err != 0 || n < 4;
}
