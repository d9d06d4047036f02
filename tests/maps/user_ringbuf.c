#include "host.h"

#include <string.h>

static void send(uint64_t a, uint64_t b, uint32_t size)
{
	uint64_t *p = kiln_user_ring_reserve(map("ring"), size);

	CHECK(p && (uintptr_t)p % 8 == 0);
	if (size > 0)
		p[0] = a;
	if (size > 8)
		p[1] = b;
	kiln_user_ring_submit(map("ring"), p);
}

static void drains(void)
{
	uint64_t out[3] = {0};
	void *p;

	CHECK(run("drain", out) == 0 && out[1] == 0);
	send(1, 10, 16);
	send(2, 0, 8);
	p = kiln_user_ring_reserve(map("ring"), 8);
	kiln_user_ring_discard(map("ring"), p);
	send(4, 20, 16);
	CHECK(run("drain", out) == 3 && out[1] == 7 && out[2] == 30);
	/* until the callback says so */
	send(99, 1, 16);
	send(5, 2, 16);
	CHECK(run("drain", out) == 1 && out[1] == 99 && out[2] == 1);
	CHECK(run("drain", out) == 1 && out[1] == 5 && out[2] == 2);
	send(0, 0, 4); /* too short for the callback */
	CHECK(run("drain", out) == 1 && out[1] == 0);
	/* what is not submitted yet holds back what comes behind */
	p = kiln_user_ring_reserve(map("ring"), 8);
	send(6, 0, 8);
	CHECK(run("drain", out) == 0);
	*(uint64_t *)p = 3;
	kiln_user_ring_submit(map("ring"), p);
	CHECK(run("drain", out) == 2 && out[1] == 9);
	out[0] = 4;
	CHECK((int64_t)run("drain", out) == -EINVAL);
	send(1, 1, 16);
	CHECK(run("nested", out) == 1 && (int64_t)out[0] == -EBUSY);
}

static void full(void)
{
	uint64_t out[3] = {0};
	int n = 0;

	CHECK(!kiln_user_ring_reserve(map("ring"), 8192));
	CHECK(!kiln_user_ring_reserve(map("events"), 8));
	for (void *p; (p = kiln_user_ring_reserve(map("ring"), 56)); n++) {
		memset(p, 0, 56);
		kiln_user_ring_submit(map("ring"), p);
	}
	CHECK(n == 63 && (int)run("drain", out) == n);
	send(1, 1, 16);
	CHECK(run("drain", out) == 1);
}

/* ---- bpf_xdp_output, bpf_skb_output -------------------------------------------- */

static char packet[] = "packet";
static uint32_t got;
static char seen[32];

const void *kiln_xdp_bytes(const void *xdp, size_t *size)
{
	CHECK(xdp == packet);
	*size = 6;
	return packet;
}

static void sample(void *ctx, int cpu, void *data, uint32_t size)
{
	(void)ctx, (void)cpu;
	got = size;
	memcpy(seen, data, size);
}

static int64_t output(uint64_t n, uint64_t xdp)
{
	uint64_t in[3] = {(uintptr_t)packet, n, xdp};

	return (int64_t)run("output", in);
}

static void outputs(void)
{
	struct kiln_map *m = map("events");

	CHECK(output(0, 1) == -ENOENT); /* nobody listens */
	CHECK(kiln_perf_consume(m, sample, NULL, NULL) == 0);
	CHECK(output(0, 1) == 0 && output(0, 0) == 0);
	CHECK(kiln_perf_consume(m, sample, NULL, NULL) == 2 && got == 4);
	CHECK(output(5, 0) == -EFAULT && output(7, 1) == -EFAULT);
	CHECK(output(5, 1) == 0);
	CHECK(kiln_perf_consume(m, sample, NULL, NULL) == 1 && got == 9);
	CHECK(!memcmp(seen + 4, "packe", 5));
}

int main(int argc, char **argv)
{
	host_init(argc, argv);
	drains();
	full();
	outputs();
	return 0;
}
