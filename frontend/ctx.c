/*
 * Contexts by program type: which fields an access may touch, as the kernel's
 * is_valid_access functions have it (tests/frontend/t_ctx_kernel.c asks it).
 * ctx_packet.c and ctx_sock.c have the fields.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/ctx.h"

/* Attach types that the UAPI headers of this build may not have yet. */
enum {
	UNIX_CONNECT = 49,
	UNIX_SENDMSG,
	UNIX_RECVMSG,
	UNIX_GETPEERNAME,
	UNIX_GETSOCKNAME,
};

// clang-format off
#define EVERY(type, as, skb, of) {BPF_PROG_TYPE_##type, CTX_EVERY, as, skb, of}
#define AT(type, attach, as, of) {BPF_PROG_TYPE_##type, attach, as, false, of}

/* Of one type: those of one attach type first, then the rest. A program whose
 * section does not say where it is attached may do what any of them may. */
static const struct ctx_type types[] = {
	EVERY(UNSPEC,         0,      false, NULL),
	EVERY(XDP,            ALL,    false, &ctx_xdp_md),
	EVERY(SOCKET_FILTER,  FILTER, true,  &ctx_sk_buff),
	EVERY(SCHED_CLS,      TC,     true,  &ctx_sk_buff),
	EVERY(SCHED_ACT,      TC,     true,  &ctx_sk_buff),
	EVERY(CGROUP_SKB,     CGROUP, true,  &ctx_sk_buff),
	EVERY(LWT_IN,         LWT,    true,  &ctx_sk_buff),
	EVERY(LWT_OUT,        LWT,    true,  &ctx_sk_buff),
	EVERY(LWT_XMIT,       LWT,    true,  &ctx_sk_buff),
	EVERY(LWT_SEG6LOCAL,  LWT,    true,  &ctx_sk_buff),
	EVERY(SK_SKB,         SK_SKB, true,  &ctx_sk_buff),
	EVERY(FLOW_DISSECTOR, FLOW,   true,  &ctx_sk_buff),

	AT(CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE,  SOCK_CREATE,  &ctx_sock),
	AT(CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, SOCK_RELEASE, &ctx_sock),
	AT(CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND,   POST_BIND4,   &ctx_sock),
	AT(CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND,   POST_BIND6,   &ctx_sock),
	EVERY(CGROUP_SOCK,    ALL,    false, &ctx_sock),

	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND,        ADDR4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND,        ADDR6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT,     ADDR4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT,     ADDR6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, ADDR4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME, ADDR6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME, ADDR4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME, ADDR6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG,      ADDR4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG,      ADDR6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, ADDR4 | SENDMSG4, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG, ADDR6 | SENDMSG6, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, UNIX_CONNECT,     ADDR_UNIX, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, UNIX_SENDMSG,     ADDR_UNIX, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, UNIX_RECVMSG,     ADDR_UNIX, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, UNIX_GETPEERNAME, ADDR_UNIX, &ctx_sock_addr),
	AT(CGROUP_SOCK_ADDR, UNIX_GETSOCKNAME, ADDR_UNIX, &ctx_sock_addr),
	EVERY(CGROUP_SOCK_ADDR, ALL,  false, &ctx_sock_addr),

	AT(CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, GETSOCKOPT, &ctx_sockopt),
	AT(CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, SETSOCKOPT, &ctx_sockopt),
	EVERY(CGROUP_SOCKOPT, ALL,    false, &ctx_sockopt),

	EVERY(CGROUP_SYSCTL,  ALL,    false, &ctx_sysctl),
	EVERY(CGROUP_DEVICE,  ALL,    false, &ctx_cgroup_dev),
	EVERY(SOCK_OPS,       ALL,    false, &ctx_sock_ops),
	EVERY(SK_MSG,         ALL,    false, &ctx_sk_msg),
	EVERY(SK_REUSEPORT,   ALL,    false, &ctx_sk_reuseport),
	EVERY(SK_LOOKUP,      ALL,    false, &ctx_sk_lookup),

	/* Plain memory: the application's own struct, an array of 64-bit
	 * arguments, registers (kiln/context_trace.h). */
	EVERY(SYSCALL,                 0, false, NULL),
	EVERY(RAW_TRACEPOINT,          0, false, NULL),
	EVERY(RAW_TRACEPOINT_WRITABLE, 0, false, NULL),
	EVERY(TRACEPOINT,              0, false, NULL),
	EVERY(KPROBE,                  0, false, NULL),
	EVERY(PERF_EVENT,              0, false, NULL),
	EVERY(TRACING,                 0, false, NULL),
	EVERY(LSM,                     0, false, NULL),
	EVERY(EXT,                     0, false, NULL),
	EVERY(STRUCT_OPS,              0, false, NULL),
	EVERY(LIRC_MODE2,              0, false, NULL),
};
// clang-format on

const struct ctx_type *ctx_type(u32 id)
{
	return id < countof(types) ? &types[id] : NULL;
}

u32 ctx_find(u32 prog_type, u32 attach_type)
{
	for (u32 k = 0; k < countof(types); k++)
		if (types[k].prog_type == prog_type &&
			(types[k].attach_type == (i32)attach_type ||
				types[k].attach_type == CTX_EVERY))
			return k;
	return CTX_UNKNOWN;
}

const char *ctx_prog_name(u32 prog_type)
{
	const char *s = libbpf_bpf_prog_type_str((enum bpf_prog_type)prog_type);

	return s ? s : "unknown";
}

const struct ctx_field *ctx_field_named(
	const char *of, size_t n, const char *name)
{
	for (u32 k = 0; k < countof(types); k++) {
		const struct ctx_struct *c = types[k].of;

		if (!c || strlen(c->name) != n || memcmp(c->name, of, n))
			continue;
		for (u32 i = 0; i < c->nfields; i++)
			if (!strcmp(c->field[i].name, name))
				return &c->field[i];
		return NULL;
	}
	return NULL;
}

/* ---- one access ---------------------------------------------------------- */

static const struct ctx_field *find_field(
	const struct ctx_struct *c, i64 off, u32 size)
{
	for (u32 k = 0; k < c->nfields; k++) {
		const struct ctx_field *f = &c->field[k];

		if (off >= f->off && off + size <= f->off + f->size)
			return f;
	}
	return NULL;
}

static bool has_size(const struct ctx_field *f, i64 off, u32 size, u8 flags)
{
	u32 whole = f->flags & CTX_WORDS ? 4 : f->size;

	if (f->flags & CTX_PARTS || size == whole)
		return true;
	if (size > whole)
		return f->flags & CTX_WIDE && size == 8;
	if (flags & CTX_STORE || (f->flags & CTX_HALVES && size < 2))
		return false;
	return f->flags & CTX_NARROW || (f->flags & CTX_FRONT && off == f->off);
}

const struct ctx_field *ctx_access(const struct ctx_type *t, i64 off, u32 size,
	u8 flags, char *why, size_t n)
{
	const struct ctx_struct *c = t->of;
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
	if (!(f->readers & t->as)) {
		snprintf(why, n,
			"access to %s.%s, which programs of type %s "
			"do not have",
			c->name, f->name, ctx_prog_name(t->prog_type));
		return NULL;
	}
	if ((flags & CTX_STORE) && !(f->writers & t->as)) {
		snprintf(why, n, "store to %s.%s, which is read-only%s%s",
			c->name, f->name,
			f->writers ? " to programs of type " : "",
			f->writers ? ctx_prog_name(t->prog_type) : "");
		return NULL;
	}
	if (!has_size(f, off, size, flags)) {
		snprintf(why, n, "access of %u bytes to %s.%s, wanted %u", size,
			c->name, f->name, f->flags & CTX_WORDS ? 4 : f->size);
		return NULL;
	}
	if (f->type.kind != RTY_SCALAR && (flags & CTX_SX)) {
		snprintf(why, n, "sign-extending load of the pointer %s.%s",
			c->name, f->name);
		return NULL;
	}
	return f;
}
