/*
 * Nanoseconds per map operation, net of the loop, beside the kernel's: there a
 * program with a loop of its own, run by BPF_PROG_TEST_RUN. Best of several
 * runs. Array lookups are calls here; compiled programs have them inline.
 *
 *   usage: bench_maps
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum { LOOP = 1000, RUNS = 2000, BEST_OF = 7, ENTRIES = 1024 };

enum op { OP_NOTHING, OP_LOOKUP, OP_UPDATE };

struct bench {
	const char *name;
	u32 type, entries;
	enum op op;
};

/* ---- the kernel -------------------------------------------------------------- */

/* r6 counts; key at fp-8, value at fp-16. */
static int loop_prog(int map, enum op op)
{
	struct bpf_insn insn[32] = {
		MOVI(6, 0), ST32(10, -8, 6), ST64(10, -16, 6)};
	const struct bpf_insn lookup[] = {LDMAP(1, map), MOV(2, 10),
		ADDI(2, -8), CALL(BPF_FUNC_map_lookup_elem)};
	const struct bpf_insn update[] = {LDMAP(1, map), MOV(2, 10),
		ADDI(2, -8), MOV(3, 10), ADDI(3, -16), MOVI(4, 0),
		CALL(BPF_FUNC_map_update_elem)};
	u32 n = 3;

	if (op == OP_LOOKUP) {
		memcpy(insn + n, lookup, sizeof(lookup));
		n += countof(lookup);
	} else if (op == OP_UPDATE) {
		memcpy(insn + n, update, sizeof(update));
		n += countof(update);
	}
	insn[n] = ADDI(6, 1);
	insn[n + 1] = JNEI(6, LOOP, (i16) - (int)(n + 1));
	insn[n + 2] = MOVI(0, 2);
	insn[n + 3] = EXIT;
	return kernel_prog(insn, n + 4);
}

static double time_prog(int map, enum op op)
{
	u8 packet[64] = {0};
	int prog = loop_prog(map, op);
	u32 ns, best = UINT32_MAX;

	if (prog < 0)
		return -1;
	for (int i = 0; i < BEST_OF; i++) {
		if (kernel_run(prog, packet, sizeof(packet), RUNS, &ns) != 2)
			return -1;
		best = ns < best ? ns : best;
	}
	close(prog);
	return (double)best / LOOP;
}

static double bench_kernel(const struct bench *b)
{
	int map = kernel_map(b->type, 4, 8, b->entries, 0);
	u8 *value = calloc(kernel_cpus(), 8);
	double ns = -1;

	for (u32 i = 0; map >= 0 && value && i < b->entries; i++)
		kernel_update(map, &i, value, 0);
	if (map >= 0)
		ns = time_prog(map, b->op) - time_prog(map, OP_NOTHING);
	free(value);
	close(map);
	return ns;
}

/* ---- ours --------------------------------------------------------------------- */

static const struct kiln_map_ops *ops_of(u32 type)
{
	switch (type) {
#define MAP_KIND(type, name, ops, ...) \
	case KILN_MAP_TYPE_##type:     \
		return &kiln_map_ops_##ops;
#include "kiln/maps.def"
#undef MAP_KIND
	}
	return NULL;
}

/* Keeps the compiler from seeing through what the loop does. */
static volatile u64 sink;

static u64 run_once(struct kiln_map *m, enum op op)
{
	u64 start = kiln_port_time_ns(), v;

	for (u32 i = 0; i < LOOP; i++) {
		volatile u32 key = i;

		v = i;
		if (op == OP_LOOKUP)
			sink = kiln_helper_map_lookup_elem(
				(uintptr_t)m, (uintptr_t)&key, 0, 0, 0);
		else if (op == OP_UPDATE)
			sink = kiln_helper_map_update_elem((uintptr_t)m,
				(uintptr_t)&key, (uintptr_t)&v, 0, 0);
		else
			sink = v;
	}
	return kiln_port_time_ns() - start;
}

static double time_ours(struct kiln_map *m, enum op op)
{
	u64 best = UINT64_MAX, ns;

	for (int i = 0; i < RUNS; i++) {
		ns = run_once(m, op);
		best = ns < best ? ns : best;
	}
	return (double)best / LOOP;
}

static double bench_ours(const struct bench *b)
{
	struct kiln_map m = {.type = b->type,
		.key_size = 4,
		.value_size = 8,
		.max_entries = b->entries,
		.max_cpus = 64,
		.ops = (uintptr_t)ops_of(b->type)};
	u64 *value = calloc(64, 8);
	double ns;

	for (u32 i = 0; value && i < b->entries; i++)
		kiln_map_update(&m, &i, value, 0);
	free(value);
	kiln_scope_enter();
	ns = time_ours(&m, b->op) - time_ours(&m, OP_NOTHING);
	kiln_scope_leave();
	return ns;
}

static double bench_scope(void)
{
	u64 best = UINT64_MAX, ns;

	for (int r = 0; r < RUNS; r++) {
		ns = kiln_port_time_ns();
		for (u32 i = 0; i < LOOP; i++) {
			kiln_scope_enter();
			kiln_scope_leave();
		}
		ns = kiln_port_time_ns() - ns;
		best = ns < best ? ns : best;
	}
	return (double)best / LOOP;
}

int main(void)
{
	static const struct bench bench[] = {
		{"array lookup", 2, ENTRIES, OP_LOOKUP},
		{"array update", 2, ENTRIES, OP_UPDATE},
		{"per-CPU array lookup", 6, ENTRIES, OP_LOOKUP},
		{"hash lookup", 1, ENTRIES, OP_LOOKUP},
		{"hash update", 1, ENTRIES, OP_UPDATE},
		{"per-CPU hash lookup", 5, ENTRIES, OP_LOOKUP},
		{"per-CPU hash update", 5, ENTRIES, OP_UPDATE},
		{"LRU lookup", 9, 2 * ENTRIES, OP_LOOKUP},
		{"LRU update", 9, 2 * ENTRIES, OP_UPDATE},
		{"LRU update, evicting", 9, ENTRIES / 4, OP_UPDATE},
		{"per-CPU LRU lookup", 10, 2 * ENTRIES, OP_LOOKUP},
		{"per-CPU LRU update", 10, 2 * ENTRIES, OP_UPDATE},
		{"per-CPU LRU, evicting", 10, ENTRIES / 4, OP_UPDATE},
	};
	bool kernel = kernel_is_there();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	printf("%-24s %8s %8s\n", "ns per operation", "kiln", "kernel");
	for (size_t i = 0; i < countof(bench); i++) {
		printf("%-24s %8.2f", bench[i].name, bench_ours(&bench[i]));
		if (kernel)
			printf(" %8.2f", bench_kernel(&bench[i]));
		printf("\n");
		fflush(stdout);
	}
	printf("%-24s %8.2f\n", "scope enter and leave", bench_scope());
	return 0;
}
