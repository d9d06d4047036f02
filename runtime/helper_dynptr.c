/*
 * Dynptrs: a pointer with its size, in 16 bytes that the program does not look
 * into. One that was not made, or was given back, is all zero: nothing can be
 * read, written or had of it.
 */
#include "runtime/ring.h"

#define DYNPTR_MAX ((1u << 24) - 1)

/* [off, off + len) of it, or NULL with why in *err. */
static void *part(const struct dynptr *d, u64 off, u64 len, u64 *err)
{
	off = (u32)off;
	len = (u32)len;
	*err = d->data ? FAILED(E2BIG) : FAILED(EINVAL);
	if (!d->data || !range_inside(off, len, d->size))
		return NULL;
	return PTR(u8, d->data) + off;
}

/* bpf_dynptr_from_mem(data, size, flags, dynptr) */
HELPER_FN(dynptr_from_mem)
{
	struct dynptr *d = PTR(struct dynptr, a4);

	*d = (struct dynptr){0};
	if ((u32)a2 > DYNPTR_MAX)
		return FAILED(E2BIG);
	if (a3)
		return FAILED(EINVAL);
	*d = (struct dynptr){a1, (u32)a2, 0};
	return 0;
}

/* bpf_dynptr_read(dst, len, dynptr, offset, flags) */
HELPER_FN(dynptr_read)
{
	u64 err;
	void *p = part(PTR(struct dynptr, a3), a4, a2, &err);

	if (a5)
		return FAILED(EINVAL);
	if (!p)
		return err;
	__builtin_memmove(PTR(void, a1), p, (u32)a2);
	return 0;
}

/* bpf_dynptr_write(dynptr, offset, src, len, flags) */
HELPER_FN(dynptr_write)
{
	u64 err;
	void *p = part(PTR(struct dynptr, a1), a2, a4, &err);

	if (a5)
		return FAILED(EINVAL);
	if (!p)
		return err;
	__builtin_memmove(p, PTR(void, a3), (u32)a4);
	return 0;
}

/* bpf_dynptr_data(dynptr, offset, len) */
HELPER_FN(dynptr_data)
{
	u64 err;

	return (uintptr_t)part(PTR(struct dynptr, a1), a2, a3, &err);
}

/* ---- records of ring buffers ---------------------------------------------------- */

/* bpf_ringbuf_reserve_dynptr(map, size, flags, dynptr) */
HELPER_FN(ringbuf_reserve_dynptr)
{
	struct ring *r = ringbuf_of(PTR(struct kiln_map, a1));
	struct dynptr *d = PTR(struct dynptr, a4);
	void *p;

	*d = (struct dynptr){0};
	if (!r || a3)
		return FAILED(EINVAL);
	if ((u32)a2 > DYNPTR_MAX)
		return FAILED(E2BIG);
	p = ring_reserve(r, (u32)a2);
	if (!p)
		return FAILED(EINVAL);
	*d = (struct dynptr){(uintptr_t)p, (u32)a2, 0};
	return 0;
}

static void give_back(struct dynptr *d, u64 flags, bool discard)
{
	if (d->data)
		ring_commit(PTR(void, d->data), flags, discard);
	*d = (struct dynptr){0};
}

HELPER_FN(ringbuf_submit_dynptr)
{
	give_back(PTR(struct dynptr, a1), a2, false);
	return 0;
}

HELPER_FN(ringbuf_discard_dynptr)
{
	give_back(PTR(struct dynptr, a1), a2, true);
	return 0;
}
