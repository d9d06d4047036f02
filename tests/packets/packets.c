/*
 * Generated packets: what XDP and tc programs take apart. Checksums of IPv4
 * headers are right, those behind are not: no program here asks.
 */
#include <string.h>

#include "differ.h"

enum {
	ETH_IP = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_IP6 = 0x86dd,
	ETH_QINQ = 0x88a8,
	ETH_MPLS = 0x8847,
	ETH_LLDP = 0x88cc,

	ICMP = 1,
	IPIP = 4,
	TCP = 6,
	UDP = 17,
	IP6IP = 41,
	IP6_FRAGMENT = 44,
	GRE = 47,
	ICMP6 = 58,
	IP6_NONE = 59,
	IP6_DEST = 60,
	SCTP = 132,
};

/* ---- pieces -------------------------------------------------------------- */

static void put(struct packet *p, const void *bytes, u32 n)
{
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

static void put8(struct packet *p, u32 v)
{
	p->bytes[p->n++] = (u8)v;
}

static void put16(struct packet *p, u32 v)
{
	put8(p, v >> 8);
	put8(p, v);
}

static void put32(struct packet *p, u32 v)
{
	put16(p, v >> 16);
	put16(p, v);
}

static void put_eth(struct packet *p, u32 proto)
{
	/* to the address that the loopback device has */
	static const u8 addresses[12] = {0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1};

	put(p, addresses, sizeof(addresses));
	put16(p, proto);
}

static void put_sum(struct packet *p, u32 from)
{
	u32 sum = 0;

	for (u32 k = from; k < p->n; k += 2)
		sum += (u32)(p->bytes[k] << 8 | p->bytes[k + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	p->bytes[from + 10] = (u8)(sum >> 8);
	p->bytes[from + 11] = (u8)sum;
}

/* frag: flags and offset; words: of options. */
static void put_ip(
	struct packet *p, u32 proto, u32 payload, u32 frag, u32 words)
{
	u32 from = p->n;

	put8(p, 0x45 + words);
	put8(p, 0x10);
	put16(p, 20 + 4 * words + payload);
	put16(p, 0x1234);
	put16(p, frag);
	put8(p, 64);
	put8(p, proto);
	put16(p, 0);
	put32(p, 0x0a000001);
	put32(p, 0xc0a80102);
	for (u32 k = 0; k < words; k++)
		put32(p, 0x01010101);
	put_sum(p, from);
}

static void put_ip6(struct packet *p, u32 next, u32 payload)
{
	put32(p, 0x60012345);
	put16(p, payload);
	put8(p, next);
	put8(p, 63);
	for (u32 k = 0; k < 2; k++) {
		put32(p, 0x20010db8);
		put32(p, 0);
		put32(p, 0);
		put32(p, 1 + k);
	}
}

static void put_udp(struct packet *p, u32 from, u32 to, u32 payload)
{
	put16(p, from);
	put16(p, to);
	put16(p, 8 + payload);
	put16(p, 0xbeef);
}

/* words: of options, of which the first sixteen bytes mean something. */
static void put_tcp(struct packet *p, u32 to, u32 flags, u32 words)
{
	static const u8 options[16] = {
		2, 4, 5, 0xb4, 1, 3, 3, 7, 1, 1, 4, 2, 1, 1, 1, 0};

	put16(p, 40000);
	put16(p, to);
	put32(p, 1000);
	put32(p, 2000);
	put8(p, (5 + words) << 4);
	put8(p, flags);
	put16(p, 0x7fff);
	put16(p, 0xcafe);
	put16(p, 0);
	for (u32 k = 0; k < 4 * words; k++)
		put8(p, k < sizeof(options) ? options[k] : 0);
}

static void put_text(struct packet *p, u32 n)
{
	for (u32 k = 0; k < n; k++)
		put8(p, 'a' + k % 26);
}

/* ---- packets ------------------------------------------------------------- */

static void arp(struct packet *p)
{
	put_eth(p, ETH_ARP);
	put32(p, 0x00010800);
	put32(p, 0x06040001);
	put_text(p, 20);
}

static void udp4(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 28, 0, 0);
	put_udp(p, 1111, 53, 20);
	put_text(p, 20);
}

static void udp4_options(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 20, 0, 3);
	put_udp(p, 1111, 9, 12);
	put_text(p, 12);
}

static void tcp4_syn(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, TCP, 36, 0x4000, 0);
	put_tcp(p, 80, 2, 4);
}

static void tcp4_data(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, TCP, 52, 0x4000, 0);
	put_tcp(p, 443, 0x18, 0);
	put_text(p, 32);
}

static void tcp4_long(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, TCP, 70, 0, 0);
	put_tcp(p, 8080, 0x11, 10);
	put_text(p, 10);
}

static void icmp4(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, ICMP, 16, 0, 0);
	put32(p, 0x0800f7ff);
	put_text(p, 12);
}

static void sctp4(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, SCTP, 12, 0, 0);
	put32(p, 0x04d20050);
	put_text(p, 8);
}

static void fragment4_first(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 24, 0x2000, 0);
	put_udp(p, 1111, 53, 100);
	put_text(p, 16);
}

static void fragment4_next(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 24, 0x2003, 0);
	put_text(p, 24);
}

static void udp6(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, UDP, 20);
	put_udp(p, 1111, 53, 12);
	put_text(p, 12);
}

static void tcp6(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, TCP, 44);
	put_tcp(p, 443, 0x12, 4);
	put_text(p, 8);
}

static void icmp6_solicit(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, ICMP6, 24);
	put32(p, 0x87001234);
	put_text(p, 20);
}

static void icmp6_echo(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, ICMP6, 12);
	put32(p, 0x80001234);
	put_text(p, 8);
}

static void fragment6(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, IP6_FRAGMENT, 28);
	put32(p, UDP << 24 | 9);
	put32(p, 77);
	put_text(p, 20);
}

static void extended6(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, 0, 36);
	put32(p, IP6_DEST << 24 | 0x0502);
	put32(p, 0x01000000);
	put32(p, UDP << 24 | 0x01040000);
	put32(p, 0);
	put_udp(p, 7, 7, 12);
	put_text(p, 12);
}

static void nothing6(struct packet *p)
{
	put_eth(p, ETH_IP6);
	put_ip6(p, IP6_NONE, 0);
}

static void vlan(struct packet *p)
{
	put_eth(p, ETH_VLAN);
	put16(p, 0x6064);
	put16(p, ETH_IP);
	put_ip(p, UDP, 12, 0, 0);
	put_udp(p, 1, 2, 4);
	put_text(p, 4);
}

static void vlan_twice(struct packet *p)
{
	put_eth(p, ETH_QINQ);
	put16(p, 0x0005);
	put16(p, ETH_VLAN);
	put16(p, 0x0fff);
	put16(p, ETH_IP6);
	put_ip6(p, TCP, 20);
	put_tcp(p, 22, 0x10, 0);
}

static void mpls(struct packet *p)
{
	put_eth(p, ETH_MPLS);
	put32(p, 0x00010140);
	put_ip(p, ICMP, 8, 0, 0);
	put_text(p, 8);
}

static void lldp(struct packet *p)
{
	put_eth(p, ETH_LLDP);
	put_text(p, 50);
}

static void broadcast(struct packet *p)
{
	udp4(p);
	memset(p->bytes, 255, 6);
}

static void multicast(struct packet *p)
{
	udp4(p);
	p->bytes[0] = 1;
}

static void other_host(struct packet *p)
{
	udp4(p);
	p->bytes[0] = 2;
}

static void ip_in_ip(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, IPIP, 40, 0, 0);
	put_ip(p, TCP, 20, 0, 0);
	put_tcp(p, 25, 2, 0);
}

static void ip6_in_ip(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, IP6IP, 48, 0, 0);
	put_ip6(p, UDP, 8);
	put_udp(p, 3, 4, 0);
}

static void gre(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, GRE, 36, 0, 0);
	put32(p, 0x20000000 | ETH_IP);
	put32(p, 99);
	put_ip(p, UDP, 8, 0, 0);
	put_udp(p, 5, 6, 0);
}

static void vxlan(struct packet *p)
{
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 58, 0, 0);
	put_udp(p, 5000, 4789, 50);
	put32(p, 0x08000000);
	put32(p, 42 << 8);
	put_eth(p, ETH_IP);
	put_ip(p, UDP, 8, 0, 0);
	put_udp(p, 8, 9, 0);
}

static void bad_header4(struct packet *p)
{
	udp4(p);
	p->bytes[14] = 0x43; /* shorter than a header can be */
}

static void bad_version(struct packet *p)
{
	udp4(p);
	p->bytes[14] = 0x75;
}

u32 packets_make(struct packet *out)
{
	static const struct {
		const char *name;
		void (*make)(struct packet *p);
	} all[] = {
#define PACKET(name) {#name, name}
		PACKET(arp),
		PACKET(udp4),
		PACKET(udp4_options),
		PACKET(tcp4_syn),
		PACKET(tcp4_data),
		PACKET(tcp4_long),
		PACKET(icmp4),
		PACKET(sctp4),
		PACKET(fragment4_first),
		PACKET(fragment4_next),
		PACKET(udp6),
		PACKET(tcp6),
		PACKET(icmp6_solicit),
		PACKET(icmp6_echo),
		PACKET(fragment6),
		PACKET(extended6),
		PACKET(nothing6),
		PACKET(vlan),
		PACKET(vlan_twice),
		PACKET(mpls),
		PACKET(lldp),
		PACKET(broadcast),
		PACKET(multicast),
		PACKET(other_host),
		PACKET(ip_in_ip),
		PACKET(ip6_in_ip),
		PACKET(gre),
		PACKET(vxlan),
		PACKET(bad_header4),
		PACKET(bad_version),
#undef PACKET
	};

	for (u32 k = 0; k < countof(all); k++) {
		memset(&out[k], 0, sizeof(out[k]));
		out[k].name = all[k].name;
		all[k].make(&out[k]);
	}
	return countof(all);
}
