/*
 * Writes seeds.
 *
 *   make_seeds OUT       the object of tests/elf/base.h
 *   make_seeds OUT IN    the object IN, as one that is its own --btf
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/elf/base.h"
#include "tests/elf/read.h"

static int put(const char *file, const u8 *bytes, size_t size)
{
	FILE *f = fopen(file, "wb");

	if (!f)
		return 2;
	size_t n = fwrite(bytes, 1, size, f);
	return fclose(f) || n != size;
}

int main(int argc, char **argv)
{
	struct base b;
	size_t n;
	int err;

	if (argc == 3) {
		u8 *p = read_file(argv[2], &n);

		p[7] |= 0x80; /* fuzz_object.c */
		err = put(argv[1], p, n);
		free(p);
		return err;
	}
	if (argc != 2)
		return 2;
	base_make(&b);
	err = put(argv[1], b.bytes, b.size);
	base_free(&b);
	return err;
}
