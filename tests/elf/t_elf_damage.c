/*
 * Whatever happens to the bytes of an object, it is read or refused with at
 * least one line: cut at every section boundary and every 64 bytes, and every
 * byte changed in three ways. Under ASan this also finds reads outside.
 *
 *   t_elf_damage [FILE...]    the object of base.h, and these
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "read.h"

enum { CHUNK = 64, FLIP_MAX = 1 << 12 };

struct victim {
	const char *name;
	const u8 *bytes;
	size_t size;
	u32 runs, refused, failed;
};

/* Reads size bytes, byte `at` xored; checks that result and lines agree. */
static void try(struct victim *v, size_t size, size_t at, u8 with)
{
	static const struct fe_opts none;
	struct reading r;
	u8 *p = malloc(size ? size : 1);

	if (!p)
		abort();
	memcpy(p, v->bytes, size);
	if (at < size)
		p[at] ^= with;
	int err = read_bytes(&r, v->name, p, size, &none);
	v->runs++;
	v->refused += err != 0;
	if (!err != !r.diag.errors || (err && !*r.log)) {
		fprintf(stderr,
			"%s: %zu bytes, byte %zu ^ %#x: result %d at %s, but "
			"%u errors\n%s",
			v->name, size, at, with, err, r.stage, r.diag.errors,
			r.log);
		v->failed++;
	}
	read_done(&r);
	free(p);
}

static void cut(struct victim *v)
{
	Elf64_Ehdr h;

	for (size_t n = 0; n < v->size; n += CHUNK)
		try(v, n, SIZE_MAX, 0);
	memcpy(&h, v->bytes, sizeof(h));
	for (u32 i = 0; i < h.e_shnum; i++) {
		Elf64_Shdr s;

		memcpy(&s, v->bytes + h.e_shoff + i * sizeof(s), sizeof(s));
		for (int d = -1; d <= 1; d++) {
			u64 end = s.sh_offset + (u64)d;

			if (end < v->size)
				try(v, end, SIZE_MAX, 0);
		}
	}
	/* the section headers are last: every cut loses one */
	if (v->refused != v->runs) {
		fprintf(stderr, "%s: %u of %u cuts were accepted\n", v->name,
			v->runs - v->refused, v->runs);
		v->failed++;
	}
}

static void change(struct victim *v)
{
	static const u8 with[] = {0x01, 0x80, 0xff};
	size_t step = v->size > FLIP_MAX ? v->size / FLIP_MAX : 1;

	for (size_t at = 0; at < v->size; at += step)
		for (u32 k = 0; k < countof(with); k++)
			try(v, v->size, at, with[k]);
}

static u32 torture(const char *name, const u8 *bytes, size_t size)
{
	struct victim v = {.name = name, .bytes = bytes, .size = size};

	cut(&v);
	change(&v);
	printf("%s: %u damaged, %u refused, %u failed\n", name, v.runs,
		v.refused, v.failed);
	return v.failed;
}

static u32 torture_file(const char *name)
{
	size_t n;
	u8 *p = read_file(name, &n);
	u32 failed = torture(name, p, n);

	free(p);
	return failed;
}

int main(int argc, char **argv)
{
	struct base b;

	base_make(&b);
	u32 failed = torture("base.o", b.bytes, b.size);
	base_free(&b);
	for (int i = 1; i < argc; i++)
		failed += torture_file(argv[i]);
	return failed != 0;
}
