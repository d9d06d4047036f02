/*
 * Writes seeds.
 *
 *   make_seeds OUT       the object of tests/elf/base.h
 *   make_seeds OUT IN    the object IN, as one that is its own --btf
 *   make_seeds OUT A B   two objects, as fuzz_object.c takes them apart
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int put_base(const char *file)
{
	struct base b;

	base_make(&b);
	int err = put(file, b.bytes, b.size);
	base_free(&b);
	return err;
}

static int put_own_btf(const char *file, const char *in)
{
	size_t n;
	u8 *p = read_file(in, &n);

	p[7] |= 0x80; /* fuzz_object.c */
	int err = put(file, p, n);
	free(p);
	return err;
}

/* The second one at a multiple of 8. */
static int put_two(const char *file, const char *a, const char *b)
{
	size_t na, nb;
	u8 *pa = read_file(a, &na), *pb = read_file(b, &nb);
	size_t at = (na + 7) & ~(size_t)7;
	u8 *both = calloc(1, at + nb);
	int err = 2;

	if (both) {
		memcpy(both, pa, na);
		memcpy(both + at, pb, nb);
		err = put(file, both, at + nb);
	}
	free(both);
	free(pa);
	free(pb);
	return err;
}

int main(int argc, char **argv)
{
	switch (argc) {
	case 2: return put_base(argv[1]);
	case 3: return put_own_btf(argv[1], argv[2]);
	case 4: return put_two(argv[1], argv[2], argv[3]);
	default: return 2;
	}
}
