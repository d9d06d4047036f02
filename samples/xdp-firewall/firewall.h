/* What the BPF program and its hosts agree on. */
#ifndef FIREWALL_H
#define FIREWALL_H

#include <linux/types.h>

/* Why a packet got its verdict: index of the map `stats`. */
enum reason {
	PASS_OTHER,   /* not IP */
	PASS_ALLOWED, /* to an open port, or ICMP */
	DROP_SHORT,   /* headers end after the packet */
	DROP_CHECKSUM,
	DROP_BLOCKED, /* source address in `blocked` */
	DROP_PORT,    /* port not in `open_ports` */
	DROP_RATE,    /* flow above `flow_limit` packets */
	REASONS,
};

/* Value of `stats`, per CPU. */
struct count {
	__u64 packets;
	__u64 bytes;
};

/* Key of `flows`. IPv4 addresses stand in the first word. */
struct flow {
	__u32 src[4], dst[4];
	__u16 sport, dport; /* network order */
	__u8 proto;
	__u8 pad[3];
};

/* A port and what is known of it: value of `open_ports`, index is the port. */
struct port {
	__u8 tcp, udp;
};

enum { MAX_FLOWS = 1024, MAX_BLOCKED = 256, PORTS = 65536 };

#endif
