/* Growing byte buffers in an arena: code, sections, string tables. */
#include <string.h>

#include "ir/support.h"
#include "kiln/bytes.h"

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

void buf_u8(struct buf *b, u8 v)
{
	buf_put(b, &v, 1);
}

void buf_u16(struct buf *b, u16 v)
{
	u8 p[2];

	put_le16(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_u32(struct buf *b, u32 v)
{
	u8 p[4];

	put_le32(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_u64(struct buf *b, u64 v)
{
	u8 p[8];

	put_le64(p, v);
	buf_put(b, p, sizeof(p));
}

void buf_uleb(struct buf *b, u64 v)
{
	do {
		u8 byte = v & 0x7f;

		v >>= 7;
		buf_u8(b, byte | (v ? 0x80 : 0));
	} while (v);
}

void buf_sleb(struct buf *b, i64 v)
{
	for (;;) {
		u8 byte = v & 0x7f;
		bool neg = byte & 0x40;

		v >>= 7;
		if (v == (neg ? -1 : 0)) {
			buf_u8(b, byte);
			return;
		}
		buf_u8(b, byte | 0x80);
	}
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}
