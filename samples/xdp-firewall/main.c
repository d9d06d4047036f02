/*
 * Feeds the packets of a pcap file to the firewall and prints what it did:
 *   firewall PCAP [BPF-OBJECT]
 * The verdicts and the state go to stdout, times to stderr. The BPF object is
 * for the engine that runs in the kernel.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "firewall.h"

enum { MAX_PACKET = 2048, SERIES = 20, REPEAT = 10000 };

static const char *const reasons[REASONS] = {
	[PASS_OTHER] = "pass other",
	[PASS_ALLOWED] = "pass allowed",
	[DROP_SHORT] = "drop short",
	[DROP_CHECKSUM] = "drop checksum",
	[DROP_BLOCKED] = "drop blocked",
	[DROP_PORT] = "drop port",
	[DROP_RATE] = "drop rate",
};

static void die(const char *what)
{
	fprintf(stderr, "firewall: %s\n", what);
	exit(1);
}

/* ---- rules ------------------------------------------------------------------ */

static void open_port(uint32_t port, int tcp, int udp)
{
	struct port p = {(uint8_t)tcp, (uint8_t)udp};

	if (engine_update("open_ports", &port, &p))
		die("cannot open a port");
}

static void block(const char *address)
{
	uint32_t key = inet_addr(address);
	uint64_t dropped = 0;

	if (engine_update("blocked", &key, &dropped))
		die("cannot block an address");
}

static void set_rules(void)
{
	open_port(22, 1, 0);
	open_port(53, 1, 1);
	open_port(443, 1, 1);
	block("192.0.2.66");
	block("198.51.100.7");
}

/* ---- packets ------------------------------------------------------------------- */

/* The next packet of a little-endian pcap file; its size, 0 at the end. */
static size_t next_packet(FILE *f, unsigned char *packet)
{
	uint32_t head[4]; /* seconds, microseconds, stored, original */

	if (fread(head, sizeof(head), 1, f) != 1)
		return 0;
	if (head[2] > MAX_PACKET || fread(packet, head[2], 1, f) != 1)
		die("damaged pcap file");
	return head[2];
}

static void run_packets(FILE *f)
{
	unsigned char packet[MAX_PACKET];
	uint32_t verdict, ns;
	size_t size;

	for (int i = 1; (size = next_packet(f, packet)); i++) {
		if (engine_run(packet, size, 1, &verdict, &ns))
			die("a run failed");
		printf("packet %2d: %4zu bytes: %s\n", i, size,
			verdict == XDP_PASS ? "pass" : "drop");
	}
}

/* The best series: what else runs on this machine disturbs the others. */
static void measure(FILE *f)
{
	unsigned char packet[MAX_PACKET];
	uint32_t verdict, ns, best = UINT32_MAX;
	size_t size = next_packet(f, packet);

	for (int i = 0; i < SERIES; i++) {
		if (!size || engine_run(packet, size, REPEAT, &verdict, &ns))
			die("the measured run failed");
		if (ns < best)
			best = ns;
	}
	fprintf(stderr, "%-6s: %u ns for the first packet\n", engine_name,
		best);
}

/* ---- state ----------------------------------------------------------------------- */

static void print_stats(void)
{
	unsigned cpus = engine_cpus();
	struct count *n = calloc(cpus, sizeof(*n));

	for (uint32_t why = 0; n && why < REASONS; why++) {
		struct count sum = {0};

		if (engine_lookup("stats", &why, n))
			die("cannot read stats");
		for (unsigned c = 0; c < cpus; c++) {
			sum.packets += n[c].packets;
			sum.bytes += n[c].bytes;
		}
		printf("%-14s %4llu packets %6llu bytes\n", reasons[why],
			sum.packets, sum.bytes);
	}
	free(n);
}

static void print_blocked(void)
{
	uint32_t key, *prev = NULL;
	char text[2][64];
	int n = 0;

	for (; !engine_next_key("blocked", prev, &key); prev = &key) {
		uint64_t dropped = 0;
		struct in_addr a = {key};

		engine_lookup("blocked", &key, &dropped);
		if (n < 2)
			snprintf(text[n++], sizeof(text[0]),
				"blocked %s: %llu dropped", inet_ntoa(a),
				(unsigned long long)dropped);
	}
	/* a hash has no order */
	if (n == 2 && strcmp(text[0], text[1]) > 0)
		printf("%s\n%s\n", text[1], text[0]);
	else
		for (int i = 0; i < n; i++)
			printf("%s\n", text[i]);
}

static void print_flows(void)
{
	struct flow key, *prev = NULL;
	unsigned long long packets = 0, bytes = 0;
	int n = 0;

	for (; !engine_next_key("flows", prev, &key); prev = &key) {
		struct count c;

		if (engine_lookup("flows", &key, &c))
			continue;
		packets += c.packets;
		bytes += c.bytes;
		n++;
	}
	printf("%d flows, %llu packets, %llu bytes\n", n, packets, bytes);
}

int main(int argc, char **argv)
{
	unsigned char head[24];

	if (argc < 2)
		die("usage: firewall PCAP [BPF-OBJECT]");
	FILE *f = fopen(argv[1], "rb");
	if (!f || fread(head, sizeof(head), 1, f) != 1)
		die("cannot read the pcap file");
	if (engine_open(argc > 2 ? argv[2] : NULL))
		die("cannot open the program");
	set_rules();
	run_packets(f);
	print_stats();
	print_blocked();
	print_flows();
	printf("globals: %llu bytes seen, last drop: %s\n",
		(unsigned long long)engine_bytes_seen(),
		reasons[engine_last_drop()]);
	if (fseek(f, sizeof(head), SEEK_SET))
		die("cannot rewind the pcap file");
	measure(f);
	engine_close();
	fclose(f);
	return 0;
}
