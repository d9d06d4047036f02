/*
 * Modules made from assembly text, for the tests of decode, flow, types and
 * lower: everything the stages say is collected as text.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "frontend/code.h"

struct fixture {
	struct arena a;
	struct diag diag;
	struct module m;
	char log[4096]; /* diagnostics, one per line */
};

void fix_init(struct fixture *x);
void fix_fini(struct fixture *x);
/* Appends a function. kind: SYM_PROG or SYM_SUBPROG. */
struct func *fix_func(struct fixture *x, const char *name, enum sym_kind kind,
	const char *text);
/* Lets slot `at` of f name a symbol: a map, a function, data. */
void fix_name(struct fixture *x, const struct func *f, u32 at, u32 sym);
u32 fix_map(struct fixture *x, const char *name, u32 type, u32 key_size,
	u32 value_size, u32 max_entries);
/* What a dump function prints; freed by the caller. */
char *fix_dump(const struct fixture *x,
	void (*dump)(FILE *out, const struct module *m));

#endif
