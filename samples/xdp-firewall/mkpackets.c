/*
 * Writes a pcap file of packets for the firewall to stdout: TCP, UDP, ICMP,
 * ARP, VLAN tags, IPv4 options, IPv6; blocked sources, closed ports, a flow
 * above its limit, a wrong checksum, and one packet cut at every length.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct packet {
	uint8_t p[256];
	size_t n;
};

static void put8(struct packet *k, unsigned v)
{
	k->p[k->n++] = (uint8_t)v;
}

static void put16(struct packet *k, unsigned v)
{
	put8(k, v >> 8);
	put8(k, v & 0xff);
}

static void put32(struct packet *k, uint32_t v)
{
	put16(k, v >> 16);
	put16(k, v & 0xffff);
}

static void put_zero(struct packet *k, size_t n)
{
	while (n--)
		put8(k, 0);
}

/* ---- layers -------------------------------------------------------------------- */

static void ethernet(struct packet *k, int vlans, unsigned type)
{
	k->n = 0;
	put_zero(k, 5);
	put8(k, 2); /* to ...:02 */
	put_zero(k, 5);
	put8(k, 1); /* from ...:01 */
	for (int i = 0; i < vlans; i++) {
		put16(k, i + 1 < vlans ? 0x88a8 : 0x8100);
		put16(k, 100 + (unsigned)i);
	}
	put16(k, type);
}

static unsigned checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void ipv4(
	struct packet *k, const char *src, unsigned proto, unsigned options)
{
	size_t at = k->n;

	put8(k, 0x45 + options);
	put8(k, 0);
	put16(k, 20 + options * 4 + 32);
	put32(k, 0x12344000); /* id, don't fragment */
	put8(k, 64);
	put8(k, proto);
	put16(k, 0);
	put32(k, ntohl(inet_addr(src)));
	put32(k, ntohl(inet_addr("203.0.113.1")));
	while (options--)
		put32(k, 0x01010101); /* no operation */
	unsigned sum = checksum(k->p + at, k->n - at);
	k->p[at + 10] = (uint8_t)(sum >> 8);
	k->p[at + 11] = (uint8_t)sum;
}

static void ipv6(struct packet *k, unsigned proto)
{
	put32(k, 0x60000000);
	put16(k, 32);
	put8(k, proto);
	put8(k, 64);
	for (unsigned i = 0; i < 32; i++)
		put8(k, 0x20 + i);
}

static void transport(struct packet *k, unsigned sport, unsigned dport)
{
	put16(k, sport);
	put16(k, dport);
	put_zero(k, 28);
}

/* ---- file ------------------------------------------------------------------------- */

static void le32(uint32_t v)
{
	for (int i = 0; i < 4; i++, v >>= 8)
		putchar((int)(v & 0xff));
}

static void write_packet(const struct packet *k, size_t n)
{
	le32(0);
	le32(0);
	le32((uint32_t)n);
	le32((uint32_t)k->n);
	fwrite(k->p, 1, n, stdout);
}

static void write_v4(int vlans, const char *src, unsigned proto,
	unsigned options, unsigned sport, unsigned dport)
{
	struct packet k;

	ethernet(&k, vlans, 0x0800);
	ipv4(&k, src, proto, options);
	transport(&k, sport, dport);
	write_packet(&k, k.n);
}

static void write_v6(unsigned proto, unsigned sport, unsigned dport)
{
	struct packet k;

	ethernet(&k, 0, 0x86dd);
	ipv6(&k, proto);
	transport(&k, sport, dport);
	write_packet(&k, k.n);
}

static void write_odd(void)
{
	struct packet k;

	ethernet(&k, 0, 0x0806); /* ARP */
	put_zero(&k, 28);
	write_packet(&k, k.n);
	ethernet(&k, 0, 0x0800); /* wrong checksum */
	ipv4(&k, "192.0.2.1", 6, 0);
	k.p[14 + 8] ^= 1;
	transport(&k, 1024, 443);
	write_packet(&k, k.n);
}

static void write_cut(void)
{
	struct packet k;

	ethernet(&k, 1, 0x0800);
	ipv4(&k, "192.0.2.9", 6, 2);
	transport(&k, 4000, 443);
	for (size_t n = 14; n < k.n; n += 3)
		write_packet(&k, n);
}

int main(void)
{
	le32(0xa1b2c3d4);
	le32(2 | 4 << 16);
	le32(0);
	le32(0);
	le32(65535);
	le32(1);			 /* Ethernet */
	for (unsigned i = 0; i < 5; i++) /* one flow, above its limit */
		write_v4(0, "192.0.2.1", 6, 0, 1024, 443);
	write_v4(0, "192.0.2.1", 17, 0, 1024, 53);
	write_v4(0, "192.0.2.1", 17, 0, 1024, 22);
	write_v4(0, "192.0.2.1", 6, 0, 1025, 80);
	write_v4(0, "192.0.2.66", 6, 0, 1024, 443);
	write_v4(1, "198.51.100.7", 17, 0, 1024, 53);
	write_v4(1, "192.0.2.2", 6, 0, 1024, 22);
	write_v4(2, "192.0.2.3", 6, 3, 1024, 22);
	write_v4(0, "192.0.2.4", 1, 0, 0x0800, 0);
	write_v6(6, 1024, 443);
	write_v6(17, 1024, 5353);
	write_odd();
	write_cut();
	return 0;
}
