/*
 * Runs the programs p0, p1, ... of a generated source, each with maps and globals
 * of its own:
 *
 *   run_native FILE.kiln.o     compiled by kiln
 *   run_native ./FILE.so       compiled natively: the oracle
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiln/context.h"
#include "kiln/runtime.h"
#include "run.h"

enum { PATIENCE = 60, XDP = 6 /* BPF_PROG_TYPE_XDP */, NAME = 16 };

/* ---- packets ------------------------------------------------------------- */

typedef u64 run_fn(const void *prog, void *ctx);

static void run_packets(
	const char *name, bool xdp, run_fn *run, const void *prog)
{
	for (u32 i = 0; i < RUN_PACKETS; i++) {
		u8 room[RUN_ROOM] = {0};
		u32 n = run_packet(i, room + 64);
		struct kiln_xdp_md md = {0};
		struct kiln_sk_buff skb = {0};

		kiln_xdp_md_init(
			&md, room, room + 64, room + 64 + n, room + RUN_ROOM);
		kiln_sk_buff_init(
			&skb, room, room + 64, room + 64 + n, room + RUN_ROOM);
		u32 verdict = (u32)run(prog, xdp ? (void *)&md : &skb);
		run_say(name, i, verdict, room + 64, n);
	}
}

/* ---- by kiln ------------------------------------------------------------- */

static void say_map(const struct kiln_object *obj, const char *prog,
	const struct run_map *m)
{
	struct kiln_map *map = kiln_object_find_map(obj, m->name);
	struct run_sum s = {0};

	if (!map)
		return;
	size_t n = kiln_map_value_bytes(map);
	u8 *value = malloc(n);

	for (u32 key = 0; key < m->entries; key++) {
		if (kiln_map_lookup(map, &key, value))
			continue;
		for (size_t k = m->size; k < n; k++)
			value[k % m->size] ^= value[k];
		run_add(&s, key, value, m->size);
	}
	free(value);
	run_say_map(prog, m->name, &s);
}

static u64 run_loaded(const void *prog, void *ctx)
{
	return kiln_program_run(prog, ctx);
}

static bool by_kiln(const char *path, const char *name)
{
	struct kiln_object *obj = kiln_object_open_file(path, NULL);
	struct kiln_program *p;

	if (!obj || kiln_object_load(obj)) {
		printf("%s does not load\n", path);
		exit(1);
	}
	p = kiln_object_find_program(obj, name);
	if (p) {
		run_packets(name, kiln_program_type(p) == XDP, run_loaded, p);
		for (const struct run_map *m = run_maps; m->name; m++)
			say_map(obj, name, m);
	}
	kiln_object_close(obj);
	return p;
}

/* ---- natively ------------------------------------------------------------ */

/* As in prelude.h. */
struct stand_in {
	u32 max, size;
	u8 is_hash, used[32];
	u64 value[32][RUN_VALUE / 8];
};

static void say_stand_in(void *so, const char *prog, const struct run_map *m)
{
	const struct stand_in *map = dlsym(so, m->name);
	struct run_sum s = {0};

	for (u32 key = 0; key < map->max; key++)
		if (!map->is_hash || map->used[key])
			run_add(&s, key, (const u8 *)map->value[key], m->size);
	run_say_map(prog, m->name, &s);
}

struct entry {
	int (*fn)(void *ctx);
};

static u64 run_entry(const void *prog, void *ctx)
{
	return (u32)((const struct entry *)prog)->fn(ctx);
}

static bool natively(const char *path, const char *name, u32 i)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct entry e;

	if (!so) {
		printf("%s\n", dlerror());
		exit(1);
	}
	*(void **)&e.fn = dlsym(so, name);
	if (e.fn) {
		run_packets(name, i % 2 == 0, run_entry, &e);
		for (const struct run_map *m = run_maps; m->name; m++)
			say_stand_in(so, name, m);
	}
	dlclose(so);
	return e.fn;
}

int main(int argc, char **argv)
{
	char name[NAME];

	if (argc != 2) {
		fprintf(stderr, "usage: run_native FILE.kiln.o|./FILE.so\n");
		return 2;
	}
	bool so = strstr(argv[1], ".so");

	alarm(PATIENCE);
	for (u32 i = 0;; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		if (so ? !natively(argv[1], name, i) : !by_kiln(argv[1], name))
			return 0;
	}
}
