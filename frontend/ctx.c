/*
 * Contexts by program type: which fields an access may touch, as the kernel's
 * is_valid_access functions have it, and where kiln's struct (kiln/context.h)
 * keeps the pointers.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/types.h"
#include "kiln/context.h"

// clang-format off
#define NUMBER		{.kind = RTY_SCALAR}
#define PACKET(what)	{.kind = RTY_PACKET, .id = RTY_PACKET_##what}

/* A field of the UAPI struct, and a pointer whose 64-bit form is elsewhere. */
#define FIELD(uapi, f, flags_) \
	{#f, offsetof(struct uapi, f), sizeof(((struct uapi *)0)->f), 0, NUMBER, flags_}
#define POINTER(uapi, f, native, type_) \
	{#f, offsetof(struct uapi, f), 4, offsetof(struct native, f), type_, 0}

static const struct ctx_field xdp_fields[] = {
	POINTER(xdp_md, data,      kiln_xdp_md, PACKET(DATA)),
	POINTER(xdp_md, data_end,  kiln_xdp_md, PACKET(END)),
	POINTER(xdp_md, data_meta, kiln_xdp_md, PACKET(META)),
	FIELD(xdp_md, ingress_ifindex, 0),
	FIELD(xdp_md, rx_queue_index,  0),
	FIELD(xdp_md, egress_ifindex,  0),
};

static const struct ctx_type types[] = {
	{BPF_PROG_TYPE_XDP, "xdp_md", sizeof(struct xdp_md), countof(xdp_fields), xdp_fields},
};

/* Their context is memory: the application's own struct, or an array of
 * 64-bit arguments. */
static const u32 plain[] = {
	BPF_PROG_TYPE_UNSPEC,
	BPF_PROG_TYPE_SYSCALL,
	BPF_PROG_TYPE_RAW_TRACEPOINT,
	BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
};
// clang-format on

_Static_assert(sizeof(struct xdp_md) == KILN_XDP_MD_UAPI_SIZE, "xdp_md");

const struct ctx_type *ctx_find(u32 prog_type)
{
	for (u32 k = 0; k < countof(types); k++)
		if (types[k].prog_type == prog_type)
			return &types[k];
	return NULL;
}

enum ctx_class ctx_class(u32 prog_type)
{
	for (u32 k = 0; k < countof(plain); k++)
		if (plain[k] == prog_type)
			return CTX_PLAIN;
	return ctx_find(prog_type) ? CTX_KNOWN : CTX_UNSUPPORTED;
}

const char *ctx_prog_name(u32 prog_type)
{
	const char *s = libbpf_bpf_prog_type_str((enum bpf_prog_type)prog_type);

	return s ? s : "unknown";
}

/* ---- one access ---------------------------------------------------------- */

static const struct ctx_field *find_field(
	const struct ctx_type *c, i64 off, u32 size)
{
	for (u32 k = 0; k < c->nfields; k++) {
		const struct ctx_field *f = &c->field[k];

		if (off >= f->off && off + size <= f->off + f->size)
			return f;
	}
	return NULL;
}

const struct ctx_field *ctx_access(const struct ctx_type *c, i64 off, u32 size,
	u8 flags, char *why, size_t n)
{
	const struct ctx_field *f;

	if (off < 0 || off + size > c->size) {
		snprintf(why, n,
			"access of %u bytes at offset %lld of struct %s, "
			"which has %u",
			size, (long long)off, c->name, c->size);
		return NULL;
	}
	f = find_field(c, off, size);
	if (!f || off % size) {
		snprintf(why, n,
			"access of %u bytes at offset %lld of struct %s, "
			"wanted one whole field",
			size, (long long)off, c->name);
		return NULL;
	}
	if ((flags & CTX_STORE) && !(f->flags & CTX_RW)) {
		snprintf(why, n, "store to %s.%s, which is read-only", c->name,
			f->name);
		return NULL;
	}
	if (size != f->size &&
		((flags & CTX_STORE) || !(f->flags & CTX_NARROW))) {
		snprintf(why, n, "access of %u bytes to %s.%s, wanted %u", size,
			c->name, f->name, f->size);
		return NULL;
	}
	if (f->member && (flags & CTX_SX)) {
		snprintf(why, n, "sign-extending load of the pointer %s.%s",
			c->name, f->name);
		return NULL;
	}
	return f;
}
