/* Growing byte buffers in an arena: code, sections, string tables. */
#include <string.h>

#include "ir/support.h"

void buf_init(struct buf *b, struct arena *a)
{
	*b = (struct buf){.a = a};
}

u8 *buf_room(struct buf *b, size_t n)
{
	if (n <= b->cap - b->n)
		return b->p + b->n;

	size_t cap = b->cap ? b->cap * 2 : 256;
	while (cap - b->n < n)
		cap *= 2;
	u8 *p = arena_alloc(b->a, cap);
	if (b->n)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	return b->p + b->n;
}

size_t buf_put(struct buf *b, const void *p, size_t n)
{
	size_t at = b->n;

	if (n)
		memcpy(buf_room(b, n), p, n);
	b->n += n;
	return at;
}

size_t buf_zero(struct buf *b, size_t n)
{
	size_t at = b->n;

	memset(buf_room(b, n + 1), 0, n);
	b->n += n;
	return at;
}

size_t buf_align(struct buf *b, size_t align, u8 fill)
{
	size_t n = align_up(b->n, align) - b->n;

	memset(buf_room(b, n + 1), fill, n);
	b->n += n;
	return b->n;
}
