/* Bytes through the stages of the frontend that read an object, with what
 * they say collected as text. */
#ifndef TESTS_ELF_READ_H
#define TESTS_ELF_READ_H

#include "frontend/frontend.h"
#include "kiln/compile.h"

struct reading {
	struct arena a;
	struct diag diag;
	struct module m;
	struct fe_obj *obj;
	const char *file;
	char log[1 << 14]; /* lines */
	size_t n;
	const char *stage; /* the last one, "flow" at best */
};

/* 0, or the failure of the stage named in r->stage. The bytes must stay
 * until read_done(). */
int read_bytes(struct reading *r, const char *name, const u8 *bytes,
	size_t size, const struct fe_opts *opts);
/* All bytes of a file, in memory of exactly their number; exits if it cannot.
 * The caller frees them. */
u8 *read_file(const char *name, size_t *size);
void read_done(struct reading *r);

#endif
