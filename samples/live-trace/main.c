/* See README.md. */
#include <arpa/inet.h>
#include <kiln/runtime.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "trace.h"

enum { PROBE = 0, PROBES = 300, ROUNDS = 200, TEXT = 5 };

/* ---- clients ------------------------------------------------------------- */

static int port;

static int call_up(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		perror("client");
		exit(EXIT_FAILURE);
	}
	return fd;
}

static struct reply ask(int fd, const struct request *req)
{
	struct reply rep;

	if (send(fd, req, sizeof(*req), 0) != sizeof(*req) ||
		recv(fd, &rep, sizeof(rep), MSG_WAITALL) != sizeof(rep)) {
		perror("client");
		exit(EXIT_FAILURE);
	}
	return rep;
}

static unsigned right_sum(const char *text)
{
	unsigned sum = 0;

	for (; *text; text++)
		sum = sum * 31 + (unsigned char)*text;
	return sum;
}

/* The nth request of a client: it writes a key of its own, reads it, and has it
 * summed up. Every second key is one of the upper half. */
static struct request make_request(unsigned client, unsigned n)
{
	struct request req = {.op = n % 3,
		.client = client,
		.key = client + n / 3 % 2 * (KEYS / 2),
		.n = TEXT};

	memcpy(req.data, "hello", TEXT);
	return req;
}

static _Atomic int stop;
static _Atomic unsigned long served;

/* Whatever is attached meanwhile: a client gets what it has written. */
static void *load(void *arg)
{
	unsigned client = (unsigned)(uintptr_t)arg;
	int fd = call_up();

	for (unsigned n = 0; !stop; n++) {
		struct request req = make_request(client, n);
		struct reply rep = ask(fd, &req);

		if (rep.status == ST_OK && req.op != OP_PUT &&
			memcmp(rep.data, "hello", TEXT))
			abort();
		if (rep.status != ST_OK && req.key < KEYS / 2)
			abort();
		served++;
	}
	close(fd);
	return NULL;
}

/* One client's requests, and what became of them. */
static void probe(int fd, const char *step)
{
	unsigned ok = 0, refused = 0, sums = 0, right = 0;

	for (unsigned n = 0; n < PROBES; n++) {
		struct request req = make_request(PROBE, n);
		struct reply rep = ask(fd, &req);

		ok += rep.status == ST_OK;
		refused += rep.status == ST_REFUSED;
		sums += req.op == OP_SUM;
		right += req.op == OP_SUM && rep.sum == right_sum("hello");
	}
	printf("%s: %u requests, %u ok, %u refused; %u of %u sums are right\n",
		step, PROBES, ok, refused, right, sums);
}

/* ---- programs ------------------------------------------------------------ */

static struct kiln_object *object;

static struct kiln_link *attach(const char *name)
{
	struct kiln_program *p = kiln_object_find_program(object, name);
	struct kiln_link *l = p ? kiln_program_attach(p, NULL) : NULL;

	if (!l) {
		fprintf(stderr, "cannot attach %s\n", name);
		exit(EXIT_FAILURE);
	}
	return l;
}

static struct histogram histogram_of(uint32_t client)
{
	struct histogram h = {0};

	kiln_map_lookup(kiln_object_find_map(object, "latency"), &client, &h);
	return h;
}

static unsigned long long calls_in(const struct histogram *h)
{
	unsigned long long n = 0;

	for (unsigned k = 0; k < SLOTS; k++)
		n += h->count[k];
	return n;
}

static void print_row(
	unsigned slot, unsigned long long n, unsigned long long most)
{
	static const char stars[] = "****************************************";

	fprintf(stderr, "%10llu ns .. %10llu: %8llu %.*s\n", 1ull << slot,
		(2ull << slot) - 1, n, (int)(n * (sizeof(stars) - 1) / most),
		stars);
}

static void print_histogram(void)
{
	unsigned long long sum[SLOTS] = {0}, most = 1;

	for (uint32_t c = 0; c < CLIENTS; c++) {
		struct histogram h = histogram_of(c);

		for (unsigned k = 0; k < SLOTS; k++) {
			sum[k] += h.count[k];
			most = sum[k] > most ? sum[k] : most;
		}
	}
	fprintf(stderr, "handle():\n");
	for (unsigned k = 0; k < SLOTS; k++)
		if (sum[k])
			print_row(k, sum[k], most);
}

/* Both, a few requests apart, over and over. */
static void come_and_go(void)
{
	for (int n = 0; n < ROUNDS; n++) {
		unsigned long before = served;
		struct kiln_link *l = attach(n % 2 ? "filter" : "fixed");

		while (served < before + 3)
			sched_yield();
		kiln_link_destroy(l);
	}
}

static void steps(int fd, const char *file)
{
	struct kiln_link *begin, *end, *filter, *fixed;
	struct histogram h;

	object = kiln_object_open_file(file, NULL);
	if (!object || kiln_object_load(object))
		exit(EXIT_FAILURE);
	probe(fd, "as it is");
	begin = attach("begin");
	end = attach("end");
	probe(fd, "traced");
	filter = attach("filter");
	probe(fd, "filtered");
	fixed = attach("fixed");
	probe(fd, "mended");
	kiln_link_destroy(end);
	kiln_link_destroy(begin);
	h = histogram_of(PROBE);
	printf("latency has %llu of its calls, %llu refused\n", calls_in(&h),
		h.refused);
	print_histogram();
	kiln_link_destroy(filter);
	probe(fd, "mended, not filtered");
	kiln_link_destroy(fixed);
	come_and_go();
	probe(fd, "as it was");
	attach("filter"); /* goes with its object */
	kiln_object_close(object);
	probe(fd, "without the object");
}

int main(int argc, char **argv)
{
	pthread_t thread[CLIENTS];
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	port = server_start(CLIENTS);
	fd = call_up();
	for (uintptr_t k = 1; k < CLIENTS; k++)
		pthread_create(&thread[k], NULL, load, (void *)k);
	if (argc > 1)
		steps(fd, argv[1]);
	else
		probe(fd, "linked");
	stop = 1;
	for (int k = 1; k < CLIENTS; k++)
		pthread_join(thread[k], NULL);
	close(fd);
	server_stop();
	return EXIT_SUCCESS;
}
