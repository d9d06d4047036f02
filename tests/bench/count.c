/*
 * One workload, linked with kiln's object and two of gcc's, runs each of them
 * between marks that count_plugin.c sees. counts.sh builds and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "count.h"
#include "kiln/context.h"
#include "kiln/runtime.h"

struct input { /* of bench.h */
	uint8_t bytes[2048];
	uint64_t result;
};

struct bench_map {
	const char *name;
	struct kiln_map *map;
};

extern struct bench_map *__start_bench_maps[] __attribute__((weak));
extern struct bench_map *__stop_bench_maps[] __attribute__((weak));

/* The workload by kiln, by gcc -O2, and by the same that does not vectorise. */
uint64_t bench(void *ctx);
void bench_gcc(struct input *in);
void bench_scalar(struct input *in);

uint64_t kiln_helper_map_lookup_elem(uint64_t map, uint64_t key);
void *bench_lookup(struct kiln_map *map, const void *key);

void *bench_lookup(struct kiln_map *map, const void *key)
{
	return (void *)(uintptr_t)kiln_helper_map_lookup_elem(
		(uintptr_t)map, (uintptr_t)key);
}

/* For kiln_port_random(), by ld --wrap: hashes are the same on every run. */
uint32_t __wrap_kiln_port_random(void);

uint32_t __wrap_kiln_port_random(void)
{
	return 1;
}

static void die(const char *what)
{
	fprintf(stderr, "count: %s\n", what);
	exit(1);
}

/* ---- input ------------------------------------------------------------------- */

static struct kiln_map *find_map(const char *name)
{
	return kiln_object_find_map(kiln_object_self(), name);
}

static void reset_map(const char *name)
{
	static const uint8_t zeros[sizeof(uint64_t) * 64];
	struct kiln_map *m = find_map(name);

	for (uint32_t key = 0; m && key < 256; key++)
		kiln_map_update(m, &key, zeros, 0);
}

/* The same state of all maps and bytes before every run. */
static void reset(struct input *in)
{
	struct kiln_map *flows = find_map("flows");
	uint64_t x = 88172645463325252u;

	memset(in, 0, sizeof(*in));
	for (size_t i = 0; i < sizeof(in->bytes); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		in->bytes[i] = (uint8_t)(x >> 32);
	}
	reset_map("counters");
	reset_map("percpu");
	for (uint32_t key = 0; flows && key < 256; key += 2) {
		uint64_t v = key * 3;

		kiln_map_update(flows, &key, &v, 0);
	}
}

/* ---- legs -------------------------------------------------------------------- */

static struct input native;
static struct input *mapped; /* of kiln's leg */

static void run_nothing(void)
{
	__asm__ volatile("");
}

static void run_kiln(void)
{
	struct kiln_xdp_md md = {0};
	uint8_t packet[64] = {0};

	kiln_xdp_md_init(&md, packet, packet, packet + sizeof(packet), packet);
	bench(&md);
}

static void run_gcc(void)
{
	bench_gcc(&native);
}

static void run_scalar(void)
{
	bench_scalar(&native);
}

/* Counts the second run: the first may set up what is set up once. */
static void count(const char *name, void (*run)(void), struct input *in)
{
	reset(in);
	run();
	reset(in);
	syscall(COUNT_MARK, name);
	run();
	syscall(COUNT_MARK, NULL);
}

int main(void)
{
	uint32_t zero = 0;

	mapped = bench_lookup(find_map("input"), &zero);
	if (!mapped)
		die("no map input");
	for (struct bench_map **m = __start_bench_maps; m < __stop_bench_maps;
		m++)
		(*m)->map = find_map((*m)->name);
	count("nothing", run_nothing, &native);
	count("kiln", run_kiln, mapped);
	count("gcc", run_gcc, &native);
	if (memcmp(mapped, &native, sizeof(native)))
		die("results differ");
	count("scalar", run_scalar, &native);
	if (memcmp(mapped, &native, sizeof(native)))
		die("results differ");
	return 0;
}
