/*
 * Helpers on XDP packets: bytes in and out, and moving the packet's ends inside
 * the buffer around it. Where the context describes no buffer (NULL) the ends
 * stay. Packets are in one piece.
 */
#include "kiln/context.h"
#include "runtime/rt.h"

enum { ETH_HEADER = 14, META_MAX = 255 };

static u64 length(const struct kiln_xdp_md *md)
{
	return (u64)((u8 *)md->data_end - (u8 *)md->data);
}

/* len bytes at off: NULL with why in *err. */
static u8 *bytes_at(const struct kiln_xdp_md *md, u64 off, u64 len, u64 *err)
{
	*err = off > 0xffff || len > 0xffff ? FAILED(EFAULT) : FAILED(EINVAL);
	if (off > 0xffff || len > 0xffff || off + len > length(md))
		return NULL;
	return (u8 *)md->data + off;
}

HELPER_FN(xdp_get_buff_len)
{
	return length(PTR(struct kiln_xdp_md, a1));
}

HELPER_FN(xdp_load_bytes)
{
	u64 len = (u32)a4, err;
	const u8 *p = bytes_at(PTR(struct kiln_xdp_md, a1), (u32)a2, len, &err);

	if (!p)
		return err;
	__builtin_memcpy(PTR(void, a3), p, len);
	return 0;
}

HELPER_FN(xdp_store_bytes)
{
	u64 len = (u32)a4, err;
	u8 *p = bytes_at(PTR(struct kiln_xdp_md, a1), (u32)a2, len, &err);

	if (!p)
		return err;
	__builtin_memcpy(p, PTR(void, a3), len);
	return 0;
}

/* ---- the ends ---------------------------------------------------------------- */

/* Where p + by is, counted from the buffer's start; negative: before it. */
static i64 place(const struct kiln_xdp_md *md, const void *p, i32 by)
{
	return (const u8 *)p - (const u8 *)md->data_hard_start + by;
}

static bool has_buffer(const struct kiln_xdp_md *md)
{
	return md->data_hard_start && md->data_hard_end;
}

/* The metadata goes with the packet's head. */
HELPER_FN(xdp_adjust_head)
{
	struct kiln_xdp_md *md = PTR(struct kiln_xdp_md, a1);
	i64 meta = (u8 *)md->data - (u8 *)md->data_meta;
	i32 by = (i32)a2;
	i64 to = place(md, md->data, by);

	if (!has_buffer(md) || to < meta ||
		to > place(md, md->data_end, -ETH_HEADER))
		return FAILED(EINVAL);
	if (meta)
		__builtin_memmove(
			(u8 *)md->data_meta + by, md->data_meta, (size_t)meta);
	md->data_meta = (u8 *)md->data_meta + by;
	md->data = (u8 *)md->data + by;
	return 0;
}

HELPER_FN(xdp_adjust_meta)
{
	struct kiln_xdp_md *md = PTR(struct kiln_xdp_md, a1);
	i64 to = place(md, md->data_meta, (i32)a2);
	i64 size = place(md, md->data, 0) - to;

	if (!has_buffer(md) || to < 0 || size < 0)
		return FAILED(EINVAL);
	if (size & 3 || size > META_MAX)
		return FAILED(EACCES);
	md->data_meta = (u8 *)md->data_meta + (i32)a2;
	return 0;
}

/* What is added reads as zeros. */
HELPER_FN(xdp_adjust_tail)
{
	struct kiln_xdp_md *md = PTR(struct kiln_xdp_md, a1);
	i32 by = (i32)a2;
	i64 to = place(md, md->data_end, by);

	if (!has_buffer(md) || to > place(md, md->data_hard_end, 0) ||
		to < place(md, md->data, ETH_HEADER))
		return FAILED(EINVAL);
	if (by > 0)
		__builtin_memset(md->data_end, 0, (size_t)by);
	md->data_end = (u8 *)md->data_end + by;
	return 0;
}
