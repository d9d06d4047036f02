/*
 * The floor that every room of the compiler stands on: arenas, growing
 * arrays, diagnostics. No state: everything hangs on the caller's context.
 */
#ifndef KILN_IR_SUPPORT_H
#define KILN_IR_SUPPORT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kiln/base.h"

/* ---- arena.c: memory of the compiler ------------------------------------- */

/* One arena per link, one per function (reset after it). Passes never free.
 * Running out of memory calls oom(), which does not return: the driver's one
 * setjmp. Freed memory is poisoned under ASan. */
struct arena {
	struct arena_chunk *chunk; /* newest; older ones hang on it */
	u8 *cur, *end;
	void (*oom)(void *ctx); /* longjmps; NULL: abort() */
	void *oom_ctx;
	u64 total;	       /* bytes handed out since init, for statistics */
	struct arena *scratch; /* see arena_scratch */
	struct arena *owner;   /* whose spare chunks it shares, or itself */
	struct arena_chunk *spare; /* an owner's: released ones */
	bool huge; /* an owner's: a chunk of a huge page was made */
};

struct arena_mark {
	struct arena_chunk *chunk;
	u8 *cur;
};

void arena_init(struct arena *a, void (*oom)(void *), void *oom_ctx);
/* What one of the two releases, both may use again; owner ends last. */
void arena_init_with(struct arena *a, struct arena *owner);
void arena_fini(struct arena *a);
void arena_reset(struct arena *a); /* all is free, for it to use again */
void *arena_alloc(struct arena *a, size_t size);     /* zeroed, 16-aligned */
void *arena_alloc_raw(struct arena *a, size_t size); /* not zeroed */
void *arena_dup(struct arena *a, const void *p, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
struct arena_mark arena_mark(struct arena *a);
void arena_release(struct arena *a, struct arena_mark m);
/* A second arena that lives and dies with a: for what a stage needs only
 * while it runs. Use it between a mark and a release. */
struct arena *arena_scratch(struct arena *a);

#define arena_new(a, type)	((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc_n(a, n, sizeof(type)))
#define arena_raw(a, type, n)	((type *)arena_alloc_raw_n(a, n, sizeof(type)))
void *arena_alloc_n(struct arena *a, size_t n, size_t size); /* oom on wrap */
void *arena_alloc_raw_n(struct arena *a, size_t n, size_t size);

/* Growing array in an arena: struct { T *v; u32 n, cap; }. vec_push makes
 * room for one more and yields a pointer to it, zeroed. Old storage stays in
 * the arena (amortised 2x). */
#define vec(T)              \
	struct {            \
		T *v;       \
		u32 n, cap; \
	}
#define vec_push(a, vecp)                                                     \
	((vecp)->n == (vecp)->cap ? (void)((vecp)->v = vec_grow(a, (vecp)->v, \
						   &(vecp)->cap, (vecp)->n,   \
						   sizeof(*(vecp)->v)))       \
				  : (void)0,                                  \
		memset(&(vecp)->v[(vecp)->n], 0, sizeof(*(vecp)->v)),         \
		&(vecp)->v[(vecp)->n++])
/* Room for n elements in all: who knows the size need not grow and copy. */
#define vec_reserve(a, vecp, want)                                           \
	((vecp)->v = vec_room(a, (vecp)->v, &(vecp)->cap, (vecp)->n, (want), \
		 sizeof(*(vecp)->v)))
void *vec_room(
	struct arena *a, void *v, u32 *cap, u32 n, u32 want, size_t size);
void *vec_grow(struct arena *a, void *v, u32 *cap, u32 n, size_t size);

/* ---- diag.c: what is wrong with the input -------------------------------- */

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_INFO };

/* Where a diagnostic points: from large to small; what is absent is NULL or
 * -1 and is left out of the message:
 *   file: section S: program P: insn N (source:line): text */
struct loc {
	const char *file;
	const char *section; /* or NULL */
	const char *prog;    /* program or subprogram, or NULL */
	i64 insn;	     /* slot within the program, or -1 */
	const char *source;  /* "file.c:12", or NULL */
};

typedef void (*diag_fn)(void *ctx, enum diag_level level, const char *line);

struct diag {
	diag_fn fn;
	void *ctx;
	u32 errors;
	u32 warnings;
	u32 max_errors; /* further ones are counted, not printed; 0: 20 */
};

void diag_error(struct diag *d, const struct loc *l, const char *fmt, ...)
	printf_like(3, 4);
void diag_warn(struct diag *d, const struct loc *l, const char *fmt, ...)
	printf_like(3, 4);

/* ---- buf.c: growing byte buffer ------------------------------------------ */

struct buf {
	struct arena *a;
	u8 *p;
	size_t n, cap;
};

void buf_init(struct buf *b, struct arena *a);
u8 *buf_room(struct buf *b, size_t n); /* n writable bytes at p + n */
size_t buf_put(struct buf *b, const void *p, size_t n); /* its offset */
size_t buf_zero(struct buf *b, size_t n);
size_t buf_align(struct buf *b, size_t align, u8 fill);
void buf_u8(struct buf *b, u8 v);
void buf_u16(struct buf *b, u16 v); /* little-endian */
void buf_u32(struct buf *b, u32 v);
void buf_u64(struct buf *b, u64 v);
void buf_uleb(struct buf *b, u64 v); /* LEB128, DWARF 4 section 7.6 */
void buf_sleb(struct buf *b, i64 v);
void buf_str(struct buf *b, const char *s); /* with its NUL */

#endif
