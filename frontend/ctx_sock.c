/*
 * Contexts of programs on sockets and control groups (kiln/context_sock.h):
 * the UAPI structs as they are.
 */
#include "frontend/ctx.h"
#include "kiln/context_sock.h"

/* A port of 16 bits, loaded as the word that it once was. */
#define WITH_PADDING(of, f, flags)                                \
	{                                                         \
#f, offsetof(struct of, f), 4, 0,                 \
			{.kind = RTY_SCALAR }, ALL, NOBODY, flags \
	}

#define OF(name, of, fields)                 \
	const struct ctx_struct ctx_##of = { \
		name, sizeof(struct kiln_##of), countof(fields), fields}

// clang-format off
/* ---- bpf_sock ------------------------------------------------------------ */

enum {
	POST_BIND = POST_BIND4 | POST_BIND6,
	UNBOUND = SOCK_CREATE | SOCK_RELEASE,
};

#define SOCK(f, ...) CTX_NUMBER(kiln_sock, f, __VA_ARGS__)

static const struct ctx_field sock_fields[] = {
	SOCK(bound_dev_if,     UNBOUND,    UNBOUND, 0),
	SOCK(family,           ALL,        NOBODY,  CTX_FRONT),
	SOCK(type,             ALL,        NOBODY,  CTX_FRONT),
	SOCK(protocol,         ALL,        NOBODY,  CTX_FRONT),
	SOCK(mark,             UNBOUND,    UNBOUND, 0),
	SOCK(priority,         UNBOUND,    UNBOUND, 0),
	SOCK(src_ip4,          POST_BIND4, NOBODY,  CTX_NARROW),
	SOCK(src_ip6,          POST_BIND6, NOBODY,  CTX_WORDS | CTX_NARROW),
	SOCK(src_port,         POST_BIND,  NOBODY,  CTX_FRONT),
	SOCK(dst_port,         ALL,        NOBODY,  CTX_NARROW),
	WITH_PADDING(kiln_sock, dst_port, 0),
	SOCK(dst_ip4,          ALL,        NOBODY,  CTX_NARROW),
	SOCK(dst_ip6,          ALL,        NOBODY,  CTX_WORDS | CTX_NARROW),
	SOCK(state,            ALL,        NOBODY,  CTX_FRONT),
	SOCK(rx_queue_mapping, ALL,        NOBODY,  CTX_FRONT),
};
OF("bpf_sock", sock, sock_fields);

/* ---- bpf_sock_addr ------------------------------------------------------- */

#define ADDR(f, ...) CTX_NUMBER(kiln_sock_addr, f, __VA_ARGS__)

static const struct ctx_field sock_addr_fields[] = {
	ADDR(user_family, ALL,           NOBODY,        0),
	ADDR(user_ip4,    ADDR4,         ADDR4,         CTX_NARROW),
	ADDR(user_ip6,    ADDR6,         ADDR6,         CTX_WORDS | CTX_NARROW | CTX_WIDE),
	ADDR(user_port,   ALL,           ALL,           CTX_NARROW),
	ADDR(family,      ALL,           NOBODY,        0),
	ADDR(type,        ALL,           NOBODY,        0),
	ADDR(protocol,    ALL,           NOBODY,        0),
	ADDR(msg_src_ip4, SENDMSG4,      SENDMSG4,      CTX_NARROW),
	ADDR(msg_src_ip6, SENDMSG6,      SENDMSG6,      CTX_WORDS | CTX_NARROW | CTX_WIDE),
	CTX_POINTER(kiln_sock_addr, sk, UNKNOWN, 0, ALL),
};
OF("bpf_sock_addr", sock_addr, sock_addr_fields);

/* ---- bpf_sockopt, bpf_sysctl, bpf_cgroup_dev_ctx ------------------------- */

#define OPT(f, ...) CTX_NUMBER(kiln_sockopt, f, __VA_ARGS__)

static const struct ctx_field sockopt_fields[] = {
	CTX_POINTER(kiln_sockopt, sk,         UNKNOWN, 0,               ALL),
	CTX_POINTER(kiln_sockopt, optval,     PACKET,  RTY_PACKET_DATA, ALL),
	CTX_POINTER(kiln_sockopt, optval_end, PACKET,  RTY_PACKET_END,  ALL),
	OPT(level,   ALL,        SETSOCKOPT, 0),
	OPT(optname, ALL,        SETSOCKOPT, 0),
	OPT(optlen,  ALL,        ALL,        0),
	OPT(retval,  GETSOCKOPT, GETSOCKOPT, 0),
};
OF("bpf_sockopt", sockopt, sockopt_fields);

static const struct ctx_field sysctl_fields[] = {
	CTX_NUMBER(kiln_sysctl, write,    ALL, NOBODY, CTX_NARROW),
	CTX_NUMBER(kiln_sysctl, file_pos, ALL, ALL,    CTX_NARROW),
};
OF("bpf_sysctl", sysctl, sysctl_fields);

static const struct ctx_field cgroup_dev_fields[] = {
	CTX_NUMBER(kiln_cgroup_dev, access_type, ALL, NOBODY, CTX_NARROW),
	CTX_NUMBER(kiln_cgroup_dev, major,       ALL, NOBODY, 0),
	CTX_NUMBER(kiln_cgroup_dev, minor,       ALL, NOBODY, 0),
};
OF("bpf_cgroup_dev_ctx", cgroup_dev, cgroup_dev_fields);

/* ---- bpf_sock_ops -------------------------------------------------------- */

#define OPS(f, writers) CTX_NUMBER(kiln_sock_ops, f, ALL, writers, 0)

static const struct ctx_field sock_ops_fields[] = {
	OPS(op,                    NOBODY),
	OPS(reply,                 ALL),
	CTX_NUMBER(kiln_sock_ops, args, ALL, NOBODY, CTX_WORDS),
	OPS(family,                NOBODY),
	OPS(remote_ip4,            NOBODY),
	OPS(local_ip4,             NOBODY),
	CTX_NUMBER(kiln_sock_ops, remote_ip6, ALL, NOBODY, CTX_WORDS),
	CTX_NUMBER(kiln_sock_ops, local_ip6,  ALL, NOBODY, CTX_WORDS),
	OPS(remote_port,           NOBODY),
	OPS(local_port,            NOBODY),
	OPS(is_fullsock,           NOBODY),
	OPS(snd_cwnd,              NOBODY),
	OPS(srtt_us,               NOBODY),
	OPS(bpf_sock_ops_cb_flags, NOBODY),
	OPS(state,                 NOBODY),
	OPS(rtt_min,               NOBODY),
	OPS(snd_ssthresh,          NOBODY),
	OPS(rcv_nxt,               NOBODY),
	OPS(snd_nxt,               NOBODY),
	OPS(snd_una,               NOBODY),
	OPS(mss_cache,             NOBODY),
	OPS(ecn_flags,             NOBODY),
	OPS(rate_delivered,        NOBODY),
	OPS(rate_interval_us,      NOBODY),
	OPS(packets_out,           NOBODY),
	OPS(retrans_out,           NOBODY),
	OPS(total_retrans,         NOBODY),
	OPS(segs_in,               NOBODY),
	OPS(data_segs_in,          NOBODY),
	OPS(segs_out,              NOBODY),
	OPS(data_segs_out,         NOBODY),
	OPS(lost_out,              NOBODY),
	OPS(sacked_out,            NOBODY),
	OPS(sk_txhash,             ALL),
	OPS(bytes_received,        NOBODY),
	OPS(bytes_acked,           NOBODY),
	CTX_POINTER(kiln_sock_ops, sk,           UNKNOWN, 0,               ALL),
	CTX_POINTER(kiln_sock_ops, skb_data,     PACKET,  RTY_PACKET_DATA, ALL),
	CTX_POINTER(kiln_sock_ops, skb_data_end, PACKET,  RTY_PACKET_END,  ALL),
	OPS(skb_len,               NOBODY),
	CTX_NUMBER(kiln_sock_ops, skb_tcp_flags, ALL, NOBODY, CTX_FRONT),
	OPS(skb_hwtstamp,          NOBODY),
};
OF("bpf_sock_ops", sock_ops, sock_ops_fields);

/* ---- sk_msg_md, sk_reuseport_md, bpf_sk_lookup --------------------------- */

#define MSG(f, flags) CTX_NUMBER(kiln_sk_msg, f, ALL, NOBODY, flags)

static const struct ctx_field sk_msg_fields[] = {
	CTX_POINTER(kiln_sk_msg, data,     PACKET, RTY_PACKET_DATA, ALL),
	CTX_POINTER(kiln_sk_msg, data_end, PACKET, RTY_PACKET_END,  ALL),
	MSG(family,      0),
	MSG(remote_ip4,  0),
	MSG(local_ip4,   0),
	MSG(remote_ip6,  CTX_WORDS),
	MSG(local_ip6,   CTX_WORDS),
	MSG(remote_port, 0),
	MSG(local_port,  0),
	MSG(size,        0),
	CTX_POINTER(kiln_sk_msg, sk, UNKNOWN, 0, ALL),
};
OF("sk_msg_md", sk_msg, sk_msg_fields);

#define REUSE(f, flags) CTX_NUMBER(kiln_sk_reuseport, f, ALL, NOBODY, flags)

static const struct ctx_field sk_reuseport_fields[] = {
	CTX_POINTER(kiln_sk_reuseport, data,     PACKET, RTY_PACKET_DATA, ALL),
	CTX_POINTER(kiln_sk_reuseport, data_end, PACKET, RTY_PACKET_END,  ALL),
	REUSE(len,          CTX_NARROW),
	REUSE(eth_protocol, CTX_NARROW | CTX_HALVES),
	REUSE(ip_protocol,  CTX_NARROW),
	REUSE(bind_inany,   CTX_NARROW),
	REUSE(hash,         0),
	CTX_POINTER(kiln_sk_reuseport, sk,           UNKNOWN, 0, ALL),
	CTX_POINTER(kiln_sk_reuseport, migrating_sk, UNKNOWN, 0, ALL),
};
OF("sk_reuseport_md", sk_reuseport, sk_reuseport_fields);

#define LOOKUP(f, flags) CTX_NUMBER(kiln_sk_lookup, f, ALL, NOBODY, flags)

static const struct ctx_field sk_lookup_fields[] = {
	CTX_POINTER(kiln_sk_lookup, sk, UNKNOWN, 0, ALL),
	LOOKUP(family,          CTX_NARROW),
	LOOKUP(protocol,        CTX_NARROW),
	LOOKUP(remote_ip4,      CTX_NARROW),
	LOOKUP(remote_ip6,      CTX_WORDS | CTX_NARROW),
	WITH_PADDING(kiln_sk_lookup, remote_port, CTX_NARROW),
	LOOKUP(local_ip4,       CTX_NARROW),
	LOOKUP(local_ip6,       CTX_WORDS | CTX_NARROW),
	LOOKUP(local_port,      CTX_NARROW),
	LOOKUP(ingress_ifindex, CTX_NARROW),
};
OF("bpf_sk_lookup", sk_lookup, sk_lookup_fields);
// clang-format on
