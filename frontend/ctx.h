/*
 * The tables of ctx_*.c, for ctx.c: which fields the contexts have and which
 * programs may load and store them.
 */
#ifndef KILN_FRONTEND_CTX_H
#define KILN_FRONTEND_CTX_H

#include <stddef.h>

#include "frontend/types.h"

/* Who may: bits of ctx_type.as, by struct. */
enum {
	NOBODY = 0,
	ALL = 0xffff,

	/* __sk_buff */
	FILTER = 1, /* socket_filter */
	TC = 2,
	CGROUP = 4,
	LWT = 8,
	SK_SKB = 16,
	FLOW = 32, /* flow_dissector */

	/* bpf_sock: attached where */
	SOCK_CREATE = 1,
	SOCK_RELEASE = 2,
	POST_BIND4 = 4,
	POST_BIND6 = 8,

	/* bpf_sock_addr: of what family, and whether with a message */
	ADDR4 = 1,
	ADDR6 = 2,
	ADDR_UNIX = 4,
	SENDMSG4 = 8,
	SENDMSG6 = 16,

	/* bpf_sockopt */
	GETSOCKOPT = 1,
	SETSOCKOPT = 2,
};

#define CTX_FIELD(of, f) #f, offsetof(struct of, f), sizeof(((struct of *)0)->f)

/* A number, and a pointer that stands where programs look for it. */
#define CTX_NUMBER(of, f, readers, writers, flags)                           \
	{                                                                    \
		CTX_FIELD(of, f), 0, {.kind = RTY_SCALAR}, readers, writers, \
			flags                                                \
	}
#define CTX_POINTER(of, f, kind_, id_, readers)                              \
	{                                                                    \
		CTX_FIELD(of, f), offsetof(struct of, f),                    \
			{.kind = RTY_##kind_, .id = id_}, readers, NOBODY, 0 \
	}
/* A pointer that the UAPI struct has 32 bits for: kiln's has 64, elsewhere. */
#define CTX_MOVED(uapi, f, native, kind_, id_, readers)                      \
	{                                                                    \
		CTX_FIELD(uapi, f), offsetof(struct native, f),              \
			{.kind = RTY_##kind_, .id = id_}, readers, NOBODY, 0 \
	}

/* ---- ctx_packet.c -------------------------------------------------------- */
extern const struct ctx_struct ctx_xdp_md, ctx_sk_buff;

/* ---- ctx_sock.c ---------------------------------------------------------- */
extern const struct ctx_struct ctx_sock, ctx_sock_addr, ctx_sockopt, ctx_sysctl,
	ctx_cgroup_dev, ctx_sock_ops, ctx_sk_msg, ctx_sk_lookup,
	ctx_sk_reuseport;

#endif
