/*
 * Kernel configurations: --kconfig. A file of lines CONFIG_NAME=VALUE, plain
 * or compressed by gzip, as /boot/config-* and /proc/config.gz are; what is not
 * set stands in comments. Names are sorted, the first line of a name counts.
 * What a value means depends on the variable that takes it (data.c).
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontend/obj.h"

enum { MAX_TEXT = 16 << 20, GZIP = 16 + MAX_WBITS };

struct entry {
	const char *name, *value;
	u32 line;
};

struct fe_kconfig {
	const char *file;
	vec(struct entry) v;
};

#define kconfig_error(m, name, ...)                                      \
	diag_error((m)->diag, &(struct loc){.file = (name), .insn = -1}, \
		__VA_ARGS__)

/* ---- gzip ---------------------------------------------------------------- */

/* Everything of the stream to out, at most MAX_TEXT bytes; zlib's answer. */
static int inflate_all(z_stream *z, struct buf *out)
{
	int err = Z_OK;

	while (err == Z_OK && out->n <= MAX_TEXT) {
		enum { STEP = 1 << 16 };

		z->next_out = buf_room(out, STEP);
		z->avail_out = STEP;
		err = inflate(z, Z_NO_FLUSH);
		out->n += STEP - z->avail_out;
		if (err == Z_OK && !z->avail_in && z->avail_out)
			return Z_BUF_ERROR; /* cut short */
	}
	return err;
}

static int unpack(struct module *m, const char *name, struct buf *out,
	const u8 *bytes, size_t size)
{
	z_stream z = {.next_in = (u8 *)bytes, .avail_in = (uInt)size};

	if (inflateInit2(&z, GZIP) != Z_OK) {
		kconfig_error(m, name, "no memory to decompress it");
		return -1;
	}
	int err = inflate_all(&z, out);
	inflateEnd(&z);
	if (err == Z_STREAM_END && out->n <= MAX_TEXT)
		return 0;
	kconfig_error(m, name, "damaged gzip file, or more than %u bytes in it",
		MAX_TEXT);
	return -1;
}

/* ---- lines --------------------------------------------------------------- */

static int read_line(
	struct module *m, struct fe_kconfig *k, char *line, u32 number)
{
	size_t n = strlen(line);
	char *eq = strchr(line, '=');

	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
	if (strncmp(line, "CONFIG_", 7))
		return 0;
	if (!eq || !eq[1] ||
		(eq[1] == '"' &&
			(n < (size_t)(eq - line) + 3 || line[n - 1] != '"'))) {
		kconfig_error(m, k->file, "line %u: wanted CONFIG_NAME=VALUE",
			number);
		return -1;
	}
	*eq = '\0';
	*vec_push(m->a, &k->v) = (struct entry){line, eq + 1, number};
	return 0;
}

static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->line > y->line) - (x->line < y->line);
}

static int read_lines(struct module *m, struct fe_kconfig *k, char *text)
{
	u32 number = 1;

	for (char *line = text, *end; line; line = end, number++) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (read_line(m, k, line, number))
			return -1;
	}
	if (k->v.n)
		qsort(k->v.v, k->v.n, sizeof(*k->v.v), cmp_entry);
	return 0;
}

/* ---- opening and asking -------------------------------------------------- */

struct fe_kconfig *fe_kconfig_open(
	struct module *m, const char *name, const u8 *bytes, size_t size)
{
	struct fe_kconfig *k = arena_new(m->a, struct fe_kconfig);
	struct buf text;

	k->file = name;
	if (size > MAX_TEXT) {
		kconfig_error(m, name, "%zu bytes, at most %u", size, MAX_TEXT);
		return NULL;
	}
	buf_init(&text, m->a);
	if (size < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b)
		buf_put(&text, bytes, size);
	else if (unpack(m, name, &text, bytes, size))
		return NULL;
	if (text.n && memchr(text.p, 0, text.n)) {
		kconfig_error(m, name, "not a text file");
		return NULL;
	}
	buf_u8(&text, 0);
	return read_lines(m, k, (char *)text.p) ? NULL : k;
}

const char *fe_kconfig_find(const struct fe_kconfig *k, const char *name)
{
	u32 lo = 0, hi = k ? k->v.n : 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (strcmp(k->v.v[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!k || lo == k->v.n || strcmp(k->v.v[lo].name, name))
		return NULL;
	return k->v.v[lo].value;
}

const char *fe_kconfig_file(const struct fe_kconfig *k)
{
	return k->file;
}
