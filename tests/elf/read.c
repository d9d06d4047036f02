#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

static void on_diag(void *ctx, enum diag_level level, const char *line)
{
	static const char *const tag[] = {"error", "warning", "info"};
	struct reading *r = ctx;
	int n = snprintf(r->log + r->n, sizeof(r->log) - r->n, "%s %s\n",
		tag[level], line);

	r->n += n > 0 ? (size_t)n : 0;
	if (r->n >= sizeof(r->log))
		r->n = sizeof(r->log) - 1;
}

static int stages(struct reading *r, const u8 *bytes, size_t size,
	const struct fe_opts *opts)
{
	r->stage = "open";
	r->obj = fe_open(&r->m, r->file, bytes, size);
	if (!r->obj)
		return -1;
	r->stage = "btf";
	if (fe_btf(&r->m, r->obj))
		return -1;
	r->stage = "maps";
	if (fe_maps(&r->m, r->obj))
		return -1;
	r->stage = "reloc";
	if (fe_reloc(&r->m, r->obj, opts))
		return -1;
	r->stage = "core";
	if (fe_core(&r->m, r->obj, opts))
		return -1;
	r->stage = "link";
	if (fe_link(&r->m, &r->obj, 1, opts))
		return -1;
	r->stage = "decode";
	if (fe_decode(&r->m))
		return -1;
	r->stage = "flow";
	return fe_flow(&r->m);
}

int read_bytes(struct reading *r, const char *name, const u8 *bytes,
	size_t size, const struct fe_opts *opts)
{
	memset(r, 0, sizeof(*r));
	arena_init(&r->a, NULL, NULL);
	r->diag = (struct diag){.fn = on_diag, .ctx = r};
	r->file = name;
	r->m = (struct module){.a = &r->a,
		.diag = &r->diag,
		.license = "",
		.file = &r->file,
		.nfile = 1};
	return stages(r, bytes, size, opts);
}

u8 *read_file(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	long n = -1;

	if (f && !fseek(f, 0, SEEK_END))
		n = ftell(f);
	u8 *p = n >= 0 ? malloc(n ? (size_t)n : 1) : NULL;
	if (!p || fseek(f, 0, SEEK_SET) ||
		fread(p, 1, (size_t)n, f) != (size_t)n) {
		perror(name);
		exit(2);
	}
	fclose(f);
	*size = (size_t)n;
	return p;
}

void read_done(struct reading *r)
{
	if (r->obj)
		fe_close(r->obj);
	arena_fini(&r->a);
}
