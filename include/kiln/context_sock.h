/*
 * Contexts of programs on sockets and control groups. Each is the kernel's
 * UAPI structure, member for member: their pointers have 64 bits there
 * already. The application fills what its programs read; linux/bpf.h says what
 * each member means.
 *
 *   cgroup_sock          struct kiln_sock
 *   cgroup_sock_addr     struct kiln_sock_addr
 *   cgroup_sockopt       struct kiln_sockopt
 *   cgroup_sysctl        struct kiln_sysctl
 *   cgroup_device        struct kiln_cgroup_dev
 *   sock_ops             struct kiln_sock_ops
 *   sk_msg               struct kiln_sk_msg
 *   sk_lookup            struct kiln_sk_lookup
 *   sk_reuseport         struct kiln_sk_reuseport
 */
#ifndef KILN_CONTEXT_SOCK_H
#define KILN_CONTEXT_SOCK_H

#include <stddef.h>
#include <stdint.h>

#include "kiln/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A socket: what the member sk of other contexts points to, too.
 * UAPI struct bpf_sock. Addresses are in network byte order. */
struct kiln_sock {
	uint32_t bound_dev_if;
	uint32_t family;
	uint32_t type;
	uint32_t protocol;
	uint32_t mark;
	uint32_t priority;
	uint32_t src_ip4;
	uint32_t src_ip6[4];
	uint32_t src_port; /* host byte order */
	uint16_t dst_port; /* network byte order */
	uint16_t padding;  /* 0 */
	uint32_t dst_ip4;
	uint32_t dst_ip6[4];
	uint32_t state;
	int32_t rx_queue_mapping;
};

KILN_SIZE(kiln_sock, 80);
KILN_AT(kiln_sock, src_ip6, 28);
KILN_AT(kiln_sock, dst_ip6, 56);

/* UAPI struct bpf_sock_addr. Addresses and ports: network byte order. */
struct kiln_sock_addr {
	uint32_t user_family;
	uint32_t user_ip4;
	uint32_t user_ip6[4];
	uint32_t user_port;
	uint32_t family;
	uint32_t type;
	uint32_t protocol;
	uint32_t msg_src_ip4;
	uint32_t msg_src_ip6[4];
	uint32_t padding; /* 0 */
	struct kiln_sock *sk;
};

KILN_SIZE(kiln_sock_addr, 72);
KILN_AT(kiln_sock_addr, msg_src_ip6, 44);
KILN_AT(kiln_sock_addr, sk, 64);

/* UAPI struct bpf_sockopt. [optval, optval_end) is the option's value. */
struct kiln_sockopt {
	struct kiln_sock *sk;
	void *optval;
	void *optval_end;
	int32_t level;
	int32_t optname;
	int32_t optlen;
	int32_t retval;
};

KILN_SIZE(kiln_sockopt, 40);

/* UAPI struct bpf_sysctl */
struct kiln_sysctl {
	uint32_t write;
	uint32_t file_pos;
};

KILN_SIZE(kiln_sysctl, 8);

/* UAPI struct bpf_cgroup_dev_ctx */
struct kiln_cgroup_dev {
	uint32_t access_type; /* BPF_DEVCG_ACC_* << 16 | BPF_DEVCG_DEV_* */
	uint32_t major;
	uint32_t minor;
};

KILN_SIZE(kiln_cgroup_dev, 12);

/* UAPI struct bpf_sock_ops */
struct kiln_sock_ops {
	uint32_t op;
	union {
		uint32_t args[4];
		uint32_t reply;
		uint32_t replylong[4];
	};
	uint32_t family;
	uint32_t remote_ip4; /* addresses: network byte order */
	uint32_t local_ip4;
	uint32_t remote_ip6[4];
	uint32_t local_ip6[4];
	uint32_t remote_port; /* network byte order */
	uint32_t local_port;  /* host byte order */
	uint32_t is_fullsock;
	uint32_t snd_cwnd;
	uint32_t srtt_us;
	uint32_t bpf_sock_ops_cb_flags;
	uint32_t state;
	uint32_t rtt_min;
	uint32_t snd_ssthresh;
	uint32_t rcv_nxt;
	uint32_t snd_nxt;
	uint32_t snd_una;
	uint32_t mss_cache;
	uint32_t ecn_flags;
	uint32_t rate_delivered;
	uint32_t rate_interval_us;
	uint32_t packets_out;
	uint32_t retrans_out;
	uint32_t total_retrans;
	uint32_t segs_in;
	uint32_t data_segs_in;
	uint32_t segs_out;
	uint32_t data_segs_out;
	uint32_t lost_out;
	uint32_t sacked_out;
	uint32_t sk_txhash;
	uint64_t bytes_received;
	uint64_t bytes_acked;
	struct kiln_sock *sk;
	void *skb_data; /* [skb_data, skb_data_end): the TCP header */
	void *skb_data_end;
	uint32_t skb_len;
	uint32_t skb_tcp_flags;
	uint64_t skb_hwtstamp;
};

KILN_SIZE(kiln_sock_ops, 224);
KILN_AT(kiln_sock_ops, family, 20);
KILN_AT(kiln_sock_ops, remote_port, 64);
KILN_AT(kiln_sock_ops, bytes_received, 168);
KILN_AT(kiln_sock_ops, skb_data, 192);
KILN_AT(kiln_sock_ops, skb_hwtstamp, 216);

/* UAPI struct sk_msg_md */
struct kiln_sk_msg {
	void *data;
	void *data_end;
	uint32_t family;
	uint32_t remote_ip4; /* addresses: network byte order */
	uint32_t local_ip4;
	uint32_t remote_ip6[4];
	uint32_t local_ip6[4];
	uint32_t remote_port; /* network byte order */
	uint32_t local_port;  /* host byte order */
	uint32_t size;	      /* of the whole message */
	struct kiln_sock *sk;
};

KILN_SIZE(kiln_sk_msg, 80);
KILN_AT(kiln_sk_msg, family, 16);
KILN_AT(kiln_sk_msg, sk, 72);

/* UAPI struct sk_reuseport_md. The data begins with the TCP or UDP header. */
struct kiln_sk_reuseport {
	void *data;
	void *data_end;
	uint32_t len; /* of the packet, which may be longer than the data */
	uint32_t eth_protocol; /* network byte order */
	uint32_t ip_protocol;
	uint32_t bind_inany;
	uint32_t hash;
	uint32_t padding; /* 0 */
	struct kiln_sock *sk;
	struct kiln_sock *migrating_sk;
};

KILN_SIZE(kiln_sk_reuseport, 56);
KILN_AT(kiln_sk_reuseport, sk, 40);

/* UAPI struct bpf_sk_lookup */
struct kiln_sk_lookup {
	union {
		struct kiln_sock *sk; /* the one selected so far, or NULL */
		uint64_t cookie;
	};
	uint32_t family;
	uint32_t protocol;
	uint32_t remote_ip4; /* addresses: network byte order */
	uint32_t remote_ip6[4];
	uint16_t remote_port; /* network byte order */
	uint16_t padding;     /* 0 */
	uint32_t local_ip4;
	uint32_t local_ip6[4];
	uint32_t local_port; /* host byte order */
	uint32_t ingress_ifindex;
};

KILN_SIZE(kiln_sk_lookup, 72);
KILN_AT(kiln_sk_lookup, remote_port, 36);
KILN_AT(kiln_sk_lookup, ingress_ifindex, 64);

#ifdef __cplusplus
}
#endif
#endif
