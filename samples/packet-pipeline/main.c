/* See README.md. */
#include <kiln/context.h>
#include <kiln/runtime.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

enum { THREADS = 2, SWAPS = 200, ENOUGH = 200, VERDICTS = 5 };

/* ---- packets ------------------------------------------------------------- */

enum kind { ARP, IPV6, TCP, DNS, NTP, ICMP, KINDS };

static const char *const kind_name[KINDS] = {
	"arp", "ipv6", "tcp", "dns", "ntp", "icmp"};
static const char *const verdict_name[VERDICTS] = {
	"aborted", "drop", "pass", "tx", "redirect"};

/* Ethernet, and for IPv4 a header and 8 bytes behind it. */
static void make_packet(enum kind k, uint8_t *p)
{
	static const uint16_t ethertype[KINDS] = {
		0x0806, 0x86dd, 0x0800, 0x0800, 0x0800, 0x0800};
	static const uint8_t protocol[KINDS] = {0, 0, 6, 17, 17, 1};

	memset(p, 0, 64);
	p[12] = (uint8_t)(ethertype[k] >> 8);
	p[13] = (uint8_t)ethertype[k];
	p[14] = 0x45;
	p[23] = protocol[k];
	p[37] = k == DNS ? 53 : 123;
}

/* ---- traffic ------------------------------------------------------------- */

static struct kiln_program *parse;
static _Atomic int stop;
static _Atomic unsigned long count[KINDS][VERDICTS], rounds[THREADS];

static void *traffic(void *arg)
{
	_Atomic unsigned long *round = arg;
	uint8_t packet[KINDS][64];
	struct kiln_xdp_md md = {0};

	for (int k = 0; k < KINDS; k++)
		make_packet((enum kind)k, packet[k]);
	while (!stop) {
		for (int k = 0; k < KINDS; k++) {
			uint8_t *p = packet[k];

			kiln_xdp_md_init(&md, p, p, p + 64, p + 64);
			uint64_t v = kiln_program_run(parse, &md);
			if (v >= VERDICTS)
				abort();
			atomic_fetch_add(&count[k][v], 1);
		}
		atomic_fetch_add(round, 1);
	}
	return NULL;
}

/* Until every thread has had many packets of each kind from now on: what it was
 * at before is over. */
static void let_flow(void)
{
	for (int k = 0; k < THREADS; k++) {
		unsigned long start = atomic_load(&rounds[k]);

		while (atomic_load(&rounds[k]) < start + ENOUGH)
			sched_yield();
	}
}

/* Verdicts from now on, by kind of packet. */
static void report(const char *step)
{
	let_flow(); /* packets that were on their way */
	for (int k = 0; k < KINDS; k++)
		for (int v = 0; v < VERDICTS; v++)
			atomic_store(&count[k][v], 0);
	let_flow();
	printf("%s:", step);
	for (int k = 0; k < KINDS; k++) {
		printf(" %s", kind_name[k]);
		for (int v = 0; v < VERDICTS; v++)
			if (atomic_load(&count[k][v]))
				printf("=%s", verdict_name[v]);
	}
	printf("\n");
}

/* ---- the control plane --------------------------------------------------- */

static struct kiln_map *stages;

static struct kiln_object *load(const char *file)
{
	struct kiln_object *o = kiln_object_open_file(file, NULL);

	if (!o || kiln_object_load(o))
		exit(EXIT_FAILURE);
	return o;
}

static void set(enum stage stage, struct kiln_object *o, const char *name)
{
	struct kiln_program *p = kiln_object_find_program(o, name);
	uint32_t key = stage;

	if (!p || kiln_map_update(stages, &key, &p, 0)) {
		fprintf(stderr, "cannot set stage %u to %s\n", key, name);
		exit(EXIT_FAILURE);
	}
}

static void swap_under_traffic(struct kiln_object *a, struct kiln_object *b)
{
	for (int n = 0; n < SWAPS; n++)
		set(STAGE_UDP, n % 2 ? a : b, n % 2 ? "udp" : "udp_dns");
}

static void steps(struct kiln_object *o, const char *file)
{
	struct kiln_object *other = load(file);
	uint32_t key = STAGE_TCP;

	report("no stages");
	set(STAGE_ARP, o, "arp");
	set(STAGE_IPV6, o, "ipv6");
	report("arp, ipv6");
	set(STAGE_IPV4, o, "stage_ipv4");
	set(STAGE_TCP, o, "tcp");
	set(STAGE_UDP, o, "udp");
	set(STAGE_ICMP, o, "icmp");
	report("all stages");
	swap_under_traffic(o, other);
	report("swapped, back");
	set(STAGE_UDP, other, "udp_dns");
	set(STAGE_ICMP, other, "icmp_quiet");
	report("other versions");
	kiln_map_delete(stages, &key);
	report("tcp out");
	kiln_object_close(other);
	report("other object gone");
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	struct kiln_object *o;

	if (argc != 2) {
		fprintf(stderr, "usage: %s pipeline.kiln.o\n", argv[0]);
		return EXIT_FAILURE;
	}
	o = load(argv[1]);
	parse = kiln_object_find_program(o, "parse");
	stages = kiln_object_find_map(o, "stages");
	if (!parse || !stages)
		return EXIT_FAILURE;
	for (int k = 0; k < THREADS; k++)
		pthread_create(&thread[k], NULL, traffic, &rounds[k]);
	steps(o, argv[1]);
	stop = 1;
	for (int k = 0; k < THREADS; k++)
		pthread_join(thread[k], NULL);
	kiln_object_close(o);
	return EXIT_SUCCESS;
}
