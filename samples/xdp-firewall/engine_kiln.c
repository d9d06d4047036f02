/* The firewall as native code, linked into this program. */
#include <stdio.h>
#include <time.h>

#include <kiln/context.h>
#include <kiln/runtime.h>

#include "engine.h"

/* The BPF program's names are this program's symbols: */
uint64_t firewall(void *ctx);
extern uint64_t bytes_seen;
extern uint32_t last_drop;

const char engine_name[] = "kiln";

enum { ROOM = 256, FRAME = 4096 };

static struct kiln_object *object;

int engine_open(const char *bpf_object)
{
	(void)bpf_object; /* it is in this program already */
	object = kiln_object_self();
	return object ? 0 : -1;
}

void engine_close(void)
{
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int engine_run(void *packet, size_t size, unsigned repeat, uint32_t *verdict,
	uint32_t *ns)
{
	struct kiln_xdp_md md = {0};
	char *p = packet;

	kiln_xdp_md_init(&md, p, p, p + size, p + size);
	uint64_t start = now_ns();
	for (unsigned i = 0; i < repeat; i++)
		*verdict = (uint32_t)firewall(&md);
	*ns = (uint32_t)((now_ns() - start) / repeat);
	return 0;
}

int engine_update(const char *map, const void *key, const void *value)
{
	return kiln_map_update(
		kiln_object_find_map(object, map), key, value, 0);
}

int engine_lookup(const char *map, const void *key, void *value)
{
	return kiln_map_lookup(kiln_object_find_map(object, map), key, value);
}

int engine_next_key(const char *map, const void *key, void *next)
{
	return kiln_map_next_key(kiln_object_find_map(object, map), key, next);
}

unsigned engine_cpus(void)
{
	return kiln_object_find_map(object, "stats")->max_cpus;
}

uint64_t engine_bytes_seen(void)
{
	return bytes_seen;
}

uint32_t engine_last_drop(void)
{
	return last_drop;
}
