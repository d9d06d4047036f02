/*
 * Arenas: memory that is freed all at once. A chain of chunks, each twice the
 * size of the one before up to CHUNK_MAX; an allocation that does not fit
 * starts a new chunk.
 */
#include <stdlib.h>
#include <string.h>

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
#else
#define poison(p, n)   ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, CHUNK_MIN = 64 << 10, CHUNK_MAX = 4 << 20 };

struct arena_chunk {
	struct arena_chunk *prev;
	size_t size; /* bytes after this header */
};

static u8 *chunk_data(struct arena_chunk *c)
{
	return (u8 *)c + align_up(sizeof(*c), ALIGN);
}

void arena_init(struct arena *a, void (*oom)(void *), void *oom_ctx)
{
	memset(a, 0, sizeof(*a));
	a->oom = oom;
	a->oom_ctx = oom_ctx;
}

static void arena_oom(struct arena *a)
{
	if (a->oom)
		a->oom(a->oom_ctx);
	abort();
}

static void chunk_use(struct arena *a, struct arena_chunk *c)
{
	a->chunk = c;
	a->cur = chunk_data(c);
	a->end = a->cur + c->size;
	poison(a->cur, c->size);
}

/* A chunk that a release left over: a stage needs about as much as the one
 * before it, and fresh pages from the system cost more than they hold. */
static struct arena_chunk *take_spare(struct arena *a, size_t need)
{
	struct arena_chunk *c = a->spare;

	if (!c || c->size < need)
		return NULL;
	a->spare = c->prev;
	return c;
}

static void free_spare(struct arena *a)
{
	for (struct arena_chunk *c = a->spare, *prev; c; c = prev) {
		prev = c->prev;
		free(c);
	}
	a->spare = NULL;
}

static void chunk_add(struct arena *a, size_t need)
{
	struct arena_chunk *c = take_spare(a, need);

	if (c) {
		c->prev = a->chunk;
		chunk_use(a, c);
		return;
	}
	size_t size = a->chunk ? a->chunk->size * 2 : CHUNK_MIN;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	c = malloc(align_up(sizeof(*c), ALIGN) + size);
	if (!c)
		arena_oom(a);
	c->prev = a->chunk;
	c->size = size;
	chunk_use(a, c);
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		arena_oom(a);
	size = align_up(size ? size : 1, ALIGN);
	if (size > (size_t)(a->end - a->cur))
		chunk_add(a, size);

	void *p = a->cur;
	a->cur += size;
	a->total += size;
	unpoison(p, size);
	return memset(p, 0, size);
}

void *arena_alloc_n(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (mul_overflows(n, size, &bytes))
		arena_oom(a);
	return arena_alloc(a, bytes);
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

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

struct arena_mark arena_mark(struct arena *a)
{
	return (struct arena_mark){a->chunk, a->cur};
}

void arena_release(struct arena *a, struct arena_mark m)
{
	while (a->chunk != m.chunk) {
		struct arena_chunk *c = a->chunk;

		a->chunk = c->prev;
		c->prev = a->spare;
		a->spare = c;
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
		arena_init(s, a->oom, a->oom_ctx);
		a->scratch = s;
	}
	if (!a->scratch->chunk) /* so that a release keeps one chunk */
		chunk_add(a->scratch, CHUNK_MIN);
	return a->scratch;
}

/* Keeps the newest chunk, which is the largest: the next function of the same
 * size needs no malloc. */
void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->chunk;

	if (a->scratch)
		arena_reset(a->scratch);
	free_spare(a);
	if (!keep)
		return;
	for (struct arena_chunk *c = keep->prev, *prev; c; c = prev) {
		prev = c->prev;
		free(c);
	}
	keep->prev = NULL;
	chunk_use(a, keep);
}

void arena_fini(struct arena *a)
{
	arena_release(a, (struct arena_mark){0});
	free_spare(a);
	if (a->scratch) {
		arena_fini(a->scratch);
		free(a->scratch);
		a->scratch = NULL;
	}
}

void *vec_grow(struct arena *a, void *v, u32 *cap, u32 n, size_t size)
{
	u32 want = *cap ? *cap * 2 : 8;

	if (want <= *cap)
		arena_oom(a);
	void *p = arena_alloc_n(a, want, size);
	if (n)
		memcpy(p, v, n * size);
	*cap = want;
	return p;
}
