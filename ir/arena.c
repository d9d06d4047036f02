/*
 * Arenas: memory that is freed all at once. A chain of chunks, each four times
 * the size of the one before up to LARGE, then one huge page each: of those are
 * all chunks, of an arena and what shares with it, from the first one on. An
 * allocation that does not fit starts a new chunk. Released chunks are kept,
 * for the arena and its scratch arena alike, until the arena's end.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ir/support.h"

#if defined(__SANITIZE_ADDRESS__)
#define KILN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KILN_ASAN 1
#endif
#endif
#ifdef KILN_ASAN
#include <sanitizer/asan_interface.h>
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
/* Who takes raw memory for zeroed shall see it. */
#define junk(p, n) memset(p, 0xa5, n)
#else
#define poison(p, n)   ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#define junk(p, n)     (p)
#endif

enum { ALIGN = 16, SMALL = 64 << 10, LARGE = 256 << 10, HUGE = 2 << 20 };

struct arena_chunk {
	struct arena_chunk *prev;
	size_t size; /* bytes after this header */
};

enum { HEADER = (sizeof(struct arena_chunk) + ALIGN - 1) / ALIGN * ALIGN };

static u8 *chunk_data(struct arena_chunk *c)
{
	return (u8 *)c + HEADER;
}

void arena_init(struct arena *a, void (*oom)(void *), void *oom_ctx)
{
	memset(a, 0, sizeof(*a));
	a->oom = oom;
	a->oom_ctx = oom_ctx;
	a->owner = a;
}

void arena_init_with(struct arena *a, struct arena *owner)
{
	arena_init(a, owner->oom, owner->oom_ctx);
	a->owner = owner->owner;
}

static void arena_oom(struct arena *a)
{
	if (a->oom)
		a->oom(a->oom_ctx);
	abort();
}

/* ---- chunks -------------------------------------------------------------- */

/* Of *size bytes or more. Large ones are made of huge pages where the system
 * has some: with small ones, page faults were a quarter of a compilation. */
static struct arena_chunk *chunk_new(size_t *size)
{
	if (*size < HUGE)
		return malloc(*size);
	*size = align_up(*size, HUGE);
	void *p = aligned_alloc(HUGE, *size);
	if (p)
		madvise(p, *size, MADV_HUGEPAGE);
	return p;
}

/* The smallest spare chunk that has the room, or NULL. A stage needs about as
 * much as the one before it, and fresh pages from the system cost more than
 * they hold. */
static struct arena_chunk *take_spare(struct arena *a, size_t need)
{
	struct arena_chunk **best = NULL;

	for (struct arena_chunk **p = &a->owner->spare; *p; p = &(*p)->prev)
		if ((*p)->size >= need && (!best || (*p)->size < (*best)->size))
			best = p;
	if (!best)
		return NULL;
	struct arena_chunk *c = *best;
	*best = c->prev;
	return c;
}

static struct arena_chunk *chunk_of(struct arena *a, size_t need)
{
	struct arena_chunk *c = take_spare(a, need);

	if (c)
		return c;
	size_t size = a->chunk ? 4 * (a->chunk->size + HEADER) : SMALL;
	if (size > LARGE || need > LARGE || a->owner->huge)
		size = HUGE; /* costs what 320 KiB of small pages do */
	a->owner->huge = size == HUGE;
	if (size < need + HEADER)
		size = need + need / 8 + HEADER; /* next time a bit more fits */
	c = chunk_new(&size);
	if (!c)
		arena_oom(a);
	c->size = size - HEADER;
	poison(chunk_data(c), c->size);
	return c;
}

static void chunk_add(struct arena *a, size_t need)
{
	struct arena_chunk *c = chunk_of(a, need);

	c->prev = a->chunk;
	a->chunk = c;
	a->cur = chunk_data(c);
	a->end = a->cur + c->size;
}

/* ---- allocation ---------------------------------------------------------- */

void *arena_alloc_raw(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 4)
		arena_oom(a);
	size = align_up(size ? size : 1, ALIGN);
	if (size > (size_t)(a->end - a->cur))
		chunk_add(a, size);

	void *p = a->cur;
	a->cur += size;
	a->total += size;
	unpoison(p, size);
	return junk(p, size);
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_alloc_raw(a, size), 0, size);
}

static size_t bytes_of(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (mul_overflows(n, size, &bytes))
		arena_oom(a);
	return bytes;
}

void *arena_alloc_n(struct arena *a, size_t n, size_t size)
{
	return arena_alloc(a, bytes_of(a, n, size));
}

void *arena_alloc_raw_n(struct arena *a, size_t n, size_t size)
{
	return arena_alloc_raw(a, bytes_of(a, n, size));
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc_raw(a, size);

	return size ? memcpy(copy, p, size) : copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);

	char *s = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

/* ---- release ------------------------------------------------------------- */

struct arena_mark arena_mark(struct arena *a)
{
	return (struct arena_mark){a->chunk, a->cur};
}

void arena_release(struct arena *a, struct arena_mark m)
{
	while (a->chunk != m.chunk) {
		struct arena_chunk *c = a->chunk;

		a->chunk = c->prev;
		c->prev = a->owner->spare;
		a->owner->spare = c;
		poison(chunk_data(c), c->size);
	}
	if (!a->chunk) {
		a->cur = a->end = NULL;
		return;
	}
	a->cur = m.cur;
	a->end = chunk_data(a->chunk) + a->chunk->size;
	poison(a->cur, (size_t)(a->end - a->cur));
}

struct arena *arena_scratch(struct arena *a)
{
	if (!a->scratch) {
		struct arena *s = malloc(sizeof(*s));

		if (!s)
			arena_oom(a);
		arena_init_with(s, a);
		a->scratch = s;
	}
	return a->scratch;
}

void arena_reset(struct arena *a)
{
	if (a->scratch)
		arena_reset(a->scratch);
	arena_release(a, (struct arena_mark){0});
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
	if (a->scratch) {
		arena_fini(a->scratch);
		free(a->scratch);
		a->scratch = NULL;
	}
	if (a->owner != a)
		return;
	for (struct arena_chunk *c = a->spare, *prev; c; c = prev) {
		prev = c->prev;
		unpoison(c, HEADER + c->size);
		free(c);
	}
	a->spare = NULL;
}

/* ---- growing arrays ------------------------------------------------------ */

void *vec_room(struct arena *a, void *v, u32 *cap, u32 n, u32 want, size_t size)
{
	if (want <= *cap)
		return v;
	void *p = arena_alloc_raw_n(a, want, size);
	if (n)
		memcpy(p, v, n * size);
	*cap = want;
	return p;
}

void *vec_grow(struct arena *a, void *v, u32 *cap, u32 n, size_t size)
{
	u32 want = *cap ? *cap * 2 : 8;

	if (want <= *cap)
		arena_oom(a);
	return vec_room(a, v, cap, n, want, size);
}
