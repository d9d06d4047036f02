/*
 * Whatever happens to the bytes of a target, kiln refuses it with a line, or
 * reads it and finds in it what it finds: cut at many lengths, every byte
 * changed in three ways. The same with the CO-RE records of the object.
 *
 *   t_core_damage OBJECT TARGET...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/bytes.h"
#include "tests/elf/read.h"

enum { CHUNK = 64, WORDS = 1500 };

struct counts {
	u32 runs, refused, failed;
};

static struct module blank(struct reading *r)
{
	return (struct module){.a = &r->a,
		.diag = &r->diag,
		.license = "",
		.file = &r->file,
		.nfile = 1};
}

static void count(struct counts *c, const char *name, int err, u32 errors)
{
	c->runs++;
	c->refused += err != 0;
	if (!err == !errors)
		return;
	fprintf(stderr, "%s: result %d, but %u errors\n", name, err, errors);
	c->failed++;
}

/* Size bytes of the target, byte `at` xored, and the object read for it. */
static void try_target(struct counts *c, const char *name, const u8 *bytes,
	size_t size, size_t at, u8 with, const u8 *object, size_t object_size)
{
	static struct reading opening, r;
	u8 *p = malloc(size ? size : 1);

	if (!p)
		abort();
	memcpy(p, bytes, size);
	if (at < size)
		p[at] ^= with;
	memset(&opening, 0, sizeof(opening));
	arena_init(&opening.a, NULL, NULL);
	opening.file = name;
	opening.m = blank(&opening);
	struct fe_target *t = fe_target_new(&opening.m, name);
	struct fe_opts opts = {.target = t};
	int err = fe_target_read(&opening.m, t, p, size);
	free(p); /* it is not needed any more */
	count(c, name, err, opening.diag.errors);
	if (!err) {
		err = read_bytes(&r, "object", object, object_size, &opts);
		count(c, name, err, r.diag.errors);
		read_done(&r);
	}
	fe_target_close(t);
	arena_fini(&opening.a);
}

static void torture(struct counts *c, const char *name, const u8 *object,
	size_t object_size)
{
	static const u8 with[] = {0x01, 0x80, 0xff};
	size_t n;
	u8 *p = read_file(name, &n);

	for (size_t at = 0; at < n; at += CHUNK)
		try_target(c, name, p, at, SIZE_MAX, 0, object, object_size);
	for (size_t at = 0; at < n; at += 3)
		try_target(c, name, p, n, at, with[at / 3 % countof(with)],
			object, object_size);
	free(p);
}

static u32 next(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Words of .BTF and .BTF.ext become small or odd ones: other types, kinds,
 * places and access strings. */
static void torture_records(
	struct counts *c, const u8 *object, size_t size, const char *target)
{
	static const u32 odd[] = {0, 0x7fffffff, 0x80000000, 0xffffffff};
	static struct reading r, opening;
	size_t n, shoff = (size_t)get_le64(object + 40);
	u8 *t = read_file(target, &n), *p = malloc(size);
	const u8 *sh = object + shoff;
	u32 seed = 1;

	memset(&opening, 0, sizeof(opening));
	arena_init(&opening.a, NULL, NULL);
	opening.m = blank(&opening);
	struct fe_target *to = fe_target_new(&opening.m, target);
	struct fe_opts opts = {.target = to};
	if (fe_target_read(&opening.m, to, t, n))
		abort();
	const u8 *str =
		object + get_le64(sh + get_le16(object + 62) * 64u + 24);
	for (u32 i = 0; p && i < get_le16(object + 60); i++, sh += 64) {
		if (strncmp((const char *)str + get_le32(sh), ".BTF", 4))
			continue;
		for (u32 k = 0; k < WORDS && get_le64(sh + 32) >= 4; k++) {
			size_t at =
				(size_t)(get_le64(sh + 24) +
					 next(&seed) % (get_le64(sh + 32) - 3));

			memcpy(p, object, size);
			put_le32(p + (at & ~(size_t)3),
				k % 3 ? next(&seed) % 200
				      : odd[next(&seed) % countof(odd)]);
			int err = read_bytes(&r, "object", p, size, &opts);
			count(c, "object", err, r.diag.errors);
			read_done(&r);
		}
	}
	fe_target_close(to);
	arena_fini(&opening.a);
	free(p);
	free(t);
}

int main(int argc, char **argv)
{
	struct counts c = {0};
	size_t n;

	if (argc < 3)
		return 2;
	u8 *object = read_file(argv[1], &n);
	for (int i = 2; i < argc; i++)
		torture(&c, argv[i], object, n);
	torture_records(&c, object, n, argv[2]);
	free(object);
	printf("%u damaged, %u refused, %u failed\n", c.runs, c.refused,
		c.failed);
	return c.failed != 0;
}
